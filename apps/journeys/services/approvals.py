"""Asking for approval of a journey, approving and sending it back."""

from __future__ import annotations

from django.db import transaction

from apps.approvals import services as approval_services
from apps.approvals import two_people
from apps.approvals.models import ApprovalEntry
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.content import services as content_services
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.permissions import Permission
from apps.journeys import approvals, context, outgoing
from apps.journeys.definition import Definition, DefinitionBroken
from apps.journeys.models import Journey
from apps.journeys.parse import parse
from apps.segments import services as segment_services

Decision = ApprovalEntry.Decision


class NotApproved(Refused):
    """The draft may not be switched on before a second person approved exactly it."""

    def __init__(self, state: str) -> None:
        reasons = {
            "none": "Nobody has approved this journey yet.",
            "waiting": "This journey waits for approval.",
            "rejected": "This journey was sent back. Change it and ask for approval again.",
            "changed": "The steps, a text or a segment changed since this journey was submitted.",
        }
        tail = (
            "" if state == "rejected" else " First a reviewer or an administrator who did not prepare it approves it."
        )
        super().__init__("journey.not_approved", reasons[state] + tail)


@transaction.atomic
def journey_submit(*, actor: Actor, journey: Journey) -> ApprovalEntry:
    """Ask for approval of exactly this draft. Raises ``DefinitionBroken`` with everything to mend, ``Refused``."""
    locked, draft = _locked(journey)
    state = approvals.standing(locked, draft).state
    if state == "free":
        raise Refused("approval.not_needed", "This journey sends nothing, so it needs no approval. Activate it.")
    if state in ("waiting", "approved"):
        raise Refused("approval.asked_already", "This journey waits for approval already, or has passed it.")
    if problems := context.problems(draft):
        raise DefinitionBroken(problems)
    # Texts that were never published are published here: what is approved must not move any more.
    outgoing.freeze(actor=actor, definition=draft)
    return _review(actor, locked, draft, Decision.SUBMITTED, Action.JOURNEY_SUBMIT)


@transaction.atomic
def journey_approve(
    *, actor: Actor, journey: Journey, comment: str = "", looked_at: int | None = None
) -> ApprovalEntry:
    """Approve exactly what was submitted, as somebody who did not prepare it. Raises ``Refused``.

    ``looked_at`` is the submission that was read (id of its row): a later one is not approved unread.
    """
    locked, draft = _may_decide(actor, journey, looked_at)
    segment_services.segments_approve(ids=approvals.segment_ids(draft))
    for text in approvals.texts(draft):
        content_services.words_approve(version=text.version, brand=text.brand)
    # Looked at again: now no segment and no sender can move any more.
    _ensure_waiting(locked, draft)
    return _review(actor, locked, draft, Decision.APPROVED, Action.JOURNEY_APPROVE, comment)


@transaction.atomic
def journey_reject(*, actor: Actor, journey: Journey, comment: str, looked_at: int | None = None) -> ApprovalEntry:
    """Send it back with a comment that says what to change; see ``journey_approve``. Raises ``Refused``."""
    approval_services.ensure_said(comment)
    locked, draft = _may_decide(actor, journey, looked_at)
    return _review(actor, locked, draft, Decision.REJECTED, Action.JOURNEY_REJECT, comment)


def ensure_approved(journey: Journey, definition: Definition) -> None:
    """Raise ``NotApproved`` unless this definition may be switched on. Caller's transaction, the journey locked."""
    found = approvals.standing(journey, definition)
    if not found.may_run:
        raise NotApproved(found.state)


def _locked(journey: Journey) -> tuple[Journey, Definition]:
    locked = Journey.objects.select_for_update().get(pk=journey.pk)
    return locked, parse(locked.opened()["draft"])


def _may_decide(actor: Actor, journey: Journey, looked_at: int | None) -> tuple[Journey, Definition]:
    locked, draft = _locked(journey)
    _ensure_waiting(locked, draft)
    approval_services.ensure_read(kind=approvals.KIND, subject=locked.pk, looked_at=looked_at)
    two_people.ensure_may_decide(actor, Permission.JOURNEY_APPROVE)
    if why := approvals.why_not(actor, locked, draft):
        raise Refused("approval.own_work", why)
    return locked, draft


def _ensure_waiting(journey: Journey, draft: Definition) -> None:
    state = approvals.standing(journey, draft).state
    if state == "changed":
        raise Refused(
            "approval.outdated",
            "The steps, a text or a segment changed since this journey was submitted. Look at it and submit it again.",
        )
    if state != "waiting":
        raise Refused("approval.not_asked", "This journey does not wait for approval.")


def _review(
    actor: Actor, journey: Journey, draft: Definition, decision: Decision, action: Action, comment: str = ""
) -> ApprovalEntry:
    entry = approval_services.entry_add(
        actor=actor,
        kind=approvals.KIND,
        subject=journey.pk,
        decision=decision,
        fingerprint=approvals.fingerprint(journey, draft),
        comment=comment,
    )
    audit.record(actor=actor, action=action, kind="journey", subject=journey.pk)
    return entry
