// The upper border of a drawer: it is dragged, or moved by the arrow keys; a button closes the drawer.
const STEP = 30, EVERY_MS = 120;

export function render({model}) {
  const box = document.createElement("div"), grip = document.createElement("div"), close = document.createElement("button");
  box.className = "handle";
  grip.className = "grip";
  grip.tabIndex = 0;
  grip.setAttribute("role", "separator");
  grip.setAttribute("aria-orientation", "horizontal");
  grip.setAttribute("aria-label", "Height of the table");
  close.type = "button";
  close.textContent = "×";
  close.title = "Close the table";
  close.setAttribute("aria-label", "Close the table");
  close.addEventListener("click", () => model.send_msg({type: "close"}));
  box.append(grip, close);
  let drag = null, sent = 0, timer = 0;
  const bounded = height => Math.round(Math.min(model.most, window.innerHeight * 0.7, Math.max(model.least, height)));
  const send = height => {
    clearTimeout(timer);
    const wait = sent + EVERY_MS - performance.now();
    const now = () => { sent = performance.now(); model.send_msg({type: "height", height}); };
    if (wait > 0) timer = setTimeout(now, wait); else now();
  };
  grip.addEventListener("pointerdown", event => {
    drag = {y: event.clientY, height: model.pixels};
    grip.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  grip.addEventListener("pointermove", event => { if (drag) send(bounded(drag.height + drag.y - event.clientY)); });
  for (const kind of ["pointerup", "pointercancel"]) grip.addEventListener(kind, () => { drag = null; });
  grip.addEventListener("keydown", event => {
    const by = {ArrowUp: STEP, ArrowDown: -STEP}[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    send(bounded(model.pixels + by));
  });
  const update = () => {
    grip.setAttribute("aria-valuenow", model.pixels);
    grip.setAttribute("aria-valuemin", model.least);
    grip.setAttribute("aria-valuemax", model.most);
  };
  model.on("pixels", update);
  update();
  return box;
}
