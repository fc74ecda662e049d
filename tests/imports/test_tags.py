"""Tags that come with a list: a column of them, one for everybody, and an undo that takes them back."""

from __future__ import annotations

import io

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.models import PersonTag, Tag
from apps.contacts.person import selectors
from apps.contacts.tags import definitions
from apps.core import actors
from apps.core.levels import Level
from apps.imports import column_mapping, prepared_rows
from apps.imports.column_guesses import guess
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes
from apps.imports.services.jobs import Upload
from apps.imports.undo import services as undoing

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
MAPPING = {
    "match_on": "mrn",
    "columns": {"Record": "mrn", "Given": "first_name", "Tags": "tags"},
    "tags": ["Open day"],
}
LIST = 'Record,Given,Tags\n1,Ana,Recall; VIP\n2,Bo,\n3,Cy,vip\n4,Di,"Recall,' + "x" * 61 + '"\n'


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    """Uploads go to a folder of the test."""
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "files")}}
    settings.STORAGES = {**settings.STORAGES, "default": files}


def checked(text: str, document: dict, actor: actors.Actor = CLI) -> ImportJob:
    upload = Upload("list.csv", io.BytesIO(text.encode()))
    job = jobs.import_create(actor=actor, kind="list", uploads=[upload], document=document)
    jobs.import_check(actor=actor, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    return job


def imported(text: str, document: dict) -> ImportJob:
    job = checked(text, document)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert job.state == "done", job.opened()
    return job


def undone(job: ImportJob) -> dict:
    undo = undoing.undo_start(actor=CLI, job_id=job.pk)
    undoing.work(undo.pk)
    undo.refresh_from_db()
    assert undo.state == "done"
    return undo.opened()


def tagged() -> dict[str, list[str]]:
    """Names of tags by first name of whoever has any."""
    found = definitions.of_people(list(PersonTag.objects.values_list("person_id", flat=True)))
    people = selectors.open_people(actor=CLI, purpose="scene", ids=list(found))
    names = definitions.names_of({tag for each in found.values() for tag in each})
    return {people[person].get("first_name"): sorted(names[tag] for tag in each) for person, each in found.items()}


def test_a_column_and_one_for_everybody(noon) -> None:
    ana = services.contact_create(actor=CLI, profile={"first_name": "Ana", "mrn": "1", "relation": "patient"}).id
    recall = services.tag_create(actor=CLI, name="Recall").id
    services.tags_give(actor=CLI, pairs=[(ana, recall)])
    job = checked(LIST, MAPPING)
    data = job.opened()
    assert (job.new, job.unchanged, data["tagged"], data["unread"]) == (3, 1, 4, 1)
    assert data["new_tags"] == ["Open day", "VIP"]
    assert list(data["unread_reasons"]) == ["Tags has a tag that has more than 60 characters"]
    assert Tag.objects.count() == 1, "a dry run makes nothing"
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert job.opened()["tagged"] == 4
    assert tagged() == {
        "Ana": ["Open day", "Recall", "VIP"],
        "Bo": ["Open day"],
        "Cy": ["Open day", "VIP"],
        "Di": ["Open day", "Recall"],
    }
    entry = AuditEntry.objects.get(action="contact.tag", kind="import")
    assert (entry.subject, entry.people_count) == (str(job.pk), 4)
    # The same list again changes nothing, and says so before.
    again = checked(LIST, MAPPING)
    assert (again.unchanged, "tagged" in again.opened()) == (4, False)
    told = undone(job)
    assert (told["removed"], told["tags"]) == (3, 7)
    assert tagged() == {"Ana": ["Recall"]}, "she had it before"


def test_an_undo_leaves_what_was_given_anew_by_hand(noon) -> None:
    ana, _ = (
        services.contact_create(actor=CLI, profile={"first_name": "Ana", "mrn": mrn, "relation": "patient"}).id
        for mrn in "12"
    )
    job = imported("Record\n1\n2\n", {**MAPPING, "columns": {"Record": "mrn"}})
    open_day = definitions.ids_of(["Open day"])["Open day"]
    services.tags_take(actor=CLI, pairs=[(ana, open_day)])
    services.tags_give(actor=CLI, pairs=[(ana, open_day)])
    assert undoing.undo_foretold(job=job).tags == 1
    assert undone(job)["tags"] == 1
    assert list(PersonTag.objects.values_list("person_id", flat=True)) == [ana]


def test_known_people_are_left_alone_but_for_the_tag_of_the_list(noon) -> None:
    services.contact_create(actor=CLI, profile={"first_name": "Ana", "mrn": "1", "relation": "patient"})
    imported("Record,Given,Tags\n1,Ana,Recall\n2,Bo,Recall\n", {**MAPPING, "mode": "skip"})
    assert tagged() == {"Ana": ["Open day"], "Bo": ["Open day", "Recall"]}


def test_a_column_that_is_none_of_tags_is_refused_before_it_makes_thousands(noon, monkeypatch) -> None:
    monkeypatch.setattr("apps.contacts.tags.services.MOST_TAGS", 3)
    rows = "".join(f"{number},A,Note {number}\n" for number in range(5))
    job = checked(f"Record,Given,Tags\n{rows}", MAPPING)
    assert job.state == "failed"
    assert job.opened()["problem"].startswith("This list would create 6 tags, and there is room for 3.")
    assert not Tag.objects.exists()


def test_being_on_the_list_flows_into_the_tag_of_everybody(noon) -> None:
    services.tag_create(actor=CLI, name="Open day")
    upload = Upload("list.csv", io.BytesIO(LIST.encode()))
    document = {**MAPPING, "tags": ["Open day", "Methadone"]}
    job = jobs.import_create(actor=CLI, kind="list", uploads=[upload], document=document)
    ImportJob.objects.filter(pk=job.pk).update(level=Level.PROTECTED)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert "“Open day” is protected less" in job.opened()["problem"]
    services.tag_delete(actor=CLI, tag_id=definitions.ids_of(["Open day"])["Open day"])
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    assert {tag.level for tag in definitions.everything()} == {Level.PROTECTED}


def test_worker_processes_bring_tags_along(noon) -> None:
    """What is packed ahead, as if everybody were new, knows the tags of its rows by their numbers."""
    mapping = column_mapping.parse(MAPPING)
    recipe = prepared_rows.Recipe(("Record", "Given", "Tags"), noon.date(), mapping)
    lines = [(2, ["1", "Ana", "Recall"]), (3, ["", "Bo", "VIP"]), (4, ["3", "Cy", "VIP, Recall"])]
    made = prepared_rows.prepare(recipe.reader(), recipe, lines, None)
    assert made.tags == {0: ("Recall",), 1: ("VIP", "Recall")}


@pytest.mark.parametrize("tags", ["Recall", [1], ["a, b"], [""], ["x" * 61], ["a"] * 21])
def test_tags_of_a_mapping_that_will_not_do(tags) -> None:
    with pytest.raises(column_mapping.BadMapping, match="tag"):
        column_mapping.parse({**MAPPING, "tags": tags})


def test_a_mapping_goes_round_with_its_tags_and_a_column_of_them_is_guessed() -> None:
    assert column_mapping.parse(column_mapping.parse(MAPPING).as_dict()).tags == ("Open day",)
    assert "tags" not in column_mapping.parse({**MAPPING, "tags": []}).as_dict()
    assert [guess([header], [["Recall"]])[0].target for header in ("Tags", "labels", "Etiquetas")] == ["tags"] * 3


def test_the_wizard_shows_what_will_be_created(signed_in, noon) -> None:
    max_ = signed_in("max")
    services.contact_create(actor=CLI, profile={"first_name": "Ana", "mrn": "1", "relation": "patient"})
    file = io.BytesIO(b"Record,Given,Tags\n1,Ana,Recall\n")
    file.name = "list.csv"
    max_.post("/contacts/imports/new/", {"kind": "list", "files": [file]})
    job = ImportJob.objects.get()
    page = max_.get(f"/contacts/imports/{job.pk}/columns/").content.decode()
    assert "Tag everybody in this list with" in page
    sent = {
        "column-0": "mrn", "column-1": "first_name", "column-2": "tags", "match_on": "mrn", "date_format": "%Y-%m-%d",
        "tags": "Open day; VIP",
    }  # fmt: skip
    assert max_.post(f"/contacts/imports/{job.pk}/columns/", sent | {"tags": "x" * 61}).status_code == 422
    max_.post(f"/contacts/imports/{job.pk}/columns/", sent)
    passes.work(job.pk)
    page = " ".join(max_.get(f"/contacts/imports/{job.pk}/").content.decode().split())
    for words in ("Tags that will be created", "Open day", "VIP", "Recall", "Tag 1 person"):
        assert words in page
    max_.post(f"/contacts/imports/{job.pk}/start/")
    passes.work(job.pk)
    assert tagged() == {"Ana": ["Open day", "Recall", "VIP"]}
