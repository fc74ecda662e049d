// The rule builder: buttons and drags become one change on the server, whose rows come back; the count follows.
import { holding } from "./caret.js";
import "./suggest.js";
import { toast } from "./toast.js";

const form = document.getElementById("builder");
const said = document.querySelector("[data-rule-said]");
const state = document.querySelector("[data-builder-state] span");
const undoButton = document.querySelector("[data-undo]");
const past = [];
let saved = null;
let dirty = document.querySelector("[role=alert]") !== null;

const rows = () => document.getElementById("rows");
const now = () => rows().dataset.undoState;
const changed = () => {
  dirty = true;
  state.textContent = "Unsaved changes";
  document.body.dispatchEvent(new CustomEvent("rule-changed"));
};

// One change at a time: the next one starts from the rows that the one before brought.
let last = Promise.resolve();
const reshape = (extra, words) => (last = last.then(() => redraw(extra, words)));

// What somebody types while the rows are on their way is put back into the rows that arrive, and the caret with it.
async function redraw(extra, words) {
  const sent = new FormData(form);
  const body = new FormData(form);
  for (const [name, value] of Object.entries(extra)) body.set(name, value);
  let answer;
  try {
    answer = await fetch(form.dataset.rowsUrl, { method: "POST", body, headers: { "HX-Request": "true" } });
  } catch {
    answer = null;
  }
  if (!answer?.ok) {
    toast(answer?.status === 401 ? "You were signed out. Sign in again in another tab, then go on here." : "The server could not do that. Nothing was changed; try again in a minute.", "error");
    return false;
  }
  const html = await answer.text();
  const held = holding(rows());
  const typed = [...new FormData(form)].filter(([name, value]) => name.startsWith("n") && sent.get(name) !== value);
  rows().outerHTML = html;
  for (const [name, value] of typed) {
    const control = form.elements.namedItem(name);
    if (control) control.value = value;
  }
  htmx.process(rows());
  const wanted = rows().querySelector("[data-focus-now]");
  wanted?.removeAttribute("data-focus-now");
  wanted?.focus();
  held?.();
  if (words) said.textContent = words;
  prepare();
  changed();
  return true;
}

// A value that was typed stands in the rows already: the server is only asked what Undo would bring back. Nothing is
// drawn anew, so the button somebody presses next is still the same one.
const note = () => (last = last.then(async () => {
  const answer = await fetch(form.dataset.rowsUrl, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const state = page.getElementById("rows")?.dataset.undoState;
  if (!state || state === saved) return;
  rows().dataset.undoState = state;
  remember();
}));

function remember() {
  past.push(saved);
  saved = now();
  undoButton.removeAttribute("aria-disabled");
}

const WORDS = { add: "Condition added", group: "Group added", remove: "Removed", up: "Moved up", down: "Moved down", move: "Moved" };

async function act(action) {
  if (await reshape({ do: action }, WORDS[action.split(":")[0]])) remember();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) act(button.dataset.do);
});

form.addEventListener("change", async (event) => {
  const control = event.target;
  if (control.matches("[data-reshape]")) {
    const id = control.id;
    if (!(await reshape({}, ""))) return;
    if (document.activeElement === document.body) document.getElementById(id)?.focus();
    remember();
  } else {
    changed();
    if (/^n[\d.]/.test(control.name)) note();
  }
});
form.addEventListener("input", (event) => { if (event.target.name?.startsWith("n")) changed(); });
document.querySelector("[name=name]").addEventListener("input", () => { dirty = true; state.textContent = "Unsaved changes"; });

undoButton.addEventListener("click", async () => {
  if (!past.length) return;
  const before = past.pop();
  if (await reshape({ restore: before }, "Undone")) saved = before;
  else past.push(before);
  if (!past.length) undoButton.setAttribute("aria-disabled", "true");
});

form.addEventListener("submit", () => { dirty = false; });
window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

// Dragging is one way among others: every row has buttons that do the same.
function prepare() {
  for (const list of rows().querySelectorAll("[data-rule-rows]")) {
    window.Sortable?.create(list, {
      group: "rule", handle: "[data-grip]", animation: 0, forceFallback: true, fallbackOnBody: true, invertSwap: true, swapThreshold: 0.65,
      onEnd: ({ item, to, newIndex, from, oldIndex }) => {
        if (from === to && newIndex === oldIndex) return;
        act(`move:${item.dataset.ruleItem}:${to.dataset.ruleRows}:${newIndex}`);
      },
    });
  }
}

saved = now();
prepare();
