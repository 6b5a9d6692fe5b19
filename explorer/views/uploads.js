// What somebody has uploaded. Names go through textContent only.
const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const round = value => value.toLocaleString("en-US", {maximumFractionDigits: value < 10 ? 1 : 0});
const size = bytes => bytes < 1e6 ? `${round(Math.max(1, Math.round(bytes / 1e3)))} kB` : bytes < 1e9 ? `${round(bytes / 1e6)} MB` : `${round(bytes / 1e9)} GB`;
const several = (n, what) => `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : "s"}`;
const span = hours => hours >= 48 ? several(Math.round(hours / 24), "day") : hours >= 1.5 ? several(Math.round(hours), "hour") : several(Math.max(1, Math.round(60 * hours)), "minute");

export function render({model}) {
  const box = element("div", "uploads"), head = element("div", "head"), title = element("span", "", "Your uploads"), room = element("b");
  const gauge = element("span", "gauge"), full = element("i"), list = element("ul"), hint = element("div", "hint");
  let asked = "";  // whose deletion waits for a second click
  head.append(title, room);
  gauge.append(full);
  list.setAttribute("aria-label", "Your uploads");
  box.append(head, gauge, list, hint);
  const button = (name, text, act) => {
    const made = element("button", name, text);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  };
  const ask = (name, focus) => {
    asked = name;
    update();
    list.querySelector(focus)?.focus();
  };
  const question = upload => {
    const line = element("li", "question"), words = element("span", "words", `Delete ${upload.title}?`);
    words.dir = "auto";
    const yes = button("act yes", "Delete", () => {
      asked = "";
      model.send_msg({type: "delete", name: upload.name});
    });
    const no = button("act", "Keep", () => ask("", `[data-name="${CSS.escape(upload.name)}"] .remove`));
    line.addEventListener("keydown", event => { if (event.key === "Escape") no.click(); });
    line.append(words, yes, no);
    return line;
  };
  const item = upload => {
    if (upload.name === asked) return question(upload);
    const line = element("li"), open = button("open", undefined, () => model.send_msg({type: "open", name: upload.name}));
    const name = element("span", "name", upload.title), left = span((upload.until - Date.now() / 1000) / 3600);
    line.dataset.name = upload.name;
    name.dir = "auto";
    open.title = `Open ${upload.title}. It is deleted in ${left}.`;
    open.append(name, element("b", "", size(upload.bytes)));
    line.append(open);
    if (!model.content.fixed) {
      const remove = button("remove", "×", () => ask(upload.name, ".yes"));
      remove.title = "Delete it";
      remove.setAttribute("aria-label", `Delete the upload ${upload.title}`);
      line.append(remove);
    }
    return line;
  };
  const update = () => {
    const {uploads = [], limit = 1, hours = 0} = model.content, taken = uploads.reduce((sum, upload) => sum + upload.bytes, 0);
    if (!uploads.some(upload => upload.name === asked)) asked = "";
    room.textContent = uploads.length ? `${size(taken)} of ${size(limit)}` : "";
    full.style.width = `${100 * Math.min(1, taken / limit)}%`;
    gauge.hidden = !uploads.length;
    list.replaceChildren(...uploads.map(item));
    list.hidden = !uploads.length;
    hint.textContent = uploads.length
      ? `Only you see them. Each is deleted ${span(hours)} after it was uploaded.`
      : `A file that you open is kept here for ${span(hours)}, for you alone.`;
  };
  model.on("content", update);
  update();
  return box;
}
