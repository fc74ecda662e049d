// Dialogs and drawers: data-dialog-open="ID", data-dialog-close, data-dialog-now (open on arrival).
// Confirm: a submit button (or form, or element with hx-confirm) with data-confirm="What will happen.",
// data-confirm-title, data-confirm-button, data-confirm-keep where "Cancel" would be taken for the deed itself,
// and data-confirm-word when it cannot be undone.
import { whenPresent } from "./ready.js";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.dialogOpen)?.showModal();
    return;
  }
  const closer = event.target.closest("[data-dialog-close]");
  if (closer) {
    closer.closest("dialog")?.close();
    return;
  }
  // A press on the veil closes drawers; a dialog with a form in it stays, so that nothing typed is lost.
  if (event.target.matches?.("dialog.drawer[open]")) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right;
    if (!inside) event.target.close();
  }
});

whenPresent("dialog[data-dialog-now]", (dialog) => dialog.showModal());

const box = document.getElementById("confirm");
let answer = null;

export function ask(source, fallback = "") {
  const words = source.dataset;
  box.querySelector("#confirm-title").textContent = words.confirmTitle || "Are you sure?";
  box.querySelector("#confirm-text").textContent = words.confirm || fallback;
  box.querySelector("[data-confirm-no]").textContent = words.confirmKeep || "Cancel";
  const yes = box.querySelector("[data-confirm-yes]");
  yes.textContent = words.confirmButton || "Go on";
  yes.classList.toggle("btn-danger", words.confirmKind !== "calm");
  yes.classList.toggle("btn-primary", words.confirmKind === "calm");
  const typed = box.querySelector("[data-confirm-typed]");
  const input = typed.querySelector("input");
  typed.hidden = !words.confirmWord;
  typed.querySelector("[data-confirm-word]").textContent = words.confirmWord || "";
  input.value = "";
  input.removeAttribute("aria-invalid");
  box.showModal();
  (words.confirmWord ? input : box.querySelector("[data-confirm-no]")).focus();
  return new Promise((resolve) => {
    answer = (said) => {
      if (said && words.confirmWord && input.value.trim() !== words.confirmWord) {
        input.setAttribute("aria-invalid", "true");
        input.focus();
        return;
      }
      answer = null;
      box.close();
      resolve(said);
    };
  });
}

if (box) {
  box.querySelector("[data-confirm-yes]").addEventListener("click", () => answer?.(true));
  box.querySelector("[data-confirm-no]").addEventListener("click", () => answer?.(false));
  box.addEventListener("cancel", (event) => { event.preventDefault(); answer?.(false); });
  box.querySelector("input").addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); answer?.(true); }
  });

  const agreed = new WeakSet();
  document.addEventListener("submit", (event) => {
    const source = [event.submitter, event.target].find((one) => one?.dataset.confirm);
    if (!source || agreed.has(event.target) || event.target.hasAttribute("hx-confirm")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const submitter = event.submitter;
    ask(source).then((said) => {
      if (!said) return;
      agreed.add(event.target);
      event.target.requestSubmit(submitter ?? undefined);
      agreed.delete(event.target);
    });
  }, true);

  document.addEventListener("htmx:confirm", (event) => {
    const { ctx, issueRequest, dropRequest } = event.detail;
    event.preventDefault();
    ask(ctx.sourceElement, ctx.confirm).then((said) => (said ? issueRequest() : dropRequest()));
  });
}
