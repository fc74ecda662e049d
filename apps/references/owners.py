"""What the users of things are called: each app that owns a kind of object says so when it starts.

A dictionary of functions, as delivery has for the sources of messages; nothing here knows the apps above.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from apps.references.models import Noun


class Shown(NamedTuple):
    """A user for staff to read: its name and its page."""

    name: str
    url: str


Names = Callable[[Collection[int], Noun], Mapping[int, Shown]]
"""The users with these ids that still need what they use (of the kind given); all of them opened at once."""

NAMES: dict[Noun, Names] = {}


def register(kind: Noun, names: Names) -> None:
    """Let ``names`` tell what users of ``kind`` are called; the last registration counts."""
    NAMES[kind] = names
