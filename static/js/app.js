// Everything a page of ours may need. Each module finds its own elements by data attributes and works for
// fragments that htmx brings later, because it listens on the document.
import "./toast.js";
import "./dialogs.js";
import "./menus.js";
import "./tables.js";
import "./forms.js";
import "./combobox.js";
import "./upload.js";
import "./copy.js";
import "./print.js";
import "./panels.js";
import "./requests.js";
import "./session.js";
