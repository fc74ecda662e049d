"""How each kind of sealed row is opened, one line for each model: what an upgrade must still be able to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db.models import Model

from apps.audit import marks
from apps.campaigns import selectors as campaigns
from apps.compliance import selectors as compliance
from apps.contacts.changes.pending import values_of
from apps.contacts.models import Person
from apps.contacts.models.consent import CONSENT_TABLE, SUPPRESSION_TABLE
from apps.contacts.person import selectors as contacts
from apps.content.models import Skeleton
from apps.core import actors
from apps.core.classification import Kind, kinds_of
from apps.delivery import selectors as delivery
from apps.delivery.models.setup import DKIM_TABLE
from apps.inbox import selectors as inbox
from apps.portal.models import CONVERSATION_TABLE, MESSAGE_TABLE, REPLY_TABLE
from apps.segments import selectors as segments
from apps.tracking.models import TARGET_TABLE
from apps.vault import sealing

CLI = actors.COMMAND_LINE


def _record_key(person: int) -> bytes:
    return contacts.record_keys([person])[person]


def _profile_key(person: int) -> bytes:
    return contacts.opened(Person.objects.get(pk=person)).profile_key


def _entry(row: Any) -> None:
    if row.reason is not None:
        marks.open_text(row.reason)
    if row.people_sealed is not None:
        assert len(marks.open_ids(row.people_sealed)) == row.people_count


def _message(row: Any) -> None:
    parts = [part for part in ("content", "record", "evidence") if getattr(row, part) is not None]
    found = delivery.message_data(actor=CLI, message=row, parts=parts)
    assert sorted(found) == sorted(parts)


def _suppression(row: Any) -> None:
    if row.note is not None:
        sealing.open_service(row.note, table=SUPPRESSION_TABLE, row=row.pk)


OPEN: dict[str, Callable[[Any], Any]] = {
    "audit.AuditEntry": _entry,
    "users.User": lambda row: row.opened,
    "users.TotpDevice": lambda row: row.secret,
    "organizations.Organization": lambda row: row.opened,
    "approvals.ApprovalEntry": lambda row: row.comment,
    "contacts.Person": contacts.opened,
    "contacts.Appointment": lambda row: contacts.open_appointment(row, _profile_key(row.person_id)),
    "contacts.Consent": lambda row: sealing.open_sealed(
        _record_key(row.person_id), row.sealed, table=CONSENT_TABLE, row=row.pk
    ),
    "contacts.Suppression": _suppression,
    "contacts.TimelineEvent": lambda row: contacts.open_event(row, _profile_key(row.person_id)),
    "contacts.AttributeDefinition": lambda row: row.opened(),
    "contacts.PendingChange": lambda row: values_of(row, _profile_key(row.person_id)),
    "compliance.Vendor": lambda row: row.opened,
    "compliance.Agreement": lambda row: row.opened,
    "compliance.MaterialBreach": lambda row: row.opened,
    "compliance.Document": lambda row: compliance.document_open(actor=CLI, document=row),
    "tracking.LinkTarget": lambda row: sealing.open_service(row.sealed, table=TARGET_TABLE, row=row.pk),
    "segments.Segment": segments.opened,
    "content.Brand": lambda row: row.opened,
    "content.Template": lambda row: row.name,
    "content.TemplateRevision": lambda row: row.data,
    "content.TemplateVersion": lambda row: row.design,
    "content.Skeleton": lambda row: sealing.open_service(
        row.sealed, table=Skeleton.TABLE, row=bytes(row.address).hex()
    ),
    "delivery.OutboxMessage": _message,
    "delivery.DeliverySettings": lambda row: delivery.setup(),
    "delivery.DkimKey": lambda row: sealing.open_service(row.sealed, table=DKIM_TABLE, row=row.pk),
    "portal.SecureMessage": lambda row: sealing.open_sealed(
        _record_key(row.person_id), row.sealed, table=MESSAGE_TABLE, row=row.pk
    ),
    "portal.Conversation": lambda row: sealing.open_sealed(
        _record_key(row.message.person_id), row.sealed, table=CONVERSATION_TABLE, row=row.pk
    ),
    "portal.Reply": lambda row: sealing.open_sealed(
        _record_key(row.conversation.message.person_id), row.sealed, table=REPLY_TABLE, row=row.pk
    ),
    "inbox.StaffTask": lambda row: inbox.facts_of(row, _record_key(row.person_id)),
    "campaigns.Campaign": campaigns.opened,
    "journeys.Journey": lambda row: row.opened(),
    "journeys.JourneyVersion": lambda row: row.opened(),
}


def sealed_models() -> list[type[Model]]:
    """Every model of ours that has a sealed field."""
    return [model for model in apps.get_models() if Kind.SEALED in kinds_of(model).values()]


def open_everything() -> dict[str, int]:
    """Open every sealed row there is: label of its model to how many. Raises for one that does not open.

    A model with rows and no line in ``OPEN`` raises ``KeyError``: add the line.
    """
    found = {}
    for model in sealed_models():
        label = model._meta.label
        # The trail grows while it is read; what it held before is what counts.
        rows = list(model._default_manager.order_by("pk"))
        for row in rows:
            OPEN[label](row)
        if rows:
            found[label] = len(rows)
    return found
