// A map of tiles in one page: pan, zoom, names, search, cards. Nothing is fetched; texts from the data go through textContent and fillText only.
// Comes after labels.js in one script.

const of = id => document.getElementById(id);
const about = JSON.parse(of("data").textContent), {tile: TILE, deepest, known, legend} = about;
const canvas = of("map"), pen = canvas.getContext("2d"), card = of("card");
const KEEP = 160;        // decoded tiles
const NEAR_PX = 9;       // a row so near to the pointer is under it
const DISCS = 4000;      // rows in view that are drawn one by one, where tiles would be blurred
const LISTED = 60, RINGS = 3000, GRID = 256;
const number = value => value.toLocaleString("en-US", {maximumSignificantDigits: 6});
const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};

// ---- tiles
const sources = new Map([...document.querySelectorAll("script[data-place]")].map(script => [script.dataset.place, script]));
const images = new Map();   // by place: an image, the one that was used last at the end
const tile_at = place => {
  const source = sources.get(place);
  if (!source) return null;
  let image = images.get(place);
  if (image) images.delete(place);
  else {
    image = new Image();
    image.onload = () => { image.ready = true; draw(); };
    image.src = "data:image/webp;base64," + source.textContent;
    if (images.size >= KEEP) images.delete(images.keys().next().value);
  }
  images.set(place, image);
  return image;
};

// ---- names of groups
const [square_left, square_top, square_side] = about.square;
const is_dark = () => (document.documentElement.dataset.scheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const names = namer({
  box: canvas.parentElement, before: canvas.nextElementSibling, size: () => [width, height],
  view: () => {
    const [x0, y0] = to_map(0, 0), [x1, y1] = to_map(width, height), at = v => square_left + v * square_side, down = v => square_top - v * square_side;
    return {x0: at(x0), x1: at(x1), y0: down(y1), y1: down(y0)};
  },
  ground: () => is_dark() ? "#121212" : "#ffffff",  // as page.html has it
  time: () => ({journey: 0, t: 0, moving: false}),
  quiet: () => hits.length > 0,  // rings are to be seen
});
const write_names = () => names.take(about.labels, label => only === null || label.color === known.lut[only]);

// ---- where the map is: cx, cy in the square from 0 to 1, scale in CSS pixels for its side
let view = {cx: 0.5, cy: 0.5, scale: 1}, width = 1, height = 1, ratio = 1, pending = 0;
const [left_end, top_end, right_end, bottom_end] = about.home;
const home_scale = () => Math.min(width / (right_end - left_end), height / (bottom_end - top_end));
const most_scale = () => Math.max(64 * TILE * 2 ** deepest / 8, 4 * home_scale());
const home = () => { view = {cx: (left_end + right_end) / 2, cy: (top_end + bottom_end) / 2, scale: home_scale()}; moved(); };
const to_px = (x, y) => [(x - view.cx) * view.scale + width / 2, (y - view.cy) * view.scale + height / 2];
const to_map = (px, py) => [(px - width / 2) / view.scale + view.cx, (py - height / 2) / view.scale + view.cy];
const moved = () => {
  view.scale = Math.min(most_scale(), Math.max(0.5 * home_scale(), view.scale));
  view.cx = Math.min(1, Math.max(0, view.cx));
  view.cy = Math.min(1, Math.max(0, view.cy));
  draw();
};
const zoom = (factor, px = width / 2, py = height / 2) => {
  const [x, y] = to_map(px, py);
  view.scale = Math.min(most_scale(), Math.max(0.5 * home_scale(), view.scale * factor));
  view.cx = x - (px - width / 2) / view.scale;
  view.cy = y - (py - height / 2) / view.scale;
  hide_card();
  moved();
};

// ---- rows: columns of numbers and texts, and a grid of them
let rows = null;
const KINDS = {u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f32: Float32Array};
const unpack = async () => {
  if (!known || typeof DecompressionStream === "undefined") return;
  const letters = atob(of("rows").textContent), bytes = Uint8Array.from(letters, letter => letter.charCodeAt(0));
  const whole = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  let at = 0;
  const parts = known.parts.map(({kind, size}) => {
    const piece = whole.slice(at, at += size);
    return kind === "json" ? JSON.parse(new TextDecoder().decode(piece)) : new KINDS[kind](piece);
  });
  const [x, y, ids, colors] = parts, n = known.n, starts = new Uint32Array(GRID * GRID + 1), cell = i => (y[i] >> 8) * GRID + (x[i] >> 8);
  for (let i = 0; i < n; i++) starts[cell(i) + 1]++;
  for (let c = 0; c < GRID * GRID; c++) starts[c + 1] += starts[c];
  const order = new Uint32Array(n), next = starts.slice();
  for (let i = 0; i < n; i++) order[next[cell(i)]++] = i;
  const fields = known.fields.map(field => {
    const values = parts[field.at];
    const say = field.names ? i => field.names[values[i]] : field.kind === "json" ? i => values[i] : i => Number.isNaN(values[i]) ? "" : number(values[i]);
    return {name: field.name, say, text: Boolean(field.names) || field.kind === "json"};
  });
  rows = {n, x, y, ids, colors, starts, order, fields, label: fields.find(field => field.name === known.label)};
  of("finding").hidden = !fields.some(field => field.text);
  canvas.dataset.rows = n;
  draw();
};
const each_near = (x0, y0, x1, y1, visit) => {  // rows in a rectangle of the square; ends when visit returns false
  const clamp = v => Math.min(GRID - 1, Math.max(0, Math.floor(v * GRID)));
  for (let line = clamp(y0); line <= clamp(y1); line++) {
    for (let k = rows.starts[line * GRID + clamp(x0)]; k < rows.starts[line * GRID + clamp(x1) + 1]; k++) {
      if (visit(rows.order[k]) === false) return;
    }
  }
};
const place_of = i => [rows.x[i] / 65535, rows.y[i] / 65535];
const row_at = (px, py) => {
  if (!rows) return -1;
  const [x0, y0] = to_map(px - NEAR_PX, py - NEAR_PX), [x1, y1] = to_map(px + NEAR_PX, py + NEAR_PX);
  let best = -1, least = NEAR_PX ** 2;
  each_near(x0, y0, x1, y1, i => {
    const [qx, qy] = to_px(...place_of(i)), apart = (qx - px) ** 2 + (qy - py) ** 2;
    if (apart < least && (only === null || rows.colors[i] === only)) { least = apart; best = i; }
  });
  return best;
};
const title_of = i => (rows.label && rows.label.say(i)) || `Row ${number(rows.ids[i])}`;

// ---- drawing
let only = null, hits = [], pointed = -1;   // a color that stands out; rows that were found; the row under the pointer
const draw = () => {
  if (!pending) pending = requestAnimationFrame(paint);
  names.place();
};
const paint = () => {
  pending = 0;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const [x0, y0] = to_map(0, 0), [x1, y1] = to_map(width, height);
  const level = Math.min(deepest, Math.max(0, Math.ceil(Math.log2(view.scale * ratio / TILE) - 0.3)));
  let discs = null;
  if (rows && (only !== null || view.scale * ratio > 1.5 * TILE * 2 ** deepest)) {
    discs = [];
    const most = only === null ? DISCS : rows.n;
    each_near(x0 - 0.02, y0 - 0.02, x1 + 0.02, y1 + 0.02, i => {
      if (only === null || rows.colors[i] === only) discs.push(i);
      return discs.length <= most;
    });
    if (discs.length > most) discs = null;
  }
  pen.globalAlpha = only === null ? 1 : 0.18;
  if (only !== null || !discs) paint_tiles(level, x0, y0, x1, y1);
  pen.globalAlpha = 1;
  if (discs) paint_discs(discs);
  paint_contours();
  const ink = getComputedStyle(document.body).color;
  pen.strokeStyle = ink;
  pen.lineWidth = 1.5;
  for (const i of hits.slice(0, RINGS)) ring(i, 5);
  if (pointed >= 0) { pen.lineWidth = 2; ring(pointed, 8); }
  canvas.dataset.level = level;
  canvas.dataset.discs = discs ? discs.length : 0;
};
const ring = (i, radius) => {
  const [px, py] = to_px(...place_of(i));
  if (px < -radius || py < -radius || px > width + radius || py > height + radius) return;
  pen.beginPath();
  pen.arc(px, py, radius, 0, 7);
  pen.stroke();
};
const paint_discs = list => {
  const radius = only !== null && list.length > 20000 ? 1 : Math.min(7, Math.max(1.6, Math.sqrt(width * height / (list.length + 1)) / 14));
  for (const i of list) {
    const [px, py] = to_px(...place_of(i));
    pen.fillStyle = known.lut[rows.colors[i]];
    pen.beginPath();
    pen.arc(px, py, radius, 0, 7);
    pen.fill();
  }
};
const contours = about.contours.map(({slot, colors, share, lines}) => {  // through the middles of its sides, bent at its corners
  const path = new Path2D();
  for (const line of lines) {
    const at = k => [line[k] / 65535, line[k + 1] / 65535], middle = k => [(line[k] + line[k + 2]) / 131070, (line[k + 1] + line[k + 3]) / 131070];
    const last = line.length - 4;  // the first point is there again at the end
    path.moveTo(...middle(last));
    for (let k = 0; k <= last; k += 2) path.quadraticCurveTo(...at(k), ...middle(k));
    path.closePath();
  }
  return {slot, colors, path, ...share <= 0.5 ? {wide: 2.25, opacity: 1} : {wide: 1.25, opacity: 0.75}};
});
const paint_contours = () => {
  const style = getComputedStyle(document.body), dark = Number(style.color.match(/\d+/)[0]) > 127;
  const [left, top] = to_px(0, 0), place = new DOMMatrix([view.scale, 0, 0, view.scale, left, top]);
  const seen = contours.filter(({slot}) => only === null || slot < 0 || slot === only).map(each => {
    const path = new Path2D();
    path.addPath(each.path, place);
    return {...each, path};
  });
  pen.lineJoin = "round";
  pen.globalAlpha = 0.6;
  pen.strokeStyle = style.backgroundColor;
  for (const {path, wide} of seen) { pen.lineWidth = wide + 2.5; pen.stroke(path); }
  for (const {path, wide, opacity, colors} of seen) {
    pen.globalAlpha = opacity;
    pen.lineWidth = wide;
    pen.strokeStyle = colors[Number(dark)];
    pen.stroke(path);
  }
  pen.globalAlpha = 1;
  canvas.dataset.contours = seen.length;
};
const paint_tiles = (level, x0, y0, x1, y1) => {
  const n = 2 ** level, edge = v => Math.min(n - 1, Math.max(0, Math.floor(v * n)));
  pen.imageSmoothingQuality = "high";
  for (let line = edge(y0); line <= edge(y1); line++) {
    for (let column = edge(x0); column <= edge(x1); column++) {
      if (!sources.has(`${level}/${column}/${line}`)) continue;
      for (let up = 0; up <= level; up++) {  // until it is decoded, a part of what lies over it
        const image = tile_at(`${level - up}/${column >> up}/${line >> up}`);
        if (!image?.ready) continue;
        const part = TILE / 2 ** up, sx = (column - (column >> up << up)) * part, sy = (line - (line >> up << up)) * part;
        const snap = v => Math.round(v * ratio) / ratio;
        const [left, top] = to_px(column / n, line / n).map(snap), [right, bottom] = to_px((column + 1) / n, (line + 1) / n).map(snap);
        pen.drawImage(image, sx, sy, part, part, left, top, right - left, bottom - top);
        break;
      }
    }
  }
};

// ---- cards
const hide_card = () => { card.hidden = true; if (pointed >= 0) { pointed = -1; draw(); } };
const show_card = (i, px, py) => {
  if (i < 0) return hide_card();
  if (i !== pointed) {
    const list = element("dl");
    for (const field of rows.fields) {
      const said = field.say(i);
      if (field !== rows.label && said) list.append(element("dt", "", field.name), element("dd", "", said));
    }
    card.replaceChildren(element("strong", "", title_of(i)), list);
    pointed = i;
    draw();
  }
  card.hidden = false;
  const {offsetWidth: w, offsetHeight: h} = card;
  const left = px + 14 + w > width ? Math.max(0, px - 14 - w) : px + 14, top = Math.min(Math.max(0, py + 14), Math.max(0, height - h - 4));
  card.style.transform = `translate(${left}px, ${top}px)`;
};
const fly = i => {
  const [x, y] = place_of(i);
  view = {cx: x, cy: y, scale: Math.max(view.scale, 6 * home_scale())};
  moved();
  show_card(i, ...to_px(x, y));
};

// ---- pointers: one moves the map, two zoom it
const pointers = new Map();
let tapped = null;
const at = event => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
canvas.addEventListener("pointerdown", event => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, at(event));
  tapped = pointers.size === 1 ? at(event) : null;
});
canvas.addEventListener("pointermove", event => {
  const here = at(event), before = pointers.get(event.pointerId);
  if (!before) return event.pointerType === "touch" ? undefined : show_card(row_at(...here), ...here);
  if (tapped && Math.hypot(here[0] - tapped[0], here[1] - tapped[1]) < 5) return;
  tapped = null;
  hide_card();
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  pointers.set(event.pointerId, here);
  if (other) {
    const apart = (one, two) => Math.max(1, Math.hypot(one[0] - two[0], one[1] - two[1]));
    zoom(apart(here, other) / apart(before, other), (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
  }
  const share = other ? 2 : 1;
  view.cx -= (here[0] - before[0]) / view.scale / share;
  view.cy -= (here[1] - before[1]) / view.scale / share;
  moved();
});
const lift = event => {
  if (tapped && event.type === "pointerup") show_card(row_at(...tapped), ...tapped);
  pointers.delete(event.pointerId);
  tapped = null;
};
for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, lift);
canvas.addEventListener("pointerleave", event => { if (event.pointerType !== "touch") hide_card(); });
canvas.addEventListener("wheel", event => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 18 : 1) * 0.0016), ...at(event));
}, {passive: false});
canvas.addEventListener("dblclick", event => zoom(2, ...at(event)));
of("in").addEventListener("click", () => zoom(1.6));
of("out").addEventListener("click", () => zoom(1 / 1.6));
of("home").addEventListener("click", home);
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input"), step = 0.15 / view.scale * Math.min(width, height);
  if (event.key === "Escape") { if (typing) event.target.blur(); set_only(null); return hide_card(); }
  if (typing) return;
  const keys = {
    ArrowLeft: () => { view.cx -= step; moved(); }, ArrowRight: () => { view.cx += step; moved(); },
    ArrowUp: () => { view.cy -= step; moved(); }, ArrowDown: () => { view.cy += step; moved(); },
    "+": () => zoom(1.6), "=": () => zoom(1.6), "-": () => zoom(1 / 1.6), 0: home, "/": () => of("search").focus(),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

// ---- search
let asked = 0;
const rank = (title, wanted) =>  // a row that is called so comes before one whose text has it somewhere
  title === wanted ? 0 : title.split(/[^\p{L}\p{N}]+/u).includes(wanted) ? 1 : title.includes(wanted) ? 2 : 3;
const search = text => {
  const wanted = text.trim().toLowerCase();
  hits = [];
  if (wanted && rows) {
    const texts = rows.fields.filter(field => field.text), ranks = [[], [], [], []];
    for (let i = 0; i < rows.n; i++) if (texts.some(field => field.say(i).toLowerCase().includes(wanted))) ranks[rank(title_of(i).toLowerCase(), wanted)].push(i);
    hits = ranks.flat();
  }
  of("found").textContent = wanted ? `${number(hits.length)} of ${number(rows.n)} rows` : "";
  of("hits").replaceChildren(...hits.slice(0, LISTED).map(i => {
    const line = element("li"), go = element("button"), mark = element("i"), name = element("span", "", title_of(i));
    go.type = "button";
    name.dir = "auto";
    mark.style.background = known.lut[rows.colors[i]];
    go.append(mark, name);
    go.addEventListener("click", () => fly(i));
    line.append(go);
    return line;
  }));
  draw();
};
of("search").addEventListener("input", event => {
  clearTimeout(asked);
  asked = setTimeout(() => search(event.target.value), 150);
});
of("search").addEventListener("keydown", event => { if (event.key === "Enter" && hits.length) fly(hits[0]); });

// ---- legend: a click has one category stand out
const set_only = slot => {
  only = slot !== null && rows ? slot : null;
  for (const button of of("legend").querySelectorAll("button")) button.setAttribute("aria-pressed", String(only !== null && Number(button.dataset.slot) === only));
  write_names();
  draw();
};
const fill_legend = () => {
  const box = of("legend");
  if (legend.entries) {
    const list = element("ul"), slots = legend.entries.map(entry => entry[3]);
    box.append(element("h2", "", about.column), list);
    for (const [name, color, count, slot] of legend.entries) {
      const line = element("li"), entry = element("button"), mark = element("i"), label = element("span", "", name);
      entry.type = "button";
      entry.dataset.slot = slot;
      entry.setAttribute("aria-pressed", "false");
      entry.disabled = !known || slots.indexOf(slot) !== slots.lastIndexOf(slot);
      entry.title = name;
      label.dir = "auto";
      mark.style.background = color;
      entry.append(mark, label, element("b", "", number(count)));
      entry.addEventListener("click", () => set_only(only === slot ? null : slot));
      line.append(entry);
      list.append(line);
    }
    if (legend.more) box.append(element("p", "foot", `and ${number(legend.more)} more`));
    if (legend.missing) box.append(element("p", "foot", `${number(legend.missing)} rows have no value (gray)`));
  } else if (legend.colors) {
    const strip = element("div", "strip"), ends = element("div", "ends");
    strip.style.background = `linear-gradient(to right, ${legend.colors.join(", ")})`;
    for (const word of legend.words) ends.append(element("span", "", word));
    box.append(element("h2", "", about.column), strip, ends);
  } else return;
  box.hidden = false;
};

// ---- the page
of("title").textContent = about.title;
const facts = [about.layout, about.column ? `colored by ${about.column}` : "", `${number(about.rows)} of ${number(about.all)} rows`];
of("about").textContent = facts.filter(Boolean).join(" · ");
canvas.setAttribute("aria-label", `Map of ${about.title}: arrows move it, + and − zoom, 0 shows all of it`);
for (const note of about.notes) of("notes").append(element("p", "foot", note));
of("scheme").addEventListener("click", () => {
  document.documentElement.dataset.scheme = is_dark() ? "light" : "dark";
  draw();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
fill_legend();
write_names();
new ResizeObserver(() => {
  const box = canvas.parentElement, first = width === 1;
  const at_home = first || Math.abs(view.scale - home_scale()) < 1;
  width = box.clientWidth;
  height = box.clientHeight;
  ratio = Math.min(devicePixelRatio || 1, 3);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  if (at_home) home(); else draw();
}).observe(canvas.parentElement);
unpack().catch(() => { of("found").textContent = "The rows in this file cannot be read."; });
