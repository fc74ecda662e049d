"""The trail: what an intruder with the database can do, and what the verifier says of it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connections, transaction

from apps.audit import marks, sequencer, services, verification
from apps.audit.actions import Action
from apps.audit.models import AuditChain, AuditEntry
from apps.core import actors

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner", "audit", "reader"])


@pytest.fixture(autouse=True)
def own_checkpoints(settings, tmp_path):
    settings.CARELANE_CHECKPOINTS = tmp_path / "checkpoints"
    settings.AUDIT_WRITER = "audit"
    settings.AFTER_COMMAND = ["apps.audit.sequencer.pin"]


def write(count: int = 3) -> list[AuditEntry]:
    return [
        services.record(
            actor=actors.COMMAND_LINE,
            action=Action.CONTACT_OPEN,
            kind="person",
            people=[number],
            codes={"n": number, "share": 0.5},
            reason="Dana asked",
        )
        for number in range(count)
    ]


def as_owner(sql: str, *parameters: object) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, parameters)


def test_an_untouched_trail_is_whole() -> None:
    write()
    assert sequencer.number_entries() == 3
    sequencer.sign_checkpoint()
    found = verification.verify()
    assert (found.entries, found.open, found.ok, found.first_bad) == (3, 0, True, None)


def test_the_application_cannot_change_or_remove_an_entry() -> None:
    entry = write(1)[0]
    sequencer.number_entries()
    for sql in (
        "UPDATE audit_auditentry SET action = 'x' WHERE id = %s",
        "DELETE FROM audit_auditentry WHERE id = %s",
        "DELETE FROM audit_auditchain WHERE entry = %s",
    ):
        with pytest.raises(ProgrammingError), transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute(sql, [entry.pk])


def test_an_altered_entry_is_named() -> None:
    first, second, _ = write()
    sequencer.number_entries()
    as_owner("UPDATE audit_auditentry SET actor_id = 'somebody else' WHERE id = %s", second.pk)
    found = verification.verify()
    assert not found.ok
    assert found.first_bad == second.pk
    assert first.pk < second.pk


def test_a_removed_entry_is_named_also_when_its_number_goes_with_it() -> None:
    _, second, third = write()
    sequencer.number_entries()
    as_owner("DELETE FROM audit_auditentry WHERE id = %s", second.pk)
    assert verification.verify().first_bad == second.pk
    as_owner("DELETE FROM audit_auditchain WHERE entry = %s", second.pk)
    found = verification.verify()
    assert found.first_bad == third.pk
    assert "missing" in found.reason


def test_cutting_off_the_end_is_seen_against_the_checkpoint_outside() -> None:
    entries = write()
    sequencer.number_entries()
    sequencer.sign_checkpoint()
    as_owner("DELETE FROM audit_auditentry WHERE id = %s", entries[-1].pk)
    as_owner("DELETE FROM audit_auditchain WHERE entry = %s", entries[-1].pk)
    found = verification.verify()
    assert not found.ok
    assert "checkpoint" in found.reason


@pytest.mark.parametrize("before", [["verify_audit"], ["segment_save", "Everybody", "RULE"]])
def test_a_cut_is_seen_where_no_beat_runs_and_commands_do_the_work(before: list[str], tmp_path: Path) -> None:
    entries = write()
    rule = tmp_path / "rule.json"
    rule.write_text('{"match": "all", "rules": []}')
    before = [str(rule) if word == "RULE" else word for word in before]
    call_command(*before, stdout=StringIO())
    as_owner("DELETE FROM audit_auditchain WHERE entry >= %s", entries[-1].pk)
    as_owner("DELETE FROM audit_auditentry WHERE id >= %s", entries[-1].pk)
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--json", stdout=said)
    assert ended.value.code == 1
    assert json.loads(said.getvalue())["ok"] is False
    assert len(sequencer.checkpoints()) == 1, "what is broken is not signed"


def test_a_forged_checkpoint_is_seen(settings) -> None:
    write()
    sequencer.number_entries()
    sequencer.sign_checkpoint()
    path = next(settings.CARELANE_CHECKPOINTS.glob("*.jsonl"))
    path.write_text(path.read_text().replace('\\"sequence\\": 3', '\\"sequence\\": 1'))
    assert not verification.verify().ok


def test_who_saw_this_person_finds_bulk_acts_without_showing_ids() -> None:
    entry = services.record(
        actor=actors.COMMAND_LINE, action=Action.CONTACT_IMPORT, kind="person", people=range(1000, 2000)
    )
    services.record(actor=actors.COMMAND_LINE, action=Action.CONTACT_OPEN, kind="person", people=[5])
    found = AuditEntry.objects.filter(people__contains=[marks.person_token(1500)])
    assert [row.pk for row in found] == [entry.pk]
    assert 1500 not in found[0].people
    assert 1500 in marks.open_ids(found[0].people_sealed)


def test_an_uncommitted_entry_is_not_numbered_and_numbers_have_no_gap() -> None:
    with transaction.atomic():
        open_entry = write(1)[0]
        other = connections["audit"]
        with transaction.atomic(using="audit"):
            services.record(actor=actors.COMMAND_LINE, action=Action.TRAIL_VIEW, using="audit")
        assert other.alias == "audit"
        # The open transaction began earlier: nothing at or after it may be numbered yet.
        assert sequencer.number_entries() == 0
    assert sequencer.number_entries() == 2
    assert list(AuditChain.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2]
    assert AuditChain.objects.filter(entry=open_entry.pk).exists()


def test_opening_inside_a_transaction_that_fails_stays_on_the_trail() -> None:
    @transaction.atomic
    def open_and_fail() -> None:
        services.record_read(actor=actors.COMMAND_LINE, action=Action.CONTACT_OPEN, people=[1])
        raise RuntimeError("the work after the opening failed")

    with pytest.raises(RuntimeError):
        open_and_fail()
    assert AuditEntry.objects.filter(action="contact.open").count() == 1
