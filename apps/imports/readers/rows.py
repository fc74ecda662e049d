"""What readers hand over: a row about a person, an event or an appointment, or a rejection.

`cells` is the row as the file has it: what cannot be stored goes back to the person who sent it, unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from apps.contacts.consent.given import ConsentCell


@dataclass(frozen=True, slots=True, repr=False)
class PersonRow:
    """A person: `profile` has only what the row says, in the shape of the sealed profile.

    `guardian` is the key of the person who decides for this one.
    """

    line: int
    key: str
    profile: dict[str, Any]
    consents: tuple[ConsentCell, ...] = ()
    guardian: str = ""
    cells: tuple[str, ...] = ()

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
    """An appointment: `person` is (field, value), `start` local time in ISO form, `zone` an IANA name."""

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
