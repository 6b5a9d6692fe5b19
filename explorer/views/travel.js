// The way between two layouts, as one browser travels it: what time it is, which pictures to ask for, where rows are, where to look.
// Comes after pace.js and before picture_layer.js in one module.

const OFTEN_MS = 21;        // between two pictures of a journey: where it is more, they get coarser
const TRAVEL_AHEAD = 6;     // pictures of a journey asked for and not yet here
const SLOW_MS = 160;
const LOST_MS = 1500;       // a journey that is over for so long has lost its last picture
const FADE_MS = 400;

const smooth = u => { const v = Math.min(1, Math.max(0, u)); return v * v * (3 - 2 * v); };
const progress = t => [smooth(t / 0.65), smooth((t - 0.35) / 0.65)];  // as render/course.py has it
const on_way = ([ax, ay, bx, by, dx, dy], t) => {
  const [together, apart] = progress(t);
  return [ax + together * dx + apart * (bx - ax - dx), ay + together * dy + apart * (by - ay - dy)];
};
const between = (one, other, e) => Object.fromEntries(Object.keys(one).map(key => [key, one[key] + (other[key] - one[key]) * e]));

const range = ([x0, x1, y0, y1]) => ({x0, x1, y0, y1});
const padded = ({x0, x1, y0, y1}, times) => {  // so many times as wide and as high
  const dx = (times - 1) / 2 * (x1 - x0), dy = (times - 1) / 2 * (y1 - y0);
  return {x0: x0 - dx, x1: x1 + dx, y0: y0 - dy, y1: y1 + dy};
};

// layer: {free(most), ask(places, detail), view(), whole(found), fitted(view), pass(view), look(view, still), rest(), redraw(), fade(), plane}
function traveler(layer) {
  let trip = null;  // {number, t, looks, homes, trails, playing}; looks: where to look at both ends, none once somebody has moved the map;
                    // homes: the whole map at both ends
  const pace = pacer(layer, TRAVEL_AHEAD, SLOW_MS);
  let timer = 0;

  const say = () => window.dispatchEvent(new CustomEvent("explorer-traveled", {
    detail: {plane: layer.plane(), number: trip ? trip.number : 0, t: trip ? trip.t : 0, playing: Boolean(trip?.playing)},
  }));
  const look_at = t => between(trip.looks.start, trip.looks.end, smooth(t));
  const view_at = t => trip.looks ? layer.fitted(look_at(t)) : layer.view();
  const finish = () => {
    if (!trip?.playing) return;
    clearTimeout(timer);
    if (trip.playing.asked >= trip.playing.ms) pace.judge(OFTEN_MS);
    trip.t = trip.playing.to;
    trip.playing = null;
    if (trip.looks) layer.look(look_at(trip.t), true);
    layer.redraw();
    layer.rest();
    say();
  };
  const pump = () => {
    clearTimeout(timer);
    const playing = trip?.playing;
    if (!playing) return;
    if (document.hidden || performance.now() > playing.began + playing.ms + LOST_MS) return finish();
    pace.ask(playing, ms => {
      const t = playing.from + (playing.to - playing.from) * (ms / playing.ms);
      return {t, ...view_at(t)};
    });
    timer = setTimeout(pump, PUMP_MS);
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
      const start = layer.view();
      clearTimeout(timer);
      if (trip?.playing) layer.look(start);  // from where it is
      trip = message.number ? {number: message.number, t: 0, looks: null, homes: null, trails: message.trails || [], playing: null} : null;
      if (trip && message.view) {
        const [first, last] = message.homes.map(range), times = layer.whole(message.whole);
        trip.homes = {start: first, end: last};
        if (!times) trip.looks = {start, end: range(message.view)};
        else trip.looks = {start: plays ? start : padded(first, times), end: padded(last, times)};
      }
      if (plays) play(0, 1, message.ms); else say();
    },
    scrub(t, stays = false) {  // stays: the map looks where it is to look already, as a link says
      if (!trip) return;
      clearTimeout(timer);
      trip.playing = null;
      trip.t = t;
      if (stays) trip.looks = null;
      if (trip.looks) layer.look(look_at(t));
      say();
    },
    play(to, ms) {
      if (trip && trip.t !== to) play(trip.t, to, ms * Math.abs(to - trip.t));
    },
    pause() {
      if (!trip?.playing) return;
      clearTimeout(timer);
      trip.playing = null;
      if (trip.looks) layer.look(look_at(trip.t), true);
      layer.rest();
      say();
    },
    early(head, asked_at) {  // a picture of the journey is ready: how many milliseconds too early?
      const playing = trip?.playing;
      if (!playing || head.journey !== trip.number) return 0;
      return pace.early(playing.began + (head.t - playing.from) / (playing.to - playing.from) * playing.ms, asked_at);
    },
    came(head) {  // a picture of the journey is on the screen
      if (!trip || head.journey !== trip.number) return;
      const playing = trip.playing;
      if (!playing) return;
      trip.t = head.t;
      pace.came();
      if (trip.looks) layer.pass({x0: head.x0, x1: head.x1, y0: head.y0, y1: head.y1});
      say();
      if (trip?.playing !== playing) return;  // who heard of it has put the map elsewhere
      if (head.t === playing.to) finish(); else pump();
    },
    moved() { if (trip) trip.looks = null; },  // by a person
    go_home() {  // where the whole map is now, and will be; none where the journey does not know it better than the page
      if (!trip?.homes) return null;
      trip.looks = trip.homes;
      return this.at_an_end ? null : look_at(trip.t);
    },
    get at_an_end() { return !trip || (!trip.playing && (trip.t === 0 || trip.t === 1)); },
    end() { clearTimeout(timer); trip = null; },
    get playing() { return Boolean(trip?.playing); },
    get here() { return trip ? {journey: trip.number, t: trip.t} : {}; },
    place(mark) { return trip && mark.way ? on_way(mark.way, trip.t) : [mark.x, mark.y]; },
    get has_trails() { return Boolean(trip?.trails.length) && trip.t > 0 && trip.t < 1; },
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

