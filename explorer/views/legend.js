// The legend: a color and a count for each category, or the color bar of a number column; a click hides or shows a category, a double click
// shows it alone. Which ones are hidden is the server's to say. Text from the data goes through textContent only.

const DOUBLE_MS = 250;  // so long a click waits for a second one, so that the map does not flicker in between
const TYPING_MS = 120;

const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};

const button = (name, text, act) => {
  const made = element("button", name, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
};

export function render({model}) {
  const box = element("div", "legend"), list = element("ul"), outcome = element("div", "outcome"), search = element("input");
  const showAll = button("link", "Show all", () => send({type: "all"}));
  const counted = element("span");
  const hideFound = button("link", "Hide these", () => send({type: "hide", text: search.value.trim()}));
  const onlyFound = button("link", "Show only these", () => send({type: "only", text: search.value.trim()}));
  const selectFound = button("link", "Select these", event => select(event, {text: search.value.trim()}));
  counted.setAttribute("role", "status");
  outcome.append(counted, hideFound, onlyFound, selectFound);
  search.type = "search";
  list.setAttribute("role", "toolbar");
  list.setAttribute("aria-orientation", "vertical");
  list.setAttribute("aria-description", "Enter hides or shows a category, Shift and Enter shows it alone, S selects its rows.");

  let waiting = null, typing = null;  // {code, timer} of a click that may become a double one; a timer
  const send = message => model.send_msg({...message, of: model.content.version});

  const act = (code, event) => {
    const before = waiting;
    waiting = null;
    if (before) clearTimeout(before.timer);
    if (before && before.code !== code) send({type: "toggle", code: before.code});
    if (event.shiftKey) return send({type: "solo", code});
    if (event.detail === 0) return send({type: "toggle", code});  // by keyboard: there is no second click to wait for
    if (event.detail % 2 === 0) {
      return send({type: before ? "solo" : "late solo", code});  // of a slow double click the first one has been sent, and is taken back
    }
    waiting = {code, timer: setTimeout(() => { waiting = null; send({type: "toggle", code}); }, DOUBLE_MS)};
  };

  const select = (event, what) =>
    send({type: "select", ...what, mode: event.shiftKey ? "add" : event.altKey ? "subtract" : event.ctrlKey || event.metaKey ? "intersect" : null});

  const item = ([name, color, count, code]) => {
    const made = element("li"), label = element("span", "", name), entry = button("entry", undefined, event => act(code, event));
    made.setAttribute("role", "none");
    entry.dataset.code = code;
    entry.title = name;
    entry.tabIndex = -1;
    entry.style.setProperty("--color", color);
    label.dir = "auto";
    const pick = button("pick", undefined, event => select(event, {code}));
    pick.title = "Select its rows; with Shift add, with Alt take away, with Ctrl keep what is in both";
    pick.setAttribute("aria-label", `Select the rows of ${name}`);
    pick.tabIndex = -1;  // the key S on the entry does the same
    const all = element("b", "", count);
    all.dataset.of = count;
    entry.append(element("i"), label, all);
    entry.disabled = model.inert;
    made.append(entry);
    if (!model.inert) made.append(pick);
    return made;
  };

  const entries = () => [...list.querySelectorAll(".entry")];
  const mark = () => {
    const hidden = new Set(model.hidden);
    for (const entry of entries()) entry.setAttribute("aria-pressed", String(!hidden.has(Number(entry.dataset.code))));
    showAll.disabled = !model.some_hidden;
  };
  const tally = () => {  // "12 of 1,070"
    const selected = new Map(model.selected);
    for (const entry of entries()) {
      const all = entry.querySelector("b"), n = selected.get(Number(entry.dataset.code));
      all.replaceChildren(...(n ? [element("em", "", n), ` of ${all.dataset.of}`] : [all.dataset.of]));
    }
  };

  const fill = shown => {
    list.replaceChildren(...shown.map(item));
    list.hidden = !shown.length;
    if (shown.length) entries()[0].tabIndex = 0;  // one stop of the Tab key; the arrows go on from there
    mark();
    tally();
  };

  const goTo = entry => {
    for (const other of entries()) other.tabIndex = other === entry ? 0 : -1;
    entry.focus();
  };
  list.addEventListener("keydown", event => {
    const all = entries(), at = all.indexOf(event.target);
    if (at >= 0 && event.key.toLowerCase() === "s" && !event.ctrlKey && !event.metaKey) {
      event.stopPropagation();  // not what is in view
      event.preventDefault();
      return select(event, {code: Number(event.target.dataset.code)});
    }
    const to = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1, PageDown: at + 8, PageUp: at - 8}[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    goTo(all[Math.min(Math.max(to, 0), all.length - 1)]);
  });
  list.addEventListener("focusin", event => {
    const entry = event.target.closest("li").firstElementChild;  // of the button beside it, too
    if (entry.tabIndex !== 0) for (const other of entries()) other.tabIndex = other === entry ? 0 : -1;
  });

  const look = () => {
    const text = search.value.trim();
    clearTimeout(typing);
    typing = setTimeout(() => send({type: "search", text}), TYPING_MS);
    if (!text) showFound();
  };
  search.addEventListener("input", look);

  const showFound = () => {
    const text = search.value.trim(), found = model.found;
    outcome.hidden = !text;
    if (!text) return fill(model.content.entries || []);
    if (found.text !== text || found.of !== model.content.version) return;  // it is on its way
    counted.textContent = found.note;
    hideFound.disabled = onlyFound.disabled = selectFound.disabled = !found.entries.length;
    fill(found.entries);
  };

  const draw = () => {
    const {title, note, bar, searchable, hint} = model.content, parts = [];
    if (waiting) clearTimeout(waiting.timer);
    waiting = null;
    search.value = "";
    if (title) {
      const head = element("div", "head"), name = element("span", "", title);
      name.dir = "auto";
      head.append(name);
      if (hint) head.append(showAll);
      parts.push(head);
    }
    if (bar) {
      const strip = element("div", "strip"), ends = element("div", "ends");
      strip.style.background = `linear-gradient(to right, ${bar.colors.join(",")})`;
      for (const word of bar.words) ends.append(element("span", "", word));
      parts.push(strip, ends);
    }
    if (searchable) {
      search.placeholder = searchable;
      search.setAttribute("aria-label", searchable);
      parts.push(search, outcome);
    }
    list.setAttribute("aria-label", title ? `Categories of ${title}` : "Categories");
    parts.push(list);
    for (const text of [note, hint]) if (text) parts.push(element("div", "foot", text));
    box.replaceChildren(...parts);
    showFound();
  };

  model.on("content", draw);
  model.on("found", showFound);
  model.on("hidden", mark);
  model.on("some_hidden", mark);
  model.on("selected", tally);
  draw();
  return box;
}
