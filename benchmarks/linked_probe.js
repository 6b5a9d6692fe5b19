// What a page with linked views shows and when, by the page's own clock: pictures of each map, the status line, the table, the list of
// neighbors. Runs after probe.js and before the page's scripts. A time is the end of the animation frame that shows it.

(() => {
  const shown = [], waiting = new Set(), maps = [];
  let released = 0, moved = 0, before = {};
  let drawn = [];

  addEventListener("pointerup", () => { released = performance.now(); }, {capture: true, passive: true});
  addEventListener("pointermove", () => { moved = performance.now(); }, {capture: true, passive: true});

  const note = what => {
    if (drawn.push(what) > 1) return;
    requestAnimationFrame(() => {
      const painted = drawn, channel = new MessageChannel();
      drawn = [];
      channel.port1.onmessage = () => {
        for (const each of painted) shown.push({...each, at: performance.now()});
        for (const check of [...waiting]) check();
      };
      channel.port2.postMessage(0);
    });
  };
  const changed = (key, value) => {
    if (before[key] === value) return false;
    before[key] = value;
    return true;
  };

  // ---- Explorer's page
  const of_map = map => {
    if (!maps.includes(map)) maps.push(map);
    const at = maps.indexOf(map), whole = map.dataset.rest === "true";
    if (changed(`map ${at}`, `${map.dataset.picture} ${whole}`)) note({kind: "picture", map: at, whole});
  };
  const of_table = table => {
    const line = table.querySelector(".count")?.textContent ?? "";
    const ready = table.dataset.ready === "true" && !table.querySelector(".coming");
    changed("line", line);
    if (changed("table", `${line} ${ready}`) && ready) note({kind: "table", text: line});
  };
  const of_list = inspector => {
    const rows = [...inspector.querySelectorAll("ol button[data-row]")].map(made => made.dataset.row).join();
    if (changed("list", rows) && rows) note({kind: "list"});
  };
  const look = records => {
    const seen = new Set(records.map(({target}) => (target instanceof Element ? target : target.parentElement)?.closest(".map, .table, .inspector, .message.status")));
    for (const box of seen) {
      if (!box) continue;
      if (box.matches(".map")) of_map(box);
      else if (box.matches(".table")) of_table(box);
      else if (box.matches(".inspector")) of_list(box);
      else if (changed("status", box.textContent)) note({kind: "status", text: box.textContent});
    }
  };
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (how) {
    const root = attach.call(this, how);
    new MutationObserver(look).observe(root, {
      subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["data-picture", "data-rest", "data-ready"],
    });
    return root;
  };

  // ---- the textbook's page: images in Bokeh figures, those of one figure as one map
  const follow = () => {
    const models = [...(window.Bokeh?.documents[0]?._all_models?.values() ?? [])];
    const figures = models.filter(model => model.type === "Figure");
    const found = figures.map(figure => figure.renderers.filter(each => each.type === "GlyphRenderer" && each.glyph.type.startsWith("Image")));
    if (figures.length < 2 || found.some(images => !images.length)) { setTimeout(follow, 100); return; }
    found.forEach((images, map) => {
      for (const {data_source} of images) data_source.properties.data.change.connect(() => note({kind: "picture", map, whole: true}));
    });
    note({kind: "ready"});
  };

  const until = (true_, patience) => new Promise((resolve, reject) => {
    const late = setTimeout(() => { waiting.delete(check); reject(new Error(`shown was only ${JSON.stringify(shown.slice(-12))}`)); }, patience);
    const check = () => {
      if (!true_()) return;
      clearTimeout(late);
      waiting.delete(check);
      resolve();
    };
    waiting.add(check);
    check();
  });

  window.linked = {
    follow,
    // forget what was shown so far
    begin: () => { shown.length = 0; released = 0; },
    // wait for all of this to be shown since then: how many maps, and what else; then say what was, in milliseconds since release, or move
    answer: ({n_maps, others, from, patience = 20000}) => until(() => {
      const whole = new Set(shown.filter(each => each.kind === "picture" && each.whole).map(each => each.map));
      return (from === "move" || released) && whole.size >= n_maps && others.every(kind => shown.some(each => each.kind === kind));
    }, patience).then(() => window.linked.all(from)),
    all: from => shown.map(each => ({...each, at: each.at - (from === "move" ? moved : released)})),
    // wait until no picture came for a while
    settled: quiet => new Promise(resolve => {
      let since = performance.now();
      const look_again = setInterval(() => {
        const last = shown.findLast(each => each.kind === "picture");
        if (performance.now() - Math.max(since, last?.at ?? 0) < quiet) return;
        clearInterval(look_again);
        resolve();
      }, 20);
    }),
    ready: () => until(() => shown.some(each => each.kind === "ready"), 60000),
    count: () => maps.length,
  };
})();
