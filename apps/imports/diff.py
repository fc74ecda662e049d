"""What a row would change in what is known: new, changed or unchanged, and whether rows look shifted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.contacts.person.reach import OTHERS

UPDATE, FILL, SKIP = "update", "fill", "skip"
MODES = {
    UPDATE: "Update them from filled cells",
    FILL: "Fill in only what is missing",
    SKIP: "Leave them as they are",
}


def merge_profile(
    current: dict[str, Any], incoming: dict[str, Any], mode: str = UPDATE
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return (new profile, names of changed fields). Nested objects merge key by key; absent keys stay."""
    if mode == SKIP:
        return current, ()
    merged = dict(current)
    changed: list[str] = []
    for name, value in incoming.items():
        known = current.get(name)
        if isinstance(value, dict):
            before = known if isinstance(known, dict) else {}
            inner = dict(before)
            for key, part in value.items():
                if part == "" and key in before:
                    continue  # Another address that is known already, perhaps verified.
                if before.get(key) != part and (mode == UPDATE or before.get(key) in (None, "")):
                    inner[key] = part
                    # The keys of others are addresses: no name of a changed field.
                    changed.append(name if name in _KEYED_BY_VALUE else f"{name}.{key}")
            if inner != before:
                merged[name] = inner
        elif known != value and (mode == UPDATE or known in (None, "")):
            merged[name] = value
            changed.append(name)
    return merged, tuple(changed)


_KEYED_BY_VALUE = frozenset(OTHERS.values())


def is_somebody_else(current: dict[str, Any], incoming: dict[str, Any]) -> bool:
    """Whether the row seems to be about another person than the one its key matched.

    A birth date does not change, and hardly anybody changes first and last name at once.
    """
    born, says = current.get("birth_date"), incoming.get("birth_date")
    if born and says and born != says:
        return True
    return all(
        current.get(name) and incoming.get(name) and _folded(current[name]) != _folded(incoming[name])
        for name in ("first_name", "last_name")
    )


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


@dataclass(slots=True)
class ShiftGuard:
    """Counts matched people who would become somebody else (a sorted column, a shifted row).

    A hospital group once mailed about 56,000 people as somebody else after a sorting error in a list.
    An import in which more than one in twenty matched people (and more than five) would change identity
    is refused as a whole.
    """

    matched: int = 0
    suspects: int = 0

    def see(self, current: dict[str, Any], incoming: dict[str, Any]) -> None:
        """Count one matched row."""
        self.matched += 1
        self.suspects += is_somebody_else(current, incoming)

    @property
    def tripped(self) -> bool:
        """Whether the file must not be imported."""
        return self.suspects > 5 and self.suspects * 20 > self.matched

    def sentence(self) -> str:
        """Why, and what to do."""
        return (
            f"{self.suspects:,} of {self.matched:,} people we know would get another name or birth date. "
            "It looks as if rows or columns of the file have shifted. Nothing was imported: check the file, "
            "and the column people are matched by."
        )
