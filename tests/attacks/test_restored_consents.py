"""Somebody restores last week's backup: who said no since then is not written to again."""

from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.audit import sequencer
from apps.contacts import services
from apps.contacts.consent import replay
from apps.contacts.models import Consent, ConsentState, Suppression
from apps.contacts.person import search_values
from apps.core import actors, clock
from apps.core.purposes import Purpose
from apps.tracking import services as tracking
from apps.tracking.links import UnsubscribeLink
from apps.vault import ledger
from tests.installation.test_backup import another_database, own_places
from tests.text import without_tokens

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner", "audit", "reader"])
__all__ = ["another_database", "own_places"]
CLI = actors.COMMAND_LINE
ROSA, LUIS, DANA, KIM = (f"{name}@goodmail.test" for name in ("rosa", "luis", "dana", "kim"))


def person(name: str, address: str) -> int:
    made = services.contact_create(actor=CLI, profile={"first_name": name, "email": address})
    say(made.id, "granted")
    return made.id


def say(who: int, state: str) -> None:
    services.consent_record(
        actor=CLI, person_id=who, purpose=Purpose.MARKETING, state=state, on=date(2026, 1, 5), method="paper"
    )


def suppressed() -> set[tuple[bytes, str, str]]:
    rows = Suppression.objects.values_list("mailbox", "scope", "reason")
    return {(bytes(mailbox), scope, reason) for mailbox, scope, reason in rows}


def consents() -> dict[int, str]:
    return dict(ConsentState.objects.values_list("person_id", "state"))


def test_who_said_no_since_the_backup_is_not_written_to(tmp_path: Path, another_database: Any, capsys: Any) -> None:
    rosa, luis, dana = person("Rosa", ROSA), person("Luis", LUIS), person("Dana", DANA)
    sequencer.number_entries()
    call_command("backup", str(tmp_path / "disk"), str(tmp_path / "safe"), "--json")
    folder = Path(json.loads(capsys.readouterr().out)["backup"])

    say(rosa, "denied")
    say(luis, "denied")
    say(luis, "granted")  # changed his mind
    link = UnsubscribeLink(message=1, mailbox=search_values.mailbox(DANA), person=dana, campaign=0)
    assert tracking.unsubscribe(link=link, how="page")
    assert tracking.unsubscribe(link=link, how="page", reminders=True)
    services.suppress(actor=CLI, address=KIM, scope="all", reason="hard_bounce")
    other = UnsubscribeLink(message=2, mailbox=search_values.mailbox(LUIS), person=luis, campaign=0)
    assert tracking.unsubscribe(link=other, how="page")
    assert tracking.resubscribe(link=other)
    wanted = suppressed()
    assert len(wanted) == 3

    another_database()
    call_command("restore", str(folder), str(next((tmp_path / "safe").glob("*.tar"))), "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    assert said["opt_outs_again"] == 4
    assert suppressed() == wanted
    assert consents() == {rosa: "denied", luis: "granted", dana: "granted"}
    assert Consent.objects.filter(person_id=rosa).count() == 2
    assert replay.opt_outs_replay(actor=CLI, since=clock.now().replace(year=2026, month=1, day=1)) == 0


def test_the_ledger_tells_nobodys_name_and_is_private() -> None:
    say(person("Rosa", ROSA), "denied")
    services.suppress(actor=CLI, address=ROSA, scope="all", reason="staff")
    file = Path(ledger.path()).with_name(ledger.OPT_OUTS)
    text = file.read_text()
    assert len(text.splitlines()) == 2
    assert "osa" not in without_tokens(text)
    assert "goodmail" not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_line_hides_no_other_and_a_full_disk_stops_no_unsubscribe(settings: Any, tmp_path: Path) -> None:
    rosa = person("Rosa", ROSA)
    services.suppress(actor=CLI, address=ROSA, scope="all", reason="staff")
    file = Path(ledger.path()).with_name(ledger.OPT_OUTS)
    with file.open("a") as torn:
        torn.write('{"mailbox": "0011\n[1]\n')
    say(rosa, "denied")
    assert len(ledger.opt_outs(clock.now().replace(year=2020))) == 2
    settings.CARELANE_CHECKPOINTS = tmp_path / "file"
    settings.CARELANE_CHECKPOINTS.write_text("no folder")
    assert services.suppress(actor=CLI, address=LUIS, scope="all", reason="staff")
    assert Suppression.objects.count() == 2


def test_what_was_not_committed_is_not_noted() -> None:
    from django.db import transaction

    class Broken(Exception):
        pass

    def half() -> None:
        with transaction.atomic():
            services.suppress(actor=CLI, address=ROSA, scope="all", reason="staff")
            raise Broken

    with pytest.raises(Broken):
        half()
    assert ledger.opt_outs(clock.now().replace(year=2020)) == []
