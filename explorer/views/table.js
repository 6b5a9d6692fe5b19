// The table: asks for the rows that are on screen and no others, also of ten million. Text from the data goes through textContent only.

const AT_ONCE = 100;  // rows in one request
const AHEAD = 8;  // rows beyond the screen, on both sides
const KEPT = 1500;  // rows that are kept to scroll back
const TALLEST = 6e6;  // pixels that every browser can scroll; a longer table is scrolled in proportion
const PADDING = 17;  // pixels of a cell, its line included
const SETTLED_MS = 120;
const TOLD_MS = 4000;

const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const button = (name, text, act) => {
  const made = element("button", name, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
};
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const group = count => Number(count).toLocaleString("en-US");

export function render({model}) {
  const client = Math.random().toString(36).slice(2);
  const box = element("div", "table"), bar = element("div", "bar"), scroller = element("div", "scroller");
  const head = element("div", "tr head"), space = element("div", "space"), pane = element("div", "pane"), note = element("div", "note");
  const count = element("span", "count"), which = element("div", "which"), actions = element("div", "actions"), popup = element("div", "popup");
  let listing = model.listing, counts = model.counts, top = 0;  // the row at the upper edge, with its fraction
  let kept = new Map(), shown = new Map();  // position -> row from the server; position -> element
  let asked = 0, waiting = false, active = -1, anchor = -1, pointed = null, widths = new Map(), columnsKey = "", told = "", toldTimer = null;
  const send = message => model.send_msg({...message, client, version: listing.version});
  const n = () => listing.n || 0;
  const columns = () => listing.columns || [];
  const coarse = window.matchMedia("(pointer: coarse)").matches;
  const rowHeight = () => columns().some(column => column.kind === "image") ? 44 : coarse ? 36 : 26;
  const room = () => Math.max(0, scroller.clientHeight - head.offsetHeight);
  const virtual = () => n() * rowHeight();
  const real = () => Math.min(virtual(), TALLEST);
  const lowest = () => Math.max(0, n() - room() / rowHeight());  // the last ``top``

  // ---- scrolling: one to one as far as a browser can, in proportion beyond
  let before = 0, settling = null, place = null;  // ``place``: where this code scrolled to, which is no step of a person's
  const toScroll = row => virtual() <= TALLEST ? row * rowHeight() : row / Math.max(1e-9, lowest()) * (real() - room());
  const fromScroll = at => virtual() <= TALLEST ? at / rowHeight() : at / Math.max(1, real() - room()) * lowest();
  const settle = () => {
    place = Math.round(toScroll(top));
    scroller.scrollTop = place;
    before = scroller.scrollTop;
  };
  const goTo = row => {
    top = clamp(row, 0, lowest());
    settle();
    paint();
  };
  scroller.addEventListener("scroll", () => {
    const at = scroller.scrollTop, step = at - before;
    if (place !== null && Math.abs(at - place) <= 1) {
      place = null;
      before = at;
      return;
    }
    place = null;
    before = at;
    if (virtual() > TALLEST && Math.abs(step) <= room()) {  // a wheel or a finger: rows, not thousands of them
      top = clamp(top + step / rowHeight(), 0, lowest());
      clearTimeout(settling);
      settling = setTimeout(settle, SETTLED_MS);
      if (at <= 0 || at >= scroller.scrollHeight - scroller.clientHeight - 1) settle();
    } else top = clamp(fromScroll(at), 0, lowest());
    paint();
  });

  // ---- rows from the server
  const visible = () => [Math.floor(top), Math.min(n(), Math.ceil(top + room() / rowHeight()))];
  const ask = () => {
    if (waiting || !n() || !room()) return;
    const [from, to] = visible();
    let first = from, last = to - 1;
    while (first < to && kept.has(first)) first++;
    while (last > first && kept.has(last)) last--;
    if (first >= to) return;
    first = Math.max(0, first - AHEAD);
    waiting = true;
    asked += 1;
    send({type: "page", id: asked, start: first, count: Math.min(AT_ONCE, last + 1 + AHEAD - first)});
  };
  const take = text => {
    const page = JSON.parse(text);
    if (page.client !== client || page.id !== asked) return;
    waiting = false;
    if (page.version === listing.version) {
      if (kept.size > KEPT) kept.clear();
      page.rows.forEach((row, at) => kept.set(page.start + at, {row, ticked: page.ticked[at], cells: page.cells[at]}));
      measure(page.cells);
      for (const position of page.rows.keys()) drop(page.start + position);
    }
    paint();
  };
  const forget = () => {
    kept = new Map();
    waiting = false;
    asked += 1;
  };

  // ---- columns
  const pen = document.createElement("canvas").getContext("2d");
  const measure = lines => {
    pen.font = "13px system-ui, sans-serif";
    columns().forEach((column, at) => {
      const most = column.kind === "text" || column.kind === "link" ? 300 : 180;
      let width = Math.max(40, pen.measureText(column.name).width + 20);
      if (column.kind === "image") width = Math.max(width, 44);
      else for (const cells of lines) if (cells[at]) width = Math.max(width, pen.measureText(cells[at].slice(0, 60)).width + 2);
      widths.set(column.name, Math.max(widths.get(column.name) || 0, Math.min(Math.ceil(width), most)));
    });
    arrange();
  };
  const arrange = () => {
    const number = Math.max(44, pen.measureText(group(Math.max(0, (counts.all || 1) - 1))).width + 4), flexible = columns().some(c => c.kind === "text");
    const tracks = columns().map(column => {
      const width = (widths.get(column.name) || 80) + PADDING;
      return column.kind === "text" ? `minmax(${width}px, ${width}fr)` : `${width}px`;
    });
    const least = 36 + number + PADDING + columns().reduce((sum, column) => sum + (widths.get(column.name) || 80) + PADDING, 0);
    box.style.setProperty("--tracks", `36px ${Math.ceil(number) + PADDING}px ${tracks.join(" ")}${flexible ? "" : " minmax(0, 1fr)"}`);
    box.style.setProperty("--least", `${Math.ceil(least)}px`);
  };
  const drawHead = () => {
    head.replaceChildren(element("span", "td check"), element("span", "td number", "row"));
    head.children[0].setAttribute("role", "columnheader");
    head.children[0].setAttribute("aria-label", "Selected");
    head.children[1].setAttribute("role", "columnheader");
    const several = columns().filter(column => column.place).length > 1;
    for (const column of columns()) {
      const cell = element("span", `td ${column.kind}`), order = column.place ? column.descending ? "descending" : "ascending" : "none";
      cell.setAttribute("role", "columnheader");
      const name = element("span", "name", column.name);
      name.dir = "auto";
      if (column.sortable) {
        cell.setAttribute("aria-sort", order);
        const sort = button("sort", undefined, event => send({type: "sort", column: column.name, further: event.shiftKey}));
        sort.title = `${column.name}\nClick: ascending, descending, as in the data. With Shift: within the order of the other columns.`;
        sort.append(name);
        if (column.place) sort.append(element("span", "arrow", `${column.descending ? "↓" : "↑"}${several ? column.place : ""}`));
        cell.append(sort);
      } else {
        name.title = column.name;
        cell.append(name);
      }
      head.append(cell);
    }
  };

  // ---- rows on screen
  const drop = position => {
    const made = shown.get(position);
    if (made) made.remove();
    shown.delete(position);
  };
  const fillCell = (cell, kind, value) => {
    if (value === null) {
      cell.classList.add("missing");
      cell.textContent = "–";
      cell.setAttribute("aria-label", "missing");
    } else if (kind === "image" && value.startsWith("data:image/")) {
      const picture = element("img");
      picture.src = value;
      picture.alt = "";
      cell.append(picture);
    } else if (kind === "link" && /^https?:\/\//i.test(value)) {
      const link = element("a", "", value.replace(/^https?:\/\//i, ""));
      link.href = value;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      link.title = value;
      cell.append(link);
    } else {
      cell.textContent = value;
      cell.title = value;
      if (kind === "text") cell.dir = "auto";
    }
  };
  const makeRow = (position, row) => {
    const line = element("div", "tr row");
    line.id = `row-${position}`;
    line.dataset.position = position;
    line.setAttribute("role", "row");
    line.setAttribute("aria-rowindex", position + 2);
    if (!row) {
      line.classList.add("coming");
      return line;
    }
    const check = element("span", "td check"), box = element("input"), number = element("span", "td number", group(row.row));
    box.type = "checkbox";
    box.tabIndex = -1;  // Space ticks the row that has the focus
    box.checked = row.ticked;
    box.setAttribute("aria-label", `Select row ${row.row}`);
    check.setAttribute("role", "gridcell");
    number.setAttribute("role", "rowheader");
    check.append(box);
    line.dataset.row = row.row;
    line.setAttribute("aria-selected", String(row.ticked));
    line.append(check, number);
    columns().forEach((column, at) => {
      const cell = element("span", `td ${column.kind}`);
      cell.setAttribute("role", "gridcell");
      fillCell(cell, column.kind, row.cells[at]);
      line.append(cell);
    });
    return line;
  };
  let painting = null;
  const paint = () => { if (painting === null) painting = requestAnimationFrame(draw); };
  const draw = () => {
    painting = null;
    const height = rowHeight(), [from, to] = visible();
    space.style.height = `${real()}px`;
    pane.style.height = `${Math.min(room(), real())}px`;
    pane.style.top = `${head.offsetHeight}px`;
    for (const position of [...shown.keys()]) if (position < from || position >= to) drop(position);
    for (let position = from; position < to; position++) {
      let line = shown.get(position);
      const row = kept.get(position);
      if (line && row && line.classList.contains("coming")) {
        drop(position);
        line = null;
      }
      if (!line) {
        line = makeRow(position, row);
        shown.set(position, line);
        pane.append(line);
      }
      line.style.top = `${(position - top) * height}px`;
      line.style.height = `${height}px`;
      line.classList.toggle("active", position === active);
      line.classList.toggle("inspected", Boolean(row) && row.row === model.inspected);
    }
    if (shown.has(active)) scroller.setAttribute("aria-activedescendant", `row-${active}`);
    else scroller.removeAttribute("aria-activedescendant");
    box.dataset.ready = String(listing.version !== undefined && !waiting && [...shown.values()].every(line => !line.classList.contains("coming")));
    ask();
  };

  // ---- what a person does
  const point = row => {
    if (row === pointed) return;
    pointed = row;
    send({type: "point", row});
  };
  const rowAt = event => {
    const line = event.target.closest ? event.target.closest(".row:not(.coming)") : null;
    return line ? Number(line.dataset.position) : -1;
  };
  const tick = (position, on, range) => {
    const from = range && anchor >= 0 ? Math.min(anchor, position) : position, to = range && anchor >= 0 ? Math.max(anchor, position) : position;
    anchor = position;
    for (const [at, row] of kept) if (at >= from && at <= to) {
      row.ticked = on;
      drop(at);
    }
    paint();
    send({type: "tick", from, to, on});
  };
  const look = position => {
    const row = kept.get(position);
    if (row) send({type: "look", row: row.row});
  };
  const activate = position => {
    active = clamp(position, 0, n() - 1);
    const rows = room() / rowHeight();
    if (active < top) goTo(active);
    else if (active + 1 > top + rows) goTo(active + 1 - rows);
    else paint();
    const row = kept.get(active);
    if (row) point(row.row);
  };
  pane.addEventListener("pointerover", event => {
    const row = kept.get(rowAt(event));
    point(row ? row.row : null);
  });
  pane.addEventListener("pointerleave", () => point(null));
  scroller.addEventListener("blur", () => point(null));
  pane.addEventListener("click", event => {
    const position = rowAt(event);
    if (position < 0 || event.target.closest("a")) return;
    active = position;
    if (event.target.closest(".check")) {
      const row = kept.get(position);
      tick(position, !row.ticked, event.shiftKey);
    } else {
      look(position);
      paint();
    }
    scroller.focus({preventScroll: true});
  });
  pane.addEventListener("mousedown", event => { if (event.shiftKey) event.preventDefault(); });  // no marked text
  scroller.addEventListener("keydown", event => {
    if (event.target !== scroller || event.ctrlKey || event.metaKey || event.altKey || !n()) return;
    const page = Math.max(1, Math.floor(room() / rowHeight()) - 1), at = active < 0 ? Math.ceil(top) - 1 : active;
    const to = {ArrowDown: at + 1, ArrowUp: Math.max(0, at - 1), PageDown: at + page, PageUp: at - page, Home: 0, End: n() - 1}[event.key];
    if (to !== undefined) activate(to);
    else if (event.key === "Enter" && active >= 0) look(active);
    else if (event.key === " " && active >= 0 && kept.has(active)) tick(active, !kept.get(active).ticked, event.shiftKey);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // ---- the line above: which rows, how many, columns, files
  const chosen = {};
  for (const [name, text] of [["selected", "Selected"], ["shown", "Shown"], ["all", "All"]]) {
    chosen[name] = button("choice", text, () => send({type: "which", which: name}));
    which.append(chosen[name]);
  }
  which.setAttribute("role", "group");
  which.setAttribute("aria-label", "Rows that are listed");
  const say = text => {
    told = text;
    clearTimeout(toldTimer);
    toldTimer = setTimeout(() => { told = ""; drawBar(); }, TOLD_MS);
    drawBar();
  };
  const choose = button("action", "Columns", () => openPopup(popup.hidden));
  choose.setAttribute("aria-expanded", "false");
  choose.setAttribute("aria-haspopup", "dialog");
  const copy = button("action", "Copy", () => copyRows());
  copy.title = "Copy the rows that are listed, at most 10,000, to paste them into a spreadsheet";
  const csv = button("action", "CSV", () => send({type: "save", ending: ".csv"}));
  csv.title = "Save all rows that are listed as a CSV file";
  const parquet = button("action", "Parquet", () => send({type: "save", ending: ".parquet"}));
  parquet.title = "Save all rows that are listed as a Parquet file";
  const cancel = button("action", "Cancel", () => send({type: "cancel"}));
  const actionsOf = [choose, copy, csv, parquet];
  actions.append(...actionsOf, cancel);
  count.setAttribute("role", "status");
  bar.append(which, count, actions);
  const drawBar = () => {
    count.textContent = model.busy || told || listing.line || "";
    count.classList.toggle("busy", Boolean(model.busy));
    for (const [name, made] of Object.entries(chosen)) {
      made.setAttribute("aria-pressed", String(listing.kind === name));
      made.title = counts[name] === undefined ? "" : `${group(counts[name])} rows`;
    }
    chosen.selected.disabled = !counts.selected && listing.kind !== "selected";
    copy.disabled = csv.disabled = parquet.disabled = !n() || model.making;
    choose.disabled = !(model.offered || []).length;
    cancel.hidden = !model.making;
    note.textContent = n() ? "" : listing.note || "";
    note.hidden = !note.textContent;
    scroller.setAttribute("aria-rowcount", n() + 1);
    scroller.setAttribute("aria-colcount", columns().length + 2);
    scroller.setAttribute("aria-busy", String(Boolean(model.busy)));
  };

  // ---- the clipboard
  let copied = null;  // resolves when the text is here
  const copyRows = () => {
    const text = new Promise(resolve => { copied = resolve; });
    send({type: "copy"});
    const done = () => say(copied_line);
    const by_hand = async () => {  // where the page is not served safely, a browser has no clipboard for it
      const field = element("textarea");
      field.value = await text;
      document.body.append(field);
      field.select();
      const went = document.execCommand("copy");
      field.remove();
      went ? done() : say("The browser did not let the rows be copied. Save them as CSV instead.");
    };
    if (!navigator.clipboard || !window.ClipboardItem) return by_hand();
    const blob = text.then(found => new Blob([found], {type: "text/plain"}));
    navigator.clipboard.write([new ClipboardItem({"text/plain": blob})]).then(done, by_hand);
  };
  let copied_line = "";

  // ---- choosing columns
  const filter = element("input"), options = element("div", "options");
  filter.type = "search";
  filter.placeholder = "Find a column";
  filter.setAttribute("aria-label", "Find a column");
  popup.hidden = true;
  popup.setAttribute("role", "dialog");
  popup.setAttribute("aria-label", "Columns that are shown");
  const setColumns = names => send({type: "columns", columns: names});
  const links = element("div", "links");
  links.append(
    button("textlink", "All", () => setColumns(model.offered)), button("textlink", "As at first", () => setColumns([])), button("textlink", "Done", () => openPopup(false)),
  );
  popup.append(filter, options, links);
  const drawOptions = () => {
    const used = new Set(columns().map(column => column.name)), wanted = filter.value.trim().toLowerCase(), focused = options.querySelector(":focus");
    const again = focused ? focused.value : null;
    filter.hidden = (model.offered || []).length < 12;
    options.replaceChildren(...(model.offered || []).filter(name => name.toLowerCase().includes(wanted)).map(name => {
      const label = element("label"), check = element("input"), text = element("span", "", name);
      check.type = "checkbox";
      check.value = name;
      check.checked = used.has(name);
      text.dir = "auto";
      check.addEventListener("change", () => {
        const now = new Set(columns().map(column => column.name));
        if (check.checked) now.add(name);
        else now.delete(name);
        if (now.size) setColumns(model.offered.filter(other => now.has(other)));
        else check.checked = true;  // a table has a column
      });
      label.append(check, text);
      if (name === again) requestAnimationFrame(() => check.focus());
      return label;
    }));
  };
  const openPopup = open => {
    popup.hidden = !open;
    choose.setAttribute("aria-expanded", String(open));
    if (!open) return choose.focus();
    filter.value = "";
    drawOptions();
    (filter.hidden ? options.querySelector("input") : filter).focus();
  };
  filter.addEventListener("input", drawOptions);
  popup.addEventListener("keydown", event => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    openPopup(false);
  });
  const outside = event => { if (!popup.hidden && !event.composedPath().some(at => at === popup || at === choose)) { popup.hidden = true; choose.setAttribute("aria-expanded", "false"); } };
  window.addEventListener("pointerdown", outside, true);

  // ---- from the server
  const onListing = () => {
    const fresh = model.listing, scrolls = fresh.top !== listing.top, key = JSON.stringify([fresh.dataset, columnsKeyOf(fresh)]);
    listing = fresh;
    for (const position of [...shown.keys()]) drop(position);
    forget();
    if (key !== columnsKey) {
      columnsKey = key;
      measure([]);
    } else arrange();
    if (scrolls) {
      top = 0;
      active = anchor = -1;
      scroller.scrollTop = 0;
    }
    space.style.height = `${real()}px`;
    top = clamp(top, 0, lowest());
    settle();
    drawHead();
    drawBar();
    if (!popup.hidden) drawOptions();
    paint();
  };
  const columnsKeyOf = of => (of.columns || []).map(column => column.name);
  const onCounts = () => {  // what is selected has changed: the ticks on screen are asked for again
    const ticks = model.counts.version !== counts.version;
    counts = model.counts;
    drawBar();
    arrange();
    if (!ticks) return;
    const [from, to] = visible();
    for (const at of [...kept.keys()]) if (at < from || at >= to) kept.delete(at);
    waiting = true;
    asked += 1;
    if (n()) send({type: "page", id: asked, start: from, count: Math.min(AT_ONCE, to - from)});
    else waiting = false;
    paint();
  };
  model.on("listing", onListing);
  model.on("counts", onCounts);
  model.on("busy", drawBar);
  model.on("making", drawBar);
  model.on("offered", drawBar);
  model.on("inspected", paint);
  model.on("msg:custom", message => {
    if (message.type === "page") take(message.page);
    else if (message.client !== client) return;
    else if (message.type === "copied") {
      copied_line = message.line;
      const raw = message.text, bytes = raw instanceof ArrayBuffer ? new Uint8Array(raw) : new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
      if (copied) copied(new TextDecoder().decode(bytes));
      copied = null;
    }
  });

  head.setAttribute("role", "row");
  head.setAttribute("aria-rowindex", "1");
  pane.setAttribute("role", "rowgroup");
  scroller.setAttribute("role", "grid");
  scroller.setAttribute("aria-label", "Rows");
  scroller.setAttribute("aria-multiselectable", "true");
  scroller.tabIndex = 0;
  space.append(pane);
  scroller.append(head, space);
  box.append(bar, popup, scroller, note);
  const resized = new ResizeObserver(() => {
    top = clamp(top, 0, lowest());
    paint();
  });
  resized.observe(scroller);
  model.on("remove", () => {
    resized.disconnect();
    window.removeEventListener("pointerdown", outside, true);
    point(null);
    send({type: "gone"});
  });
  onListing();
  send({type: "here"});
  return box;
}
