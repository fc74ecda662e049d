"""Two records of one person become one, in every table, and two again."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Field, ForeignKey

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.merging import parts
from apps.contacts.merging.services import merge
from apps.contacts.models import (
    Appointment,
    Consent,
    ConsentState,
    DuplicatePair,
    LatestResult,
    MovedMailbox,
    PendingChange,
    Person,
    PersonIdentity,
    TimelineEvent,
    TimelineSummary,
)
from apps.contacts.models.appointment import APPOINTMENT_TABLE
from apps.contacts.models.consent import CONSENT_TABLE
from apps.contacts.models.pending_change import MOVED_TABLE, PENDING_TABLE
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.person import search_values, selectors
from apps.core import actors
from apps.delivery.models import (
    HygieneFinding,
    HygieneRun,
    InboundMail,
    LetterProof,
    OutboxMessage,
    ReadyMessage,
    RecipientKey,
)
from apps.delivery.models.capability import KEY_TABLE
from apps.delivery.models.inbound import INBOUND_TABLE, RAW_PLACE
from apps.delivery.models.proof import PROOF_TABLE
from apps.imports.models import ImportBefore, ImportedPeople, ImportJob
from apps.inbox.models import TASK_TABLE, StaffTask
from apps.journeys.models import Journey, JourneyMember, JourneyRun, JourneyVersion
from apps.portal.models import (
    CONVERSATION_TABLE,
    DRAFT_TABLE,
    MESSAGE_TABLE,
    REPLY_TABLE,
    Conversation,
    PortalAccount,
    PortalSession,
    Reply,
    SecureMessage,
)
from apps.tracking.models import Click
from apps.vault import sealing

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

# Where the sealed columns of what moves are bound, and under which key.
SEALS = {
    TimelineEvent: {"sealed": ("profile_key", EVENT_TABLE)},
    Appointment: {"sealed": ("profile_key", APPOINTMENT_TABLE)},
    Consent: {"sealed": ("record_key", CONSENT_TABLE)},
    PendingChange: {"sealed": ("profile_key", PENDING_TABLE)},
    MovedMailbox: {"sealed": ("profile_key", MOVED_TABLE)},
    RecipientKey: {"sealed": ("profile_key", KEY_TABLE)},
    InboundMail: {"sealed": ("record_key", INBOUND_TABLE), "raw": ("record_key", RAW_PLACE)},
    StaffTask: {"sealed": ("record_key", TASK_TABLE)},
    SecureMessage: {"sealed": ("record_key", MESSAGE_TABLE), "draft": ("record_key", DRAFT_TABLE)},
    Conversation: {"sealed": ("record_key", CONVERSATION_TABLE)},
}
CHILDREN = {LetterProof: ("mail__person_id", PROOF_TABLE), Reply: ("conversation__person_id", REPLY_TABLE)}


def person(**profile: Any) -> int:
    return services.contact_create(actor=CLI, profile=profile).id


def opened(person_id: int):
    return selectors.open_person(actor=CLI, purpose="test", person_id=person_id)


@pytest.fixture
def two(noon) -> tuple[int, int]:
    """Jane twice: as the front desk wrote her, and as a list did."""
    jane = person(
        first_name="Jane", last_name="O’Brien", email="jane@one.test", mrn="A1", birth_date="1980-02-03",
        address={"city": "Lexington", "line": "1 Elm St"}, external_ids={"epic": "E1"}, attributes={"clinic": "north"},
    )  # fmt: skip
    again = person(
        first_name="J", last_name="Brien", middle_name="Q", email="jane@two.test", phone="555 123 4567", mrn="B2",
        birth_date="1980-02-03", external_ids={"epic": "E2", "lab": "L9"},
        address={"city": "Lexington", "zip": "40502"},
    )  # fmt: skip
    return jane, again


def references() -> list[str]:
    """Every column of ours that names people: relations to them, and numbers and lists called as such."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        if not model.__module__.startswith("apps.") or model._meta.app_label == "audit":
            continue
        for field in model._meta.get_fields():
            if not isinstance(field, Field) or not field.concrete:
                continue
            related = isinstance(field, ForeignKey) and field.related_model is Person
            number = field.get_internal_type() in ("BigIntegerField", "IntegerField", "PositiveBigIntegerField")
            named = number and field.name in ("person", "person_id", "contact", "contact_id", "patient")
            lists = field.get_internal_type() == "ArrayField" and field.name in (
                "people",
                "made",
                "changed",
                "contacts",
            )
            if related or named or lists:
                found.append(f"{model._meta.label}.{field.name}")
    return found


def test_every_reference_to_people_has_a_part_in_a_merge() -> None:
    named = parts.covered()
    assert set(references()) - set(named) == set(), "register a part (apps/contacts/merging/parts.py) for these columns"
    assert set(named) - set(references()) == set()
    assert all(part.why for part in parts.parts() if part.name.startswith("stays:"))


def sealed(key: bytes, data: Any, table: str, row: Any) -> bytes:
    return sealing.seal(key, data, table=table, row=row)


def journey() -> Journey:
    """A journey of people, made once."""
    found = Journey.objects.first()
    if found is None:
        found = Journey.objects.create(
            name_token=b"j" * 16, sealed=b"", created_at=NOW, changed_at=NOW, created_by="test", state="active"
        )
        document = {
            "format": 1,
            "trigger": {"kind": "manual"},
            "steps": [{"id": "w1", "type": "wait", "amount": 3, "unit": "days"}],
        }
        JourneyVersion.objects.create(
            journey=found, number=1, level=2, created_at=NOW, created_by="test",
            sealed=sealing.seal_service(
                {"definition": document, "messages": {}, "rules": []}, table="journey_version", row=f"{found.pk}/1"
            ),
        )  # fmt: skip
    return found


def fill(person_id: int, other: int, tag: str) -> None:
    """A row in every table that names people."""
    who = opened(person_id)
    profile, record = who.profile_key, who.record_key
    services.events_record(
        actor=CLI,
        events=[
            services.NewEvent(person_id, "note", date(2026, 11, 1), f"note:{tag}", {"text": tag}),
            services.NewEvent(
                person_id, "observation", date(2026, 11, 2), f"lab:{tag}",
                {"code": "4548-4", "system": "LOINC", "value": "9.1", "unit": "%", "term": "HbA1c"},
                ("code:LOINC:4548-4",), "4548-4",
            ),
        ],
    )  # fmt: skip
    services.appointment_book(
        actor=CLI, person_id=person_id, start=NOW + timedelta(days=9 if tag == "kept" else 10), kind="Check-up"
    )
    services.consent_record(
        actor=CLI, person_id=person_id, purpose="marketing", state="granted" if tag == "kept" else "denied",
        on=date(2026, 11, 3), method="paper",
    )  # fmt: skip
    for number, state in enumerate(("open", "declined")):
        pk = 10_000 * person_id + number
        PendingChange.objects.create(
            pk=pk, person_id=person_id, sealed=sealed(profile, {"phone": tag}, PENDING_TABLE, pk), state=state,
            decided_at=None if state == "open" else NOW,
        )  # fmt: skip
    pk = 10_000 * person_id
    MovedMailbox.objects.create(pk=pk, person_id=person_id, sealed=sealed(profile, {"address": tag}, MOVED_TABLE, pk))
    RecipientKey.objects.create(
        pk=pk, person_id=person_id, kind="pgp", sealed=sealed(profile, {"notes": tag}, KEY_TABLE, pk)
    )
    InboundMail.objects.create(
        pk=pk, source=pk.to_bytes(16, "big"), kind="reply", verdict="not_a_bounce", person_id=person_id, size=3,
        sealed=sealed(record, {"text": tag}, INBOUND_TABLE, pk),
        raw=sealing.seal_bytes(record, tag.encode(), table=RAW_PLACE, row=pk),
    )  # fmt: skip
    LetterProof.objects.create(mail_id=pk, sealed=sealed(record, {"from": tag}, PROOF_TABLE, pk))
    for kind, code in (("tag", tag), ("not_me", "both")):
        task = pk + (kind == "not_me")
        StaffTask.objects.create(
            pk=task, person_id=person_id, kind=kind if kind == "not_me" else tag,
            sealed=sealed(record, {"address": code}, TASK_TABLE, task),
        )  # fmt: skip
    PortalAccount.objects.create(pk=pk, person_id=person_id, mailbox=search_values.mailbox(who.email))
    PortalSession.objects.create(person_id=person_id, token=uuid.uuid4().bytes * 2, browser=b"b" * 32, way="code")
    SecureMessage.objects.create(
        pk=pk, person_id=person_id, sealed=sealed(record, {"subject": tag}, MESSAGE_TABLE, pk),
        draft=sealed(record, {"text": tag}, DRAFT_TABLE, pk) if tag == "merged" else None,
        expires_at=NOW + timedelta(days=90),
    )  # fmt: skip
    Conversation.objects.create(
        pk=pk, person_id=person_id, message_id=pk, sealed=sealed(record, {"subject": tag}, CONVERSATION_TABLE, pk),
        place=pk,
    )  # fmt: skip
    Reply.objects.create(
        pk=pk,
        conversation_id=pk,
        direction="patient",
        once=uuid.uuid4(),
        sealed=sealed(record, {"t": tag}, REPLY_TABLE, pk),
    )
    OutboxMessage.objects.create(
        pk=pk, kind="campaign", stream="bulk", source_id=77, person_id=person_id, purpose="treatment", level=2,
        state="sent", route="tls", finished_at=NOW,
    )  # fmt: skip
    OutboxMessage.objects.create(
        pk=pk + 1, kind="campaign", stream="bulk", source_id=78 if tag == "merged" else 77_000, person_id=person_id,
        purpose="treatment", level=2,
    )  # fmt: skip
    ReadyMessage.objects.create(message_id=pk + 1, stream="bulk", kind="campaign", source_id=78, not_before=NOW)
    run = HygieneRun.objects.create()
    HygieneFinding.objects.create(run=run, person_id=person_id, flag="silent")
    Click.objects.create(message=1, person=person_id, target=1, sent_at=NOW)
    job = ImportJob.objects.create(pk=pk, kind="list", sealed=b"")
    chunk = ImportedPeople.objects.create(job=job, made=[person_id])
    ImportBefore.objects.create(chunk=chunk, person_id=person_id, version=1, sealed=b"")
    JourneyRun.objects.create(
        journey=journey(), version=JourneyVersion.objects.get(), person_id=person_id, key=f"{tag:>16}".encode(),
        state="waiting", step="w1", due_at=NOW + timedelta(days=3), entered_at=NOW, changed_at=NOW,
    )  # fmt: skip
    JourneyMember.objects.create(journey=journey(), person_id=person_id)
    first, second = sorted((person_id, other))
    DuplicatePair.objects.get_or_create(first_id=first, second_id=second, defaults={"strength": 2})


def snapshot() -> dict[str, Any]:
    """What every row that moves says, and whose it is, opened with the keys of its person."""
    found: dict[str, Any] = {}
    people = {pk: opened(pk) for pk in Person.objects.filter(erased_at__isnull=True).values_list("pk", flat=True)}
    for model, seals in SEALS.items():
        for row in model.objects.all():
            told = {}
            for column, (key, table) in seals.items():
                blob, version = getattr(row, column), getattr(row, "version", 1)
                told[column] = None if blob is None else sealing.open_bytes(
                    getattr(people[row.person_id], key), blob, table=table, row=row.pk, version=version
                )  # fmt: skip
            name = f"{model.__name__} {row.pk}"
            if model is PendingChange and row.state == "open":
                name = f"open change {told['sealed']!r}"
            elif model is StaffTask:
                name = f"task {row.kind} {told['sealed']!r} {row.person_id}"
            found[name] = (row.person_id, told)
    for model, (owner, table) in CHILDREN.items():
        for pk, person_id, blob in model.objects.values_list("pk", owner, "sealed"):
            key = people[person_id].record_key
            found[f"{model.__name__} {pk}"] = sealing.open_bytes(key, blob, table=table, row=pk)
    found["consents"] = sorted(ConsentState.objects.values_list("person_id", "purpose", "state"))
    found["counts"] = sorted(TimelineSummary.objects.values_list("person_id", "group", "count"))
    found["results"] = sorted(LatestResult.objects.values_list("person_id", "lab", "event_id"))
    found["identities"] = sorted(
        (p, k, bytes(t)) for p, k, t in PersonIdentity.objects.values_list("person_id", "kind", "token")
    )
    found["profiles"] = {pk: record.profile for pk, record in people.items()}
    found["accounts"] = sorted(PortalAccount.objects.values_list("pk", "person_id", "state"))
    found["keys in use"] = sorted(RecipientKey.objects.values_list("pk", "state"))
    found["imports"] = sorted((row.pk, row.made, row.changed) for row in ImportedPeople.objects.all())
    found["pairs"] = sorted(DuplicatePair.objects.values_list("first_id", "second_id", "state"))
    found["runs"] = sorted(
        (pk, who, bytes(key), state, reason)
        for pk, who, key, state, reason in JourneyRun.objects.values_list("pk", "person_id", "key", "state", "reason")
    )
    found["members"] = sorted(JourneyMember.objects.values_list("journey_id", "person_id"))
    return found


def test_after_a_merge_nothing_points_to_the_closed_record_and_an_undo_brings_all_back(two) -> None:
    kept, merged = two
    fill(kept, merged, "kept")
    fill(merged, kept, "merged")
    child = person(first_name="Kid", last_name="O’Brien", guardian_id=merged, birth_date="2020-01-01")
    before = snapshot()

    row = merge.people_merge(actor=CLI, kept=kept, merged=merged, chosen={"middle_name": "b"})

    stays = {column for part in parts.parts() for column in part.covers if part.name.startswith("stays:")}
    # Evidence of what was sent, and a second account that is closed and whose person is told apart by it.
    left = stays | {"delivery.OutboxMessage.person", "portal.PortalAccount.person"}
    left |= {"contacts.DuplicatePair.first", "contacts.DuplicatePair.second", "imports.ImportedPeople.made"}
    for column in references():
        if column in left:
            continue
        label, name = column.rsplit(".", 1)
        model = apps.get_model(label)
        wanted = {f"{name}__contains": [merged]} if model is ImportedPeople else {name: merged}
        assert not model._default_manager.filter(**wanted).exists(), column
    now = snapshot()  # every row opens with the kept person's keys
    assert now["consents"] == [(kept, "marketing", "denied")]
    assert now["accounts"] == [(10_000 * kept, kept, "open"), (10_000 * merged, merged, "closed")]
    assert not PortalSession.objects.filter(person_id=merged, ended_at=None).exists()
    assert PortalSession.objects.filter(person_id=kept, ended_at=None).exists()
    stopped = OutboxMessage.objects.get(pk=10_000 * merged + 1)
    assert (stopped.state, stopped.reason) == ("stopped", "merged")
    assert OutboxMessage.objects.get(pk=10_000 * kept + 1).state == "queued"
    assert opened(merged) is None
    assert opened(child).profile["guardian_id"] == kept
    entry = AuditEntry.objects.get(action="contact.merge")
    assert entry.people_count == 2
    assert "jane" not in str(entry.codes).lower()

    undone = merge.merge_undo(actor=CLI, merge_id=row.pk)

    after = snapshot()
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed == set()
    assert set(after) == set(before)
    assert undone.stays == ("1 message that was stopped by the merge stay stopped.",)
    assert AuditEntry.objects.filter(action="contact.unmerge").count() == 1
