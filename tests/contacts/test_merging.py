"""Two records of one person become one, in every table, and two again."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Field, ForeignKey

from apps.audit.models import AuditEntry
from apps.campaigns.models import Campaign, CampaignRecipient
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
    PersonMerge,
    PersonTag,
    TimelineEvent,
    TimelineSummary,
)
from apps.contacts.models.appointment import APPOINTMENT_TABLE
from apps.contacts.models.consent import CONSENT_TABLE
from apps.contacts.models.pending_change import MOVED_TABLE, PENDING_TABLE
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.person import search_values, searching, selectors
from apps.contacts.tags.services import tags_give, tags_named
from apps.core import actors, clock
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
from apps.imports.readers.rows import PersonRow
from apps.imports.services.people import people_rows
from apps.inbox.models import TASK_TABLE, StaffTask
from apps.journeys.models import Journey, JourneyMember, JourneyRun, JourneyVersion
from apps.journeys.parse import parse
from apps.journeys.services import intake
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
from apps.tracking.links import UnsubscribeLink
from apps.tracking.models import Click
from apps.tracking.services import resubscribe, unsubscribe
from apps.vault import ledger, sealing
from tests.refusals import refused

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


def a_journey(name: str, definition: dict[str, Any]) -> Journey:
    """A journey with a version, as activating makes them; made once."""
    found = Journey.objects.filter(name_token=name.encode()).first()
    if found is None:
        found = Journey.objects.create(
            name_token=name.encode(), sealed=b"", created_at=NOW, changed_at=NOW, created_by="test", state="active"
        )
        document = {"format": 1, **definition}
        JourneyVersion.objects.create(
            journey=found, number=1, level=2, created_at=NOW, created_by="test",
            sealed=sealing.seal_service(
                {"definition": document, "messages": {}, "rules": []}, table="journey_version", row=f"{found.pk}/1"
            ),
        )  # fmt: skip
    return found


def journey() -> Journey:
    """One of people, not of visits."""
    wait = {"id": "w1", "type": "wait", "amount": 3, "unit": "days"}
    return a_journey("people", {"trigger": {"kind": "manual"}, "steps": [wait]})


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
    names = tags_named(actor=CLI, names=["both", tag])
    tags_give(actor=CLI, pairs=[(person_id, pk) for pk in names.values()])
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
    found["tags"] = sorted(PersonTag.objects.values_list("person_id", "tag_id"))
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
    assert undone.stays == ("1 message that was stopped by the merge stays stopped.",)
    assert AuditEntry.objects.filter(action="contact.unmerge").count() == 1


def merged_of(two: tuple[int, int], **chosen: str) -> PersonMerge:
    return merge.people_merge(actor=CLI, kept=two[0], merged=two[1], chosen=chosen)


def test_both_are_found_in_the_one_that_stays_and_lists_with_either_number_find_it(two) -> None:
    kept, _ = two
    merged_of(two, email="b", last_name="b", mrn="a")
    profile = opened(kept).profile
    assert (profile["email"], list(profile["other_emails"])) == ("jane@two.test", ["jane@one.test"])
    assert (profile["first_name"], profile["last_name"], profile["middle_name"]) == ("Jane", "Brien", "Q")
    assert (profile["mrn"], profile["other_mrns"]) == ("A1", ["B2"])
    assert profile["external_ids"] == {"epic": "E1", "lab": "L9"}
    assert profile["other_external_ids"] == {"epic": ["E2"]}
    assert profile["address"] == {"city": "Lexington", "line": "1 Elm St", "zip": "40502"}
    for typed in ("O'Brien", "brien", "jane@one.test", "jane@two.test", "5551234567", "A1", "b2"):
        assert list(searching.people(text=typed).values_list("pk", flat=True)) == [kept], typed
    rows = [
        PersonRow(2, "B2", {"mrn": "B2", "address": {"city": "Berea"}}, [], None, ("B2",)),
        PersonRow(3, "E2", {"external_ids": {"epic": "E2"}}, [], None, ("E2",)),
    ]
    for row, match_on, source in ((rows[0], "mrn", ""), (rows[1], "external_id", "epic")):
        found = people_rows(actor=CLI, rows=[row], match_on=match_on, source=source, write=True)
        assert (found.new, found.rejections) == (0, [])
    by_mail = PersonRow(4, "jane@two.test", {"email": "jane@two.test", "mrn": "B2"}, [], None, ("x",))
    assert people_rows(actor=CLI, rows=[by_mail], match_on="email", source="", write=True).rejections == []
    after = opened(kept).profile
    assert (after["mrn"], after["other_mrns"], after["address"]["city"]) == ("A1", ["B2"], "Berea")


def test_what_came_since_stays_with_the_one_and_a_no_since_holds_for_both(two) -> None:
    kept, merged = two
    for person_id in two:
        services.consent_record(
            actor=CLI, person_id=person_id, purpose="marketing", state="granted", on=date(2026, 11, 1), method="paper"
        )
    services.suppress(actor=CLI, address="jane@two.test", scope="commercial", reason="unsubscribed")
    row = merged_of(two, email="a")
    assert "commercial" in opened(kept).suppressions  # by the mailbox that never unsubscribed
    with clock.frozen(NOW + timedelta(days=2)):
        profile = opened(kept).profile | {"address": {"city": "Berea", "line": "1 Elm St", "zip": "40502"}}
        services.contact_update(actor=CLI, person_id=kept, profile=profile, version=opened(kept).version)
        services.note_add(actor=CLI, person_id=kept, text="Came by.", once="n1")
        services.events_record(
            actor=CLI, events=[services.NewEvent(merged, "message.clicked", date(2026, 11, 21), "c:1")]
        )
        services.consent_record(
            actor=CLI, person_id=kept, purpose="marketing", state="denied", on=date(2026, 11, 21), method="phone"
        )
        undone = merge.merge_undo(actor=CLI, merge_id=row.pk)
    assert undone.stays == (
        "Changed since the merge, and not put back: City.",
        "A consent was withdrawn since the merge. It stays withdrawn for both records.",
    )
    one, other = opened(kept), opened(merged)
    assert one.profile["address"] == {"city": "Berea", "line": "1 Elm St"}
    assert (one.profile["mrn"], other.profile["mrn"], other.profile["first_name"]) == ("A1", "B2", "J")
    assert (one.consents["marketing"], other.consents["marketing"]) == ("denied", "denied")
    assert (one.suppressions, other.suppressions) == (frozenset(), frozenset({"commercial"}))
    selectors.load_events({kept: one, merged: other})
    kinds = [[event["kind"] for event in each.events or []] for each in (one, other)]
    # What was clicked in a mail to the closed record happened to the person, and stays there.
    assert kinds == [["consent.granted", "note", "message.clicked", "consent.withdrawn"], ["consent.granted"]]
    with refused("merge.undone"):
        merge.merge_undo(actor=CLI, merge_id=row.pk)


def test_nobody_gets_a_campaign_twice_and_what_is_in_doubt_is_stopped(two) -> None:
    kept, merged = two
    rows = {}
    for name, person_id, source, state, waits in (
        ("theirs is sent, ours waits", kept, 91, "queued", True),
        ("sent to them", merged, 91, "sent", False),
        ("in doubt to them, ours waits", kept, 92, "queued", True),
        ("in doubt to them", merged, 92, "doubtful", False),
        ("on the wire to them, ours waits", kept, 93, "queued", True),
        ("on the wire to them", merged, 93, "queued", False),
        ("both wait: ours", kept, 94, "queued", True),
        ("both wait: theirs", merged, 94, "queued", True),
        ("failed to them, ours waits", kept, 95, "queued", True),
        ("failed to them", merged, 95, "failed", False),
    ):
        rows[name] = OutboxMessage.objects.create(
            kind="campaign", stream="bulk", source_id=source, person_id=person_id, purpose="treatment", level=2,
            state=state, reason="network" if state == "failed" else "",
            route="tls" if state == "sent" else "", finished_at=NOW if state == "sent" else None,
        )  # fmt: skip
        if waits:
            ReadyMessage.objects.create(
                message=rows[name], stream="bulk", kind="campaign", source_id=source, not_before=NOW
            )
    campaigns = {
        name: Campaign.objects.create(
            name_token=name.encode(), sealed=b"", owner="x", changed_by="x", created_at=NOW, changed_at=NOW,
            state="sending", approved_at=NOW, approved_by="y", approval=b"a", cursor=0, audience=2, to_feed=2,
        )
        for name in ("not begun", "theirs left")
    }  # fmt: skip
    for campaign in campaigns.values():
        for person_id in two:
            CampaignRecipient.objects.create(campaign=campaign, person=person_id)
    OutboxMessage.objects.create(
        kind="campaign", stream="bulk", source_id=campaigns["theirs left"].pk, person_id=merged, purpose="treatment",
        level=2, state="sent", route="tls", finished_at=NOW,
    )  # fmt: skip
    row = merged_of(two)
    waiting = set(ReadyMessage.objects.values_list("message_id", flat=True))
    assert waiting == {rows["both wait: ours"].pk, rows["failed to them, ours waits"].pk}
    assert set(OutboxMessage.objects.filter(reason="merged").values_list("state", flat=True)) == {"stopped"}
    fed = {
        name: list(campaigns[name].recipients.filter(held="").values_list("person", flat=True)) for name in campaigns
    }
    assert fed == {"not begun": [kept], "theirs left": []}
    assert merge.merge_undo(actor=CLI, merge_id=row.pk).stays == (
        "4 messages that were stopped by the merge stay stopped.",
    )
    assert CampaignRecipient.objects.filter(held="").count() == 4


def test_a_visit_keeps_its_reminders_and_a_journey_of_the_person_is_walked_once(two) -> None:
    kept, merged = two
    start = {"trigger": {"kind": "appointment"}, "steps": [{"id": "w1", "type": "wait", "amount": 3, "unit": "days"}]}
    visits = {
        "theirs": services.appointment_book(actor=CLI, person_id=merged, start=NOW + timedelta(days=9), kind="A").pk,
        "twin": services.appointment_book(actor=CLI, person_id=merged, start=NOW + timedelta(days=4), kind="B").pk,
    }
    services.appointment_book(actor=CLI, person_id=kept, start=NOW + timedelta(days=4), kind="B")
    by_visit, by_person = a_journey("visits", start), journey()
    common = {"entered_at": NOW, "changed_at": NOW}
    waits = common | {"state": "waiting", "step": "w1", "due_at": NOW + timedelta(days=3)}
    runs = {
        name: JourneyRun.objects.create(
            journey=by_visit, version=by_visit.versions.get(), person_id=merged, key=f"{pk:>16}".encode(), subject=pk,
            **waits,
        )
        for name, pk in visits.items()
    }  # fmt: skip
    definition = {"journey": by_person, "version": by_person.versions.get()}
    runs["further"] = JourneyRun.objects.create(
        **definition, person_id=merged, key=b"m" * 16, sent=["s1", "s2"], **waits | {"step": "w9"}
    )
    key = intake.key_of(parse(definition["version"].opened()), kept, None)
    runs["ours"] = JourneyRun.objects.create(**definition, person_id=kept, key=key, sent=["s1"], **waits)

    row = merged_of(two)

    found = {name: JourneyRun.objects.get(pk=run.pk) for name, run in runs.items()}
    told = {name: (run.person_id, run.state, run.reason, run.step) for name, run in found.items()}
    assert told == {
        "theirs": (kept, "waiting", "", "w1"),
        "twin": (merged, "left", "merged", None),
        "further": (merged, "left", "merged", None),
        "ours": (kept, "waiting", "", "w9"),
    }
    assert found["ours"].sent == ["s1", "s2"]
    merge.merge_undo(actor=CLI, merge_id=row.pk)
    back = {run.pk: (run.person_id, run.state, run.step, run.sent) for run in JourneyRun.objects.all()}
    assert back == {run.pk: (run.person_id, run.state, run.step, run.sent) for run in runs.values()}


def test_who_may_and_when(two, cast) -> None:
    kept, merged = two
    marketer = actors.staff(cast.max.pk, "marketer")
    with refused("merge.not_allowed"):
        merge.people_merge(actor=marketer, kept=kept, merged=merged, chosen={})
    with refused("merge.with_itself"):
        merge.people_merge(actor=CLI, kept=kept, merged=kept, chosen={})
    with refused("person.changed"):
        merge.people_merge(actor=CLI, kept=kept, merged=merged, chosen={}, versions={kept: 1, merged: 9})
    row = merged_of(two)
    with refused("person.unknown"):
        merge.people_merge(actor=CLI, kept=kept, merged=merged, chosen={})
    third = person(first_name="Jane", last_name="Third")
    later = merge.people_merge(actor=CLI, kept=third, merged=kept, chosen={})
    assert selectors.former_records(third) == sorted(two)
    with refused("merge.in_another"):
        merge.merge_undo(actor=CLI, merge_id=row.pk)
    merge.merge_undo(actor=CLI, merge_id=later.pk)
    assert selectors.former_records(kept) == [merged]
    with clock.frozen(NOW + merge.KEEP + timedelta(seconds=1)):
        with refused("merge.too_late"):
            merge.merge_undo(actor=CLI, merge_id=row.pk)
        assert merge.merges_clear(actor=CLI) == 1
        assert merge.merges_clear(actor=CLI) == 0
    assert PersonMerge.objects.get(pk=row.pk).sealed is None
    # Erased with the person, in a restored backup too.
    services.contact_erase(actor=CLI, person_id=kept, reason="asked for it")
    assert set(ledger.entries()) >= {kept, merged}


def test_an_old_link_of_the_closed_record_stops_the_mail_to_the_one_that_stays(two) -> None:
    kept, merged = two
    row = merged_of(two, email="a")
    link = UnsubscribeLink(search_values.mailbox("jane@two.test"), merged, message=1)
    assert unsubscribe(link=link, how="one_click")
    assert not unsubscribe(link=link, how="one_click")
    assert opened(kept).suppressions == {"commercial"}
    assert resubscribe(link=link)
    assert opened(kept).suppressions == set()
    unsubscribe(link=link, how="page")
    # It is the person's own word, and no undo of a merge takes it back.
    merge.merge_undo(actor=CLI, merge_id=row.pk)
    assert (opened(kept).suppressions, opened(merged).suppressions) == ({"commercial"}, {"commercial"})
