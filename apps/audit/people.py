"""Whom an auditor means: a search by name or record number that a higher app brings; the trail knows numbers only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.core.actors import Actor


@dataclass(frozen=True, repr=False)
class Found:
    """Somebody an auditor may mean: number, the name as this reader may see it, and what tells them from others."""

    id: int
    name: str
    facts: str = ""


@dataclass(frozen=True)
class Finder:
    """How people are found and named.

    ``search(actor, text)`` gives (the first matches, how many there are) and writes its own entry first;
    ``name(actor, person_id)`` is the name as ``actor`` may see it, or "" when there is no such person (any more):
    the caller has recorded that look. ``records(person_id)``: the numbers under which entries about a person stand,
    those of records that were merged into it among them.
    """

    search: Callable[[Actor, str], tuple[list[Found], int]]
    name: Callable[[Actor, int], str]
    records: Callable[[int], list[int]] = lambda person_id: [person_id]


def _nobody(actor: Actor, text: str) -> tuple[list[Found], int]:
    return [], 0


_finder = [Finder(search=_nobody, name=lambda actor, person_id: "")]


def register(finder: Finder) -> None:
    """Called once, when the app that knows people is ready; the trail never imports upwards."""
    _finder[0] = finder


def search(*, actor: Actor, text: str) -> tuple[list[Found], int]:
    """(the first people that ``text`` may mean, how many there are); the look is on the trail."""
    return _finder[0].search(actor, text)


def name(*, actor: Actor, person_id: int) -> str:
    """The name of a person as ``actor`` may see it, or ""; the caller has recorded the look."""
    return _finder[0].name(actor, person_id)


def records(person_id: int) -> list[int]:
    """The numbers under which entries about a person stand; entries are never rewritten."""
    return _finder[0].records(person_id)
