"""Labs from Synthea's observations: a marketer finds the diabetics without an HbA1c, and a letter says the last one."""

from __future__ import annotations

import io

import pytest

from apps.contacts.models import LatestResult, Person
from apps.contacts.person import search_values, selectors
from apps.contacts.services import contact_erase
from apps.content import fields
from apps.content.facts import masked, person_facts
from apps.core import actors
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes
from apps.imports.services.jobs import Upload
from apps.segments import rules, services
from apps.segments.models import Segment

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
PATIENTS = (
    "Id,BIRTHDATE,DEATHDATE,FIRST,LAST,GENDER,ADDRESS,CITY,STATE,ZIP\n"
    "p-1,1960-04-12,,Ana,Paz,F,1 Elm St,Lugo,Ohio,43001\n"
    "p-2,1950-01-01,,Bo,Rey,M,2 Elm St,Lugo,Ohio,43001\n"
    "p-3,1990-12-01,,Cy,Sol,M,3 Elm St,Lugo,Ohio,43001\n"
)
CONDITIONS = (
    "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION\n"
    "2020-01-01,,p-1,e1,44054006,Diabetes\n"
    "2020-01-01,,p-2,e2,44054006,Diabetes\n"
)
HEAD = "DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,VALUE,UNITS,TYPE\n"
A1C = "4548-4,Hemoglobin A1c/Hemoglobin.total in Blood"
OBSERVATIONS = HEAD + (
    f"2026-09-01T10:00:00Z,p-1,e3,{A1C},9.4,%,numeric\n"
    f"2026-01-01T10:00:00Z,p-1,e4,{A1C},7.0,%,numeric\n"
    f"2026-02-01T10:00:00Z,p-2,e5,{A1C},75,mmol/mol,numeric\n"
    f"2026-10-01T10:00:00Z,p-3,e6,{A1C},6.1,mg/dL,numeric\n"
    "2026-10-01T10:00:00Z,p-3,e6,20447-9,HIV 1 RNA,190,{copies}/mL,numeric\n"
    "2026-10-01T10:00:00Z,p-3,e6,8480-6,Systolic Blood Pressure,,mm[Hg],numeric\n"
)


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    """Uploads go to a folder of the test."""
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "files")}}
    settings.STORAGES = {**settings.STORAGES, "default": files}


def imported(**tables: str) -> ImportJob:
    uploads = [Upload(f"{name}.csv", io.BytesIO(text.encode())) for name, text in tables.items()]
    job = jobs.import_create(actor=CLI, kind="synthea", uploads=uploads)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert job.state == "done", job.opened()
    return job


@pytest.fixture
def clinic(noon) -> ImportJob:
    return imported(patients=PATIENTS, conditions=CONDITIONS, observations=OBSERVATIONS)


def person(key: str) -> int:
    token = search_values.identity("external.synthea", key)
    return Person.objects.get(identities__token=token).pk


def found(*conditions: dict) -> int:
    rule = {"match": "all", "rules": list(conditions)}
    saved = services.segment_save(actor=CLI, name=f"Rule {Segment.objects.count()}", rule=rule)
    return services.segment_count(actor=CLI, segment_id=saved.pk).count


def record_of(key: str):
    number = person(key)
    opened = selectors.open_people(actor=CLI, purpose="scene", ids=[number])
    selectors.load_results(opened)
    selectors.load_events(opened)
    return opened[number]


def test_a_marketer_finds_the_diabetics_without_an_hba1c_in_six_months(signed_in, clinic: ImportJob) -> None:
    form = {
        "shape": "[0,0]", "n.match": "all", "name": "HbA1c is due",
        "n0.what": "event:condition", "n0.op": "at_least", "n0.times": "1", "n0.which": "set", "n0.set": "diabetes",
        "n0.when": "ever",
        "n1.what": "lab:", "n1.lab": "hba1c", "n1.op": "never", "n1.when": "last", "n1.last_days": "6",
        "n1.unit": "months",
    }  # fmt: skip
    client = signed_in("max")
    preview = client.post("/segments/preview/", form | {"ticket": "0123456789abcdef"}).content.decode()
    assert ">1<" in preview.replace(" ", "")
    assert "has had no HbA1c in the last 6 months" in preview
    saved = client.post("/segments/new/", form, follow=True).content.decode()
    assert "HbA1c is due" in saved
    assert "B••• R•••" in client.post("/segments/preview/", form | {"ticket": "0123456789abcdef"}).content.decode()


def test_the_last_result_decides_whatever_the_order_of_the_file(clinic: ImportJob) -> None:
    over, under = {"op": "over", "from": 9}, {"op": "at_most", "to": 8.99}
    assert found({"lab": "hba1c", **over}) == 2, "9.4 %, and 75 mmol/mol are 9.01 %"
    assert found({"lab": "hba1c", **over, "last_days": 6, "unit": "months"}) == 1
    assert found({"lab": "hba1c", **under, "result": "any"}) == 1
    assert found({"lab": "hba1c", **under}) == 0, "p-3's is in a unit that nobody can compare"
    assert found({"lab": "hba1c", "op": "measured"}) == 3


def test_what_the_unit_does_not_allow_is_said_and_empty_results_are_listed(signed_in, clinic: ImportJob) -> None:
    data = clinic.opened()
    assert clinic.rejected == 1
    assert data["reasons"] == {"VALUE is empty": 1}
    assert list(data["notes"].values()) == [1]
    page = signed_in("max").get(f"/contacts/imports/{clinic.pk}/").content.decode()
    assert "HbA1c in “mg/dL” is kept and shown" in page


def test_a_second_import_adds_nothing_and_a_corrected_result_counts(clinic: ImportJob) -> None:
    again = imported(patients=PATIENTS, conditions=CONDITIONS, observations=OBSERVATIONS)
    assert (again.new, again.changed) == (0, 0)
    corrected = imported(patients=PATIENTS, observations=OBSERVATIONS.replace("9.4", "8.4"))
    assert (corrected.new, corrected.changed) == (0, 1)
    assert found({"lab": "hba1c", "op": "over", "from": 9}) == 1
    assert record_of("p-1").results["hba1c"]["value"] == "8.4"


def test_the_level_of_a_result_is_that_of_its_set() -> None:
    assert rules.level(rules.parse({"match": "all", "rules": [{"lab": "hba1c", "op": "measured"}]})) == 2
    assert rules.level(rules.parse({"match": "all", "rules": [{"lab": "hiv_load", "op": "over", "from": 200}]})) == 3
    assert fields.CATALOG["lab.hba1c"].level == 2
    assert fields.CATALOG["lab.drug_screen"].level == fields.CATALOG["lab.pregnancy_test_date"].level == 3


def test_a_letter_may_say_the_last_result(clinic: ImportJob) -> None:
    ana = record_of("p-1")
    facts = person_facts(ana.profile, results=ana.results)
    assert (facts["lab"]["hba1c"], facts["lab"]["hba1c_date"]) == ("9.4 %", "2026-09-01")
    assert "9.4" not in str(masked(facts, names=True))
    assert "lab" not in person_facts(ana.profile, results={})


def test_the_timeline_shows_results_to_those_who_may_reveal(signed_in, clinic: ImportJob) -> None:
    ana = person("p-1")
    carl = signed_in("nora").get(f"/contacts/{ana}/timeline/?kind=labs").content.decode()
    assert "9.4 %" in carl
    assert "<svg" in carl
    assert "Show the numbers" in carl
    marketer = signed_in("max").get(f"/contacts/{ana}/timeline/?kind=labs").content.decode()
    assert "9.4" not in marketer
    assert "Lab or vital" in marketer


def test_an_erased_person_leaves_no_result(clinic: ImportJob) -> None:
    ana = person("p-1")
    contact_erase(actor=CLI, person_id=ana, reason="asked")
    assert not LatestResult.objects.filter(person_id=ana).exists()
    assert found({"lab": "hba1c", "op": "over", "from": 9}) == 1


@pytest.mark.shared_data
def test_results_of_eleven_patients_of_synthea(shared_data, noon) -> None:
    folder = shared_data / "patients/synthea-csv-small-a"
    uploads = [Upload(path.name, path.open("rb")) for path in sorted(folder.iterdir())]
    job = jobs.import_create(actor=CLI, kind="synthea", uploads=uploads)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    diabetics = {"event": "condition", "set": "diabetes"}
    assert found(diabetics, {"lab": "hba1c", "op": "never", "last_days": 6, "unit": "months"}) == 2
    assert found(diabetics, {"lab": "hba1c", "op": "never", "last_days": 36, "unit": "months"}) == 1
    assert found(diabetics, {"lab": "hba1c", "op": "over", "from": 9}) == 1
    assert found({"lab": "hba1c", "op": "measured"}) == 5
