// Pictures of a motion that is known beforehand: how many to ask for together, how far ahead and how fine, and when each is to be seen.
// Comes before travel.js and turn.js in one module.

const STRIP = 3;            // of them that are asked for and come together: a message costs server and browser as much as a picture
const STEP_MS = 18;         // between two pictures, at least
const MOST_STEP_MS = 80;
const SLOWER = 0.2, QUICKER = 0.97;
const FIRST_MS = 30;        // of a motion, where its first picture is: it need not wait for its time
const APART = 0.7;          // of their usual distance, at least so far apart are two pictures of which the first is late
const DETAILS = [1, 0.8, 0.65];  // pixels in a picture in motion for one of the page's: the first with which pictures come often enough
const PUMP_MS = 8;

// layer: {free(most), ask(places, detail)}. A course is {began, ms, asked}: when it began, how long it takes, and how far of that has been asked for.
// ahead: pictures asked for and not yet here, at most; slow_ms: a way to the server that takes longer gets them one by one, and fewer
function pacer(layer, ahead, slow_ms) {
  let lag = 60;        // milliseconds from asking to the picture, of late
  let step = STEP_MS;  // milliseconds between two pictures, as they are asked for: what server and browser have time for
  let detail = 0;      // how fine pictures are, so that there is time for many
  let shown_at = 0;    // when the last one was shown
  let counted = 0;     // when those were asked for of which one has told how long it took
  return {
    ask(course, place) {  // for what is to be seen by the time it is here; place(ms): what to ask for
      const now = performance.now(), slow = lag > slow_ms, strip = slow || !course.asked ? 1 : STRIP;
      while (course.asked < course.ms && layer.free(slow ? 2 : ahead - strip + 1)) {
        const due = now + lag - course.began, next = course.asked + step, places = [];
        if (next > due) break;
        const behind = course.asked ? due - next : 0;
        step = Math.min(MOST_STEP_MS, Math.max(STEP_MS, behind > PUMP_MS ? step + SLOWER * behind / strip : step * QUICKER));
        let at = course.asked ? Math.max(due, next) : Math.min(due, FIRST_MS);
        do {
          course.asked = Math.min(course.ms, at);
          places.push(place(course.asked));
          at += step;
        } while (places.length < strip && course.asked < course.ms);
        layer.ask(places, DETAILS[detail]);
      }
    },
    behind: course => performance.now() + lag - course.began - course.asked,  // milliseconds
    early(at, asked_at) {  // a picture that was asked for at a time is ready, and to be seen at another: how many milliseconds too early?
      const now = performance.now();
      if (asked_at !== counted) lag += 0.3 * (Math.min(now - asked_at, 2000) - lag);  // of those that came together, the first
      counted = asked_at;
      return Math.max(at, shown_at + APART * step) - now;
    },
    came() { shown_at = performance.now(); },  // one is on the screen
    judge(often, {only_coarser = false, every = step} = {}) {  // how fine pictures are from now on; milliseconds between two: near enough, and as it is
      if (every > often) detail = Math.min(detail + 1, DETAILS.length - 1);
      else if (every <= Math.max(STEP_MS, 0.75 * often) && !only_coarser) detail = Math.max(detail - 1, 0);
    },
    get detail() { return DETAILS[detail]; },
  };
}

