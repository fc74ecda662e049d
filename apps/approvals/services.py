"""Writing the history of approvals. The app whose object it is checks, locks, and records its own act on the trail."""

from __future__ import annotations

from apps.approvals import selectors
from apps.approvals.models import APPROVAL_TABLE, ApprovalEntry
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.vault import sealing

LONGEST_COMMENT = 2_000


def entry_add(
    *,
    actor: Actor,
    kind: str,
    subject: int,
    decision: ApprovalEntry.Decision,
    fingerprint: bytes | memoryview | None,
    comment: str = "",
    audience: int | None = None,
) -> ApprovalEntry:
    """Write down what ``actor`` asked or decided. Caller's transaction, object lock and audit entry."""
    number = next_ids(APPROVAL_TABLE, 1)[0]
    comment = comment.strip()[:LONGEST_COMMENT]
    return ApprovalEntry.objects.create(
        id=number,
        kind=kind,
        subject=subject,
        at=clock.now(),
        actor=str(actor),
        decision=decision,
        fingerprint=fingerprint,
        audience=audience,
        sealed=sealing.seal_service({"comment": comment}, table=APPROVAL_TABLE, row=number) if comment else None,
    )


def ensure_read(*, kind: str, subject: int, looked_at: int | None) -> None:
    """Raise ``Refused`` unless ``looked_at`` (id of an entry) is the latest: a later one is not approved unread."""
    if looked_at is not None and selectors.submission(kind, subject) != looked_at:
        raise Refused(
            "approval.asked_anew", "It was changed and submitted again while you looked at it. Read what is there now."
        )


def ensure_said(comment: str) -> str:
    """The comment of whoever sends something back. Raises ``Refused`` when they say nothing."""
    if not comment.strip():
        raise Refused("approval.without_comment", "Say what has to change, so that the author can do it.")
    return comment


def entries_delete(*, kind: str, subject: int) -> None:
    """The object is deleted, and its history with it. Caller's transaction and audit entry."""
    ApprovalEntry.objects.filter(kind=kind, subject=subject).delete()
