// Histograms of chosen columns: gray bars for the shown rows, colored ones for the selected among them. A drag makes a brush, which is moved
// and resized; a click takes a bar. What is selected and filtered is the server's to say. Text from the data goes through textContent only.

const SEND_MS = 150;     // at most so often while something is dragged, and not before the last one is on the map
const GIVE_UP_MS = 1500; // if it never is
const CLICK_PX = 4;      // a shorter drag is a click
const GAP = 0.6;         // before the bar of rows without a value, in bars
const LEAST_BARS = 8;    // as wide is the axis at least
const SVG = "http://www.w3.org/2000/svg";

const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const shape = (kind, name, attributes = {}) => {
  const made = document.createElementNS(SVG, kind);
  if (name) made.setAttribute("class", name);
  set(made, attributes);
  return made;
};
const set = (made, attributes) => { for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value); };
const percent = part => `${(100 * part).toFixed(3)}%`;
const written = n => n.toLocaleString("en-US");
const mode_of = event => event.shiftKey
  ? (event.altKey || event.ctrlKey || event.metaKey ? "intersect" : "add")
  : event.altKey || event.ctrlKey || event.metaKey ? "subtract" : "replace";

// Sends brushes at a pace that the server follows; the last one always goes.
class Sender {
  constructor(send) {
    this.send = send;
    this.number = 0;
    this.waiting = null;   // what goes next
    this.sent_at = -Infinity;
    this.answered = 0;
    this.timer = null;
  }
  put(message, {last}) {
    this.waiting = {...message, first: message.first || Boolean(this.waiting && this.waiting.first)};
    if (last) return this.go();
    this.plan();
  }
  plan() {
    clearTimeout(this.timer);
    if (!this.waiting) return;
    const since = performance.now() - this.sent_at;
    const wait = (this.answered >= this.number ? SEND_MS : GIVE_UP_MS) - since;
    if (wait <= 0) this.go();
    else this.timer = setTimeout(() => this.go(), wait);
  }
  go() {
    clearTimeout(this.timer);
    if (!this.waiting) return;
    this.number += 1;
    this.sent_at = performance.now();
    this.send({...this.waiting, number: this.number});
    this.waiting = null;
  }
  drop() { this.waiting = null; clearTimeout(this.timer); }
  answer(number) { this.answered = Math.max(this.answered, number || 0); this.plan(); }
}

class Histogram {
  constructor(column, model, send) {
    this.column = column;
    this.model = model;
    this.send = message => send({...message, column: column.name});
    this.sender = new Sender(this.send);
    this.sender.number = this.sender.answered = model.brushes.answered || 0;
    this.n = column.labels.length - (column.missing ? 1 : 0);
    this.width = Math.max(this.n + (column.missing ? 1 + GAP : 0), LEAST_BARS);
    this.drag = null;      // {kind, from, brush, mode, moved}
    this.local = null;     // the brush as it is dragged, before the server has it
    this.counts = null;
    this.build();
  }

  build() {
    const {column} = this;
    this.box = element("div", "histogram");
    this.title = element("div", "title");
    const name = element("span", "", column.name);
    name.title = column.name;
    name.dir = "auto";
    this.said = element("b");
    this.clear = element("button", "", "×");
    this.clear.type = "button";
    this.clear.setAttribute("aria-label", `Remove the brush on ${column.name}`);
    this.clear.addEventListener("click", () => this.remove());
    this.title.append(name, this.said, this.clear);
    this.svg = shape("svg", "", {role: "toolbar", "aria-label": `Histogram of ${column.name}`,
      "aria-description": "Arrow keys go from bar to bar, Enter takes one, Shift and Enter takes one more, Escape removes the brush."});
    this.svg.append(shape("rect", "ground", {x: 0, y: 0, width: "100%", height: "100%"}));
    this.bars = column.labels.map((label, at) => this.bar(label, at));
    this.svg.append(...this.bars.map(bar => bar.group));
    this.svg.append(shape("line", "axis", {x1: 0, x2: percent(this.x(this.n)), y1: "100%", y2: "100%"}));
    if (this.bars.length) this.bars[0].group.setAttribute("tabindex", 0);
    this.still = shape("g");
    this.live = shape("g");
    this.svg.append(this.still, this.live);
    this.band = shape("rect", "band", {y: 0, height: "100%"});
    this.handles = ["start", "end"].map(end => this.handle(end));
    this.live.append(this.band, ...this.handles.flatMap(({hit, grip}) => [hit, grip]));
    this.still_band = shape("rect", "band still", {y: 0, height: "100%"});
    this.still.append(this.still_band);
    this.under = element("div", "under");
    this.low = element("span", "", "");
    this.high = element("span", "", "");
    this.under.append(this.low, this.high);
    this.box.append(this.title, this.svg, this.under);
    this.svg.addEventListener("pointerdown", event => this.down(event));
    this.svg.addEventListener("pointermove", event => this.move(event));
    this.svg.addEventListener("pointerup", event => this.up(event));
    this.svg.addEventListener("pointercancel", () => this.cancel());
    this.svg.addEventListener("pointerleave", () => this.read(null));
    this.svg.addEventListener("dblclick", () => this.remove());
    this.svg.addEventListener("keydown", event => this.key(event));
    this.svg.addEventListener("focusin", event => this.read(this.at(event.target)));
    this.svg.addEventListener("focusout", () => this.read(null));
    this.read(null);
    this.draw_brushes();
  }

  bar(label, at) {
    const group = shape("g", "bar", {role: "button", tabindex: -1, "aria-label": label});
    group.dataset.bar = at;
    const color = this.column.colors[at], x = this.left(at), width = 1 / this.width, thin = Math.min(0.12, 3 / this.width) * width;
    const place = {x: percent(x + thin / 2), width: percent(width - thin)};
    const shown = shape("rect", "shown", place), selected = shape("rect", "selected", place);
    const hit = shape("rect", "hit", {...place, y: 0, height: "100%"});
    if (color) group.style.setProperty("--bar", color);
    group.append(shown, selected, hit);
    if (color) group.append(shape("rect", "swatch", {...place, y: "100%", height: 4, transform: "translate(0 2)"}));
    return {group, shown, selected, hit};
  }

  handle(end) {
    const hit = shape("rect", "handle", {y: 0, height: "100%", width: 14, transform: "translate(-7 0)", role: "slider", tabindex: 0,
      "aria-label": `${end === "start" ? "Lower" : "Upper"} end of the brush on ${this.column.name}`});
    const grip = shape("rect", "grip", {y: "30%", height: "40%", width: 4, rx: 2, transform: "translate(-2 0)"});
    hit.dataset.end = end;
    return {hit, grip, end};
  }

  // Where a place on the axis is, as a part of the width, and back; bars are one wide, that of rows without a value lies apart.
  x(place) { return place / this.width; }
  left(at) { return (at < this.n ? at : this.n + GAP) / this.width; }
  place(event) {
    const box = this.svg.getBoundingClientRect();
    return (event.clientX - box.left) / box.width * this.width;
  }
  at(target) {
    const group = target.closest && target.closest("g.bar");
    return group ? Number(group.dataset.bar) : null;
  }
  bar_at(place) {
    if (place >= 0 && place < this.n) return Math.floor(place);
    const missing = this.n + GAP;
    return this.column.missing && place >= missing && place < missing + 1 ? this.n : null;
  }

  get act() { return this.model.settings.act; }
  brush(act = this.act) {
    const {of, columns} = this.model.brushes;
    return (columns && of === this.model.content.version && (columns[this.column.name] || {})[act]) || null;
  }
  get range() {
    if (this.local) return this.local;
    const brush = this.brush();
    return brush && brush.start !== null ? {start: brush.start, end: brush.end} : null;
  }

  // -- drawing

  draw(counts) {
    this.counts = counts;
    const {shown, selected} = counts, log = this.model.settings.log;
    const height = n => log ? Math.log1p(n) : n;
    const most = Math.max(height(Math.max(...shown, 1)), 1e-9);
    this.bars.forEach((bar, at) => {
      for (const [rect, n] of [[bar.shown, shown[at]], [bar.selected, selected[at]]]) {
        const part = n ? Math.max(height(n) / most, 0.015) : 0;
        set(rect, {y: percent(1 - part), height: percent(part)});
      }
      bar.group.setAttribute("aria-label", this.told(at));
    });
    this.read(this.reading);
  }

  told(at) {
    const {labels} = this.column;
    if (!this.counts) return labels[at];
    const shown = this.counts.shown[at], selected = this.counts.selected[at];
    return `${labels[at]}: ${written(shown)} ${shown === 1 ? "row" : "rows"}${selected ? `, ${written(selected)} selected` : ""}`;
  }

  read(at) {
    this.reading = at === undefined ? null : at;
    const {low, high, note} = this.column, empty = this.counts && this.counts.shown.every(n => !n);
    let told = [low, high], reach = this.x(this.n);
    if (empty) told = ["No row passes the other filters.", ""];
    else if (!low && !high) told = [note, ""];
    if (this.reading !== null && this.bars.length) told = [this.told(this.reading), ""];
    this.under.style.paddingRight = told[1] && reach > 0.4 ? percent(1 - reach) : "0";  // the upper end belongs below it
    this.low.textContent = told[0];
    this.high.textContent = told[1];
    this.low.title = told[0] === low && note ? note : "";
  }

  draw_brushes() {
    const range = this.range, brush = this.brush(), other = this.brush(this.act === "filter" ? "select" : "filter");
    this.live.style.display = range ? "" : "none";
    if (range) {
      const [start, end] = [range.start, range.end].sort((a, b) => a - b);
      set(this.band, {x: percent(this.x(start)), width: percent(this.x(end - start))});
      this.handles.forEach(({hit, grip, end: which}) => {
        const at = which === "start" ? start : end;
        set(hit, {x: percent(this.x(at)), "aria-valuemin": 0, "aria-valuemax": this.n, "aria-valuenow": at.toFixed(2)});
        set(grip, {x: percent(this.x(at))});
        if (brush) hit.setAttribute("aria-valuetext", brush.label);
      });
    }
    this.still.style.display = other && other.start !== null ? "" : "none";
    if (other && other.start !== null) set(this.still_band, {x: percent(this.x(other.start)), width: percent(this.x(other.end - other.start))});
    const picked = new Set(brush && brush.start === null ? brush.bars : []);
    this.bars.forEach(({group}, at) => group.setAttribute("aria-pressed", String(picked.has(at))));
    this.clear.hidden = !brush;
    const said = brush ? brush.label : "";
    this.said.textContent = said.startsWith(`${this.column.name} `) ? said.slice(this.column.name.length + 1) : said;
    this.said.title = said;
  }

  follow() {
    this.sender.answer(this.model.brushes.answered);
    if (!this.drag && !this.sender.waiting && (this.sender.answered >= this.sender.number || !this.brush())) this.local = null;
    this.draw_brushes();
  }

  // -- brushing

  down(event) {
    if (event.button !== 0) return;
    const place = this.place(event), range = this.range, end = event.target.dataset && event.target.dataset.end;
    const kind = end ? end : event.target === this.band ? "whole" : "new";
    const sorted = range ? [range.start, range.end].sort((a, b) => a - b) : null;
    this.drag = {kind, from: place, x: event.clientX, range: sorted, mode: mode_of(event), moved: false, bar: this.bar_at(place)};
    this.svg.setPointerCapture(event.pointerId);
  }

  move(event) {
    const {drag} = this, place = this.place(event);
    if (!drag) {
      this.read(this.bar_at(place));
      return;
    }
    if (!drag.moved && Math.abs(event.clientX - drag.x) < CLICK_PX) return;
    const first = !drag.moved;
    drag.moved = true;
    this.local = this.dragged(place);
    this.draw_brushes();
    this.sender.put({type: "brush", ...this.local, mode: drag.mode, first}, {last: false});
  }

  dragged(place) {
    const {kind, from, range} = this.drag, inside = at => Math.min(Math.max(at, 0), this.n);
    if (kind === "new") return {start: inside(from), end: inside(place)};
    if (kind === "start") return {start: inside(place), end: range[1]};
    if (kind === "end") return {start: range[0], end: inside(place)};
    const by = Math.min(Math.max(place - from, -range[0]), this.n - range[1]);
    return {start: range[0] + by, end: range[1] + by};
  }

  up(event) {
    const {drag} = this;
    this.drag = null;
    if (!drag) return;
    if (drag.moved) {
      this.sender.put({type: "brush", ...this.local, mode: drag.mode}, {last: true});
    } else if (drag.bar !== null && event.detail < 2 && !(event.target.dataset && event.target.dataset.end)) {
      this.take(drag.bar, drag.mode);
    }
  }

  cancel() {
    this.drag = this.local = null;
    this.sender.drop();
    this.draw_brushes();
  }

  take(bar, mode) {
    this.local = null;
    this.sender.drop();
    this.send({type: "bar", bar, mode});
  }

  remove() {
    this.cancel();
    this.send({type: "clear"});
  }

  // -- keys

  key(event) {
    const end = event.target.dataset.end, at = this.at(event.target);
    if (event.key === "Escape") {
      if (!this.brush() && !this.local) return;
      event.preventDefault();
      event.stopPropagation();
      this.bars[at === null ? 0 : at].group.focus();
      return this.remove();
    }
    const step = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1}[event.key];
    if (end && step && this.range) {
      event.preventDefault();
      const range = {...this.range};
      range[end] = Math.min(Math.max(range[end] + step * (event.shiftKey ? 0.1 : 1), end === "end" ? range.start : 0), end === "start" ? range.end : this.n);
      this.local = range;
      this.draw_brushes();
      this.sender.put({type: "brush", ...range, mode: "replace", first: true}, {last: false});
      return;
    }
    if (at === null) return;
    const to = {...(step ? {[event.key]: at + step} : {}), Home: 0, End: this.bars.length - 1}[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const next = this.bars[Math.min(Math.max(to, 0), this.bars.length - 1)].group;
      for (const {group} of this.bars) group.setAttribute("tabindex", group === next ? 0 : -1);
      next.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.take(at, mode_of(event));
    }
  }
}

export function render({model}) {
  const box = element("div", "histograms"), tools = element("div", "bar-of-tools"), list = element("div");
  const acts = element("div", "acts"), picker = element("details"), summary = element("summary"), choices = element("ul");
  const send = message => model.send_msg({...message, of: model.content.version});
  acts.setAttribute("role", "group");
  acts.setAttribute("aria-label", "What a brush or a bar does");
  const buttons = [["select", "Select", "Rows in the brush are selected"], ["filter", "Filter", "Rows outside of the brush are hidden everywhere"]].map(([act, text, title]) => {
    const made = element("button", "", text);
    made.type = "button";
    made.title = title;
    made.dataset.act = act;
    made.addEventListener("click", () => send({type: "act", act}));
    return made;
  });
  acts.append(...buttons);
  const log_label = element("label"), log = element("input");
  log.type = "checkbox";
  log.addEventListener("change", () => send({type: "log", log: log.checked}));
  log_label.append(log, "Log counts");
  picker.append(summary, choices);
  tools.append(acts, log_label, picker);
  box.append(tools, list);
  let histograms = [];

  const choice = name => {
    const made = element("li"), label = element("label"), check = element("input"), text = element("span", "", name);
    check.type = "checkbox";
    check.value = name;
    text.dir = "auto";
    check.addEventListener("change", () => {
      const chosen = (model.content.chosen || []).filter(other => other !== name);
      send({type: "columns", columns: check.checked ? [...chosen, name] : chosen});
    });
    label.append(check, text);
    made.append(label);
    return made;
  };

  const offer = () => {
    const {chosen = [], most = 0} = model.content, names = model.choices;
    const old = [...choices.querySelectorAll("input")].map(check => check.value);
    if (old.length !== names.length || old.some((name, at) => name !== names[at])) choices.replaceChildren(...names.map(choice));
    const marked = new Set(chosen);
    for (const check of choices.querySelectorAll("input")) {
      check.checked = marked.has(check.value);
      check.disabled = !check.checked && chosen.length >= most;
    }
    tools.hidden = !names.length;
    summary.textContent = `Columns (${chosen.length} of ${names.length})`;
  };
  const fill = () => {
    const {columns = []} = model.content;
    offer();
    for (const histogram of histograms) histogram.sender.drop();
    histograms = columns.map(column => new Histogram(column, model, send));
    list.replaceChildren(...histograms.map(histogram => histogram.box));
    if (!histograms.length) {
      list.append(element("div", "foot", model.choices.length ? "Choose columns to see how their values are spread." : "No column of numbers, times or categories."));
    }
    count();
  };
  const count = () => {
    const {of, columns} = model.counts;
    if (!columns || of !== model.content.version) return;
    columns.forEach((counts, at) => histograms[at] && histograms[at].draw(counts));
  };
  const follow = () => { for (const histogram of histograms) histogram.follow(); };
  const adjust = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.act === model.settings.act));
    log.checked = Boolean(model.settings.log);
    for (const histogram of histograms) histogram.draw_brushes();
    count();
  };
  model.on("content", fill);
  model.on("choices", offer);
  model.on("counts", count);
  model.on("brushes", follow);
  model.on("settings", adjust);
  fill();
  adjust();
  return box;
}
