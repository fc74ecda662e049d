"""Who uses an own attribute: asked of higher layers without importing them.

Segments, templates and journeys register here when Django starts; contacts only calls what was registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Usage:
    """One use: ``kind`` as the menu says it ("Segment"), the object's name, its page, and whether it searches."""

    kind: str
    name: str
    url: str
    searches: bool = False


UsageFinder = Callable[[str], Iterable[Usage]]

_finders: dict[str, UsageFinder] = {}


def register_usage(app: str, finder: UsageFinder) -> None:
    """``finder(name)`` tells where ``app`` uses the attribute called ``name``."""
    _finders[app] = finder


def uses_of(name: str) -> list[Usage]:
    """Every use of the attribute, in the order the apps were registered."""
    return [usage for finder in _finders.values() for usage in finder(name)]
