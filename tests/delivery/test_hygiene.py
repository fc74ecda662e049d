"""The list is looked at every night: nobody is deleted, nobody's treatment mail stops, no server is asked."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.models import Person, Suppression
from apps.contacts.services import NewEvent
from apps.core import actors, clock
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import services
from apps.delivery.hygiene import rules
from apps.delivery.hygiene import services as hygiene_services
from apps.delivery.hygiene.rules import Flag, look_at, suggestion
from apps.delivery.models import HygieneFinding, HygieneRun, OutboxMessage
from apps.delivery.models.outbox import MessageKind
from tests.refusals import refused

CLI = actors.COMMAND_LINE
BEAT = actors.system("beat")
NOW = datetime(2026, 11, 20, 3, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "flags"),
    [
        ("dana.quist@goodmail.test", set()),
        ("info@clinic.test", {Flag.ROLE}),
        ("Sales+west@clinic.test", {Flag.ROLE}),
        ("dana@gmial.com", {Flag.TYPO}),
        ("dana@gmail.con", {Flag.TYPO}),
        ("dana@gmail.com", set()),
        ("dana@mail.com", set()),
        ("dana@mailinator.com", {Flag.DISPOSABLE}),
        ("dana@deep.mailinator.com", {Flag.DISPOSABLE}),
        ("dana", {Flag.INCOMPLETE}),
        ("dana@clinic", {Flag.INCOMPLETE}),
        ("dana@@gmail.com", {Flag.INCOMPLETE}),
        ("da na@gmail.com", {Flag.INCOMPLETE}),
        ("", {Flag.INCOMPLETE}),
    ],
)
def test_what_spelling_tells(address, flags):
    assert look_at(address) == flags


def test_suggestions():
    assert suggestion("a@hotmial.com") == "hotmail.com"
    assert suggestion("a@yahooo.com") == "yahoo.com"
    assert suggestion("a@outlook.cmo") == "outlook.com"
    assert suggestion("a@clinic.org") == ""


def test_real_providers_are_not_called_misspelled(shared_data):
    free = (shared_data / "traffic/free-mail-domains/free.txt").read_text().split()
    odd = {domain for domain in free if suggestion(f"a@{domain}")}
    # Squatted look-alikes that the list of free providers has too.
    assert odd == {"comast.net", "hitmail.com", "vahoo.com", "yaho.com"}
    assert len(free) > 4_000


def test_misspellings_of_a_corpus_are_found(shared_data):
    lines = (shared_data / "addresses/flanker/domain_typos_valid.txt").read_text().split()
    pairs = [line.split(",") for line in lines if line.count(",") == 1]
    right = [typo for typo, meant in pairs if suggestion(f"a@{typo}") == meant]
    wrong = [typo for typo, meant in pairs if suggestion(f"a@{typo}") not in ("", meant)]
    assert len(right) / len(pairs) > 0.7
    assert wrong == []


def test_no_mail_server_is_ever_asked():
    for module in (rules, hygiene_services):
        source = inspect.getsource(module)
        assert not any(word in source for word in ("smtplib", "delivery.smtp", "socket", "connect("))


@pytest.fixture
def mailed(people):
    """``mailed(person, days_ago=[...])`` puts optional messages into the past."""

    def put(person, days_ago, *, state="sent", reason="", purpose=Purpose.MARKETING):
        for number, days in enumerate(days_ago):
            OutboxMessage.objects.create(
                kind=MessageKind.CAMPAIGN,
                stream="bulk",
                source_id=1000 + number * 1000 + days,
                person_id=person.id,
                purpose=purpose,
                level=Level.HEALTH,
                state=state,
                reason=reason,
                route="tls",
                finished_at=NOW - timedelta(days=days),
            )

    return put


def run():
    with clock.frozen(NOW):
        return services.clean_list(actor=BEAT)


def found(flag):
    return set(HygieneFinding.objects.filter(flag=flag).values_list("person_id", flat=True))


def resting():
    return Suppression.objects.filter(reason="hygiene").count()


OFTEN = [200, 150, 120, 90, 60, 30]


@pytest.mark.django_db
def test_silent_people_rest_and_others_do_not(people, mailed):
    silent, clicked, fresh, seldom = people("a@g.test", "b@g.test", "c@g.test", "d@g.test")
    for person in (silent, clicked):
        mailed(person, OFTEN)
    mailed(fresh, [100, 90, 80, 70, 60, 50])
    mailed(seldom, [200, 30])
    with clock.frozen(NOW - timedelta(days=20)):
        contacts.events_record(
            actor=CLI, events=[NewEvent(clicked.id, "message.clicked", (NOW - timedelta(days=20)).date(), "click:1:1")]
        )
    done = run()
    assert found("unengaged") == {silent.id}
    assert done.counts["unengaged"] == 1
    assert done.counts["rested"] == 1
    (row,) = Suppression.objects.filter(reason="hygiene")
    assert row.scope == "commercial"
    assert Person.objects.count() == 4
    assert HygieneFinding.objects.get(flag="unengaged").rested


@pytest.mark.django_db
def test_treatment_mail_alone_makes_nobody_silent(people, mailed):
    (dana,) = people("a@g.test")
    mailed(dana, OFTEN, purpose=Purpose.TREATMENT)
    run()
    assert found("unengaged") == set()


@pytest.mark.django_db
def test_a_visit_is_a_sign_of_life(people, mailed):
    (dana,) = people("a@g.test")
    mailed(dana, OFTEN)
    visit = NewEvent(dana.id, "encounter", (NOW - timedelta(days=10)).date(), "visit:1")
    contacts.events_record(actor=CLI, events=[visit])
    run()
    assert found("unengaged") == set()


@pytest.mark.django_db
def test_a_household_rests_only_when_all_of_it_is_silent(people, mailed):
    one, other = people("home@g.test", "HOME@g.test")
    mailed(one, OFTEN)
    run()
    assert found("unengaged") == {one.id}
    assert resting() == 0
    mailed(other, OFTEN)
    run()
    assert resting() == 1


@pytest.mark.django_db
def test_a_sign_of_life_ends_the_rest(people, mailed):
    (dana,) = people("a@g.test")
    mailed(dana, OFTEN)
    run()
    assert resting() == 1
    with clock.frozen(NOW + timedelta(hours=1)):
        contacts.events_record(actor=CLI, events=[NewEvent(dana.id, "message.read", NOW.date(), "read:1")])
    with clock.frozen(NOW + timedelta(days=1)):
        done = services.clean_list(actor=BEAT)
    assert done.counts["woken"] == 1
    assert done.counts["rested"] == 0
    assert resting() == 0


@pytest.mark.django_db
def test_what_keeps_failing_rests_and_what_is_dead_is_named(people, mailed):
    failing, policy, dead = people("a@g.test", "b@g.test", "c@g.test")
    mailed(failing, [30, 20, 10], state="bounced", reason="full")
    mailed(policy, [30, 20, 10], state="bounced", reason="policy")
    contacts.suppress(actor=CLI, address="c@g.test", scope="all", reason="hard_bounce")
    done = run()
    assert found("failing") == {failing.id}
    assert found("dead") == {dead.id}
    assert (done.counts["failing"], done.counts["dead"], done.counts["rested"]) == (1, 1, 1)


@pytest.mark.django_db
def test_odd_addresses_are_shown_and_nothing_is_done_to_them(people):
    people("info@g.test", "dana@gmial.com", "kim@mailinator.com", "fine@g.test")
    done = run()
    assert {flag: done.counts[flag] for flag in ("role", "typo", "disposable")} == {
        "role": 1,
        "typo": 1,
        "disposable": 1,
    }
    assert Suppression.objects.count() == 0
    assert done.done == 4
    assert AuditEntry.objects.filter(action="contact.open", purpose="list hygiene").count() == 1


@pytest.mark.django_db
def test_the_time_is_a_setting(people, mailed):
    (dana,) = people("a@g.test")
    mailed(dana, [40, 25, 20, 15, 10, 5])
    run()
    assert found("unengaged") == set()
    services.settings_change(actor=CLI, version=0, unengaged_days=30)
    run()
    assert found("unengaged") == {dana.id}


@pytest.mark.django_db
def test_two_runs_at_once_are_one(people):
    with clock.frozen(NOW):
        HygieneRun.objects.create(started_at=NOW - timedelta(minutes=5))
        with refused("hygiene.report_under_way"):
            services.clean_list(actor=BEAT)
    with clock.frozen(NOW + timedelta(hours=7)):
        services.clean_list(actor=BEAT)
    assert not HygieneRun.objects.filter(state="running").exists()


@pytest.mark.django_db
def test_staff_can_end_a_rest(people, mailed):
    (dana,) = people("a@g.test")
    mailed(dana, OFTEN)
    run()
    services.wake(actor=CLI, person_id=dana.id)
    assert resting() == 0
    assert not HygieneFinding.objects.get(flag="unengaged").rested
    with refused("mailbox.not_resting"):
        services.wake(actor=CLI, person_id=dana.id)


@pytest.mark.django_db
def test_by_command(people, capsys):
    import json

    from django.core.management import call_command

    people("info@g.test")
    call_command("list_hygiene", as_json=True)
    assert json.loads(capsys.readouterr().out)["role"] == 1


@pytest.mark.django_db
def test_who_unsubscribes_while_resting_stays_unsubscribed(people, mailed):
    from django.test import Client

    from apps.contacts.person import search_values
    from apps.tracking.links import unsubscribe_url

    (dana,) = people("a@g.test")
    mailed(dana, OFTEN)
    run()
    url = unsubscribe_url(mailbox=search_values.mailbox("a@g.test"), person=dana.id, message=1)
    Client().post("/r/u/" + url.rpartition("/")[2], {"List-Unsubscribe": "One-Click"})
    assert Suppression.objects.get().reason == "unsubscribed"
    with clock.frozen(NOW + timedelta(hours=1)):
        contacts.events_record(actor=CLI, events=[NewEvent(dana.id, "message.read", NOW.date(), "read:1")])
    with clock.frozen(NOW + timedelta(days=1)):
        services.clean_list(actor=BEAT)
    assert Suppression.objects.get().reason == "unsubscribed"


@pytest.mark.django_db
def test_a_rest_never_takes_the_place_of_a_stronger_reason(people, mailed):
    (dana,) = people("a@g.test")
    contacts.suppress(actor=CLI, address="a@g.test", scope="commercial", reason="complaint")
    mailed(dana, OFTEN)
    run()
    assert Suppression.objects.get().reason == "complaint"
