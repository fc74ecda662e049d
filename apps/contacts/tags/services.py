"""Defining tags, giving them to people and taking them.

Whoever gives or takes holds the tags (``FOR KEY SHARE``) and then the people, in the order of their ids: a tag is not
deleted and nobody is erased meanwhile, so that no row is left behind by either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.attributes.services import may_lower
from apps.contacts.models import PersonTag, Tag
from apps.contacts.models.tag import TAG_TABLE
from apps.contacts.tags import definitions
from apps.contacts.tags.definitions import LONGEST_DESCRIPTION, OpenedTag, name_token, opened
from apps.contacts.tags.names import LONGEST_NAME, misfit
from apps.core.actors import Actor
from apps.core.bulk import int8_array, next_ids
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.references import selectors as references
from apps.references import services as reference_services
from apps.references.models import Noun
from apps.vault import sealing

MOST_TAGS = 1_000
_LOCK = 0x74616773  # two who create tags at once could each see room for the last one
Pair = tuple[int, int]
"""A person and a tag."""


_SORTS = {
    Level.PUBLIC: "nothing about them",
    Level.IDENTIFIER: "who they are",
    Level.HEALTH: "health information",
    Level.PROTECTED: "specially protected information",
}


class InUse(Refused):
    """Something asks for the tag or gives it; ``uses`` says where."""

    def __init__(self, uses: Sequence[references.Use]) -> None:
        self.uses = list(uses)
        places = "one place" if len(self.uses) == 1 else f"{len(self.uses)} places"
        super().__init__("tag.in_use", f"This tag is used in {places}. Take it out there first, then delete it.")


@transaction.atomic
def tag_create(*, actor: Actor, name: str, level: int = Level.HEALTH, description: str = "") -> OpenedTag:
    """Create a tag. Raises ``Refused`` for a name that is missing, too long or taken, and when somebody who may not
    calls it less than health information.
    """
    return _create(actor, [name], level, description)[0]


@transaction.atomic
def tags_named(*, actor: Actor, names: Iterable[str], level: Level = Level.HEALTH) -> dict[str, int]:
    """The ids of the tags of these names, by name as given; what there is not yet is created with ``level``, which is
    health information at least.

    Raises ``Refused`` for a name that cannot be one, or when there would be too many.
    """
    wanted = list(dict.fromkeys(names))
    known = definitions.ids_of(wanted)
    if len(known) < len(wanted):
        # Two imports may bring the same new tag at once: the second one finds it.
        _alone()
        known = definitions.ids_of(wanted)
    missing = {name_token(name): name for name in reversed(wanted) if name not in known}
    if missing:
        _create(actor, sorted(missing.values()), max(level, Level.HEALTH), "")
        known = definitions.ids_of(wanted)
    return known


def tags_left() -> int:
    """How many tags can still be created."""
    return max(MOST_TAGS - Tag.objects.count(), 0)


def _create(actor: Actor, names: Sequence[str], level: int, description: str) -> list[OpenedTag]:
    if level not in tuple(Level):
        raise Refused("tag.level_unknown", "Choose a level of the list.")
    if level < Level.HEALTH and not may_lower(actor):
        raise Refused(
            "tag.level_not_allowed",
            "A tag that is less than health information protects less whatever looks at it, so an administrator adds "
            "it. Keep it as health information, or ask one.",
        )
    bare, about = [checked_name(name) for name in names], checked_description(description)
    _alone()
    if Tag.objects.filter(name_token__in=[name_token(name) for name in bare]).exists():
        raise Refused("tag.name_taken", "There is a tag of this name already. Choose another name.")
    if Tag.objects.count() + len(bare) > MOST_TAGS:
        raise Refused("tag.too_many", f"There may be {MOST_TAGS:,} tags. Delete some first, or use fewer.")
    rows = []
    for pk, name in zip(next_ids(TAG_TABLE, len(bare)), bare, strict=True):
        row = Tag(id=pk, name_token=name_token(name))
        _seal(row, name, about, Level(level))
        rows.append(row)
    Tag.objects.bulk_create(rows)
    for row in rows:
        record(actor=actor, action=Action.TAG_CREATE, kind="tag", subject=row.pk, codes={"level": int(level)})
    return [opened(row) for row in rows]


@transaction.atomic
def tag_change(
    *, actor: Actor, tag_id: int, name: str, description: str = "", level: int | None = None, version: int | None = None
) -> OpenedTag:
    """Rename a tag, describe it, or raise its level; whoever has it or asks for it is not touched.

    A level can be raised while nothing asks for the tag or gives it, never lowered: what was put into it was protected
    as much as it says. Raises ``Refused`` for these, a name that will not do, or when somebody else changed it since
    ``version`` was read.
    """
    row = _locked(tag_id)
    before = opened(row)
    if version is not None and version != row.version:
        raise Refused("tag.changed", "Somebody else changed this tag meanwhile. Look at it again.")
    name, description = checked_name(name), checked_description(description)
    wanted = before.level if level is None else Level(level)
    if wanted < before.level:
        raise Refused("tag.level_lowered", "What this tag tells stays protected as it is: a level is never lowered.")
    if wanted > before.level and references.used_by(Noun.TAG, row.pk):
        raise Refused(
            "tag.level_in_use",
            "Segments or journeys use this tag by its level of today. Take it out there first, then raise its level.",
        )
    if Tag.objects.filter(name_token=name_token(name)).exclude(pk=row.pk).exists():
        raise Refused("tag.name_taken", "Another tag has this name. Choose a different one.")
    pairs = (
        ("name", before.name, name),
        ("description", before.description, description),
        ("level", before.level, wanted),
    )
    if not (fields := [field for field, old, new in pairs if old != new]):
        return before
    row.version += 1
    row.name_token = name_token(name)
    _seal(row, name, description, wanted)
    row.save()
    record(actor=actor, action=Action.TAG_CHANGE, kind="tag", subject=row.pk, fields=fields)
    return opened(row)


@transaction.atomic
def tag_delete(*, actor: Actor, tag_id: int) -> int:
    """Delete a tag; returns how many people had it. Raises ``InUse`` while a segment or journey names it."""
    row = _locked(tag_id)
    if uses := references.used_by(Noun.TAG, row.pk):
        raise InUse(uses)
    count, _ = PersonTag.objects.filter(tag_id=row.pk).delete()
    reference_services.references_delete(kind=Noun.TAG, ids=[row.pk])
    record(actor=actor, action=Action.TAG_DELETE, kind="tag", subject=row.pk, codes={"people": count})
    row.delete()
    return count


# -- Giving and taking -----------------------------------------------------------------------------------------------


def tags_give(
    *,
    actor: Actor,
    pairs: Iterable[Pair],
    level: Level = Level.PUBLIC,
    import_id: int | None = None,
    subject: str | int | None = None,
    kind: str = "tag",
) -> list[Pair]:
    """Give people tags; returns the pairs that are new. Whoever has a tag keeps it, whoever was erased gets none.

    ``level`` is that of what decided who gets them: it flows into the tags, so each must be protected as much.
    ``subject`` of ``kind`` is what did it, for the trail: one entry for all, with ids and counts. A fixed number of
    statements, however many pairs.
    Raises ``Refused`` for a tag that is gone or protected less than ``level``.
    """
    wanted = sorted(set(pairs))
    if not wanted:
        return []
    with transaction.atomic():
        tags = sorted({tag for _, tag in wanted})
        _hold(tags, level)
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH there AS (SELECT id FROM contacts_person WHERE id = ANY(%s::bigint[]) AND erased_at IS NULL"
                "  ORDER BY id FOR KEY SHARE)"
                " INSERT INTO contacts_persontag (tag_id, person_id, import_id)"
                " SELECT w.tag, there.id, %s FROM unnest(%s::bigint[], %s::bigint[]) AS w(person, tag)"
                " JOIN there ON there.id = w.person ORDER BY 1, 2"
                " ON CONFLICT DO NOTHING RETURNING person_id, tag_id",
                [
                    int8_array(sorted({person for person, _ in wanted})),
                    import_id,
                    int8_array(person for person, _ in wanted),
                    int8_array(tag for _, tag in wanted),
                ],
            )
            given = sorted(cursor.fetchall())
        _record(actor, Action.CONTACT_TAG, given, kind, subject)
    return given


def tags_take(
    *,
    actor: Actor,
    pairs: Iterable[Pair],
    subject: str | int | None = None,
    kind: str = "tag",
) -> list[Pair]:
    """Take tags from people; returns the pairs that there were. One entry on the trail for all."""
    wanted = sorted(set(pairs))
    if not wanted:
        return []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM contacts_persontag g USING unnest(%s::bigint[], %s::bigint[]) AS w(person, tag)"
                " WHERE g.tag_id = w.tag AND g.person_id = w.person"
                " RETURNING g.person_id, g.tag_id",
                [
                    int8_array(person for person, _ in wanted),
                    int8_array(tag for _, tag in wanted),
                ],
            )
            taken = sorted(cursor.fetchall())
        _record(actor, Action.CONTACT_UNTAG, taken, kind, subject)
    return taken


def tags_take_back(*, actor: Actor, import_id: int, people: Iterable[int]) -> int:
    """Take from these people the tags that an import gave them and nobody gave anew; returns how many. One entry."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM contacts_persontag WHERE import_id = %s AND person_id = ANY(%s::bigint[])"
                " RETURNING person_id, tag_id",
                [import_id, int8_array(people)],
            )
            taken = sorted(cursor.fetchall())
        _record(actor, Action.CONTACT_UNTAG, taken, "import", import_id)
    return len(taken)


@dataclass(frozen=True)
class MovedTags:
    """What ``tags_move`` did, by ids of tags: ``given`` are new to the person they went to, ``shared`` both had.

    To undo it: ``tags_take`` the given ones from the one, ``tags_give`` all of them to the other.
    """

    given: tuple[int, ...] = ()
    shared: tuple[int, ...] = ()


def tags_move(*, actor: Actor, person_id: int, to: int) -> MovedTags:
    """Move all tags of a person to another one, who keeps what they have; says what it moved, so that it can be undone.

    Part of merging two people: in the caller's transaction, which has locked both. Entries of its own on the trail.
    """
    with transaction.atomic():
        had = definitions.of_people([person_id, to])
        mine, theirs = had.get(person_id, set()), had.get(to, set())
        tags_give(actor=actor, pairs=[(to, tag) for tag in mine], subject=to, kind="person")
        tags_take(actor=actor, pairs=[(person_id, tag) for tag in mine], subject=person_id, kind="person")
    return MovedTags(tuple(sorted(mine - theirs)), tuple(sorted(mine & theirs)))


def _record(actor: Actor, action: Action, pairs: Sequence[Pair], kind: str, subject: str | int | None) -> None:
    if pairs:
        people = sorted({person for person, _ in pairs})
        codes = {"tags": sorted({tag for _, tag in pairs})}
        record(actor=actor, action=action, kind=kind, subject=subject, people=people, codes=codes)


def _hold(tags: Sequence[int], level: Level) -> None:
    """Keep these tags from being deleted until the transaction ends. Raises ``Refused``."""
    rows = list(
        Tag.objects.raw(
            "SELECT * FROM contacts_tag WHERE id = ANY(%s::bigint[]) ORDER BY id FOR KEY SHARE", [int8_array(tags)]
        )
    )
    if len(rows) < len(tags):
        raise Refused("tag.unknown", "One of these tags is no longer there. Choose another.")
    for tag in map(opened, rows) if level > Level.PUBLIC else ():
        ensure_protected(tag, level)


def ensure_protected(tag: OpenedTag, level: Level) -> None:
    """Raise ``Refused`` for a tag that is protected less than what decides who gets it."""
    if tag.level < level:
        raise Refused(
            "tag.level_too_low",
            f"Who gets this tag is decided by {_SORTS[level]}, and “{tag.name}” is protected less. Choose a tag that "
            "is protected as much.",
        )


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def checked_name(name: str) -> str:
    """A name as it is kept. Raises ``Refused`` for one that is missing, too long, or would be read as several."""
    bare = " ".join(name.split())
    if not bare or len(bare) > LONGEST_NAME:
        raise Refused("tag.name_length", f"Give the tag a name of up to {LONGEST_NAME} characters.")
    if misfit(bare):
        raise Refused("tag.name_malformed", "A tag has no commas and semicolons: lists have several tags between them.")
    return bare


def checked_description(text: str) -> str:
    """A description as it is kept. Raises ``Refused`` for one that is too long."""
    bare = " ".join(text.split())
    if len(bare) > LONGEST_DESCRIPTION:
        raise Refused("tag.description_too_long", f"A description has at most {LONGEST_DESCRIPTION} characters.")
    return bare


def _locked(tag_id: int) -> Tag:
    row = Tag.objects.select_for_update().filter(pk=tag_id).first() if 0 < tag_id < 2**63 else None
    if row is None:
        raise Refused("tag.unknown", "There is no such tag.")
    return row


def _seal(row: Tag, name: str, description: str, level: Level) -> None:
    facts = {"name": name, "description": description, "level": int(level)}
    row.sealed = sealing.seal_service(facts, table=TAG_TABLE, row=row.pk, version=row.version)
