"""Lists of what happened to people: own columns, unknown people, repeats, codes of other systems."""

from __future__ import annotations

import io
import json
from datetime import date

import pytest
from django.core.management import call_command

from apps.contacts import services
from apps.contacts.models import TimelineEvent
from apps.contacts.person import selectors
from apps.contacts.timeline.value_sets import level_of, sets_of
from apps.core import actors
from apps.core.levels import Level
from apps.imports.column_mapping import BadMapping
from apps.imports.events import mapping
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes
from apps.imports.services.jobs import Upload
from apps.references import selectors as references
from apps.references.models import Noun
from apps.segments import explaining
from apps.segments import services as segments
from apps.segments.selectors import by_id
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
LABS = (
    "MRN,Test Name,LOINC,Drawn,Result,Units\n"
    "1001,HbA1c,4548-4,11/02/2026 2:05 PM,9.4,%\n"
    "1002,HbA1c,4548-4,10/01/2026,60,mmol/mol\n"
    "1001,HbA1c,4548-4,11/02/2026 2:05 PM,9.4,%\n"
    "9999,HbA1c,4548-4,10/01/2026,7.0,%\n"
    "1002,HbA1c,4548-4,13/45/2026,7.0,%\n"
    "1002,Urine screen,65750-2,10/02/2026,Negative,\n"
)


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    """Uploads go to a folder of the test."""
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "files")}}
    settings.STORAGES = {**settings.STORAGES, "default": files}


@pytest.fixture
def people(noon) -> dict[str, int]:
    return {
        mrn: services.contact_create(actor=CLI, profile={"first_name": "Ana", "last_name": mrn, "mrn": mrn}).id
        for mrn in ("1001", "1002")
    }


def imported(text: str, document: dict | None = None) -> ImportJob:
    upload = Upload("labs.csv", io.BytesIO(text.encode()))
    job = jobs.import_create(actor=CLI, kind="events", uploads=[upload], document=document)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert job.state == "done", job.opened()
    return job


def events_of(person: int) -> list[dict]:
    opened = selectors.open_people(actor=CLI, purpose="scene", ids=[person])
    selectors.load_events(opened)
    return opened[person].events or []


def found(*conditions: dict) -> int:
    saved = segments.segment_save(actor=CLI, name="Asked", rule={"match": "all", "rules": list(conditions)})
    return segments.segment_count(actor=CLI, segment_id=saved.pk).count


def test_labs_of_own_columns_are_guessed_taken_and_found(people: dict[str, int]) -> None:
    job = imported(LABS)
    assert (job.new, job.unchanged, job.rejected) == (3, 1, 2)
    reasons = job.opened()["reasons"]
    assert set(reasons.values()) == {1}
    assert any("record number" in reason for reason in reasons)
    assert any("date is not written" in reason for reason in reasons)
    [event] = events_of(people["1001"])
    assert (event["value"], event["unit"], event["start"]) == ("9.4", "%", "2026-11-02T14:05:00")
    assert found({"lab": "hba1c", "op": "between", "from": 7.5, "to": 8}) == 1, "60 mmol/mol are 7.64 %"


def test_a_second_import_adds_nothing_and_late_people_get_their_rows(people: dict[str, int]) -> None:
    imported(LABS)
    services.contact_create(actor=CLI, profile={"first_name": "Late", "mrn": "9999"})
    again = imported(LABS)
    assert (again.new, again.changed, again.unchanged) == (1, 0, 4)
    assert TimelineEvent.objects.count() == 4


def test_each_row_may_say_what_it_is_and_codes_may_be_of_icd_ten(people: dict[str, int]) -> None:
    job = imported(
        "Patient MRN,Record type,Code,Code system,Description,Start,End\n"
        "1001,Diagnosis,E11.9,ICD-10,Type 2 diabetes,2020-03-01,\n"
        "1002,Rx,860975,RxNorm,Metformin,2020-03-01,2021-03-01\n"
        "1002,Problem,B20,http://hl7.org/fhir/sid/icd-10-cm,HIV,2020-03-01,soon\n"
        "1002,Visit,,,Knee check,2020-03-04 09:30,\n"
        "1002,Horoscope,,,Scorpio,2020-03-04,\n",
        {
            "match_on": "mrn",
            "columns": {
                "Patient MRN": "mrn", "Record type": "kind", "Code": "code", "Code system": "system",
                "Description": "term", "Start": "date", "End": "end",
            },
        },
    )  # fmt: skip
    assert (job.new, job.rejected) == (4, 1)
    assert list(job.opened()["notes"]) == ["the end date cannot be read: the event was taken without it"]
    assert found({"event": "condition", "set": "diabetes"}) == 1
    kinds = [(event["kind"], event["system"]) for event in events_of(people["1002"])]
    assert kinds == [("medication", "RXNORM"), ("condition", "ICD-10-CM"), ("encounter", "TEXT")]


@pytest.mark.parametrize(
    ("code", "name", "level"),
    [
        ("E11.9", "diabetes", Level.HEALTH), ("e119", "diabetes", Level.HEALTH), ("I10", "hypertension", Level.HEALTH),
        ("F11.20", "substance_use", Level.PROTECTED), ("F32.A", "mental_health", Level.PROTECTED),
        ("B20", "hiv", Level.PROTECTED), ("O80", "reproductive", Level.PROTECTED),
    ],
)  # fmt: skip
def test_codes_of_icd_ten_have_their_sets_and_levels(code: str, name: str, level: Level) -> None:
    assert name in sets_of("ICD-10-CM", code)
    assert level_of("ICD-10-CM", code) == level
    assert sets_of("ICD-10-CM", "E07.9") == sets_of("ICD-10-CM", "F17.210") == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"match_on": "email"}, {"kind": "horoscope"}, {"kind": ""}, {"columns": {}}, {"columns": {"a": "no_such"}},
        {"columns": {"a": "mrn", "b": "mrn"}}, {"date_format": "sometimes"}, {"source": "Not So"}, {"extra": 1},
        {"columns": {"a": "mrn", "b": "code"}}, {"columns": {"a": "mrn", "b": "date"}}, {"kind": "observation"},
    ],
)  # fmt: skip
def test_a_mapping_that_leaves_something_out_says_what(wrong: dict) -> None:
    good = {"kind": "condition", "match_on": "mrn", "columns": {"a": "mrn", "b": "code", "c": "date"}}
    assert mapping.parse(good).as_dict() | {"ignore": []} == mapping.parse(mapping.parse(good).as_dict()).as_dict()
    with pytest.raises(BadMapping):
        mapping.parse(good | wrong)


def test_headers_in_two_languages_are_guessed() -> None:
    spanish = mapping.suggest(
        ["Expediente", "Fecha", "Codigo", "Valor", "Unidad"], [["1", "2026-01-02", "4548-4", "7", "%"]]
    )
    assert set(spanish["columns"].values()) == {"mrn", "date", "code", "value", "unit"}
    assert spanish["kind"] == "observation"
    diagnoses = mapping.suggest(["patient_id", "ICD10 code", "Onset"], [["1", "E11.9", "01/31/2026"]])
    assert (diagnoses["system"], diagnoses["date_format"], diagnoses["match_on"]) == (
        "ICD-10-CM",
        "%m/%d/%Y",
        "external_id",
    )


def test_the_wizard_maps_checks_and_imports_a_list_of_labs(signed_in, people: dict[str, int]) -> None:
    client = signed_in("max")
    file = io.BytesIO(LABS.encode())
    file.name = "labs.csv"
    page = client.post("/contacts/imports/new/", {"kind": "events", "files": [file]}, follow=True)
    text = page.content.decode()
    assert "What do the columns mean?" in text
    job = ImportJob.objects.get()
    base = f"/contacts/imports/{job.pk}/"
    targets = ["mrn", "term", "code", "date", "value", "unit"]
    form = {f"column-{number}": target for number, target in enumerate(targets)}
    form |= {"kind": "observation", "match_on": "mrn", "date_format": "%m/%d/%Y"}
    wrong = client.post(f"{base}event-columns/", form | {"column-3": ""})
    assert wrong.status_code == 422
    assert "Say when it happened" in wrong.content.decode()
    client.post(f"{base}event-columns/", form)
    passes.work(job.pk)
    client.post(f"{base}start/")
    passes.work(job.pk)
    done = client.get(base).content.decode()
    assert "nobody here has this record number" in done
    exported = json.loads(client.get(f"{base}mapping/").content)
    assert exported["columns"]["Drawn"] == "date"
    assert client.get(f"{base}event-columns/").status_code == 302
    assert signed_in("nora").get(f"{base}event-columns/").status_code == 403
    assert TimelineEvent.objects.count() == 3


def test_the_command_takes_the_mapping_the_page_gave(people: dict[str, int], tmp_path, capsys) -> None:
    csv, document = tmp_path / "labs.csv", tmp_path / "mapping.json"
    csv.write_text(LABS)
    document.write_text(json.dumps(mapping.suggest(LABS.splitlines()[0].split(","), [LABS.splitlines()[1].split(",")])))
    call_command("import_events", str(csv), "--mapping", str(document), "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["new"], told["rejected"]) == (3, 2)
    document.write_text('{"match_on": "mrn"}')
    with refused("import.mapping_wrong"):
        imported(LABS, {"match_on": "mrn"})
    assert date(2026, 11, 2).isoformat() in str(events_of(people["1001"]))


def test_these_people_become_a_segment_from_the_finished_import(signed_in, people: dict[str, int]) -> None:
    upload = Upload("list.csv", io.BytesIO(b"Record,Given name,Surname\n1001,Ana,New\n2001,Bo,Rey\n2002,Cy,Sol\n"))
    document = {
        "match_on": "mrn", "columns": {"Record": "mrn", "Given name": "first_name", "Surname": "last_name"},
    }  # fmt: skip
    job = jobs.import_create(actor=CLI, kind="list", uploads=[upload], document=document)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    assert not job.people.exists(), "a check does nothing"
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    labs = imported(LABS)
    client = signed_in("max")
    page = client.get(f"/contacts/imports/{job.pk}/").content.decode()
    assert "Make a segment of 2 people who came new" in page
    assert "Make a segment of 1 person who changed" in page
    builder = client.get(f"/segments/new/?import={job.pk}&which=made").content.decode()
    assert 'value="import:" selected' in builder
    assert found({"import": job.pk, "op": "made"}) == 2
    renamed = segments.segment_save(
        actor=CLI, name="Both", rule={"match": "all", "rules": [{"import": job.pk, "op": "any"}]}
    )
    assert segments.segment_count(actor=CLI, segment_id=renamed.pk).count == 3
    assert [use.name for use in references.used_by(Noun.IMPORT, job.pk)] == ["Asked", "Both"]
    among = {"match": "all", "rules": [{"import": labs.pk, "op": "changed"}, {"import": job.pk, "op": "changed"}]}
    both = segments.segment_save(actor=CLI, name="Among", rule=among)
    assert segments.segment_count(actor=CLI, segment_id=both.pk).count == 1
    why = explaining.why(actor=CLI, segment=by_id(both.pk), person_id=people["1001"])
    assert [child.matched for child in why.children] == [True, True]
