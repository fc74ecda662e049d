// Forms: unsaved changes, one press is one post, filters that apply themselves, the error summary takes focus,
// a password that can be seen, a code field that sends itself.
import { whenPresent } from "./ready.js";

const dirty = new Set();

function state(form, text, isDirty) {
  const place = form.querySelector("[data-save-state]");
  if (!place) return;
  place.textContent = text;
  place.classList.toggle("is-dirty", isDirty);
}

whenPresent("form[data-unsaved]", (form) => {
  const first = new FormData(form);
  const same = () => {
    const now = new FormData(form);
    const plain = (data) => JSON.stringify([...data].map(([name, value]) => [name, value instanceof File ? value.name : value]));
    return plain(first) === plain(now);
  };
  const look = () => {
    const changed = !same();
    if (changed) dirty.add(form); else dirty.delete(form);
    state(form, changed ? "Unsaved changes" : "", changed);
  };
  form.addEventListener("input", look);
  form.addEventListener("change", look);
  form.addEventListener("submit", () => dirty.delete(form));
  form.addEventListener("htmx:after:request", () => dirty.delete(form));
});

window.addEventListener("beforeunload", (event) => {
  for (const form of dirty) if (!form.isConnected) dirty.delete(form);
  if (dirty.size) event.preventDefault();
});

// A form that goes to the server once goes once, even when its button is pressed twice.
const sent = new WeakSet();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || [...form.attributes].some(({ name }) => name.startsWith("hx-"))) return;
  if (sent.has(form)) { event.preventDefault(); return; }
  if (form.target || form.hasAttribute("data-again")) return;
  sent.add(form);
  event.submitter?.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// data-auto-submit: a filter that is chosen applies itself.
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-auto-submit]");
  if (form && event.target.matches("select, input[type=checkbox], input[type=radio], input[type=date]")) form.requestSubmit();
});

whenPresent("[data-error-summary]", (summary) => summary.focus());

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-show-password]");
  if (!button) return;
  const input = document.getElementById(button.dataset.showPassword);
  const shown = input.type === "text";
  input.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
});

// data-code="6": spaces of a pasted code go, and the form is sent when all digits are there.
document.addEventListener("input", (event) => {
  const input = event.target;
  if (!input.dataset?.code) return;
  const digits = input.value.replace(/\D/g, "").slice(0, Number(input.dataset.code));
  if (input.value !== digits) input.value = digits;
  if (digits.length === Number(input.dataset.code)) input.form?.requestSubmit();
});

// data-shown-when="who=segment": a part of a form that another answer makes meaningless is not shown. Without script
// everything is shown, and the server decides either way.
whenPresent("[data-shown-when]", (part) => {
  const [name, wanted] = part.dataset.shownWhen.split("=");
  const form = part.closest("form");
  const look = () => { part.hidden = new FormData(form).get(name) !== wanted; };
  form.addEventListener("change", look);
  look();
});
