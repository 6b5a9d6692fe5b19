// Search and query: two lines with what each of them found. What matches is the server's to say; text from the data goes through textContent only.

const TYPING_MS = 100, SPINNER_MS = 200;
const MODES = [["contains", "Contains", "Find the text anywhere"], ["word", "Word", "Find whole words"], ["regex", "Regex", "Find a regular expression (RE2)"], ["meaning", "Meaning", ""]];
const NEAREST = [10, 50, 200, 1000];  // rows that are found by meaning
const NO_VECTORS = "This data has coordinates only: meaning needs vectors";
const BY_NAMES = "Find what is near to a row in meaning: type its name, or a sum such as king - man + woman";
const ACTS = [
  ["replace", "Select", "Select these rows"], ["add", "Add", "Add these rows to the selection"],
  ["subtract", "Remove", "Remove these rows from the selection"], ["intersect", "Keep only", "Keep only those of the selected rows that are among these"],
];

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

const arrow = (label, path, act) => {
  const made = button("step", undefined, label, act), picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  made.setAttribute("aria-label", label);
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("aria-hidden", "true");
  line.setAttribute("d", path);
  picture.append(line);
  made.append(picture);
  return made;
};

export function render({model}) {
  const send = message => model.send_msg({...message, of: model.content.version});

  // ---- a line that asks as one types: what it asked last, and what it waits for
  const asking = (kind, input, more, {waits = () => false} = {}) => {
    const field = element("div", "field"), spinner = element("span", "spinner"), wrong = element("div", "wrong");
    spinner.hidden = true;
    spinner.setAttribute("role", "status");
    spinner.setAttribute("aria-label", "Looking");
    wrong.setAttribute("role", "alert");
    wrong.id = `${kind}-wrong`;
    input.setAttribute("aria-errormessage", wrong.id);
    field.append(input, spinner);
    let asked = 0, typing = null, waiting = null, sent = null;
    const busy = on => {
      spinner.hidden = !on;
      field.classList.toggle("busy", on);
    };
    const ask = () => {
      clearTimeout(typing);
      typing = null;
      const question = {type: kind, text: input.value, ...more()}, said = JSON.stringify(question);
      if (said === sent) return false;
      sent = said;
      send({...question, asked: ++asked});
      clearTimeout(waiting);
      waiting = setTimeout(() => busy(true), SPINNER_MS);
      return true;
    };
    const soon = () => {
      clearTimeout(typing);
      typing = setTimeout(ask, TYPING_MS);
    };
    input.addEventListener("input", () => {
      if (!input.value.trim()) ask();
      else if (!waits()) soon();
    });
    const answer = ({of, asked: number, error}) => {
      if (of !== model.content.version || number < asked) return;  // a newer question is on its way
      clearTimeout(waiting);
      busy(false);
      if (wrong.textContent !== error) wrong.textContent = error;
      wrong.hidden = !error;
      input.setAttribute("aria-invalid", String(Boolean(error)));
    };
    const reset = () => {
      clearTimeout(typing);
      clearTimeout(waiting);
      busy(false);
      [asked, sent, input.value, wrong.textContent, wrong.hidden] = [0, null, "", "", true];
      input.setAttribute("aria-invalid", "false");
    };
    reset();
    return {field, wrong, ask, answer, reset};
  };

  const acts = by => {
    const box = element("div", "line"), group = element("div", "group");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Select what was found");
    const made = ACTS.map(([mode, text, title]) => button("", text, title, () => send({type: mode, by})));
    group.append(...made);
    const filter = button("act", "Filter", "Hide all other rows", () => send({type: "filter", by}));
    filter.setAttribute("aria-pressed", "false");
    box.append(group, filter);
    return {box, filter, made};
  };

  // ---- search
  const text = element("input"), modes = element("div", "group"), column = element("select");
  let mode = "contains";
  text.type = "search";
  text.maxLength = 1000;
  text.autocomplete = "off";
  text.spellcheck = false;
  text.setAttribute("aria-label", "Search text");
  text.setAttribute("aria-keyshortcuts", "/");
  text.setAttribute("aria-description", "Enter goes to the next hit, Shift and Enter to the one before.");
  modes.setAttribute("role", "group");
  modes.setAttribute("aria-label", "How to search");
  column.setAttribute("aria-label", "Search in column");
  const in_case = button("act", "Aa", "Tell upper and lower case apart", () => {
    in_case.setAttribute("aria-pressed", String(in_case.getAttribute("aria-pressed") !== "true"));
    search.ask();
  });
  in_case.setAttribute("aria-pressed", "false");
  in_case.setAttribute("aria-label", "Tell upper and lower case apart");
  const nearest = element("select");
  nearest.setAttribute("aria-label", "How many rows to find");
  nearest.append(...NEAREST.map(k => new Option(`${k.toLocaleString("en")} nearest`, k, k === 50, k === 50)));
  const by_meaning = () => mode === "meaning";
  const how = () => (by_meaning() ? {mode, k: Number(nearest.value)} : {mode, case: in_case.getAttribute("aria-pressed") === "true", column: column.value});
  const search = asking("search", text, how, {waits: by_meaning});  // each question may cost something: Enter asks
  const choices = MODES.map(([name, shown, title]) => {
    const made = button("", shown, title, () => {
      mode = name;
      for (const other of choices) other.setAttribute("aria-pressed", String(other === made));
      show_mode();
      if (!by_meaning()) return search.ask();
      send({type: "meaning"});
      text.focus();
    });
    made.setAttribute("aria-pressed", String(name === mode));
    return made;
  });
  modes.append(...choices);
  column.addEventListener("change", search.ask);
  nearest.addEventListener("change", () => text.value.trim() && search.ask());
  const show_mode = () => {
    in_case.hidden = column.hidden = by_meaning();
    nearest.hidden = !by_meaning();
    text.placeholder = by_meaning() ? (model.encoder ? "Describe it, then Enter" : "Name of a row, then Enter") : `Search text${model.keys_everywhere ? "  ( / )" : ""}`;
    text.setAttribute("aria-label", by_meaning() ? "Search by meaning" : "Search text");
    text.title = by_meaning() ? "Sums of names work as well: king - man + woman" : "";
  };
  const show_encoder = () => {
    const choice = choices.at(-1);
    choice.disabled = !model.meaning;
    choice.title = !model.meaning ? NO_VECTORS : model.encoder ? `Find what is near in meaning, by ${model.encoder}` : BY_NAMES;
    if (!model.meaning && by_meaning()) choices[0].click();
    else show_mode();
  };
  const options = element("div", "line");
  options.append(modes, in_case, column, nearest);
  const go = step => {
    search.ask();
    send({type: "go", step});
  };
  text.addEventListener("keydown", event => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      if (by_meaning() && text.value.trim() && search.ask()) return;
      if (text.value.trim()) go(event.shiftKey ? -1 : 1);
    } else if (event.key === "ArrowDown" && hits().length) {
      event.preventDefault();
      hits().find(hit => hit.tabIndex === 0).focus();
    } else if (event.key === "Escape" && !text.value) {
      text.blur();
    }
  });
  const outcome = element("div", "outcome"), counted = element("span"), list = element("ul", "hits"), found = acts("search");
  const mark = button("act", "Mark", "Ring the first 200 on the map", () => send({type: "mark"}));
  counted.setAttribute("role", "status");
  outcome.append(counted, arrow("Hit before (Shift + Enter)", "M3 10l5-5 5 5", () => go(-1)), arrow("Next hit (Enter)", "M3 6l5 5 5-5", () => go(1)));
  list.setAttribute("aria-label", "Rows found");
  const color = button("act", "Color", "Color by how near each row is in meaning", () => send({type: "color"}));
  color.setAttribute("aria-label", "Color by how near each row is in meaning");
  found.box.append(mark, color);

  const hits = () => [...list.querySelectorAll(".hit")];
  let pointed = null;
  const point = row => {
    if (row === pointed) return;
    pointed = row;
    send({type: "point", row});
  };
  const marked = (box, parts) => parts.forEach((part, at) => {
    if (part) box.append(at % 2 ? element("mark", "", part) : document.createTextNode(part));
  });
  const item = ({row, title, column: name, text: parts, titled, score}, at) => {
    const made = element("li"), hit = button("hit", undefined, "", () => send({type: "look", row, at}));
    const head = element("span", "title"), passage = element("span", "text");
    head.dir = passage.dir = "auto";
    hit.dataset.row = row;
    hit.dataset.at = at;
    hit.tabIndex = -1;
    if (titled) marked(head, parts);
    else head.textContent = title;
    hit.append(head);
    if (score !== undefined) {
      const told = element("span", "score", score.toFixed(3));
      told.title = "Cosine similarity";
      hit.append(told);
    }
    if (!titled && parts.length) {
      passage.append(element("i", "", `${name}: `));
      marked(passage, parts);
      hit.append(passage);
    }
    hit.addEventListener("pointerenter", () => point(row));
    hit.addEventListener("pointerleave", () => point(null));
    made.append(hit);
    return made;
  };
  const stop_at = hit => {
    for (const other of hits()) other.tabIndex = other === hit ? 0 : -1;
  };
  list.addEventListener("keydown", event => {
    const all = hits(), at = all.indexOf(event.target);
    const to = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1, PageDown: at + 5, PageUp: at - 5}[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();  // the map moves by the same keys
    if (to < 0 && event.key === "ArrowUp") return text.focus();
    const next = all[Math.min(Math.max(to, 0), all.length - 1)];
    stop_at(next);
    next.focus();
  });
  list.addEventListener("focusin", event => {
    stop_at(event.target);
    point(Number(event.target.dataset.row));
  });
  list.addEventListener("focusout", () => point(null));

  const say = () => {
    const {note, n, any} = model.found, at = model.at;
    outcome.hidden = !any;
    found.box.hidden = !any;
    outcome.querySelectorAll(".step").forEach(step => { step.disabled = !n; });
    for (const act of [...found.made, mark, color]) act.disabled = !n;
    color.hidden = !model.found.ranked;
    const place = any && at >= 0 && at < n ? `${(at + 1).toLocaleString("en")} of ` : "";
    const said = any ? place + note : "";
    if (counted.textContent !== said) counted.textContent = said;
  };
  const show_current = () => {
    const current = hits().find(hit => Number(hit.dataset.at) === model.at);
    for (const hit of hits()) hit.setAttribute("aria-current", String(hit === current));
    if (current) {
      stop_at(current);
      const top = current.parentElement.offsetTop - list.offsetTop, bottom = top + current.offsetHeight;
      if (top < list.scrollTop) list.scrollTop = top;
      else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
    }
    say();
  };
  const show_found = () => {
    if (model.found.of) search.answer(model.found);
    say();
    if (!model.found.any) list.replaceChildren();
    list.hidden = !list.childElementCount;
  };
  const show_listed = () => {
    const {of, first, hits: shown} = model.listed;
    point(null);  // the hit under the pointer goes, and says nothing when it goes
    const focused = list.contains(list.getRootNode().activeElement);
    list.replaceChildren(...(of === model.content.version ? shown : []).map((hit, at) => item(hit, first + at)));
    list.hidden = !list.childElementCount;
    list.scrollTop = 0;
    if (hits().length) hits()[0].tabIndex = 0;
    show_current();
    if (focused && hits().length) hits().find(hit => hit.tabIndex === 0).focus();
  };

  // ---- query
  const line = element("input", "query"), named = element("label", "", "Query"), menu = element("ul", "completions");
  line.type = "text";
  line.id = "query-line";
  named.htmlFor = line.id;
  line.maxLength = 2000;
  line.autocomplete = "off";
  line.autocapitalize = "off";
  line.spellcheck = false;
  line.setAttribute("role", "combobox");
  line.setAttribute("aria-autocomplete", "list");
  line.setAttribute("aria-expanded", "false");
  line.setAttribute("aria-controls", "query-names");
  line.setAttribute("aria-description", "Compare columns as in pandas. Enter shows only the rows that meet it.");
  menu.id = "query-names";
  menu.setAttribute("role", "listbox");
  menu.setAttribute("aria-label", "Columns");
  menu.hidden = true;
  const query = asking("query", line, () => ({})), met = acts("query");
  query.field.append(menu);
  const said = element("div", "outcome"), amount = element("span");
  amount.setAttribute("role", "status");
  said.append(amount);

  let chosen = -1, offered = [];
  const token = () => {  // the beginning of a name before the cursor, outside of quotes
    const before = line.value.slice(0, line.selectionStart);
    const open = /^(?:[^"'`]|"[^"]*"|'[^']*'|`[^`]*`)*$/.test(before) ? /(?:^|[^\p{L}\p{N}_.])([\p{L}_][\p{L}\p{N}_]*)$/u : /`([^`]*)$/;
    const start = open.exec(before);
    return start && {typed: start[1], from: before.length - start[1].length - (open.source.startsWith("`") ? 1 : 0), to: before.length};
  };
  const offer = show => {
    const at = show ? token() : null, typed = at ? at.typed.toLowerCase() : "";
    const rank = name => (name.toLowerCase().startsWith(typed) ? 0 : 1);
    offered = !at ? [] : model.names.filter(({name}) => name.toLowerCase().includes(typed) && name !== at.typed)
      .sort((a, b) => rank(a.name) - rank(b.name)).slice(0, 8);
    if (/^(and|or|not|in|is|true|false|none)$/.test(typed)) offered = [];
    chosen = -1;
    menu.replaceChildren(...offered.map(({name, role}, place) => {
      const made = element("li");
      made.id = `query-name-${place}`;
      made.setAttribute("role", "option");
      made.append(element("span", "", name), element("b", "", role));
      made.addEventListener("pointerdown", event => {
        event.preventDefault();  // the line keeps the focus
        complete(place);
      });
      return made;
    }));
    choose(-1);
    menu.hidden = !offered.length;
    line.setAttribute("aria-expanded", String(Boolean(offered.length)));
  };
  const choose = place => {
    chosen = place;
    [...menu.children].forEach((made, at) => {
      made.setAttribute("aria-selected", String(at === place));
      if (at === place) made.scrollIntoView({block: "nearest"});
    });
    if (place < 0) line.removeAttribute("aria-activedescendant");
    else line.setAttribute("aria-activedescendant", `query-name-${place}`);
  };
  const complete = place => {
    const at = token(), {name} = offered[place];
    if (!at) return offer(false);
    const plain = /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) && !/^(and|or|not|in|is|if|else|for|while|class|def|return|from|import|as|with|try|lambda|pass|del|global|raise|yield|None|True|False)$/.test(name);
    line.setRangeText(plain ? name : `\`${name}\``, at.from, at.to, "end");
    line.dispatchEvent(new Event("input"));
    offer(false);
  };
  line.addEventListener("input", () => offer(true));
  line.addEventListener("blur", () => offer(false));
  line.addEventListener("keydown", event => {
    const open = !menu.hidden, {key} = event;
    if (open && (key === "ArrowDown" || key === "ArrowUp")) {
      event.preventDefault();
      const n = offered.length;
      choose(key === "ArrowDown" ? (chosen + 1) % n : (chosen <= 0 ? n : chosen) - 1);
    } else if (open && chosen >= 0 && (key === "Tab" || key === "Enter")) {
      event.preventDefault();
      complete(chosen);
    } else if (open && key === "Escape") {
      event.preventDefault();
      offer(false);
    } else if (key === "Enter" && !event.isComposing) {
      event.preventDefault();
      offer(false);
      query.ask();
      send(line.value.trim() ? {type: "show only", by: "query"} : {type: "unfilter", by: "query"});
    }
  });
  const show_met = () => {
    const {of, any, note} = model.met;
    if (of) query.answer(model.met);
    said.hidden = met.box.hidden = !any;
    if (amount.textContent !== (note || "")) amount.textContent = note || "";
  };

  // ---- both
  const show_filtering = () => {
    found.filter.setAttribute("aria-pressed", String(model.filtering.includes("search")));
    met.filter.setAttribute("aria-pressed", String(model.filtering.includes("query")));
  };
  const show_marking = () => {
    mark.hidden = !model.marks;
    mark.setAttribute("aria-pressed", String(model.marking));
  };
  const show_coloring = () => color.setAttribute("aria-pressed", String(model.coloring));
  const offer_columns = () => {
    const every = element("option", "", "All text"), {value} = column;
    every.value = "";
    column.replaceChildren(every, ...model.columns.map(name => {
      const made = element("option", "", name);
      made.value = name;
      return made;
    }));
    column.value = model.columns.includes(value) ? value : "";
    line.disabled = !model.columns.length;
    text.disabled = line.disabled && !model.meaning;
  };
  const draw = () => {
    const {example} = model.content;
    search.reset();
    query.reset();
    column.value = "";
    show_mode();
    line.placeholder = example || "column == value";
    line.title = example ? `For example: ${example}` : "";
    list.replaceChildren();
    offer(false);
    show_found();
    show_met();
    show_filtering();
  };

  const on_slash = event => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !box.isConnected) return;
    const at = event.composedPath()[0];
    if (at instanceof Element && (at.isContentEditable || at.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [role=textbox]"))) return;
    if (!model.keys_everywhere && !event.composedPath().includes(box)) return;
    event.preventDefault();
    text.focus();
    text.select();
  };
  window.addEventListener("keydown", on_slash);
  model.on("remove", () => window.removeEventListener("keydown", on_slash));

  const box = element("div", "search"), first = element("div", "part"), second = element("div", "part");
  first.append(search.field, options, search.wrong, outcome, list, found.box);
  second.append(named, query.field, query.wrong, said, met.box);
  box.append(first, second);
  model.on("content", draw);
  model.on("columns", offer_columns);
  model.on("found", show_found);
  model.on("listed", show_listed);
  model.on("at", show_current);
  model.on("met", show_met);
  model.on("filtering", show_filtering);
  model.on("marking", show_marking);
  model.on("coloring", show_coloring);
  for (const name of ["encoder", "meaning"]) model.on(name, () => [show_encoder, offer_columns].forEach(show => show()));
  offer_columns();
  show_encoder();
  draw();
  show_marking();
  show_coloring();
  if (model.found.any) show_listed();
  return box;
}
