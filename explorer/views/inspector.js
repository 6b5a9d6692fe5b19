// The clicked row and its true nearest rows: which of them each map kept and lost, and which rows near it on a map are none; and rows like
// some and unlike others. What is found is the server's to say. Text from the data goes through textContent only.

const PATHS = {
  back: "M10 3 5 8l5 5", forward: "M6 3l5 5-5 5", plus: "M8 3v10M3 8h10", minus: "M3 8h10", close: "M3 3l10 10M13 3 3 13",
  kept: "M8 3a5 5 0 1 0 .01 0", lost: "M8 2l6 6-6 6-6-6z", false: "M3 3l10 10M13 3 3 13",
};
const FATES = {kept: "kept", lost: "lost", false: "false"};
const MODIFIED = "Shift adds to the selection, Alt takes away, Ctrl keeps only what is in both.";

const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const icon = name => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  made.setAttribute("viewBox", "0 0 16 16");
  made.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
};
const button = (name, content, title, act) => {
  const made = element("button", name);
  made.type = "button";
  made.title = title;
  if (typeof content === "string") made.textContent = content;
  else {
    made.append(content);
    made.setAttribute("aria-label", title);
  }
  made.addEventListener("click", act);
  return made;
};
const picture = source => {
  const made = element("img");
  made.src = source;
  made.alt = "";
  return made;
};
const mode_of = event => event.shiftKey ? "add" : event.altKey ? "subtract" : event.ctrlKey || event.metaKey ? "intersect" : "replace";
const fate = (kind, text) => {
  const made = element("span", `fate ${kind}`);
  made.append(icon(kind), element("span", "", text));
  return made;
};

export function render({model}) {
  const box = element("div", "inspector"), ways = element("div", "ways"), row_box = element("div"), near_box = element("div"), tray_box = element("div", "tray");
  box.append(ways, row_box, near_box, tray_box);
  let map_at = 0, pointed = null, opened = false, shows_other = true;
  const send = message => model.send_msg(message);
  const point = row => {
    if (row === pointed) return;
    pointed = row;
    send({type: "point", row});
  };

  // ---- back, forward, and the row itself among those that others should be like
  const back = button("icon", icon("back"), "Back to the row before (Alt and ←)", () => send({type: "back"}));
  const forward = button("icon", icon("forward"), "Forward (Alt and →)", () => send({type: "forward"}));
  const like = button("act", "+ Like this", "Find rows like this one", () => give(model.content.row, "liked"));
  const unlike = button("act", "− Unlike this", "Find rows unlike this one", () => give(model.content.row, "disliked"));
  ways.append(back, forward, element("span", "space"), like, unlike);
  const side_of = row => model.tray.liked?.some(given => given.row === row) ? "liked" : model.tray.disliked?.some(given => given.row === row) ? "disliked" : "";
  const give = (row, side) => send({type: "give", row, side: side_of(row) === side ? "neither" : side});
  box.addEventListener("keydown", event => {
    if (!event.altKey || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();  // of the browser's own history
    event.stopPropagation();
    send({type: event.key === "ArrowLeft" ? "back" : "forward"});
  });
  const mark_given = () => {
    like.setAttribute("aria-pressed", String(side_of(model.content.row) === "liked"));
    unlike.setAttribute("aria-pressed", String(side_of(model.content.row) === "disliked"));
    for (const made of box.querySelectorAll(".give")) made.setAttribute("aria-pressed", String(side_of(Number(made.dataset.of)) === made.dataset.side));
  };
  const draw_ways = () => {
    const {can_go_back, can_go_forward} = model.ways, can_give = Boolean(model.content.can_give);
    back.disabled = !can_go_back;
    forward.disabled = !can_go_forward;
    like.hidden = unlike.hidden = !can_give;
    ways.hidden = !can_go_back && !can_go_forward && !can_give;
  };

  // ---- a row of a list
  const item = (n, at, farthest, judged) => {
    const made = element("li"), label = element("span", "label"), bar = element("span", "bar"), length = element("i");
    const look = button("near", "", n.label, () => send({type: "look", row: n.row}));
    look.dataset.row = n.row;
    if (n.image) label.append(picture(n.image));
    if (n.color) {
      const dot = element("i");
      dot.style.background = n.color;
      label.append(dot);
    }
    label.append(element("span", "", n.label));
    length.style.width = `${100 * (n.distance ?? 0) / farthest}%`;
    bar.append(length);
    look.append(element("span", "rank", at), label, element("span", "distance", n.distance === null ? "" : n.distance.toFixed(4)), element("span"), bar);
    if (judged) {
      look.append(judged);
      look.classList.add("judged");
    }
    made.addEventListener("pointerenter", () => point(n.row));
    made.addEventListener("pointerleave", () => point(null));
    look.addEventListener("focus", () => { if (look.matches(":focus-visible")) point(n.row); });
    look.addEventListener("blur", () => point(null));
    made.append(look);
    for (const [side, sign, title] of [["liked", "plus", "More like this"], ["disliked", "minus", "Less like this"]]) {
      const given = button("give", icon(sign), `${title}: ${n.label}`, () => give(n.row, side));
      given.dataset.of = n.row;
      given.dataset.side = side;
      made.append(given);
    }
    return made;
  };
  const reach = list => Math.max(1e-12, ...list.map(n => n.distance ?? 0));

  // ---- the row
  let shows_measured = false;
  const listed = pairs => {
    const fields = element("dl");
    for (const [name, value] of pairs) {
      const described = element("dd");
      if (/^https?:\/\/\S+$/.test(value)) {
        const link = element("a", "", value);
        link.href = value;
        link.target = "_blank";
        link.rel = "noopener noreferrer";
        described.append(link);
      } else described.textContent = value;
      fields.append(element("dt", "", name), described);
    }
    return fields;
  };
  const draw_row = () => {
    point(null);  // the button under the pointer goes, and says nothing when it goes
    const {hint, card, source} = model.content;
    row_box.replaceChildren();
    if (hint) row_box.append(element("div", "hint", hint));
    if (card) {
      row_box.append(element("div", "head", card.title));
      if (card.image) row_box.append(picture(card.image));
      if (card.fields.length) row_box.append(listed(card.fields));
      if (card.measured.length) {
        const measured = element("details", "measured"), summary = element("summary", "", `Measured here (${card.measured.length})`);
        measured.open = shows_measured;
        measured.addEventListener("toggle", () => { shows_measured = measured.open; });
        measured.append(summary, listed(card.measured));
        row_box.append(measured);
      }
      if (source) row_box.append(element("div", "source", source));
    }
    draw_near();
    draw_ways();
  };

  // ---- its neighbors
  const judgment = (map, at) => {
    if (!map) return null;
    if (map.kept[at]) return fate("kept", FATES.kept);
    const rank = map.ranks[at];
    const made = fate("lost", rank ? `lost · #${rank.toLocaleString("en-US")}` : FATES.lost);
    made.title = rank ? `On the map, ${(rank - 1).toLocaleString("en-US")} rows are nearer.` : "It is not on the map.";
    return made;
  };
  const draw_near = () => {
    const focused = box.getRootNode().activeElement?.dataset?.row, neighbors = model.content.neighbors || [];
    const maps = model.maps, map = maps[Math.min(map_at, maps.length - 1)], farthest = reach([...neighbors, ...(map?.falses || [])]);
    near_box.replaceChildren();
    if (!neighbors.length) return;
    if (maps.length) {
      const lines = element("div", "maps");
      maps.forEach((made, at) => {
        const several = maps.length > 1, line = element(several ? "button" : "div", "map-line");
        if (several) {
          line.type = "button";
          line.title = "Say in the list what this map kept and lost";
          line.setAttribute("aria-pressed", String(made === map));
          line.addEventListener("click", () => {
            map_at = at;
            draw_near();
            near_box.querySelectorAll(".map-line")[at].focus();
          });
        }
        const n_kept = made.kept.filter(Boolean).length;
        line.append(element("b", "", made.title), fate("kept", `${n_kept} kept`), fate("lost", `${made.kept.length - n_kept} lost`), fate("false", `${made.falses.length} false`));
        lines.append(line);
      });
      near_box.append(lines);
    }
    const acts = element("div", "acts");
    acts.append(
      button("act", "Select them", `Select this row and its neighbors. ${MODIFIED}`, event => send({type: "select", what: "neighbors", mode: mode_of(event)})),
      button("act", "And their neighbors", `Select this row, its neighbors and theirs. ${MODIFIED}`, event => send({type: "select", what: "two steps", mode: mode_of(event)})),
    );
    const list = element("ol");
    list.append(...neighbors.map((n, at) => item(n, String(at + 1), farthest, judgment(map, at))));
    near_box.append(acts, list);
    if (map?.falses.length) {
      const fold = element("details"), title = element("summary"), falses = element("ul");
      fold.open = opened;
      fold.addEventListener("toggle", () => { opened = fold.open; });
      title.append(fate("false", `${map.falses.length} false: near on the map, far in truth`));
      falses.append(...map.falses.map(n => item(n, "", farthest, fate("false", FATES.false))));
      fold.append(title, falses);
      near_box.append(fold);
    }
    const other = model.content.other;
    if (other) {
      const fold = element("details"), list = element("ul"), farthest = reach(other.neighbors);
      fold.open = shows_other;
      fold.addEventListener("toggle", () => { shows_other = fold.open; });
      list.append(...other.neighbors.map((n, at) => item(n, String(at + 1), farthest, other.same[at] ? fate("kept", "same") : fate("lost", "other"))));
      fold.append(element("summary", "", other.title), list);
      near_box.append(fold);
    }
    mark_given();
    if (focused !== undefined) near_box.querySelector(`[data-row="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
  };

  // ---- rows like some, unlike others
  const draw_tray = () => {
    const {liked = [], disliked = [], found = null, note = ""} = model.tray;
    tray_box.replaceChildren();
    tray_box.hidden = !liked.length && !disliked.length;
    mark_given();
    if (tray_box.hidden) return;
    tray_box.append(element("div", "head", "More like these"));
    const chips = element("div", "chips");
    for (const [sign, rows] of [["+", liked], ["−", disliked]]) for (const {row, label} of rows) {
      const chip = element("span", "chip");
      chip.append(element("b", "", sign), element("span", "", label), button("", icon("close"), `Take ${label} away`, () => send({type: "give", row, side: "neither"})));
      chips.append(chip);
    }
    tray_box.append(chips);
    if (note) tray_box.append(element("div", "source", note));
    const acts = element("div", "acts");
    if (found?.length) acts.append(button("act", "Select them", `Select the rows in this list. ${MODIFIED}`, event => send({type: "select", what: "alike", mode: mode_of(event)})));
    acts.append(button("act", "Clear", "Take all of them away", () => send({type: "forget"})));
    tray_box.append(acts);
    if (found?.length) {
      const list = element("ul"), farthest = reach(found);
      list.append(...found.map((n, at) => item(n, String(at + 1), farthest, null)));
      tray_box.append(list);
      mark_given();
    }
  };

  model.on("content", draw_row);
  model.on("maps", draw_near);
  model.on("tray", draw_tray);
  model.on("ways", draw_ways);
  draw_row();
  draw_tray();
  return box;
}
