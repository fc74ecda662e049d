"""Nobody decides about what they wrote: whatever part of it that is, until somebody else approved that part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.approvals import services, two_people
from apps.approvals.fingerprints import fingerprint, is_same
from apps.approvals.models import ApprovalEntry
from apps.approvals.selectors import entries, in_words, latest, planned, submission
from apps.approvals.two_people import Part
from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import actors, clock
from apps.core.permissions import Permission
from tests.refusals import refused

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MAX, RITA = actors.staff(3, "marketer"), actors.staff(4, "reviewer")
Decision = ApprovalEntry.Decision


def changed(by: actors.Actor, version: int, at: datetime = NOON, **codes: int) -> None:
    with clock.frozen(at):
        record(actor=by, action=Action.SEGMENT_CHANGE, kind="segment", subject=7, codes={"version": version, **codes})


def part(**bounds: object) -> Part:
    return Part("segment", 7, (Action.SEGMENT_CHANGE,), lambda: "You edited this segment.", **bounds)  # type: ignore[arg-type]


def test_the_author_of_a_part_leaves_the_decision_to_somebody_else() -> None:
    changed(MAX, 1)
    assert two_people.why_not(MAX, [part()]) == "You edited this segment."
    assert two_people.why_not(RITA, [part()]) == ""


def test_a_colleagues_last_touch_makes_nobody_a_stranger_to_their_work() -> None:
    changed(MAX, 1)
    changed(RITA, 2)
    assert two_people.why_not(MAX, [part()])


def test_what_somebody_else_approved_since_counts_no_longer() -> None:
    changed(MAX, 1)
    assert two_people.why_not(MAX, [part(beyond=1)]) == ""
    assert two_people.why_not(MAX, [part(after=NOON)]) == ""
    changed(MAX, 2, NOON + timedelta(hours=1))
    assert two_people.why_not(MAX, [part(beyond=1)])
    assert two_people.why_not(MAX, [part(after=NOON)])
    assert two_people.why_not(MAX, [part(after=NOON, until=NOON + timedelta(minutes=59))]) == ""


def test_the_first_part_that_is_theirs_says_why_and_no_further_one_is_looked_at() -> None:
    changed(MAX, 1)

    def parts():
        yield Part("segment", 8, (Action.SEGMENT_CHANGE,), lambda: "Not theirs.")
        yield part()
        pytest.fail("looked on")

    assert two_people.why_not(MAX, parts()) == "You edited this segment."


def test_only_a_role_that_decides_and_is_signed_in_by_name_decides() -> None:
    two_people.ensure_may_decide(RITA, Permission.CAMPAIGN_APPROVE)
    for nobody in (MAX, actors.COMMAND_LINE, actors.system("beat")):
        with refused("approval.not_allowed"):
            two_people.ensure_may_decide(nobody, Permission.CAMPAIGN_APPROVE)


def test_a_fingerprint_is_of_exactly_one_thing_of_one_kind() -> None:
    first = fingerprint("campaign", {"a": 1, "b": [2]})
    assert is_same(memoryview(first), fingerprint("campaign", {"b": [2], "a": 1}))
    assert not is_same(first, fingerprint("campaign", {"a": 1, "b": [3]}))
    assert not is_same(first, fingerprint("journey", {"a": 1, "b": [2]}))
    assert not is_same(None, first)


def entry(by: actors.Actor, decision: Decision, *, kind: str = "campaign", subject: int = 7, **more: object) -> int:
    made = services.entry_add(
        actor=by,
        kind=kind,
        subject=subject,
        decision=decision,
        fingerprint=fingerprint(kind, {}),
        **more,  # type: ignore[arg-type]
    )
    return made.pk


def test_the_history_is_told_newest_first_with_its_comments() -> None:
    with clock.frozen(NOON):
        entry(MAX, Decision.SUBMITTED, audience=13)
        last = entry(RITA, Decision.REJECTED, comment="  Say since when.  ")
        entry(MAX, Decision.SUBMITTED, subject=8, audience=2)
        entry(MAX, Decision.SUBMITTED, kind="journey")
    said = [(each.decision, each.comment, each.audience) for each in in_words(list(entries("campaign", 7)))]
    assert said == [("Rejected", "Say since when.", None), ("Submitted", "", 13)]
    assert b"since" not in bytes(ApprovalEntry.objects.get(pk=last).sealed)
    assert planned("campaign", [7, 8, 9]) == {7: 13, 8: 2}
    assert latest("journey", 8) is None


def test_what_was_submitted_again_is_not_approved_unread() -> None:
    assert submission("campaign", 7) == 0
    read = entry(MAX, Decision.SUBMITTED)
    services.ensure_read(kind="campaign", subject=7, looked_at=read)
    entry(MAX, Decision.SUBMITTED)
    with refused("approval.asked_anew"):
        services.ensure_read(kind="campaign", subject=7, looked_at=read)
    services.ensure_read(kind="campaign", subject=7, looked_at=None)


def test_the_history_goes_with_its_object_alone() -> None:
    for kind, subject in (("campaign", 7), ("campaign", 8), ("journey", 7)):
        entry(MAX, Decision.SUBMITTED, kind=kind, subject=subject)
    services.entries_delete(kind="campaign", subject=7)
    assert set(ApprovalEntry.objects.values_list("kind", "subject")) == {("campaign", 8), ("journey", 7)}
