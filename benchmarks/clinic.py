"""What sending and journeys need besides people: an organization, staff, a sender, appointments."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from apps.core.actors import Actor

ZONE = "America/New_York"
DOMAIN = "bench.test"
PER_PERSON = 2


@dataclass(frozen=True)
class Clinic:
    """Who writes and who approves."""

    author: Actor
    reviewer: Actor


def ready(size: int, folder: Path, say: Callable[[str], None]) -> Clinic:
    """Everything there, made through the product's services; a second call finds it made."""
    from apps.contacts.models import Appointment
    from apps.content import services as content
    from apps.core import actors
    from apps.delivery import selectors as delivery
    from apps.delivery import services as sending
    from apps.organizations.services import organization_change
    from apps.users.models import User
    from apps.users.services import user_create

    staff = {}
    for name, role in (("max", "marketer"), ("rita", "reviewer")):
        user = User.objects.filter(role=role).first() or user_create(
            actor=actors.COMMAND_LINE, email=f"{name}@clinic.test", name=name.title(), role=role, password="bench " * 4
        )
        staff[name] = actors.staff(user.pk, role)
    if not Appointment.objects.exists():
        organization_change(
            actor=actors.COMMAND_LINE,
            zone=ZONE,
            name="Lakeside Clinic",
            postal_address="1 Main Street, Lexington, KY 40507",
            phone="859-555-0100",
        )
        content.brand_save(
            actor=actors.COMMAND_LINE,
            data={"name": "Lakeside", "from_address": "care@clinic.test", "from_name": "Lakeside Clinic"},
        )
        sending.settings_change(
            actor=actors.COMMAND_LINE,
            version=delivery.settings_version(),
            helo="mail.clinic.test",
            sending_domain="clinic.test",
            bounce_domain="bounces.clinic.test",
            lanes=64,
            lanes_per_domain=64,
        )
        _appointments(size, folder, say)
    return Clinic(staff["max"], staff["rita"])


def _appointments(size: int, folder: Path, say: Callable[[str], None]) -> None:
    import time

    from apps.contacts.models import Appointment
    from apps.core import actors, clock
    from apps.imports.management import importing
    from apps.imports.models import ImportJob

    source = folder / "appointments.csv"
    _write(source, size, clock.now().astimezone(ZoneInfo(ZONE)))
    began = time.perf_counter()
    importing.run(
        actor=actors.COMMAND_LINE,
        kind=ImportJob.JobKind.APPOINTMENTS,
        files=[str(source)],
        dry_run=False,
        errors_to=None,
    )
    if Appointment.objects.count() != size * PER_PERSON:
        raise SystemExit("The import lost appointments.")
    say(f"appointments: {size * PER_PERSON / (time.perf_counter() - began):,.0f} rows/s")


def _write(path: Path, size: int, today: datetime) -> None:
    """Two visits a person, five to sixty days ahead, each in a room of its own."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["appointment_id", "mrn", "start", "zone", "kind", "location", "provider"])
        for number in range(size):
            for visit in range(PER_PERSON):
                day = (today + timedelta(days=5 + (number * 7 + visit * 31) % 55)).date()
                start = f"{day.isoformat()}T{8 + number % 9:02}:{15 * (number % 4):02}"
                out.writerow(
                    [
                        f"A{number}-{visit}",
                        f"B{number:09}",
                        start,
                        ZONE,
                        "Check-up",
                        f"Room {number}-{visit}",
                        "Dr. Ünal",
                    ]
                )
