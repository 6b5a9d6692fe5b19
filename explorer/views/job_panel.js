// What is computed on this machine: a button that says how much, and a list that it opens. Titles go through textContent only.
const GAP = 6, EDGE = 8;  // CSS pixels between the list and the button, and to the window's edge

const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const say = (where, text) => { if (where.textContent !== text) where.textContent = text; };

export function render({model}) {
  const box = element("div", "jobs"), button = element("button", "count"), ring = element("i"), words = element("span", "words"), short = element("span", "short");
  const list = element("div", "list"), rows = element("ul"), more = element("div", "more"), lines = new Map();
  button.type = "button";
  button.setAttribute("aria-haspopup", "true");
  button.setAttribute("aria-expanded", "false");
  ring.setAttribute("aria-hidden", "true");
  short.setAttribute("aria-hidden", "true");
  button.append(ring, words, short);
  list.popover = "auto";
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", "Computing on this machine");
  list.append(element("div", "head", "Computing on this machine"), rows, more);
  button.popoverTargetElement = list;

  const place = () => {
    const at = button.getBoundingClientRect(), {offsetWidth: width, offsetHeight: height} = list;
    const above = at.top - GAP - height;
    list.style.left = `${Math.max(EDGE, Math.min(at.right - width, innerWidth - width - EDGE))}px`;
    list.style.top = `${above >= EDGE ? above : Math.max(EDGE, Math.min(at.bottom + GAP, innerHeight - height - EDGE))}px`;
  };
  list.addEventListener("toggle", event => {
    const open = event.newState === "open";
    button.setAttribute("aria-expanded", String(open));
    (open ? addEventListener : removeEventListener)("resize", place);
    if (open) place();
  });

  const line = number => {
    const row = element("li"), title = element("span", "title"), whose = element("span", "whose"), far = element("span", "far");
    const bar = element("div", "bar"), done = element("i"), cancel = element("button", "cancel", "Cancel");
    title.dir = "auto";
    cancel.type = "button";
    cancel.addEventListener("click", () => {
      cancel.disabled = true;
      model.send_msg({type: "cancel", number});
    });
    bar.setAttribute("role", "progressbar");
    bar.append(done);
    const head = element("div", "line"), foot = element("div", "line");
    head.append(title, cancel);
    foot.append(whose, far);
    row.append(head, bar, foot);
    return {row, title, whose, far, bar, done, cancel};
  };
  const show = ([number, title, whose, own, percent, text]) => {
    if (!lines.has(number)) lines.set(number, line(number));
    const {row, ...parts} = lines.get(number);
    say(parts.title, title);
    say(parts.whose, whose);
    say(parts.far, text);
    parts.title.title = title;
    parts.bar.setAttribute("aria-label", title);
    parts.bar.setAttribute("aria-valuenow", percent);
    parts.done.style.width = `${percent}%`;
    parts.cancel.hidden = !own;
    parts.cancel.setAttribute("aria-label", `Cancel ${title}`);
    row.classList.toggle("waits", text.endsWith("in the queue"));
    return row;
  };
  const update = () => {
    const {jobs, running, waiting} = model.content, n = running + waiting;
    const shown = new Set(jobs.map(([number]) => number));
    for (const [number, {row}] of lines) if (!shown.has(number)) { row.remove(); lines.delete(number); }
    jobs.map(show).forEach((row, at) => { if (rows.children[at] !== row) rows.insertBefore(row, rows.children[at] || null); });
    say(more, `and ${n - jobs.length} more`);
    more.hidden = n <= jobs.length;
    say(words, [running ? `${running} computing` : "", waiting ? `${waiting} waiting` : ""].filter(Boolean).join(", "));
    say(short, String(n));
    button.title = "What is computed on this machine";
    const first = jobs.find(([, , , own, , text]) => own && !text.endsWith("in the queue")) || jobs[0];
    ring.style.setProperty("--done", `${first ? first[4] : 0}%`);
    box.hidden = !n;
    if (!list.matches(":popover-open")) return;
    if (n) place(); else list.hidePopover();
  };
  model.on("content", update);
  box.append(button, list);
  update();
  return box;
}
