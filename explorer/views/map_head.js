// Which layout is on a map; shown where there are several maps. Names of layouts go through textContent only.
export function render({model}) {
  const box = document.createElement("label"), choice = document.createElement("select");
  box.className = "layout-of-map";
  choice.setAttribute("aria-label", "Layout on this map");
  box.append(choice);
  const update = () => {
    const {titles, title} = model.content;
    choice.replaceChildren();
    if (!titles.includes(title)) {
      const none = document.createElement("option");
      none.textContent = title || "No layout";
      none.value = "";
      choice.append(none);
    }
    for (const name of titles) {
      const option = document.createElement("option");
      option.textContent = name;
      option.value = name;
      choice.append(option);
    }
    choice.value = titles.includes(title) ? title : "";
  };
  choice.addEventListener("change", () => { if (choice.value) model.send_msg({type: "show", title: choice.value}); });
  model.on("content", update);
  update();
  return box;
}
