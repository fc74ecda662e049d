"""What the home page says about the lower apps, and how it finds what they say themselves (``home.py``)."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from django.apps import apps as installed
from django.db import transaction
from django.db.models import Count, Min
from django.db.models.functions import TruncDay
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from apps.contacts.models import Person
from apps.content.models import Template
from apps.core.permissions import Permission, Role
from apps.dashboard import heartbeat
from apps.delivery.models import OutboxMessage, ReadyMessage
from apps.delivery.selectors import LOST, lost_words
from apps.imports.models import ImportJob
from apps.inbox import waiting
from apps.journeys.models import Journey, JourneyRun
from apps.mail.smtp_replies import Cause
from apps.organizations import selectors as organizations
from apps.segments.models import Segment
from apps.ui.board import AHEAD, Item, Step
from apps.ui.datewords import count
from apps.users.models import User

logger = logging.getLogger(__name__)
# Refusals that are about us: providers distrust the clinic's mail. All others are about one mailbox or one server,
# and normal business of every sending.
ABOUT_US = frozenset({Cause.AUTHENTICATION, Cause.SPAM})
WAITS_TOO_LONG = timedelta(minutes=10)
IMPORTS_FOR = timedelta(days=3)
# Imports stand behind patients who wait, and before everything else that waits for staff.
AFTER_PATIENTS = 30

Say = Callable[[User, datetime], Iterable[Any]]


def address(name: str, *args: Any) -> str:
    """The address of a page, or empty when its app is not installed."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


# -- What is wrong -------------------------------------------------------------------------------------------


def machinery_problems(user: User, now: datetime) -> Iterator[Item]:
    """The schedule or the worker stands still."""
    if not heartbeat.is_late(now):
        return
    may = user.may(Permission.STATUS_VIEW)
    todo = "Start both, then look at the status page." if may else "Tell an administrator."
    text = f"Nothing is sent and no journey moves. Nothing is lost: it waits in the queue. {todo}"
    url = address("dashboard:status") if may else ""
    yield Item("The worker or the schedule does not answer", text, url, "server", "bad")


def delivery_problems(user: User, now: datetime) -> Iterator[Item]:
    """Mail that waits too long, that failed today, or whose fate is not known."""
    if not user.may(Permission.DELIVERY_VIEW):
        return
    url = address("delivery:overview")
    oldest = ReadyMessage.objects.filter(not_before__lte=now - WAITS_TOO_LONG).aggregate(at=Min("not_before"))["at"]
    if oldest is not None:
        text = "Look at the relay or the recipients' servers; the sending goes on by itself when they answer."
        yield Item(
            "Mail has been waiting for more than ten minutes", text, url, "clock", "caution", oldest, at_words="oldest:"
        )
    states: Counter[str] = Counter()
    recent = OutboxMessage.objects.filter(finished_at__gte=now - timedelta(days=1))
    trouble = recent.filter(state__in=["failed", "doubtful"])
    for state, reason, number in trouble.values_list("state", "reason").annotate(Count("pk")):
        states[state] += number
        if state == "failed" and reason in ABOUT_US:
            states["distrusted"] += number
    if distrusted := states.get("distrusted"):
        text = "Check the sender's DNS records under Delivery before more goes out."
        title = f"Providers distrusted {count(distrusted, 'message')} since yesterday"
        yield Item(title, text, url, "alert-triangle", "bad")
    # One number here, on the page of delivery and (for its own part) in the report of a campaign.
    states["bounced"] = recent.filter(state="bounced").count()
    if lost := states["failed"] + states["bounced"]:
        split = lost_words(states["failed"], states["bounced"])
        yield Item(
            f"{count(lost, 'message')} did not arrive since yesterday",
            f"{split}. The report of each campaign names the reasons. A few are normal in every sending.",
            f"{url}?state={LOST}" if url else "",
            "mail-x",
            "caution" if states["failed"] else "info",
            action="See the messages",
        )
    if doubtful := states.get("doubtful"):
        yield Item(
            f"{count(doubtful, 'message')} may or may not have arrived",
            "A sender was interrupted, or a backup was restored. Decide for each whether it is sent again.",
            url,
            "help",
            "caution",
        )


def import_problems(user: User, now: datetime) -> Iterator[Item]:
    """Imports that ended badly in the last days."""
    if not user.may(Permission.CONTACT_IMPORT):
        return
    for job in ImportJob.objects.filter(state="failed", created_at__gte=now - IMPORTS_FOR).order_by("-pk")[:3]:
        text = "Open it: it says what to change. People it had brought in stay."
        yield Item(
            "An import failed",
            text,
            address("imports:job", job.pk),
            "file-import",
            "bad",
            job.finished_at,
            action="Open the import",
        )


def setup_problems(user: User, now: datetime) -> Iterator[Item]:
    """What the law or plain prudence asks of every installation."""
    if user.may(Permission.ORGANIZATION_EDIT) and organizations.current().name:
        if not organizations.current().postal_address:
            text = "Without it no commercial message may go out (CAN-SPAM)."
            yield Item(
                "Your postal address is missing",
                text,
                address("organizations:edit"),
                "map-pin",
                "caution",
                action="Add the address",
            )
        administrators = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).count()
        if administrators < 2 and Person.objects.exists():
            text = "If they lose their phone, nobody can let them back in. Invite a second one."
            yield Item(
                "There is only one administrator",
                text,
                address("users:invite"),
                "users",
                "caution",
                action="Invite somebody",
            )


# -- What waits for me: the inbox knows most of it --------------------------------------------------------------


def imports_waiting(user: User, now: datetime) -> Iterator[Item]:
    """Imports that were checked and wait for a decision, and those that finished."""
    if not user.may(Permission.CONTACT_IMPORT):
        return
    jobs = ImportJob.objects.filter(created_at__gte=now - IMPORTS_FOR).order_by("-pk")
    for job in jobs.filter(state="checked")[:3]:
        text = f"{job.new:,} new, {job.changed:,} changed, {job.rejected:,} rejected. Nothing is imported yet."
        yield Item("An import was checked", text, address("imports:job", job.pk), "file-import", at=job.created_at)
    for job in jobs.filter(state="done")[:3]:
        text = f"{job.new:,} new, {job.changed:,} changed, {job.rejected:,} rejected"
        yield Item("An import is done", text, address("imports:job", job.pk), "circle-check", at=job.finished_at)


# -- What goes out ---------------------------------------------------------------------------------------------


def journeys_upcoming(user: User, now: datetime) -> Iterator[Item]:
    """People whose next journey step is due, by journey and day of the clinic."""
    if not user.may(Permission.JOURNEY_VIEW):
        return
    rows = list(
        JourneyRun.objects.filter(state="waiting", due_at__lte=now + AHEAD, journey__state="active")
        .annotate(day=TruncDay("due_at", tzinfo=timezone.get_current_timezone()))
        .values("journey", "day")
        .annotate(people=Count("pk"), at=Min("due_at"))
        .order_by("at")[:20]
    )
    names = {
        journey.pk: journey.opened()["name"] for journey in Journey.objects.filter(pk__in={r["journey"] for r in rows})
    }
    for row in rows:
        text = f"Next step of {count(row['people'], 'person', 'people')}"
        yield Item(names[row["journey"]], text, address("journeys:flow", row["journey"]), "route", at=row["at"])


# -- The first day ----------------------------------------------------------------------------------------------


def first_steps_of_all(user: User, now: datetime) -> Iterator[Step]:
    """The steps from an empty installation to a message, for those who may take them; campaigns adds the last."""
    if user.may(Permission.ORGANIZATION_EDIT):
        organization = organizations.current()
        named = bool(organization.name and organization.phone and organization.postal_address)
        text = "Name, telephone and postal address stand in every message."
        yield Step(10, "Name your clinic", text, address("organizations:edit"), named)
    if user.may(Permission.CONTACT_IMPORT):
        text = "From a CSV file or from Synthea tables."
        yield Step(20, "Bring your people in", text, address("imports:new"), Person.objects.exists())
    if user.may(Permission.SEGMENT_EDIT):
        text = "A group of people who share something, like an overdue checkup."
        yield Step(30, "Build a segment", text, address("segments:new"), Segment.objects.exists())
    if user.may(Permission.TEMPLATE_EDIT):
        text = "Start from one of the finished designs."
        yield Step(40, "Design a template", text, address("content:new"), Template.objects.exists())


OWN: dict[str, list[Say]] = {
    "problems": [machinery_problems, delivery_problems, import_problems, setup_problems],
    "waiting": [imports_waiting],
    "upcoming": [journeys_upcoming],
    "recent": [],
    "first_steps": [first_steps_of_all],
}


# -- Asking everybody ---------------------------------------------------------------------------------------------


def modules() -> Iterator[ModuleType]:
    """The ``home.py`` of every installed app of ours."""
    for config in installed.get_app_configs():
        if config.name.startswith("apps.") and find_spec(f"{config.name}.home"):
            yield import_module(f"{config.name}.home")


def by_severity(items: Iterable[Item]) -> list[Item]:
    """What is worst first; otherwise in the order in which it was found."""
    order = ("bad", "caution", "info")
    return sorted(items, key=lambda item: order.index(item.tone) if item.tone in order else len(order))


def gather(topic: str, user: User, now: datetime) -> list[Any]:
    """Everything that is said about ``topic``. One source that breaks does not take the page with it."""
    found: list[Any] = []
    for name, source in _sources(topic, user):
        try:
            # A failed query must not spoil what the next source asks.
            with transaction.atomic():
                found += list(source(user, now))
        except Exception:  # the page must come; the log has the trace
            logger.exception("home: %s failed", name)
            found += _broken(topic)
    return found


def _sources(topic: str, user: User) -> list[tuple[str, Say]]:
    """Who is asked about ``topic``, each by name, in the order of the page."""
    own: list[Say] = list(OWN[topic])
    apps = [getattr(module, topic) for module in modules() if hasattr(module, topic)]
    if topic != "waiting":
        return [_named(say) for say in own + apps]
    kinds = waiting.kinds(user.role)
    first = [(f"inbox.{kind.key}", _lines(kind)) for kind in kinds if kind.order < AFTER_PATIENTS]
    rest = [(f"inbox.{kind.key}", _lines(kind)) for kind in kinds if kind.order >= AFTER_PATIENTS]
    return [*first, *map(_named, own), *rest, *map(_named, apps)]


def _named(say: Say) -> tuple[str, Say]:
    return f"{say.__module__}.{say.__name__}", say


def _lines(kind: waiting.WaitingKind) -> Say:
    return lambda user, now: kind.lines(user.role)


def _broken(topic: str) -> list[Item]:
    if topic != "problems":
        return []
    text = "One part of this page could not be read. The log says why."
    return [Item("This page is not complete", text, icon="alert-triangle", tone="caution")]
