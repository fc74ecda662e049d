// <select data-combobox>: becomes a box one types into (ARIA combobox with a list). The select stays in the form and
// keeps the value; without script it is simply used as it is.
import { whenPresent } from "./ready.js";

let serial = 0;

whenPresent("select[data-combobox]", (select) => {
  const id = `combobox-${++serial}`;
  const wrap = document.createElement("div");
  wrap.className = "combobox";
  const input = document.createElement("input");
  const list = document.createElement("ul");
  const options = [...select.options].filter((option) => option.value !== "" || option.text.trim());
  Object.assign(input, { type: "text", id: `${select.id || id}-box`, autocomplete: "off", spellcheck: false });
  input.placeholder = select.dataset.placeholder || "Type to search";
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list" })) input.setAttribute(name, value);
  for (const name of ["aria-describedby", "aria-invalid", "aria-label"]) if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  if (select.required) input.setAttribute("aria-required", "true");
  const label = select.id && document.querySelector(`label[for="${select.id}"]`);
  if (label) label.htmlFor = input.id;
  list.id = id;
  list.className = "combobox-list";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", label?.textContent.trim() || "Choices");
  select.before(wrap);
  wrap.append(input, list, select);
  select.hidden = true;
  select.required = false;

  let shown = [];
  let at = -1;
  const chosen = () => select.selectedOptions[0];
  const settle = () => { input.value = chosen()?.value ? chosen().text : ""; };
  const mark = (index) => {
    at = index;
    shown.forEach((item, number) => item.setAttribute("aria-selected", String(number === at)));
    if (at >= 0) { input.setAttribute("aria-activedescendant", shown[at].id); shown[at].scrollIntoView({ block: "nearest" }); }
    else input.removeAttribute("aria-activedescendant");
  };
  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); mark(-1); };
  const open = (all = false) => {
    const words = all ? [] : input.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.replaceChildren();
    shown = [];
    for (const option of options) {
      const text = `${option.text} ${option.dataset.words ?? ""}`.toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
      const item = document.createElement("li");
      item.className = "combobox-option";
      item.id = `${id}-${shown.length}`;
      item.setAttribute("role", "option");
      item.dataset.value = option.value;
      item.append(Object.assign(document.createElement("span"), { textContent: option.text }));
      if (option.dataset.note) item.append(Object.assign(document.createElement("span"), { className: "muted", textContent: option.dataset.note }));
      list.append(item);
      shown.push(item);
      if (shown.length === 100) break;
    }
    if (!shown.length) list.append(Object.assign(document.createElement("li"), { className: "combobox-none", textContent: "Nothing matches" }));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(shown.findIndex((item) => item.dataset.value === select.value));
  };
  const take = (item) => {
    if (item && select.value !== item.dataset.value) {
      select.value = item.dataset.value;
      select.dispatchEvent(new Event("change", { bubbles: true }));
    }
    settle();
    close();
  };
  input.addEventListener("click", () => { if (list.hidden) { input.select(); open(true); } });
  input.addEventListener("input", () => open());
  input.addEventListener("blur", () => { settle(); close(); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) { open(true); return; }
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (shown.length) mark((at + step + shown.length) % shown.length);
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      take(shown[at] ?? shown[0]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      settle();
      close();
    }
  });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const item = event.target.closest("[role=option]");
    if (item) take(item);
  });
  settle();
});
