// The pictures of a way between two layouts, one at each place of a slider; nothing is fetched.
"use strict";
const FADE_MS = 500;
const of = id => document.getElementById(id);
const strip = of("frames"), frames = [...strip.querySelectorAll("img")], last = frames.length - 1;
const way_ms = Number(strip.dataset.ms), pause_ms = Number(strip.dataset.pauseMs), loops = strip.dataset.loop === "true";
const map = of("map"), pen = map.getContext("2d"), slider = of("time"), play = of("play");
const reduced = matchMedia("(prefers-reduced-motion: reduce)");
let t = 0;            // where on the way, 0 to 1
let playing = null;   // {to, held, before, fade}: held says for how many milliseconds the map still stands

const place = () => Math.round(t * last);
const draw = (over = null, opacity = 0) => {
  const at = place();
  pen.globalAlpha = 1;
  pen.drawImage(frames[at], 0, 0);
  if (over !== null) {
    pen.globalAlpha = opacity;
    pen.drawImage(frames[over], 0, 0);
  }
  map.dataset.frame = at;
  slider.value = at;
  slider.setAttribute("aria-valuetext", `${Math.round(100 * t)} % of the way`);
  of("first").setAttribute("aria-pressed", at === 0);
  of("last").setAttribute("aria-pressed", at === last);
};
const say = () => {
  play.textContent = playing ? "Pause" : "Play";
  map.dataset.playing = Boolean(playing);
};
const stop = () => { playing = null; say(); };
const start = (held = 0) => {
  playing = {to: t < 1 ? 1 : 0, held, before: null, fade: 0};
  say();
  requestAnimationFrame(step);
};
const arrive = () => {
  t = playing.to;
  draw();
  if (!loops || reduced.matches) return stop();
  playing.to = 1 - playing.to;
  playing.held = pause_ms;
};
// without motion, one end fades into the other
const fade = ms => {
  playing.fade += ms / FADE_MS;
  if (playing.fade >= 1) arrive(); else draw(playing.to * last, playing.fade);
};
const travel = ms => {
  const moved = Math.max(0, ms - playing.held);
  playing.held -= ms - moved;
  const left = Math.abs(playing.to - t);
  if (moved / way_ms >= left) return arrive();
  t += Math.sign(playing.to - t) * moved / way_ms;
  draw();
};
const step = now => {
  if (!playing) return;
  const ms = playing.before === null ? 0 : Math.min(now - playing.before, 200);
  playing.before = now;
  if (reduced.matches) fade(ms); else travel(ms);
  if (playing) requestAnimationFrame(step);
};
const look = at => {
  stop();
  t = last ? Math.min(last, Math.max(0, at)) / last : 0;
  draw();
};

slider.max = last;
slider.addEventListener("input", () => look(slider.valueAsNumber));
play.addEventListener("click", () => playing ? stop() : start());
of("first").addEventListener("click", () => look(0));
of("last").addEventListener("click", () => look(last));
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const jumps = {ArrowLeft: -1, ArrowRight: 1, Home: -last, End: last};
  if (event.key === " " && event.target.tagName !== "BUTTON") play.click();
  else if (event.key in jumps && event.target !== slider) look(place() + jumps[event.key]);
  else return;
  event.preventDefault();
});
addEventListener("load", () => {
  draw();
  if (!reduced.matches) start(pause_ms);
});
