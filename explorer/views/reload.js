// Has the browser load its page again when the server says so; shows nothing.

export function render({model}) {
  model.on("count", () => window.location.reload());
}
