"""An authorization that runs out: the segment, the plan and the person's page follow on that day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.consent.services import consents_expire
from apps.contacts.models import Consent, ConsentState
from apps.contacts.person import selectors
from apps.core import actors, clock
from apps.segments import services as segments

pytestmark = pytest.mark.django_db
CLI, BEAT = actors.COMMAND_LINE, actors.system("beat")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENDS = NOON + timedelta(days=10)


@pytest.fixture
def people():
    """Ann's authorization ends in ten days, Bea's does not end, Cal refused "until" that day."""
    with clock.frozen(NOON):
        made = [contacts.contact_create(actor=CLI, profile={"first_name": name}) for name in ("Ann", "Bea", "Cal")]
        for person, state, expires in zip(made, ("granted", "granted", "denied"), (ENDS, None, ENDS), strict=True):
            contacts.consent_record(
                actor=CLI,
                person_id=person.id,
                purpose="marketing",
                state=state,
                on=date(2026, 11, 20),
                method="paper form",
                expires=expires,
            )
    return [person.id for person in made]


def count(state: str) -> int:
    rule = {"match": "all", "rules": [{"consent": "marketing", "state": state}]}
    name = f"{state} {clock.now().isoformat()}"
    return segments.segment_count(actor=CLI, segment_id=segments.segment_save(actor=CLI, name=name, rule=rule).pk).count


def test_segments_are_right_on_the_day(people):
    with clock.frozen(ENDS - timedelta(seconds=1)):
        assert consents_expire(actor=BEAT, now=clock.now()) == 0
        assert (count("granted"), count("denied"), count("none")) == (2, 1, 0)
    with clock.frozen(ENDS):
        assert consents_expire(actor=BEAT, now=clock.now()) == 1
        assert (count("granted"), count("denied"), count("none")) == (1, 1, 1)
        assert consents_expire(actor=BEAT, now=clock.now()) == 0
    entry = AuditEntry.objects.get(action="consent.expire")
    assert (entry.people_count, entry.codes) == (1, {"consents": 1})
    assert ConsentState.objects.filter(person_id=people[0]).count() == 0
    assert Consent.objects.filter(person_id=people[0]).count() == 1, "the history stays"


def test_a_change_before_the_job_came_by_does_not_bring_it_back(people):
    with clock.frozen(ENDS):
        contacts.contact_update(actor=CLI, person_id=people[0], profile={"first_name": "Anna"}, version=1)
        assert count("granted") == 1
        opened = selectors.open_people(actor=CLI, purpose="x", ids=people)
    assert [opened[person].consents.get("marketing") for person in people] == [None, "granted", "denied"]


def test_a_new_authorization_holds_again(people):
    with clock.frozen(ENDS):
        consents_expire(actor=BEAT, now=clock.now())
        contacts.consent_record(
            actor=CLI, person_id=people[0], purpose="marketing", state="granted", on=ENDS.date(), method="portal"
        )
        assert count("granted") == 2
