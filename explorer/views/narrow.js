// Tells whether the window is narrow, when it opens and whenever that changes. Shows nothing.

export function render({model}) {
  const media = window.matchMedia(`(max-width: ${model.below - 0.02}px)`);
  const tell = () => { model.narrow = media.matches; };
  media.addEventListener("change", tell);
  model.on("remove", () => media.removeEventListener("change", tell));
  tell();
  return document.createElement("div");
}
