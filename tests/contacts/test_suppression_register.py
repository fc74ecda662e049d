"""Whoever gets hold of the database revives no mailbox unseen: edited and deleted stops hold, and are shown."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.consent.services import suppress_many
from apps.contacts.models import Suppression, SuppressionChange, SuppressionSum
from apps.contacts.person import search_values
from apps.contacts.person.selectors import open_person
from apps.contacts.suppressions.register import services as register
from apps.core import actors, clock
from apps.core.purposes import Purpose
from apps.delivery import home
from apps.delivery.policy.eligibility import Standing, hold
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
migration = import_module("apps.contacts.migrations.0019_suppression_macs")


@pytest.fixture(autouse=True)
def signed(settings, tmp_path) -> None:
    """A ledger of its own, and the sums as an upgrade makes them."""
    settings.CARELANE_CHECKPOINTS = str(tmp_path / "ledger")
    SuppressionSum.objects.all().delete()
    migration.sign(apps, SimpleNamespace(connection=connection))


@pytest.fixture
def ana():
    given = {"first_name": "Ana", "email": "ana@x.test"}
    person_id = contacts.contact_create(actor=CLI, profile=given).id
    return lambda: open_person(actor=CLI, purpose="test", person_id=person_id)


def stop(address: str = "ana@x.test", scope: str = "all", reason: str = "hard_bounce") -> None:
    contacts.suppress(actor=CLI, address=address, scope=scope, reason=reason)


def sql(statement: str) -> None:
    """What a thief does, past the product."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def held(person) -> bool:
    return hold(Purpose.TREATMENT, Standing(altered=person.stops_altered)) is not None


def test_what_the_product_writes_is_sound(ana, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        stop()
        stop("bo@x.test", "commercial", "hygiene")
        stop("bo@x.test", "commercial", "unsubscribed")
        stop("cy@x.test", "commercial", "unsubscribed")
        contacts.suppression_lift(
            actor=CLI, suppression_id=Suppression.objects.get(reason="hard_bounce").pk, reason="Works again"
        )
        stop()
    for _ in range(2):
        found = register.stops_check(actor=CLI)
        assert (found.rows, found.altered, found.back, found.buckets) == (3, 0, 0, 0)
        assert not SuppressionChange.objects.exists(), "changes are folded"
    assert not ana().stops_altered
    assert not AuditEntry.objects.filter(action="suppression.altered").exists()


@pytest.mark.parametrize(
    "change",
    ["scope = 'reminders'", "reason = 'hygiene'", "since = since + interval '1 second'", "source = 'x'", "mac = NULL"],
)
def test_an_edited_stop_holds_everything_and_is_lifted_by_nobody(ana, change, signed_in) -> None:
    stop()
    sql(f"UPDATE contacts_suppression SET {change}")
    assert held(ana())
    with refused("suppression.altered"):
        contacts.suppression_lift(actor=CLI, suppression_id=Suppression.objects.get().pk, reason="Works again")
    assert "Stops altered" in signed_in("nora").get(f"/contacts/{ana().id}/").content.decode()
    assert "Altered in the database" in signed_in("ada").get("/delivery/suppressions/").content.decode()
    assert register.stops_check(actor=CLI).altered == 1
    assert "1 stop of a mailbox altered" in signed_in("ada").get("/").content.decode()
    (check, *_) = home.checks(clock.now())
    assert check.state == "down"


def test_a_deleted_stop_comes_back_from_the_ledger(ana, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        stop()
    register.stops_check(actor=CLI)
    sql("DELETE FROM contacts_suppression")
    assert register.stops_check(actor=CLI).back == 1
    assert set(Suppression.objects.values_list("scope", "reason")) == {("all", "hard_bounce")}
    assert ana().suppressions == {"all"}
    assert register.stops_check(actor=CLI) == register.Findings(rows=1)
    assert AuditEntry.objects.get(action="suppression.altered").codes == {"back": 1}


@pytest.mark.parametrize(
    "theft",
    [
        "DELETE FROM contacts_suppression",
        "UPDATE contacts_suppression SET mailbox = mailbox || '\\x00'::bytea",
        "DELETE FROM contacts_suppression; DELETE FROM contacts_suppressionsum",
        "DELETE FROM contacts_suppression; "
        "UPDATE contacts_suppressionsum SET members = 0, total = decode(repeat('00', 32), 'hex')",
    ],
)
def test_a_deleted_stop_that_no_ledger_knows_holds_its_part_of_the_list(ana, theft) -> None:
    stop()
    register.stops_check(actor=CLI)
    assert ana().suppressions == {"all"}
    sql(theft)
    assert register.stops_check(actor=CLI).buckets > 0
    assert held(ana())
    sql("UPDATE contacts_suppressionsum SET missing_since = NULL")
    assert register.stops_check(actor=CLI).buckets > 0, "what was found is not forgotten"
    assert held(ana())


def test_an_older_state_of_all_tables_is_found_by_the_ledger(ana, django_capture_on_commit_callbacks) -> None:
    before = SuppressionSum.objects.get(bucket=search_values.mailbox("ana@x.test")[0])
    with django_capture_on_commit_callbacks(execute=True):
        stop()
    register.stops_check(actor=CLI)
    Suppression.objects.all().delete()
    before.save()
    found = register.stops_check(actor=CLI)
    assert (found.back, found.buckets) == (1, 0)
    assert ana().suppressions == {"all"}


def test_an_administrator_lets_it_stand_with_a_reason(ana, capsys) -> None:
    stop()
    stop("bo@x.test")
    sql(f"DELETE FROM contacts_suppression WHERE id = {Suppression.objects.first().pk}")
    sql("UPDATE contacts_suppression SET scope = 'commercial'")
    register.stops_check(actor=CLI)
    assert held(ana())
    call_command("suppression_check", "--keep", "Restored by the hosting company on the 3rd")
    assert "buckets_missing: 0" in capsys.readouterr().out
    assert not held(ana())
    with refused("suppression.sound"):
        register.stops_keep(actor=CLI, reason="Again")


def test_an_upgrade_signs_what_is_there(ana) -> None:
    stop()
    sql("UPDATE contacts_suppression SET mac = NULL")
    sql("DELETE FROM contacts_suppressionsum")
    sql("DELETE FROM contacts_suppressionchange")
    migration.sign(apps, SimpleNamespace(connection=connection))
    assert register.stops_check(actor=CLI) == register.Findings(rows=1)
    assert not held(ana())


def test_a_list_costs_no_statement_more_for_fifty() -> None:
    def asked(number: int) -> int:
        mailboxes = [search_values.mailbox(f"{number}-{each}@x.test") for each in range(number)]
        with CaptureQueriesContext(connection) as seen:
            suppress_many(actor=CLI, mailboxes=mailboxes, scope="all", reason="staff")
        return len(seen)

    assert asked(50) == asked(2)
