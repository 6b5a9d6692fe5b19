// Retrieval: a query, one or two settings, and for each near row which rank each setting gave it. Text from the data goes through textContent only.
const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const MODES = [["default", "nearest"], ["mmr", "varied (MMR)"]];

export function render({model}) {
  const box = element("div", "retrieval"), form = element("form"), query = element("input"), told = element("div", "told");
  const wrong = element("div", "wrong"), table = element("table"), compare = element("label", "compare"), both = element("input");
  query.type = "search";
  query.maxLength = 20_000;
  query.placeholder = "Ask, then Enter";
  query.setAttribute("aria-label", "Query of the index");
  told.setAttribute("role", "status");
  wrong.setAttribute("role", "alert");
  table.setAttribute("aria-label", "What was retrieved");

  const setting = (name, k) => {
    const line = element("div", "line"), top_k = element("input"), mode = element("select"), threshold = element("input");
    top_k.type = threshold.type = "number";
    Object.assign(top_k, {min: 1, max: 200, step: 1, value: k, title: "How many nodes it retrieves"});
    Object.assign(threshold, {min: 0, max: 1, step: 0.1, value: 0.5, title: "1 looks at the query alone, 0 at how unlike nodes are"});
    top_k.setAttribute("aria-label", `Top k of ${name}`);
    mode.setAttribute("aria-label", `Mode of ${name}`);
    threshold.setAttribute("aria-label", `MMR threshold of ${name}`);
    mode.append(...MODES.map(([value, text]) => new Option(text, value)));
    const show = () => { threshold.hidden = mode.value !== "mmr"; };
    mode.addEventListener("change", () => { show(); ask(); });
    for (const field of [top_k, threshold]) field.addEventListener("change", () => ask());
    show();
    line.append(element("b", "name", name), top_k, mode, threshold);
    const value = () => ({top_k: Math.min(200, Math.max(1, Math.round(Number(top_k.value)) || 1)), mode: mode.value, mmr_threshold: Math.min(1, Math.max(0, Number(threshold.value) || 0))});
    return {line, value};
  };
  const one = setting("A", 5), other = setting("B", 10);
  both.type = "checkbox";
  compare.append(both, document.createTextNode(" Compare with other settings"));
  const chosen = () => (both.checked ? [one, other] : [one]).map(each => each.value());
  const ask = () => {
    if (query.value.trim()) model.send_msg({type: "ask", query: query.value, settings: chosen()});
  };
  both.addEventListener("change", () => {
    other.line.hidden = !both.checked;
    ask();
  });
  other.line.hidden = true;
  form.addEventListener("submit", event => {
    event.preventDefault();
    ask();
  });
  query.addEventListener("keydown", event => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      ask();
    } else if (event.key === "Escape" && !query.value) query.blur();
    event.stopPropagation();  // the maps have keys of their own
  });
  form.append(query, one.line, compare, other.line);

  const head = n => {
    const row = element("tr");
    row.append(...["#", ...(n > 1 ? ["A", "B"] : ["rank"]), "", ""].map(text => {
      const cell = element("th", "", text);
      cell.scope = "col";
      return cell;
    }));
    return row;
  };
  const line = ({row, title, similarity, nearest, ranks}) => {
    const made = element("tr", ranks.every(rank => rank === null) ? "missed" : ""), name = element("td", "title"), go = element("button", "", title);
    const place = element("td", "number", nearest.toLocaleString("en"));
    place.title = "Its place by similarity";
    made.append(place);
    for (const rank of ranks) {
      const cell = element("td", rank === null ? "rank none" : "rank", rank === null ? "–" : String(rank));
      cell.title = rank === null ? "Missed by these settings" : "Its rank with these settings";
      made.append(cell);
    }
    go.type = "button";
    go.dir = "auto";
    go.title = title;
    go.addEventListener("click", () => model.send_msg({type: "look", row}));
    go.addEventListener("pointerenter", () => model.send_msg({type: "point", row}));
    go.addEventListener("pointerleave", () => model.send_msg({type: "point", row: null}));
    name.append(go);
    const score = element("td", "number", similarity.toFixed(3));
    score.title = "Cosine similarity";
    made.append(name, score);
    return made;
  };
  const update = () => {
    const {working, problem, n, lines, query: asked} = model.content;
    const retrieved = lines.filter(each => each.ranks.some(rank => rank !== null)).length;
    const said = working ? "Retrieving …" : lines.length ? `${retrieved} retrieved, ${lines.length - retrieved} near ones missed` : "";
    if (told.textContent !== said) told.textContent = said;
    if (wrong.textContent !== problem) wrong.textContent = problem;
    wrong.hidden = !problem;
    table.replaceChildren(...(lines.length ? [head(n), ...lines.map(line)] : []));
    if (!asked) query.value = "";
  };
  model.on("content", update);
  update();
  box.append(form, wrong, told, table);
  return box;
}
