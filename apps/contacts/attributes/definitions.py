"""Attributes that the installation added to its people: opened definitions, and the list of all fields with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite

from django.db import connection

from apps.contacts.attributes.numbers import NumberRange
from apps.contacts.models import AttributeDefinition
from apps.contacts.models.attribute import ATTRIBUTE_TABLE
from apps.contacts.person.fields import FIELDS, TAG_PREFIX, FieldSpec
from apps.contacts.tags import definitions as tags
from apps.core.levels import Level
from apps.vault import tokens

TABLE = ATTRIBUTE_TABLE
PREFIX = "attribute."
LONGEST_VALUE = 1000
YES_NO = (("true", "Yes"), ("false", "No"))
#: Whoever writes search values holds it shared while it writes, whoever changes a definition holds it alone: a value
#: written by the old definition is committed before the search values are brought up to the new one.
LOCK = 0x61747472


@dataclass(frozen=True, repr=False)
class Attribute:
    """One definition, opened. ``spec`` is how fields of people are described everywhere."""

    id: int
    name: str
    label: str
    type: str
    type_word: str
    level: Level
    searchable: bool
    retired: bool
    slot: int | None
    numbers: NumberRange | None
    choices: tuple[str, ...]
    row: AttributeDefinition

    def misfit(self, value: object) -> str:
        """What keeps ``value`` from being one of this attribute, as the end of a sentence ("is no number"), or ""."""
        if self.type == "yes_no":
            return "" if isinstance(value, bool) else "is neither yes nor no"
        if self.type == "number":
            if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
                return "is no number"
            outside = self.numbers is not None and self.numbers.at(value) is None
            return f"is not within {self.numbers.words()}" if outside and self.numbers else ""
        if not isinstance(value, str):
            return "is no text"
        if not value.strip():
            return "is empty"
        if self.type == "choice":
            return "" if value in self.choices else "is none of its choices"
        if self.type == "date":
            try:
                return "" if date.fromisoformat(value).isoformat() == value else "is no day"
            except ValueError:
                return "is no day"
        return "" if len(value) <= LONGEST_VALUE else f"has more than {LONGEST_VALUE} characters"

    @property
    def spec(self) -> FieldSpec:
        """As a field of the list, called ``attribute.NAME``."""
        search = "token"
        if self.retired or not self.searchable:
            search = "none"
        elif self.slot is not None:
            search = "day" if self.type == "date" else "range"
        choices = YES_NO if self.type == "yes_no" else tuple((choice, choice) for choice in self.choices)
        return FieldSpec(
            name=f"{PREFIX}{self.name}",
            label=self.label,
            type=self.type,
            level=self.level,
            path=("attributes", self.name),
            search=search,
            merge=not self.retired,
            choices=choices,
            slot=self.slot if search in ("day", "range") else None,
            numbers=self.numbers,
        )


def opened(row: AttributeDefinition) -> Attribute:
    """Open one definition."""
    facts = row.opened()
    name = str(facts["name"])
    numbers = None
    if row.type == "number" and row.low is not None and row.high is not None:
        numbers = NumberRange(row.low, row.high, row.bucket, row.scale)
    return Attribute(
        id=row.pk,
        name=name,
        label=str(facts.get("label") or name.replace("_", " ").capitalize()),
        type=row.type,
        type_word=row.get_type_display(),
        level=Level(row.level),
        searchable=row.searchable,
        retired=row.retired_at is not None,
        slot=row.slot,
        numbers=numbers,
        choices=tuple(str(choice) for choice in facts.get("choices") or ()),
        row=row,
    )


def everything(*, retired: bool = False) -> list[Attribute]:
    """All definitions by label; retired ones only when asked for."""
    found = [opened(row) for row in AttributeDefinition.objects.all()]
    return sorted((each for each in found if retired or not each.retired), key=lambda each: each.label.casefold())


def ids_of(names: Collection[str]) -> dict[str, int]:
    """Name to id of these own attributes, retired ones too; names that there are none of are left out. One query."""
    by_token = {tokens.token128("attribute.name", name): name for name in names}
    rows = AttributeDefinition.objects.filter(token__in=by_token).values_list("token", "pk") if by_token else ()
    return {by_token[bytes(token)]: pk for token, pk in rows}


def types() -> dict[str, str]:
    """Name to type (text, choice, date, number, yes_no) of every own attribute in use."""
    return {each.name: each.type for each in everything()}


def choices() -> dict[str, tuple[str, ...]]:
    """Name to its list, of every own attribute in use that has one."""
    return {each.name: each.choices for each in everything() if each.choices}


class Catalog(Mapping[str, FieldSpec]):
    """``FIELDS`` and the own attributes as ``attribute.NAME``; these are read when the first of them is asked for.

    A tag can be asked for as ``tag.ID``; it is no field, so it is not counted among them.

    Retired ones are in it (kept sealed, not searchable), so that their values and levels still have a name. With
    ``writing`` the reader holds the lock of definitions to the end of its transaction: what it writes fits them.
    """

    def __init__(self, *, writing: bool = False) -> None:
        self._writing = writing
        self._own: dict[str, FieldSpec] | None = None
        self._tags: dict[str, FieldSpec] | None = None

    @property
    def own(self) -> dict[str, FieldSpec]:
        """The own attributes alone."""
        if self._own is None:
            if self._writing:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])
            self._own = {each.spec.name: each.spec for each in everything(retired=True)}
        return self._own

    def __getitem__(self, name: str) -> FieldSpec:
        if name.startswith(PREFIX):
            return self.own[name]
        if name.startswith(TAG_PREFIX):
            if self._tags is None:
                self._tags = tags.specs()
            return self._tags[name]
        return FIELDS[name]

    def __iter__(self) -> Iterator[str]:
        yield from FIELDS
        yield from self.own

    def __len__(self) -> int:
        return len(FIELDS) + len(self.own)


def catalog(*, writing: bool = False) -> Catalog:
    """A fresh list of all fields; own attributes cost one query, when one is asked for at all."""
    return Catalog(writing=writing)
