// A line of plain text: the status, or an error with a button that closes it. Text goes through textContent only.

export function render({model}) {
  const box = document.createElement("div");
  const draw = () => {
    const {text, kind} = model;
    box.className = `message ${kind}`;
    box.setAttribute("role", kind === "error" ? "alert" : "status");
    const words = document.createElement("span");
    words.textContent = text;
    box.replaceChildren(words);
    box.hidden = !text;
    if (kind === "error" && text) {
      const close = document.createElement("button");
      close.type = "button";
      close.textContent = "×";
      close.setAttribute("aria-label", "Close this message");
      close.addEventListener("click", () => model.send_msg({type: "close"}));
      box.append(close);
    }
  };
  model.on("text", draw);
  draw();
  return box;
}
