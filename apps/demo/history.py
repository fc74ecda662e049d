"""What went out before the visitor came: a newsletter month after month, and what the list says about its readers.

It goes over the same mail servers that play the providers afterwards, with the clock of each day: so reports of
finished campaigns, people without a sign of life, mailboxes that rest and one that came back are there to look at.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.campaigns import services as campaigns
from apps.campaigns.services import sending
from apps.contacts import services as contacts
from apps.core import clock
from apps.core.actors import Actor
from apps.delivery import services as delivery
from apps.delivery.hygiene.services import clean_list
from apps.delivery.models import HygieneFinding, HygieneRun
from apps.demo import mail, people
from apps.demo.data import CLINIC
from apps.demo.world import ACTOR, member
from apps.segments import services as segments
from apps.segments.models import Segment
from apps.segments.selectors import name_token

# Readers of two offices who were not seen for a while.
FIRST, LATER = "Quarry Hill", "Marlow"
FIRST_OFFICE = f"Readers of {FIRST}"
OFFICES = f"Readers of {FIRST} and {LATER}"
# Days ago, and to whom. By the rules of ``delivery.hygiene`` (five messages in 180 days, the first before them) the
# first office is silent before the last issue, the second after it.
ISSUES = (
    (230, FIRST_OFFICE),
    (190, OFFICES),
    (170, FIRST_OFFICE),
    (150, OFFICES),
    (120, OFFICES),
    (90, OFFICES),
    (60, OFFICES),
)
LAST = (30, OFFICES)
UNSEEN_DAYS = 250


def load(*, now: datetime) -> int:
    """Send what was sent and look at the list twice; returns how many reports are new. A second call does nothing."""
    if HygieneRun.objects.exists():
        return 0
    if Segment.objects.filter(name_token=name_token(FIRST_OFFICE)).exists():
        # An earlier start was interrupted in here: what was sent stays, and the list is looked at as it is.
        clean_list(actor=ACTOR)
        return 1
    author, reviewer = member("max@riverbend.test"), member("rita@riverbend.test")
    for name, towns in ((FIRST_OFFICE, [FIRST]), (OFFICES, [FIRST, LATER])):
        rule = readers_of(towns, since=clock.clinic_day(now) - timedelta(days=UNSEEN_DAYS))
        saved = segments.segment_save(actor=author, name=name, rule=rule, description="Not seen for eight months.")
        segments.segment_count(actor=author, segment_id=saved.pk)

    def send(day: dict[str, datetime], days: int, segment: str) -> None:
        day["now"] = at = now - timedelta(days=days)
        with clock.frozen(at):
            _issue(author, reviewer, at, segment)

    with providers(now) as day:
        for days, segment in ISSUES:
            send(day, days, segment)
        clean_list(actor=ACTOR)
        send(day, *LAST)
    # One of those whose mail rests calls and books a visit, which is a sign of life.
    rested = HygieneFinding.objects.filter(rested=True).order_by("person_id").first()
    if rested is not None:
        start = (now + timedelta(days=9)).replace(minute=0, second=0, microsecond=0)
        contacts.appointment_book(
            actor=ACTOR, person_id=rested.person_id, start=start, kind="Check-up", provider="Dr. Priya Raman"
        )
    clean_list(actor=ACTOR)
    return 2


def readers_of(towns: list[str], since: date) -> dict[str, Any]:
    """Who signed for the newsletter, lives there, is 60 or older and was not seen since that day. Pure."""
    return {
        "match": "all",
        "rules": [
            {"consent": "marketing", "state": "granted"},
            {"field": "city", "op": "in", "value": towns},
            {"field": "age", "op": "at_least", "from": 60},
            {"event": "encounter", "op": "never", "from": since.isoformat()},
            {"appointment": "none_upcoming", "in_next_days": 365},
        ],
    }


def _issue(author: Actor, reviewer: Actor, at: datetime, segment: str) -> None:
    spec = {
        "brand": CLINIC["name"],
        "remuneration": "none",
        "segment": segment,
        "template": "Clinic newsletter",
        "purpose": "marketing",
        "description": "News of the month.",
    }
    name = f"Office news, {at.astimezone(ZoneInfo(people.ZONE)):%b %-d}"
    made = campaigns.campaign_save(actor=author, name=name, spec=spec).pk
    campaigns.campaign_submit(actor=author, campaign_id=made)
    campaigns.campaign_approve(actor=reviewer, campaign_id=made, comment="")
    sending.campaign_send(actor=author, campaign_id=made)
    sending.campaign_feed_all(actor=ACTOR, campaign_id=made)
    delivery.dispatch(actor=ACTOR, seconds=20, lanes=4)
    sending.finish_if_done(campaign_id=made)


@contextmanager
def providers(now: datetime) -> Iterator[dict[str, datetime]]:
    """The demo's mail servers, for as long as the block; what arrives is dated by ``["now"]`` of what is given."""
    day = {"now": now}
    # It tells of every client that does not like a bad certificate, which is what one of the providers is for.
    log = logging.getLogger("mail.log")
    level = log.level
    log.setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="demo mail", daemon=True)
    thread.start()
    servers = mail.Servers(Path(settings.CARELANE_HOME), lambda: day["now"], base_port=settings.DEMO_MAIL_PORT)
    asyncio.run_coroutine_threadsafe(servers.start(), loop).result(20)
    try:
        yield day
    finally:
        asyncio.run_coroutine_threadsafe(servers.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
        log.setLevel(level)
