// The legend: a color and a count for each category, or the color bar of a number column. Text from the data goes through textContent only.

export function render({model}) {
  const box = document.createElement("div");
  box.className = "legend";
  const draw = () => {
    const {title, note, entries, bar} = model.content;
    box.replaceChildren();
    if (title) {
      const head = document.createElement("div");
      head.className = "head";
      head.textContent = title;
      box.append(head);
    }
    if (bar) {
      const strip = document.createElement("div"), ends = document.createElement("div");
      strip.className = "strip";
      strip.style.background = `linear-gradient(to right, ${bar.colors.join(",")})`;
      ends.className = "ends";
      for (const text of [bar.low, bar.high]) {
        const end = document.createElement("span");
        end.textContent = text;
        ends.append(end);
      }
      box.append(strip, ends);
    }
    const list = document.createElement("ul");
    for (const [name, color, count] of entries || []) {
      const item = document.createElement("li"), swatch = document.createElement("i"), label = document.createElement("span"), number = document.createElement("b");
      swatch.style.background = color;
      label.textContent = name;
      label.title = name;
      number.textContent = count;
      item.append(swatch, label, number);
      list.append(item);
    }
    if (list.childElementCount) box.append(list);
    if (note) {
      const foot = document.createElement("div");
      foot.className = "foot";
      foot.textContent = note;
      box.append(foot);
    }
  };
  model.on("content", draw);
  draw();
  return box;
}
