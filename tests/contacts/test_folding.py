"""Names, places and numbers are found by what a keyboard types: before, during and after the renewal of values."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.contacts import services, tasks
from apps.contacts.models import PersonSearch, SearchRenewal
from apps.contacts.person import renewal, search_values, searching, selectors
from apps.core import actors, clock, folding
from apps.jobs import waking
from apps.segments import compiler, rules
from apps.vault import tokens

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
ZONE = ZoneInfo("America/New_York")

PEOPLE = {
    "O’Brien": ["O'Brien", "OBrien", "o’brien", "Brien", "O Brien", "obr"],
    "Łukasz": ["Lukasz", "łukasz", "ŁUKASZ", "luk"],
    "Đặng": ["Dang", "dang", "Đặng"],
    "Søren": ["Soren"],
    "Kjær": ["Kjaer"],
    "Æbelø": ["Aebelo"],
    "Großmann": ["Grossmann", "GROSSMANN"],
    "Þórdís": ["Thordis"],
    "Guðrún": ["Gudrun"],
    "Işık": ["Isik"],
    "Œuvrard": ["Oeuvrard"],
    "Al‑Sayed": ["Al-Sayed", "Sayed", "al sayed"],
    "Smith‐Jones": ["Smith-Jones", "Jones", "smith", "Smith–Jones"],
    "Kaʻahumanu": ["Ka'ahumanu", "Kaahumanu", "Ka’ahumanu"],
    "St. James": ["St James", "st. james"],
}


def found(typed: str) -> set[int]:
    return set(searching.people(text=typed).values_list("pk", flat=True))


def matched(tree: dict) -> set[int]:
    sql, params = compiler.compile(rules.parse(tree), clock.now(), ZONE)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {row[0] for row in cursor.fetchall()}


def as_before(person_id: int, profile: dict) -> None:
    """The search row as the release before wrote it: golden, never to be changed."""
    values = set(search_values.of({name: "x" for name in profile if isinstance(profile[name], str)}).tokens)
    for name in ("first_name", "last_name"):
        whole = tokens.normalize(profile.get(name, ""))
        for word in [whole, *whole.replace("-", " ").split()]:
            values.add(tokens.token63(f"person.{name}", word))
            for length in range(2, min(len(word), 4) + 1):
                values.add(tokens.token63(f"person.{name}^", word[:length]))
    if city := profile.get("address", {}).get("city"):
        values.add(tokens.token63("person.city", tokens.normalize(city)))
    PersonSearch.objects.filter(pk=person_id).update(tokens=sorted(values), generation=1)


def add(**profile: object) -> int:
    return services.contact_create(actor=CLI, profile=profile).id


def test_a_keyboard_finds_every_name() -> None:
    ids = {name: add(first_name="Kim", last_name=name) for name in PEOPLE}
    for name, ways in PEOPLE.items():
        for typed in [name, *ways]:
            assert found(typed) == {ids[name]} or (typed == "smith" and ids[name] in found(typed)), (name, typed)


def test_segments_ask_by_the_same_words() -> None:
    brien, jones = add(last_name="O’Brien"), add(last_name="Smith‐Jones")
    louis = add(last_name="Roe", address={"city": "Coeur d’Alene"})
    records = selectors.open_people(actor=CLI, purpose="scene", ids=[brien, jones, louis])
    for field, value, who in (
        ("last_name", "O'Brien", {brien}),
        ("last_name", "obrien", {brien}),
        ("last_name", "Jones", {jones}),
        ("last_name", "smith jones", {jones}),
        ("city", "coeur d'alene", {louis}),
    ):
        for op in ("is", "is_not"):
            tree = {"match": "all", "rules": [{"field": field, "op": op, "value": value}]}
            everybody = {brien, jones, louis}
            assert matched(tree) == (who if op == "is" else everybody - who), (value, op)
            rule = rules.parse(tree)
            held = {pk for pk, record in records.items() if rules.matches(rule, record, clock.now(), ZONE)}
            assert held == matched(tree), (value, op)


def test_what_tells_values_apart_still_does() -> None:
    """A blood group is not its opposite, and a version number keeps its point."""
    assert folding.fold("A-") != folding.fold("A") != folding.fold("A+")
    assert folding.fold("1.5") != folding.fold("15")
    assert folding.fold("Winston–Salem") == folding.fold("winston-salem")


def test_record_numbers_and_addresses_are_found_however_they_are_typed() -> None:
    dashed = add(last_name="Roe", mrn="NM-6", email="o'brien-x@goodmail.test")
    plain = add(last_name="Poe", mrn="NM7")
    for typed in ("nm 6", "NM-6", "nm6", "NM–6"):
        assert found(typed) == {dashed}, typed
    assert found("nm-7") == found("NM 7") == {plain}
    assert found("o’brien‑x@goodmail.test") == {dashed}
    # Two numbers that differ in a dash only stay two people's.
    assert found("NM 6") != {add(last_name="Low", mrn="N-M6")}


def test_people_of_both_generations_are_found_while_values_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[int] = []
    monkeypatch.setattr(waking, "wake_now", lambda task, *ids, **given: woken.extend(ids) or True)
    monkeypatch.setattr(renewal, "CHUNK", 2)
    profiles = [{"last_name": name, "address": {"city": "St. Albans"}} for name in ("O'Brien", "Łukasz", "St. James")]
    ids = [add(**profile) for profile in profiles]
    for person_id, profile in zip(ids, profiles, strict=True):
        as_before(person_id, profile)
    rule = {"match": "all", "rules": [{"field": "city", "op": "is", "value": "St. Albans"}]}

    def all_found() -> None:
        assert found("O'Brien") == found("O’Brien") == {ids[0]}
        assert found("Łukasz") == {ids[1]}
        assert found("St. James") == {ids[2]}
        assert matched(rule) == set(ids)
        assert matched({"match": "all", "rules": [{**rule["rules"][0], "op": "is_not"}]}) == set()

    all_found()
    assert found("Lukasz") == set()
    tasks.job_sweep()
    job = SearchRenewal.objects.get()
    assert (woken, job.total, job.state) == ([job.pk], 3, "running")
    SearchRenewal.objects.filter(pk=job.pk).update(worker="w")
    assert renewal._chunk(job.pk, "w") is True
    job.refresh_from_db()
    assert job.done == 2
    assert PersonSearch.objects.filter(generation=1).count() == 1
    assert renewal.under_way() is not None
    all_found()
    assert found("Lukasz") == {ids[1]}
    SearchRenewal.objects.filter(pk=job.pk).update(worker="", lease_until=None)
    # A process of the release before writes somebody behind the job.
    as_before(ids[0], profiles[0])
    assert renewal.work(job.pk)
    all_found()
    assert found("OBrien") == {ids[0]}
    assert not PersonSearch.objects.filter(generation=1).exists()
    assert renewal.under_way() is None
    assert AuditEntry.objects.filter(action="contact.open", subject=str(job.pk)).count() == 3
    woken.clear()
    tasks.job_sweep()
    assert woken == []


def test_a_fresh_installation_has_nothing_to_renew(noon: datetime) -> None:
    tasks.job_sweep()
    assert SearchRenewal.objects.get().state == "done"
    add(last_name="Roe")
    assert PersonSearch.objects.get().generation == search_values.GENERATION


def test_whoever_is_changed_meanwhile_has_the_new_values_at_once() -> None:
    person = add(last_name="Łukasz")
    as_before(person, {"last_name": "Łukasz"})
    services.contact_update(actor=CLI, person_id=person, profile={"last_name": "Łukasz", "sex": "M"}, version=1)
    assert PersonSearch.objects.get().generation == 2
    assert found("lukasz") == {person}
