// Clusters: a button to find them, then a tree. Names are text from outside: they go through textContent only.
const element = (kind, name, text) => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};

const button = (name, text, title, act) => {
  const made = element("button", name, text);
  made.type = "button";
  if (title) made.title = title;
  made.addEventListener("click", act);
  return made;
};

const MODES = event => event.shiftKey && event.altKey ? "intersect" : event.shiftKey ? "add" : event.altKey ? "subtract" : "replace";

export function render({model}) {
  const box = element("div", "clusters"), told = element("div", "told"), bar = element("progress"), wrong = element("div", "wrong");
  const find = button("act", "Find clusters", "Groups of rows that are each other's neighbors, in several layers, with names", () => model.send_msg({type: "find"}));
  const stop = button("act", "Cancel", "", () => model.send_msg({type: "stop"}));
  const colors = element("div", "colors"), tree = element("ul", "tree");
  const open = new Set();  // "layer:cluster" of what shows what it is made of
  told.setAttribute("role", "status");
  wrong.setAttribute("role", "alert");
  bar.setAttribute("aria-label", "Looking for clusters");
  tree.setAttribute("role", "tree");
  tree.setAttribute("aria-label", "Clusters");
  let editing = null;
  let at = "";  // the item that the keyboard is on

  const rename = (layer, cluster, name, line) => {
    const field = element("input");
    field.value = name;
    field.maxLength = 80;
    field.setAttribute("aria-label", `Name of ${name}; leave it empty for the one that was found`);
    let over = false;
    const end = keep => {
      if (over) return;
      over = true;
      editing = null;
      if (keep && field.value !== name) model.send_msg({type: "rename", layer, cluster, name: field.value});
      update();
      focus(`${layer}:${cluster}`);
    };
    field.addEventListener("keydown", event => {
      event.stopPropagation();  // the maps and the tree have keys of their own
      if (event.key === "Enter") end(true);
      else if (event.key === "Escape") end(false);
    });
    field.addEventListener("blur", () => end(true));
    field.addEventListener("click", event => event.stopPropagation());
    field.addEventListener("dblclick", event => event.stopPropagation());
    editing = `${layer}:${cluster}`;
    line.querySelector(".name").replaceWith(field);
    field.select();
    field.focus();
  };

  const focus = key => tree.querySelector(`[data-key="${key}"]`)?.focus();

  const toggle = key => {
    open.has(key) ? open.delete(key) : open.add(key);
    update();
    focus(key);
  };

  const item = (layers, layer, cluster) => {
    const {names, sizes} = layers[layer], name = names[cluster], key = `${layer}:${cluster}`, below = layers[layer + 1];
    const inner = below ? below.parents.flatMap((parent, child) => parent === cluster ? [child] : []) : [];
    const made = element("li"), line = element("div", "line");
    made.setAttribute("role", "treeitem");
    made.setAttribute("aria-level", layer + 1);
    made.setAttribute("aria-label", `${name}, ${sizes[cluster].toLocaleString("en")} rows`);
    made.dataset.key = key;
    made.tabIndex = key === at ? 0 : -1;
    if (inner.length) made.setAttribute("aria-expanded", open.has(key));
    const fold = element("span", "fold", inner.length ? "▸" : "");
    fold.addEventListener("click", event => {
      event.stopPropagation();
      if (inner.length) toggle(key);
    });
    const label = element("span", "name", name), pencil = button("pencil", "✎", "Rename (F2)", event => {
      event.stopPropagation();
      rename(layer, cluster, name, line);
    });
    label.dir = "auto";
    label.title = name;
    pencil.tabIndex = -1;
    pencil.setAttribute("aria-label", `Rename ${name}`);
    line.append(fold, label, pencil, element("b", "", sizes[cluster].toLocaleString("en")));
    line.addEventListener("click", event => {
      at = key;
      model.send_msg({type: "select", layer, cluster, mode: MODES(event)});
    });
    line.addEventListener("dblclick", () => rename(layer, cluster, name, line));
    made.addEventListener("keydown", event => {
      if (event.target !== made) return;
      const items = [...tree.querySelectorAll("[role=treeitem]")], place = items.indexOf(made);
      if (event.key === "Enter" || event.key === " ") model.send_msg({type: "select", layer, cluster, mode: MODES(event)});
      else if (event.key === "F2") rename(layer, cluster, name, line);
      else if (event.key === "ArrowDown") items[place + 1]?.focus();
      else if (event.key === "ArrowUp") items[place - 1]?.focus();
      else if (event.key === "Home") items[0].focus();
      else if (event.key === "End") items.at(-1).focus();
      else if (event.key === "ArrowRight" && inner.length) open.has(key) ? items[place + 1]?.focus() : toggle(key);
      else if (event.key === "ArrowLeft") open.has(key) ? toggle(key) : made.parentElement.closest("[role=treeitem]")?.focus();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    made.addEventListener("focus", () => {
      tree.querySelectorAll("[tabindex='0']").forEach(other => other.tabIndex = -1);
      made.tabIndex = 0;
      at = key;
    });
    made.append(line);
    if (inner.length && open.has(key)) {
      const list = element("ul");
      list.setAttribute("role", "group");
      list.append(...inner.map(child => item(layers, layer + 1, child)));
      made.append(list);
    }
    return made;
  };

  const update = () => {
    const {why, failed, found, layers} = model.content;
    if (editing) return;  // what somebody types stays
    wrong.textContent = failed;
    wrong.hidden = !failed;
    const said = why.trim() || (found && !layers.length ? "There are no clusters in so few rows." : "");
    if (told.textContent !== said) told.textContent = said;
    told.hidden = !said;
    if (!at && layers.length) at = "0:0";
    colors.replaceChildren(...layers.map(({title, colored, names}, layer) => {
      const word = title.replace(/^clusters \(?|\)$/g, "") || "clusters";
      const made = button("act", `${word} ${names.length}`, colored ? "Color as before" : `Color the maps by ${title}`, () => model.send_msg({type: "color", layer}));
      made.setAttribute("aria-pressed", colored);
      made.setAttribute("aria-label", `Color by ${title}: ${names.length}`);
      return made;
    }));
    if (layers.length) colors.prepend(element("span", "", "Color by"));
    colors.hidden = tree.hidden = !layers.length;
    const top = tree.scrollTop;
    tree.replaceChildren(...(layers.length ? layers[0].names.map((_, cluster) => item(layers, 0, cluster)) : []));
    tree.scrollTop = top;
    find.hidden = found || Boolean(why) || Boolean(model.progress.running);
  };
  const advance = () => {
    const {running, stage, fraction} = model.progress;
    bar.hidden = stop.hidden = !running;
    bar.value = fraction || 0;
    bar.title = stage || "";
    find.hidden = model.content.found || Boolean(model.content.why) || Boolean(running);
  };
  model.on("content", update);
  model.on("progress", advance);
  update();
  advance();
  box.append(told, wrong, find, bar, stop, colors, tree);
  return box;
}
