// The rule builder: buttons and drags become one change on the server, whose rows come back; the count follows.
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

async function reshape(extra, words) {
  const values = Object.fromEntries(new FormData(form));
  await htmx.ajax("POST", form.dataset.rowsUrl, { target: "#rows", swap: "outerHTML", values: { ...values, ...extra } });
  if (words) said.textContent = words;
  prepare();
  changed();
}

function remember() {
  past.push(saved);
  saved = now();
  undoButton.removeAttribute("aria-disabled");
}

const WORDS = { add: "Condition added", group: "Group added", remove: "Removed", up: "Moved up", down: "Moved down", move: "Moved" };

async function act(action) {
  await reshape({ do: action }, WORDS[action.split(":")[0]]);
  remember();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) act(button.dataset.do);
});

form.addEventListener("change", async (event) => {
  const control = event.target;
  if (control.matches("[data-reshape]")) {
    const id = control.id;
    await reshape({}, "");
    document.getElementById(id)?.focus();
    remember();
  } else {
    changed();
  }
});
form.addEventListener("input", (event) => { if (event.target.name?.startsWith("n")) changed(); });
document.querySelector("[name=name]").addEventListener("input", () => { dirty = true; state.textContent = "Unsaved changes"; });

undoButton.addEventListener("click", async () => {
  if (!past.length) return;
  const before = past.pop();
  await reshape({ restore: before }, "Undone");
  saved = before;
  if (!past.length) undoButton.setAttribute("aria-disabled", "true");
});

form.addEventListener("submit", () => { dirty = false; });
window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

// Dragging is one way among others: every row has buttons that do the same.
function prepare() {
  for (const list of rows().querySelectorAll("[data-rule-rows]")) {
    window.Sortable?.create(list, {
      group: "rule", handle: "[data-grip]", animation: 0, fallbackOnBody: true, swapThreshold: 0.6,
      onEnd: ({ item, to, newIndex, from, oldIndex }) => {
        if (from === to && newIndex === oldIndex) return;
        act(`move:${item.dataset.ruleItem}:${to.dataset.ruleRows}:${newIndex}`);
      },
    });
  }
}

saved = now();
prepare();
