// Copy the link, Python or the method's paragraph; bookmarks; the address bar. Text from outside goes through textContent only.
const MEMORY = "explorer-bookmarks";
const WAIT_MS = 400;    // browsers refuse an address that changes too often
const COPIED_MS = 2500;

const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const button = (name, text, title, act) => {
  const made = element("button", name, text);
  made.type = "button";
  if (title) made.title = title;
  made.addEventListener("click", act);
  return made;
};
const address = query => {  // what else stands in it stays
  const kept = new URLSearchParams(location.search);
  kept.delete("dataset");
  kept.delete("state");
  const whole = [kept.toString(), query].filter(Boolean).join("&");
  return location.origin + location.pathname + (whole ? `?${whole}` : "");
};

export function render({model}) {
  const box = element("div", "share"), copies = element("div", "line"), told = element("div", "told"), field = element("textarea");
  const notice = element("div", "notice"), form = element("form", "line"), name = element("input"), keep = element("button", "act", "Keep view");
  const wrong = element("div", "wrong"), list = element("ul"), back = button("act", "Undo", "Take the last change of the bookmarks back", () => model.send_msg({type: "undo"}));
  let timer = 0, said = 0, renaming = null;

  // ---- copying
  const say = text => {
    clearTimeout(said);
    told.textContent = text;
    told.hidden = !text;
    if (text) said = setTimeout(() => say(""), COPIED_MS);
  };
  const copy = async (text, what) => {
    field.hidden = true;
    try {
      await navigator.clipboard.writeText(text);
      return say(`Copied ${what}`);
    } catch { /* no secure page, or the browser does not allow it */ }
    field.hidden = false;
    field.value = text;
    field.setAttribute("aria-label", `${what}, to copy`);
    field.focus();
    field.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch { /* then by hand */ }
    if (done) say(`Copied ${what}`);
    else { clearTimeout(said); told.hidden = false; told.textContent = "Press Ctrl + C to copy"; }
  };
  const link = button("act", "Copy link", "Copy an address that shows what is on the screen now", () => copy(address(model.query), "the link"));
  const python = button("act", "Copy Python", "Copy lines that show the same in a notebook", () => copy(model.content.texts.python || "", "Python"));
  const method = button("act", "Copy methods", "Copy a paragraph that says how these maps were made, for a paper", () => copy(model.content.texts.methods || "", "the paragraph"));
  copies.append(link, python, method);
  told.setAttribute("role", "status");
  told.hidden = field.hidden = true;
  field.readOnly = true;
  field.rows = 3;
  field.spellcheck = false;
  field.addEventListener("keydown", event => {
    if (event.key === "Escape") { field.hidden = true; link.focus(); }
    event.stopPropagation();
  });

  // ---- bookmarks
  name.placeholder = "Name of this view";
  name.setAttribute("aria-label", "Name of this view");
  name.maxLength = 80;
  keep.type = "submit";
  keep.title = "Keep what is on the screen as a bookmark";
  form.append(name, keep);
  form.addEventListener("submit", event => {
    event.preventDefault();
    if (name.value.trim()) model.send_msg({type: "keep", name: name.value.trim()});
    name.value = "";
    name.blur();  // keys are the maps' again
  });
  name.addEventListener("keydown", event => { if (event.key === "Escape") name.blur(); });
  wrong.setAttribute("role", "alert");
  list.setAttribute("aria-label", "Bookmarks");
  const item = ({name: title, dataset}) => {
    const line = element("li");
    if (renaming === title) {
      const entry = element("form", "line"), input = element("input"), ok = element("button", "act", "Rename");
      const end = () => { renaming = null; update_bookmarks(); };
      input.value = title;
      input.maxLength = 80;
      input.setAttribute("aria-label", `New name of ${title}`);
      ok.type = "submit";
      entry.append(input, ok);
      entry.addEventListener("submit", event => {
        event.preventDefault();
        if (input.value.trim()) model.send_msg({type: "rename", name: title, new: input.value.trim()});
        end();
      });
      input.addEventListener("keydown", event => {
        if (event.key === "Escape") end();
        event.stopPropagation();
      });
      line.append(entry);
      queueMicrotask(() => { input.focus(); input.select(); });
      return line;
    }
    const open = button("recall", title, `Show it (${dataset})`, () => model.send_msg({type: "open", name: title}));
    open.dir = "auto";
    const rename = button("small", "✎", "Rename", () => { renaming = title; update_bookmarks(); });
    const remove = button("small", "×", "Delete", () => model.send_msg({type: "delete", name: title}));
    rename.setAttribute("aria-label", `Rename ${title}`);
    remove.setAttribute("aria-label", `Delete ${title}`);
    line.append(open, rename, remove);
    return line;
  };
  const update_bookmarks = () => {
    list.replaceChildren(...model.bookmarks.map(item));
    list.hidden = !model.bookmarks.length;
    back.hidden = !model.can_undo;
  };
  const remember = () => {
    update_bookmarks();
    if (!model.remembers) return;
    try { localStorage.setItem(MEMORY, JSON.stringify(model.bookmarks)); } catch { /* a browser that keeps nothing */ }
  };
  const recall = () => {
    if (!model.remembers) return;
    try {
      const items = JSON.parse(localStorage.getItem(MEMORY));
      if (Array.isArray(items) && items.length) model.send_msg({type: "remembered", items});
    } catch { /* nothing that we have written */ }
  };

  // ---- the address
  const follow = () => {
    clearTimeout(timer);
    if (!model.addressed || !model.begun) return;
    timer = setTimeout(() => {
      const next = address(model.query);
      if (next !== location.href) history.replaceState(history.state, "", next);
    }, WAIT_MS);
  };

  const update = () => {
    const {open, left_out, problem} = model.content;
    link.hidden = !model.addressed;
    link.disabled = python.disabled = keep.disabled = name.disabled = !open;
    method.hidden = !model.content.texts?.methods;
    notice.textContent = left_out?.length ? `Too large for a link: ${left_out.join(", ")}. A bookmark keeps everything.` : "";
    notice.hidden = !left_out?.length;
    wrong.textContent = problem || "";
    wrong.hidden = !problem;
  };
  model.on("content", update);
  model.on("query", follow);
  model.on("begun", () => { follow(); recall(); });
  model.on("bookmarks", remember);
  model.on("can_undo", update_bookmarks);
  model.on("remove", () => { clearTimeout(timer); clearTimeout(said); });
  update();
  update_bookmarks();
  if (model.begun) { follow(); recall(); }
  box.append(copies, told, field, notice, form, wrong, list, back);
  return box;
}
