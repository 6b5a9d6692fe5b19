// Names of groups on the map, where there is room for them: which ones is decided here, at each step of a zoom.
// A name has its place by the scale alone: dragging the map never makes one come or go in the middle of it. Text goes through fillText only.
// Of the served map and of the map that is a file: comes before picture_layer.js in one module, and before page.js in one script.

const LABEL_FADE_MS = 180;
const LABEL_GAP = [5, 2];    // pixels between two labels, on each side; as render/label_places.py has it
const LABEL_STAY = [1, 0];   // those that are shown stay until they are so near: nothing flickers
const LABEL_APART = 280;     // pixels between two labels of one group
const LABEL_EDGE = 4;
const LABEL_CELL = [160, 32];
const LABEL_STEADY = 1.06;   // a label that is shown stays so much longer than it would come
const LABEL_SAME = 1e-6;
const LABEL_REST_MS = 150;   // after so long without a change, what is written is told to screen readers
const LABEL_COSTS = 60;      // steps of which it is known how long they took
const LABEL_HALO = 3.5;
const LABEL_ROW = [11, 12, 1.35];  // of a row's name: pixels to its point, size, and how many times farther out than where it was told it is put away
const LABEL_CONTRAST = 7;    // to the ground: a name stands out from points in its color
const LABEL_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

const channels = color => [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16));
const luminance = rgb => {
  const [r, g, b] = rgb.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const readable = (color, ground, least) => {  // the same hue, as much nearer to black or white as it takes
  const end = luminance(ground) < 0.2 ? 255 : 0, rgb = channels(color);
  for (let share = 0; share <= 1; share += 0.1) {
    const mixed = rgb.map(v => Math.round(v + (end - v) * share));
    if (contrast(mixed, ground) >= least) return `rgb(${mixed})`;
  }
  return end ? "#ffffff" : "#000000";
};

// Reads what told_labels of labels.py wrote: x, y, size, comes and goes of all labels, then the lines of their names and their colors.
function read_labels({names, numbers}) {
  if (!numbers) return [];
  const {buffer} = Uint8Array.from(atob(numbers), letter => letter.charCodeAt(0)), n = buffer.byteLength / 28, lines = names.split("\n");
  const floats = new Float32Array(buffer, 0, 5 * n), codes = new Uint32Array(buffer, 20 * n);
  return Array.from({length: n}, (_, at) => {
    const [x, y, size, comes, goes] = [0, 1, 2, 3, 4].map(part => floats[part * n + at]), group = codes[at], color = codes[n + at];
    return {x, y, size: Math.round(10 * size) / 10, comes, goes, group, text: lines[group], color: color > 0xffffff ? "" : `#${color.toString(16).padStart(6, "0")}`};
  });
}

const is_there = (now, journey, t) => {  // whether what is seen is the layout at this time of this journey
  if (!now || now.moving) return false;
  if (!journey) return true;
  return now.journey === journey ? Math.abs(now.t - t) < 1e-6 : now.journey === 0 && t === 0;
};

// Chooses by scale: for each label whether it is shown. labels: {x, y, width, height, group, comes, goes}, the most important first.
function choose_labels(labels, unit, before) {
  const chosen = new Set(), taken = new Map(), of_group = new Map();
  for (let at = 0; at < labels.length; at++) {
    const label = labels[at], steady = before.has(at) ? LABEL_STEADY : 1;
    if (unit > label.comes * steady || unit * steady < label.goes) continue;
    const x = label.x / unit, y = -label.y / unit;
    const others = of_group.get(label.group), apart = LABEL_APART / steady;
    if (others && others.some(other => (other[0] - x) ** 2 + (other[1] - y) ** 2 < apart * apart)) continue;
    const [gx, gy] = before.has(at) ? LABEL_STAY : LABEL_GAP;
    const x0 = x - label.width / 2 - gx, x1 = x + label.width / 2 + gx, y0 = y - label.height / 2 - gy, y1 = y + label.height / 2 + gy;
    const c0 = Math.floor(x0 / LABEL_CELL[0]), c1 = Math.floor(x1 / LABEL_CELL[0]);
    const r0 = Math.floor(y0 / LABEL_CELL[1]), r1 = Math.floor(y1 / LABEL_CELL[1]);
    let free = true;
    for (let c = c0; free && c <= c1; c++) for (let r = r0; free && r <= r1; r++) {
      const there = taken.get(c * 4194304 + r);
      if (there) for (const b of there) if (x0 < b[1] && b[0] < x1 && y0 < b[3] && b[2] < y1) { free = false; break; }
    }
    if (!free) continue;
    const box = [x0, x1, y0, y1];
    for (let c = c0; c <= c1; c++) for (let r = r0; r <= r1; r++) {
      const key = c * 4194304 + r, there = taken.get(key);
      if (there) there.push(box); else taken.set(key, [box]);
    }
    if (others) others.push([x, y]); else of_group.set(label.group, [[x, y]]);
    chosen.add(at);
  }
  return chosen;
}

// layer: {box, before, size(), view(), ground(), time(), quiet(), taken(), titled()}; ground: "#rrggbb" behind the map; time: {journey, t, moving} of what is
// seen; quiet: whether something else on the map is to be read; taken, where there is any: where that is written, [x0, y0, x1, y1] of each;
// titled, where there is any: the rows whose names are among it
function namer(layer) {
  const sheet = document.createElement("canvas"), pen = sheet.getContext("2d"), ruler = document.createElement("canvas").getContext("2d");
  sheet.className = "labels";
  sheet.setAttribute("role", "img");
  sheet.hidden = true;
  layer.box.insertBefore(sheet, layer.before);
  let labels = [], journey = 0, t = 0, left = 0;
  let rows = [], rows_at = 0;               // names of single rows, and the scale at which they were told
  let chosen = new Set(), chosen_at = 0;    // and the scale for which they were
  let seen = new Map();                     // opacity of each label that is not quite gone, by its name and number
  let sprites = new Map(), drawn_for = "";  // pictures of labels, and for which ground and pixel ratio
  let drawing = 0, last = 0, resting = 0, clear = true;
  let costs = [];                           // milliseconds that each of the last steps took
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  const sprite = (label, ratio, ground) => {
    let made = sprites.get(label.key);
    if (made) return made;
    made = document.createElement("canvas");
    made.width = Math.ceil((label.width + 2 * LABEL_HALO) * ratio) + 2;
    made.height = Math.ceil((label.height + 2 * LABEL_HALO) * ratio) + 2;
    const ink = made.getContext("2d"), rgb = channels(ground);
    ink.setTransform(ratio, 0, 0, ratio, made.width / 2, made.height / 2);
    ink.font = label.font;
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    ink.lineJoin = "round";
    ink.lineWidth = 2 * LABEL_HALO;
    ink.strokeStyle = `rgba(${rgb},0.55)`;
    ink.strokeText(label.text, 0, 0);
    ink.lineWidth = LABEL_HALO;
    ink.strokeStyle = `rgba(${rgb},0.9)`;
    ink.strokeText(label.text, 0, 0);
    ink.fillStyle = label.color ? readable(label.color, rgb, LABEL_CONTRAST) : luminance(rgb) < 0.2 ? "#ffffff" : "#000000";
    ink.fillText(label.text, 0, 0);
    sprites.set(label.key, made);
    return made;
  };
  const placed = view => {  // those in view, moved inward at its edges: there, the more important ones stay
    const [w, h] = layer.size(), spots = [], taken = layer.taken ? layer.taken() : [];
    for (const at of chosen) {
      const label = labels[at], x = (label.x - view.x0) / (view.x1 - view.x0) * w, y = (view.y1 - label.y) / (view.y1 - view.y0) * h;
      const wide = label.width / 2 + LABEL_EDGE, high = label.height / 2 + LABEL_EDGE;
      if (x < 0 || y < 0 || x > w || y > h || 2 * wide > w || 2 * high > h) continue;
      const spot = {label, x: Math.min(Math.max(x, Math.min(wide + left, w - wide)), w - wide), y: Math.min(Math.max(y, high), h - high)};
      const over = spots.some(other => Math.abs(other.x - spot.x) * 2 < other.label.width + label.width
        && Math.abs(other.y - spot.y) * 2 < other.label.height + label.height);
      const covers = ([x0, y0, x1, y1]) => Math.abs(x0 + x1 - 2 * spot.x) < x1 - x0 + label.width && Math.abs(y0 + y1 - 2 * spot.y) < y1 - y0 + label.height;
      if (!over && !taken.some(covers)) spots.push(spot);
    }
    return spots;
  };
  const beside = (view, spots) => {  // names of rows at their points, where nothing else is written: at the right, else at the left, above, below
    const [w, h] = layer.size(), unit = (view.x1 - view.x0) / w, now = layer.time(), [gap, , far] = LABEL_ROW;
    if (!rows.length || !now || now.moving || unit > far * rows_at) return [];
    const written = spots.map(({label, x, y}) => [x - label.width / 2, y - label.height / 2, x + label.width / 2, y + label.height / 2]);
    if (layer.taken) written.push(...layer.taken());
    const points = rows.map(({x, y}) => [(x - view.x0) / unit, (view.y1 - y) / unit]), found = [];
    const over = box => points.some(([x, y]) => x > box[0] && x < box[2] && y > box[1] - 2 && y < box[3] + 2);  // it would hide another row
    for (const label of rows) if (!layer.titled || !layer.titled().has(label.row)) {
      const px = (label.x - view.x0) / unit, py = (view.y1 - label.y) / unit, away = gap + label.width / 2;
      if (px < left || py < 2 * label.height || px > w || py > h - 2 * label.height) continue;
      for (const [x, y] of [[px + away, py], [px - away, py], [px, py - label.height], [px, py + label.height]]) {
        const box = [x - label.width / 2, y - label.height / 2, x + label.width / 2, y + label.height / 2];
        if (box[0] < left || box[2] > w || over(box) || written.some(b => b[0] < box[2] + 6 && box[0] < b[2] + 6 && b[1] < box[3] && box[1] < b[3])) continue;
        written.push(box);
        found.push({label, x, y});
        break;
      }
    }
    return found;
  };
  const tell = (spots, named) => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      sheet.dataset.rows = JSON.stringify(named.map(({label, x, y}) => [label.text, x - label.width / 2, y - label.height / 2, label.width, label.height]));
      const written = spots.map(({label, x, y}) => [label.text, x - label.width / 2, y - label.height / 2, label.width, label.height]);
      sheet.dataset.labels = JSON.stringify(written.map(([text, ...box]) => [text, ...box.map(side => Math.round(10 * side) / 10)]));
      sheet.dataset.ms = [...costs].sort((a, b) => a - b)[costs.length >> 1].toFixed(2);
      const names = [...new Set(written.map(([text]) => text))];
      names.push(...new Set(named.map(({label}) => label.text)));
      if (names.length) sheet.setAttribute("aria-label", `Labels on the map: ${names.join(", ")}`);
      else sheet.removeAttribute("aria-label");
    }, LABEL_REST_MS);
  };
  const draw = now => {
    drawing = 0;
    const began = performance.now(), view = layer.view(), [w, h] = layer.size(), ratio = window.devicePixelRatio || 1, ground = layer.ground();
    if (w < 1 || h < 1 || !ground) return;
    const unit = (view.x1 - view.x0) / w, shows = labels.length > 0 && is_there(layer.time(), journey, t);
    if (!shows && clear && !seen.size && !rows.length) return;
    if (!(Math.abs(unit / chosen_at - 1) < LABEL_SAME)) {  // dragging changes it by what rounding does
      chosen = choose_labels(labels, unit, chosen);
      chosen_at = unit;
    }
    if (drawn_for !== ground + ratio) {
      sprites.clear();
      drawn_for = ground + ratio;
    }
    const spots = shows ? placed(view) : [], named = beside(view, spots), step = still.matches ? 1 : Math.min(now - last, 50) / LABEL_FADE_MS;
    last = now;
    const before = seen;
    let fading = false;
    seen = new Map();
    for (const spot of spots) {
      const opacity = Math.min(1, (before.get(spot.label.key)?.opacity || 0) + step);
      seen.set(spot.label.key, {...spot, opacity});
      fading = fading || opacity < 1;
    }
    for (const [key, gone] of before) if (!seen.has(key) && gone.opacity > step) {  // it fades where its place goes
      const {label} = gone, x = (label.x - view.x0) / (view.x1 - view.x0) * w, y = (view.y1 - label.y) / (view.y1 - view.y0) * h;
      seen.set(key, {label, x, y, opacity: gone.opacity - step});
      fading = true;
    }
    if (sheet.width !== Math.round(w * ratio) || sheet.height !== Math.round(h * ratio)) {
      sheet.width = Math.round(w * ratio);
      sheet.height = Math.round(h * ratio);
    } else if (!clear) pen.clearRect(0, 0, sheet.width, sheet.height);
    clear = !seen.size && !named.length;
    sheet.hidden = clear;
    const strength = layer.quiet() ? 0.45 : 1;
    pen.globalAlpha = strength;
    for (const {label, x, y} of named) {
      const image = sprite(label, ratio, ground);
      pen.drawImage(image, Math.round(x * ratio - image.width / 2), Math.round(y * ratio - image.height / 2));
    }
    for (const {label, x, y, opacity} of [...seen.values()].reverse()) {
      const image = sprite(label, ratio, ground);
      pen.globalAlpha = opacity * strength;
      pen.drawImage(image, Math.round(x * ratio - image.width / 2), Math.round(y * ratio - image.height / 2));
    }
    tell(spots, named);
    costs = [...costs.slice(1 - LABEL_COSTS), performance.now() - began];
    if (fading) place();
  };
  const place = () => {
    if (!drawing && (labels.length || seen.size || rows.length)) drawing = requestAnimationFrame(draw);
  };
  return {
    place,
    name_rows(told) {  // [number, x, y, name] of each row in view, where they are few
      const [, size] = LABEL_ROW, font = `400 ${size}px ${LABEL_FONT}`, {x0, x1} = layer.view();
      ruler.font = font;
      rows = told.map(([row, x, y, text]) => ({row, x, y, text, color: "", key: `row ${text}`, font, width: Math.ceil(ruler.measureText(text).width), height: Math.ceil(size * 1.25)}));
      if (sprites.size > 2 * labels.length + 400) sprites.clear();
      rows_at = (x1 - x0) / layer.size()[0];
      if (!drawing) drawing = requestAnimationFrame(draw);
    },
    take(told, wanted = () => true) {  // of which those that are wanted are written
      [journey, t, left] = [told.journey || 0, told.t || 0, told.left || 0];
      const numbers = new Map();
      labels = read_labels(told).map(({x, y, text, color, size, group, comes, goes}) => {
        const number = (numbers.get(group) || 0) + 1, font = `600 ${size}px ${LABEL_FONT}`;
        numbers.set(group, number);
        ruler.font = font;
        const width = Math.ceil(ruler.measureText(text).width), key = `${group} ${number} ${text} ${color} ${size}`;
        return {x, y, text, color, group, key, font, width, height: Math.ceil(size * 1.25), comes, goes};
      }).filter(wanted);
      if (sprites.size > 2 * labels.length + 400) sprites.clear();
      chosen = new Set();
      chosen_at = 0;
      if (!drawing) drawing = requestAnimationFrame(draw);
    },
    end() {
      cancelAnimationFrame(drawing);
      clearTimeout(resting);
    },
  };
}
