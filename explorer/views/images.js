// Rows shown by their images, over their points: where so few are in view that there is room. The server says which.
const ROOM = 1.35;  // so much farther out than where they have room they are put away

// layer: {box, before, to_px(x, y), unit(), moving()}; unit: of the layout in a pixel; moving: whether rows are between two layouts
function gallery(layer) {
  const wall = document.createElement("div");
  const sources = new Map(), hung = new Map();  // by row: what was sent, and what is on the wall
  let side = 0, unit = 0, rows = [];
  wall.className = "images";
  wall.setAttribute("aria-hidden", "true");  // the map's own words say what is in view, the card says which row
  wall.hidden = true;
  layer.box.insertBefore(wall, layer.before);

  const place = () => {
    wall.hidden = !rows.length || layer.moving() || layer.unit() > ROOM * unit;
    if (wall.hidden) return;
    for (const [row, x, y] of rows) {
      const [px, py] = layer.to_px(x, y);
      hung.get(row).style.transform = `translate(${px - side / 2}px,${py - side / 2}px)`;
    }
  };
  const hang = row => {
    const image = document.createElement("img");
    image.alt = "";
    image.addEventListener("error", () => image.remove());  // it is broken: its point stays
    image.src = sources.get(row);
    hung.set(row, image);
    wall.append(image);
    return image;
  };
  return {
    place,
    take(message) {
      if (message.forget) sources.clear();
      for (const [row, source] of message.images) sources.set(row, source);
      const wanted = new Set(message.rows.map(([row]) => row));
      for (const [row, image] of hung) if (message.forget || !wanted.has(row)) {
        image.remove();
        hung.delete(row);
      }
      [rows, side, unit] = [message.rows, message.side, layer.unit()];
      for (const [row, , , color] of rows) {
        const image = hung.get(row) || hang(row);
        image.style.width = image.style.height = `${side - 2}px`;
        image.style.borderColor = color;
      }
      place();
    },
  };
}
