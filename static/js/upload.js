// [data-upload]: the file field covers the zone, so that dropping and pressing are the browser's own; this lists what
// was chosen and tints the zone while something hovers over it.
const size = (bytes) => bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024)).toLocaleString("en-US")} kB` : `${(bytes / 1024 / 1024).toLocaleString("en-US", { maximumFractionDigits: 1 })} MB`;

document.addEventListener("change", (event) => {
  const zone = event.target.closest?.("[data-upload]");
  const list = zone?.parentElement.querySelector("[data-upload-files]");
  if (!list) return;
  list.replaceChildren(...[...event.target.files].map((file) => {
    const row = document.createElement("li");
    const name = Object.assign(document.createElement("span"), { textContent: file.name });
    const note = Object.assign(document.createElement("span"), { className: "muted numbers", textContent: size(file.size) });
    row.append(name, note);
    return row;
  }));
});
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(name, (event) => event.target.closest?.("[data-upload]")?.classList.toggle("is-over", over));
}
