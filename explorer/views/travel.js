// The way between two layouts, as one browser travels it: what time it is, which pictures to ask for, where rows are, where to look.
// Comes before picture_layer.js in one module.

const TRAVEL_UNDER_WAY = 4; // pictures of a journey asked for and not yet here
const SLOW_MS = 160;        // a way to the server that takes longer gets fewer of them
const STEP_MS = 15;         // between two pictures of a journey
const LOST_MS = 1500;       // a journey that is over for so long has lost its last picture
const FADE_MS = 400;

const smooth = u => { const v = Math.min(1, Math.max(0, u)); return v * v * (3 - 2 * v); };
const progress = t => [smooth(t / 0.65), smooth((t - 0.35) / 0.65)];  // as render/course.py has it
const on_way = ([ax, ay, bx, by, dx, dy], t) => {
  const [together, apart] = progress(t);
  return [ax + together * dx + apart * (bx - ax - dx), ay + together * dy + apart * (by - ay - dy)];
};
const between = (one, other, e) => Object.fromEntries(Object.keys(one).map(key => [key, one[key] + (other[key] - one[key]) * e]));

// layer: {free(most), ask(t, view), view(), fitted(view), pass(view), look(view, still), rest(), redraw(), fade(), plane}
function traveler(layer) {
  let trip = null;  // {number, t, looks, trails, playing}; looks: where to look at both ends, and whether that is the whole map; none once
                    // somebody has moved the map
  let lag = 60;     // milliseconds from asking to the picture, of late
  let timer = 0;

  const say = () => window.dispatchEvent(new CustomEvent("explorer-traveled", {
    detail: {plane: layer.plane(), number: trip ? trip.number : 0, t: trip ? trip.t : 0, playing: Boolean(trip?.playing)},
  }));
  const view_at = t => trip.looks ? layer.fitted(between(trip.looks.start, trip.looks.end, smooth(t))) : layer.view();
  const finish = () => {
    if (!trip?.playing) return;
    clearTimeout(timer);
    trip.t = trip.playing.to;
    trip.playing = null;
    if (trip.looks) layer.look(view_at(trip.t), true);
    layer.redraw();
    layer.rest();
    say();
  };
  const pump = () => {
    clearTimeout(timer);
    const playing = trip?.playing;
    if (!playing) return;
    const now = performance.now();
    if (document.hidden || now > playing.began + playing.ms + LOST_MS) return finish();
    while (playing.asked < 1 && layer.free(lag > SLOW_MS ? 2 : TRAVEL_UNDER_WAY)) {
      const due = (now + lag - playing.began) / playing.ms, next = playing.asked + STEP_MS / playing.ms;
      if (next > due) break;
      playing.asked = Math.min(1, Math.max(due, next));
      const t = playing.from + (playing.to - playing.from) * playing.asked;
      layer.ask(t, view_at(t));
    }
    timer = setTimeout(pump, STEP_MS);
  };
  const play = (from, to, ms) => {
    if (!trip) return;
    trip.playing = {from, to, ms, began: performance.now(), asked: 0};
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      layer.fade();
      return finish();
    }
    pump();
    say();
  };

  return {
    begin(message) {  // there is another journey, or none
      const plays = message.plays && message.number;
      const start = layer.view(), still_whole = Boolean(trip?.looks?.whole);  // also where the server does not know how far the view is
      clearTimeout(timer);
      if (trip?.playing) layer.look(start);  // from where it is
      trip = message.number ? {number: message.number, t: 0, looks: null, trails: message.trails || [], playing: null} : null;
      if (trip && message.view) {
        const [x0, x1, y0, y1] = still_whole && !message.whole ? message.home : message.view;
        trip.looks = {start, end: {x0, x1, y0, y1}, whole: still_whole || message.whole};
      }
      if (plays) play(0, 1, message.ms); else say();
    },
    scrub(t) {
      if (!trip) return;
      clearTimeout(timer);
      trip.playing = null;
      trip.t = t;
      if (trip.looks) layer.look(view_at(t));
      say();
    },
    play(to, ms) {
      if (trip && trip.t !== to) play(trip.t, to, ms * Math.abs(to - trip.t));
    },
    pause() {
      if (!trip?.playing) return;
      clearTimeout(timer);
      trip.playing = null;
      if (trip.looks) layer.look(view_at(trip.t), true);
      layer.rest();
      say();
    },
    came(head, ms) {  // a picture of the journey is on the screen
      if (!trip || head.journey !== trip.number) return;
      lag += 0.3 * (Math.min(ms, 2000) - lag);
      const playing = trip.playing;
      if (!playing) return;
      trip.t = head.t;
      if (trip.looks) layer.pass({x0: head.x0, x1: head.x1, y0: head.y0, y1: head.y1});
      say();
      if (trip?.playing !== playing) return;  // who heard of it has put the map elsewhere
      if (head.t === playing.to) finish(); else pump();
    },
    moved() { if (trip) trip.looks = null; },  // by a person
    end() { clearTimeout(timer); trip = null; },
    get playing() { return Boolean(trip?.playing); },
    get here() { return trip ? {journey: trip.number, t: trip.t} : {}; },
    place(mark) { return trip && mark.way ? on_way(mark.way, trip.t) : [mark.x, mark.y]; },
    draw_trails(pen, to_px, color) {
      if (!trip || trip.t <= 0 || trip.t >= 1) return;
      pen.strokeStyle = color;
      pen.lineWidth = 1;
      pen.globalAlpha = 0.35 * Math.min(1, 5 * (1 - trip.t));
      pen.beginPath();
      for (const way of trip.trails) {
        for (let step = 0; step <= 6; step++) {
          const [px, py] = to_px(...on_way(way, trip.t * step / 6));
          if (step) pen.lineTo(px, py); else pen.moveTo(px, py);
        }
      }
      pen.stroke();
      pen.globalAlpha = 1;
    },
  };
}

