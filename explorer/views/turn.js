// A layout of more than two dimensions, as one browser turns it: by dragging, by keys, by itself, on a tour; and the buttons for it.
// The browser has the camera and says it with each picture that it asks for; where marks are follows from the picture that is seen.
// Comes after travel.js and before picture_layer.js in one module.

const TURN_LEAST_PX = 140, TURN_MOST_PX = 700;  // a drag over so many pixels turns by a radian, at least and at most
const TURN_STEP = Math.PI / 18;    // of an arrow key
const SPIN_MS = 24000;             // once around
const TOUR_LEAD_MS = 1500;         // from where the map stands to where the tour is
const FRONT_MS = 450;
const TURN_OFTEN_MS = 28;          // between two pictures while it turns by itself: where it is more, they get coarser
const TURN_AHEAD = 9;              // pictures of what turns by itself asked for and not yet here
const TURN_SLOW_MS = 600;          // as it stops where it is seen, however far ahead its pictures are asked for
const JUDGED_MS = 1200;            // so often that is looked at
const HAND_SHARE = 0.8;            // of the time between two places of the hand, so long at least between their pictures where those come together
const EVERY_SHARE = 0.1;           // of the newest time between two pictures, in what is known of it
const PAUSE_MS = 250;              // a hand that rests so long says nothing of how often pictures come
const STALL_MS = 250;              // a page or a server that had no time for longer goes on from where it was
const TURN_DIGITS = 1e5;
const TURN_ICONS = {
  spin: "M16 10a6 6 0 1 1-2-4.5M14.4 2.6v3.2h-3.2",
  perspective: "M3 4l5 2v8l-5 2zM8 6h9M8 14h9M17 6v8",
  depth: "M6 6.5a3.5 3.5 0 1 0 .01 0M12.5 4.5a2.4 2.4 0 1 0 .01 0M15.5 11a1.4 1.4 0 1 0 .01 0",
  tour: "M3 14c3-9 5 3 8-3s4-5 6-5M14.5 4.6 17 6l-1.4 2.5",
  front: "M4 4h12v12H4zM4 10h12M10 4v12",
};

const dot = (a, b) => { let sum = 0; for (let i = 0; i < a.length; i++) sum += a[i] * b[i]; return sum; };
const mixed = (a, s, b, t) => a.map((value, i) => s * value + t * b[i]);
const cross3 = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit_rows = rows => {  // at right angles, each of length 1 (Gram and Schmidt)
  const made = [];
  for (const row of rows) {
    let left = row;
    for (const other of made) left = mixed(left, 1, other, -dot(left, other));
    const length = Math.sqrt(dot(left, left));
    if (!(length > 1e-6)) return null;
    made.push(left.map(value => value / length));
  }
  return made;
};
const camera_of = (numbers, d) => {  // as render/camera.py has it
  const rows = [];
  for (let at = 1; at + d <= numbers.length; at += d) rows.push(numbers.slice(at, at + d));
  if (d === 3) rows[2] = cross3(rows[0], rows[1]);
  return {perspective: numbers[0], rows, numbers};
};
const camera_with = (perspective, rows) => {
  const told = rows.length && rows[0].length === 3 ? rows.slice(0, 2) : rows;
  const numbers = [perspective, ...told.flat()].map(value => Math.round(value * TURN_DIGITS) / TURN_DIGITS);
  return {perspective, rows, numbers};
};
const turned_by = ({perspective, rows: [right, up, toward]}, dx, dy) => {  // as Camera.dragged
  const angle = Math.hypot(dx, dy);
  if (!(angle > 0)) return camera_with(perspective, [right, up, toward]);
  const ux = dx / angle, uy = dy / angle, cos = Math.cos(angle), sin = Math.sin(angle);
  const along = mixed(right, ux, up, uy), across = mixed(up, ux, right, -uy);
  const gone = mixed(along, cos, toward, sin);
  const rows = unit_rows([mixed(gone, ux, across, -uy), mixed(gone, uy, across, ux), mixed(toward, cos, along, -sin)]);
  return camera_with(perspective, rows || [right, up, toward]);
};
const projected = (at, {perspective, rows}, {center, radius}) => {  // as Cloud.seen
  const p = at.map((value, i) => value - center[i]);
  const near = Math.min(1, Math.max(-1, dot(rows[2], p) / radius));
  const scale = Math.sqrt(1 - perspective * perspective) / (1 - perspective * near);
  return [center[0] + dot(rows[0], p) * scale, center[1] + dot(rows[1], p) * scale];
};

// layer: {box, told(), unit(), tool(), at_end(), turned(), settle(), free(most), ask(poses, detail), pan(dx, dy), zoom(factor, px, py), send(message),
// seen()}; ask gives the numbers of the pictures
function turner(layer) {
  let solid = null;      // {solid, dims, camera, center, radius, perspective}: what the server says of it; none where the map is flat
  let camera = null;     // how it is to be seen: {perspective, rows, numbers}
  let moving = "";       // what turns it by itself: "spin", "tour", "front"
  let course = null;     // where that goes: {began, ms, asked, from, toured}; from: the camera at its start
  let toured = 0;        // seconds of the tour that were seen
  let timer = 0;
  const coming = new Map();  // pictures of it that are on their way, by number: what is asked for, and when it is to be seen
  const held = new Map();  // fingers, or the mouse: pointer -> {px, py, pans}
  let went = false;      // whether what is held has moved
  let steps = [];        // where the hand has been since the last asking: {id, at, camera}
  let hand_at = 0;       // when it was where was asked for last
  const handed = new Map();  // what was asked for of it together: number -> {ms: since the hand was where the one before is, last: of them}
  let every = STEP_MS, shown_at = 0;  // milliseconds between two pictures where the hand is quicker than they are, and when the last one was seen
  let judged = 0;        // when it was looked at whether they come often enough

  const element = (kind, name) => {
    const made = document.createElement(kind);
    made.className = name;
    return made;
  };
  const bar = element("div", "turnbar"), buttons = {};
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Three dimensions");
  const button = (name, label, on_click, keys = "") => {
    const made = element("button", name);
    made.type = "button";
    made.setAttribute("aria-label", label);
    made.title = keys ? `${label} (${keys})` : label;
    if (keys) made.setAttribute("aria-keyshortcuts", keys);
    if (TURN_ICONS[name]) {
      const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      icon.setAttribute("viewBox", "0 0 20 20");
      icon.setAttribute("aria-hidden", "true");
      path.setAttribute("d", TURN_ICONS[name]);
      icon.append(path);
      made.append(icon);
    } else made.textContent = "3-D";
    made.addEventListener("click", on_click);
    buttons[name] = made;
    bar.append(made);
  };
  button("dimensions", "3-D: three dimensions", () => change(), "D");
  button("spin", "Turn by itself", () => go("spin"), "R");
  button("tour", "Grand tour through all dimensions", () => go("tour"), "G");
  button("perspective", "Perspective", () => {
    const now = camera.perspective > 0 ? 0 : solid.perspective;
    stop();
    camera = camera_with(now, camera.rows);
    show();
    layer.turned();
  });
  button("depth", "Far rows pale", () => layer.send({type: "depth_cue", on: !solid.depth_cue}));
  button("front", "See it from the front", () => go("front"));

  const active = () => solid !== null && layer.at_end();
  const show = () => {
    const told = layer.told(), flat = !solid;
    bar.hidden = !told.dims || (flat && !told.possible);
    buttons.dimensions.setAttribute("aria-pressed", String(!flat));
    buttons.dimensions.hidden = !told.possible;
    buttons.dimensions.title = `${told.other || "Three dimensions"} (D)`;
    for (const name of ["spin", "perspective", "depth", "front"]) buttons[name].hidden = flat;
    buttons.tour.hidden = flat || solid.dims <= 3;
    buttons.spin.setAttribute("aria-pressed", String(moving === "spin"));
    buttons.tour.setAttribute("aria-pressed", String(moving === "tour"));
    buttons.perspective.setAttribute("aria-pressed", String(!flat && camera.perspective > 0));
    buttons.depth.setAttribute("aria-pressed", String(!flat && solid.depth_cue));
    layer.box.dataset.turns = String(!flat);
  };
  const adopt = numbers => { camera = camera_of(numbers, solid.dims); };
  const facing = () => camera_with(camera.perspective, camera.rows.map((row, i) => row.map((_, j) => Number(i === j))));
  const halt = () => {
    moving = "";
    course = null;
    coming.clear();
    clearTimeout(timer);
  };
  const stop = () => {  // where it is seen
    if (!moving) return;
    if (performance.now() > course.began + JUDGED_MS) pace.judge(TURN_OFTEN_MS);
    halt();
    const seen = layer.seen();
    if (solid && seen?.solid === solid.solid && seen.camera) adopt(seen.camera);
    layer.settle();
    show();
  };
  const arrive = () => {
    halt();
    camera = facing();
    layer.settle();
    show();
  };
  const pose = ms => {  // how it is to be seen so long after it began
    if (moving === "spin") return {camera: turned_by(course.from, 2 * Math.PI * ms / SPIN_MS, 0).numbers};
    if (moving === "tour") {
      const seconds = course.toured + Math.max(0, ms - TOUR_LEAD_MS) / 1000;
      return {tour: Math.round(seconds * 1000) / 1000, lead: smooth(ms / TOUR_LEAD_MS)};
    }
    const e = smooth(ms / FRONT_MS), goal = facing().rows;
    const rows = unit_rows(course.from.rows.map((row, i) => mixed(row, 1 - e, goal[i], e)));
    return {camera: camera_with(camera.perspective, ms < FRONT_MS && rows ? rows : goal).numbers};
  };
  const pace = pacer({
    free: layer.free,
    ask: (places, detail) => {
      const ids = layer.ask(places.map(({pose}) => ({solid: solid.solid, ...pose})), detail);
      ids.forEach((id, at) => coming.set(id, places[at]));
    },
  }, TURN_AHEAD, TURN_SLOW_MS);
  const pump = () => {
    clearTimeout(timer);
    if (!moving) return;
    const now = performance.now(), behind = course.asked ? pace.behind(course) : 0;
    if (!layer.box.isConnected || document.hidden || !active()) return stop();
    if (now > course.began + course.ms + LOST_MS) return arrive();
    if (behind > STALL_MS && course.ms === Infinity) course.began += behind;
    if (now > judged + JUDGED_MS) {
      judged = now;
      pace.judge(TURN_OFTEN_MS, {only_coarser: true});  // no finer before it stops: pictures that get sharp and blurred by turns are worse than either
    }
    pace.ask(course, ms => ({ms, pose: pose(ms)}));
    timer = setTimeout(pump, PUMP_MS);
  };
  const go = what => {
    const before = moving;
    stop();
    if (before === what || !active()) return;
    if (what === "front" && matchMedia("(prefers-reduced-motion: reduce)").matches) {
      camera = facing();
      return layer.turned();
    }
    moving = what;
    judged = performance.now();
    course = {began: judged, ms: what === "front" ? FRONT_MS : Infinity, asked: 0, from: camera, toured};
    show();
    pump();
  };
  const change = () => {
    if (buttons.dimensions.hidden) return;
    stop();
    layer.send({type: "dimensions"});
  };
  const radians = px => px / Math.min(TURN_MOST_PX, Math.max(TURN_LEAST_PX, solid.radius / layer.unit()));

  layer.box.append(bar);
  return {
    begin() {  // the server says what is on the map
      const told = layer.told(), another = (told.solid || 0) !== (solid?.solid || 0);
      if (another) {
        halt();
        held.clear();
        handed.clear();
        steps = [];
        solid = told.solid ? told : null;
        camera = null;
        toured = 0;
      } else if (solid) solid = told;
      if (solid && (another || (!moving && !held.size))) adopt(told.camera);
      show();
    },
    owns: event => event.composedPath().includes(bar),
    hold(event, {px, py}) {  // somebody takes hold of it; whether that turns or moves it
      if (!active() || layer.tool() !== "pan") return false;
      const touch = event.pointerType === "touch";
      if (event.shiftKey && !touch) return false;  // the lasso
      stop();
      if (!held.size) {
        went = false;
        judged = performance.now();
        pace.judge(TURN_OFTEN_MS, {every});
      }
      held.set(event.pointerId, {px, py, pans: !touch && (event.button > 0 || event.ctrlKey || event.metaKey || event.altKey)});
      layer.box.dataset.held = "true";
      return true;
    },
    move(event, {px, py}) {
      const before = held.get(event.pointerId);
      if (!before) return false;
      const dx = px - before.px, dy = py - before.py;
      if (!dx && !dy) return true;
      if (!solid) { held.clear(); return true; }
      went = true;
      if (held.size > 1) {  // two fingers: they move and zoom the map
        const [one, other] = [...held.values()], apart = () => Math.max(8, Math.hypot(one.px - other.px, one.py - other.py));
        const was = apart();
        Object.assign(before, {px, py});
        layer.pan(dx / held.size, dy / held.size);
        layer.zoom(was / apart(), (one.px + other.px) / 2, (one.py + other.py) / 2);
        return true;
      }
      Object.assign(before, {px, py});
      if (before.pans) layer.pan(dx, dy);
      else {
        camera = turned_by(camera, radians(dx), -radians(dy));
        layer.turned();
      }
      return true;
    },
    release(event) {
      held.delete(event.pointerId);
      if (!held.size) delete layer.box.dataset.held;
    },
    key(action) {  // an arrow key; whether it turned the map
      if (!active()) return false;
      const [dx, dy] = {left: [-1, 0], right: [1, 0], up: [0, 1], down: [0, -1]}[action];
      stop();
      camera = turned_by(camera, dx * TURN_STEP, dy * TURN_STEP);
      layer.turned();
      return true;
    },
    press(action) {
      if (action === "dimensions") change();
      else if (!buttons[action].hidden) go(action);
    },
    early(head, asked_at, newest) {  // a picture of what turns is ready, and the newest that came: how many milliseconds too early?
      const known = coming.get(head.id);
      if (known) return pace.early(course.began + known.ms, asked_at);
      const hand = handed.get(head.id);
      if (!hand || newest > hand.last) return 0;  // where the hand was later is here, too
      return HAND_SHARE * Math.min(PAUSE_MS, hand.ms) - (performance.now() - shown_at);
    },
    note(wanted) {  // this is wanted now
      if (!held.size || !wanted.moving || !wanted.camera) steps = [];
      else if (steps.length && steps[steps.length - 1].camera === wanted.camera) steps[steps.length - 1].id = wanted.id;  // the map is moved, not turned
      else steps.push({id: wanted.id, at: performance.now(), camera: wanted.camera});
    },
    strip(wanted) {  // what to ask for instead: where the hand was meanwhile comes along, so that what is seen goes as the hand did
      const passed = steps;
      steps = [];
      if (wanted.then || !passed.length || passed[passed.length - 1].id !== wanted.id) return wanted;
      if (passed.length < 2) {
        hand_at = passed[0].at;
        return wanted;
      }
      const most = Math.min(STRIP, passed.length);
      const chosen = Array.from({length: most}, (_, at) => passed[Math.round((at + 1) * passed.length / most) - 1]);
      chosen.forEach(({id, at}, k) => handed.set(id, {ms: at - (k ? chosen[k - 1].at : hand_at), last: wanted.id}));
      hand_at = chosen[most - 1].at;
      const [first, ...then] = chosen.map(({id, camera}) => ({id, camera}));
      return {...wanted, ...first, then};
    },
    came(head) {  // a picture is on the screen
      const known = coming.get(head.id), now = performance.now();
      if (held.size && head.moving) {
        if (now - shown_at < PAUSE_MS) every += EVERY_SHARE * ((handed.has(head.id) ? now - shown_at : STEP_MS) - every);
        shown_at = now;
        if (now > judged + JUDGED_MS) {
          judged = now;
          pace.judge(TURN_OFTEN_MS, {only_coarser: true, every});
        }
      }
      for (const id of [...handed.keys()]) if (id <= head.id) handed.delete(id);
      if (known && head.solid === solid.solid) {
        for (const id of [...coming.keys()]) if (id <= head.id) coming.delete(id);
        adopt(head.camera);
        toured = known.pose.tour ?? toured;
        pace.came();
        if (known.ms === course.ms) arrive(); else pump();
      } else if (solid && head.solid === solid.solid && !head.moving && !moving && !held.size) adopt(head.camera);
    },
    obey() {  // the server says how it is to be seen: whether it turned by itself
      if (!moving) return false;
      halt();
      adopt(solid.camera);
      show();
      return true;
    },
    stop,
    get panned() { return went; },
    get by_itself() { return Boolean(moving); },
    get by_hand() { return held.size > 0 && went; },
    get busy() { return Boolean(moving) || (held.size > 0 && went); },
    get here() {
      if (!active() || !camera) return {};
      return {solid: solid.solid, camera: camera.numbers};
    },
    apart(head) {  // whether a picture shows it otherwise than it stands on the server
      return Boolean(solid && head?.solid === solid.solid && head.camera.join() !== solid.camera.join());
    },
    place(mark, head) {  // where a mark is on a picture; null where that is flat
      if (!solid || !mark.at || head?.solid !== solid.solid || mark.at.length !== solid.dims) return null;
      return projected(mark.at, camera_of(head.camera, solid.dims), solid);
    },
    get detail() { return held.size ? pace.detail : 1; },  // pixels in a picture in motion for one of the page's
    end: halt,
  };
}

