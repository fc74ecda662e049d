// Tables: compact rows (remembered with the account), choosing rows, and a region that takes focus only when it scrolls.
import { whenPresent } from "./ready.js";

const root = document.documentElement;
const isCompact = () => root.classList.contains("table-compact");

whenPresent("[data-compact-toggle]", (button) => button.setAttribute("aria-pressed", String(isCompact())));
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-compact-toggle]")) return;
  const on = root.classList.toggle("table-compact");
  for (const button of document.querySelectorAll("[data-compact-toggle]")) button.setAttribute("aria-pressed", String(on));
  const url = document.body.dataset.compactUrl;
  if (!url) return;
  const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited") || "{}");
  // It outlives the page, for people who press and leave; a failure costs a preference, the rows stay as pressed.
  fetch(url, { method: "POST", keepalive: true, headers, body: new URLSearchParams({ compact: on ? "1" : "0" }) }).catch(() => {});
});

const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) fit(target);
});
function fit(region) {
  const fits = region.scrollWidth <= region.clientWidth + 1;
  region.toggleAttribute("data-fits", fits);
  if (fits) region.removeAttribute("tabindex"); else region.setAttribute("tabindex", "0");
}
whenPresent("[data-table-region]", (region) => { fit(region); watcher.observe(region); });

// Choosing: inside [data-choose-rows], checkboxes [data-choose] and one [data-choose-all]; [data-chosen-bar] appears.
function count(place) {
  const boxes = [...place.querySelectorAll("input[data-choose]")];
  const chosen = boxes.filter((box) => box.checked);
  for (const box of boxes) box.closest("tr")?.setAttribute("aria-selected", String(box.checked));
  const all = place.querySelector("input[data-choose-all]");
  if (all) {
    all.checked = boxes.length > 0 && chosen.length === boxes.length;
    all.indeterminate = chosen.length > 0 && !all.checked;
  }
  const bar = place.querySelector("[data-chosen-bar]");
  if (bar) {
    bar.hidden = chosen.length === 0;
    const words = bar.querySelector("[data-chosen-count]");
    const number = chosen.length.toLocaleString("en-US");
    if (words) words.textContent = `${number} chosen`;
    // What a button asks back names how many it is about: data-chosen-title="Confirm the changes of {} people?", and -one.
    for (const button of bar.querySelectorAll("[data-chosen-title]")) {
      const { chosenTitle, chosenTitleOne } = button.dataset;
      button.dataset.confirmTitle = chosen.length === 1 && chosenTitleOne ? chosenTitleOne : chosenTitle.replace("{}", number);
    }
  }
}
document.addEventListener("change", (event) => {
  const place = event.target.closest?.("[data-choose-rows]");
  if (!place) return;
  if (event.target.matches("[data-choose-all]")) {
    for (const box of place.querySelectorAll("input[data-choose]")) box.checked = event.target.checked;
  }
  if (event.target.matches("[data-choose-all], [data-choose]")) count(place);
});
document.addEventListener("click", (event) => {
  const place = event.target.closest("[data-choose-none]")?.closest("[data-choose-rows]");
  if (!place) return;
  for (const box of place.querySelectorAll("input[data-choose]")) box.checked = false;
  count(place);
});
whenPresent("[data-choose-rows]", count);
