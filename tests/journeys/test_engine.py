"""Where a person goes next: the ready-made reminder as scenes, then any tree at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.journeys import engine, presets
from apps.journeys.engine import Decision, Facts, State, StepOutcome, Visit, decide, prepare
from apps.journeys.parse import parse
from tests.journeys.test_definition import journey

LOUISVILLE = ZoneInfo("America/Kentucky/Louisville")
REMINDER = prepare(parse(presets.APPOINTMENT_REMINDER_JOURNEY.definition))


def local(text: str, zone: ZoneInfo = LOUISVILLE) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def booked(start: str, **changes) -> Facts:
    return Facts(run=7, zone=LOUISVILLE, dates={"appointment.start": local(start)}, **changes)


def resume(decision: Decision, facts: Facts, **changes) -> Facts:
    """The facts of the same run at the next tick."""
    return replace(
        facts,
        round=decision.round,
        step=decision.step,
        due_at=decision.due_at,
        sent=facts.sent | set(decision.sends),
        **changes,
    )


class TestAppointmentReminder:
    def reminded(self) -> Facts:
        """The first reminder is out, the second waits for tomorrow."""
        return booked("2026-12-10T14:30", step="s3", due_at=local("2026-12-08T09:00"), sent=frozenset({"s2"}))

    def test_booked_in_time_waits_until_three_days_before_at_nine(self):
        decision = decide(REMINDER, booked("2026-12-10T14:30"), local("2026-11-22T12:00"))
        assert (decision.state, decision.step) == (State.WAITING, "s1")
        assert decision.due_at == local("2026-12-07T09:00")
        assert decision.visits == ()

    def test_then_sends_and_waits_a_day_for_an_answer(self):
        facts = booked("2026-12-10T14:30")
        first = decide(REMINDER, facts, local("2026-11-22T12:00"))
        second = decide(REMINDER, resume(first, facts), local("2026-12-07T09:00"))
        assert second.sends == ("s2",)
        assert (second.step, second.due_at) == ("s3", local("2026-12-08T09:00"))

    def test_a_click_ends_it_at_once(self):
        facts = booked("2026-12-10T14:30", step="s3", due_at=local("2026-12-08T09:00"), sent=frozenset({"s2"}))
        decision = decide(REMINDER, replace(facts, signals=frozenset({("clicked", "s2")})), local("2026-12-07T10:00"))
        assert (decision.state, decision.reason) == (State.FINISHED, "completed")
        assert decision.visits == (Visit("s3", "yes", "signal"),)

    def test_a_portal_read_counts_like_a_click(self):
        facts = booked("2026-12-10T14:30", step="s3", due_at=local("2026-12-08T09:00"), sent=frozenset({"s2"}))
        decision = decide(REMINDER, replace(facts, signals=frozenset({("read", "s2")})), local("2026-12-07T10:00"))
        assert decision.state is State.FINISHED
        assert decision.sends == ()

    def test_silence_sends_the_second_reminder(self):
        facts = booked("2026-12-10T14:30", step="s3", due_at=local("2026-12-08T09:00"), sent=frozenset({"s2"}))
        decision = decide(REMINDER, facts, local("2026-12-08T09:00"))
        assert decision.sends == ("s4",)
        assert decision.state is State.FINISHED

    def test_a_minute_early_nothing_is_to_be_stored(self):
        facts = booked("2026-12-10T14:30", step="s3", due_at=local("2026-12-08T09:00"), sent=frozenset({"s2"}))
        decision = decide(REMINDER, facts, local("2026-12-08T08:59"))
        assert not decision.changed
        assert decision.step == "s3"

    @pytest.mark.parametrize(
        ("now", "sends", "reason"),
        [
            ("2026-12-07T09:00:00", ("s2",), ""),  # on the dot is not late
            ("2026-12-07T09:00:01", ("s2",), "late_at_once"),
            ("2026-12-09T14:29:59", ("s2",), "late_at_once"),  # a second more than 24 hours
            ("2026-12-09T14:30:00", (), "booked_too_late"),  # exactly 24 hours are not more than 24
            ("2026-12-10T14:00:00", (), "booked_too_late"),
            ("2026-12-11T08:00:00", (), "booked_too_late"),  # an appointment entered after the fact
        ],
    )
    def test_booked_too_late_for_the_first_step(self, now, sends, reason):
        decision = decide(REMINDER, booked("2026-12-10T14:30"), local(now))
        assert decision.sends == sends
        assert decision.visits[0].reason == reason

    def test_too_late_skips_both_reminders_and_says_why(self):
        decision = decide(REMINDER, booked("2026-12-10T14:30"), local("2026-12-10T09:00"))
        assert (decision.state, decision.reason) == (State.FINISHED, "booked_too_late")
        assert decision.visits == (
            Visit("s1", StepOutcome.SKIPPED, "booked_too_late"),
            Visit("s2", StepOutcome.SKIPPED, "booked_too_late"),
            Visit("s3", StepOutcome.SKIPPED, "not_sent"),
        )

    def test_a_tick_that_comes_late_is_not_a_late_booking(self):
        facts = booked("2026-12-10T14:30", step="s1", due_at=local("2026-12-07T09:00"))
        decision = decide(REMINDER, facts, local("2026-12-10T10:00"))
        assert decision.sends == ("s2",)

    def test_nobody_is_reminded_of_an_appointment_that_has_begun(self):
        facts = booked("2026-12-10T14:30", step="s1", due_at=local("2026-12-07T09:00"))
        decision = decide(REMINDER, facts, local("2026-12-10T14:30"))
        assert decision.sends == ()
        assert Visit("s2", StepOutcome.SKIPPED, "date_passed") in decision.visits

    def test_moved_without_an_event_the_wait_follows_the_date(self):
        facts = booked("2026-12-20T14:30", step="s1", due_at=local("2026-12-07T09:00"))
        decision = decide(REMINDER, facts, local("2026-12-07T09:00"))
        assert (decision.step, decision.due_at, decision.changed) == ("s1", local("2026-12-17T09:00"), True)

    def test_moved_begins_a_new_round_and_may_send_again(self):
        facts = booked("2026-12-20T14:30", round=2)
        decision = decide(REMINDER, facts, local("2026-12-07T12:00"))
        assert (decision.round, decision.step, decision.due_at) == (2, "s1", local("2026-12-17T09:00"))

    def test_moved_nearer_is_a_late_booking(self):
        decision = decide(REMINDER, booked("2026-12-08T14:30", round=2), local("2026-12-07T12:00"))
        assert decision.sends == ("s2",)

    def test_cancelled_leaves_with_the_reason(self):
        decision = engine.leave(booked("2026-12-10T14:30", step="s1"), "appointment.cancelled")
        assert (decision.state, decision.reason, decision.sends) == (State.LEFT, "appointment.cancelled", ())

    @pytest.mark.parametrize("guard", ["deceased", "erased", "suppressed"])
    def test_a_guard_stops_everything_even_what_is_due(self, guard):
        facts = booked("2026-12-10T14:30", step="s1", due_at=local("2026-12-07T09:00"), guard=guard)
        decision = decide(REMINDER, facts, local("2026-12-07T09:00"))
        assert (decision.state, decision.reason, decision.sends) == (State.LEFT, guard, ())

    def test_an_appointment_nobody_can_date_is_skipped(self):
        decision = decide(REMINDER, Facts(run=7, zone=LOUISVILLE), local("2026-12-07T09:00"))
        assert decision.sends == ()
        assert decision.visits[0] == Visit("s1", StepOutcome.SKIPPED, "no_date")


class TestClocks:
    @pytest.mark.parametrize(
        ("zone", "appointment", "due"),
        [
            # Clocks go back on Nov 1, 2026 and forward on Mar 8, 2026 in the United States.
            ("America/New_York", "2026-11-03T10:00-05:00", "2026-10-31T13:00+00:00"),
            ("America/New_York", "2026-11-04T10:00-05:00", "2026-11-01T14:00+00:00"),
            ("America/New_York", "2026-03-10T10:00-04:00", "2026-03-07T14:00+00:00"),
            ("America/New_York", "2026-03-11T10:00-04:00", "2026-03-08T13:00+00:00"),
            ("America/Phoenix", "2026-03-11T10:00-07:00", "2026-03-08T16:00+00:00"),
            ("Pacific/Auckland", "2026-12-10T08:00+13:00", "2026-12-06T20:00+00:00"),
            ("America/St_Johns", "2026-12-10T08:00-03:30", "2026-12-07T12:30+00:00"),
            # 11 PM of the 9th in Los Angeles is the 10th elsewhere; the clinic's calendar counts.
            ("America/Los_Angeles", "2026-12-10T07:00+00:00", "2026-12-06T17:00+00:00"),
        ],
    )
    def test_nine_o_clock_is_nine_on_the_clinic_s_wall(self, zone, appointment, due):
        facts = Facts(run=1, zone=ZoneInfo(zone), dates={"appointment.start": datetime.fromisoformat(appointment)})
        decision = decide(REMINDER, facts, datetime(2026, 1, 1, tzinfo=UTC))
        assert decision.due_at == datetime.fromisoformat(due)

    def test_an_hour_the_clock_skips_comes_as_much_later(self):
        plan = prepare(parse(journey({"id": "s1", "type": "wait_until", "field": "visit", "days": 0, "at": "02:30"})))
        facts = Facts(run=1, zone=ZoneInfo("America/New_York"), dates={"visit": date(2026, 3, 8)})
        decision = decide(plan, facts, datetime(2026, 1, 1, tzinfo=UTC))
        assert decision.due_at == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)  # 3:30 AM EDT

    def test_an_hour_the_clock_repeats_is_taken_once(self):
        plan = prepare(parse(journey({"id": "s1", "type": "wait_until", "field": "visit", "days": 0, "at": "01:30"})))
        facts = Facts(run=1, zone=ZoneInfo("America/New_York"), dates={"visit": date(2026, 11, 1)})
        decision = decide(plan, facts, datetime(2026, 1, 1, tzinfo=UTC))
        assert decision.due_at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # the first, EDT

    @pytest.mark.parametrize(
        ("amount", "unit", "due"),
        [
            (1, "days", "2026-03-08T10:00-04:00"),  # the same time on the wall: 23 hours
            (24, "hours", "2026-03-08T11:00-04:00"),  # 24 hours: an hour later on the wall
            (1, "weeks", "2026-03-14T10:00-04:00"),
            (90, "minutes", "2026-03-07T11:30-05:00"),
        ],
    )
    def test_days_follow_the_wall_and_hours_follow_time(self, amount, unit, due):
        plan = prepare(parse(journey({"id": "s1", "type": "wait", "amount": amount, "unit": unit})))
        decision = decide(
            plan,
            Facts(run=1, zone=ZoneInfo("America/New_York")),
            datetime.fromisoformat("2026-03-07T10:00-05:00"),
        )
        assert decision.due_at == datetime.fromisoformat(due)


class TestTree:
    def test_branches_rejoin(self):
        plan = prepare(
            parse(
                journey(
                    {
                        "id": "s1",
                        "type": "condition",
                        "rule": {"field": "sex"},
                        "then": [{"id": "s2", "type": "send"}],
                        "otherwise": [],
                    },
                    {"id": "s3", "type": "send"},
                )
            )
        )
        now = local("2026-12-01T09:00")
        yes = decide(plan, Facts(run=1, zone=LOUISVILLE, holds=lambda _rule: True), now)
        no = decide(plan, Facts(run=1, zone=LOUISVILLE), now)
        assert yes.sends == ("s2", "s3")
        assert no.sends == ("s3",)

    def test_exit_leaves_from_inside_a_branch(self):
        plan = prepare(
            parse(
                journey(
                    {
                        "id": "s1",
                        "type": "condition",
                        "rule": {"field": "sex"},
                        "then": [{"id": "s2", "type": "exit"}],
                    },
                    {"id": "s3", "type": "send"},
                )
            )
        )
        facts = Facts(run=1, zone=LOUISVILLE, holds=lambda _rule: True)
        decision = decide(plan, facts, local("2026-12-01T09:00"))
        assert (decision.state, decision.reason, decision.sends) == (State.FINISHED, "exit_step", ())

    def test_a_step_that_is_gone_is_an_error_on_the_operator_s_list(self):
        decision = decide(REMINDER, booked("2026-12-10T14:30", step="s99"), local("2026-12-01T09:00"))
        assert (decision.state, decision.step, decision.reason) == (State.FAILED, "s99", "missing_step")

    def test_a_rule_that_breaks_stops_this_run_only_and_names_the_step(self):
        plan = prepare(parse(journey({"id": "s1", "type": "condition", "rule": {"field": "sex"}})))

        def broken(_rule):
            raise KeyError("sex")

        decision = decide(plan, Facts(run=1, zone=LOUISVILLE, holds=broken), local("2026-12-01T09:00"))
        assert (decision.state, decision.step, decision.reason) == (State.FAILED, "s1", "step_error")

    def test_an_empty_journey_ends_at_once(self):
        decision = decide(prepare(parse(journey())), Facts(run=1, zone=LOUISVILLE), local("2026-12-01T09:00"))
        assert decision.state is State.FINISHED

    def test_facts_print_no_dates(self):
        assert "2026" not in repr(booked("2026-12-10T14:30"))


@given(
    minutes=st.integers(0, 60 * 24 * 1000),
    zone=st.sampled_from(["America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "America/Phoenix"]),
    lead=st.floats(0, 60),
)
def test_the_first_reminder_never_comes_early_and_never_after_the_appointment(minutes, zone, lead):
    when = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    now = when - timedelta(days=lead)
    facts = Facts(run=1, zone=ZoneInfo(zone), dates={"appointment.start": when})
    decision = decide(REMINDER, facts, now)
    if decision.step == "s1":
        assert decision.due_at is not None
        now = decision.due_at
        assert now.astimezone(ZoneInfo(zone)).hour == 9
        decision = decide(REMINDER, resume(decision, facts), now)
        assert decision.sends == ("s2",)
    if decision.sends:
        assert timedelta(0) < when - now <= timedelta(days=4)
        assert when - now > timedelta(hours=24)


@given(data=st.data())
def test_deciding_twice_at_the_same_moment_gives_the_same_answer(data):
    now = datetime(2026, 12, 5, 12, 0, tzinfo=UTC)
    facts = Facts(
        run=3,
        zone=LOUISVILLE,
        step=data.draw(st.sampled_from([None, "s1", "s3"])),
        due_at=now + timedelta(hours=data.draw(st.integers(-48, 48))),
        dates={"appointment.start": now + timedelta(hours=data.draw(st.integers(-48, 400)))},
        sent=frozenset(data.draw(st.sets(st.sampled_from(["s2"])))),
        signals=frozenset(data.draw(st.sets(st.sampled_from([("clicked", "s2"), ("read", "s2")])))),
    )
    assert decide(REMINDER, facts, now) == decide(REMINDER, facts, now)
