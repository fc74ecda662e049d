// The template editor. Every change is one POST that answers with the parts of the page to replace; changes go out
// one after the other, each with the version the last answer named, so that a tab is never ahead of itself.
import { showPanel } from "./panels.js";
import { toast } from "./toast.js";

const root = document.getElementById("editor");
const urls = root.dataset;
const live = document.getElementById("editor-live");
const frame = document.getElementById("preview");
const layer = document.getElementById("drop-layer");
const line = layer.querySelector(".drop-line");
const shown = { width: "desktop", dark: "0", part: "html" };
let lastField = null; // where a merge field goes
let target = ""; // the list chosen for the next block
let failed = null; // what a stale tab could not save

const state = () => document.getElementById("save-state");
const selected = () => state().dataset.selected;

function say(text) {
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
}

function words(text, busy = false) {
  const place = state().querySelector("[data-state-words]");
  if (place) place.textContent = text;
  state().toggleAttribute("data-busy", busy);
  state().toggleAttribute("data-failed", text === "Not saved");
}

// -- talking to the server ---------------------------------------------------------------------------------------

let line_up = Promise.resolve();
const waiting = new Map(); // key -> values not yet sent, replaced by newer ones of the same form
let open = 0;

window.addEventListener("beforeunload", (event) => {
  if (waiting.size || open) event.preventDefault();
});

async function post(url, values) {
  const body = new FormData();
  for (const [name, value] of values) body.append(name, value);
  return fetch(url, { method: "POST", body, headers: { "X-CSRFToken": urls.csrf, "HX-Request": "true" } });
}

function replaceParts(html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  for (const part of [...answer.body.children]) {
    const old = part.id && document.getElementById(part.id);
    if (!old) continue;
    const details = [...old.querySelectorAll("details")].map((one) => one.open);
    old.replaceWith(document.adoptNode(part));
    [...part.querySelectorAll("details")].forEach((one, index) => { if (details[index]) one.open = true; });
  }
  document.dispatchEvent(new CustomEvent("htmx:after:settle"));
}

function change(values, { url = urls.change, key = "" } = {}) {
  if (key) {
    const first = !waiting.has(key);
    waiting.set(key, values);
    if (!first) return line_up;
  }
  open += 1;
  words("Saving…", true);
  line_up = line_up.then(async () => {
    const sending = key ? waiting.get(key) : values;
    waiting.delete(key);
    try {
      await send(sending, url);
    } finally {
      open -= 1;
    }
  });
  return line_up;
}

async function send(values, url) {
  const all = [...values, ["version", state().dataset.version], ["selected", selected()], ["variant", urls.variant]];
  let answer;
  try {
    answer = await post(url, all);
  } catch {
    words("Not saved");
    toast("The server did not answer. Check your connection; what you typed is still here.", "error");
    return;
  }
  if (answer.status === 409) failed = [...values, ["variant", urls.variant], ["revision", state().dataset.revision]];
  if (answer.ok || answer.status === 409 || answer.status === 422) {
    replaceParts(await answer.text());
    if (!answer.ok) {
      // A refused publication changed nothing; what was typed is saved already.
      const problem = document.getElementById("editor-alert");
      if (problem.textContent.trim() && problem.offsetParent === null) showPanel("panel-canvas");
      words(url === urls.publish && answer.status === 422 ? "Saved" : "Not saved");
      return;
    }
    settled();
    return;
  }
  words("Not saved");
  document.dispatchEvent(new CustomEvent("htmx:response:error", { detail: { ctx: { response: { status: answer.status } } } }));
}

function settled() {
  const now = state().dataset;
  words(waiting.size ? "Saving…" : "Saved", waiting.size > 0);
  if (now.say) say(now.say);
  target = "";
  reloadPreview();
  prepareTree();
}

// -- choosing a block --------------------------------------------------------------------------------------------

async function pick(id, { focus = false } = {}) {
  await line_up;
  const answer = await fetch(`${urls.panel}?block=${encodeURIComponent(id)}&variant=${urls.variant}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  document.getElementById("settings").innerHTML = await answer.text();
  lastField = null;
  state().dataset.selected = id;
  for (const button of document.querySelectorAll("#structure [data-pick]")) {
    const chosen = button.dataset.pick === id;
    button.setAttribute("aria-pressed", String(chosen));
    button.closest(".tree-row")?.classList.toggle("is-chosen", chosen);
  }
  outline();
  if (focus) document.querySelector(`#structure [data-pick="${id}"]`)?.focus();
}

// Where the palette adds: the list chosen by hand, else below the chosen block, else at the end.
function place() {
  if (target) return [["place", target]];
  const item = document.querySelector(`#structure [data-block="${selected()}"]`);
  if (!selected() || !item) return [["place", ""]];
  const list = item.parentElement;
  const index = [...list.children].indexOf(item) + 1;
  return [["place", list.dataset.place], ["index", index]];
}

document.addEventListener("click", async (event) => {
  const hit = (selector) => event.target.closest(selector);
  const add = hit("[data-add]");
  const op = hit("[data-op]");
  const chosen = hit("[data-pick]");
  const insert = hit("[data-insert]");
  const switcher = hit("[data-width], [data-dark], [data-part]");
  if (add) change([["op", "add"], ["kind", add.dataset.add], ...place()]);
  else if (op) operate(op);
  else if (chosen) pick(chosen.dataset.pick);
  else if (insert) insertField(insert.dataset.insert);
  else if (switcher) show(switcher);
  else if (hit("[data-place-pick]")) choosePlace(hit("[data-place-pick]"));
  else if (hit("[data-reload]")) location.reload();
  else if (hit("[data-keep-copy]")) keepCopy();
  else if (hit("[data-person]")) choosePerson(hit("[data-person]").dataset.person);
  else if (hit("[data-image]")) chooseImage(hit("[data-image]"));
  else if (hit("#actions [data-publish]")) change([["op", "publish"]], { url: urls.publish });
});

function operate(button) {
  const values = [["op", button.dataset.op]];
  if (button.dataset.block) values.push(["block", button.dataset.block]);
  if (button.dataset.own) values.push(["own", "1"], ["fresh", "1"], ["text", document.getElementById("text-draft").value]);
  change(values);
}

function choosePlace(button) {
  target = target === button.dataset.placePick ? "" : button.dataset.placePick;
  for (const one of document.querySelectorAll("[data-place-pick]")) {
    one.setAttribute("aria-pressed", String(one.dataset.placePick === target));
  }
  if (target) say("The next block is added here.");
}

async function keepCopy() {
  const answer = failed && (await post(urls.copy, failed));
  if (answer?.ok) location.href = (await answer.json()).url;
  else toast("The copy could not be made. Copy your text by hand, then load the newest version.", "error");
}

// -- forms that save themselves ----------------------------------------------------------------------------------

const timers = new WeakMap();

function autosave(form, wait) {
  clearTimeout(timers.get(form));
  words("Saving…", true);
  timers.set(form, setTimeout(() => {
    const values = [["op", form.dataset.autosave]];
    if (form.dataset.block) values.push(["block", form.dataset.block]);
    values.push(...new FormData(form));
    change(values, { key: `${form.dataset.autosave}:${form.dataset.block ?? ""}` });
  }, wait));
}

// "Not in Spanish yet" goes when the words stand there: the form is not drawn anew while someone types.
function gap(field) {
  const note = field?.querySelector(":scope > .gap");
  if (!note) return;
  const wanted = [...field.querySelectorAll("input[name], textarea[name]")]
    .filter((input) => !field.matches(".rows") || input.placeholder);
  note.hidden = wanted.every((input) => input.value.replace(/<[^>]*>|&nbsp;/g, "").trim());
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("[data-autosave]");
  if (form) gap(event.target.closest(".field"));
  if (form && !event.target.closest("[data-trix-dialogs]")) autosave(form, 500);
});
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("[data-autosave]");
  if (form && !event.target.closest("[data-trix-dialogs]")) autosave(form, 0);
  if (event.target.dataset?.rename) rename(event.target);
});
document.addEventListener("trix-change", (event) => {
  const form = event.target.closest("[data-autosave]");
  if (form && event.target.hasAttribute("data-ready")) {
    gap(event.target.closest(".field"));
    autosave(form, 500);
  }
});
document.addEventListener("trix-initialize", (event) => event.target.setAttribute("data-ready", ""));
document.addEventListener("trix-file-accept", (event) => event.preventDefault());
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-autosave]")) event.preventDefault();
  if (event.target.id === "people-form") findPeople(event);
  if (event.target.matches("[data-image-form]")) uploadImage(event);
});

async function rename(input) {
  const answer = await post(input.dataset.rename, [["name", input.value]]);
  if (answer.ok) say("Renamed.");
  else if (answer.status === 422) toast(await answer.text(), "error");
}

document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("[data-takes-fields]")) lastField = event.target;
});

function insertField(name) {
  const field = lastField?.isConnected ? lastField : document.querySelector("#settings [data-takes-fields]");
  if (!field) {
    toast("Choose a block with text first.", "warning");
    return;
  }
  const text = `{{ ${name} }}`;
  if (field.editor) {
    field.editor.insertString(text);
  } else {
    field.setRangeText(text, field.selectionStart ?? field.value.length, field.selectionEnd ?? field.value.length, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  field.focus();
}

// -- people and images -------------------------------------------------------------------------------------------

async function findPeople(event) {
  event.preventDefault();
  const answer = await post(urls.person, [["q", document.getElementById("people-q").value]]);
  document.getElementById("people-found").innerHTML = answer.ok ? await answer.text() : "";
}

async function choosePerson(id) {
  const answer = await post(urls.person, [["person", id]]);
  if (!answer.ok) return;
  document.getElementById("preview-person").textContent = (await answer.text()).trim();
  document.getElementById("people").close();
  reloadPreview();
}

async function uploadImage(event) {
  event.preventDefault();
  const answer = await post(urls.images, [...new FormData(event.target)]);
  if (answer.ok || answer.status === 422) document.getElementById("image-library").innerHTML = await answer.text();
  document.dispatchEvent(new CustomEvent("htmx:after:settle"));
}

function chooseImage(button) {
  const form = document.querySelector("#settings [data-autosave]");
  const input = form?.querySelector("[data-image-input]");
  if (!input) return;
  input.value = `asset:${button.dataset.image}`;
  const thumbnail = form.querySelector("[data-image-shown]");
  thumbnail.src = button.querySelector("img").src;
  thumbnail.hidden = false;
  form.elements.width.value = Math.min(552, Number(button.dataset.pixels));
  const alt = form.querySelector("[name=alt]");
  if (alt && !alt.value) alt.value = button.dataset.alt;
  document.getElementById("images").close();
  autosave(form, 0);
}

// -- the preview -------------------------------------------------------------------------------------------------

let scrolled = 0;
let counter = 0;

function address() {
  const query = new URLSearchParams({ mark: "1", dark: shown.dark, part: shown.part, variant: urls.variant, v: `${state().dataset.version}.${counter++}` });
  return `${urls.preview}?${query}`;
}

function reloadPreview() {
  scrolled = frame.contentDocument?.scrollingElement?.scrollTop ?? 0;
  frame.contentWindow.location.replace(address());
}

function show(button) {
  const [name] = ["width", "dark", "part"].filter((one) => one in button.dataset);
  shown[name] = button.dataset[name];
  for (const one of button.parentElement.children) one.setAttribute("aria-pressed", String(one === button));
  document.querySelector("[data-sheet]").dataset.sheet = shown.width;
  if (name !== "width") reloadPreview();
}

const idOf = (element) => /(?:^|\s)blk-([a-z0-9-]+)/.exec(element.getAttribute("class") ?? "")?.[1];
const marked = () => [...(frame.contentDocument?.querySelectorAll("[class*='blk-']") ?? [])].filter((one) => !one.getAttribute("class").includes("-outlook"));

function outline() {
  for (const element of marked()) {
    const chosen = idOf(element) === selected();
    element.style.outline = chosen ? "2px solid #0b5cad" : "";
    element.style.outlineOffset = chosen ? "-2px" : "";
    element.style.cursor = "pointer";
  }
}

function previewLoaded() {
  const inside = frame.contentDocument;
  if (!inside?.body || inside.body.dataset.prepared) return;
  inside.body.dataset.prepared = "1";
  if (inside.scrollingElement) inside.scrollingElement.scrollTop = scrolled;
  const subject = inside.querySelector("meta[name=subject]");
  if (subject) document.getElementById("shown-subject").textContent = subject.content || "No subject yet";
  inside.addEventListener("click", (event) => {
    event.preventDefault();
    const element = event.target.closest("[class*='blk-']");
    if (element) {
      pick(idOf(element));
      showPanel("panel-settings");
    }
  });
  outline();
}
frame.addEventListener("load", previewLoaded);
previewLoaded();

// -- dragging ----------------------------------------------------------------------------------------------------

let carried = null; // {kind} from the palette, {block} from the structure list
let spot = null;

function prepareTree() {
  if (!window.Sortable) return;
  for (const list of document.querySelectorAll("#structure .tree")) {
    if (window.Sortable.get(list)) continue;
    window.Sortable.create(list, {
      group: "blocks",
      draggable: ".tree-item:not([data-fixed])",
      filter: ".tree-actions, .tree-place",
      preventOnFilter: false,
      animation: 120,
      setData: (data, item) => data.setData("text/plain", item.dataset.block),
      onStart: (event) => carry({ block: event.item.dataset.block }),
      onEnd: (event) => {
        const dropped = spot;
        put();
        if (dropped) return; // it went onto the mail
        if (event.from === event.to && event.oldDraggableIndex === event.newDraggableIndex) return;
        change([["op", "move"], ["block", event.item.dataset.block], ["place", event.to.dataset.place], ["index", event.newDraggableIndex]]);
      },
    });
  }
}

document.addEventListener("dragstart", (event) => {
  const item = event.target.closest?.("[data-add]");
  if (!item) return;
  event.dataTransfer.setData("text/plain", item.dataset.add);
  event.dataTransfer.effectAllowed = "copy";
  carry({ kind: item.dataset.add });
});
document.addEventListener("dragend", (event) => { if (event.target.closest?.("[data-add]")) put(); });

function carry(what) {
  carried = what;
  spot = null;
  // Changing the page during dragstart would end the drag in Chromium.
  setTimeout(() => { layer.hidden = !carried || shown.part === "text"; });
}

function put() {
  carried = null;
  spot = null;
  layer.hidden = true;
  line.hidden = true;
}

// The gaps between rendered blocks: every block offers the place before and after it in its own list.
function gaps() {
  const found = [];
  for (const element of marked()) {
    const item = document.querySelector(`#structure [data-block="${idOf(element)}"]`);
    if (!item) continue;
    const box = element.getBoundingClientRect();
    const list = item.parentElement;
    const index = [...list.children].indexOf(item);
    found.push({ place: list.dataset.place, index, y: box.top, left: box.left, width: box.width });
    if (!item.hasAttribute("data-fixed")) {
      found.push({ place: list.dataset.place, index: index + 1, y: box.bottom, left: box.left, width: box.width });
    }
  }
  return found;
}

layer.addEventListener("dragover", (event) => {
  if (!carried) return;
  event.preventDefault();
  const box = layer.getBoundingClientRect();
  const x = event.clientX - box.left;
  const y = event.clientY - box.top;
  const inside = frame.contentDocument.scrollingElement;
  if (y < 40) inside.scrollTop -= 12;
  if (y > box.height - 40) inside.scrollTop += 12;
  let best = null;
  for (const gap of gaps()) {
    const aside = x < gap.left ? gap.left - x : Math.max(0, x - gap.left - gap.width);
    const distance = Math.abs(gap.y - y) + aside * 4;
    if (!best || distance < best.distance) best = { ...gap, distance };
  }
  spot = best ?? { place: "", index: 0, y: 8, left: 8, width: box.width - 16 };
  line.hidden = false;
  line.style.top = `${Math.max(0, Math.min(spot.y, box.height - 4))}px`;
  line.style.left = `${spot.left}px`;
  line.style.width = `${spot.width}px`;
});
layer.addEventListener("dragleave", () => { spot = null; line.hidden = true; });
layer.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!carried || !spot) return;
  const { place: where } = spot;
  let { index } = spot;
  if (carried.kind) {
    change([["op", "add"], ["kind", carried.kind], ["place", where], ["index", index]]);
    put();
    return;
  }
  // The server counts places without the block that moves.
  const item = document.querySelector(`#structure [data-block="${carried.block}"]`);
  const list = item?.parentElement;
  if (list?.dataset.place === where && [...list.children].indexOf(item) < index) index -= 1;
  change([["op", "move"], ["block", carried.block], ["place", where], ["index", index]]);
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  if (event.target.closest?.("input, textarea, trix-editor")) return; // a field undoes its own typing
  event.preventDefault();
  change([["op", event.shiftKey ? "redo" : "undo"]]);
});

if (document.readyState === "complete") prepareTree();
else window.addEventListener("load", prepareTree);
