"""The server burns, and the backup is restored into a PostgreSQL that counts its transactions from the beginning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection

from apps.audit import sequencer, verification
from apps.audit.actions import Action
from apps.audit.models import AuditChain, AuditEntry
from apps.audit.services import record
from apps.contacts import services as contacts
from apps.contacts.models import TimelineEvent
from apps.journeys import presets, services
from apps.journeys.models import Journey, JourneyRun
from tests.journeys.conftest import CLI, activate, at, book, clinic, local, person, reminder, run_of, tick  # noqa: F401
from tests.upgrade import clusters

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner", "audit", "reader"])


@pytest.fixture
def backed_up(clinic, at, settings, tmp_path, capsys) -> SimpleNamespace:  # noqa: F811
    """Dana is in the journey and her visit was moved once; Bo was booked after the last tick. Then the backup.

    A second journey was paused before Dana's second visit, so it has read less than the first.
    """
    settings.CARELANE_HOME = tmp_path / "home"
    settings.CARELANE_CHECKPOINTS = tmp_path / "checkpoints"
    settings.AUDIT_WRITER = "audit"
    made = SimpleNamespace()
    with at("2026-11-22T12:00"):
        made.first = reminder()
        made.paused = services.journey_from_preset(actor=CLI, preset=presets.APPOINTMENT_REMINDER_JOURNEY)
        activate(made.paused)
        made.dana, made.bo, made.cleo = person(), person("Bo"), person("Cleo")
        made.visit = book(made.dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    with at("2026-11-22T12:02"):
        services.journey_pause(actor=CLI, journey=made.paused)
        contacts.appointment_move(actor=CLI, appointment_id=made.visit, start=local("2026-12-11T09:00"))
    tick("2026-11-22T12:03")
    with at("2026-11-22T12:04"):
        book(made.bo, "2026-12-10T15:00")
    made.round = JourneyRun.objects.get(journey=made.first).round
    made.paused_round = JourneyRun.objects.get(journey=made.paused).round
    assert made.round > made.paused_round, "the second journey has read as much as the first"
    sequencer.number_entries()
    # Written, committed and not numbered when the backup is taken.
    record(actor=CLI, action=Action.CONTACT_OPEN, kind="person", people=[made.dana])
    call_command("backup", str(tmp_path / "disk"), str(tmp_path / "safe"), "--json")
    made.folder = Path(json.loads(capsys.readouterr().out)["backup"])
    made.keys = next((tmp_path / "safe").glob("*.tar"))
    made.positions = list(Journey.objects.values_list("seen_transaction", flat=True))
    made.entries = AuditEntry.objects.count()
    return made


@pytest.fixture
def elsewhere(backed_up, tmp_path) -> Iterator[SimpleNamespace]:
    """The new machine's empty cluster; its counter stands far below every number in the backup."""
    with clusters.another_cluster(tmp_path / "new") as where, clusters.standing_on(where):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            assert cursor.fetchone()[0] < min(backed_up.positions) - 50, "this cluster counts as far as the old one"
        yield backed_up


def restore(made: SimpleNamespace, capsys, *, go_on: bool = True) -> dict[str, object]:
    capsys.readouterr()
    call_command("restore", str(made.folder), str(made.keys), as_json=True, go_on=go_on)
    return dict(json.loads(capsys.readouterr().out))


def test_whoever_does_not_say_that_nothing_left_finds_journeys_paused(elsewhere, capsys) -> None:
    said = restore(elsewhere, capsys, go_on=False)
    assert said["journeys_paused"] == 1
    assert (said["campaigns_paused"], said["schedules_called_off"], said["messages_in_doubt"]) == (0, 0, 0)
    assert set(Journey.objects.values_list("state", flat=True)) == {"paused"}
    assert tick("2026-12-07T20:00").sent == 0


def test_the_trail_goes_on_without_a_gap(elsewhere, capsys) -> None:
    said = restore(elsewhere, capsys)
    assert said["ok"] is True
    assert said["older"] is False
    assert said["entries"] >= elsewhere.entries
    for number in range(3):
        record(actor=CLI, action=Action.CONTACT_OPEN, kind="person", people=[elsewhere.bo], codes={"n": number})
        assert sequencer.number_entries() >= 1
    sequencer.sign_checkpoint()
    verdict = verification.verify()
    assert (verdict.ok, verdict.open, verdict.first_bad) == (True, 0, None)
    assert AuditChain.objects.count() == AuditEntry.objects.count()


@pytest.mark.parametrize("by_hand", [False, True], ids=["by our command", "by hand"])
def test_journeys_read_what_they_had_not_read_and_what_is_new(elsewhere, by_hand, settings, capsys, at) -> None:  # noqa: F811
    """By hand means that nobody moved the positions: the first tick has to, after rows were written already."""
    if by_hand:
        settings.AFTER_RESTORE = []
    restore(elsewhere, capsys)
    with at("2026-11-23T09:00"):
        book(elsewhere.cleo, "2026-12-14T10:00")
    for minute in range(1, 4):
        tick(f"2026-11-23T09:0{minute}")
    mine = JourneyRun.objects.filter(journey=elsewhere.first)
    assert {run.person_id for run in mine} == {elsewhere.dana, elsewhere.bo, elsewhere.cleo}
    assert mine.get(person_id=elsewhere.dana).round == elsewhere.round, "the moved visit was read twice"

    # The journey that was paused reads the move that it had not read, once, and everything behind it.
    theirs = JourneyRun.objects.filter(journey=elsewhere.paused)
    assert [run.person_id for run in theirs] == [elsewhere.dana]
    with at("2026-11-23T10:00"):
        services.journey_resume(actor=CLI, journey=elsewhere.paused)
    for minute in range(1, 4):
        tick(f"2026-11-23T10:0{minute}")
    assert {run.person_id for run in theirs.all()} == {elsewhere.dana, elsewhere.bo, elsewhere.cleo}
    assert theirs.get(person_id=elsewhere.dana).round == elsewhere.paused_round + 1


def test_a_journey_that_begins_in_the_new_cluster_reads_no_history(elsewhere, settings, capsys, at) -> None:  # noqa: F811
    """Not even when nobody moved the old numbers before it began."""
    settings.AFTER_RESTORE = []
    restore(elsewhere, capsys)
    with at("2026-11-23T09:00"):
        new = services.journey_from_preset(actor=CLI, preset=presets.APPOINTMENT_REMINDER_JOURNEY)
        activate(new, take_in=False)
        book(elsewhere.cleo, "2026-12-14T10:00")
    with connection.cursor() as cursor:
        # Time passes: the counter comes to where the old numbers were.
        cursor.execute("SELECT max(transaction) FROM contacts_timelineevent")
        assert cursor.fetchone()[0] < max(elsewhere.positions)
    for minute in range(1, 3):
        tick(f"2026-11-23T09:0{minute}")
    assert [run.person_id for run in JourneyRun.objects.filter(journey=new)] == [elsewhere.cleo]
    assert not TimelineEvent.objects.filter(transaction__gte=max(elsewhere.positions)).exists()
