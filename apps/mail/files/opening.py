"""The files of a letter, for whoever may see them: each opened in a process that has nothing to lose.

Nothing here reads a stranger's format: values, bytes and pixels come out of ``apps.core.strangers``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from apps.core.strangers.opening import Limits, Opened, Trouble, Unopened, open_file
from apps.mail.files.kinds import KINDS, Kind, ending_of

_MB = 1024 * 1024
_LISTING = Limits(output=2 * _MB)
_PART = Limits(output=20 * _MB)
_PIXELS = Limits(memory=1024 * _MB, output=12 * _MB)
PATH = re.compile(r"[1-9]\d{0,2}(\.[1-9]\d{0,2}){0,3}")
"""A file's place in its letter: ``2``, or ``2.1`` for the first one in the second."""

NOTES = {
    "too_deep": "Packed too deep: what is in it is not listed.",
    "too_many": "Too many files: the rest is not listed.",
    "too_large": "Too large to be unpacked here.",
    "password": "Locked with a password.",
    "damaged": "Damaged: what is in it cannot be read.",
    "missing": "There is no such file in this letter.",
}
SEALED = {
    "pgp": "This letter is encrypted with PGP",
    "smime": "This letter is encrypted with S/MIME",
    "smime_signed": "This letter is packed in an S/MIME signature",
}


@dataclass(frozen=True)
class LetterFile:
    """One file: place, the sender's name for it (a claim, and possibly health information), kind by content, size."""

    path: str
    name: str = field(repr=False)
    kind: Kind
    size: int
    notes: tuple[str, ...] = ()
    depth: int = 0
    openable: bool = True
    pages: int = 1

    @property
    def page_numbers(self) -> range:
        """The pages of a picture: more than one in a fax."""
        return range(1, self.pages + 1)

    @property
    def neutral_name(self) -> str:
        """The name it is handed out with: nothing of the sender's but an ending that we know."""
        return f"attachment-{self.path.replace('.', '-')}.{ending_of(self.kind, self.name)}"

    @property
    def note_words(self) -> list[str]:
        """What stood in the way, in words."""
        return [NOTES[note] for note in self.notes if note in NOTES]


@dataclass(frozen=True)
class LetterFiles:
    """What came along, in order, what is in a file right behind it; ``sealed`` is a key of ``SEALED`` or empty.

    ``more``: there are so many files that the rest is not listed.
    """

    files: tuple[LetterFile, ...] = ()
    sealed: str = ""
    more: bool = False
    trouble: Trouble | None = None

    def one(self, path: str) -> LetterFile | None:
        """The file of a place."""
        return next((each for each in self.files if each.path == path), None)


@dataclass(frozen=True)
class Picture:
    """A page of a picture, newly made from its pixels."""

    data: bytes = field(repr=False)
    pages: int


def list_files(raw: bytes) -> LetterFiles:
    """What came along with a letter. Raises nothing: ``trouble`` says why it could not be looked at."""
    try:
        value = open_file("apps.mail.files.tree:listing", raw, limits=_LISTING).value
        return LetterFiles(tuple(_flat(value["files"], 0)), str(value["sealed"]), more=bool(value["notes"]))
    except Unopened as unopened:
        return LetterFiles(trouble=unopened.trouble)
    except (KeyError, TypeError, ValueError, AttributeError):
        return LetterFiles(trouble=Trouble.BROKEN)


def _flat(files: list[dict[str, Any]], depth: int) -> Iterator[LetterFile]:
    for one in files:
        notes = tuple(str(note) for note in one["notes"])
        path = str(one["path"])
        if not PATH.fullmatch(path):
            raise ValueError
        yield LetterFile(
            path=path,
            name=str(one["name"])[:200],
            kind=KINDS[one["kind"]],
            size=int(one["size"]),
            notes=notes,
            depth=depth,
            openable=not (depth and {"too_large", "password", "damaged"} & set(notes)) and one["kind"] != "empty",
            pages=min(max(int(one["pages"]), 1), 50),
        )
        yield from _flat(one["files"], depth + 1)


def part(raw: bytes, path: str) -> bytes:
    """The bytes of one file of a letter. Raises ``Unopened``."""
    opened = open_file("apps.mail.files.tree:part", raw, limits=_PART, path=path)
    if not isinstance(opened.value, dict) or "note" in opened.value:
        raise Unopened(Trouble.BROKEN)
    return opened.blob


def picture(data: bytes, page: int = 1) -> Picture:
    """A picture to be shown: turned, stripped of all but its pixels, and made anew as JPEG. Raises ``Unopened``."""
    return _shown(open_file("apps.mail.files.pixels:picture", data, limits=_PIXELS, page=page))


def picture_of(raw: bytes, path: str, page: int = 1) -> Picture:
    """A picture of a letter, by one process. Raises ``Unopened``, also when it is no picture."""
    return _shown(open_file("apps.mail.files.pixels:picture_of", raw, limits=_PIXELS, path=path, page=page))


def _shown(opened: Opened) -> Picture:
    try:
        width, height, pages = (int(opened.value[name]) for name in ("width", "height", "pages"))
    except (KeyError, TypeError, ValueError):
        raise Unopened(Trouble.BROKEN) from None
    if not (0 < width <= 4096 and 0 < height <= 4096 and len(opened.blob) == width * height * 3):
        raise Unopened(Trouble.BROKEN)
    shown = io.BytesIO()
    Image.frombytes("RGB", (width, height), opened.blob).save(shown, "JPEG", quality=88)
    return Picture(shown.getvalue(), max(1, pages))
