// The clicked row and its true nearest neighbors. Text from the data goes through textContent only.

export function render({model}) {
  const box = document.createElement("div");
  box.className = "inspector";
  const element = (kind, name, text) => {
    const made = document.createElement(kind);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const picture = source => {
    const made = element("img");
    made.src = source;
    made.alt = "";
    return made;
  };
  let pointed = null;
  const point = row => {
    if (row === pointed) return;
    pointed = row;
    model.send_msg({type: "point", row});
  };
  const draw = () => {
    point(null);  // the button under the pointer goes, and says nothing when it goes
    const {hint, card, source, neighbors} = model.content;
    box.replaceChildren();
    if (hint) box.append(element("div", "hint", hint));
    if (!card) return;
    box.append(element("div", "head", card.title));
    if (card.image) box.append(picture(card.image));
    const fields = element("dl");
    for (const [name, value] of card.fields) fields.append(element("dt", "", name), element("dd", "", value));
    if (fields.childElementCount) box.append(fields);
    if (source) box.append(element("div", "source", source));
    const list = element("ol");
    const farthest = Math.max(1e-12, ...(neighbors || []).map(n => n.distance));
    (neighbors || []).forEach((n, at) => {
      const item = element("li"), button = element("button"), label = element("span", "label"), bar = element("span", "bar"), length = element("i");
      button.dataset.row = n.row;
      button.title = n.label;
      if (n.image) label.append(picture(n.image));
      if (n.color) {
        const dot = element("i");
        dot.style.background = n.color;
        label.append(dot);
      }
      label.append(element("span", "", n.label));
      length.style.width = `${100 * n.distance / farthest}%`;
      bar.append(length);
      button.append(element("span", "rank", String(at + 1)), label, element("span", "distance", n.distance.toFixed(4)), bar);
      button.addEventListener("click", () => model.send_msg({type: "look", row: n.row}));
      button.addEventListener("pointerenter", () => point(n.row));
      button.addEventListener("pointerleave", () => point(null));
      item.append(button);
      list.append(item);
    });
    if (list.childElementCount) box.append(list);
  };
  model.on("content", draw);
  draw();
  return box;
}
