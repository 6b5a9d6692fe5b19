// The selection and those that are kept. Names go through textContent only.
const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const number = value => value.toLocaleString("en-US");
const share = part => part < 0.001 ? "less than 0.1%" : part < 0.1 ? `${(100 * part).toFixed(1)}%` : `${Math.round(100 * part)}%`;
const mode_of = event => event.shiftKey ? "add" : event.altKey ? "subtract" : event.ctrlKey || event.metaKey ? "intersect" : "replace";

export function render({model}) {
  const box = element("div", "selections"), told = element("div", "told"), doing = element("div", "doing"), form = element("form"), list = element("ul");
  const name = element("input"), keep = element("button", "", "Keep"), problem = element("div", "problem");
  const button = (text, title, act) => {
    const made = element("button", "", text);
    made.type = "button";
    made.title = title;
    made.addEventListener("click", act);
    doing.append(made);
    return made;
  };
  told.setAttribute("role", "status");
  problem.setAttribute("role", "alert");
  const only = button("Show only these", "Filter: hide all other rows everywhere", () => model.send_msg({type: "only"}));
  const without = button("Hide these", "Filter: hide these rows everywhere", () => model.send_msg({type: "without"}));
  name.placeholder = "Name of this selection";
  name.setAttribute("aria-label", "Name of this selection");
  name.maxLength = 80;
  keep.type = "submit";
  form.append(name, keep);
  form.addEventListener("submit", event => {
    event.preventDefault();
    if (name.value.trim()) model.send_msg({type: "keep", name: name.value.trim()});
    name.value = "";
    name.blur();  // keys are the maps' again
  });
  name.addEventListener("keydown", event => { if (event.key === "Escape") name.blur(); });
  list.setAttribute("aria-label", "Selections that are kept");
  const item = ([title, count, selected]) => {
    const line = element("li"), recall = element("button", "recall"), forget = element("button", "forget", "×"), label = element("span", "", title);
    label.dir = "auto";
    recall.type = forget.type = "button";
    recall.title = `Select ${title}; with Shift add, with Alt take away, with Ctrl keep what is in both`;
    const share = model.content.count ? `${number(selected)} of ${number(count)}` : number(count);
    const told = element("b", "", share);
    told.title = model.content.count ? `${number(selected)} of its ${number(count)} rows are selected now` : `${number(count)} rows`;
    recall.append(label, told);
    recall.addEventListener("click", event => model.send_msg({type: "recall", name: title, mode: mode_of(event)}));
    forget.setAttribute("aria-label", `Forget the selection ${title}`);
    forget.addEventListener("click", () => model.send_msg({type: "forget", name: title}));
    line.append(recall, forget);
    return line;
  };
  const update = () => {
    const {count, of, made_by, problem: sentence, kept} = model.content;
    told.textContent = count
      ? `${number(count)} of ${number(of)} rows (${share(count / of)})${made_by ? `, by ${made_by}` : ""}`
      : "Nothing is selected. Draw a box or a lasso on a map, or select from the legend, a histogram, the search or the table.";
    told.classList.toggle("hint", !count);
    doing.hidden = form.hidden = !count;
    problem.textContent = sentence;
    problem.hidden = !sentence;
    list.replaceChildren(...kept.map(item));
    list.hidden = !kept.length;
  };
  model.on("content", update);
  box.append(told, doing, form, problem, list);
  update();
  return box;
}
