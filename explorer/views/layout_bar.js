// Which layout is on a map, and the way between two of them: a toggle, and a scrubber that plays. Names of layouts go through textContent only.
// It speaks to its map in the browser (explorer-scrub) and hears from it where on the way it is (explorer-traveled).
const SPEEDS = [[0.25, "¼×"], [0.5, "½×"], [1, "1×"], [2, "2×"]];
const GAP = 2, GAP_OF_PARTS = 10, PADDING = 3;  // pixels, as the style sheet has them
const TURN_MS = 500;                    // a loop rests so long at either end
const AGAIN_MS = 5000;  // after so long without an answer the server is asked once more
const FINE = 1000;
const percent = share => share > 0 && share < 0.0005 ? "<0.1%" : share < 0.0995 ? `${(100 * share).toFixed(1)}%` : `${Math.round(100 * share)}%`;

export function render({model}) {
  const element = (tag, name, text = "") => {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text;
    return made;
  };
  const frame = element("div", "frame"), bar = element("div", "bar"), layouts = element("div", "layouts"), way = element("div", "way");
  const rest = element("select", "rest"), from = element("select", "end"), to = element("select", "end"), speed = element("select", "speed");
  const play = element("button", "play", "▶"), loop = element("button", "loop", "⟳"), slider = element("input", "slider");
  layouts.setAttribute("role", "group");
  layouts.setAttribute("aria-label", "Layout on this map");
  from.setAttribute("aria-label", "From this layout");
  to.setAttribute("aria-label", "To this layout");
  speed.setAttribute("aria-label", "Speed");
  speed.title = "Speed";
  loop.setAttribute("aria-label", "Back and forth, again and again");
  loop.title = "Back and forth, again and again";
  loop.setAttribute("aria-pressed", "false");
  Object.assign(slider, {type: "range", min: 0, max: FINE, step: 1, value: 0});
  slider.setAttribute("aria-label", "Place on the way between two layouts");
  for (const [times, name] of SPEEDS) speed.add(new Option(name, times, times === 1, times === 1));
  const color = element("button", "color");
  color.append(element("span", "long", "Color by "), element("span", "short", "movement"));
  color.setAttribute("aria-label", "Color by movement");
  color.addEventListener("click", () => model.send_msg({type: "color", ...ends()}));
  way.append(from, play, slider, to, loop, speed, color);
  const more = element("button", "more", "⇄");  // where there is little room, the way is shown when it is asked for
  more.setAttribute("aria-label", "The way between two layouts");
  more.title = "The way between two layouts";
  more.addEventListener("click", () => {
    bar.classList.toggle("open");
    more.setAttribute("aria-pressed", String(bar.classList.contains("open")));
  });
  more.setAttribute("aria-pressed", "false");
  bar.append(layouts, more, way);
  frame.append(bar);

  let number = 0, t = 0, playing = false;
  let wanted = null;  // what to do once the way is there: a place, or "play"
  let turning = 0, looping = false;
  let asked = -Infinity;  // when the server was asked for a way last

  const tell = detail => window.dispatchEvent(new CustomEvent("explorer-scrub", {detail: {plane: model.plane, ...detail}}));
  const go = title => { stop_looping(); model.send_msg({type: "show", title}); };
  const stop_looping = () => { clearTimeout(turning); looping = false; };
  const start_playing = () => {
    looping = loop.getAttribute("aria-pressed") === "true";
    tell({play: t >= 1 ? 0 : 1, ms: model.content.ms / Number(speed.value)});
  };
  const do_wanted = () => {
    if (wanted === null || !number) return;
    const next = wanted;
    wanted = null;
    if (next === "play") start_playing(); else tell({t: next});
  };
  const ask_for_way = () => {  // the server finds it
    const {start, goal} = ends();
    asked = performance.now();
    model.send_msg({type: "between", start, goal});
  };
  const ask_once = () => {  // each answer would put the map at the beginning again
    if (performance.now() - asked > AGAIN_MS) ask_for_way();
  };
  const ends = () => ({start: from.value, goal: to.value});
  const scrub = () => {
    stop_looping();
    wanted = slider.value / FINE;
    if (number) do_wanted(); else if (wanted > 0) ask_once();
  };
  slider.addEventListener("input", scrub);
  play.addEventListener("click", () => {
    if (playing || looping) {
      stop_looping();
      tell({pause: true});
    } else {
      wanted = "play";
      if (number) do_wanted(); else ask_once();
    }
    show();
  });
  loop.addEventListener("click", () => {
    const on = loop.getAttribute("aria-pressed") !== "true";
    loop.setAttribute("aria-pressed", String(on));
    looping = on && playing;
  });
  for (const end of [from, to]) end.addEventListener("change", () => {
    const other = end === from ? to : from;
    if (other.value === end.value) other.value = model.content.titles.find(title => title !== end.value) ?? end.value;
    stop_looping();
    wanted = 0;
    ask_for_way();
  });

  const on_traveled = event => {
    if (event.detail.plane !== model.plane) return;
    const was_playing = playing;
    ({number, t, playing} = event.detail);
    if (number) asked = -Infinity;  // that was the answer; once the map has left the way, another one may be asked for at once
    if (number && wanted !== null) do_wanted();
    if (was_playing && !playing && looping && (t === 0 || t === 1)) {
      turning = setTimeout(() => tell({play: t >= 1 ? 0 : 1, ms: model.content.ms / Number(speed.value)}), TURN_MS);
    }
    show();
  };
  window.addEventListener("explorer-traveled", on_traveled);
  const on_play = event => {  // the key, of the map that it is for
    if (event.detail.plane === model.plane && bar.isConnected && model.content.titles.length > 1) play.click();
  };
  window.addEventListener("explorer-play", on_play);

  // How much of the true neighborhoods a layout keeps, as a figure with a bar: drawn by the style sheet, the text stays the name.
  const tell_quality = (made, title) => {
    const measured = model.content.kept?.[title];
    made.classList.toggle("measured", Boolean(measured));
    made.title = "";
    if (!measured) return;
    const [k, share, chance] = measured;
    made.style.setProperty("--kept", share);
    made.dataset.kept = percent(share);
    made.title = `Keeps ${percent(share)} of each row's ${k} true neighbors (by chance ${percent(chance)}); more in the panel Quality`;
  };
  const with_quality = title => {
    const measured = model.content.kept?.[title];
    return measured ? `${title} · ${percent(measured[1])}` : title;
  };

  // One line, whatever its width: first the way gets narrower, then names of layouts that have no room go into the list "+3" beside the others.
  // What is on the map always has its button.
  let buttons = new Map();
  rest.addEventListener("change", () => {
    const title = rest.value;
    rest.value = "";
    if (title) go(title);
  });
  const rest_of = hidden => {
    rest.replaceChildren(new Option(`+${hidden.length}`, "", true, true), ...hidden.map(name => {
      const option = new Option(name, name);
      option.label = with_quality(name);
      return option;
    }));
    rest.options[0].hidden = true;
    const what = `${hidden.length} more ${hidden.length === 1 ? "layout" : "layouts"}`;
    rest.setAttribute("aria-label", what);
    rest.title = `${what}: ${hidden.map(with_quality).join(", ")}`;
  };
  const fit = () => {
    const room = frame.clientWidth, {title} = model.content, names = [...buttons.keys()], focused = bar.getRootNode().activeElement;
    layouts.replaceChildren(...buttons.values(), rest);
    if (!room || bar.hidden) return;  // it is not on the page yet
    bar.classList.remove("tight");
    bar.classList.add("measuring");  // everything as wide as it wants to be
    const sizes = new Map([...buttons].map(([name, button]) => [name, button.offsetWidth + GAP]));
    const all = names.reduce((sum, name) => sum + sizes.get(name), 0), edges = bar.offsetWidth - bar.clientWidth + 2 * PADDING + GAP_OF_PARTS;
    const beside = () => edges + (more.offsetWidth || way.offsetWidth);  // where there is little room, the way has a line of its own
    if (!more.offsetWidth && all + beside() > room) bar.classList.add("tight");
    let left = room - beside(), shown = new Set(names);
    if (all > left) {
      left -= rest.offsetWidth;
      shown = new Set();
      for (const name of [title, ...names]) {
        if (!buttons.has(name) || shown.has(name) || (shown.size && sizes.get(name) > left)) continue;
        left -= sizes.get(name);
        shown.add(name);
      }
    }
    bar.classList.remove("measuring");
    const hidden = names.filter(name => !shown.has(name));
    if (hidden.length) rest_of(hidden);
    layouts.replaceChildren(...names.filter(name => shown.has(name)).map(name => buttons.get(name)), ...(hidden.length ? [rest] : []));
    if (focused && focused !== bar.getRootNode().activeElement) (focused.isConnected ? focused : buttons.get(title) ?? rest).focus({preventScroll: true});
  };
  const show = () => {
    const {title} = model.content;
    for (const [name, button] of buttons) button.setAttribute("aria-pressed", String(name === title));
    for (const end of [from, to]) end.title = end.value;
    const busy = playing || looping;
    play.textContent = busy ? "❚❚" : "▶";
    play.setAttribute("aria-label", busy ? "Pause" : "Play the way between the two layouts");
    play.title = busy ? "Pause" : "Play (P)";
    if (typeof wanted !== "number") slider.value = Math.round(t * FINE);  // else it waits for the way where somebody has put it
    const {moved, why_not} = model.content;
    color.disabled = moved === "unknown";
    color.setAttribute("aria-disabled", String(Boolean(why_not)));  // it can be pressed, and says why
    color.classList.toggle("awaited", moved === "awaited");
    color.setAttribute("aria-pressed", String(moved === "color"));
    color.title = why_not || {
      color: "Color as before",
      awaited: "How far each row moved is being measured; press again not to wait for it",
    }[moved] ?? "Color by how far each row moved relative to its neighbors";
    slider.setAttribute("aria-valuetext", `${Math.round(100 * t)} % of the way from ${from.value} to ${to.value}`);
  };
  const update = () => {
    const {titles, start, goal} = model.content, before = buttons;
    buttons = new Map(titles.map(name => {
      const button = before.get(name) ?? element("button", "layout");
      if (!before.has(name)) {
        button.append(element("span", "name", name));
        button.setAttribute("aria-label", name);
        button.addEventListener("click", () => go(name));
      }
      tell_quality(button, name);
      return [name, button];
    }));
    for (const [end, value] of [[from, start], [to, goal]]) {
      end.replaceChildren(...titles.map(name => new Option(name, name)));
      if (titles.includes(value)) end.value = value;
      else end.add(new Option(value, value, true, true));
    }
    bar.hidden = !titles.length;
    bar.classList.toggle("lone", titles.length < 2);  // there is no way between two
    show();
    fit();
  };
  let fitted = 0;
  const sized = new ResizeObserver(() => {
    if (frame.clientWidth === fitted) return;
    fitted = frame.clientWidth;
    fit();
  });
  sized.observe(frame);
  model.on("content", update);
  model.on("remove", () => {
    stop_looping();
    window.removeEventListener("explorer-traveled", on_traveled);
    window.removeEventListener("explorer-play", on_play);
    sized.disconnect();
  });
  update();
  return frame;
}
