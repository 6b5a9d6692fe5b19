// How good the layouts are, compared, and how much of them is chance. Names of layouts and columns go through textContent only.
const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const clamp = value => Math.max(0, Math.min(1, value));
const percent = share => share > 0 && share < 0.0005 ? "<0.1%" : share < 0.0995 ? `${(100 * share).toFixed(1)}%` : `${Math.round(100 * share)}%`;
const plain = value => value.toFixed(3).replace("-", "−");
const WHOLE = [
  ["trustworthiness", "Trustworthiness", "1: what is near on the map is near in the data, too. The mark is what chance gives."],
  ["continuity", "Continuity", "1: what is near in the data is near on the map, too. The mark is what chance gives."],
  ["triplets", "Order of three", "Of three random rows, how often the map keeps which two are nearer. By chance half of the time."],
  ["correlation", "Distances", "Rank correlation of distances in the data and on the map. 0 by chance, 1 where their order is the same."],
];

export function render({model}) {
  const box = element("div", "quality"), hint = element("p", "hint"), todo = element("div"), figures = element("div"), around = element("div");
  const steady = element("div"), runs_bar = element("progress"), runs_stop = element("button", "act", "Stop these runs");
  const shepard = element("figure"), canvas = element("canvas"), graph = element("p"), bar = element("progress");
  const stop = element("button", "act", "Stop measuring");
  stop.type = "button";
  stop.dataset.key = "stop";
  stop.addEventListener("click", () => model.send_msg({type: "stop"}));
  runs_stop.type = "button";
  runs_stop.dataset.key = "stop runs";
  runs_stop.addEventListener("click", () => model.send_msg({type: "stop_runs"}));
  shepard.append(element("span", "up", "on the map"), canvas, element("span", "along", "distance in the data"));
  canvas.setAttribute("role", "img");
  bar.max = runs_bar.max = 1;
  box.append(hint, todo, figures, shepard, steady, around, graph);
  let k = 15, drawn = "", running = "";

  const button = (name, text, act, key) => {  // the key finds it again when everything is drawn anew: the focus stays
    const made = element("button", name, text);
    made.type = "button";
    made.dataset.key = key;
    made.addEventListener("click", act);
    return made;
  };
  const heading = (text, title) => {
    const made = element("h4");
    made.append(element("span", "", text));
    made.title = title;
    return made;
  };
  // One layout's line below a heading; "what" names its column, where there is one to color by.
  const line = (layout, value, told, {chance, what, kind = ""}) => {
    const made = what ? button("line", "", () => model.send_msg({type: "color", title: layout.title, what}), `${what} ${layout.title}`) : element("div", "line");
    if (kind) made.classList.add(kind);
    made.classList.toggle("here", layout.on_map);
    const name = element("span", "name", layout.title), gauge = element("span", "gauge"), full = element("i");
    name.dir = "auto";
    name.title = layout.title;
    full.style.width = `${100 * clamp(value)}%`;
    gauge.append(full);
    if (chance !== undefined) {
      const mark = element("u");
      mark.style.left = `${100 * clamp(chance)}%`;
      gauge.append(mark);
    }
    if (what) {
      const on = layout.colors.includes(what);
      made.setAttribute("aria-pressed", String(on));
      made.title = on ? "Color as before" : "Color the maps by this, row by row";
    }
    made.append(name, gauge, element("span", "told", told));
    return made;
  };
  const kept_of = layout => layout.kept.find(([size]) => size === k) ?? layout.kept.at(-1);

  const draw_figures = known => {
    figures.replaceChildren();
    if (!known.length) return;
    const sizes = element("span", "sizes"), all = [...new Set(known.flatMap(layout => layout.kept.map(([size]) => size)))].sort((a, b) => a - b);
    if (!all.includes(k)) k = all.includes(15) ? 15 : all.at(-1);
    const kept = heading("True neighbors kept", "Which share of each row's nearest neighbors in the data are its nearest on the map, too. The mark is what chance gives.");
    for (const size of all) {
      const choice = button("", String(size), () => { k = size; update(); }, `of ${size}`);
      choice.setAttribute("aria-pressed", String(size === k));
      choice.setAttribute("aria-label", `Of the ${size} nearest`);
      sizes.append(choice);
    }
    if (all.length > 1) kept.append(sizes);
    figures.append(kept);
    for (const layout of known) {
      const [size, share, chance] = kept_of(layout);
      figures.append(line(layout, share, percent(share), {chance, what: `kept ${size}`}));
    }
    for (const layout of known.filter(layout => layout.remark)) {
      const remark = element("p", "hint", `${layout.title}: ${layout.remark}`);
      remark.dir = "auto";
      figures.append(remark);
    }
    figures.append(heading("False neighbors", "Near on the map, not near in the data. Fewer are better."));
    for (const layout of known) figures.append(line(layout, layout.false, percent(layout.false), {what: "false", kind: "false"}));
    figures.append(heading("Missing neighbors", "Near in the data, not near on the map. Fewer are better."));
    for (const layout of known) figures.append(line(layout, layout.missing, percent(layout.missing), {what: "missing", kind: "lost"}));
    for (const [name, title, meaning] of WHOLE) {
      const some = known.filter(layout => name in layout.whole);
      if (some.length) figures.append(heading(title, meaning));
      for (const layout of some) figures.append(line(layout, layout.whole[name], plain(layout.whole[name]), {chance: layout.control[name]}));
    }
  };
  let state = null;  // what says how far it is; the line of a layout, while that is measured
  const draw_progress = () => {
    const {fraction = 0} = model.progress;
    bar.value = fraction;
    if (state) state.textContent = `measuring, ${Math.round(100 * fraction)}%`;
  };
  const draw_todo = layouts => {
    todo.replaceChildren();
    state = null;
    const {title: measuring} = model.progress;
    for (const layout of layouts.filter(layout => layout.state !== "known")) {
      const made = element("div", "todo"), name = element("span", "name", layout.title);
      name.dir = "auto";
      made.append(name);
      if (layout.title === measuring) made.append(state = element("span", "state"));
      else if (layout.state === "waiting") made.append(element("span", "state", "waits"));
      else if (model.content.fixed) made.append(element("span", "state", "not measured"));
      else made.append(button("act", "Measure", () => model.send_msg({type: "measure", title: layout.title}), `measure ${layout.title}`));
      if (layout.failed) made.append(element("span", "why", layout.failed));
      made.style.flexWrap = layout.failed ? "wrap" : "";
      todo.append(made);
    }
    if (measuring) {
      bar.setAttribute("aria-label", `Measuring ${measuring}`);
      todo.append(bar, stop);
    }
    drawn = measuring;
    draw_progress();
  };
  let run_state = null;  // the same of the layout that is run again
  const draw_runs = () => {
    const {fraction = 0, stage} = model.runs;
    runs_bar.value = fraction;
    if (run_state) run_state.textContent = `${stage || "starting"}, ${Math.round(100 * fraction)}%`;
  };
  const draw_steady = layouts => {
    steady.replaceChildren();
    run_state = null;
    running = model.runs.title ?? "";
    if (!layouts.length) return;
    const known = layouts.filter(layout => layout.steady.state === "known");
    steady.append(heading("Stability", "How much of a map is chance: the same method again, with other seeds"));
    for (const layout of layouts.filter(layout => layout.steady.state !== "known")) {
      const made = element("div", "todo"), name = element("span", "name", layout.title), {state: at, why} = layout.steady;
      name.dir = "auto";
      made.append(name);
      if (layout.title === running) made.append(run_state = element("span", "state"));
      else if (at === "waiting") made.append(element("span", "state", "waits"));
      else if (at === "unknown" && model.content.fixed) made.append(element("span", "state", "not measured"));
      else if (at === "unknown") made.append(button("act", "Measure stability", () => model.send_msg({type: "run_again", title: layout.title}), `run again ${layout.title}`));
      if (why) made.append(element("span", "why", why));
      made.style.flexWrap = why ? "wrap" : "";
      steady.append(made);
    }
    if (running) {
      runs_bar.setAttribute("aria-label", `Running ${running} again`);
      steady.append(runs_bar, runs_stop);
    }
    if (known.length) steady.append(heading("Wobble", "How far a row lies from its mean place over all runs, as a share of the map's width: the median. Less is steadier. The mark is what chance gives."));
    for (const layout of known) {  // a bar is full at half the map's width: chance gives about a third
      const {wobble, control} = layout.steady;
      steady.append(line(layout, 2 * wobble, percent(wobble), {chance: 2 * control, what: "wobble", kind: "false"}));
    }
    if (known.length) steady.append(heading("Neighbors on the map kept over runs", "Which share of a row's 15 nearest on the map are its 15 nearest in another run, too. The mark is what chance gives."));
    for (const layout of known) {
      const {kept, chance} = layout.steady;
      steady.append(line(layout, kept, percent(kept), {chance, what: "kept over runs"}));
    }
    draw_runs();
  };
  const draw_around = listed => {
    around.replaceChildren();
    if (!listed.length) return;
    const chips = element("div", "pills");
    for (const {what, column, name, meaning, on} of listed) {
      const chip = button("pill", name, () => model.send_msg(column === undefined ? {type: "color", what} : {type: "disagreement", column}), name);
      chip.setAttribute("aria-pressed", String(on));
      chip.title = `${meaning} ${on ? "Press to color as before." : ""}`.trim();
      chips.append(chip);
    }
    around.append(heading("Color by each row's neighborhood", "What the neighbor graph says of each row, whatever the map"), chips);
  };
  const draw_pairs = pairs => {
    shepard.hidden = !pairs;
    if (!pairs) return;
    const {counts, title} = pairs, size = counts.length, most = Math.max(...counts.flat());
    canvas.width = canvas.height = size;
    canvas.setAttribute("aria-label", `Pairs of rows by their distance in the data and on ${title}`);
    canvas.title = `Shepard's diagram of ${title}: pairs of rows, by how far apart they are in the data and on the map. A straight line: true to scale.`;
    const pen = canvas.getContext("2d"), picture = pen.createImageData(size, size);
    for (let x = 0; x < size; x++) for (let y = 0; y < size; y++) {
      const at = 4 * ((size - 1 - y) * size + x), weight = counts[x][y] ? 0.15 + 0.85 * Math.sqrt(counts[x][y] / most) : 0;
      picture.data.set([25, 118, 210, Math.round(255 * weight)], at);
    }
    pen.putImageData(picture, 0, 0);
  };
  const update = () => {
    const {hint: sentence, layouts = [], graph: facts, neighborhoods = [], pairs} = model.content;
    const focused = box.getRootNode().activeElement?.dataset?.key;
    hint.textContent = sentence ?? "";
    hint.hidden = !sentence;
    draw_todo(layouts);
    draw_figures(layouts.filter(layout => layout.state === "known"));
    draw_pairs(pairs);
    draw_steady(layouts);
    draw_around(neighborhoods);
    graph.textContent = facts ?? "";
    graph.hidden = !facts;
    if (focused) box.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  };
  model.on("content", update);
  model.on("progress", () => {  // only what has changed: the focus stays on Stop
    if (model.progress.title === drawn) draw_progress(); else draw_todo(model.content.layouts ?? []);
  });
  model.on("runs", () => {
    if ((model.runs.title ?? "") === running) draw_runs(); else draw_steady(model.content.layouts ?? []);
  });
  update();
  return box;
}
