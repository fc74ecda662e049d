// What htmx does with answers that are not what was hoped for. Errors leave the page as it is and say so in words.
import { toast } from "./toast.js";

const WORDS = {
  403: "You may not do that. Nothing was changed.",
  404: "That is not there any more. Reload the page to see what is.",
  409: "Somebody else changed this meanwhile. Reload the page, then try again.",
  413: "That is too large.",
  429: "That was too often. Wait a minute, then try again.",
};

document.addEventListener("htmx:response:error", (event) => {
  const status = event.detail.ctx.response.status;
  if (status === 422 || status === 401 || status === 400) return;
  toast(WORDS[status] ?? "The server could not do that. Nothing was changed; try again in a minute.", "error");
});
document.addEventListener("htmx:error", () => {
  toast("The server did not answer. Check your connection, then try again. What you typed is still here.", "error");
});
// Focus goes where a fragment asks for it.
document.addEventListener("htmx:after:settle", () => {
  const wanted = document.querySelector("[data-focus-now]");
  if (wanted) { wanted.removeAttribute("data-focus-now"); wanted.focus(); }
});
