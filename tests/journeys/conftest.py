"""The clinic of the journey scenes: Dana has an appointment, and messages wait in the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from apps.contacts import services as contacts
from apps.core import actors, clock
from apps.delivery.models import OutboxMessage
from apps.journeys import approvals, presets, services
from apps.journeys.models import Journey, JourneyRun, JourneyStepVisit, JourneyVersion
from apps.organizations import services as organizations

LOUISVILLE = ZoneInfo("America/Kentucky/Louisville")
CLI = actors.COMMAND_LINE
BEAT = actors.system("beat")


def local(text: str) -> datetime:
    """A moment on the clinic's wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=LOUISVILLE)


@pytest.fixture
def clinic(db) -> SimpleNamespace:
    """The clinic in Louisville. Nothing leaves the outbox: no dispatcher runs."""
    organizations.organization_change(
        actor=CLI,
        zone=LOUISVILLE.key,
        name="Harbor Clinic",
        postal_address="1 Main Street, Louisville, KY 40202",
        phone="502-555-0100",
    )
    return SimpleNamespace()


@pytest.fixture
def at() -> Callable[[str], object]:
    """``with at("2026-11-22T12:00"): ...`` stands the clock still, clinic time."""
    return lambda text: clock.frozen(local(text))


def person(first_name: str = "Dana", **changes) -> int:
    profile = {"first_name": first_name, "last_name": "Quist", "email": f"{first_name.lower()}@goodmail.test"}
    return contacts.contact_create(actor=CLI, profile=profile | changes).id


def book(person_id: int, start: str, **changes) -> int:
    return contacts.appointment_book(actor=CLI, person_id=person_id, start=local(start), kind="Check-up", **changes).pk


def tick(text: str, **changes) -> services.TickResult:
    """Beat ticks at this moment of the clinic's clock."""
    with clock.frozen(local(text)):
        return services.tick(actor=BEAT, now=local(text), **changes)


def reminder(**changes) -> Journey:
    """The ready-made reminder, active."""
    journey = services.journey_from_preset(actor=CLI, preset=presets.APPOINTMENT_REMINDER_JOURNEY)
    activate(journey, **changes)
    journey.refresh_from_db()
    return journey


def reviewer() -> actors.Actor:
    """Rae reviews journeys; she prepares nothing."""
    from apps.users import services as users
    from apps.users.models import User

    found = User.objects.by_email("rae@clinic.test") or users.user_create(
        actor=CLI, email="rae@clinic.test", name="Rae", role="reviewer", password="correct horse battery staple"
    )
    return actors.staff(found.pk, found.role)


def approve(journey: Journey) -> None:
    """A second person approves the draft as it is, if it needs that and nobody did."""
    if approvals.standing(journey).may_run:
        return
    services.journey_submit(actor=CLI, journey=journey)
    services.journey_approve(actor=reviewer(), journey=journey)


def activate(journey: Journey, **changes) -> JourneyVersion:
    """Approved by Rae, then switched on."""
    journey.refresh_from_db()
    approve(journey)
    return services.journey_activate(actor=CLI, journey=journey, **changes)


def run_of(person_id: int) -> JourneyRun:
    return JourneyRun.objects.get(person_id=person_id)


def outbox() -> list[OutboxMessage]:
    """The journey's messages, in the order in which they were handed to delivery."""
    return list(OutboxMessage.objects.filter(kind="journey").order_by("id"))


def trail(run: JourneyRun) -> list[tuple[str, str, str, int]]:
    """(step, outcome, reason, round) in order."""
    return list(
        JourneyStepVisit.objects.filter(run=run).order_by("id").values_list("step", "outcome", "reason", "round")
    )


__all__ = [
    "BEAT",
    "CLI",
    "LOUISVILLE",
    "activate",
    "approve",
    "book",
    "local",
    "outbox",
    "person",
    "reminder",
    "reviewer",
    "run_of",
    "tick",
    "trail",
]
