// <input data-suggest role="combobox" aria-controls="ID"> with <ul id="ID" role="listbox" hidden>: htmx fills the list as one
// types; here it opens, is walked through by keys, and puts what was chosen into the input. Events are caught at the
// document, because rows of the builder come and go.
const listOf = (input) => document.getElementById(input.getAttribute("aria-controls"));
const optionsOf = (list) => [...list.querySelectorAll("[role=option]")];

function mark(input, list, at) {
  const options = optionsOf(list);
  options.forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
  input.dataset.marked = options[at]?.dataset.value ?? "";
  if (at < 0 || !options[at]) return input.removeAttribute("aria-activedescendant");
  input.setAttribute("aria-activedescendant", options[at].id);
  options[at].scrollIntoView({ block: "nearest" });
}
function show(input, on) {
  const list = listOf(input);
  if (!list) return;
  list.hidden = !on || !list.children.length;
  input.setAttribute("aria-expanded", String(!list.hidden));
  mark(input, list, -1);
}
function take(input, option) {
  input.value = input.dataset.taken = option.dataset.value;
  show(input, false);
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("htmx:after:swap", (event) => {
  const input = document.activeElement;
  if (!input?.matches("input[data-suggest]")) return;
  // Only an answer for this list opens it: not the count beside it, and not one that comes after somebody has chosen.
  if (event.detail?.ctx?.target !== listOf(input) || input.value === input.dataset.taken) return;
  // An answer that comes late must not take away the line somebody has walked to.
  const kept = input.dataset.marked;
  show(input, true);
  const list = listOf(input);
  if (list && kept) mark(input, list, optionsOf(list).findIndex((option) => option.dataset.value === kept));
});
document.addEventListener("click", (event) => {
  if (event.target.matches("input[data-suggest]")) show(event.target, true);
});
document.addEventListener("focusout", (event) => {
  if (event.target.matches?.("input[data-suggest]")) show(event.target, false);
});
document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("[data-suggestions] [role=option]");
  if (!option) return;
  event.preventDefault();
  const input = document.querySelector(`input[aria-controls="${option.closest("[data-suggestions]").id}"]`);
  if (input) take(input, option);
});
document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.("input[data-suggest]")) return;
  const list = listOf(input);
  const options = optionsOf(list);
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (list.hidden) return show(input, true);
    const step = event.key === "ArrowDown" ? 1 : -1;
    if (options.length) mark(input, list, (Math.max(at, step > 0 ? -1 : 0) + step + options.length) % options.length);
  } else if (event.key === "Enter" && !list.hidden && options[at]) {
    event.preventDefault();
    take(input, options[at]);
  } else if (event.key === "Escape" && !list.hidden) {
    event.preventDefault();
    event.stopPropagation();
    show(input, false);
  }
});
