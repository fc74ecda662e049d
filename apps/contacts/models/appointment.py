"""Appointments, as they stand now; what happened to them is in the timeline."""

from __future__ import annotations

from django.db import models

from apps.contacts.models.person import Person
from apps.core.classification import Kind, classify

APPOINTMENT_TABLE = "contacts_appointment"


@classify(
    id=Kind.PLAIN,
    person=Kind.PLAIN,
    sealed=Kind.SEALED,
    external=Kind.TOKEN,
    day=Kind.TOKEN,
    hour=Kind.TOKEN,
    minute=Kind.TOKEN,
    state=Kind.TOKEN,
    held_at=Kind.PLAIN,
    version=Kind.PLAIN,
    updated_at=Kind.PLAIN,
)
class Appointment(models.Model):
    """Sealed under the profile key: start (ISO 8601 with offset), zone, kind, location, provider, minutes, state.

    While its reminders are held, ``held`` is sealed with it: that decides. ``held_at`` only finds it. ``day`` is the
    day at its place; ``hour`` and ``minute`` are those of its start in UTC, None until ``person.renewal`` came by.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="appointments")
    sealed = models.BinaryField()
    external = models.BinaryField(max_length=16, null=True, unique=True)
    day = models.BigIntegerField()
    hour = models.BigIntegerField(null=True)
    minute = models.BigIntegerField(null=True)
    state = models.BigIntegerField()
    held_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["day", "state"], name="appointment_day"),
            models.Index(fields=["id"], name="appointment_held", condition=models.Q(held_at__isnull=False)),
            # Empty once the renewal is over.
            models.Index(fields=["id"], name="appointment_to_renew", condition=models.Q(hour__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"Appointment {self.pk}"
