# ruff: noqa: S608 - see planning
"""Sending a campaign: freeze the audience, feed the outbox in chunks, pause, resume, cancel, finish."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F

from apps.approvals import selectors as approvals
from apps.approvals.fingerprints import is_same
from apps.audit.actions import Action
from apps.audit.services import record
from apps.campaigns import planning, selectors
from apps.campaigns.audience import audience_of
from apps.campaigns.models import WITH_APPROVAL, Campaign, CampaignRecipient, State
from apps.campaigns.services import (
    Changed,
    approval_hash,
    ensure_time,
    has_moved,
    lock_feeding,
    locked,
    void,
    void_moved,
)
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.models import OutboxMessage, ReadyMessage
from apps.delivery.models.outbox import MessageKind
from apps.delivery.services import OutboxItem, enqueue, source_pause, source_resume, source_stop
from apps.jobs import waking

CHUNK = 2_000
# An audience that outgrew what was approved by more than this goes back: nobody approved those people.
GROWTH = 1.1
GROWTH_PEOPLE = 20
CAMPAIGN = MessageKind.CAMPAIGN


def campaign_send(*, actor: Actor, campaign_id: int, at: datetime | None = None) -> Campaign:
    """Send an approved campaign now, or at an aware time. Raises Refused; Changed voids the approval."""
    try:
        with transaction.atomic():
            campaign = locked(campaign_id)
            if campaign.state not in (State.APPROVED, State.SCHEDULED):
                raise Refused("campaign.not_approved", "Only an approved campaign can be sent. Ask for approval first.")
            _check(campaign)
            if at is not None:
                ensure_time(at, clock.now())
                campaign.state, campaign.send_at = State.SCHEDULED, at
                campaign.save(update_fields=["state", "send_at"])
                record(
                    actor=actor,
                    action=Action.CAMPAIGN_SCHEDULE,
                    kind="campaign",
                    subject=campaign.pk,
                    codes={"at": at.isoformat()},
                )
                return campaign
            _start(actor, campaign)
            return campaign
    except Changed:
        void_moved(actor, campaign_id)
        raise


def campaign_unschedule(*, actor: Actor, campaign_id: int) -> Campaign:
    """Cancel the schedule; the approval stays."""
    with transaction.atomic():
        campaign = locked(campaign_id)
        if campaign.state != State.SCHEDULED:
            raise Refused("campaign.not_scheduled", "This campaign is not scheduled.")
        campaign.state, campaign.send_at = State.APPROVED, None
        campaign.save(update_fields=["state", "send_at"])
        record(
            actor=actor, action=Action.CAMPAIGN_CANCEL, kind="campaign", subject=campaign.pk, codes={"what": "schedule"}
        )
        return campaign


def _check(campaign: Campaign) -> None:
    opened = selectors.opened(campaign)
    if not is_same(campaign.approval, approval_hash(opened, campaign.skeleton_id)):
        raise Changed


def _start(actor: Actor, campaign: Campaign) -> None:
    """Freeze the audience as it is now. One statement; the outbox is fed in chunks afterwards."""
    opened = selectors.opened(campaign)
    now = clock.now()
    query = planning.statement(
        actor=actor, audience=audience_of(opened.stored), purpose=Purpose(campaign.purpose), now=now
    )
    with connection.cursor() as cursor:
        planning.prepare(cursor)
        cursor.execute(
            f"INSERT INTO campaigns_campaignrecipient (campaign_id, person, held) "
            f"{query.sql} SELECT %s, person_id, held FROM sorted_people",
            [*query.params, campaign.pk],
        )
        frozen = cursor.rowcount
        cursor.execute(
            "SELECT count(*) FROM campaigns_campaignrecipient WHERE campaign_id = %s AND held = ''", [campaign.pk]
        )
        going = cursor.fetchone()[0]
    if not going:
        raise Refused("campaign.nobody_left", "Nobody would get this message. Look at the plan for the reasons.")
    planned = approvals.planned(selectors.KIND, [campaign.pk]).get(campaign.pk)
    if planned is not None and frozen > planned * GROWTH and frozen > planned + GROWTH_PEOPLE:
        raise Refused(
            "campaign.audience_grew",
            f"The audience grew from {planned:,} to {frozen:,} people since it was approved. Take the approval "
            "back and ask for it again.",
        )
    campaign.state, campaign.started_at, campaign.send_at = State.SENDING, now, None
    campaign.audience, campaign.to_feed = frozen, going
    campaign.fed, campaign.cursor, campaign.fed_all = 0, 0, False
    campaign.save()
    record(
        actor=actor,
        action=Action.CAMPAIGN_SEND,
        kind="campaign",
        subject=campaign.pk,
        purpose=campaign.purpose,
        codes={"audience": frozen, "queued": going},
    )
    waking.wake("apps.campaigns.tasks.feed", campaign.pk, expires=30)


@transaction.atomic
def campaign_feed(*, actor: Actor, campaign_id: int, chunk: int = CHUNK) -> int:
    """Queue the next people of the frozen audience; returns how many. 0 when all are fed or somebody else feeds.

    The checkpoint moves in the transaction that writes the outbox rows: a crash repeats nothing, skips nobody.
    """
    if not lock_feeding(campaign_id):
        return 0
    campaign = locked(campaign_id)
    if campaign.state != State.SENDING or campaign.fed_all:
        return 0
    people = list(
        CampaignRecipient.objects.filter(campaign=campaign, held="", person__gt=campaign.cursor)
        .order_by("person")
        .values_list("person", flat=True)[:chunk]
    )
    if people:
        enqueue(
            actor=actor,
            items=[
                OutboxItem(
                    kind=CAMPAIGN,
                    purpose=Purpose(campaign.purpose),
                    level=Level(campaign.level),
                    person_id=person,
                    source_id=campaign.pk,
                )
                for person in people
            ],
        )
    campaign.cursor = people[-1] if people else campaign.cursor
    campaign.fed = F("fed") + len(people)
    campaign.fed_all = len(people) < chunk
    campaign.save(update_fields=["cursor", "fed", "fed_all"])
    return len(people)


def campaign_feed_all(*, actor: Actor, campaign_id: int, chunk: int = CHUNK) -> int:
    """Feed until nothing is left; returns how many were queued."""
    total = 0
    while queued := campaign_feed(actor=actor, campaign_id=campaign_id, chunk=chunk):
        total += queued
    return total


@transaction.atomic
def campaign_pause(*, actor: Actor, campaign_id: int) -> Campaign:
    """Let nothing more leave; what is on the wire at this moment still goes."""
    campaign = locked(campaign_id)
    if campaign.state != State.SENDING:
        raise Refused("campaign.not_being_sent", "Only a campaign that is being sent can be paused.")
    campaign.state = State.PAUSED
    campaign.save(update_fields=["state"])
    source_pause(actor=actor, kind=CAMPAIGN, source_id=campaign.pk)
    record(actor=actor, action=Action.CAMPAIGN_PAUSE, kind="campaign", subject=campaign.pk)
    return campaign


@transaction.atomic
def hold_after_restore(*, actor: Actor) -> dict[str, int]:
    """Pause what is being sent and call off what should have started by now: a backup does not know what left since.

    A person resumes it, or stops it where it went out in the meantime.
    """
    sending = list(Campaign.objects.filter(state=State.SENDING).values_list("pk", flat=True))
    for number in sending:
        campaign_pause(actor=actor, campaign_id=number)
    missed = Campaign.objects.filter(state=State.SCHEDULED, send_at__lte=clock.now())
    due = list(missed.values_list("pk", flat=True))
    for number in due:
        campaign_unschedule(actor=actor, campaign_id=number)
    return {"campaigns_paused": len(sending), "schedules_called_off": len(due)}


@transaction.atomic
def campaign_resume(*, actor: Actor, campaign_id: int) -> Campaign:
    """Go on where it stopped."""
    campaign = locked(campaign_id)
    if campaign.state != State.PAUSED:
        raise Refused("campaign.not_paused", "This campaign is not paused.")
    campaign.state = State.SENDING
    campaign.save(update_fields=["state"])
    source_resume(actor=actor, kind=CAMPAIGN, source_id=campaign.pk)
    record(actor=actor, action=Action.CAMPAIGN_RESUME, kind="campaign", subject=campaign.pk)
    waking.wake("apps.campaigns.tasks.feed", campaign.pk, expires=30)
    return campaign


@transaction.atomic
def campaign_cancel(*, actor: Actor, campaign_id: int) -> int:
    """Stop for good; returns how many messages will not leave. What left cannot be called back."""
    campaign = locked(campaign_id)
    if campaign.state not in (State.SENDING, State.PAUSED):
        raise Refused("campaign.not_being_sent", "Only a campaign that is being sent or paused can be stopped.")
    stopped = source_stop(actor=actor, kind=CAMPAIGN, source_id=campaign.pk)
    unfed = (campaign.to_feed or 0) - campaign.fed
    campaign.state, campaign.finished_at, campaign.fed_all = State.CANCELLED, clock.now(), True
    campaign.save(update_fields=["state", "finished_at", "fed_all"])
    record(
        actor=actor,
        action=Action.CAMPAIGN_CANCEL,
        kind="campaign",
        subject=campaign.pk,
        codes={"stopped": stopped + max(unfed, 0)},
    )
    return stopped + max(unfed, 0)


def tick(*, actor: Actor) -> dict[str, int]:
    """The beat's look: start what is due, feed what waits, finish what is through. Every part may be lost."""
    counts = {"started": 0, "fed": 0, "finished": 0}
    now = clock.now()
    for number in Campaign.objects.filter(state=State.SCHEDULED, send_at__lte=now).values_list("pk", flat=True):
        try:
            campaign_send(actor=actor, campaign_id=number)
            counts["started"] += 1
        except Changed:
            continue  # voided: the author finds it as a draft again
        except Refused as refusal:
            _miss(actor, number, str(refusal))
    for number in Campaign.objects.filter(state=State.SENDING, fed_all=False).values_list("pk", flat=True):
        counts["fed"] += campaign_feed_all(actor=actor, campaign_id=number)
    for number in Campaign.objects.filter(state=State.SENDING, fed_all=True).values_list("pk", flat=True):
        counts["finished"] += finish_if_done(campaign_id=number)
    return counts


def compare(*, actor: Actor) -> int:
    """Void what changed behind an approval; returns how many campaigns that were.

    Nobody should learn at the hour of sending that what was approved days ago is not there any more. Each comparison
    opens a campaign, its segments and its brand, so this has a slower beat than ``tick``; a start compares anyway.
    """
    voided = 0
    for row in Campaign.objects.filter(state__in=(*WITH_APPROVAL, State.SCHEDULED)):
        if has_moved(selectors.opened(row)):
            void_moved(actor, row.pk)
            voided += 1
    return voided


def _miss(actor: Actor, campaign_id: int, why: str) -> None:
    """A scheduled start that was refused goes back to a draft, instead of trying again every few seconds."""
    with transaction.atomic():
        campaign = locked(campaign_id)
        if campaign.state == State.SCHEDULED:
            void(actor, campaign, why)
            campaign.save()
            record(actor=actor, action=Action.CAMPAIGN_CHANGE, kind="campaign", subject=campaign.pk, codes={"void": 1})


@transaction.atomic
def finish_if_done(*, campaign_id: int) -> int:
    """Mark a campaign as done when nothing of it waits or is on the wire; 1 if so. The trail has each message."""
    campaign = locked(campaign_id)
    if campaign.state != State.SENDING or not campaign.fed_all:
        return 0
    if ReadyMessage.objects.filter(kind=CAMPAIGN, source_id=campaign.pk).exists():
        return 0
    if OutboxMessage.objects.filter(kind=CAMPAIGN, source_id=campaign.pk, state="queued").exists():
        return 0
    campaign.state, campaign.finished_at = State.DONE, clock.now()
    campaign.save(update_fields=["state", "finished_at"])
    return 1


def due_soon(now: datetime, days: int = 7) -> list[Campaign]:
    """What goes out in the next days, soonest first."""
    return list(
        Campaign.objects.filter(state=State.SCHEDULED, send_at__lte=now + timedelta(days=days)).order_by("send_at")
    )


__all__ = [
    "campaign_cancel",
    "campaign_feed",
    "campaign_feed_all",
    "campaign_pause",
    "campaign_resume",
    "campaign_send",
    "campaign_unschedule",
    "compare",
    "due_soon",
    "finish_if_done",
    "hold_after_restore",
    "tick",
]
