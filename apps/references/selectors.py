"""Reading who uses what: one query for the rows, one for the names of each kind of user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from apps.references import owners
from apps.references.models import Noun, Place, Reference

#: Whoever asks for an attribute searches by it; whoever merges or writes it does not.
SEARCHING = (Place.RULE,)
_ORDER = {kind: number for number, kind in enumerate(Noun)}


@dataclass(frozen=True, repr=False)
class Use:
    """One user: ``kind`` as the menu says it ("Segment"), its name, its page, and whether it searches."""

    kind: str
    name: str
    url: str
    searches: bool = False


def used_by_each(kind: Noun, ids: Collection[int]) -> dict[int, list[Use]]:
    """Everybody who uses these objects of one kind, by the object's id; segments first, then templates and so on."""
    found: dict[int, dict[tuple[str, int], bool]] = defaultdict(dict)
    users: dict[str, set[int]] = defaultdict(set)
    for row in Reference.objects.filter(used_kind=kind, used_id__in=ids):
        user = row.user_kind, row.user_id
        users[row.user_kind].add(row.user_id)
        found[row.used_id][user] = found[row.used_id].get(user, False) or row.place in SEARCHING
    shown = {
        (user_kind, number): each
        for user_kind, numbers in users.items()
        for number, each in owners.NAMES[Noun(user_kind)](numbers, kind).items()
    }
    return {
        used: [
            Use(Noun(user[0]).label, shown[user].name, shown[user].url, searches)
            for user, searches in sorted(rows.items(), key=lambda item: (_ORDER[Noun(item[0][0])], item[0][1]))
            if user in shown
        ]
        for used, rows in found.items()
    }


def is_used(kind: Noun, used_id: int) -> bool:
    """Whether anybody uses one object."""
    return Reference.objects.filter(used_kind=kind, used_id=used_id).exists()


def asked_for(kinds: Collection[Noun]) -> dict[Noun, list[int]]:
    """The objects of these kinds that something uses, by kind; one query."""
    found: dict[Noun, list[int]] = {kind: [] for kind in kinds}
    rows = Reference.objects.filter(used_kind__in=kinds).values_list("used_kind", "used_id").distinct()
    for kind, number in rows.order_by("used_kind", "used_id"):
        found[Noun(kind)].append(number)
    return found


def used_by(kind: Noun, used_id: int) -> list[Use]:
    """Everybody who uses one object."""
    return used_by_each(kind, [used_id]).get(used_id, [])
