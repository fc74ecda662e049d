"""Tags that a list brings: those of its column for each row, and those that everybody of the list gets.

The dry run counts what the import will do. An empty cell takes no tag away, and whoever has a tag keeps it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from apps.contacts.tags import definitions, services
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.imports.services.writes import WriteOutcome

Names = Collection[str]


def ensure_level(everybody: Sequence[str], level: Level) -> None:
    """Raise ``Refused`` for a tag of everybody that is protected less than being on the list (``ImportJob.level``)."""
    if everybody:
        for tag in definitions.by_ids(list(definitions.ids_of(everybody).values())).values():
            services.ensure_protected(tag, level)


def tags_foretell(outcome: WriteOutcome, known: Mapping[int, Names], fresh: Sequence[Names]) -> None:
    """Note in ``outcome`` what would happen: how many people would get a tag, and the names that there is none of.

    ``known``: names by person on record; ``fresh``: names for each person who would be new. Two queries.
    """
    ids = definitions.ids_of(_every(known, fresh))
    has = definitions.of_people(list(known)) if known else {}
    outcome.new_tags |= {name for name in _every(known, fresh) if name not in ids}
    outcome.tagged += sum(1 for names in fresh if names)
    for person, names in known.items():
        if any(ids.get(name) not in has.get(person, ()) for name in names):
            outcome.tagged += 1


def tags_bring(outcome: WriteOutcome, actor: Actor, given: Mapping[int, Names], job: int | None, level: Level) -> None:
    """Give people the tags of these names, create those that there are not, and note whom in ``outcome``.

    What is created tells as much as being on the list (``level``), at least that somebody is a patient.
    Caller's transaction, which has locked the people. Raises ``Refused`` when there would be too many tags.
    """
    ids = services.tags_named(actor=actor, names=_every(given, ()), level=level)
    pairs = [(person, ids[name]) for person, names in given.items() for name in names]
    new = services.tags_give(actor=actor, pairs=pairs, import_id=job, subject=job, kind="import")
    people = sorted({person for person, _ in new})
    outcome.tagged += len(people)
    outcome.tagged_people += people


def ensure_room(new: Collection[str]) -> None:
    """Raise ``Refused`` when an import would create more tags than there may be."""
    if new and len(new) > (room := services.tags_left()):
        raise Refused(
            "tag.too_many",
            f"This list would create {len(new):,} tags, and there is room for {room:,}. Is the column of tags the "
            "right one? A tag is a word that many people share.",
        )


def _every(given: Mapping[int, Names], more: Sequence[Names]) -> list[str]:
    return list(dict.fromkeys(name for names in (*given.values(), *more) for name in names))
