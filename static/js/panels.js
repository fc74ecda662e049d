// The panels of a builder: side by side on a wide screen, one at a time below 992 px.
import { whenPresent } from "./ready.js";

export function showPanel(id) {
  for (const tab of document.querySelectorAll("[data-panels] [aria-controls]")) {
    const chosen = tab.getAttribute("aria-controls") === id;
    tab.setAttribute("aria-pressed", String(chosen));
    document.getElementById(tab.getAttribute("aria-controls"))?.toggleAttribute("data-shown", chosen);
  }
}

whenPresent("[data-panels]", (group) => {
  const first = group.querySelector("[aria-pressed=true]") ?? group.querySelector("[aria-controls]");
  if (first) showPanel(first.getAttribute("aria-controls"));
});
document.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-panels] [aria-controls]");
  if (tab) showPanel(tab.getAttribute("aria-controls"));
  // data-show-panel="panel-settings" on anything in the canvas: choosing a block shows its settings on a phone.
  const opener = event.target.closest("[data-show-panel]");
  if (opener) showPanel(opener.dataset.showPanel);
});
document.addEventListener("show-panel", (event) => showPanel(event.detail.value));

// The chosen tab of a row that scrolls (on a phone) is in sight.
whenPresent(".tabs [aria-current]", (tab) => {
  const row = tab.parentElement;
  if (tab.offsetLeft + tab.offsetWidth > row.clientWidth) row.scrollLeft = tab.offsetLeft - row.clientWidth / 2 + tab.offsetWidth / 2;
});
