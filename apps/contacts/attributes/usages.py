"""Who uses own attributes: asked of higher layers without importing them.

Segments, templates and journeys register here when Django starts; contacts only calls what was registered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Usage:
    """One use: ``kind`` as the menu says it ("Segment"), the object's name, its page, and whether it searches."""

    kind: str
    name: str
    url: str
    searches: bool = False


UsageFinder = Callable[[Collection[str]], Iterable[tuple[str, Usage]]]

_finders: dict[str, UsageFinder] = {}


def register_usage(app: str, finder: UsageFinder) -> None:
    """``finder(names)`` yields (name, use) for every use that ``app`` makes of one of these attributes."""
    _finders[app] = finder


def uses(names: Collection[str]) -> dict[str, list[Usage]]:
    """Every use of the attributes called ``names``, in the order the apps were registered."""
    found: dict[str, list[Usage]] = defaultdict(list)
    for finder in _finders.values():
        for name, usage in finder(names):
            found[name].append(usage)
    return found


def uses_of(name: str) -> list[Usage]:
    """Every use of one attribute."""
    return uses([name])[name]
