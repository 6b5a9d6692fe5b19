// The title of a section: a button that folds what is below it.
export function render({model}) {
  const button = document.createElement("button"), title = document.createElement("span"), arrow = document.createElement("i");
  button.type = "button";
  button.className = "section-head";
  title.textContent = model.title;
  arrow.setAttribute("aria-hidden", "true");
  button.append(title, arrow);
  button.addEventListener("click", () => model.send_msg({type: "toggle"}));
  const update = () => button.setAttribute("aria-expanded", String(model.open));
  model.on("open", update);
  update();
  return button;
}
