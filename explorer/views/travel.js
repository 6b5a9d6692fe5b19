// The way between two layouts, as one browser travels it: what time it is, which pictures to ask for, where rows are, where to look.
// Comes before picture_layer.js in one module.

const TRAVEL_UNDER_WAY = 6; // pictures of a journey asked for and not yet here
const STRIP = 3;            // of them that are asked for and come together: a message costs server and browser as much as a picture
const SLOW_MS = 160;        // a way to the server that takes longer gets them one by one, and fewer
const STEP_MS = 18;         // between two pictures of a journey, at least
const MOST_STEP_MS = 80;
const SLOWER = 0.2, QUICKER = 0.97;
const FIRST_MS = 30;        // of a journey, where its first picture is: it need not wait for its time
const APART = 0.7;          // of their usual distance, at least so far apart are two pictures of which the first is late
const DETAILS = [1, 0.8, 0.65];  // pixels in a picture of a journey for one of the page's: the first with which pictures come often enough
const OFTEN_MS = 21;
const PUMP_MS = 8;
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
  let lag = 60;     // milliseconds from asking to the picture, of late
  let step = STEP_MS;  // milliseconds between two pictures, as they are asked for: what server and browser have time for
  let detail = 0;      // how fine pictures are, so that there is time for many
  let shown_at = 0;    // when the last one was shown
  let counted = 0;     // when those were asked for of which one has told how long it took
  let timer = 0;

  const say = () => window.dispatchEvent(new CustomEvent("explorer-traveled", {
    detail: {plane: layer.plane(), number: trip ? trip.number : 0, t: trip ? trip.t : 0, playing: Boolean(trip?.playing)},
  }));
  const look_at = t => between(trip.looks.start, trip.looks.end, smooth(t));
  const view_at = t => trip.looks ? layer.fitted(look_at(t)) : layer.view();
  const finish = () => {
    if (!trip?.playing) return;
    clearTimeout(timer);
    if (trip.playing.asked >= 1) detail = step > OFTEN_MS ? Math.min(detail + 1, DETAILS.length - 1) : step > STEP_MS ? detail : Math.max(detail - 1, 0);
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
    const now = performance.now();
    if (document.hidden || now > playing.began + playing.ms + LOST_MS) return finish();
    const slow = lag > SLOW_MS, strip = slow || !playing.asked ? 1 : STRIP;
    while (playing.asked < 1 && layer.free(slow ? 2 : TRAVEL_UNDER_WAY - strip + 1)) {
      const due = (now + lag - playing.began) / playing.ms, next = playing.asked + step / playing.ms, places = [];
      if (next > due) break;
      const behind = playing.asked ? (due - next) * playing.ms : 0;
      step = Math.min(MOST_STEP_MS, Math.max(STEP_MS, behind > PUMP_MS ? step + SLOWER * behind / strip : step * QUICKER));
      let at = playing.asked ? Math.max(due, next) : Math.min(due, FIRST_MS / playing.ms);
      do {
        playing.asked = Math.min(1, at);
        const t = playing.from + (playing.to - playing.from) * playing.asked;
        places.push({t, ...view_at(t)});
        at += step / playing.ms;
      } while (places.length < strip && playing.asked < 1);
      layer.ask(places, DETAILS[detail]);
    }
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
    scrub(t) {
      if (!trip) return;
      clearTimeout(timer);
      trip.playing = null;
      trip.t = t;
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
      const playing = trip?.playing, now = performance.now();
      if (!playing || head.journey !== trip.number) return 0;
      if (asked_at !== counted) lag += 0.3 * (Math.min(now - asked_at, 2000) - lag);  // of those that came together, the first
      counted = asked_at;
      const at = playing.began + (head.t - playing.from) / (playing.to - playing.from) * playing.ms;
      return Math.max(at, shown_at + APART * step) - now;
    },
    came(head) {  // a picture of the journey is on the screen
      if (!trip || head.journey !== trip.number) return;
      const playing = trip.playing;
      if (!playing) return;
      trip.t = head.t;
      shown_at = performance.now();
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

