// Contours on the map: lines around where most rows of a group are, drawn at each step of a zoom without asking anybody.
// Comes after labels.js, and before picture_layer.js, in one module.

const CONTOUR_CONTRAST = 4.5;      // to the ground, as picture_outlines.py has it
const CONTOUR_THICK = 2.25, CONTOUR_THIN = 1.25, CONTOUR_HALF = 0.5, CONTOUR_FAINT = 0.75;
const CONTOUR_HALO = 1.25, CONTOUR_HALO_OPACITY = 0.6;
const CONTOUR_COSTS = 60;          // steps of which it is known how long they took

// layer: {box, before, size(), view(), ground(), time()}, as of namer in labels.js
function tracer(layer) {
  const sheet = document.createElement("canvas"), pen = sheet.getContext("2d");
  sheet.className = "contours";
  sheet.setAttribute("role", "img");
  sheet.hidden = true;
  layer.box.insertBefore(sheet, layer.before);
  let outlines = [], journey = 0, t = 0, origin = [0, 0];
  let drawing = 0, drawn = "", costs = [];

  const path_of = points => {  // through the middles of its sides, bent at its corners
    const path = new Path2D();
    for (const line of points) {
      const middle = k => [(line[k] + line[k + 2]) / 2, (line[k + 1] + line[k + 3]) / 2], last = line.length - 4;
      path.moveTo(...middle(last));
      for (let k = 0; k <= last; k += 2) path.quadraticCurveTo(line[k], line[k + 1], ...middle(k));
      path.closePath();
    }
    return path;
  };
  const read = ([name, color, share, sizes, data]) => {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0)), numbers = new Float32Array(bytes.buffer), points = [];
    let at = 0;
    for (const size of sizes) points.push(numbers.subarray(at, at += 2 * size));
    return {name, color, is_thick: share <= CONTOUR_HALF, path: path_of(points)};
  };
  const draw = () => {
    drawing = 0;
    const began = performance.now(), view = layer.view(), [w, h] = layer.size(), ratio = window.devicePixelRatio || 1, ground = layer.ground();
    const shows = outlines.length > 0 && is_there(layer.time(), journey, t);
    sheet.hidden = !shows || w < 1 || h < 1 || !ground;
    if (sheet.hidden) return;
    const now = [view.x0, view.x1, view.y0, view.y1, w, h, ratio, ground].join();
    if (now === drawn) return;
    drawn = now;
    if (sheet.width !== Math.round(w * ratio) || sheet.height !== Math.round(h * ratio)) {
      sheet.width = Math.round(w * ratio);
      sheet.height = Math.round(h * ratio);
    } else pen.clearRect(0, 0, sheet.width, sheet.height);
    const sx = sheet.width / (view.x1 - view.x0), sy = sheet.height / (view.y1 - view.y0), rgb = channels(ground);
    const place = new DOMMatrix([sx, 0, 0, -sy, (origin[0] - view.x0) * sx, (view.y1 - origin[1]) * sy]);
    const placed = outlines.map(each => {  // lines stay as wide as they are, however near one looks
      const path = new Path2D();
      path.addPath(each.path, place);
      return {color: each.color, path, ...each.is_thick ? {wide: CONTOUR_THICK, opacity: 1} : {wide: CONTOUR_THIN, opacity: CONTOUR_FAINT}};
    });
    pen.lineJoin = "round";
    pen.globalAlpha = CONTOUR_HALO_OPACITY;
    pen.strokeStyle = ground;
    for (const {path, wide} of placed) {
      pen.lineWidth = (wide + 2 * CONTOUR_HALO) * ratio;
      pen.stroke(path);
    }
    for (const {path, wide, color, opacity} of placed) {
      pen.globalAlpha = opacity;
      pen.lineWidth = wide * ratio;
      pen.strokeStyle = color ? readable(color, rgb, CONTOUR_CONTRAST) : luminance(rgb) < 0.2 ? "#ffffff" : "#000000";
      pen.stroke(path);
    }
    pen.globalAlpha = 1;
    costs = [...costs.slice(1 - CONTOUR_COSTS), performance.now() - began];
    sheet.dataset.ms = [...costs].sort((a, b) => a - b)[costs.length >> 1].toFixed(2);
  };
  const place = () => {
    if (!drawing && (outlines.length || !sheet.hidden)) drawing = requestAnimationFrame(draw);
  };
  return {
    place,
    take(told) {
      [journey, t, origin] = [told.journey || 0, told.t || 0, told.origin || [0, 0]];
      outlines = (told.outlines || []).map(read);
      drawn = "";
      const names = [...new Set(outlines.map(({name}) => name))];
      sheet.dataset.groups = names.length;
      sheet.setAttribute("aria-label", `Contours around half and nine of ten of the rows of: ${names.join(", ")}`);
      if (!drawing) drawing = requestAnimationFrame(draw);
    },
    end() {
      cancelAnimationFrame(drawing);
    },
  };
}
