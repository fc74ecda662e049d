"""Equal entries that follow each other as one line: four hundred messages stored in a row are one thing to read.

Pure. Only what says the same is folded: entries with a reason, a change of values, or more than one person each
stand alone, so that nothing worth a look disappears in a number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Two lines are as quickly read as one with a number.
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Outline:
    """What folding looks at; ``person`` is the token of the one person, 0 for nobody.

    ``details`` are the entry's numbers, code words and field names as one text.
    """

    id: int
    actor: tuple[str, str]
    action: str
    purpose: str
    subject: str
    person: int
    details: str = ""
    alone: bool = False

    @property
    def kind_of_act(self) -> tuple[tuple[str, str], str, str, str]:
        """Entries that agree in this may stand in one line."""
        return self.actor, self.action, self.purpose, self.details


@dataclass(frozen=True, slots=True)
class Run:
    """Entries that follow each other, as ``ids`` from the newest to the oldest."""

    ids: tuple[int, ...]
    people: int
    one_subject: bool

    @property
    def newest(self) -> int:
        """The entry that the line shows."""
        return self.ids[0]

    @property
    def oldest(self) -> int:
        """The entry at which the run began."""
        return self.ids[-1]


def runs(outlines: Iterable[Outline]) -> list[Run]:
    """The entries, in the order given, as runs; short ones are taken apart again."""
    found: list[list[Outline]] = []
    for each in outlines:
        last = found[-1][-1] if found else None
        if last is None or each.alone or last.alone or each.kind_of_act != last.kind_of_act:
            found.append([each])
        else:
            found[-1].append(each)
    made: list[Run] = []
    for group in found:
        parts = [group] if len(group) >= FEWEST else [[each] for each in group]
        made += [_run(part) for part in parts]
    return made


def _run(group: list[Outline]) -> Run:
    return Run(
        ids=tuple(each.id for each in group),
        people=len({each.person for each in group if each.person}),
        one_subject=len({(each.subject, each.person) for each in group}) == 1,
    )
