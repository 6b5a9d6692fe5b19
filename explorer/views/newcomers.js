// New rows: typed, pasted or from a file, each with what is known of it. Text from outside goes through textContent only.
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

const MEANINGS = {
  inside: "At least 5 of 100 rows of the data are as far from their nearest ones: the data knows things like this",
  "at the edge": "Of 100 rows of the data, fewer than 5 are as far from their nearest ones",
  outside: "Hardly a row of the data is as far from its nearest ones: where it lies on a map says little",
};

export function render({model}) {
  const box = element("div", "newcomers"), form = element("form"), field = element("textarea"), acts = element("div", "line");
  const place = element("button", "act", "Place"), clear = button("act", "Clear", "", () => model.send_msg({type: "clear"}));
  const told = element("div", "told"), wrong = element("div", "wrong"), list = element("ul");
  field.rows = 2;
  field.maxLength = 2_000_000;
  field.spellcheck = false;
  field.setAttribute("aria-label", "New rows");
  place.type = "submit";
  place.title = "Place it on the maps (Ctrl + Enter)";
  told.setAttribute("role", "status");
  wrong.setAttribute("role", "alert");
  list.setAttribute("aria-label", "New rows");
  clear.setAttribute("aria-label", "Forget all new rows");
  acts.append(place, clear);
  form.append(field, acts);
  const drop = () => {
    if (field.value.trim()) model.send_msg({type: "drop", text: field.value});
  };
  form.addEventListener("submit", event => {
    event.preventDefault();
    drop();
  });
  field.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      drop();
    } else if (event.key === "Escape") field.blur();
    event.stopPropagation();  // the maps have keys of their own
  });
  field.addEventListener("dragover", event => event.preventDefault());
  field.addEventListener("drop", async event => {  // a file of text or numbers, as if it had been pasted
    const file = event.dataTransfer?.files?.[0];
    if (!file || file.size > field.maxLength) return;
    event.preventDefault();
    field.value = await file.text();
  });

  const item = ({title, word, confidence, near}, at) => {
    const made = element("li"), head = element("div", "head"), name = button("name", title, "Show it on the maps", () => model.send_msg({type: "show", at}));
    name.dir = "auto";
    const remove = button("remove", "×", "Forget it", () => model.send_msg({type: "remove", at}));
    remove.setAttribute("aria-label", `Forget ${title}`);
    head.append(element("span", "mark"), name, remove);
    made.append(head);
    if (word) {
      const known = element("div", `word ${word.replaceAll(" ", "-")}`, `${word} the known data`.replace("at the edge the", "at the edge of the"));
      known.title = `${MEANINGS[word]} (${(100 * confidence).toFixed(confidence < 0.1 ? 1 : 0)}% of them are as far).`;
      made.append(known);
      const rows = element("div", "near");
      for (const {row, title: label, distance} of near) {
        const one = button("row", label, `Distance ${distance}`, () => model.send_msg({type: "look", row}));
        one.dir = "auto";
        one.addEventListener("pointerenter", () => model.send_msg({type: "point", row}));
        one.addEventListener("pointerleave", () => model.send_msg({type: "point", row: null}));
        rows.append(one);
      }
      made.append(rows);
    }
    return made;
  };

  const update = () => {
    const {encoder, dims, fixed, working, problem, n, items} = model.content;
    const what = encoder ? "Type a text, or paste a vector" : "Paste a vector";
    field.placeholder = fixed ? "This server is read-only"
      : dims === null ? "Open a dataset first"
      : dims ? `${what} of ${dims.toLocaleString("en")} numbers` : "This data has coordinates only";
    field.disabled = place.disabled = fixed || !dims;
    clear.hidden = !n;
    const more = n > items.length ? `${items.length} of ${n.toLocaleString("en")} new rows` : "";
    const said = working ? "Placing …" : more;
    if (told.textContent !== said) told.textContent = said;
    if (wrong.textContent !== problem) wrong.textContent = problem;
    wrong.hidden = !problem;
    list.replaceChildren(...items.map(item));
    list.hidden = !items.length;
  };
  model.on("content", update);
  update();
  box.append(form, wrong, told, list);
  return box;
}
