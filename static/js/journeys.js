// The journey builder: one shared menu behind every "+", and dragging as a second way to do what the buttons do.
import { holding } from "./caret.js";
import "./suggest.js";
import { whenPresent } from "./ready.js";
import { toast } from "./toast.js";

const menu = () => document.getElementById("journey-add");

// Chromium writes the attribute down when somebody reads it; removed before that, it comes back empty.
function unplaced(list) {
  if (list.hasAttribute("style")) list.removeAttribute("style");
}

// "+" opens the menu at its place; each entry of the menu is a submit button of the same form.
document.addEventListener("click", (event) => {
  const plus = event.target.closest("[data-tree] [data-gap]");
  if (!plus) return;
  event.preventDefault();
  event.stopPropagation();
  const list = menu();
  for (const entry of list.querySelectorAll("[data-kind]")) entry.value = `add ${entry.dataset.kind} ${plus.dataset.gap}`;
  list.showPopover();
  const at = plus.getBoundingClientRect();
  const height = list.offsetHeight, width = list.offsetWidth;
  list.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  list.style.top = `${at.bottom + height + 8 > innerHeight ? Math.max(8, at.top - height - 4) : at.bottom + 4}px`;
  plus.setAttribute("aria-expanded", "true");
  list.addEventListener("toggle", (change) => {
    if (change.newState === "closed") {
      plus.removeAttribute("aria-expanded");
      unplaced(list);
      if (plus.isConnected && list.contains(document.activeElement)) plus.focus();
    }
  }, { once: true });
  list.querySelector("[data-kind]").focus();
}, true);

document.addEventListener("keydown", (event) => {
  const entry = event.target.closest?.("#journey-add [data-kind]");
  if (!entry) return;
  const entries = [...menu().querySelectorAll("[data-kind]")];
  const here = entries.indexOf(entry);
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: entries.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  entries[(to + entries.length) % entries.length].focus();
});

// htmx carries the attributes of an element over to the one that replaces it; a style attribute would break the policy.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-tree]")) return;
  const list = menu();
  if (list.matches(":popover-open")) list.hidePopover();
  unplaced(list);
}, true);

// A button that cannot move a step says so by aria-disabled; pressing it does nothing.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-tree] [aria-disabled=true], #journey-actions [aria-disabled=true]")) event.preventDefault();
}, true);

function send(tree, words) {
  const button = document.createElement("button");
  button.type = "submit";
  button.name = "do";
  button.value = words;
  button.hidden = true;
  tree.append(button);
  tree.requestSubmit(button);
  button.remove();
}

const stepsOf = (path) => [...path.children].filter((each) => each.matches("[data-step], [data-kind]"));

function draggable(tree) {
  if (!window.Sortable) return;
  for (const path of tree.querySelectorAll(".jt-path")) {
    window.Sortable.create(path, {
      group: "journey",
      draggable: ".jt-step",
      handle: ".jt-card",
      filter: "a, button",
      preventOnFilter: false,
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
      ghostClass: "jt-ghost",
      onUpdate: moved,
      onAdd: moved,
    });
  }
  function moved(event) {
    const index = stepsOf(event.to).indexOf(event.item);
    const path = event.to.dataset.path || "main";
    const { step, kind } = event.item.dataset;
    if (step) send(tree, `move ${step} ${path} ${index}`);
    else {
      event.item.remove();
      send(tree, `add ${kind} ${path} ${index}`);
    }
  }
}

// Of the settings of the start, only what the chosen trigger asks for.
const ASKED = { segment: ["segment"], event: ["event", "groups"] };
whenPresent("#journey-settings select[name=trigger]", (select) => {
  const show = () => {
    for (const name of Object.values(ASKED).flat()) {
      const input = select.form.elements[name];
      input?.closest(".field")?.toggleAttribute("hidden", !(ASKED[select.value] ?? []).includes(name));
    }
  };
  select.addEventListener("change", show);
  show();
});

// Of a step, only what belongs to what was chosen: data-only-with="ask=message".
whenPresent("#journey-settings form:has([data-only-with])", (form) => {
  const dependent = [...form.querySelectorAll("[data-only-with]")];
  const show = () => {
    for (const each of dependent) {
      const [name, value] = each.dataset.onlyWith.split("=");
      each.closest(".field").toggleAttribute("hidden", form.elements[name].value !== value);
    }
  };
  form.addEventListener("change", show);
  show();
});

// Choosing saves the step where its other settings depend on it.
document.addEventListener("change", (event) => {
  if (event.target.matches?.("#journey-settings [data-saves]")) event.target.form.requestSubmit();
});

// The rows of a rule: each change is drawn by the server; what was typed meanwhile stays.
const RULE_WORDS = { add: "Condition added", group: "Group added", remove: "Removed", up: "Moved up", down: "Moved down" };
let redrawn = Promise.resolve();

async function redraw(box, action, id) {
  const form = box.closest("form");
  const sent = new FormData(form);
  if (action) sent.set("do", action);
  const answer = await fetch(box.dataset.ruleUrl, { method: "POST", body: sent, headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) {
    toast("The server could not do that. Nothing was changed; try again in a minute.", "error");
    return;
  }
  const html = await answer.text();
  const typed = [...new FormData(form)].filter(([name, value]) => /^n[\d-]*\./.test(name) && sent.get(name) !== value);
  const old = box.querySelector("#rows");
  const held = holding(old);
  old.outerHTML = html;
  for (const [name, value] of typed) {
    const control = form.elements.namedItem(name);
    if (control) control.value = value;
  }
  const rows = box.querySelector("#rows");
  htmx.process(rows);
  const wanted = rows.querySelector("[data-focus-now]") ?? (id && document.getElementById(id));
  wanted?.focus();
  held?.();
  if (action) box.querySelector("[data-rule-said]").textContent = RULE_WORDS[action.split(":")[0]] ?? "";
}

const later = (...given) => (redrawn = redrawn.then(() => redraw(...given)));
document.addEventListener("click", (event) => {
  const button = event.target.closest(".jt-rule [data-do]");
  if (button) later(button.closest(".jt-rule"), button.dataset.do, "");
});
document.addEventListener("change", (event) => {
  const control = event.target.closest?.(".jt-rule [data-reshape]");
  if (control) later(control.closest(".jt-rule"), "", control.id);
});

whenPresent("[data-tree]", draggable);
whenPresent("#journey-palette", (palette) => {
  if (!window.Sortable) return;
  window.Sortable.create(palette, {
    group: { name: "journey", pull: "clone", put: false },
    sort: false,
    draggable: ".jt-kind-button",
    ghostClass: "jt-ghost",
  });
});
