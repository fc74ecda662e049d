"""What of an image's making can be done without Docker: its context by .dockerignore, and its plain commands."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = (REPOSITORY / ".dockerignore").read_text()
# Made by the front-end stage.
FROM_THE_OTHER_STAGE = ("static/vendor", "static/icons.svg")


def lets_in(path: str, rules: str = RULES) -> bool:
    """Whether Docker sends ``path`` to the builder: the last pattern that fits it, or a folder above it, decides."""
    inside = True
    above = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
    for line in rules.splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            wanted = pattern.startswith("!")
            fits = _pattern(pattern.removeprefix("!"))
            if any(fits.fullmatch(each) for each in above):
                inside = wanted
    return inside


def _pattern(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*)", pattern)
    return re.compile("".join({"**/": "(?:.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts))


def context() -> Iterator[str]:
    """The files of this checkout that the builder gets."""
    for folder, folders, files in os.walk(REPOSITORY):
        here = Path(folder).relative_to(REPOSITORY)
        if here == Path():
            folders[:] = [each for each in folders if each in ("requirements",) or lets_in(each)]
        yield from (name for name in (str(here / each) for each in files) if lets_in(name))


def copy_of_the_image(target: Path) -> Path:
    """``/app`` as the image has it, before its last RUN."""
    for name in context():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target / name)
    for name in FROM_THE_OTHER_STAGE:
        source = REPOSITORY / name
        assert source.exists(), "make setup fetches the front-end files"
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target / name)
    return target


def run_steps() -> list[str]:
    """The RUN steps of the last stage of the Dockerfile, each as one line."""
    text = (REPOSITORY / "docker" / "Dockerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    joined = re.sub(r"^#.*\n", "", last, flags=re.MULTILINE).replace("\\\n", " ")
    return [" ".join(line.split()) for line in re.findall(r"^RUN (.*)$", joined, re.MULTILINE)]
