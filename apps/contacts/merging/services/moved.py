"""Rows that go with the person from one record to another: their number and their seals change, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db import connection
from django.db.models import Field, Model, Q

from apps.contacts.merging.parts import Merging, Notes, Part
from apps.contacts.person.records import PersonRecord
from apps.core.bulk import bytea_array, int8_array
from apps.vault import sealing

_CHUNK = 500


@dataclass(frozen=True)
class Seal:
    """A sealed column: under which key of the person, and the place it is bound to (table, row, perhaps version)."""

    column: str
    key: Literal["profile", "record"]
    place: str
    version: str = ""


@dataclass(frozen=True)
class Child:
    """Sealed rows below a moved one, under the keys of the same person; ``parent`` is the column that says so."""

    model: type[Model]
    parent: str
    seals: tuple[Seal, ...]


@dataclass(frozen=True)
class Moved:
    """Rows of a table that move. ``only`` leaves some where they are; ``also`` are further names of ``covers``."""

    model: type[Model]
    person: str = "person"
    seals: tuple[Seal, ...] = ()
    children: tuple[Child, ...] = ()
    only: Q = field(default_factory=Q)
    noun: tuple[str, str] = ("", "")
    order: int = 50

    def part(self) -> Part:
        """The part to register."""
        label = self.model._meta.label
        return Part(
            name=label,
            covers=(f"{label}.{self.person}",),
            merge=self.merge,
            undo=self.undo,
            words=self.words,
            order=self.order,
        )

    def merge(self, merging: Merging) -> Notes:
        """Give the merged record's rows to the kept one; the notes have their ids."""
        rows = self.model._default_manager.filter(self.only, **{self.person: merging.merged.id})
        ids = sorted(rows.values_list("pk", flat=True))
        self._give(ids, merging.merged, merging.kept)
        return {"ids": ids} if ids else {}

    def undo(self, merging: Merging, notes: Notes) -> list[str]:
        """Give those rows back that are still the kept person's."""
        rows = self.model._default_manager.filter(pk__in=notes.get("ids", ()), **{self.person: merging.kept.id})
        self._give(sorted(rows.values_list("pk", flat=True)), merging.kept, merging.merged)
        return []

    def words(self, notes: Notes) -> list[str]:
        """How many rows of a nameable kind moved."""
        count = len(notes.get("ids", ()))
        return [f"{count:,} {self.noun[0] if count == 1 else self.noun[1]}"] if count and self.noun[0] else []

    def _give(self, ids: Sequence[int], giver: PersonRecord, taker: PersonRecord) -> None:
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            for child in self.children:
                rows = child.model._default_manager.filter(**{f"{child.parent}__in": chunk})
                reseal(child.model, list(rows), child.seals, giver, taker)
            rows = self.model._default_manager.select_for_update().filter(pk__in=chunk).order_by("pk")
            reseal(self.model, list(rows), self.seals, giver, taker, person=self.person)


def reseal(
    model: type[Model],
    rows: Sequence[Any],
    seals: Sequence[Seal],
    giver: PersonRecord,
    taker: PersonRecord,
    *,
    person: str = "",
) -> None:
    """Seal the rows' columns under the keys of ``taker`` instead of ``giver``'s, and with ``person`` write whose they
    are. What cannot be opened stays as it is: nobody could read it before.
    """
    if not rows:
        return
    columns: dict[str, list[bytes | None]] = {}
    for seal in seals:
        keys = (giver.profile_key, taker.profile_key) if seal.key == "profile" else (giver.record_key, taker.record_key)
        columns[seal.column] = [_resealed(row, seal, keys) for row in rows]
    if not columns:
        model._default_manager.filter(pk__in=[row.pk for row in rows]).update(**{f"{person}_id": taker.id})
        return
    quote = connection.ops.quote_name
    fields = {name: quote(_column(model, name)) for name in columns}
    sets = [f"{column} = c.{column}" for column in fields.values()]
    if person:
        sets.append(f"{quote(_column(model, person))} = {int(taker.id)}")
    key = _column(model, "pk")
    statement = (
        f"UPDATE {quote(model._meta.db_table)} t SET {', '.join(sets)}"  # noqa: S608 - names of models and a number
        f" FROM unnest(%s::bigint[], {', '.join('%s::bytea[]' for _ in fields)})"
        f" AS c(pk, {', '.join(fields.values())}) WHERE t.{quote(key)} = c.pk"
    )
    values = [_array(column) for column in columns.values()]
    with connection.cursor() as cursor:
        cursor.execute(statement, [int8_array(row.pk for row in rows), *values])


def _column(model: type[Model], name: str) -> str:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    assert isinstance(field, Field)
    return str(field.column)


def _resealed(row: Any, seal: Seal, keys: tuple[bytes, bytes]) -> bytes | None:
    blob = getattr(row, seal.column)
    if blob is None or sealing.is_service(blob):
        return None if blob is None else bytes(blob)
    version = getattr(row, seal.version) if seal.version else 1
    with suppress(sealing.SealBroken):
        raw = sealing.open_bytes(keys[0], blob, table=seal.place, row=row.pk, version=version)
        return sealing.seal_bytes(keys[1], raw, table=seal.place, row=row.pk, version=version)
    return bytes(blob)


def _array(values: Sequence[bytes | None]) -> str | list[bytes | None]:
    if any(value is None for value in values):
        return list(values)
    return bytea_array(value for value in values if value is not None)
