"""Key-set pages: the cost of page 10,000 is the cost of page one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db.models import Model, QuerySet

T = TypeVar("T", bound=Model)
_SALT = "keyset"


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page, newest first. ``next`` and ``previous`` are signed cursors (ids only) or empty."""

    items: list[T]
    next: str
    previous: str
    first: int  # number of the first row shown, from 1; 0 when the page is empty
    last: int
    total: int | None = None


def keyset(
    queryset: QuerySet[T],
    cursor: str = "",
    *,
    size: int = 50,
    total: int | None = None,
    key: str = "pk",
    fitting: Callable[[Sequence[T]], int] | None = None,
) -> Page[T]:
    """The page of ``queryset`` that ``cursor`` names, ordered by ``key`` descending.

    ``key`` is a unique column. A cursor that we did not sign is ignored (the first page comes). ``fitting`` is for
    pages whose lines hold several rows: given up to ``size`` rows in the order in which the reader goes, it says how
    many of them this page takes (at least one).
    """
    direction, edge, start = "next", None, 1
    if cursor:
        try:
            direction, edge, start = signing.loads(cursor, salt=_SALT)
        except (signing.BadSignature, ValueError, TypeError):
            direction, edge, start = "next", None, 1
    if direction == "next":
        rows = queryset.order_by(f"-{key}")
        if edge is not None:
            rows = rows.filter(**{f"{key}__lt": edge})
        items = list(rows[: size + 1])
        if fitting is not None and items:
            size = fitting(items[:size])
        has_next, has_previous = len(items) > size, edge is not None
        items = items[:size]
    else:
        items = list(queryset.order_by(key).filter(**{f"{key}__gt": edge})[: size + 1])
        if fitting is not None and items:
            size = fitting(items[:size])
        has_next, has_previous = True, len(items) > size
        items = items[:size][::-1]
        start = max(start - len(items), 1)
    if not items:
        return Page([], "", "", 0, 0, total)
    last = start + len(items) - 1
    return Page(
        items=items,
        next=_sign("next", getattr(items[-1], key), last + 1) if has_next else "",
        previous=_sign("previous", getattr(items[0], key), start) if has_previous and start > 1 else "",
        first=start,
        last=last,
        total=total,
    )


def _sign(direction: str, edge: Any, start: int) -> str:
    return signing.dumps([direction, edge, start], salt=_SALT)
