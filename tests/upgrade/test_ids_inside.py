"""What the upgrade does with what it cannot confirm: put back into the words of 0.3.0, and carried over again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db import connections, transaction

from apps.approvals import fingerprints_v03 as v03
from apps.approvals.models import ApprovalEntry
from apps.audit.actions import Action
from apps.audit.models import AuditEntry
from apps.journeys import approvals, context, presets
from apps.journeys import selectors as journeys
from apps.journeys import services as journey_services
from apps.journeys.definition import to_json
from apps.journeys.migrations._ids_inside import Upgrade
from apps.journeys.models import Journey, JourneyVersion
from apps.references.models import Reference
from apps.segments import naming
from apps.segments import selectors as segment_selectors
from apps.segments import services as segments
from apps.segments.models import Segment
from apps.vault import sealing
from tests.journeys.conftest import CLI, activate, at, clinic  # noqa: F401
from tests.upgrade import references_walk

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

WOMEN = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
SEND = {"id": "s1", "type": "send", "template": "Appointment reminder", "purpose": "treatment"}
FREEZE = "ALTER TABLE journeys_journeyversion {} TRIGGER journeys_version_is_immutable"


@pytest.fixture
def welcome(clinic: None, at: Any) -> Journey:  # noqa: F811
    """A journey that women come into, approved by two and active."""
    with at("2026-11-22T12:00"):
        segments.segment_save(actor=CLI, name="Women", rule=WOMEN)
        reminder = presets.APPOINTMENT_REMINDER_JOURNEY  # for its texts
        other = journey_services.journey_from_preset(actor=CLI, preset=reminder)
        definition = {"trigger": {"kind": "segment", "segment": "Women"}, "steps": [SEND]}
        journey = journey_services.journey_create(actor=CLI, name="Welcome", definition=definition)
        activate(journey)
        Reference.objects.filter(user_kind="journey", user_id=other.pk).delete()
        other.delete()
        return Journey.objects.get(pk=journey.pk)


@contextmanager
def changeable() -> Iterator[None]:
    """Versions may be changed, as the migration has it."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(FREEZE.format("DISABLE"))
        try:
            yield
        finally:
            cursor.execute(FREEZE.format("ENABLE"))


def back_to_names(journey: Journey, *, frozen: bool = True) -> None:
    """Store it in the words of 0.3.0, with the fingerprint that 0.3.0 would have made."""
    opened = journeys.by_id(journey.pk)
    data = journey.opened() | {"draft": to_json(opened.draft)}
    journey.sealed = sealing.seal_service(data, table="journey", row=journey.pk, version=journey.revision)
    version = JourneyVersion.objects.get(pk=journey.version_id)
    names = naming.segment_names([of for of in version.segments() if isinstance(of, int)])
    kept = {names[of]: rule for of, rule in version.segments().items() if isinstance(of, int)} if frozen else {}
    old = {"definition": to_json(opened.active), "messages": version.messages(), "segments": kept}
    version.sealed = sealing.seal_service(old, table="journey_version", row=f"{journey.pk}/{version.number}")
    upgrade = Upgrade(apps, "default")
    texts = upgrade.texts(data["draft"])
    with_names = v03.journey(number=journey.pk, definition=data["draft"], texts=texts, rule_of=upgrade.old_rule)
    with changeable():
        version.save(update_fields=["sealed"])
    journey.save(update_fields=["sealed"])
    ApprovalEntry.objects.filter(kind="journey", subject=journey.pk).update(fingerprint=with_names)
    Reference.objects.all().delete()


def upgraded() -> AuditEntry:
    with changeable(), transaction.atomic():
        Upgrade(apps, "default").run()
    return AuditEntry.objects.get(action=Action.APPROVAL_CARRY)


def renamed_behind_its_back() -> None:
    """As 0.3.0 did: the segment has another name, and the journey does not know."""
    women = Segment.objects.get()
    segments.segment_save(actor=CLI, name="Ladies", rule=WOMEN, segment_id=women.pk)


def test_what_is_the_same_is_approved_and_active(welcome: Journey) -> None:
    before = approvals.fingerprint(welcome, journeys.by_id(welcome.pk).stored)
    back_to_names(welcome)
    entry = upgraded()
    journey = Journey.objects.get(pk=welcome.pk)
    assert approvals.standing(journey).state == "approved"
    assert journey.state == "active"
    assert approvals.fingerprint(journey, journeys.by_id(journey.pk).stored) == before
    assert list(entry.codes["pairs"]) == [f"journey {journey.pk}"]
    assert entry.codes["pairs"][f"journey {journey.pk}"][1] == before.hex()
    assert references_walk.in_the_table() == references_walk.by_walking() != set()


def test_what_lost_its_segment_is_void_and_runs_on_by_the_rule_that_was_approved(welcome: Journey) -> None:
    back_to_names(welcome)
    renamed_behind_its_back()
    entry = upgraded()
    journey = Journey.objects.get(pk=welcome.pk)
    assert entry.codes["voided"] == [f"journey {journey.pk}"]
    found = approvals.standing(journey)
    assert found.state == "changed"
    assert found.comment.startswith("The upgrade could not confirm")
    assert [each.text for each in context.problems(journeys.by_id(journey.pk).draft)] == [
        "There is no segment “Women”. Choose the segment that lets people in."
    ]
    assert journey.state == "active"
    assert journey.version is not None
    assert journey.version.segments() == {"Women": WOMEN}
    assert segment_selectors.where_used(Segment.objects.get().pk) == []


def test_what_cannot_go_on_is_paused_and_says_what_is_missing(welcome: Journey) -> None:
    """A version of before 0.2 keeps no rules: without its segment nobody knows who comes in."""
    back_to_names(welcome, frozen=False)
    renamed_behind_its_back()
    entry = upgraded()
    journey = Journey.objects.get(pk=welcome.pk)
    assert entry.codes["paused"] == [journey.pk]
    assert journey.state == "paused"
    opened = journeys.by_id(journey.pk)
    assert opened.draft.trigger.segment == "Women"
    with pytest.raises(journey_services.NotApproved):
        journey_services.approvals.ensure_approved(journey, opened.stored)
