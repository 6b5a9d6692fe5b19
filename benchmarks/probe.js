// What a person at this page sees and when, by the page's own clock: events, pictures asked for, come and painted. Runs before the page's scripts.
// Explorer's pictures are known by the number in data-picture, the textbook's by the image in the Bokeh figure once it fits the ranges.

(() => {
  const wheels = [], moves = [], pictures = [], cards = [], asked = new Map(), came = new Map(), bytes = [];
  const waiting = new Set();
  let last_asked = 0, shown = 0, down = null, drag = null;

  const notify = () => { for (const check of [...waiting]) check(); };
  const until = (find, patience = 60000) => new Promise((resolve, reject) => {
    const late = setTimeout(() => { waiting.delete(check); reject(new Error("no picture came")); }, patience);
    const check = () => {
      const found = find();
      if (!found) return;
      clearTimeout(late);
      waiting.delete(check);
      resolve(found);
    };
    waiting.add(check);
    check();
  });

  // What was drawn by now is on the screen when the next animation frame is over.
  const painting = remember => {
    let drawn = null;
    return what => {
      const first = drawn === null;
      drawn = what;
      if (first) requestAnimationFrame(() => {
        const painted = drawn, channel = new MessageChannel();
        drawn = null;
        channel.port1.onmessage = () => { remember({...painted, at: performance.now()}); notify(); };
        channel.port2.postMessage(0);
      });
    };
  };
  const picture = painting(painted => { shown = painted.id; pictures.push(painted); });
  const card = painting(painted => cards.push(painted));

  // ---- events, as the page gets them
  const listen = (type, note) => addEventListener(type, note, {capture: true, passive: true});
  listen("wheel", event => wheels.push({at: performance.now(), queued: performance.now() - event.timeStamp, before: Math.max(last_asked, shown)}));
  listen("pointermove", () => {
    moves.push({at: performance.now(), text: card_text()});
    if (down !== null) down.moves += 1;
  });
  listen("pointerdown", () => { down = {at: performance.now(), moves: 0}; });
  listen("pointerup", () => { if (down) drag = {...down, end: performance.now()}; down = null; });

  const keys = [], slides = [];
  listen("keydown", event => keys.push({at: performance.now(), key: event.key}));
  addEventListener("input", event => {
    const slider = event.composedPath()[0];
    if (slider.type === "range") slides.push({at: performance.now(), t: slider.value / slider.max});
  }, true);

  // ---- the socket: pictures asked for, and what came
  window.WebSocket = class extends WebSocket {
    constructor(...words) {
      super(...words);
      this.addEventListener("message", event => {
        if (typeof event.data === "string") return;
        const size = event.data.byteLength ?? event.data.size;
        const data = event.data instanceof ArrayBuffer ? new Uint8Array(event.data) : new Uint8Array(0);
        const head = new TextDecoder().decode(data.subarray(2, 2 + data[0] * 256 + data[1]));
        if (!head.startsWith('{"client"')) { bytes.push({size, moving: null}); return; }
        const {id, moving, push} = JSON.parse(head);
        bytes.push({size, moving, push});
        if (!came.has(id)) came.set(id, performance.now());
      });
    }
    send(data) {
      const found = typeof data === "string" && data.match(/"draw".*?"id",\s*(\d+)/s);
      if (found) {
        last_asked = Number(found[1]);
        asked.set(last_asked, performance.now());
      }
      super.send(data);
    }
  };

  // ---- Explorer's page: a map and a card in some shadow root
  let card_box = null;
  const card_text = () => card_box && !card_box.hidden ? card_box.textContent : "";
  const attach = Element.prototype.attachShadow;
  const seen = records => {
    for (const {target, type, attributeName} of records) {
      const at = target instanceof Element ? target : target.parentElement;
      if (type === "attributes" && attributeName === "data-picture") picture({id: Number(target.dataset.picture.split(".")[0]), rest: target.dataset.rest, t: target.dataset.t});
      const box = at && at.closest(".map .card");
      if (!box) continue;
      card_box = box;
      if (card_text()) card({text: card_text()});
    }
  };
  Element.prototype.attachShadow = function (how) {
    const root = attach.call(this, how);
    new MutationObserver(seen).observe(root, {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["data-picture", "hidden"]});
    return root;
  };

  // ---- the picture that Explorer's page comes with
  let still = null;
  const look = new MutationObserver(() => {
    const image = document.querySelector("#explorer-still img");
    if (!image) return;
    look.disconnect();
    image.decode().then(() => painting(painted => { still = painted.at; notify(); })({id: 0}), () => {});
  });
  look.observe(document, {subtree: true, childList: true});

  // ---- the textbook's page: an image in a Bokeh figure
  const follow_image = () => {
    const models = [...(window.Bokeh?.documents[0]?._all_models?.values() ?? [])];
    const plot = models.find(model => model.type === "Figure");
    const image = models.find(model => model.type === "GlyphRenderer" && model.glyph.type === "ImageRGBA");
    if (!plot || !image) { requestAnimationFrame(follow_image); return; }
    let number = 0;
    const near = (a, b, span) => Math.abs(a - b) < 0.005 * span;
    const changed = () => {
      const {data} = image.data_source, {x_range, y_range} = plot;
      if (!data.image?.length) return;
      const across = x_range.end - x_range.start, up = y_range.end - y_range.start;
      const fits = near(data.x[0], x_range.start, across) && near(data.dw[0], across, across) &&
        near(data.y[0], y_range.start, up) && near(data.dh[0], up, up);
      if (fits) picture({id: ++number, rest: "true"});
    };
    image.data_source.properties.data.change.connect(changed);
    changed();
  };

  window.probe = {
    follow_image,
    // milliseconds since the navigation began: to a picture of the map, and to the first one that was asked for
    seen: () => until(() => still !== null || pictures[0]).then(() => Math.min(still ?? Infinity, pictures[0]?.at ?? Infinity)),
    first: () => until(() => pictures[0]).then(painted => painted.at),
    // what the last tick of the wheel led to
    answer: () => {
      const wheel = wheels.at(-1);
      return until(() => pictures.find(painted => painted.id > wheel.before && painted.at > wheel.at)).then(painted => {
        const id = [...asked.keys()].find(key => key > wheel.before);
        return {wheel: wheel.at, queued: wheel.queued, asked: asked.get(id) ?? null, came: came.get(painted.id) ?? null, painted: painted.at};
      });
    },
    // milliseconds from the last move of the pointer to the card of another row; zero where there is none
    hover: () => {
      const move = moves.at(-1);
      return until(() => cards.find(painted => painted.at > move.at && painted.text !== move.text), 1500).then(painted => painted.at - move.at, () => 0);
    },
    drag: () => ({
      seconds: (drag.end - drag.at) / 1e3,
      moves: drag.moves,
      pictures: new Set(pictures.filter(painted => painted.at > drag.at && painted.at < drag.end).map(painted => painted.id)).size,
    }),
    // what was painted since the last key: its time, and of each picture when and where between two layouts
    traveled: () => ({key: keys.at(-1)?.at ?? 0, pictures: pictures.filter(painted => painted.at > (keys.at(-1)?.at ?? 0))}),
    // milliseconds from each move of the scrubber to the first picture of that place, or of one that it was moved to later
    scrubbed: () => slides.splice(0).map(slide => pictures.find(painted => painted.at > slide.at && painted.t !== "" && Math.abs(painted.t - slide.t) < 0.02)?.at - slide.at),
    count: () => pictures.length,
    bytes: () => bytes.splice(0),
    rest: () => until(() => pictures.at(-1)?.rest === "true"),
  };
})();
