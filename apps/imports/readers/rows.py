"""What readers hand over: a row about a person, an event or an appointment, or a rejection.

`cells` is the row as the file has it: what cannot be stored goes back to the person who sent it, unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from apps.contacts.consent.given import ConsentCell

Unread = tuple[str, str, str]
"""A cell that could not be read, or not all of it: column, reason, and the cell as it stands."""


@dataclass(frozen=True, slots=True, repr=False)
class UnreadCell:
    """A cell that was left out of a row that came in; `key` is what the row was matched by."""

    line: int
    key: str
    column: str
    reason: str
    cell: str

    def __repr__(self) -> str:
        return f"<UnreadCell of line {self.line}>"


@dataclass(frozen=True, slots=True, repr=False)
class PersonRow:
    """A person: `profile` has only what the row says, in the shape of the sealed profile.

    `guardian` is the key of the person who decides for this one; `unread` are cells that were left out, all or in part.
    `mended` says that a spreadsheet's ``.0`` was taken off the key. `tags` are names.
    """

    line: int
    key: str
    profile: dict[str, Any]
    consents: tuple[ConsentCell, ...] = ()
    guardian: str = ""
    cells: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()
    mended: bool = False
    tags: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<PersonRow of line {self.line}>"


@dataclass(frozen=True, slots=True, repr=False)
class EventRow:
    """Something that happened to the person whose external id (or other match key) is `patient`.

    `identity` names the event within its source for ever (it becomes a keyed token).
    `event` is the part that will be sealed. `note` says what of the row could not be taken, if anything.
    """

    line: int
    patient: str
    identity: str
    event: dict[str, Any]
    on: date
    cells: tuple[str, ...] = ()
    note: str = ""

    def __repr__(self) -> str:
        return f"<EventRow of line {self.line}>"


@dataclass(frozen=True, slots=True, repr=False)
class AppointmentRow:
    """An appointment: `person` is (field, value), `start` local time in ISO form, `zone` an IANA name.

    `status` is its state if it is new here; `said` what the row says of it (`appointments.statuses`), None for the
    same. A `start` in the hour that a clock shows twice has its offset.
    """

    line: int
    external: str
    person: tuple[str, str]
    start: str
    zone: str
    kind: str = ""
    location: str = ""
    provider: str = ""
    minutes: int = 30
    status: str = "booked"
    cells: tuple[str, ...] = ()
    said: str | None = None

    def __repr__(self) -> str:
        return f"<AppointmentRow of line {self.line}>"


@dataclass(frozen=True, slots=True, repr=False)
class Rejection:
    """A row that is not imported. `reason` quotes no value."""

    line: int
    reason: str
    cells: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        return f"<Rejection of line {self.line}>"


Row = PersonRow | EventRow | AppointmentRow | Rejection


def ragged(line: int, cells: list[str], width: int) -> Rejection | None:
    """A rejection when the row does not fit the header: values would land in the wrong columns.

    Empty cells beyond the header are forgiven (a trailing delimiter).
    """
    if len(cells) < width:
        return Rejection(line, f"has {len(cells)} cells where the header has {width}", tuple(cells))
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        return Rejection(line, f"has {len(cells)} cells where the header has {width}", tuple(cells))
    return None


_FOOTS = re.compile(
    r"(?:grand |sub-?)?totals?\b|sum\b|count\b|(?:number of|no\. of|record|row|patient)s?\s*(?:records|rows|count|"
    r"total|patients|printed|listed|exported)\b|end of (?:report|file|list|data)|page \d+|"
    r"(?:printed|generated|exported|created|run|report|as of|date)(?: date| on| by| at| run)?\s*[:\d]|confidential|"
    r"\(?\d+ rows?(?: affected)?\)?$|\*{3,}|"
    r"(?:filtered|sorted|prepared|source|copyright|note)s?(?: by)?\s*:|©|fin del (?:informe|reporte)|página \d+",
    re.IGNORECASE,
)
_RULE = re.compile(r"[\s\-=_*+|.~]*")
FOOT = "it is a total, a note or a line of dashes at the foot of the list, and nobody's row"


def is_foot(cells: Sequence[str]) -> bool:
    """Whether a row is no person but what reports put around a list: "Total: 2", a page number, a row of dashes.

    A person's row has more than a label and a figure in it.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or all(_RULE.fullmatch(cell) for cell in filled):
        return True
    if len(filled) > 2 or not _FOOTS.match(filled[0].lstrip("-*# ")):
        return False
    return len(filled) == 1 or not re.search(r"[^\W\d_]{3,}", re.sub(r"[AP]M|\b[A-Z][a-z]{2}\b", "", filled[1]))
