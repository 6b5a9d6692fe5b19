// What is special about the selected rows, against all others. A click on a category or a word selects its rows, on a column colors the map
// by it. What is special is the server's to say; text from the data goes through textContent only.

const FUNNEL = "M2 3h12l-4.5 5.5V13l-3-1.5v-3z", SHOWN = 6;
const MODIFIED = "Shift adds to the selection, Alt takes away, Ctrl keeps only what is in both.";

const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const button = (name, title, act) => {
  const made = element("button", name);
  made.type = "button";
  made.title = title;
  made.addEventListener("click", act);
  return made;
};
const funnel = (title, act) => {
  const made = button("filter", title, act), picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("aria-hidden", "true");
  path.setAttribute("d", FUNNEL);
  picture.append(path);
  made.append(picture);
  made.setAttribute("aria-label", title);
  return made;
};
const percent = share => share >= 0.9995 && share < 1 ? "> 99.9%" : share > 0 && share < 0.001 ? "< 0.1%" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
const mode_of = event => event.shiftKey ? "add" : event.altKey ? "subtract" : event.ctrlKey || event.metaKey ? "intersect" : "replace";

export function render({model}) {
  const box = element("div", "chosen"), found = element("div"), opened = new Set();
  box.append(found);
  const send = message => model.send_msg({...message, of: model.content.version});
  let pointed = null;
  const point = row => {
    if (row === pointed) return;
    pointed = row;
    model.send_msg({type: "point", row});
  };

  const folded = (key, lines) => {  // a list whose rest is folded away
    const list = element("ul"), parts = [list];
    list.append(...lines.slice(0, SHOWN));
    if (lines.length > SHOWN) {
      const fold = element("details"), rest = element("ul");
      fold.open = opened.has(key);
      fold.addEventListener("toggle", () => fold.open ? opened.add(key) : opened.delete(key));
      rest.append(...lines.slice(SHOWN));
      fold.append(element("summary", "", `${lines.length - SHOWN} more`), rest);
      parts.push(fold);
    }
    return parts;
  };

  const category = ({name, none, code, n, share, rest, told}) => {
    const line = element("li"), shares = element("span", "shares"), inside = element("i"), outside = element("u");
    const choose = button("line", `${n.toLocaleString("en-US")} selected rows. Select every row of it. ${MODIFIED}`, event => send({type: "select", what: "category", code, mode: mode_of(event)}));
    const label = element("span", "name");
    label.append(none ? element("i", "", name) : name);
    inside.style.width = `${100 * share}%`;
    outside.style.left = `${100 * rest}%`;
    shares.append(inside, outside);
    choose.append(label, element("span", "told", `${percent(share)} · rest ${percent(rest)}`), shares);
    choose.setAttribute("aria-label", `${name}: ${percent(share)} of the selection, ${percent(rest)} of the rest. ${told}`);
    line.append(choose, funnel(`Show only ${name}`, () => send({type: "filter", what: "category", code})));
    return line;
  };
  const number = ({column, told, at, low, high, says}) => {
    const line = element("li"), effect = element("span", "effect"), interval = element("i"), dot = element("u");
    const choose = button("line", `${says} Color the map by it.`, () => send({type: "color", column}));
    interval.style.left = `${low}%`;
    interval.style.width = `${high - low}%`;
    dot.style.left = `${at}%`;
    effect.append(interval, dot);
    choose.append(element("span", "name", column), element("span", "told", told), effect);
    choose.setAttribute("aria-label", `${column}: ${says}`);
    line.append(choose);
    return line;
  };
  const head = (text, more) => {
    const made = element("h4", "", text);
    if (more) made.append(element("span", "", more));
    return made;
  };

  const draw = () => {
    point(null);
    const {stale, hint, note, columns, numbers, closeness, medoids, words, text, foot} = model.content;
    box.classList.toggle("stale", Boolean(stale));
    const parts = [];
    if (hint) parts.push(element("div", "hint", hint));
    if (note) parts.push(element("p", "", note));
    for (const {column, categories} of columns || []) {
      const title = head("");
      const by = button("", "Color the map by it.", () => send({type: "color", column}));
      by.textContent = column;
      title.append(by, element("span", "", "more common than in the rest"));
      parts.push(title, ...folded(column, categories.map(category)));
    }
    if (numbers?.length) parts.push(head("Numbers", "difference in standard deviations"), ...folded("", numbers.map(number)));
    if (words?.length) {
      const list = element("div", "words");
      for (const {word, told, at} of words) {
        const made = button("", `${told} Select every row with it. ${MODIFIED}`, event => send({type: "select", what: "word", at, mode: mode_of(event)}));
        made.textContent = word;
        list.append(made);
      }
      parts.push(head(`Words of ${text}`, "that tell them apart"), list);
    }
    if (medoids?.length) {
      const list = element("ul");
      for (const {row, label} of medoids) {
        const line = element("li"), look = button("line", label, () => send({type: "look", row}));
        look.append(element("span", "name", label));
        look.addEventListener("pointerenter", () => point(row));
        look.addEventListener("pointerleave", () => point(null));
        line.append(look);
        list.append(line);
      }
      parts.push(head("In the middle", "nearest to all the others"), list);
    }
    if (closeness) parts.push(element("p", "", closeness));
    if (foot) parts.push(element("p", "", foot));
    found.replaceChildren(...parts);
  };
  model.on("content", draw);
  draw();
  return box;
}
