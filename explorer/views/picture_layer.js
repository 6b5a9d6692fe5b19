// The map's picture layer: server-drawn pictures on a canvas under a transparent Bokeh figure.
// The figure owns tools and ranges. Here the old picture follows the ranges at once, and new pictures are asked for, at most two under way.
// All text from the data goes through fillText or textContent, never through markup.

const UNDER_WAY = 2;       // pictures asked for and not yet here
const REST_MS = 120;       // a view that stood this long gets its lossless picture
const GIVE_UP_MS = 8000;   // a picture that is not here by then is counted as lost, and asked for again
const TAP_PX = 5;          // a press that moves less is a tap
const ON_THE_WAY_MS = 120; // the bytes of a picture in motion may take so long to come through
const NOISE_MS = 10;       // differences in time below this say nothing of the way
const RECENT = 6;          // pictures that say how quick the way is now
const BUDGET = 150000;     // bytes of a picture in motion, on a way that carries it quickly
const LEAST = 4000;

export function render({model}) {
  const client = Math.random().toString(36).slice(2);
  const box = document.createElement("div");
  const canvas = document.createElement("canvas");
  const marks = document.createElement("canvas");
  const card = document.createElement("div");
  const note = document.createElement("div");
  box.className = "map";
  canvas.className = "picture";
  marks.className = "marks";
  card.className = "card";
  note.className = "note";
  canvas.setAttribute("role", "img");
  card.hidden = true;
  const figure = model.get_child("figure");
  box.append(canvas, figure, marks, card, note);

  const plot = model.figure, xr = plot.x_range, yr = plot.y_range;
  const ink = canvas.getContext("2d"), pen = marks.getContext("2d");
  let shown = null;            // header of the picture on the canvas
  let intent = null;           // what should be visible, whatever the window's size
  let fitting = false;         // we ourselves are setting the ranges
  let id = 0, asked = 0, wanted = null, rest_timer = 0, moved_at = 0;
  const under_way = new Map(); // id -> time asked
  let background = "", ink_color = "#000";
  let budget = BUDGET;         // what the way carries quickly, learned from each picture
  const rates = [], ways = []; // of the last pictures: bytes a millisecond, and milliseconds on the way
  let hover = {busy: false, next: null, row: null};
  let pressed = null, alive = true;

  const size = () => [box.clientWidth, box.clientHeight];
  const view = () => ({x0: xr.start, x1: xr.end, y0: yr.start, y1: yr.end});
  const to_px = (x, y) => {
    const v = view(), [w, h] = size();
    return [(x - v.x0) / (v.x1 - v.x0) * w, (v.y1 - y) / (v.y1 - v.y0) * h];
  };
  const to_data = (px, py) => {
    const v = view(), [w, h] = size();
    return [v.x0 + px / w * (v.x1 - v.x0), v.y1 - py / h * (v.y1 - v.y0)];
  };

  // ---- theme: the nearest opaque background behind the map
  const read_theme = () => {
    let at = box;
    while (at) {
      const color = getComputedStyle(at).backgroundColor;
      const parts = color.match(/[\d.]+/g);
      if (parts && (parts.length < 4 || Number(parts[3]) > 0.5)) {
        const [r, g, b] = parts.map(Number);
        ink_color = 0.299 * r + 0.587 * g + 0.114 * b < 128 ? "#ffffff" : "#000000";
        return "#" + [r, g, b].map(v => Math.round(v).toString(16).padStart(2, "0")).join("");
      }
      at = at.parentElement || (at.getRootNode && at.getRootNode().host) || null;
    }
    ink_color = "#000000";
    return "#ffffff";
  };

  // ---- asking
  const ask = () => {
    if (!alive || !wanted || wanted.id === asked) return;
    const now = performance.now();
    for (const [key, at] of under_way) if (now - at > GIVE_UP_MS) under_way.delete(key);
    if (under_way.size >= UNDER_WAY) return;
    asked = wanted.id;
    under_way.set(asked, now);
    model.send_msg({...wanted, budget: Math.round(budget)});
  };
  const learn = (head, weight) => {
    const at = under_way.get(head.id);
    if (at === undefined || head.piece > 0) return;
    const way = performance.now() - at - head.ms;
    const late = ways.length ? way - Math.min(...ways) : way;  // than the quickest: so long it waited for the bytes before it and its own
    rates.push(weight / Math.max(late, NOISE_MS));
    ways.push(way);
    if (rates.length > RECENT) rates.shift();
    if (ways.length > 5 * RECENT) ways.shift();
    const most = BUDGET * Math.max(1, box.clientWidth * box.clientHeight / 630000);
    budget = Math.min(most, Math.max(LEAST, Math.max(...rates) * ON_THE_WAY_MS));  // waiting only makes a way look slower than it is
  };
  const want = (moving, again = false) => {
    const [w, h] = size();
    if (w < 1 || h < 1 || !intent) return;
    if (!moving || !background) background = read_theme();  // it makes the browser compute styles: not at each step
    const next = {...view(), width: w, height: h, ratio: window.devicePixelRatio || 1, moving, background};
    if (!again && wanted && Object.keys(next).every(key => next[key] === wanted[key])) return;  // it is here or on its way
    wanted = {type: "draw", client, id: ++id, ...next};
    clearTimeout(rest_timer);
    if (moving) rest_timer = setTimeout(() => want(false), REST_MS);
    ask();
  };

  // ---- placing
  const place = () => {
    if (!shown) return;
    const v = view(), [w, h] = size();
    const sx = (shown.x1 - shown.x0) / (v.x1 - v.x0), sy = (shown.y1 - shown.y0) / (v.y1 - v.y0);
    const tx = (shown.x0 - v.x0) / (v.x1 - v.x0) * w, ty = (v.y1 - shown.y1) / (v.y1 - v.y0) * h;
    canvas.style.width = w + "px";
    canvas.style.height = h + "px";
    canvas.style.transform = `translate(${tx}px,${ty}px) scale(${sx},${sy})`;
  };
  const fit = () => {
    const [w, h] = size();
    if (!intent || w < 1 || h < 1) return;
    const unit = Math.max((intent.x1 - intent.x0) / w, (intent.y1 - intent.y0) / h);
    const cx = (intent.x0 + intent.x1) / 2, cy = (intent.y0 + intent.y1) / 2;
    fitting = true;
    xr.setv({start: cx - unit * w / 2, end: cx + unit * w / 2});
    yr.setv({start: cy - unit * h / 2, end: cy + unit * h / 2});
    fitting = false;
  };

  const wake = () => {  // Bokeh 3.10 may lay the figure out before it has its height, and not look again: no wheel would reach it
    const [w, h] = size();
    if (Math.abs(plot.inner_width - w) > 1 || Math.abs(plot.inner_height - h) > 1) window.Bokeh?.index?.find_one?.(plot)?.invalidate_layout();
  };

  // ---- marks: the clicked row and its neighbors
  const draw_marks = () => {
    const [w, h] = size(), ratio = window.devicePixelRatio || 1;
    if (marks.width !== Math.round(w * ratio) || marks.height !== Math.round(h * ratio)) {
      marks.width = Math.round(w * ratio);
      marks.height = Math.round(h * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    const all = model.marks || [];
    const center = all.find(m => m.kind === "row");
    const halo = ink_color === "#ffffff" ? "rgba(18,18,18,0.85)" : "rgba(255,255,255,0.9)";
    const placed = [];
    if (center) {
      const [cx, cy] = to_px(center.x, center.y);
      pen.strokeStyle = ink_color;
      pen.globalAlpha = 0.35;
      pen.lineWidth = 1;
      pen.beginPath();
      for (const m of all) if (m.kind === "neighbor") {
        const [px, py] = to_px(m.x, m.y);
        pen.moveTo(cx, cy);
        pen.lineTo(px, py);
      }
      pen.stroke();
      pen.globalAlpha = 1;
    }
    const order = {row: 0, hover: 1, neighbor: 2}, radii = {row: 8, hover: 7, neighbor: 5};
    const near = [...all].sort((a, b) => order[a.kind] - order[b.kind]).filter(m => {
      const [px, py] = to_px(m.x, m.y);
      return px > -20 && py > -20 && px < w + 20 && py < h + 20;
    });
    for (const m of [...near].reverse()) {  // the clicked row's ring last, on top
      const [px, py] = to_px(m.x, m.y), radius = radii[m.kind];
      pen.beginPath();
      pen.arc(px, py, radius, 0, 7);
      pen.lineWidth = 4;
      pen.strokeStyle = halo;
      pen.stroke();
      pen.lineWidth = m.kind === "neighbor" ? 1.5 : 2.5;
      pen.strokeStyle = ink_color;
      pen.stroke();
    }
    for (const m of near) {  // its label first, so that it gets its place
      if (!m.label) continue;
      const [px, py] = to_px(m.x, m.y), radius = radii[m.kind];
      pen.font = (m.kind === "row" ? "600 13px" : "12px") + " system-ui, sans-serif";
      const width = pen.measureText(m.label).width;
      let lx = px + radius + 4, ly = py + 4;
      if (lx + width > w - 4) lx = px - radius - 4 - width;
      const spot = [lx, ly - 12, lx + width, ly + 4];
      if (placed.some(s => spot[0] < s[2] && spot[2] > s[0] && spot[1] < s[3] && spot[3] > s[1])) continue;
      placed.push(spot);
      pen.lineJoin = "round";
      pen.lineWidth = 3;
      pen.strokeStyle = halo;
      pen.strokeText(m.label, lx, ly);
      pen.fillStyle = ink_color;
      pen.fillText(m.label, lx, ly);
    }
  };

  // ---- pictures
  const begin = head => {  // make room for a picture; where it comes in pieces, what was seen so far stays until they cover it
    if (head.pieces === 1 || !shown) {
      if (canvas.width !== head.width || canvas.height !== head.height) {
        canvas.width = head.width;
        canvas.height = head.height;
      }
      return;
    }
    const before = document.createElement("canvas");
    before.width = canvas.width;
    before.height = canvas.height;
    before.getContext("2d").drawImage(canvas, 0, 0);
    canvas.width = head.width;
    canvas.height = head.height;
    const sx = head.width / (head.x1 - head.x0), sy = head.height / (head.y1 - head.y0);
    ink.drawImage(before, (shown.x0 - head.x0) * sx, (head.y1 - shown.y1) * sy, (shown.x1 - shown.x0) * sx, (shown.y1 - shown.y0) * sy);
  };
  const show = async raw => {
    const bytes = raw instanceof ArrayBuffer ? new Uint8Array(raw) : new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
    const n = bytes[0] * 256 + bytes[1];
    const head = JSON.parse(new TextDecoder().decode(bytes.slice(2, 2 + n)));
    if (head.client !== client) return;
    learn(head, bytes.length);
    for (const key of [...under_way.keys()]) if (key <= head.id) under_way.delete(key);
    let bitmap = null;
    try {
      bitmap = await createImageBitmap(new Blob([bytes.slice(2 + n)], {type: head.type}));
    } catch (error) {
      console.warn("explorer: a picture could not be decoded", error);
    }
    if (bitmap && alive && (!shown || head.id > shown.id || (head.id === shown.id && head.push >= shown.push))) {
      if (head.piece === 0) begin(head);
      ink.clearRect(0, head.top, head.width, bitmap.height);
      ink.drawImage(bitmap, 0, head.top);
      shown = head;
      document.getElementById("explorer-still")?.remove();  // see page.html
      const whole = head.piece + 1 === head.pieces;
      if (!whole && wanted && wanted.id === head.id) model.send_msg({type: "piece", client, push: head.push, piece: head.piece + 1});
      canvas.setAttribute("aria-label", head.alt || "Map");
      box.dataset.picture = `${head.id}.${head.push}`;
      box.dataset.rest = String(!head.moving && whole);
      place();
      draw_marks();
      wake();
    }
    if (bitmap) bitmap.close();
    ask();
  };

  // ---- the row under the pointer
  const say_hover = () => {
    if (hover.busy || !hover.next) return;
    const {px, py} = hover.next;
    hover.next = null;
    hover.busy = true;
    setTimeout(() => { hover.busy = false; }, 1000);  // an answer lost on the way must not end hovering
    const [x, y] = to_data(px, py);
    model.send_msg({type: "hover", client, x, y, id: shown ? shown.id : 0});
  };
  const hide_card = () => { card.hidden = true; hover.row = null; };
  const show_card = message => {
    hover.busy = false;
    if (message.row === null || message.row === undefined || !hover.inside) { hide_card(); say_hover(); return; }
    if (message.row !== hover.row) {
      hover.row = message.row;
      card.replaceChildren();
      if (message.image) {
        const image = document.createElement("img");
        image.src = message.image;
        image.alt = "";
        card.append(image);
      }
      const title = document.createElement("div");
      title.className = "title";
      title.textContent = message.title;
      card.append(title);
      for (const [name, value] of message.fields) {
        const line = document.createElement("div"), key = document.createElement("span"), text = document.createElement("span");
        key.className = "key";
        key.textContent = name;
        text.textContent = value;
        line.append(key, text);
        card.append(line);
      }
    }
    card.hidden = false;
    const [px, py] = to_px(message.x, message.y), [w, h] = size();
    const right = px + 14 + card.offsetWidth < w, below = py + 14 + card.offsetHeight < h;
    card.style.left = Math.max(4, right ? px + 14 : px - 14 - card.offsetWidth) + "px";
    card.style.top = Math.max(4, below ? py + 14 : py - 14 - card.offsetHeight) + "px";
    say_hover();
  };
  const pointer = event => {
    const frame = box.getBoundingClientRect();
    return {px: event.clientX - frame.left, py: event.clientY - frame.top};
  };
  const on_move = event => {
    hover.inside = true;
    if (event.buttons || performance.now() - moved_at < REST_MS) { hide_card(); return; }
    hover.next = pointer(event);
    say_hover();
  };
  const on_leave = event => { if (event.pointerType === "touch") return; hover.inside = false; hover.next = null; hide_card(); };
  const on_down = event => { pressed = {...pointer(event), at: performance.now()}; };
  const on_up = event => {
    if (!pressed) return;
    const {px, py} = pointer(event), far = Math.hypot(px - pressed.px, py - pressed.py);
    const quick = performance.now() - pressed.at < 600;
    pressed = null;
    if (far > TAP_PX || !quick || event.button > 0) return;
    const [x, y] = to_data(px, py);
    model.send_msg({type: "tap", client, x, y, id: shown ? shown.id : 0});
    if (event.pointerType === "touch") {  // a finger does not hover: its tap shows the card, too
      hover.inside = true;
      hover.next = {px, py};
      say_hover();
    }
  };
  const on_focus = event => {  // Bokeh's figure takes the focus: a click draws no dotted frame around the map, the Tab key does
    const at = event.composedPath()[0];
    at.style.outline = at.matches(":focus-visible") ? "" : "none";
  };
  box.addEventListener("focusin", on_focus, true);
  box.addEventListener("pointermove", on_move, true);
  box.addEventListener("pointerleave", on_leave, true);
  box.addEventListener("pointerdown", on_down, true);
  box.addEventListener("pointerup", on_up, true);

  // ---- following the figure
  let scheduled = false;
  const follow = () => {
    if (scheduled) return;
    scheduled = true;
    const user = !fitting;
    requestAnimationFrame(() => {
      scheduled = false;
      if (!alive) return;
      if (user) { intent = view(); moved_at = performance.now(); hide_card(); }
      place();
      draw_marks();
      want(user && shown !== null);
    });
  };
  xr.change.connect(follow);
  yr.change.connect(follow);
  const go_home = (again = false) => {
    if (!model.home || model.home.length !== 4) return;
    const [x0, x1, y0, y1] = model.home;
    intent = {x0, x1, y0, y1};
    hide_card();
    fit();
    want(false, again);
    place();
    draw_marks();
  };
  const resized = new ResizeObserver(() => { fit(); place(); draw_marks(); want(false); });
  resized.observe(box);
  const looked_after = setInterval(() => {
    if (!box.isConnected) return;
    wake();
    const asked_at = under_way.get(asked);
    if (asked_at !== undefined && performance.now() - asked_at > GIVE_UP_MS) want(wanted.moving, true);
    if (!shown || read_theme() === background) return;
    background = read_theme();  // a picture at rest is transparent: it fits every theme; the server has to know it for a picture file
    draw_marks();
    want(false);
  }, 500);

  model.on("home", () => go_home(true));  // another layout: what was asked for before shows something else
  model.on("marks", draw_marks);
  model.on("note", () => { note.textContent = model.note; });
  model.on("msg:custom", message => {
    if (message.client && message.client !== client) return;
    if (message.type === "picture") show(message.picture);
    if (message.type === "card") show_card(message);
    if (message.type === "home") go_home();
    if (message.type === "view") { intent = {x0: message.x0, x1: message.x1, y0: message.y0, y1: message.y1}; fit(); want(false); }
  });
  model.on("remove", () => {
    alive = false;
    clearInterval(looked_after);
    clearTimeout(rest_timer);
    resized.disconnect();
    xr.change.disconnect(follow);
    yr.change.disconnect(follow);
    model.send_msg({type: "gone", client});
  });
  note.textContent = model.note;
  go_home();
  return box;
}
