"""People who may be on record twice: found, compared, decided, on their pages too."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.merging import choices, judging
from apps.contacts.merging.services import finding
from apps.contacts.models import DuplicatePair, DuplicateSearch, MatchKey, Person, PersonMerge
from apps.core import actors, clock
from apps.imports.services import jobs, passes
from tests.refusals import refused

CLI = actors.COMMAND_LINE
BORN = "1980-02-03"
JANE = {"first_name": "Jane", "last_name": "O’Brien", "birth_date": BORN}
HOME = {"line": "1 Elm Street", "zip": "40502-1234", "city": "Lexington"}

# (what it is, one record, the other, how sure; None: not proposed)
J, UNBORN, MAIL, PHONE = JANE, {**JANE, "birth_date": ""}, {"email": "j@x.test"}, {"phone": "555 123 4567"}
THERE, ZIP, KID = {"address": HOME}, {"address": {"zip": "40502"}}, {"first_name": "Kid", "birth_date": "2015-01-01"}
SWAPPED = JANE | {"first_name": "O’Brien", "last_name": "Jane", "address": HOME}
FATHER, SON = ({"mrn": each, "external_ids": {"epic": each}} for each in "12")
WEI = {"first_name": "Wei", "last_name": "Ng", "birth_date": BORN}
PAIRS: list[tuple[str, dict[str, Any], dict[str, Any], int | None]] = [
    ("apostrophe, same mailbox", J | MAIL, J | {"last_name": "O'BRIEN", "email": "J@X.test"}, 3),
    ("name and birth date alone", J, J, 2),
    ("letters of a keyboard", J | {"last_name": "Łukasz-Ørsted"}, J | {"last_name": "Lukasz Orsted"}, 2),
    ("an initial", J, J | {"first_name": "J."}, 1),
    ("an initial, same phone", J | PHONE, J | {"first_name": "J", "phone": "+15551234567"}, 2),
    ("swapped names, same ZIP", J | THERE, SWAPPED, 3),
    ("married, same mailbox", J | MAIL, J | {"last_name": "Paz", **MAIL}, 2),
    ("no birth date, same mailbox", UNBORN | MAIL, J | MAIL, 2),
    ("same street, no birth date", UNBORN | THERE, J | THERE, 2),
    ("same ZIP, no birth date", UNBORN | ZIP, J | ZIP, 1),
    ("another record number", J | {**MAIL, "mrn": "1"}, J | {**MAIL, "mrn": "2"}, 2),
    ("another number in one system", J | {"external_ids": {"epic": "1"}}, J | {"external_ids": {"epic": "2"}}, 1),
    ("numbers of two systems", J | {"external_ids": {"epic": "1"}}, J | {"external_ids": {"lab": "2"}}, 2),
    ("twins", J | {**MAIL, **THERE}, J | {"first_name": "Ann", **MAIL, **THERE}, 1),
    ("twins without a mailbox", J | THERE, J | {"first_name": "Ann", **THERE}, None),
    ("mother and child", J | MAIL, J | KID | MAIL, None),
    ("father and son of one name", J | MAIL, J | {"birth_date": "2005-07-09", **MAIL}, 1),
    ("father and son, numbers of both", J | {**MAIL, **FATHER}, J | {"birth_date": "2005-07-09", **MAIL, **SON}, None),
    ("one day, one phone, nothing else", J | PHONE | FATHER, WEI | PHONE | SON, None),
    ("a typing error in the date", J | THERE, J | {"birth_date": "1980-03-02", **THERE}, 1),
    ("one name, one town, other dates", J | THERE, J | {"birth_date": "1971-08-30", **THERE}, None),
    ("the same day alone", J, WEI, None),
    ("subscribers without names", {"email": "a@x.test"}, {"email": "A@x.test"}, 1),
    ("nothing at all", {"last_name": "Paz"}, {"last_name": "Paz"}, None),
]  # fmt: skip


def test_how_sure_it_is() -> None:
    for what, one, other, strength in PAIRS:
        for first, second in ((one, other), (other, one)):
            found = judging.judge(first, second)
            assert (found.strength if found else None) == strength, what
            if strength is not None:
                assert judging.keys(first) & judging.keys(second), f"{what}: no key nominates the pair"
    twins = judging.judge(*PAIRS[13][1:3])
    assert twins is not None
    assert "other_first_name" in twins.reasons
    assert set(judging.REASONS) & set(judging.AGAINST) == set()


def test_which_value_is_suggested() -> None:
    one = {
        "first_name": "J",
        "last_name": "PAZ",
        "email": "a@x.test",
        "verified": {"email": {"value": "a@x.test", "on": "2026-01-01"}},
        "address": {"line": "1 Elm"},
    }
    other = {"first_name": "Jane", "last_name": "Paz", "email": "b@x.test", "address": {"line": "2 Oak"}, "sex": "F"}
    found = {field.name: field for field in choices.compare(one, other, {}, newer=choices.OTHER)}
    assert {name: (field.preset, field.differs) for name, field in found.items()} == {
        "email": ("a", True),  # verified
        "first_name": ("b", True),  # says more
        "last_name": ("b", False),  # not in capitals
        "sex": ("b", False),  # the only one
        "address_line": ("b", True),  # the newer record's
    }
    merged = choices.merged_profile(one, other, {"address_line": "a", "sex": "a"}, kept="a", newer="b")
    assert (merged["address"]["line"], merged["sex"], merged["email"]) == ("1 Elm", "F", "a@x.test")
    assert merged["other_emails"] == {"b@x.test": ""}
    assert merged["other_names"] == [{"first_name": "J", "last_name": "PAZ"}]
    # Whoever is a patient in either record is one: a weaker relationship would weaken the protection.
    assert choices.merged_profile({"relation": "subscriber"}, {}, {}, kept="a")["relation"] == "patient"


def add(**profile: Any) -> int:
    return services.contact_create(actor=CLI, profile=profile).id


def search() -> DuplicateSearch:
    job = finding.search_start(actor=CLI)
    finding.work(job.pk)
    job.refresh_from_db()
    return job


@pytest.mark.django_db
def test_a_search_finds_pairs_passes_crowds_over_and_asks_nothing_twice(noon, monkeypatch) -> None:
    monkeypatch.setattr(finding, "CHUNK", 7)
    one, other = add(**JANE, email="j@x.test"), add(**JANE, email="j@x.test")
    same = {"phone": "555 000 0000", "birth_date": "1990-01-01"}
    crowd = [add(first_name=f"N{number}", last_name=f"L{number}", **same) for number in range(21)]
    job = search()
    assert (job.state, job.done, job.total, job.found, job.crowded) == ("done", 23, 23, 1, 1)
    pair = DuplicatePair.objects.get()
    assert (pair.first_id, pair.second_id, pair.strength) == (one, other, 3)
    assert pair.reasons == ["name", "birth_date", "email"]
    opened = AuditEntry.objects.filter(purpose="find duplicates")
    assert opened.exists()
    finding.pair_different(actor=CLI, pair_id=pair.pk)
    with refused("duplicates.decided"):
        finding.pair_different(actor=CLI, pair_id=pair.pk)
    assert search().found == 0
    # One who is erased is in no key and no pair any more.
    services.contact_erase(actor=CLI, person_id=crowd[0], reason="asked")
    assert not MatchKey.objects.filter(person_id=crowd[0]).exists()


@pytest.mark.django_db
def test_a_search_stops_and_goes_on(noon, monkeypatch) -> None:
    monkeypatch.setattr(finding, "CHUNK", 1)
    add(**JANE), add(**JANE)
    job = finding.search_start(actor=CLI)
    with refused("duplicates.under_way"):
        finding.search_start(actor=CLI)
    finding.search_cancel(actor=CLI, search_id=job.pk)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert finding.due(clock.now()) == []
    finding.search_resume(actor=CLI, search_id=job.pk)
    assert finding.due(clock.now()) == [job.pk]
    finding.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.found) == ("done", 1)
    with refused("duplicates.finished"):
        finding.search_cancel(actor=CLI, search_id=job.pk)


@pytest.mark.django_db
def test_an_import_looks_for_whom_it_made(noon, tmp_path, settings) -> None:
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = {**settings.STORAGES, "default": files}
    add(**JANE, address=HOME)
    search()
    text = "MRN,First,Last,Born,Zip\n7,Jane,OBrien,1980-02-03,40502\n8,Wei,Ng,1977-01-01,40502\n"
    columns = {"MRN": "mrn", "First": "first_name", "Last": "last_name", "Born": "birth_date", "Zip": "zip"}
    upload = jobs.Upload("list.csv", io.BytesIO(text.encode()))
    job = jobs.import_create(actor=CLI, kind="list", uploads=[upload], document={"match_on": "mrn", "columns": columns})
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    (waiting,) = finding.due(clock.now())
    finding.work(waiting)
    found = DuplicateSearch.objects.get(pk=waiting)
    assert (found.total, found.found) == (2, 1)


@pytest.fixture
def pair(noon, cast) -> DuplicatePair:
    add(**JANE, email="jane@one.test", mrn="A1", address=HOME)
    add(**JANE | {"first_name": "J"}, email="jane@two.test", mrn="B2", address=HOME, phone="555 123 4567")
    search()
    return DuplicatePair.objects.get()


def test_a_nurse_compares_merges_and_takes_it_back(pair, signed_in: Callable[[str], Any]) -> None:
    nora = signed_in("nora")
    page = nora.get("/contacts/duplicates/").content.decode()
    assert "Same last name, first names begin alike" in page
    assert "jane@one.test" not in page
    assert "Duplicates (1)" in nora.get("/contacts/").content.decode()
    address = f"/contacts/{pair.first_id}/merge/{pair.second_id}/"
    page = nora.get(address).content.decode()
    assert "jane@one.test" in page
    assert AuditEntry.objects.filter(action="contact.reveal", purpose="merge", people_count=2).exists()
    form = {"keep": "b", "field:email": "a", "field:first_name": "a", "version_a": "1", "version_b": "1"}
    stale = nora.post(address, form | {"version_b": "7"})
    assert (stale.status_code, PersonMerge.objects.count()) == (422, 0)
    done = nora.post(address, form)
    row = PersonMerge.objects.get()
    assert done["Location"] == f"/contacts/merges/{row.pk}/"
    assert (row.kept_id, row.merged_id) == (pair.second_id, pair.first_id)
    assert "Undo this merge" in nora.get(done["Location"]).content.decode()
    led = nora.get(f"/contacts/{pair.first_id}/")
    assert (led.status_code, led["Location"]) == (302, f"/contacts/{pair.second_id}/")
    page = nora.get(f"/contacts/{pair.second_id}/").content.decode()
    assert "Look at the merge" in page
    assert "Jane O’Brien" in page
    # The trail of the one that stayed shows what was done with the other before.
    page = signed_in("ada").get(f"/contacts/{pair.second_id}/access/").content.decode()
    assert page.count("Added") >= 2
    pair.refresh_from_db()
    assert pair.state == "merged"
    nora.post(f"/contacts/merges/{row.pk}/")
    assert Person.objects.filter(erased_at=None).count() == 2
    assert "This merge was undone" in nora.get(f"/contacts/merges/{row.pk}/").content.decode()
    nora.post(address, {"different": "1"})
    assert "No duplicates wait" in nora.get("/contacts/duplicates/").content.decode()
    assert nora.post(f"/contacts/{pair.first_id}/merge/", {"q": "O'Brien"}).content.decode().count("Compare") == 1


def test_who_may_open_what(pair, signed_in: Callable[[str], Any]) -> None:
    compare = f"/contacts/{pair.first_id}/merge/{pair.second_id}/"
    marketer, nurse = signed_in("max"), signed_in("nora")
    page = marketer.get("/contacts/duplicates/").content.decode()
    assert "Care staff and administrators compare and merge" in page
    assert "Compare</a>" not in page
    for address in (compare, f"/contacts/{pair.first_id}/merge/"):
        assert marketer.get(address).status_code == 403
    assert marketer.post(f"/contacts/duplicates/{pair.pk}/different/").status_code == 403
    for address in ("/contacts/999/merge/", f"/contacts/{pair.first_id}/merge/999/", "/contacts/merges/999/"):
        assert nurse.get(address).status_code == 404, address
    assert nurse.get(f"/contacts/{pair.first_id}/merge/{pair.first_id}/").status_code == 404
    nurse.post("/contacts/duplicates/search/")
    running = DuplicateSearch.objects.get(state="running")
    assert "hx-get" in nurse.get(f"/contacts/duplicates/search/{running.pk}/").content.decode()
    nurse.post(f"/contacts/duplicates/search/{running.pk}/cancel/")
    assert "Go on with it" in nurse.get("/contacts/duplicates/?strength=1").content.decode()
    nurse.post(f"/contacts/duplicates/search/{running.pk}/resume/")
    assert nurse.post(f"/contacts/duplicates/search/{running.pk}/burn/").status_code == 404


def test_the_queue_asks_the_same_for_one_pair_and_for_twenty(pair, signed_in, questions) -> None:
    nora = signed_in("nora")
    one = questions(nora, "/contacts/duplicates/")
    for number in range(20):
        for _ in range(2):
            add(first_name=f"A{number}", last_name="Twin", birth_date="1950-01-01")
    search()
    assert DuplicatePair.objects.filter(state="open").count() >= 20
    assert questions(nora, "/contacts/duplicates/") == one
