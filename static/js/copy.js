// data-copy="#id": copies the text (or value) of that element. data-copy-text="…" copies the words themselves.
import { toast } from "./toast.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-text]");
  if (!button) return;
  const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : null;
  const text = button.dataset.copyText ?? source?.value ?? source?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text.trim());
    toast("Copied");
  } catch {
    if (source) getSelection().selectAllChildren(source);
    toast("Your browser does not allow copying. The text is selected: press Ctrl+C.", "info");
  }
});
