// Short notes at the corner, 6 seconds, polite; what was refused stays until it is dismissed.
// From the page itself, from scripts (`toast("Saved")`) and from answers to htmx: the header HX-Trigger {"toast": {"text": …, "kind": "success|warning|error|info"}}.
import { whenPresent } from "./ready.js";

const SHOWN_FOR = 6000;
const ICONS = { success: "circle-check", good: "circle-check", info: "info-circle", warning: "alert-triangle", caution: "alert-triangle", error: "alert-circle", bad: "alert-circle" };
const TONES = { success: "good", warning: "caution", error: "bad" };

function raise() {
  // The place is a popover, so that a note is seen above an open dialog too.
  const place = document.getElementById("toasts");
  if (!place?.showPopover) return;
  if (place.matches(":popover-open")) place.hidePopover();
  if (place.querySelector("[data-toast]")) place.showPopover();
}

function drop(note) {
  note.remove();
  raise();
}

const stays = (note) => note.matches(".bad, .error") && note.querySelector("[data-toast-close]");

whenPresent("[data-toast]", (note) => {
  raise();
  if (stays(note)) return;
  let timer = setTimeout(() => drop(note), SHOWN_FOR);
  const wait = () => clearTimeout(timer);
  const goOn = () => { wait(); timer = setTimeout(() => drop(note), SHOWN_FOR); };
  note.addEventListener("mouseenter", wait);
  note.addEventListener("focusin", wait);
  note.addEventListener("mouseleave", goOn);
  note.addEventListener("focusout", goOn);
});

export function toast(text, kind = "success") {
  const place = document.getElementById("toasts");
  const template = document.getElementById("toast-template");
  if (!place || !template) return;
  const note = template.content.firstElementChild.cloneNode(true);
  note.classList.add(TONES[kind] ?? kind);
  const use = note.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${ICONS[kind] ?? "info-circle"}`));
  note.querySelector("p").textContent = text;
  if (stays(note)) {
    // Said again, it stands once.
    for (const other of place.querySelectorAll(".bad, .error")) if (other.textContent === note.textContent) other.remove();
  }
  place.append(note);
  raise();
  if (!stays(note)) setTimeout(() => drop(note), SHOWN_FOR);
}

document.addEventListener("toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail.kind));
document.addEventListener("click", (event) => {
  const note = event.target.closest("[data-toast-close]")?.closest("[data-toast]");
  if (note) drop(note);
});
