// data-print: a button that prints the page. It needs a script, so it appears with it.
import { whenPresent } from "./ready.js";

whenPresent("[data-print]", (button) => {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});
