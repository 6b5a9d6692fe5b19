// The map's picture layer: server-drawn pictures on a canvas under a transparent Bokeh figure.
// The figure owns tools and ranges. Here the old picture follows the ranges at once, and new pictures are asked for, by at most two messages under way.
// All text from the data goes through fillText or textContent, never through markup.

const UNDER_WAY = 2;       // messages that ask for pictures which are not yet here
const NOTHING_HERE = "No rows are in view: zoom out, or show those that are hidden.";
const UNDER_HAND = 1;      // where what is asked for later comes along in the next one: a second message only has the first one's pictures dropped
const REST_MS = 120;       // a view that stood this long gets its lossless picture
const GIVE_UP_MS = 8000;   // a picture that is not here by then is counted as lost, and asked for again
const TAP_PX = 5;          // a press that moves less is a tap
const ON_THE_WAY_MS = 120; // the bytes of a picture in motion may take so long to come through
const NOISE_MS = 10;       // differences in time below this say nothing of the way
const RECENT = 6;          // pictures that say how quick the way is now
const EARLY_MS = 3;         // a picture of a journey that is here so early is shown at once
const WAYS_MS = 30000;     // for so long the quickest picture says how long the way is where nothing waits
const BUDGET = 150000;     // bytes of a picture in motion, on a way that carries it quickly
const LEAST = 4000;
const OUTLINE_PX = 3;      // between two corners of a lasso
const CORNERS = 4000;
const FLIGHT_MS = 450;
const NEAR = 12;           // so much of the whole map is the view of a row that was flown to

const hush = doc => {  // jupyter_bokeh does not see that a change came from the kernel
  if (!doc || doc.explorer_hushed) return;
  const tell = doc._trigger_on_change.bind(doc);
  doc.explorer_hushed = true;
  doc._trigger_on_change = event => event.kind === "ModelChanged" && event.sync === false ? undefined : tell(event);
};

export function render({model, view: shown_by}) {
  if (model.echoes) hush(shown_by?.model?.document);
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
  let whole = 0;               // how many times the whole map should be: the view follows its home; 0 once a person looks elsewhere
  let fitting = false;         // we ourselves are setting the ranges
  let id = 0, asked = 0, wanted = null, rest_timer = 0, moved_at = 0;
  const under_way = new Map(); // id -> time asked
  let newest = 0;              // number of a picture that is here, shown or not
  let oldest = 0;              // what was asked for before is not shown any more
  let background = "", ink_color = "#000";
  let budget = BUDGET;         // what the way carries quickly, learned from each picture
  const rates = [], ways = []; // of the last pictures: bytes a millisecond; and when they came, milliseconds on the way, bytes
  let hover = {busy: false, next: null, row: null};
  let pressed = null, alive = true;
  let ring = null;             // the row under the pointer, wherever that is
  let named = [];              // where names of marked rows are written, [x0, y0, x1, y1] in pixels: other names give way to them
  const titled = new Set();    // and of which rows
  let outline = null;          // what is being drawn to select rows: {shape, mode, points}
  let flight = 0, flown = 0;   // a move to a row that is under way; moves from elsewhere so far
  let by_hand = false;         // whether somebody has moved the map, or turned it, since a picture at rest was asked for: the server undoes that

  const paced = () => travel.playing || turn.by_itself;  // pictures of a motion that is known beforehand are asked for by what moves
  let measured = [0, 0];       // asking for it at each picture of a journey or a turn has the page laid out each time
  const size = () => travel.playing || turn.busy ? measured : (measured = [box.clientWidth, box.clientHeight]);
  let passing = null;          // where to look while rows travel: the figure follows at last, it takes longer to paint than a picture
  const view = () => passing || {x0: xr.start, x1: xr.end, y0: yr.start, y1: yr.end};
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
  const lose = () => {
    const now = performance.now();
    for (const [key, at] of under_way) if (now - at > GIVE_UP_MS) under_way.delete(key);
  };
  const ask = () => {
    if (!alive || !wanted || wanted.id === asked) return;
    const now = performance.now();
    lose();
    if (!paced() && new Set(under_way.values()).size >= (turn.by_hand ? UNDER_HAND : UNDER_WAY)) return;
    asked = wanted.id;
    if (!wanted.moving) by_hand = false;
    const strip = turn.strip(wanted);
    for (const {id: each} of [strip, ...strip.then || []]) under_way.set(each, now);
    model.send_msg({...strip, budget: Math.round(budget)});
  };
  const learn = (head, weight) => {
    const at = under_way.get(head.id);
    if (at === undefined || head.piece > 0) return;
    const now = performance.now(), way = now - at - head.ms;
    while (ways.length && ways[0].at < now - WAYS_MS) ways.shift();
    const quickest = ways.reduce((best, known) => (known.way < best.way ? known : best), ways[0] || {way: 0, weight: 0});
    const late = way - quickest.way;  // so long it waited for the bytes before it, and for those it has more than the quickest
    const rate = Math.max(weight / Math.max(way, NOISE_MS), (weight - quickest.weight) / Math.max(late, NOISE_MS));  // at least
    ways.push({at: now, way, weight});
    if (late > NOISE_MS || rate * ON_THE_WAY_MS > budget) rates.push(rate);  // one that waited for nothing does not show a slow way
    if (!rates.length) return;
    if (rates.length > RECENT) rates.shift();
    const most = BUDGET * Math.max(1, box.clientWidth * box.clientHeight / 630000);
    budget = Math.min(most, Math.max(LEAST, Math.max(...rates) * ON_THE_WAY_MS));  // waiting only makes a way look slower than it is
  };
  const want = (moving, again = false) => {
    const [w, h] = size();
    if (w < 1 || h < 1 || !intent || paced()) return;
    if (!moving || !background) background = read_theme();  // it makes the browser compute styles: not at each step
    const ratio = Math.min(moving ? turn.detail : Infinity, window.devicePixelRatio || 1);
    const next = {...view(), width: w, height: h, ratio, moving, background, ...travel.here, ...turn.here};
    const known = !again && wanted && Object.keys(next).every(key => next[key] === wanted[key]);  // it is here or on its way
    if (known && !moving) return;
    clearTimeout(rest_timer);
    if (moving) rest_timer = setTimeout(() => want(false), REST_MS);
    if (known) return;
    wanted = {type: "draw", client, id: ++id, ...next, ...(by_hand && !moving ? {by_hand} : {})};
    turn.note(wanted);
    ask();
  };

  const free = most => {
    lose();
    return under_way.size < most;
  };
  const ask_strip = (common, places, detail) => {  // pictures that come together, with so many pixels for one of the page's; their numbers
    const [w, h] = size(), ratio = Math.min(detail, window.devicePixelRatio || 1);
    clearTimeout(rest_timer);
    const [first, ...then] = places.map(place => ({id: ++id, ...place}));
    wanted = {type: "draw", client, width: w, height: h, ratio, moving: true, background, ...common, ...first, then};
    ask();
    return [first, ...then].map(each => each.id);
  };

  const images = gallery({
    box, before: marks, to_px,
    unit: () => (xr.end - xr.start) / Math.max(1, size()[0]),
    moving: () => !shown || shown.live || (shown.journey !== 0 && shown.t > 0 && shown.t < 1 && shown.moving) || turn.apart(shown),
  });
  const time = () => shown && {journey: shown.journey, t: shown.t, moving: shown.live || travel.playing || (shown.journey !== 0 && shown.t > 0 && shown.t < 1 && shown.moving) || turn.apart(shown)};
  const contours = tracer({box, before: marks, size, view, time, ground: () => background});
  const labels = namer({
    box, before: marks, size, view, time,
    ground: () => background,
    quiet: () => (model.marks || []).some(mark => mark.label),
    taken: () => named,
    titled: () => titled,
  });
  const travel = traveler({
    plane: () => model.plane,
    free,
    ask: (places, detail) => ask_strip(travel.here, places, detail),  // [{t, ...view}, ...]
    view,
    whole: found => (whole = whole || found),
    fitted: target => fitted(target),
    pass: target => { passing = target; },  // the picture is about to be placed
    look: (target, still = false) => {  // still: its picture at rest is asked for, no other one is needed before
      passing = null;
      move_to(target);
      if (still) followed = flown;
      follow(false);
    },
    rest: () => {
      want(false, true);
      oldest = id;  // what is on its way shows another place
    },
    redraw: () => draw_marks(),
    fade: () => {
      const ghost = canvas.cloneNode();
      ghost.getContext("2d").drawImage(canvas, 0, 0);
      ghost.classList.add("ghost");
      ghost.removeAttribute("aria-label");
      canvas.after(ghost);
      ghosts.add(ghost);
    },
  });
  const turn = turner({
    box,
    told: () => model.turn,
    unit: () => { const v = view(); return (v.x1 - v.x0) / Math.max(1, size()[0]); },
    tool: () => model.tool,
    at_end: () => travel.at_an_end && !shown?.live,  // what is being computed has one view
    seen: () => shown,
    turned: () => {
      by_hand = true;
      moved_at = performance.now();
      hide_card();
      want(true);
    },
    settle: () => {
      by_hand = true;
      want(false);
      oldest = id;  // what is on its way shows how it would have gone on
    },
    free,
    ask: (poses, detail) => {
      moved_at = performance.now();
      hide_card();
      return ask_strip({...view(), ...travel.here}, poses, detail);
    },
    pan: (dx, dy) => {
      const v = view(), [w, h] = size(), x = dx / w * (v.x1 - v.x0), y = dy / h * (v.y1 - v.y0);
      step_to({x0: v.x0 - x, x1: v.x1 - x, y0: v.y0 + y, y1: v.y1 + y});
    },
    zoom: (factor, px, py) => {
      const v = view(), [x, y] = to_data(px, py);
      step_to({x0: x - (x - v.x0) * factor, x1: x + (v.x1 - x) * factor, y0: y - (y - v.y0) * factor, y1: y + (v.y1 - y) * factor});
    },
    send: message => model.send_msg({...message, client}),
  });
  const seat = mark => turn.place(mark, shown) || travel.place(mark);  // where a mark is in what is seen
  const ghosts = new Set();  // what was seen before, where a person wants no motion: it fades when the next picture is there
  const fade_ghosts = () => {
    for (const ghost of ghosts) {
      ghosts.delete(ghost);
      ghost.style.opacity = 0;
      setTimeout(() => ghost.remove(), FADE_MS);
    }
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
    images.place();
    contours.place();
    labels.place();
  };
  const fitted = ({x0, x1, y0, y1}) => {  // with an equal scale on both axes
    const [w, h] = size(), unit = Math.max((x1 - x0) / w, (y1 - y0) / h), cx = (x0 + x1) / 2, cy = (y0 + y1) / 2;
    return {x0: cx - unit * w / 2, x1: cx + unit * w / 2, y0: cy - unit * h / 2, y1: cy + unit * h / 2};
  };
  const fit = () => {
    const [w, h] = size();
    if (!intent || w < 1 || h < 1) return;
    const {x0, x1, y0, y1} = fitted(intent);
    fitting = true;
    xr.setv({start: x0, end: x1});
    yr.setv({start: y0, end: y1});
    fitting = false;
  };

  const figure_view = () => window.Bokeh?.index?.find_one?.(plot);
  let bare = false;            // the figure paints nothing: a layer that is not seen costs a page without a graphics card no composing
  const hide_figure = () => {
    const layers = bare || model.overlaid ? null : figure_view()?.canvas_view;
    if (!layers) return;
    bare = true;
    for (const {canvas: layer} of [layers.primary, layers.overlays]) layer.style.visibility = "hidden";
  };
  const wake = () => {  // Bokeh 3.10 may lay the figure out before it has its height, and not look again: no wheel would reach it
    const [w, h] = size();
    if (Math.abs(plot.inner_width - w) > 1 || Math.abs(plot.inner_height - h) > 1) figure_view()?.invalidate_layout();
    hide_figure();
  };

  let marked = false;          // whether anything is on the canvas of marks
  marks.style.visibility = "hidden";
  // ---- marks: the clicked row and its neighbors
  const draw_marks = () => {
    const [w, h] = size(), ratio = window.devicePixelRatio || 1;
    if (marks.width !== Math.round(w * ratio) || marks.height !== Math.round(h * ratio)) {
      marks.width = Math.round(w * ratio);
      marks.height = Math.round(h * ratio);
    }
    const all = ring ? [...(model.marks || []), {...ring, kind: "hover", label: ""}] : model.marks || [];
    const anything = all.length > 0 || outline !== null || travel.has_trails;
    named = [];
    titled.clear();
    if (!anything && !marked) return;  // clearing what is clear costs a page without a graphics card as much as a picture
    marked = anything;
    marks.style.visibility = anything ? "" : "hidden";
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    const center = all.find(m => m.kind === "row");
    const dark = ink_color === "#ffffff";
    const halo = dark ? "rgba(18,18,18,0.85)" : "rgba(255,255,255,0.9)";
    const hues = {lost: dark ? "#ffa94d" : "#c2410c", false: dark ? "#c4b5fd" : "#6d28d9", new: dark ? "#ff8ad1" : "#b0006d"};
    travel.draw_trails(pen, to_px, ink_color);
    if (center) {  // lines to where the lost ones went
      const [cx, cy] = to_px(...seat(center));
      pen.strokeStyle = hues.lost;
      pen.lineWidth = 1.25;
      for (const m of all) if (m.kind === "lost") {
        const [px, py] = to_px(...seat(m));
        pen.globalAlpha = m.faint ? 0.25 : 0.65;
        pen.beginPath();
        pen.moveTo(cx, cy);
        pen.lineTo(px, py);
        pen.stroke();
      }
      pen.globalAlpha = 1;
    }
    const order = {new: 0, row: 0, hover: 1, kept: 2, neighbor: 2, lost: 2, false: 3, hit: 4}, radii = {new: 7, hit: 5, row: 8, hover: 7, kept: 5, neighbor: 5, lost: 6, false: 5};
    const near = [...all].sort((a, b) => order[a.kind] - order[b.kind]).filter(m => {
      if (m.kind === "new" && turn.apart(shown)) return false;  // only the server knows where they are in space
      const [px, py] = to_px(...seat(m));
      return px > -20 && py > -20 && px < w + 20 && py < h + 20;
    });
    for (const m of [...near].reverse()) {  // the clicked row's ring last, on top
      const [px, py] = to_px(...seat(m)), radius = radii[m.kind], arm = radius * 0.72;
      pen.globalAlpha = m.faint ? 0.35 : 1;
      pen.beginPath();
      if (m.kind === "lost" || m.kind === "new") {  // a diamond
        pen.moveTo(px, py - radius);
        pen.lineTo(px + radius, py);
        pen.lineTo(px, py + radius);
        pen.lineTo(px - radius, py);
        pen.closePath();
      } else if (m.kind === "false") {  // a cross
        pen.moveTo(px - arm, py - arm);
        pen.lineTo(px + arm, py + arm);
        pen.moveTo(px + arm, py - arm);
        pen.lineTo(px - arm, py + arm);
      } else pen.arc(px, py, radius, 0, 7);
      pen.lineWidth = 4;
      pen.strokeStyle = halo;
      pen.stroke();
      pen.lineWidth = m.kind === "row" || m.kind === "hover" ? 2.5 : 1.75;
      pen.strokeStyle = hues[m.kind] || ink_color;
      pen.stroke();
      if (m.kind === "new") {  // filled: it is no row of the data
        pen.fillStyle = hues.new;
        pen.fill();
      }
    }
    pen.globalAlpha = 1;
    for (const m of near) {  // its label first, so that it gets its place
      if (!m.label) continue;
      const [px, py] = to_px(...seat(m)), radius = radii[m.kind];
      pen.font = (m.kind === "row" ? "600 13px" : "12px") + " system-ui, sans-serif";
      const width = pen.measureText(m.label).width;
      let lx = px + radius + 4, ly = py + 4;
      if (lx + width > w - 4) lx = px - radius - 4 - width;
      const spot = [lx, ly - 12, lx + width, ly + 4];
      if (named.some(s => spot[0] < s[2] && spot[2] > s[0] && spot[1] < s[3] && spot[3] > s[1])) continue;
      named.push(spot);
      titled.add(m.row);
      pen.lineJoin = "round";
      pen.lineWidth = 3;
      pen.strokeStyle = halo;
      pen.strokeText(m.label, lx, ly);
      pen.fillStyle = ink_color;
      pen.fillText(m.label, lx, ly);
    }
    draw_outline();
  };

  const draw_outline = () => {
    if (!outline) return;
    const points = outline.points;
    pen.beginPath();
    if (outline.shape === "box") {
      const [[ax, ay], [bx, by]] = [points[0], points[points.length - 1]];
      pen.rect(Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay));
    } else {
      points.forEach(([px, py], at) => at ? pen.lineTo(px, py) : pen.moveTo(px, py));
      pen.closePath();
    }
    pen.fillStyle = ink_color === "#ffffff" ? "rgba(255,255,255,0.08)" : "rgba(0,0,0,0.06)";
    pen.fill("evenodd");
    pen.lineWidth = 3;
    pen.strokeStyle = ink_color === "#ffffff" ? "rgba(18,18,18,0.7)" : "rgba(255,255,255,0.8)";
    pen.stroke();
    pen.lineWidth = 1.5;
    pen.setLineDash(outline.mode === "subtract" ? [3, 4] : outline.mode === "intersect" ? [8, 4] : []);
    pen.strokeStyle = ink_color;
    pen.stroke();
    pen.setLineDash([]);
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
  const decode_here = async (bytes, type) => {  // the bytes stay in this process; only in secure contexts
    const decoder = new ImageDecoder({data: bytes, type});
    try {
      return (await decoder.decode()).image;
    } finally {
      decoder.close();
    }
  };
  const decode = (bytes, type) => (window.ImageDecoder ? decode_here(bytes, type) : createImageBitmap(new Blob([bytes], {type}))).catch(error => {
    console.warn("explorer: a picture could not be decoded", error);
    return null;
  });
  let queue = Promise.resolve();  // pictures are decoded side by side, and shown in the order in which they came
  const take = (raw, weight) => {  // weight: of the whole message, said of its first picture
    const bytes = raw instanceof ArrayBuffer ? new Uint8Array(raw) : new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
    const n = bytes[0] * 256 + bytes[1];
    const head = JSON.parse(new TextDecoder().decode(bytes.slice(2, 2 + n)));
    if (head.client !== client) return;
    if (weight) learn(head, weight);
    newest = Math.max(newest, head.id);
    const asked_at = under_way.get(head.id);
    for (const key of [...under_way.keys()]) if (key <= head.id) under_way.delete(key);
    const decoded = decode(bytes.subarray(2 + n), head.type);
    queue = queue.then(async () => show(head, await decoded, asked_at)).catch(error => console.error(error));
  };
  const say_note = () => {  // a map without a row in sight is no broken one
    if (model.note || !shown || shown.visible > 0) note.textContent = model.note;
    else if (!shown.moving) note.textContent = NOTHING_HERE;
  };
  const show = async (head, bitmap, asked_at) => {
    const early = head.moving && asked_at !== undefined ? travel.early(head, asked_at) || turn.early(head, asked_at, newest) : 0;
    if (bitmap && early > EARLY_MS) await new Promise(resolve => setTimeout(resolve, early));
    const newer = !shown || head.id > shown.id || (head.id === shown.id && head.push >= shown.push);
    if (bitmap && alive && newer && head.id >= oldest) {
      if (head.piece === 0) begin(head);
      ink.clearRect(0, head.top, head.width, bitmap.displayHeight || bitmap.height);
      ink.drawImage(bitmap, 0, head.top);
      shown = head;
      document.getElementById("explorer-still")?.remove();  // see page.html
      const whole = head.piece + 1 === head.pieces;
      if (!whole && wanted && wanted.id === head.id) model.send_msg({type: "piece", client, push: head.push, piece: head.piece + 1});
      if (!head.moving || !canvas.hasAttribute("aria-label")) canvas.setAttribute("aria-label", (head.alt || "Map") + (head.solid ? ". Arrow keys turn it." : ""));
      box.dataset.picture = `${head.id}.${head.push}`;
      box.dataset.rest = String(!head.moving && whole);
      box.dataset.t = head.journey ? head.t : "";
      turn.came(head);
      if (!head.moving) fade_ghosts();
      else if (head.live) model.send_msg({type: "seen", client});
      else if (head.journey && asked_at !== undefined) travel.came(head);
      say_note();
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
    if (turn.owns(event)) { if (hover.inside) leave(); return; }
    if (on_draw(event)) return;
    if (turn.move(event, pointer(event))) { event.stopPropagation(); return; }
    hover.inside = true;
    if (event.buttons || travel.playing || turn.busy || performance.now() - moved_at < REST_MS) { hide_card(); return; }
    hover.next = pointer(event);
    say_hover();
  };
  const leave = () => {
    if (hover.inside) model.send_msg({type: "left", client});
    hover.inside = false;
    hover.next = null;
    hide_card();
  };
  const on_leave = event => { if (event.target === box && event.pointerType !== "touch") leave(); };  // not a part of it, as where a drag begins

  // ---- selecting: an outline is drawn with the box or the lasso; with the hand and Shift, too
  const mode_of = event => event.shiftKey ? "add" : event.altKey ? "subtract" : event.ctrlKey || event.metaKey ? "intersect" : model.mode;
  const shape_of = event => model.tool !== "pan" ? model.tool : event.shiftKey ? "lasso" : null;
  const send_outline = ({shape, mode, points}) => {
    const [[ax, ay], [bx, by]] = [points[0], points[points.length - 1]];
    const corners = shape === "lasso" ? points : [[ax, ay], [bx, ay], [bx, by], [ax, by]];
    const placed = corners.map(([px, py]) => to_data(px, py));
    model.send_msg({type: "select", client, shape, mode, x: placed.map(at => at[0]), y: placed.map(at => at[1])});
  };
  const moved = hand => {  // somebody looks elsewhere: by hand, or as the server says
    by_hand = hand;
    whole = 0;
    passing = null;
    travel.moved();
  };
  const interrupt = () => {  // somebody takes hold of the map while it moves or rows travel: the figure looks where they were seen
    cancelAnimationFrame(flight);
    if (!passing) return;
    const here = passing;
    moved(true);
    move_to(here);
  };
  const on_down = event => {
    if (turn.owns(event)) return;
    interrupt();
    pressed = {...pointer(event), at: performance.now()};
    const shape = event.button === 0 && event.isPrimary !== false && shown ? shape_of(event) : null;
    if (!shape && shown && turn.hold(event, pressed)) {
      event.stopPropagation();  // the figure does not pan; but it gets the focus, so that arrows are for the map
      hide_card();
      return box.setPointerCapture(event.pointerId);
    }
    turn.stop();
    if (!shape) return;
    event.stopPropagation();  // the figure does not pan
    event.preventDefault();
    outline = {shape, mode: mode_of(event), points: [[pressed.px, pressed.py]], pointer: event.pointerId};
    hide_card();
    box.setPointerCapture(event.pointerId);
  };
  const on_draw = event => {
    if (!outline || event.pointerId !== outline.pointer) return false;
    event.stopPropagation();
    const {px, py} = pointer(event), last = outline.points[outline.points.length - 1];
    outline.mode = mode_of(event);
    if (outline.shape === "box") outline.points[1] = [px, py];
    else if (Math.hypot(px - last[0], py - last[1]) >= OUTLINE_PX && outline.points.length < CORNERS) outline.points.push([px, py]);
    draw_marks();
    return true;
  };
  const end_outline = (event, send) => {
    if (!outline || (event && event.pointerId !== outline.pointer)) return false;
    const drawn = outline, far = Math.max(...drawn.points.map(([px, py]) => Math.hypot(px - drawn.points[0][0], py - drawn.points[0][1])));
    outline = null;
    draw_marks();
    if (send && far > TAP_PX) {
      event.stopPropagation();
      pressed = null;
      send_outline(drawn);
      return true;
    }
    return false;  // a tap
  };
  const on_up = event => {
    turn.release(event);
    if (end_outline(event, true) || !pressed) return;
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
  box.addEventListener("wheel", interrupt, true);
  box.addEventListener("pointermove", on_move, true);
  box.addEventListener("pointerleave", on_leave, true);
  box.addEventListener("pointerdown", on_down, true);
  box.addEventListener("pointerup", on_up, true);
  box.addEventListener("pointercancel", event => { turn.release(event); end_outline(event, false); pressed = null; }, true);
  box.addEventListener("contextmenu", event => { if ((turn.panned || event.ctrlKey) && box.dataset.turns === "true" && model.tool === "pan") event.preventDefault(); });

  // ---- other maps of the group move along, by as many pixels and by the same factor; told to them in the browser
  const now = () => ({cx: (xr.start + xr.end) / 2, cy: (yr.start + yr.end) / 2, unit: (xr.end - xr.start) / Math.max(1, box.clientWidth)});
  let last = now();  // where this map was before its last move
  const tell = () => {
    const before = last, after = now();
    last = after;
    if (!model.linked || !(before.unit > 0)) return;
    const detail = {group: model.group, client, factor: after.unit / before.unit};
    detail.right = (after.cx - before.cx) / before.unit;
    detail.up = (after.cy - before.cy) / before.unit;
    window.dispatchEvent(new CustomEvent("explorer-view", {detail}));
  };
  const on_other = event => {
    const {group, client: from, factor, right, up, home} = event.detail;
    if (group !== model.group || from === client || !model.linked || !intent || !box.isConnected) return;
    if (home) return go_home(false, true);
    interrupt();
    moved(true);
    const {cx, cy, unit} = now(), [w, h] = size(), next = unit * factor, mx = cx + right * unit, my = cy + up * unit;
    move_to({x0: mx - next * w / 2, x1: mx + next * w / 2, y0: my - next * h / 2, y1: my + next * h / 2});
  };
  const move_to = target => {  // moved by something else than the figure's tools
    intent = target;
    moved_at = performance.now();
    hide_card();
    flown += 1;
    fit();
    last = now();
  };
  window.addEventListener("explorer-view", on_other);
  const fly = target => {
    cancelAnimationFrame(flight);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || !intent) return move_to(target);
    const start = {...intent}, began = performance.now();
    const step = now => {
      if (!alive) return;
      const t = Math.min(1, Math.max(0, (now - began) / FLIGHT_MS)), e = t * t * (3 - 2 * t);
      const unit = name => target[name] * e + start[name] * (1 - e);
      move_to({x0: unit("x0"), x1: unit("x1"), y0: unit("y0"), y1: unit("y1")});
      if (t < 1) flight = requestAnimationFrame(step);
    };
    flight = requestAnimationFrame(step);
  };
  const fly_home = () => fly(padded(range(model.home), whole));
  const fly_to = (x, y) => {
    if (!model.home || model.home.length !== 4) return;
    const v = view(), [x0, x1, y0, y1] = model.home;
    const w = Math.min(v.x1 - v.x0, (x1 - x0) / NEAR), h = w * (v.y1 - v.y0) / (v.x1 - v.x0);
    moved(false);
    fly({x0: x - w / 2, x1: x + w / 2, y0: y - h / 2, y1: y + h / 2});
  };

  const step_to = target => {
    const before = last;
    moved(true);
    move_to(target);
    last = before;
    tell();
  };

  // ---- keys: of the map that has the focus, or the one under the pointer, or the first
  const on_key = event => {
    const {group, action} = event.detail;
    if (group !== model.group || event.defaultPrevented || !box.isConnected || !intent) return;
    if (!(event.detail.first ? true : hover.inside || box.matches(":focus-within"))) return;
    event.preventDefault();
    if (action === "here") return;  // who asks wanted to know no more
    if (action === "play") return window.dispatchEvent(new CustomEvent("explorer-play", {detail: {plane: model.plane}}));
    if (["dimensions", "spin", "tour"].includes(action)) return turn.press(action);
    const v = view(), [w, h] = [v.x1 - v.x0, v.y1 - v.y0];
    const moves = {left: [-0.15, 0], right: [0.15, 0], up: [0, 0.15], down: [0, -0.15]};
    if (action in moves && !event.detail.moves && turn.key(action)) return;
    if (action in moves) {
      const [dx, dy] = moves[action];
      step_to({x0: v.x0 + dx * w, x1: v.x1 + dx * w, y0: v.y0 + dy * h, y1: v.y1 + dy * h});
    } else if (action === "in" || action === "out") {
      const by = action === "in" ? 0.7 : 1 / 0.7, cx = (v.x0 + v.x1) / 2, cy = (v.y0 + v.y1) / 2;
      step_to({x0: cx - by * w / 2, x1: cx + by * w / 2, y0: cy - by * h / 2, y1: cy + by * h / 2});
    } else if (action === "home") {
      go_home(false, true);
      window.dispatchEvent(new CustomEvent("explorer-view", {detail: {group: model.group, client, home: true}}));
    } else if (action === "select") {
      const [px, py] = size();
      send_outline({shape: "view", mode: event.detail.mode || model.mode, points: [[0, 0], [px, py]]});
    } else if (action === "escape") {
      end_outline(null, false);
    }
  };
  window.addEventListener("explorer-key", on_key);

  // ---- following the figure
  let scheduled = false, by_person = false;
  const follow = person => {
    by_person = by_person || person;
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      const user = by_person, elsewhere = flown;
      scheduled = by_person = false;
      if (!alive) return;
      if (user) { moved(true); intent = view(); moved_at = performance.now(); hide_card(); tell(); }
      place();
      draw_marks();
      want((user || elsewhere !== followed) && shown !== null);
      followed = elsewhere;
    });
  };
  let followed = 0;
  const on_range = () => follow(!fitting);
  xr.change.connect(on_range);
  yr.change.connect(on_range);
  const go_home = (again = false, hand = false) => {
    if (!model.home || model.home.length !== 4) return;
    cancelAnimationFrame(flight);
    by_hand = hand;
    whole = 1;
    passing = null;
    intent = (!again && travel.go_home()) || range(model.home);
    hide_card();
    fit();
    last = now();
    want(false, again);
    place();
    draw_marks();
  };
  const resized = new ResizeObserver(() => { measured = [box.clientWidth, box.clientHeight]; fit(); last = now(); place(); draw_marks(); want(false); });
  resized.observe(box);
  const looked_after = setInterval(() => {
    if (!box.isConnected) return;
    wake();
    const asked_at = under_way.get(asked);
    if (asked_at !== undefined && performance.now() - asked_at > GIVE_UP_MS) want(wanted.moving, true);
    if (!shown || read_theme() === background) return;
    background = read_theme();  // a picture at rest is transparent: it fits every theme; the server has to know it for a picture file
    draw_marks();
    contours.place();
    labels.place();
    want(false);
  }, 500);

  model.on("home", () => {
    if (!model.along || !shown) go_home(true);  // another layout: what was asked for before shows something else
    else if (whole && travel.at_an_end && (travel.here.journey || 0) >= model.coming) fly_home();  // elsewhere, a journey knows where to look
  });
  const look = () => {  // as a link or a bookmark says
    cancelAnimationFrame(flight);
    if (turn.obey()) oldest = id + 1;
    if (model.look.length !== 5) return go_home(true);
    moved(false);
    intent = range(model.look.slice(1));
    move_to(intent);
    want(false, true);
    place();
    draw_marks();
  };
  model.on("look", look);
  model.on("turn", () => { turn.begin(); draw_marks(); });
  model.on("coming", () => { if (model.coming) turn.stop(); });
  model.on("marks", () => { draw_marks(); labels.place(); });
  model.on("contours", () => contours.take(model.contours));
  model.on("labels", () => labels.take(model.labels));
  model.on("note", say_note);
  model.on("msg:custom", message => {
    if (message.client && message.client !== client) return;
    if (message.type === "pictures") {
      const weight = message.pictures.reduce((sum, raw) => sum + raw.byteLength, 0);
      message.pictures.forEach((raw, at) => take(raw, at ? 0 : weight));
    }
    if (message.type === "card") show_card(message);
    if (message.type === "images") images.take(message);
    if (message.type === "names") labels.name_rows(message.rows);
    if (message.type === "home") go_home();
    if (message.type === "view") { moved(false); fly(range([message.x0, message.x1, message.y0, message.y1])); }
    if (message.type === "fly") fly_to(message.x, message.y);
    if (message.type === "ring") { ring = message.x === null ? null : {x: message.x, y: message.y, way: message.way, at: message.at}; draw_marks(); }
    if (message.type === "scrub" && message.number === travel.here.journey) scrub_to(message.t, false);
    if (message.type === "journey") {
      under_way.clear();  // of the journey before, the server sends nothing more
      if (message.plays || !whole) cancelAnimationFrame(flight);  // the view comes along with the rows
      hide_card();
      if (message.heads && !message.whole) whole = 0;  // it leads to a part of the map
      const stranded = travel.playing && !message.number, part = !whole;
      travel.begin(message);
      if (stranded && whole) fly_home();
      if (message.at) { travel.scrub(message.at, part); want(true); }
      draw_marks();
    }
  });
  const scrub_to = (t, hand) => {
    by_hand = hand;
    hide_card();
    cancelAnimationFrame(flight);
    travel.scrub(t);
    want(true);
    draw_marks();
  };
  const on_scrub = event => {
    const {plane, t, play, ms, pause} = event.detail;
    if (plane !== model.plane || !box.isConnected) return;
    if (play === undefined && !pause) return scrub_to(t, true);
    by_hand = true;
    hide_card();
    cancelAnimationFrame(flight);
    if (pause) return travel.pause();
    travel.play(play, ms);
  };
  window.addEventListener("explorer-scrub", on_scrub);
  const show_tool = () => { box.dataset.tool = model.tool; };
  const on_tool = event => { if (event.detail.group === model.group) model.tool = event.detail.tool; };
  window.addEventListener("explorer-tool", on_tool);
  model.on("tool", show_tool);
  model.on("remove", () => {
    alive = false;
    travel.end();
    contours.end();
    turn.end();
    labels.end();
    window.removeEventListener("explorer-scrub", on_scrub);
    window.removeEventListener("explorer-view", on_other);
    window.removeEventListener("explorer-key", on_key);
    window.removeEventListener("explorer-tool", on_tool);
    clearInterval(looked_after);
    clearTimeout(rest_timer);
    resized.disconnect();
    xr.change.disconnect(on_range);
    yr.change.disconnect(on_range);
    model.send_msg({type: "gone", client});
  });
  show_tool();
  turn.begin();
  note.textContent = model.note;
  contours.take(model.contours);
  labels.take(model.labels);
  go_home();
  if (model.look.length) look();
  model.send_msg({type: "here", client});
  return box;
}
