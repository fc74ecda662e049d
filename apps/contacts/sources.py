"""Where the people of a bulk act come from: the contact list as it was searched, or what a higher layer registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from apps.contacts.person import searching
from apps.contacts.tags import definitions as tags
from apps.core.errors import Refused
from apps.core.levels import Level

LIST = "list"
_LOOKS_AT_CARE = ("relation", "life", "consent", "mail")
"""Filters of the list that tell what somebody is to us, or what happened to them here."""


@dataclass(frozen=True)
class Source:
    """``ids`` in ascending order, what staff call it, and how much being in it tells; all by the source's id."""

    ids: Callable[[int], Sequence[int]]
    name: Callable[[int], str]
    level: Callable[[int], Level]


_sources: dict[str, Source] = {}


def register_source(kind: str, source: Source) -> None:
    """Segments register here when Django starts; contacts never imports upwards."""
    _sources[kind] = source


def source_name(kind: str, source_id: int | None) -> str:
    """What the people come from, for staff. Raises ``Refused`` when it is not there any more."""
    if kind == LIST:
        return "Contacts"
    if kind not in _sources or source_id is None:
        raise Refused("export.kind_unknown", "There is nothing of that kind to take people from.")
    return _sources[kind].name(source_id)


def source_ids(kind: str, source_id: int | None, text: str, filters: Mapping[str, str]) -> Sequence[int]:
    """Ids of the people, rising. ``text`` and ``filters`` are those of the list (``searching.people``).

    Raises ``Refused`` when the source is not there any more, or takes too long.
    """
    if kind == LIST:
        return list(searching.people(text=text, filters=filters).order_by("pk").values_list("pk", flat=True))
    if kind in _sources and source_id is not None:
        return _sources[kind].ids(source_id)
    raise Refused("export.subject_gone", "What the people come from is not there any more.")


def source_level(kind: str, source_id: int | None, text: str, filters: Mapping[str, str]) -> Level:
    """How much being among these people tells: it flows into whatever is written for them.

    Raises ``Refused`` when the source is not there any more.
    """
    if kind != LIST:
        source_name(kind, source_id)
        assert source_id is not None
        return _sources[kind].level(source_id)
    found = Level.IDENTIFIER if text.strip() else Level.PUBLIC
    if any(filters.get(name) for name in _LOOKS_AT_CARE):
        found = Level.HEALTH
    if wanted := filters.get("tag"):
        tag = tags.by_ids([int(wanted)]).get(int(wanted)) if wanted.isascii() and wanted.isdecimal() else None
        found = max(found, tag.level if tag is not None else Level.PUBLIC)
    return found
