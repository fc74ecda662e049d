"""Reading the history of approvals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from apps.approvals.models import ApprovalEntry
from apps.audit import selectors as audit

Decision = ApprovalEntry.Decision


@dataclass(frozen=True, repr=False)
class Review:
    """One entry of an approval's history in words."""

    at: datetime
    who: str
    decision: str
    comment: str
    audience: int | None

    @property
    def title(self) -> str:
        """ "Approved by Rita Vargas"."""
        return f"{self.decision} by {self.who}" if self.who else self.decision


def entries(kind: str, subject: int) -> QuerySet[ApprovalEntry]:
    """The history of one object's approval, newest first."""
    return ApprovalEntry.objects.filter(kind=kind, subject=subject).order_by("-pk")


def entries_of_all(kind: str) -> QuerySet[ApprovalEntry]:
    """The entries of everything of a kind, to be joined by ``subject``."""
    return ApprovalEntry.objects.filter(kind=kind)


def latest(kind: str, subject: int) -> ApprovalEntry | None:
    """The last entry, or None when nobody asked yet."""
    return entries(kind, subject).first()


def submission(kind: str, subject: int) -> int:
    """Which submission or decision is the latest: the id of its row, 0 when there is none."""
    return entries(kind, subject).values_list("pk", flat=True).first() or 0


def planned(kind: str, subjects: Collection[int] | QuerySet[Any, int]) -> dict[int, int]:
    """For how many people it was asked for the last time, by subject, where a number was noted."""
    rows = ApprovalEntry.objects.filter(
        kind=kind, subject__in=subjects, decision=Decision.SUBMITTED, audience__isnull=False
    )
    return {row.subject: row.audience or 0 for row in rows.order_by("pk")}


def in_words(rows: Sequence[ApprovalEntry]) -> list[Review]:
    """These entries with names and comments in clear."""
    names = audit.actors_in_words(row.actor for row in rows)
    return [Review(row.at, names[row.actor], row.get_decision_display(), row.comment, row.audience) for row in rows]
