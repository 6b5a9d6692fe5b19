// A first visit: what is on the screen, and three things to try, each of which the card can do itself. Text goes through textContent.

const MEMORY = "explorer-welcome";
const STEP_MS = 140;
const STEPS = 4;           // of a zoom that is shown

const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};

export function render({model}) {
  const card = element("section", "welcome");
  card.setAttribute("aria-label", "Welcome");
  card.hidden = true;
  const about = element("p"), placed = element("p", "wide"), list = element("ol"), more = element("p", "more wide"), done = element("button", "done", "Got it");
  done.type = "button";
  card.append(element("h2", "", "What you see"), about, placed, element("h3", "wide", "Three things to try"), list, more, done);

  const key = action => window.dispatchEvent(new CustomEvent("explorer-key", {detail: {group: model.group, action, first: true}, cancelable: true}));
  const zoom = () => { for (let step = 0; step < STEPS; step++) setTimeout(() => key("in"), step * STEP_MS); };
  const tries = {};
  const thing = (name, title, show) => {
    const made = element("li"), words = element("div"), how = element("span", "wide"), button = element("button", "show", "Show me");
    button.type = "button";
    button.setAttribute("aria-label", `Show me: ${title}`);
    button.addEventListener("click", show);
    words.append(element("strong", "", title), how);
    made.append(words, button);
    list.append(made);
    tries[name] = {made, how, title, done: false};
  };
  thing("zoom", "Zoom and move", zoom);
  thing("click", "Click a point", () => model.send_msg({type: "click"}));
  thing("play", "Watch rows travel", () => key("play"));
  tries.zoom.how.textContent = "Wheel or pinch, and drag; every row is drawn again.";
  tries.click.how.textContent = "Its true nearest rows are ringed, wherever this map put them.";

  const check = name => {
    if (tries[name].done) return;
    tries[name].done = true;
    tries[name].made.classList.add("tried");
    tries[name].made.setAttribute("aria-label", `${tries[name].title}: tried`);
  };
  const update = () => {
    const {name, rows, dims, layout, color, trip, clicked} = model.content;
    if (!rows) return;
    const count = rows.toLocaleString("en"), numbers = dims ? ` of ${dims.toLocaleString("en")} numbers each` : "";
    about.textContent = `${name}: each point is one of ${count} rows${numbers}${color ? `, colored by ${color}` : ""}.`;
    placed.textContent = `${layout} has put rows that are alike near each other, as far as a map can.`;
    tries.play.how.textContent = `▶ below the map: from ${layout} to ${trip}.`;
    tries.play.made.hidden = !trip;
    more.textContent = (trip ? "The percentage beside a layout is how many true neighbors it keeps. " : "") + "Keys, and this card, are under ?.";
    if (clicked) check("click");
  };
  model.on("content", update);
  update();

  const read = () => {
    try { return localStorage.getItem(MEMORY); } catch { return null; }
  };
  const close = () => {
    card.hidden = true;
    try { localStorage.setItem(MEMORY, "read"); } catch { /* a browser that keeps nothing */ }
  };
  done.addEventListener("click", close);
  card.addEventListener("keydown", event => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  const open = () => { card.hidden = !model.content.rows; };
  let begun = false;
  const begin = () => { if (begun && !read()) open(); };
  model.on("msg:custom", message => {
    if (message.type !== "begin") return;
    begun = true;
    begin();
  });
  model.on("content", () => { if (card.hidden) begin(); });

  const on_view = event => { if (event.detail.group === model.group && !event.detail.home) check("zoom"); };
  const on_traveled = event => { if (event.detail.playing) check("play"); };
  const on_asked = event => {
    if (event.detail.group !== model.group) return;
    open();
    done.focus();
  };
  window.addEventListener("explorer-view", on_view);
  window.addEventListener("explorer-traveled", on_traveled);
  window.addEventListener("explorer-welcome", on_asked);
  model.on("remove", () => {
    window.removeEventListener("explorer-view", on_view);
    window.removeEventListener("explorer-traveled", on_traveled);
    window.removeEventListener("explorer-welcome", on_asked);
  });
  return card;
}
