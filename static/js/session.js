// 15 idle minutes end a session. Two minutes before, a dialog asks; afterwards the page is covered, what was typed
// stays under the cover, and a new sign-in in another tab lets the work go on.
const body = document.body;
const url = body.dataset.sessionUrl;
const WARN_AT = 120;
const REPORT_EVERY = 60_000;

if (url) {
  const idle = Number(body.dataset.idleSeconds);
  const warning = document.getElementById("session-warning");
  const over = document.getElementById("session-over");
  const left = warning.querySelector("[data-session-left]");
  let until = Date.now() + idle * 1000;
  let reported = Date.now();

  const ask = async (passive) => {
    const headers = { "HX-Request": "true", Accept: "application/json" };
    if (passive) headers["X-Passive"] = "1";
    const answer = await fetch(url, { headers, redirect: "error", cache: "no-store" });
    if (!answer.ok) return null;
    const state = await answer.json();
    // On a shared desk somebody else may have signed in meanwhile: this page is not theirs.
    if (String(state.user) !== body.dataset.user) return { someoneElse: true };
    until = Date.now() + state.seconds_left * 1000;
    return state;
  };
  const signedIn = (state) => Boolean(state) && !state.someoneElse;
  const end = () => {
    if (warning.open) warning.close();
    if (!over.open) over.showModal();
  };
  const words = (seconds) => seconds >= 60 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} minutes` : `${seconds} seconds`;

  setInterval(async () => {
    if (over.open) return;
    const seconds = Math.round((until - Date.now()) / 1000);
    if (seconds <= 0) {
      // Another tab may have kept the session alive: ask without touching it.
      const state = await ask(true).catch(() => null);
      if (!signedIn(state) || state.seconds_left <= 0) end(); else if (warning.open) warning.close();
    } else if (seconds <= WARN_AT) {
      if (!warning.open) {
        const state = await ask(true).catch(() => null);
        if (signedIn(state) && state.seconds_left > WARN_AT) return;
        warning.showModal();
      }
      left.textContent = words(Math.max(0, Math.round((until - Date.now()) / 1000)));
    }
  }, 1000);
  // Typing is activity, although it sends nothing: it is reported as it happens, once a minute at most, so that the
  // fifteen minutes count from the last key and not from the last request.
  const act = () => {
    if (warning.open || over.open || Date.now() - reported < REPORT_EVERY) return;
    reported = Date.now();
    ask(false).catch(() => null);
  };
  for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, act, { passive: true, capture: true });
  document.addEventListener("htmx:after:request", (event) => {
    if (event.detail.ctx.response.status === 401) { event.preventDefault(); end(); }
    else { until = Date.now() + idle * 1000; }
  });
  warning.addEventListener("cancel", (event) => { event.preventDefault(); });
  warning.querySelector("[data-session-stay]").addEventListener("click", async () => {
    if (signedIn(await ask(false).catch(() => null))) warning.close(); else end();
  });
  over.addEventListener("cancel", (event) => event.preventDefault());
  over.querySelector("[data-session-continue]").addEventListener("click", async () => {
    const state = await ask(false).catch(() => null);
    over.querySelector("[data-session-problem]").hidden = Boolean(state);
    over.querySelector("[data-session-other]").hidden = !state?.someoneElse;
    if (!signedIn(state)) return;
    // A new sign-in has a new token; the forms of this page take it over.
    for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = state.csrf;
    body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": state.csrf }));
    over.close();
  });
}
