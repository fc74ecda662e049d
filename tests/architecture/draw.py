"""Draw the layers as `.importlinter` has them: ``python -m tests.architecture.draw`` rewrites the picture.

The picture stands in docs/architecture.md between two marks; a test compares it.
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "architecture.md"
BEGIN, END = "<!-- layers: drawn by python -m tests.architecture.draw -->", "<!-- end of layers -->"


def contract(name: str, text: str = "") -> list[list[str]]:
    """The layers of a contract, the top row first, each with what stands side by side."""
    parser = configparser.ConfigParser()
    parser.read_string(text or (REPOSITORY / ".importlinter").read_text())
    lines = parser[f"importlinter:contract:{name}"]["layers"].strip().splitlines()
    return [[part.strip().strip("()") for part in line.split("|")] for line in lines]


def layers(text: str = "") -> list[list[str]]:
    """The rows of apps that exist, the top row first."""
    rows = [[app for app in row if (REPOSITORY / "apps" / app).is_dir()] for row in contract("layers", text)]
    return [row for row in rows if row]


def picture(text: str = "") -> str:
    """The layers from the top down, and the roles inside one app beside them."""
    rows = layers(text)
    left = [("", contract("config", text)[0])] + [(str(len(rows) - 1 - n), row) for n, row in enumerate(rows)]
    roles = [" · ".join(row) for row in contract("roles", text)]
    cells = [(number, " · ".join(row)) for number, row in left]
    width = max(len(words) for _, words in cells) + 2
    right = [f"┌─ inside an app {'─' * 16}┐", *(f"│ {role:<30} │" for role in roles), f"└{'─' * 32}┘"]
    lines = []
    for place, (number, words) in enumerate(cells):
        beside = right[place - 1] if 0 < place <= len(right) else ""
        lines.append(
            f"{number:>3}  {words:<{width}} ↓   {beside}".rstrip()
            if place < len(cells) - 1
            else f"{number:>3}  {words}"
        )
    return "\n".join(["```text", *lines, "```"])


def drawn(page: str) -> str:
    """The picture that stands on a page. Raises ``ValueError`` when there is none."""
    return page.split(BEGIN)[1].split(END)[0].strip() if BEGIN in page else _missing()


def _missing() -> str:
    raise ValueError(f"{PAGE.name} has no marks for the picture")


def rewrite() -> None:
    """Put the picture of today between the marks."""
    page = PAGE.read_text()
    PAGE.write_text(
        re.sub(f"({re.escape(BEGIN)}).*?({re.escape(END)})", lambda m: f"{m[1]}\n{picture()}\n{m[2]}", page, flags=re.S)
    )


if __name__ == "__main__":
    rewrite()
