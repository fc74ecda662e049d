"""A long list is read and sealed by worker processes: the same comes out, and none of them is missed when it dies."""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import signal
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings as product
from django.db import transaction

from apps.audit.models import AuditEntry
from apps.contacts.attributes import fills
from apps.contacts.attributes.services import Wanted, attribute_create, range_for
from apps.contacts.consent.services import consent_history
from apps.contacts.models import Consent, ConsentState, Person, PersonIdentity, TimelineEvent, TimelineSummary
from apps.contacts.person import sealed_rows, search_values, selectors
from apps.core import actors
from apps.imports import column_mapping, worker_processes
from apps.imports.models import ImportJob, ImportRejection
from apps.imports.prepared_rows import Recipe
from apps.imports.services import jobs, passes, people
from apps.imports.services.jobs import Upload
from apps.imports.services.unread import unread_csv
from apps.vault import tokens

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
DOCUMENT = {
    "match_on": "mrn",
    "columns": {
        "MRN": "mrn",
        "First": "first_name",
        "Last": "last_name",
        "Born": "birth_date",
        "Mail": "email",
        "Phone": "phone",
        "Town": "city",
        "Parent": "guardian",
        "News": "consent.marketing",
        "News day": "consent.marketing.date",
        "Visits": "consent.treatment",
        "Visits day": "consent.treatment.date",
        "A1c": "attributes.last_a1c",
        "Member until": "attributes.membership_ends",
        "Plan": "attributes.plan",
    },
}
A1C = Wanted("Last A1c", "number", numbers=range_for("3.0", "15", "0.1"))
ENDS = Wanted("Membership ends", "date")
PLAN = Wanted("Plan", "choice", choices=("Gold", "Silver"))
HEADER = ",".join(DOCUMENT["columns"]) + "\n"


@pytest.fixture(autouse=True)
def small_pieces(tmp_path, settings, monkeypatch):
    """Two worker processes, started at once, for chunks of ten rows."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }
    settings.IMPORT_HELPERS = 2
    monkeypatch.setattr(passes, "CHUNK", 10)
    monkeypatch.setattr(passes, "WORKER_PROCESSES_FROM", 1)


def clinic(first: int, count: int, town: str = "Lexington") -> str:
    """Rows of people, among them a bad date, a repeated key, a ragged row and children of the first.

    Some have attributes of the clinic's own: a number (once out of bounds), a date, a choice (once one that is not on
    the list).
    """
    lines = []
    for number in range(first, first + count):
        born = "1990-02-31" if number % 17 == 3 else f"19{50 + number % 50}-0{1 + number % 9}-11"
        key = f"M{number - 1}" if number % 23 == 7 else f"M{number}"
        parent = f"M{first}" if number % 11 == 5 else ""
        news = ("yes,2026-01-02", "no,2026-03-04", ",")[number % 3]
        visits = ("yes,2026-02-02", ",")[number % 2]
        a1c = ("", "40", f"{5 + number % 8}.{number % 10}")[number % 3]
        ends = f"20{20 + number % 20}-06-30" if number % 2 else ""
        plan = "Bronze" if number % 19 == 11 else ("gold", "Silver", "")[number % 3]
        tail = ",one too many" if number % 29 == 13 else ""
        lines.append(
            f"{key},Zoë{number % 7},Núñez-{number},{born},p{number}@goodmail.test,+1502{number:07},{town},{parent},"
            f"{news},{visits},{a1c},{ends},{plan}{tail}\n"
        )
    return HEADER + "".join(lines)


def checked(text: str) -> ImportJob:
    uploads = [Upload("list.csv", io.BytesIO(text.encode()))]
    job = jobs.import_create(actor=CLI, kind="list", uploads=uploads, document=DOCUMENT)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    return job


def imported(text: str) -> ImportJob:
    job = checked(text)
    foretold = jobs.counts(job)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert (job.state, jobs.counts(job)) == ("done", foretold)
    return job


def everything() -> dict[str, object]:
    """All that is known of everybody, opened, under what does not depend on ids and chance."""
    found: dict[str, object] = {}
    names = {row.pk: selectors.opened(row).profile["mrn"] for row in Person.objects.all()}
    for row in Person.objects.select_related("search"):
        record = selectors.opened(row)
        profile = dict(record.profile)
        if "guardian_id" in profile:
            profile["guardian_id"] = names[profile["guardian_id"]]
        events = [
            (selectors.open_event(event, record.profile_key), event.code, event.groups, event.day)
            for event in TimelineEvent.objects.filter(person=row).order_by("id")
        ]
        for facts, *_ in events:
            del facts["id"]
        found[names[row.pk]] = (
            profile,
            row.version,
            (row.search.tokens, row.search.birth_day, row.search.birth_month_day, row.search.generation),
            [getattr(row.search, name) for name in sealed_rows.SLOT_COLUMNS],
            sorted((kind, bytes(token)) for kind, token in row.identities.values_list("kind", "token")),
            consent_history(person_id=row.pk, record_key=record.record_key),
            sorted(ConsentState.objects.filter(person=row).values_list("purpose", "state", "since", "expires")),
            events,
            sorted(TimelineSummary.objects.filter(person_id=row.pk).values_list("group", "count")),
        )
    found["trail"] = list(AuditEntry.objects.order_by("id").values_list("action", "kind", "people_count", "codes"))
    return found


def rejections(job: ImportJob) -> tuple[object, object, str, str]:
    text = "".join(jobs.rejected_csv(actor=CLI, job_id=job.pk))
    cells = "".join(unread_csv(actor=CLI, job_id=job.pk))
    return job.opened().get("reasons", {}), job.opened().get("unread_reasons", {}), text, cells


def scenario() -> list[object]:
    """A list, the same list again, and one in which most are known, some have moved, and a few are new."""
    with transaction.atomic():
        for wanted in (A1C, ENDS, PLAN):
            attribute_create(actor=CLI, wanted=wanted)
        seen: list[object] = []
        for text in (clinic(0, 60), clinic(0, 60), clinic(20, 50, "Boise")):
            job = imported(text)
            seen += [jobs.counts(job), rejections(job), everything()]
        transaction.set_rollback(True)
    return seen


def test_what_worker_processes_make_is_what_one_process_makes(noon, settings) -> None:
    together = scenario()
    settings.IMPORT_HELPERS = 0
    assert scenario() == together
    first, again, moved = together[0], together[3], together[6]
    _, unread, _, cells = together[1]
    assert any("Plan" in reason for reason in unread)
    assert "Plan is none of" not in cells, "column and reason stand in cells of their own"
    assert ",Plan,is none of the choices of this attribute," in cells
    profile, _, (found, *_), slots, *_ = together[2]["M5"]
    assert profile["attributes"] == {"last_a1c": 10.5, "membership_ends": "2025-06-30"}
    assert slots[:2] == [
        search_values.own_step("attribute.last_a1c", 75),
        tokens.day_token("attribute.membership_ends", date(2025, 6, 30)),
    ]
    assert slots[2:] == [None] * 6
    assert tokens.shared63("attribute.last_a1c", "10.5") not in found
    profile, _, (found, *_), slots, *_ = together[2]["M1"]
    assert profile["attributes"] == {"last_a1c": 40, "membership_ends": "2021-06-30", "plan": "Silver"}
    assert slots[0] is None, "out of bounds"
    assert tokens.shared63("attribute.plan", "silver") in found
    assert first["new"] > 40 < again["unchanged"]
    assert first["rejected"] >= 5
    assert moved["changed"] > 20
    assert moved["new"] > 5


@pytest.fixture
def started(monkeypatch) -> list[worker_processes.WorkerProcesses]:
    """The worker processes of each pass, in the order they were started."""
    started: list[worker_processes.WorkerProcesses] = []

    def remember(count, **given):
        started.append(worker_processes.WorkerProcesses(count, **given))
        return started[-1]

    monkeypatch.setattr(passes, "WorkerProcesses", remember)
    return started


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_worker_processes_leave_with_the_import(noon, started) -> None:
    imported(clinic(0, 40))
    assert len(started) == 2  # one for the dry run, one for the import
    assert all(gone(process) for preparer in started for process in preparer.processes)


def test_killed_worker_processes_leave_an_import_that_goes_on_where_it_was(noon, started, monkeypatch, caplog) -> None:
    job = checked(clinic(0, 100))
    foretold = jobs.counts(job)
    jobs.import_start(actor=CLI, job_id=job.pk)
    chunk = passes._chunk

    def fatal(run, item, rows) -> None:
        chunk(run, item, rows)
        for process in started[-1].processes:
            os.kill(process, signal.SIGKILL)

    monkeypatch.setattr(passes, "_chunk", fatal)
    assert passes.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.lease_until) == ("running", None)
    assert 0 < job.done < job.total
    assert "WorkerProcessLost" in caplog.text
    monkeypatch.setattr(passes, "_chunk", chunk)
    assert passes.due(noon) == [job.pk]
    passes.work(job.pk)
    job.refresh_from_db()
    assert (job.state, jobs.counts(job)) == ("done", foretold)
    assert Person.objects.count() == foretold["new"]
    child = PersonIdentity.objects.get(token=search_values.identity("mrn", "M5")).person_id
    opened = selectors.open_person(actor=CLI, purpose="scene", person_id=child)
    assert "guardian_id" in opened.profile


def test_an_attribute_defined_in_the_middle_of_an_import_holds_for_all_its_people(noon, monkeypatch) -> None:
    job = checked(clinic(0, 100))
    jobs.import_start(actor=CLI, job_id=job.pk)
    chunk, pack = passes._chunk, people.pack
    chunks, again = [], []

    def interrupted(run, item, rows) -> None:
        chunk(run, item, rows)
        chunks.append(rows)
        if len(chunks) == 1:
            attribute_create(actor=CLI, wanted=A1C)
            for fill in fills.due(noon):
                fills.work(fill)  # all who are there; the chunks that worker processes have ready are not

    def seen(*given, **more):
        again.append(1)
        return pack(*given, **more)

    monkeypatch.setattr(passes, "_chunk", interrupted)
    monkeypatch.setattr(people, "pack", seen)
    passes.work(job.pk)
    job.refresh_from_db()
    assert job.state == "done"
    assert 0 < len(again) < len(chunks) - 1, "only what was ready by the old definition is made again"
    steps = {}
    for row in Person.objects.select_related("search"):
        value = selectors.opened(row).profile.get("attributes", {}).get("last_a1c")
        if value not in (None, "40"):
            steps[value] = row.search.s0
            assert tokens.shared63("attribute.last_a1c", str(value)) not in row.search.tokens
    assert len(steps) > 10
    assert None not in steps.values()


def test_a_worker_process_that_does_not_start_is_done_without(noon, monkeypatch, caplog) -> None:
    monkeypatch.setattr(worker_processes.sys, "executable", "/bin/false")
    with caplog.at_level(logging.WARNING):
        assert imported(clinic(0, 30)).new > 20
    assert "is prepared in one process" in caplog.text


def test_a_celery_process_that_may_have_no_children_has_worker_processes(monkeypatch) -> None:
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    with pytest.raises(AssertionError, match="daemonic processes are not allowed to have children"):
        multiprocessing.Process(target=print).start()
    preparer = worker_processes.WorkerProcesses(1, keys=str(product.CARELANE_KEYS), home=str(product.BASE_DIR))
    try:
        made = preparer.ask(recipe(), [(2, row("M1"))], None).result()
    finally:
        preparer.close()
    assert made.keys == ["M1"]
    assert made.matches == [search_values.identity("mrn", "M1")]


def recipe() -> Recipe:
    return Recipe(tuple(DOCUMENT["columns"]), date(2026, 11, 20), column_mapping.parse(DOCUMENT))


def row(key: str) -> list[str]:
    return [key, "Guadalupe", *[""] * (len(DOCUMENT["columns"]) - 2)]


def test_a_worker_process_in_trouble_says_nothing_of_the_row(capfd) -> None:
    preparer = worker_processes.WorkerProcesses(1, keys=str(product.CARELANE_KEYS), home=str(product.BASE_DIR))
    try:
        with pytest.raises(worker_processes.WorkerProcessLost) as told:
            preparer.ask(
                recipe(), [(2, ["M1", {"Guadalupe": "Núñez"}, *[""] * (len(DOCUMENT["columns"]) - 2)])], None
            ).result()
        # It lives on, and has learnt nothing wrong from it.
        assert preparer.ask(recipe(), [(2, row("M2"))], None).result().keys == ["M2"]
    finally:
        preparer.close()
    assert "Error" in str(told.value)
    assert "Guadalupe" not in str(told.value) + "".join(capfd.readouterr())


def test_nothing_of_a_person_or_a_key_stands_where_other_programs_can_look() -> None:
    preparer = worker_processes.WorkerProcesses(1, keys=str(product.CARELANE_KEYS), home=str(product.BASE_DIR))
    try:
        preparer.ask(recipe(), [(2, row("M1"))], None).result()
        [process] = preparer.processes
        arguments = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    finally:
        preparer.close()
    assert arguments[1:3] == [b"-m", b"apps.imports.worker_processes"]
    assert arguments[3].isdigit()
    assert arguments[4:] == [b""]


def test_a_record_number_given_twice_is_found_by_the_dry_run_too_however_far_apart(noon) -> None:
    by_mail = {"match_on": "email", "columns": {"Mail": "email", "MRN": "mrn"}}
    rows = [f"p{number}@goodmail.test,N{number}\n" for number in range(30)] + ["late@goodmail.test,N2\n"]
    uploads = [Upload("list.csv", io.BytesIO(("Mail,MRN\n" + "".join(rows)).encode()))]
    job = jobs.import_create(actor=CLI, kind="list", uploads=uploads, document=by_mail)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert (job.new, job.rejected) == (30, 1)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert (job.new, job.rejected) == (30, 1)
    assert ImportRejection.objects.filter(job=job).count() == 1
    assert not Consent.objects.exists()
