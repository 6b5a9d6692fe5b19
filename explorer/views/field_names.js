// Gives names to what Material's widgets leave without: the field and the two buttons beside a slider or around a number, and the drawers. Shows nothing.
const LOOKS_EVERY_MS = 1500;  // while the page is being drawn; what comes later has its name when the focus is on it
const LOOKS = 3;              // that find nothing more: it has been drawn
const LOOKS_MOST = 20;        // where nothing is without a name
const DRAWERS = ["Settings", "Findings"];

const has_name = element => element.getAttribute("aria-label") || element.getAttribute("aria-labelledby") || element.labels?.length || element.textContent.trim() || element.title;
const is_more = button => /^(m7 14|M19 13h-6)/.test(button.querySelector("path")?.getAttribute("d") || "");  // an arrow that points up, or a plus

function give_name(element) {
  const control = element.closest(".MuiFormControl-fullWidth"), words = control?.querySelector("label")?.textContent.replace(/[:\s]+$/, "");
  if (!words || has_name(element)) return 0;
  element.setAttribute("aria-label", element.tagName === "INPUT" ? words : `${words}: ${is_more(element) ? "more" : "less"}`);
  return 1;
}

function give_names(root) {  // and counts them
  let given = 0;
  root.querySelectorAll("nav:not([aria-label])").forEach((nav, at) => { if (DRAWERS[at]) nav.setAttribute("aria-label", DRAWERS[at]); });
  for (const element of root.querySelectorAll(".MuiFormControl-fullWidth :is(input, button)")) given += give_name(element);
  for (const element of root.querySelectorAll("*")) if (element.shadowRoot) given += give_names(element.shadowRoot);
  return given;
}

export function render({model}) {
  const on_focus = event => {
    const [element] = event.composedPath();
    if (element instanceof Element && element.matches("input, button")) give_name(element);
  };
  document.addEventListener("focusin", on_focus);
  let timer = 0, looks = LOOKS, left = LOOKS_MOST, some = false;
  const look = () => {
    const given = give_names(document);
    some = some || given > 0;
    looks = given ? LOOKS : looks - some;
    left -= 1;
    if (looks > 0 && left > 0) timer = setTimeout(look, LOOKS_EVERY_MS);
  };
  timer = setTimeout(look, LOOKS_EVERY_MS);
  model.on("remove", () => {
    clearTimeout(timer);
    document.removeEventListener("focusin", on_focus);
  });
  return document.createElement("div");
}
