"""Tags, opened: what they are called, how much they tell, how many people have them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from apps.contacts.models import PersonTag, Tag
from apps.contacts.models.tag import TAG_TABLE
from apps.contacts.person.fields import TAG_PREFIX, FieldSpec
from apps.contacts.person.records import PersonRecord
from apps.core.bulk import int8_array
from apps.core.levels import Level
from apps.core.permissions import Permission, allows
from apps.vault.tokens import normalize, token128

LONGEST_DESCRIPTION = 300
COUNT_UP_TO = 10_000
"""More people than this are not counted in lists: the number would cost more than it tells."""


@dataclass(frozen=True, repr=False)
class OpenedTag:
    """One tag, opened."""

    id: int
    name: str
    description: str
    level: Level
    version: int

    @property
    def protected(self) -> bool:
        """Whether it tells of what the law protects specially."""
        return self.level >= Level.PROTECTED


def opened(row: Tag) -> OpenedTag:
    """Open one row."""
    facts = row.opened()
    return OpenedTag(row.pk, str(facts["name"]), str(facts["description"]), Level(facts["level"]), row.version)


def everything() -> list[OpenedTag]:
    """All tags by name; there are at most ``services.MOST_TAGS``."""
    return sorted(map(opened, Tag.objects.all()), key=lambda each: normalize(each.name))


def specs() -> dict[str, FieldSpec]:
    """Every tag as a field called ``tag.ID``: how much a rule tells that asks for it."""
    found = (opened(row) for row in Tag.objects.all())
    return {
        f"{TAG_PREFIX}{tag.id}": FieldSpec(
            f"{TAG_PREFIX}{tag.id}", tag.name, "tag", tag.level, ("tags", str(tag.id)), merge=False
        )
        for tag in found
    }


def by_ids(ids: Collection[int]) -> dict[int, OpenedTag]:
    """These tags by id; what is gone is left out. One query, and none for nothing."""
    return {row.pk: opened(row) for row in Tag.objects.filter(pk__in=ids)} if ids else {}


def name_token(name: str) -> bytes:
    """The keyed look-up of a tag's name; case, accents and spaces do not count."""
    return token128("tag.name", normalize(name))


def ids_of(names: Iterable[str]) -> dict[str, int]:
    """Ids of the tags of these names, by name as given; names that nothing has are left out. One query."""
    by_token: dict[bytes, list[str]] = {}
    for name in names:
        by_token.setdefault(name_token(name), []).append(name)
    rows = Tag.objects.filter(name_token__in=by_token).values_list("name_token", "pk") if by_token else ()
    return {name: pk for token, pk in rows for name in by_token[bytes(token)]}


def names_of(ids: Collection[int]) -> dict[int, str]:
    """Names of these tags by id; what is gone is left out."""
    return {pk: tag.name for pk, tag in by_ids(ids).items()}


def shown_to(role: str, tags: Iterable[OpenedTag]) -> list[OpenedTag]:
    """Those of ``tags`` that ``role`` may read: specially protected ones only where people are worked with."""
    every = allows(role, Permission.CONTACT_EDIT) or allows(role, Permission.CONTACT_REVEAL)
    return [tag for tag in tags if every or not tag.protected]


# -- Who has them ----------------------------------------------------------------------------------------------------


def of_person(person_id: int) -> list[OpenedTag]:
    """The tags of one person, by name."""
    rows = Tag.objects.filter(pk__in=PersonTag.objects.filter(person_id=person_id).values("tag_id"))
    return sorted(map(opened, rows), key=lambda each: normalize(each.name))


def of_people(ids: Collection[int]) -> dict[int, set[int]]:
    """Ids of the tags of these people, by person; whoever has none is left out. One query."""
    found: dict[int, set[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT person_id, tag_id FROM contacts_persontag WHERE person_id = ANY(%s::bigint[])", [int8_array(ids)]
        )
        for person, tag in cursor.fetchall():
            found.setdefault(person, set()).add(tag)
    return found


def load_tags(records: Mapping[int, PersonRecord]) -> None:
    """Fill in ``tags`` of opened people. One query."""
    found = of_people(records) if records else {}
    for person, record in records.items():
        record.tags = frozenset(found.get(person, ()))


def counts() -> dict[int, int | None]:
    """How many people have each tag; None where there are more than ``COUNT_UP_TO``. One look into the key each."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, (SELECT count(*) FROM (SELECT 1 FROM contacts_persontag g WHERE g.tag_id = t.id LIMIT %s) g)"  # noqa: S608
            f" FROM {TAG_TABLE} t",
            [COUNT_UP_TO + 1],
        )
        return {pk: None if number > COUNT_UP_TO else number for pk, number in cursor.fetchall()}


def tags_given(import_id: int, people: Collection[int]) -> int:
    """How many tags of these people are still those that an import gave."""
    return PersonTag.objects.filter(person_id__in=people, import_id=import_id).count() if people else 0


def count_of(tag_id: int) -> int:
    """How many people have one tag, all of them counted, from the key alone."""
    return PersonTag.objects.filter(tag_id=tag_id).count()
