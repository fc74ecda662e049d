"""Equal entries as one line: four hundred messages stored by one batch are one thing to read.

Pure. Only what says the same is folded: entries with a reason, a change of values, or more than one person each
stand alone, so that nothing worth a look disappears in a number. What people do is folded only where it follows
itself, because the order of their acts tells a story; the product's own parts work side by side, so theirs are
gathered over the entries of others that lie between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Two lines are as quickly read as one with a number.
FEWEST = 3
# A part that rests longer has begun something new.
PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Outline:
    """What folding looks at; ``person`` is the token of the one person, 0 for nobody.

    ``details`` are the entry's numbers, code words and field names as one text.
    """

    id: int
    at: datetime
    actor: tuple[str, str]
    action: str
    purpose: str
    subject: str
    person: int
    details: str = ""
    alone: bool = False

    @property
    def kind_of_act(self) -> tuple[str, ...]:
        """Entries that agree in this may stand in one line."""
        return *self.actor, self.action, self.purpose, self.details


@dataclass(frozen=True, slots=True)
class Run:
    """Equal entries, as ``ids`` in the order given."""

    ids: tuple[int, ...]
    people: int
    one_subject: bool

    @property
    def newest(self) -> int:
        """The entry that the line shows."""
        return max(self.ids)

    @property
    def oldest(self) -> int:
        """The entry at which the run began."""
        return min(self.ids)


def runs(outlines: Sequence[Outline]) -> list[Run]:
    """The entries as runs, each where its first entry stands in the order given; short ones are taken apart again."""
    groups: list[list[Outline]] = []
    gathering: dict[tuple[str, ...], list[Outline]] = {}
    before: Outline | None = None
    for each in outlines:
        group = None if each.alone else gathering.get(each.kind_of_act)
        if group is not None and _follows(each, group[-1], before):
            group.append(each)
        else:
            groups.append([each])
            if not each.alone:
                gathering[each.kind_of_act] = groups[-1]
        before = each
    begins = {group[0].id: group for group in groups if len(group) >= FEWEST}
    gathered = {each.id for group in begins.values() for each in group}
    return [_run(begins.get(each.id, [each])) for each in outlines if each.id in begins or each.id not in gathered]


def fitting(outlines: Sequence[Outline], lines: int) -> int:
    """How many of the entries, from the first, make about ``lines`` lines and not more; at least one."""
    low, high = min(lines, len(outlines)), len(outlines)
    while low < high:
        middle = (low + high + 1) // 2
        if len(runs(outlines[:middle])) <= lines:
            low = middle
        else:
            high = middle - 1
    return max(low, 1)


def _follows(each: Outline, last: Outline, before: Outline | None) -> bool:
    return abs(each.at - last.at) <= PAUSE and (each.actor[0] == "system" or last is before)


def _run(group: list[Outline]) -> Run:
    return Run(
        ids=tuple(each.id for each in group),
        people=len({each.person for each in group if each.person}),
        one_subject=len({(each.subject, each.person) for each in group}) == 1,
    )
