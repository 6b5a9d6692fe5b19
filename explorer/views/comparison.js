// Two embeddings of the same rows: the share of true neighbors that is the same, by category and by row. What is found is the server's to
// say. Text from the data goes through textContent only.
const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const percent = share => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`;
const NO_VALUE = "(no value)";
const FIRST = 12;  // lines of a list before somebody asks for all

export function render({model}) {
  const box = element("div", "comparison"), who = element("div", "who"), progress = element("div", "working"), bar = element("progress"), told = element("span");
  const wrong = element("div", "wrong"), figures = element("div"), categories = element("div"), rows = element("div"), near = element("div", "near");
  const send = message => model.send_msg(message);
  const button = (name, text, title, act) => {
    const made = element("button", name, text);
    made.type = "button";
    if (title) made.title = title;
    made.addEventListener("click", act);
    return made;
  };
  const point = (made, row) => {
    made.addEventListener("pointerenter", () => send({type: "point", row}));
    made.addEventListener("pointerleave", () => send({type: "point", row: null}));
  };
  const stop = button("act", "Stop", "", () => send({type: "stop"}));
  bar.max = 1;
  told.setAttribute("role", "status");
  wrong.setAttribute("role", "alert");
  progress.append(told, bar, stop);
  const whole = {categories: false, rows: false};

  const level = (share, chance) => {
    const made = element("span", "level"), filled = element("i");
    filled.style.width = `${100 * share}%`;
    made.append(filled);
    if (chance !== undefined) {
      const mark = element("b");
      mark.style.left = `${100 * chance}%`;
      made.append(mark);
    }
    return made;
  };
  const cells = (made, ...parts) => {
    for (const part of parts) {
      const cell = element("td");
      cell.append(part);
      made.append(cell);
    }
    return made;
  };
  const heads = (table, ...texts) => {
    const line = element("tr");
    for (const text of texts) {
      const cell = element("th", "", text);
      cell.scope = "col";
      line.append(cell);
    }
    table.append(line);
  };
  const more = (box, what, n) => {
    if (n <= FIRST) return;
    box.append(button("more", whole[what] ? "Show fewer" : `Show ${n.toLocaleString("en-US")}`, "", () => {
      whole[what] = !whole[what];
      draw();
    }));
  };

  const draw_figures = content => {
    figures.replaceChildren();
    if (!content.figures) {
      if (!content.fixed && !model.progress.working) figures.append(button("act", "Compare their neighbors", "Finds the nearest rows of every row by both, where that is not known", () => send({type: "measure"})));
      return;
    }
    const table = element("table"), colors = new Set(content.colors);
    table.setAttribute("aria-label", "Neighbors that are the same");
    heads(table, "shared", "", "", "random");
    const line = (name, what, share, chance, title) => {
      const pick = button("pick", name, `${title} Click: color the maps by it.`, () => send({type: "color", what}));
      pick.setAttribute("aria-pressed", String(colors.has(what)));
      table.append(cells(element("tr"), pick, level(share, chance), element("span", "number", percent(share)), element("span", "number", chance === undefined ? "" : percent(chance))));
    };
    for (const [k, share, chance] of content.figures) line(`of ${k}`, String(k), share, chance, `Mean share of the ${k} nearest rows that are the same by both.`);
    line("Jaccard", content.jaccard_what, content.jaccard, undefined, `Neighbors in both, of all in either, of ${content.k} each.`);
    const left = content.missing ? ` ${content.missing.toLocaleString("en-US")} rows have no vector in one of them.` : "";
    const recall = content.recall === null ? "" : ` ${(100 * content.recall).toFixed(1)} % of the true neighbors were found.`;
    figures.append(table, element("div", "foot", `${content.n.toLocaleString("en-US")} rows, ${content.metric} distance, in the original spaces.${left}${recall}`));
  };

  const draw_categories = content => {
    categories.replaceChildren();
    if (!content.figures || !content.column) return;
    const head = element("div", "head"), choice = element("select");
    choice.setAttribute("aria-label", "Column of categories");
    choice.append(...content.columns.map(name => new Option(name, name, false, name === content.column)));
    choice.addEventListener("change", () => send({type: "sum up", column: choice.value}));
    head.append(element("span", "", "By category"), choice);
    const table = element("table");
    heads(table, "", "rows", "", `of ${content.k}`);
    content.categories.slice(0, whole.categories ? undefined : FIRST).forEach(([name, n, share], at) => {
      const said = name ?? NO_VALUE, pick = button("pick", said, `Select the rows of ${said}`, () => send({type: "category", at}));
      pick.dir = "auto";
      table.append(cells(element("tr"), pick, element("span", "number", n.toLocaleString("en-US")), level(share), element("span", "number", percent(share))));
    });
    categories.append(head, table);
    more(categories, "categories", content.categories.length);
    const left = content.n_categories - content.categories.length;
    if (left > 0 && whole.categories) categories.append(element("div", "foot", `${left.toLocaleString("en-US")} more share more.`));
  };

  const draw_rows = content => {
    rows.replaceChildren();
    if (!content.figures?.length || !content.rows.length) return;
    const table = element("table");
    for (const [row, title, share] of content.rows.slice(0, whole.rows ? undefined : FIRST)) {
      const pick = button("pick", title, `Row ${row.toLocaleString("en-US")}: show it, and its neighbors by both`, () => send({type: "look", row}));
      pick.dir = "auto";
      point(pick, row);
      table.append(cells(element("tr"), pick, level(share), element("span", "number", percent(share))));
    }
    rows.append(element("div", "head", "Rows that changed most"), table);
    more(rows, "rows", content.rows.length);
  };

  const draw_near = () => {
    const {title, k, both, one, other} = model.near, names = model.content.names;
    near.replaceChildren();
    if (!title || !names) return;
    near.append(element("div", "head", title), element("div", "foot", `${both.length} of its ${k} nearest rows are the same.`));
    for (const [name, list] of [["in both", both], [`only by ${names[0]}`, one], [`only by ${names[1]}`, other]]) {
      if (!list.length) continue;
      const chips = element("div", "chips");
      for (const [row, label] of list) {
        const chip = button("row", label, label, () => send({type: "look", row}));
        chip.dir = "auto";
        point(chip, row);
        chips.append(chip);
      }
      near.append(element("div", "side", `${name} (${list.length})`), chips);
    }
  };

  const draw = () => {
    const content = model.content;
    who.replaceChildren();
    if (!content.names) {
      for (const part of [figures, categories, rows, near]) part.replaceChildren();
      return;
    }
    content.names.forEach((name, at) => {
      const line = element("div", "set");
      line.append(element("b", "", "AB"[at]), element("span", "", name), element("em", "", `${content.dims[at].toLocaleString("en-US")} dims`));
      who.append(line);
    });
    who.append(button("act", `${content.projection} of both, side by side`, "Computes what is not there yet, and shows both on two maps that lie alike", () => send({type: "maps"})));
    draw_figures(content);
    draw_categories(content);
    draw_rows(content);
    draw_near();
  };
  const draw_progress = () => {
    const {working = "", fraction = 0, problem = ""} = model.progress;
    progress.hidden = !working;
    if (told.textContent !== working) told.textContent = working;
    bar.value = fraction;
    wrong.hidden = !problem;
    if (wrong.textContent !== problem) wrong.textContent = problem;
    draw();
  };
  model.on("content", draw);
  model.on("progress", draw_progress);
  model.on("near", draw_near);
  box.append(who, wrong, progress, figures, near, categories, rows);
  draw_progress();
  return box;
}
