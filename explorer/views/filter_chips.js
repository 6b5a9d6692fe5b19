// Filters as chips: what passes, how many rows that are, and a button that removes the filter. Text goes through textContent only.
export function render({model}) {
  const box = document.createElement("div");
  box.className = "chips";
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Filters");
  const update = () => {
    box.replaceChildren();
    for (const [key, label, count] of model.chips) {
      const chip = document.createElement("span"), text = document.createElement("span"), number = document.createElement("b"), close = document.createElement("button");
      chip.className = "chip";
      text.textContent = label;
      text.title = label;
      number.textContent = count;
      number.title = `${count} rows pass`;
      close.type = "button";
      close.textContent = "×";
      close.setAttribute("aria-label", `Remove the filter ${label}`);
      close.addEventListener("click", () => model.send_msg({type: "remove", key}));
      chip.append(text, number, close);
      box.append(chip);
    }
    if (model.chips.length > 1) {
      const all = document.createElement("button");
      all.type = "button";
      all.className = "link";
      all.textContent = "Remove all";
      all.addEventListener("click", () => model.send_msg({type: "clear"}));
      box.append(all);
    }
  };
  model.on("chips", update);
  update();
  return box;
}
