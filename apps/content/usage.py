"""Who uses a template. The apps above this one (campaigns, journeys) say so when they start."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """One use: ``kind`` such as "Campaign", its name for staff, its page."""

    kind: str
    name: str
    url: str


_FINDERS: list[Callable[[int], Iterable[Use]]] = []


def register(finder: Callable[[int], Iterable[Use]]) -> None:
    """Ask `finder` (template id -> uses) whenever somebody wants to know where a template is used."""
    if finder not in _FINDERS:
        _FINDERS.append(finder)


def uses_of(template_id: int) -> list[Use]:
    """Everything that uses the template."""
    return [use for finder in _FINDERS for use in finder(template_id)]
