// Runs `prepare(element)` once for every element that matches, now and after each htmx swap.
export function whenPresent(selector, prepare) {
  const done = new WeakSet();
  const look = (root) => {
    for (const element of root.querySelectorAll(selector)) {
      if (!done.has(element)) {
        done.add(element);
        prepare(element);
      }
    }
  };
  look(document);
  document.addEventListener("htmx:after:swap", () => look(document));
  document.addEventListener("htmx:after:settle", () => look(document));
}
