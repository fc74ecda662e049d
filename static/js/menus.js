// Menus and tips are popovers; this puts them beside their button and gives menus arrow keys.
const GAP = 4;

function place(box, button) {
  const anchor = button.getBoundingClientRect();
  const size = box.getBoundingClientRect();
  const wide = document.documentElement.clientWidth;
  const high = window.innerHeight;
  let left = anchor.left;
  if (left + size.width > wide - 8) left = anchor.right - size.width;
  let top = anchor.bottom + GAP;
  if (top + size.height > high - 8 && anchor.top - GAP - size.height > 8) top = anchor.top - GAP - size.height;
  box.style.left = `${Math.max(8, Math.min(left, wide - size.width - 8))}px`;
  box.style.top = `${Math.max(8, top)}px`;
}

const buttonOf = (box) => document.querySelector(`[popovertarget="${box.id}"]`);

document.addEventListener("toggle", (event) => {
  const box = event.target;
  if (!box.matches?.("[data-menu], .tip-box")) return;
  const button = buttonOf(box);
  if (!button) return;
  const open = event.newState === "open";
  if (button.matches("[data-menu-button]")) button.setAttribute("aria-expanded", String(open));
  if (!open) return;
  place(box, button);
  if (box.matches("[data-menu]")) box.querySelector(".menu-item")?.focus({ preventScroll: true });
}, true);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("[data-menu]");
  if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  if (event.target.matches("input, select, textarea")) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll(".menu-item")];
  const here = items.indexOf(document.activeElement);
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: items.length - 1 }[event.key];
  items[(to + items.length) % items.length]?.focus();
});

document.addEventListener("click", (event) => {
  // An item that leads to a dialog or a copy closes its menu.
  const item = event.target.closest("[data-menu] .menu-item");
  if (item) item.closest("[data-menu]").hidePopover();
});

for (const [name, shown] of [["mouseenter", true], ["focusin", true], ["mouseleave", false], ["focusout", false]]) {
  document.addEventListener(name, (event) => {
    const button = event.target.closest?.("[data-tip]");
    if (!button || event.target !== button) return;
    const box = document.getElementById(button.getAttribute("popovertarget"));
    if (!box || shown === box.matches(":popover-open")) return;
    if (shown) box.showPopover(); else box.hidePopover();
  }, true);
}
document.addEventListener("scroll", () => {
  for (const box of document.querySelectorAll(".menu:popover-open, .tip-box:popover-open")) {
    const button = buttonOf(box);
    if (button) place(box, button);
  }
}, { capture: true, passive: true });
