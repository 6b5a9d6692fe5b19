// What a person at this page sees of something that was done on it, and when, by the page's own clock. Runs before the page's scripts.
// What is watched: each map's picture, the status line, the table, what a search found, the neighbors of a row; and the textbook's images.

(() => {
  const changes = [], latest = new Map(), events = new Map(), waiting = new Set(), maps = [], followed = new Set();

  // What was drawn by now is on the screen when the next animation frame is over.
  let drawn = [];
  const note = (what, value, done = true) => {
    drawn.push({what, value, done});
    if (drawn.length === 1) requestAnimationFrame(() => {
      const channel = new MessageChannel(), painted = drawn;
      drawn = [];
      channel.port1.onmessage = () => {
        const at = performance.now();
        for (const change of painted) {
          changes.push({...change, at});
          latest.set(change.what, change.value);
        }
        for (const check of [...waiting]) check();
      };
      channel.port2.postMessage(0);
    });
  };

  // ---- events, by the time at which the browser got them
  for (const type of ["pointerup", "input"]) {
    const on_event = event => { events.set(type, {at: Math.min(event.timeStamp, performance.now()), before: new Map(latest)}); };
    addEventListener(type, on_event, {capture: true, passive: true});
  }
  addEventListener("pointerdown", () => follow_images(), {capture: true, passive: true});

  // ---- Explorer's page, in shadow roots
  const text_of = (box, selector) => box.querySelector(selector)?.textContent ?? "";
  const watched = {
    ".map": map => {
      if (!map.dataset.picture) return;
      if (!maps.includes(map)) maps.push(map);
      note(`map ${maps.filter(other => other.isConnected).indexOf(map)}`, map.dataset.picture, map.dataset.rest === "true");
    },
    ".message.status": line => note("status", line.textContent),
    ".table": table => note("table", text_of(table, ".count"), table.dataset.ready === "true"),
    ".search .part:first-child": part => note("found", text_of(part, ".outcome [role=status]"), part.querySelector(".spinner").hidden),
    ".inspector": box => note("neighbors", text_of(box, ".head"), box.querySelector("ol li") !== null),
  };
  const look = records => {
    const found = new Map();
    for (const {target, attributeName} of records) {
      const at = target instanceof Element ? target : target.parentElement;
      for (const [selector, act] of Object.entries(watched)) {
        const box = at?.closest(selector);
        if (box && (selector !== ".table" || attributeName === "data-ready")) found.set(box, act);  // its line changes before it asks for rows
      }
    }
    for (const [box, act] of found) act(box);
  };
  const attach = Element.prototype.attachShadow, attributeFilter = ["data-picture", "data-rest", "data-ready", "hidden"];
  Element.prototype.attachShadow = function (how) {
    const root = attach.call(this, how);
    new MutationObserver(look).observe(root, {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter});
    return root;
  };

  // ---- the textbook's page: images in Bokeh's figures; those of a selection come later than the page
  const follow_images = () => {
    const figures = [...(window.Bokeh?.documents[0]?._all_models?.values() ?? [])].filter(model => model.type === "Figure");
    figures.forEach((figure, at) => {
      for (const {glyph, data_source} of figure.renderers) if (glyph?.type.startsWith("Image") && !followed.has(data_source)) {
        followed.add(data_source);
        data_source.properties.data.change.connect(() => note(`image ${at}`, changes.length));
      }
    });
    return figures.length && figures.every(figure => figure.renderers.some(made => made.glyph?.type.startsWith("Image") && made.data_source.data.image?.length));
  };

  // Milliseconds from the last event of a type to what it changed, for each thing that is wanted: ``seen`` first, first ``done``, and done for
  // the ``last`` time; once nothing of it has changed for so many milliseconds. What is as it was before does not count.
  const since = (type, wanted, quiet, patience = 60000) => new Promise((resolve, reject) => {
    const {at, before} = events.get(type);
    let timer = 0;
    const of = what => changes.filter(change => change.what === what && change.at > at && change.value !== before.get(what));
    const answer = () => Object.fromEntries(wanted.map(what => {
      const all = of(what), done = all.filter(change => change.done);
      return [what, {seen: all[0].at - at, done: done[0].at - at, last: done.at(-1).at - at, value: String(all.at(-1).value)}];
    }));
    const check = () => {
      clearTimeout(timer);
      if (wanted.every(what => of(what).at(-1)?.done)) timer = setTimeout(() => { end(); resolve(answer()); }, quiet);
    };
    const late = setTimeout(() => {
      end();
      reject(new Error(`nothing came of ${wanted.filter(what => !of(what).at(-1)?.done)}`));
    }, patience);
    const end = () => {
      clearTimeout(late);
      clearTimeout(timer);
      waiting.delete(check);
    };
    waiting.add(check);
    check();
  });

  window.probe = {follow_images, since, forget: () => { changes.length = 0; }};
})();
