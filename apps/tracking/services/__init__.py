"""Clicks and unsubscribing: the writes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts import services as contacts
from apps.contacts.consent.opt_outs import mailboxes_note
from apps.contacts.consent.services import for_now
from apps.contacts.models import Suppression
from apps.contacts.person.selectors import mailbox_since
from apps.contacts.services import NewEvent
from apps.contacts.suppressions.register.services import stops_lift
from apps.core import clock
from apps.core.actors import STRANGER, Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.tracking import scoring, undoing
from apps.tracking.links import ClickLink, UnsubscribeLink
from apps.tracking.models import TARGET_TABLE, Click, LinkTarget
from apps.vault import sealing, tokens

SETTLE_AFTER = timedelta(seconds=60)
SETTLE_BATCH = 2_000
CLICKS_KEPT_PER_MESSAGE = 60
"""A scanner that comes back every minute fills no table."""

MARKETING = Suppression.Scope.COMMERCIAL
REMINDERS = Suppression.Scope.REMINDERS


@transaction.atomic
def targets_for(*, actor: Actor, urls: Iterable[str]) -> dict[str, int]:
    """The ids of link targets, made where missing: url to id. For a template version, not for each message.

    Raises ``Refused`` for anything but an absolute http or https address without a user name in it.
    """
    wanted = {tokens.token128("link.target", url): _checked(url) for url in urls}
    known = {bytes(token): pk for token, pk in LinkTarget.objects.filter(token__in=wanted).values_list("token", "pk")}
    missing = [token for token in wanted if token not in known]
    if missing:
        rows = [
            LinkTarget(
                id=pk, token=token, sealed=sealing.seal_service({"url": wanted[token]}, table=TARGET_TABLE, row=pk)
            )
            for pk, token in zip(next_ids(TARGET_TABLE, len(missing)), missing, strict=True)
        ]
        LinkTarget.objects.bulk_create(rows, ignore_conflicts=True)
        record(actor=actor, action=Action.LINK_CREATE, kind="link", codes={"links": len(missing)})
        known = {
            bytes(token): pk for token, pk in LinkTarget.objects.filter(token__in=wanted).values_list("token", "pk")
        }
    return {url: known[token] for token, url in wanted.items()}


def click_record(*, actor: Actor, link: ClickLink, head: bool, user_agent: str) -> str | None:
    """Note a click and return where it leads; None when the target is unknown. Previews are not noted."""
    target = LinkTarget.objects.filter(pk=link.target).first()
    if target is None and not link.trap:
        return None
    if link.message and Click.objects.filter(message=link.message).count() < CLICKS_KEPT_PER_MESSAGE:
        # Written by a stranger's request, with ids only: settling it is the act that is audited.
        Click.objects.create(
            message=link.message,
            person=link.person,
            target=link.target,
            campaign=link.campaign,
            journey=link.journey,
            sent_at=datetime.fromtimestamp(link.sent, UTC),
            head=head,
            agent=scoring.is_machine_agent(user_agent),
            trap=link.trap,
        )
    if target is None:
        return None
    return str(sealing.open_service(target.sealed, table=TARGET_TABLE, row=target.pk)["url"])


@transaction.atomic
def clicks_settle(*, actor: Actor) -> dict[str, int]:
    """Judge clicks that are a minute old and tell the timeline of those that people made.

    Returns ``{"people", "machines"}`` (clicks). A message's clicks are judged together; the first click of a person
    on each link is one event, so that coming back changes nothing.
    """
    now = clock.now()
    due = list(
        Click.objects.select_for_update(skip_locked=True)
        .filter(settled_at__isnull=True, at__lte=now - SETTLE_AFTER)
        .order_by("message", "at")[:SETTLE_BATCH]
    )
    if not due:
        return {"people": 0, "machines": 0}
    neighbors: dict[int, list[Click]] = {}
    for row in Click.objects.filter(message__in={click.message for click in due}).order_by("message", "at", "pk"):
        neighbors.setdefault(row.message, []).append(row)
    events: list[NewEvent] = []
    due_ids = {click.pk for click in due}
    judged: list[Click] = []
    for message, rows in neighbors.items():
        hits = [scoring.Hit(row.target, row.at, row.head, row.agent, row.trap) for row in rows]
        for row, reasons in zip(rows, scoring.judge(hits, rows[0].sent_at), strict=True):
            if row.pk not in due_ids:
                continue
            row.settled_at, row.machine = now, bool(reasons)
            row.reasons = " ".join(sorted(reasons))
            judged.append(row)
            if not reasons:
                events.append(_clicked(message, row))
    Click.objects.bulk_update(judged, ["settled_at", "machine", "reasons"])
    contacts.events_record(actor=actor, events=events, action=None)
    people = sum(not row.machine for row in judged)
    record(
        actor=actor,
        action=Action.CLICK_SETTLE,
        kind="click",
        people=sorted({event.person_id for event in events}),
        codes={"people": people, "machines": len(judged) - people},
    )
    return {"people": people, "machines": len(judged) - people}


@transaction.atomic
def unsubscribe(*, link: UnsubscribeLink, how: str, reminders: bool = False, actor: Actor = STRANGER) -> bool:
    """Stop everything but treatment and account mail for the mailbox; with ``reminders`` those too.

    ``how`` is a code word: one_click or page. Idempotent; returns whether it was news. In force when this commits.
    """
    scopes = [MARKETING] + ([REMINDERS] if reminders else [])
    news = 0
    mailboxes = _mailboxes(link)
    for scope in scopes:
        known = Suppression.objects.filter(mailbox__in=mailboxes, scope=scope).exclude(for_now())
        if known.count() == len(mailboxes):
            continue
        news += contacts.suppress_many(
            actor=actor,
            mailboxes=mailboxes,
            scope=scope,
            reason=Suppression.Reason.UNSUBSCRIBED,
            source=f"{how}:{link.message}",
            people=[link.person] if link.person else [],
        )
    if news and link.person:
        groups = (f"message.unsubscribed:campaign:{link.campaign}",) if link.campaign else ()
        contacts.events_record(
            actor=actor,
            events=[
                NewEvent(
                    person_id=link.person,
                    kind="message.unsubscribed",
                    on=clock.clinic_day(),
                    source=f"unsubscribe:{link.message}:{'reminders' if reminders else 'marketing'}",
                    facts={"message": link.message, "campaign": link.campaign, "how": how, "reminders": reminders},
                    groups=groups,
                )
            ],
            action=None,
        )
    return bool(news)


@transaction.atomic
def resubscribe(*, link: UnsubscribeLink, actor: Actor = STRANGER) -> bool:
    """Undo an unsubscribe of the last minutes (``undoing``), and nothing else.

    Bounces, complaints, staff's entries, and what was chosen earlier stay. Returns whether something was lifted.
    """
    rows = Suppression.objects.select_for_update().filter(
        mailbox__in=_mailboxes(link),
        scope__in=[MARKETING, REMINDERS],
        reason=Suppression.Reason.UNSUBSCRIBED,
        since__gt=clock.now() - undoing.TAKE_BACK_WITHIN,
    )
    lifted = stops_lift(rows)
    for mailbox, scope in lifted:
        mailboxes_note([bytes(mailbox)], scope, "")
    if lifted:
        record(
            actor=actor,
            action=Action.SUPPRESSION_LIFT,
            kind="mailbox",
            people=[link.person] if link.person else [],
            codes={"lifted": len(lifted), "reason": "undone"},
        )
    return bool(lifted)


def _mailboxes(link: UnsubscribeLink) -> list[bytes]:
    """The mailbox of a link, and where its record was merged since, the one by which its person is written to now."""
    today = mailbox_since(link.person) if link.person else None
    return [link.mailbox] if today is None or today == link.mailbox else [link.mailbox, today]


def _clicked(message: int, row: Click) -> NewEvent:
    groups = []
    if row.campaign:
        groups.append(f"message.clicked:campaign:{row.campaign}")
    if row.journey:
        groups.append(f"message.clicked:journey:{row.journey}")
    return NewEvent(
        person_id=row.person,
        kind="message.clicked",
        on=clock.clinic_day(row.at),
        source=f"click:{message}:{row.target}",
        facts={"message": message, "campaign": row.campaign, "journey": row.journey, "target": row.target},
        groups=tuple(groups),
    )


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        harmless = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username
    except ValueError:
        harmless = False
    if not harmless or any(ord(character) <= 32 or ord(character) == 127 for character in url) or "\\" in url:
        raise Refused(
            "link.not_web", "A link must be a whole web address that begins with https:// or http://. Correct the link."
        )
    return url
