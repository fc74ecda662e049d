// Portal pages of patients. Everything works without this; with it the mail's frame fits, what is typed is kept, and a
// warning comes two minutes before the session ends.
const WARN_AT = 120;
const token = document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
const post = (url, body) => fetch(url, {
  method: "POST", body, redirect: "error", cache: "no-store", headers: { "X-CSRFToken": token, Accept: "application/json" },
});

// -- The frame is as high as the mail in it -----------------------------------------------------------------------
for (const frame of document.querySelectorAll("[data-fit-frame]")) {
  const fit = () => {
    const inside = frame.contentDocument?.documentElement;
    if (!inside) return;
    frame.style.height = "auto";
    frame.style.height = `${Math.max(inside.scrollHeight, inside.offsetHeight) + 2}px`;
  };
  frame.addEventListener("load", fit);
  if (frame.contentDocument?.readyState === "complete") fit();
  new ResizeObserver(fit).observe(frame.parentElement);
  window.addEventListener("beforeprint", fit);
}

// -- Show the password: what needs a script appears with it ---------------------------------------------------------
for (const choice of document.querySelectorAll("[data-portal-reveal]")) {
  choice.hidden = false;
  const field = document.getElementById(choice.dataset.portalReveal);
  choice.querySelector("input").addEventListener("change", (event) => { field.type = event.target.checked ? "text" : "password"; });
}

// -- What is typed is kept ------------------------------------------------------------------------------------------
const form = document.querySelector("form[data-portal-draft]");
let saved = form?.elements.text.value ?? "";
let until = 0;
const keep = async () => {
  const text = form.elements.text.value;
  if (text === saved) return true;
  const body = new FormData();
  body.set("text", text);
  const answer = await post(form.dataset.portalDraft, body).catch(() => null);
  if (!answer?.ok) return false;
  saved = text;
  const state = await answer.json();
  if (state.seconds) until = Date.now() + state.seconds * 1000;
  const place = form.querySelector("[data-saved]");
  place.textContent = text ? place.dataset.saved : "";
  return true;
};
if (form) {
  let waiting = 0;
  form.elements.text.addEventListener("input", () => {
    form.querySelector("[data-saved]").textContent = "";
    clearTimeout(waiting);
    waiting = setTimeout(keep, 2500);
  });
  form.addEventListener("submit", () => clearTimeout(waiting));
}

// -- The session ends: warned before, kept after -------------------------------------------------------------------
const warning = document.getElementById("portal-warning");
if (warning) {
  until = Date.now() + Number(warning.dataset.seconds) * 1000;
  const left = warning.querySelector("[data-left]");
  const stay = async () => {
    const answer = await post(warning.dataset.portalSession, new FormData()).catch(() => null);
    if (!answer?.ok) return leave();
    until = Date.now() + (await answer.json()).seconds * 1000;
    if (warning.open) warning.close();
  };
  const look = async () => {
    const answer = await fetch(warning.dataset.portalSession, { redirect: "error", cache: "no-store" }).catch(() => null);
    if (answer?.ok) until = Date.now() + (await answer.json()).seconds * 1000;
    return until - Date.now();
  };
  let leaving = false;
  const leave = async () => {
    if (leaving) return;
    leaving = true;
    let kept = "";
    if (form && form.elements.text.value) {
      await keep();
      kept = `?kept=${form.getAttribute("action").split("/").at(-3)}`;
    }
    window.location.replace(warning.dataset.portalEnded + kept);
  };
  setInterval(async () => {
    const seconds = Math.round((until - Date.now()) / 1000);
    if (seconds <= 0) {
      // Another tab may have kept the session alive: look without touching it.
      if ((await look()) <= 1000) await leave();
      return;
    }
    if (seconds <= WARN_AT && !warning.open) {
      if ((await look()) > WARN_AT * 1000) return;
      if (form) await keep();
      if (until - Date.now() <= WARN_AT * 1000) warning.showModal();
    }
    if (warning.open) left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }, 1000);
  warning.querySelector("[data-stay]").addEventListener("click", stay);
  warning.addEventListener("cancel", (event) => { event.preventDefault(); stay(); });
}
