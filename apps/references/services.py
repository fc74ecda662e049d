"""Writing who uses what. Part of saving the user: in its transaction and under its lock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Q

from apps.references.models import Noun, Place, Reference


class Used(NamedTuple):
    """One thing that is used, and how."""

    kind: Noun
    id: int
    place: Place


def references_write(*, user_kind: Noun, user_id: int, uses: Iterable[Used]) -> None:
    """Note that the object uses exactly this. Caller's transaction, object lock and audit entry."""
    wanted = {(str(use.kind), use.id, str(use.place)) for use in uses}
    mine = Reference.objects.filter(user_kind=user_kind, user_id=user_id)
    present = {(row.used_kind, row.used_id, row.place): row.pk for row in mine}
    if gone := [pk for use, pk in present.items() if use not in wanted]:
        mine.filter(pk__in=gone).delete()
    Reference.objects.bulk_create(
        Reference(user_kind=user_kind, user_id=user_id, used_kind=kind, used_id=number, place=place)
        for kind, number, place in sorted(wanted - present.keys())
    )


def references_delete(*, kind: Noun, ids: Iterable[int]) -> None:
    """These objects are gone: they use nothing and nothing uses them. Caller's transaction and audit entry."""
    numbers = list(ids)
    Reference.objects.filter(Q(user_kind=kind, user_id__in=numbers) | Q(used_kind=kind, used_id__in=numbers)).delete()
