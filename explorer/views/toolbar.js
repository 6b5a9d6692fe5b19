// Tools over the maps, and the keys for all of it. What is set is the server's to say; keys that move a map are told to the maps in the
// browser (see picture_layer.js).

const PATHS = {
  pan: "M8 3v8M8 11l-2-2a1.2 1.2 0 0 0-1.8 1.6L8 15.5c.8 1 1.6 1.5 3 1.5h1.5a3.5 3.5 0 0 0 3.5-3.5V8a1 1 0 0 0-2 0M8 9V3.8a1 1 0 0 1 2 0V9M10 9V3a1 1 0 0 1 2 0v6M12 9V4.5a1 1 0 0 1 2 0V9",
  box: "M4 4h2M9 4h2M14 4h2v2M16 9v2M16 14v2h-2M11 16H9M6 16H4v-2M4 11V9M4 6V4",
  lasso: "M10 4c4 0 7 1.8 7 4.5S14 13 10 13s-7-1.8-7-4.5S6 4 10 4M6.5 12.3c-1.2.7-1.7 1.8-.9 2.7s2.4.2 2.1 1.6",
  replace: "M4 4h12v12H4z",
  add: "M4 4h8v8H4zM8 8h8v8H8z",
  subtract: "M4 4h8v4H8v4H4zM8 12v4h8V8h-4",
  intersect: "M4 12V4h8M16 8v8H8M8 8h4v4H8z",
  invert: "M4 4h12v12H4zM4 16 16 4M7 15l8-8M10 15.5l5.5-5.5",
  clear: "M5 5l10 10M15 5 5 15",
  undo: "M7 5 3.5 8.5 7 12M3.5 8.5H12a4 4 0 0 1 0 8H8",
  redo: "M13 5l3.5 3.5L13 12M16.5 8.5H8a4 4 0 0 0 0 8h4",
  fit: "M4 7V4h3M13 4h3v3M16 13v3h-3M7 16H4v-3M10 10h.01M8 9h4v2H8z",
  one: "M4 5h12v10H4z",
  two: "M4 5h12v10H4zM10 5v10",
  three: "M4 5h12v10H4zM8 5v10M12 5v10",
  linked: "M8.5 11.5l3-3M9 6.5l1.7-1.7a3.2 3.2 0 0 1 4.5 4.5L13.5 11M11 13.5l-1.7 1.7a3.2 3.2 0 0 1-4.5-4.5L6.5 9",
  table: "M4 5h12v10H4zM4 8.5h12M4 11.7h12M8 5v10",
  help: "M7.5 7.8a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.7M10 14.5h.01",
};
const MORE = "more";  // what a map by itself has not
const KEYS = [
  ["Maps", [
    ["← ↑ → ↓", "move the map; in 3-D, turn it (with Shift, move)"], ["+  −", "zoom in, zoom out"], ["0", "show the whole map"], ["N", "next layout"], ["P", "play the way between two layouts"],
    ["D", "three dimensions, and back"], ["R", "in 3-D: turn by itself"], ["G", "grand tour of more than three dimensions"],
    ["Drag", "in 3-D: turn; with Ctrl or the right button, move"],
    ["1  2  3", "one, two, three maps", MORE], ["T", "the table of rows", MORE], ["L", "zoom the maps together, or each by itself", MORE],
  ]],
  ["Selecting", [
    ["H  B  V", "hand, box, lasso"], ["Shift + drag", "lasso with the hand; with box or lasso: add"], ["Alt + drag", "take away"],
    ["Ctrl + drag", "keep only what is in both"], ["S", "select what is in view"], ["I", "invert"], ["F", "bring the selection into view"],
    ["Esc", "clear the selection, then let go of the clicked row"], ["Ctrl + Z", "undo"], ["Ctrl + Shift + Z", "redo"],
  ]],
  ["Finding", [["/", "search", MORE], ["Enter", "next hit; with Shift the one before", MORE], ["?", "this sheet"]]],
];
const MOVES = {ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", "+": "in", "=": "in", "-": "out", "0": "home", s: "select"};

const MEMORY = "explorer-arrangement", REMEMBERED = ["n_maps", "linked", "table", "table_height", "closed"];
const PERSONAL = ["table_height", "closed"];  // what no link says

const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const icon = name => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  made.setAttribute("viewBox", "0 0 20 20");
  made.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
};

export function render({model}) {
  const bar = element("div", "tools"), buttons = {};
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Tools of the maps");
  const say = (name, value) => {
    if (name === "tool") window.dispatchEvent(new CustomEvent("explorer-tool", {detail: {group: model.group, tool: value}}));  // a drag may begin before the server has heard
    model.send_msg({type: "set", values: {[name]: value}});
  };
  const act = name => model.send_msg({type: "do", name});
  const explain = (made, title, keys) => { made.title = keys ? `${title} (${keys})` : title; };
  const tool = (name, title, keys, on_click, parent) => {
    const made = element("button");
    made.type = "button";
    made.setAttribute("aria-label", title);
    explain(made, title, keys);
    if (keys) made.setAttribute("aria-keyshortcuts", keys.replaceAll("Ctrl + ", "Control+").replaceAll("Shift + ", "Shift+"));
    made.append(icon(name));
    made.addEventListener("click", event => { event.stopPropagation(); on_click(event); });
    buttons[name] = made;
    parent.append(made);
  };
  const part = name => {
    const made = element("div", "part");
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", name);
    bar.append(made);
    return made;
  };
  const tools = part("What dragging does"), modes = part("What becomes of the selection before"), doing = part("Selection"), maps = part("Maps");
  tool("pan", "Move the map", "H", () => say("tool", "pan"), tools);
  tool("box", "Select with a box", "B", () => say("tool", "box"), tools);
  tool("lasso", "Select with a lasso", "V", () => say("tool", "lasso"), tools);
  tool("replace", "New selection", "", () => say("mode", "replace"), modes);
  tool("add", "Add to the selection", "", () => say("mode", "add"), modes);
  tool("subtract", "Take away from the selection", "", () => say("mode", "subtract"), modes);
  tool("intersect", "Keep what is in both", "", () => say("mode", "intersect"), modes);
  tool("undo", "Undo", "Ctrl + Z", () => act("undo"), doing);
  tool("redo", "Redo", "Ctrl + Shift + Z", () => act("redo"), doing);
  tool("invert", "Invert the selection", "I", () => act("invert"), doing);
  tool("fit", "Bring the selection into view", "F", () => act("fit"), doing);
  tool("clear", "Clear the selection", "Esc", () => act("clear"), doing);
  tool("one", "One map", "1", () => say("n_maps", 1), maps);
  tool("two", "Two maps", "2", () => say("n_maps", 2), maps);
  tool("three", "Three maps", "3", () => say("n_maps", 3), maps);
  tool("linked", "Zoom the maps together", "L", () => say("linked", !model.state.linked), maps);
  tool("table", "Table of rows", "T", () => say("table", !model.state.table), maps);
  tool("help", "Keys", "?", () => open_help(), maps);

  // ---- the sheet of keys
  const sheet = element("dialog", "sheet"), close = element("button", "close", "Close");
  sheet.setAttribute("aria-label", "Keys");
  close.type = "button";
  close.addEventListener("click", () => sheet.close());
  sheet.append(element("h2", "", "Keys"));
  const columns = element("div", "columns");
  for (const [title, lines] of KEYS) {
    const block = element("section"), list = element("dl");
    block.append(element("h3", "", title));
    for (const [keys, what, needs] of lines) if (!needs || !model.alone) list.append(element("dt", "", keys), element("dd", "", what));
    block.append(list);
    columns.append(block);
  }
  const again = element("button", "again", "What you see, and what to try");
  again.type = "button";
  again.hidden = !model.keys_everywhere;  // a notebook has no such card
  again.addEventListener("click", () => {
    sheet.close();
    window.dispatchEvent(new CustomEvent("explorer-welcome", {detail: {group: model.group}}));
  });
  const foot = element("div", "foot");
  foot.append(close, again);
  sheet.append(columns, foot);
  sheet.addEventListener("click", event => { if (event.target === sheet) sheet.close(); });
  const open_help = () => {
    if (sheet.open) return;
    sheet.showModal();
    sheet.scrollTop = 0;  // the button that has the focus is at the end
  };

  const press = (name, on) => buttons[name].setAttribute("aria-pressed", String(on));
  const update = () => {
    const {tool: now, mode, n_maps, linked, selected, can_undo, can_redo, undoes, redoes} = model.state;
    for (const name of ["pan", "box", "lasso"]) press(name, name === now);
    for (const name of ["replace", "add", "subtract", "intersect"]) press(name, name === mode);
    [["one", 1], ["two", 2], ["three", 3]].forEach(([name, n]) => press(name, n === n_maps));
    press("linked", linked);
    press("table", model.state.table);
    for (const name of ["one", "two", "three", "table"]) buttons[name].hidden = model.alone;
    buttons.linked.hidden = n_maps === 1;
    modes.hidden = now === "pan" && !selected;
    buttons.undo.disabled = !can_undo;
    buttons.redo.disabled = !can_redo;
    explain(buttons.undo, undoes ? `Undo: ${undoes}` : "Undo", "Ctrl + Z");  // told to screen readers as what describes the button
    explain(buttons.redo, redoes ? `Redo: ${redoes}` : "Redo", "Ctrl + Shift + Z");
    for (const name of ["invert", "fit", "clear"]) buttons[name].hidden = !selected;
  };
  model.on("state", update);
  update();

  // ---- the arrangement is remembered by the browser, for the next page
  const read = () => {
    try { return JSON.parse(localStorage.getItem(MEMORY)) || {}; } catch { return {}; }
  };
  const remember = () => {
    const kept = Object.fromEntries(REMEMBERED.map(name => [name, model.state[name]]));
    try { localStorage.setItem(MEMORY, JSON.stringify(kept)); } catch { /* a browser that keeps nothing */ }
  };
  model.on("msg:custom", message => {  // not before: what changes while a page is on its way is lost
    if (message.type !== "begin") return;
    const names = message.linked ? PERSONAL : REMEMBERED;
    const values = Object.fromEntries(Object.entries(read()).filter(([name, value]) =>
      names.includes(name) && JSON.stringify(value) !== JSON.stringify(model.state[name])));
    if (Object.keys(values).length) model.send_msg({type: "remembered", values});
    model.on("state", remember);
  });

  // ---- keys
  const typing = event => {
    const at = event.composedPath()[0];
    return at instanceof Element && (at.isContentEditable || at.matches("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [role=textbox]"));
  };
  const taken = event => {  // a widget that has these keys itself
    const at = event.composedPath()[0];
    return at instanceof Element && at.matches("[role=slider], [role=combobox], [role=option], [role=grid] *, [role=toolbar] *, input, button, a");
  };
  const tell_maps = (action, more) => {
    const detail = {group: model.group, action, ...more};
    const asked = () => new CustomEvent("explorer-key", {detail, cancelable: true});
    if (window.dispatchEvent(asked())) {  // no map has the focus or the pointer: the first one
      detail.first = true;
      window.dispatchEvent(asked());
    }
  };
  const early = !model.keys_everywhere;  // before the notebook, which deletes a cell when D is pressed twice, and adds one at B
  const ours = event => {
    event.preventDefault();
    if (early) event.stopPropagation();
  };
  const on_a_map = () => !window.dispatchEvent(new CustomEvent("explorer-key", {detail: {group: model.group, action: "here"}, cancelable: true}));
  const on_key = event => {
    if (!bar.isConnected || event.defaultPrevented || typing(event) || sheet.open) return;
    if (!model.keys_everywhere && !bar.matches(":hover, :focus-within") && !on_a_map()) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (event.altKey || !["z", "y"].includes(key)) return;
      ours(event);
      return act(key === "y" || event.shiftKey ? "redo" : "undo");
    }
    if (event.altKey) return;
    if (key in MOVES) {
      if (key.startsWith("Arrow") && taken(event)) return;
      ours(event);
      return tell_maps(MOVES[key], event.shiftKey ? (key === "s" ? {mode: "add"} : {moves: true}) : {});
    }
    const doing = {
      h: () => say("tool", "pan"), b: () => say("tool", "box"), v: () => say("tool", "lasso"), i: () => act("invert"), f: () => act("fit"),
      n: () => act("next"), p: () => tell_maps("play"), d: () => tell_maps("dimensions"), r: () => tell_maps("spin"), g: () => tell_maps("tour"), t: () => say("table", !model.state.table), l: () => say("linked", !model.state.linked), 1: () => say("n_maps", 1), 2: () => say("n_maps", 2),
      3: () => say("n_maps", 3), "?": open_help,
    }[model.alone && "tl123".includes(key) ? "" : key];
    if (doing) {
      ours(event);
      if (!event.repeat) doing();  // once, however long the key is held
    } else if (key === "Escape") {
      act(model.state.selected ? "clear" : "let_go");
    }
  };
  window.addEventListener("keydown", on_key, early);
  model.on("remove", () => window.removeEventListener("keydown", on_key, early));
  const box = element("div");
  box.append(bar, sheet);
  return box;
}
