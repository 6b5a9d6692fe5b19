// Files on their way from the server: piece by piece, each asked for when the one before is here, put together and saved.
// Every browser that shows the page gets every piece; only the one that somebody clicked in keeps them. All text goes through textContent.

const KEPT_MS = 60000;  // a browser may still be reading a file that it was told to save

export function render({model}) {
  const client = Math.random().toString(36).slice(2);
  const box = document.createElement("div");
  box.className = "download";
  const files = new Map();  // id -> {parts, got, line, bar, told}

  const size_text = bytes => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  const end = id => {
    const file = files.get(id);
    if (file) file.line.remove();
    files.delete(id);
  };
  const begin = head => {
    const line = document.createElement("div"), told = document.createElement("span"), bar = document.createElement("progress"), stop = document.createElement("button");
    line.className = "file";
    bar.max = head.size;
    bar.setAttribute("aria-label", `Download of ${head.name}`);
    stop.type = "button";
    stop.textContent = "×";
    stop.setAttribute("aria-label", `Cancel the download of ${head.name}`);
    stop.addEventListener("click", () => { end(head.id); model.send_msg({type: "stop", client, id: head.id}); });
    line.append(told, stop, bar);
    box.append(line);
    return {parts: [], got: 0, line, bar, told};
  };
  const save = (head, parts) => {
    const address = URL.createObjectURL(new Blob(parts, {type: head.mime})), link = document.createElement("a");
    link.href = address;
    link.download = head.name;
    link.style.display = "none";
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
  };
  const take = () => {
    const raw = model.piece;
    if (!raw || raw.byteLength === 0) return;
    const bytes = raw instanceof ArrayBuffer ? new Uint8Array(raw) : new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
    const n = bytes[0] * 256 + bytes[1];
    const head = JSON.parse(new TextDecoder().decode(bytes.slice(2, 2 + n)));
    if (head.client !== client) return;
    if (head.at === 0 && !files.has(head.id)) files.set(head.id, begin(head));
    const file = files.get(head.id);
    if (!file || head.at !== file.got) return;  // canceled, or seen before
    file.parts.push(bytes.slice(2 + n));
    file.got += bytes.byteLength - 2 - n;
    file.bar.value = file.got;
    file.told.textContent = `${head.name} · ${size_text(file.got)} of ${size_text(head.size)}`;
    if (file.got >= head.size) {
      end(head.id);
      save(head, file.parts);
    }
    model.send_msg({type: "got", client, id: head.id, at: file.got});
  };
  // Seen here before any widget hears of it, also when a key or a screen reader clicks: the server learns which browser asks.
  const on_click = () => model.send_msg({type: "clicked", client});
  window.addEventListener("click", on_click, true);

  model.on("piece", take);
  model.on("msg:custom", message => { if (message.type === "end" && message.client === client) end(message.id); });
  model.on("remove", () => {
    window.removeEventListener("click", on_click, true);
    model.send_msg({type: "gone", client});
  });
  model.send_msg({type: "here", client});
  return box;
}
