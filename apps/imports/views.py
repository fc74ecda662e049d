"""The import wizard: upload, columns, check, import."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.contacts import values
from apps.contacts.attributes import definitions as attributes
from apps.contacts.attributes import services as attribute_services
from apps.contacts.attributes.forms import AttributeForm
from apps.contacts.tags import definitions as tags
from apps.contacts.tags.names import split
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.pages import keyset
from apps.core.permissions import Permission, may, require
from apps.imports import column_mapping, column_page, selectors
from apps.imports.diff import MODES
from apps.imports.forms import MappingUploadForm, UploadForm
from apps.imports.models import ImportJob, ImportUndo
from apps.imports.services import jobs
from apps.imports.services.unread import unread_csv, unread_places
from apps.imports.undo.services import undo_until

State, JobKind = ImportJob.State, ImportJob.JobKind
COLUMNS = {JobKind.LIST.value: "imports:columns", JobKind.EVENTS.value: "imports:event_columns"}
"""Where step 2 of each kind that has one is."""
RELATIONS = {"patient": "Patients or members", "b2b": "Business contacts", "subscriber": "Subscribers"}


@require(Permission.CONTACT_IMPORT)
def import_list(request: HttpRequest) -> HttpResponse:
    """All imports, newest first."""
    page = keyset(ImportJob.objects.select_related("undo"), request.GET.get("after", ""))
    rows = []
    for job in page.items:
        data = job.opened()
        # Until it ran, the figures are those of a check: nobody is new yet.
        ran = data.get("pass") == State.RUNNING
        undo = getattr(job, "undo", None)
        undone = undo is not None and undo.state == undo.State.DONE
        rows.append({"job": job, "names": [item["name"] for item in data["files"]], "ran": ran, "undone": undone})
    return render(request, "imports/list.html", {"page": page, "rows": rows})


@require(Permission.CONTACT_IMPORT)
@require_http_methods(["GET", "POST"])
def import_new(request: HttpRequest) -> HttpResponse:
    """Step 1: what, and the files. They are sealed as they arrive."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and not request.FILES and _size(request) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
        form.errors.pop("files", None)
        form.add_error(
            "files",
            "Together the files are larger than 100 MB, so nothing was kept. Pack them with gzip, or use the command "
            "import_contacts on the server.",
        )
    if request.method == "POST" and form.is_valid():
        kind = form.cleaned_data["kind"]
        uploads = [jobs.Upload(file.name or "", file) for file in form.cleaned_data["files"]]
        try:
            job = jobs.import_create(
                actor=actor_of(request),
                kind=kind,
                uploads=uploads,
                invent_addresses=form.cleaned_data["invent_addresses"] and kind == JobKind.SYNTHEA,
            )
            if kind not in jobs.MAPPED:
                jobs.import_check(actor=actor_of(request), job_id=job.pk)
        except Refused as refusal:
            form.add_error("files", str(refusal))
        else:
            return redirect(COLUMNS.get(kind, "imports:job"), job.pk)
    context = {"form": form, "steps": ["Upload", "Columns", "Check", "Import"], "step": 1}
    return render(request, "imports/new.html", context, status=422 if form.is_bound else 200)


@require(Permission.CONTACT_IMPORT)
@require_http_methods(["GET", "POST"])
def import_columns(request: HttpRequest, job_id: int) -> HttpResponse:
    """Step 2 of a list: which column means what."""
    job, actor = _job(job_id), actor_of(request)
    if job.kind != JobKind.LIST or not _mappable(job):
        return redirect("imports:job", job.pk)  # the browser's Back after an import: its files are gone
    data = job.opened()
    document, problem = data["mapping"], ""
    create = whole(request.POST.get("create", ""), None)
    if request.method == "POST" and "reread" in request.POST:
        try:
            jobs.import_reread(actor=actor, job_id=job.pk, reading=column_page.posted_reading(request.POST))
            return redirect("imports:columns", job.pk)
        except Refused as refusal:
            problem = str(refusal)
    elif request.method == "POST" and create is not None:
        document = _posted(request, data)
        problem = _create_attribute(request, job, data, document, create)
        if not problem:
            # What was chosen so far stays: saved if it is complete, otherwise on the page.
            with contextlib.suppress(Refused):
                jobs.import_map(actor=actor, job_id=job.pk, document=document)
    elif request.method == "POST":
        try:
            document = _posted(request, data)
            jobs.import_map(actor=actor, job_id=job.pk, document=document)
            if "keep" not in request.POST and "mapping" not in request.FILES:
                jobs.import_check(actor=actor, job_id=job.pk)
                return redirect("imports:job", job.pk)
            messages.success(request, "Mapping saved.")
            return redirect("imports:columns", job.pk)
        except Refused as refusal:
            problem = str(refusal)
    guesses = jobs.guesses(actor=actor, job=job)
    context = {
        "job": job,
        "file": data["files"][0],
        "rows": _column_rows(guesses, document),
        "attribute_types": AttributeForm.TYPES,
        "attribute_levels": AttributeForm.LEVELS if attribute_services.may_lower(actor) else AttributeForm.HEALTH_ALONE,
        "groups": _target_groups(),
        "matchable": [(name, column_mapping.TARGETS[name].label) for name in column_mapping.MATCHABLE],
        "match_on": document.get("match_on", ""),
        "date_format": document.get("date_format", "%Y-%m-%d"),
        "date_formats": _date_formats(document.get("date_format", "")),
        "mode": document.get("mode", "update"),
        "modes": list(MODES.items()),
        "relation": document.get("relation", "patient"),
        "relations": list(RELATIONS.items()),
        "consent": document.get("consent", {}),
        "source": document.get("source", ""),
        "tags": "; ".join(map(str, document.get("tags", []))),
        "every_tag": [tag.name for tag in tags.everything()],
        **column_page.reading_context(job, data, document, shown=jobs.may_see_rows(actor, job)),
        "problem": problem,
        "own": jobs.may_see_rows(actor, job),
        "upload": MappingUploadForm(),
        "steps": _steps(job),
        "step": 2,
    }
    return render(request, "imports/columns.html", context, status=422 if problem else 200)


def _create_attribute(
    request: HttpRequest, job: ImportJob, data: dict[str, Any], document: dict[str, Any], index: int
) -> str:
    """Define an attribute for a column and map it there; what is wrong with it, or ""."""
    headers = data["files"][0]["headers"]
    if index >= len(headers):
        return "There is no such column."
    actor = actor_of(request)
    given = {name: request.POST.get(f"new-{index}-{name}", "") for name in ("label", "type", "level", "choices")}
    guess = jobs.guesses(actor=actor, job=job)[index]
    numbers = guess.numbers
    bounds = (("low", numbers.low), ("high", numbers.high), ("step", numbers.step))
    typed = {**given, "searchable": "on", **{name: numbers.spoken(value) for name, value in bounds}}
    form = AttributeForm(typed, may_lower=attribute_services.may_lower(actor))
    if not form.is_valid():
        return str(next(iter(form.errors.values()))[0])
    try:
        made = attribute_services.attribute_create(actor=actor, wanted=form.wanted())
    except Refused as refusal:
        return str(refusal)
    document["columns"][headers[index]] = f"attributes.{made.name}"
    document["ignore"] = [header for header in document["ignore"] if header != headers[index]]
    found = f" Segments find it from {made.numbers.words()}." if made.numbers is not None else ""
    messages.success(request, f"Attribute “{made.label}” added. The column goes there.{found}")
    return ""


def _size(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _posted(request: HttpRequest, data: dict[str, Any]) -> dict[str, Any]:
    """The mapping document that was uploaded, or that the page's fields say. Raises ``Refused``."""
    if "mapping" in request.FILES:
        form = MappingUploadForm(request.POST, request.FILES)
        if not form.is_valid():
            raise Refused("import.without_mapping_file", "Choose a mapping file.")
        try:
            text = form.cleaned_data["mapping"].read(200_001).decode("utf-8-sig")
            return column_mapping.parse_json(text, attributes.types()).as_dict()
        except UnicodeDecodeError:
            raise Refused(
                "import.mapping_wrong", "The mapping is not a text file. Export one from this page to see its form."
            ) from None
        except column_mapping.BadMapping as error:
            raise Refused("import.mapping_wrong", str(error)) from None
    columns, ignore = {}, []
    for index, header in enumerate(data["files"][0]["headers"]):
        target = request.POST.get(f"column-{index}", "")
        if target:
            columns[header] = target
        else:
            ignore.append(header)
    document: dict[str, Any] = {
        "match_on": request.POST.get("match_on", ""),
        "columns": columns,
        "date_format": request.POST.get("date_format", "%Y-%m-%d"),
        "ignore": ignore,
        "relation": request.POST.get("relation", "patient"),
        "mode": request.POST.get("mode", "update"),
        # How the file is read is chosen by a button of its own; it stays with the mapping.
        **column_mapping.reading_of(data.get("mapping") or {}),
    }
    if names := split(request.POST.get("tags", "")[:2000]):
        document["tags"] = names
    if century := request.POST.get("century", ""):
        document["century"] = century
    if source := request.POST.get("source", "").strip().lower():
        document["source"] = source
    consent = {
        name: value.strip()[:120]
        for name in ("method", "wording", "by")
        if (value := request.POST.get(f"consent-{name}", "")).strip()
    }
    if consent:
        document["consent"] = consent
    return document


def _column_rows(guesses: list[column_mapping.ColumnGuess], document: dict[str, Any]) -> list[dict[str, Any]]:
    chosen = document.get("columns", {})
    return [
        {
            "index": index,
            "header": guess.header,
            "type": guess.type,
            "samples": [] if guess.sensitive else guess.samples,
            "sensitive": guess.sensitive,
            "target": chosen.get(guess.header, ""),
            "guessed": f"by {guess.by}" if guess.by and chosen.get(guess.header) == guess.target else "",
            "label": guess.header.replace("_", " ").strip()[:80],
            "numbers": guess.numbers.words(),
            "new_type": {"date": "date", "number": "number", "yes or no": "yes_no"}.get(guess.type, "text"),
        }
        for index, guess in enumerate(guesses)
    ]


def _target_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for target in column_mapping.TARGETS.values():
        groups.setdefault(target.group, []).append((target.name, target.label))
    for each in attributes.everything():
        groups.setdefault("Attributes", []).append((f"attributes.{each.name}", each.label))
    return list(groups.items())


def _date_formats(current: str) -> list[tuple[str, str]]:
    found = list(values.DATE_FORMATS.items())
    if current and current not in values.DATE_FORMATS:
        found.append((current, current))
    return found


@require(Permission.CONTACT_IMPORT)
def import_page(request: HttpRequest, job_id: int) -> HttpResponse:
    """Steps 3 and 4: what would happen, what happens, what came of it."""
    job = _job(job_id)
    return render(request, "imports/job.html", _job_context(request, job) | _reading(request, job))


@require(Permission.CONTACT_IMPORT)
@require_POST
def import_level(request: HttpRequest, job_id: int) -> HttpResponse:
    """Declare how much it tells to have come with this list."""
    job = _job(job_id)
    try:
        jobs.import_level(actor=actor_of(request), job_id=job.pk, level=whole(request.POST.get("level", ""), 0) or 0)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The level of this list is declared.")
    return redirect("imports:job", job.pk)


def _reading(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """How the file of a list of appointments was read, while another reading can be chosen."""
    if job.kind != JobKind.APPOINTMENTS or not _mappable(job) or job.files_gone:
        return {}
    shown = jobs.may_see_rows(actor_of(request), job)
    return column_page.reading_context(job, job.opened(), {}, shown=shown) | {"choose_reading": True}


@require(Permission.CONTACT_IMPORT)
@require_POST
def import_reading(request: HttpRequest, job_id: int) -> HttpResponse:
    """Read a list of appointments otherwise, and check it again: it has no page of columns."""
    job, actor = _job(job_id), actor_of(request)
    if job.kind != JobKind.APPOINTMENTS:
        raise Http404
    try:
        jobs.import_reread(actor=actor, job_id=job.pk, reading=column_page.posted_reading(request.POST))
        jobs.import_check(actor=actor, job_id=job.pk)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("imports:job", job.pk)


@require(Permission.CONTACT_IMPORT)
def import_progress(request: HttpRequest, job_id: int) -> HttpResponse:
    """The job card again, for the page that shows it; when the pass is over, the whole page."""
    job = _job(job_id)
    if job.under_way:
        return render(request, "imports/progress.html", _job_context(request, job))
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse("imports:job", args=[job.pk])
    return response


def _job_context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    data = job.opened()
    labels = {"appointments": "appointments", "list": "people", "patients": "people"}
    seconds = (clock.now() - job.started_at).total_seconds() if job.started_at and job.under_way else 0
    rate = int(job.done / seconds) if seconds > 1 else None
    rejected = sorted(data.get("reasons", {}).items(), key=lambda item: (-item[1], item[0]))
    tables = [
        {"name": name, "label": labels.get(name, name), **figures} for name, figures in data.get("tables", {}).items()
    ]
    to_confirm = data.get("held", 0)
    tagged = data.get("tagged", 0)
    doubts = data.get("doubts", 0)
    writes = job.new + job.changed + to_confirm
    # Nobody has taken the job: say so before somebody wonders.
    waiting = job.under_way and job.lease_until is None and seconds > 20
    return {
        "job": job,
        "data": data,
        "counts": jobs.counts(job),
        "tables": tables,
        "reasons": rejected,
        "notes": sorted(data.get("notes", {}).items(), key=lambda item: (-item[1], item[0])),
        "unused": [item for item in data["files"] if not item["used"]],
        "files": [item for item in data["files"] if item["used"]],
        "problem": data.get("problem", ""),
        "rate": rate,
        "left": _left((job.total - job.done) / rate) if rate and job.total > job.done else "",
        "steps": _steps(job),
        "step": len(_steps(job)) - (data.get("pass") != State.RUNNING),
        "resumable": job.state in (State.CANCELLED, State.FAILED)
        and data.get("pass") == State.RUNNING
        and not job.files_gone,
        "checkable": job.state in (State.DRAFT, State.REFUSED, State.CANCELLED, State.FAILED)
        and not job.files_gone
        and data.get("pass") != State.RUNNING,
        **_stopped(job, data),
        "writes": writes,
        "undoable": (until := undo_until(job)) is not None and until > clock.now(),
        **_undone(job),
        "may_make_segments": may(request, Permission.SEGMENT_EDIT),
        "people": selectors.figures(job) if job.state == State.DONE else (0, 0),
        "to_confirm": to_confirm,
        "tagged": tagged,
        "new_tags": data.get("new_tags", []),
        "doubts": doubts,
        "doubts_title": _doubts_title(job, doubts),
        "columns_url": reverse(COLUMNS[job.kind], args=[job.pk]) if job.kind in COLUMNS and _mappable(job) else "",
        "downloadable": job.rejections.filter(count__gt=0).exists(),
        **_unread(job, data),
        "own": jobs.may_see_rows(actor_of(request), job),
        "not_own": jobs.NOT_YOURS,
        "waiting": waiting,
        **_decided(data),
        "levels": ((2, "Health information"), (3, "Specially protected")),
        "nothing_to_do": job.state == State.CHECKED and not writes and not doubts and not tagged,
    }


def _undone(job: ImportJob) -> dict[str, Any]:
    """The undo of an import, and what the page of the import is called once it is undone."""
    undo = ImportUndo.objects.filter(job=job).first()
    is_undone = undo is not None and undo.state == ImportUndo.State.DONE
    title = "Imported, then undone" if is_undone else "Imported"
    return {
        "undone": undo,
        "is_undone": is_undone,
        "done_title": title,
        "done_status": "" if is_undone else "done",
        "number": f"Import {job.pk}",
    }


def _doubts_title(job: ImportJob, doubts: int) -> str:
    if job.state == State.DONE:
        return "One visit is in doubt." if doubts == 1 else f"{doubts:,} visits are in doubt."
    return "One visit would be in doubt." if doubts == 1 else f"{doubts:,} visits would be in doubt."


def _unread(job: ImportJob, data: dict[str, Any]) -> dict[str, Any]:
    """Cells that were left out of rows that come in: how many, why, and where the first of them are."""
    reasons = sorted(data.get("unread_reasons", {}).items(), key=lambda item: (-item[1], item[0]))
    places = unread_places(job) if reasons else []
    return {"unread": data.get("unread", 0), "unread_reasons": reasons, "unread_places": places}


def _stopped(job: ImportJob, data: dict[str, Any]) -> dict[str, Any]:
    """What a canceled or failed import says: what is in, what is not, and that nothing is lost by going on."""
    found: dict[str, Any] = {"remaining": job.total - job.done, "figures": True, "stopped": "", "stopped_title": ""}
    if job.state not in (State.CANCELLED, State.FAILED):
        return found
    canceled = job.state == State.CANCELLED
    if data.get("pass") != State.RUNNING:
        # A check that was stopped, or a finished one nobody acted on: its figures would read as if they were in.
        title = "Nothing was imported." if canceled else "The check failed."
        return found | {
            "figures": False,
            "stopped_title": title,
            "stopped": "It was canceled before it began, so nobody was added or changed."
            if canceled
            else "A check changes nothing, so nobody was added or changed.",
        }
    if not job.done:
        return found | {"stopped_title": "Stopped before the first row.", "stopped": "Nothing is in yet."}
    rest = found["remaining"]
    not_yet = "the last row was not looked at yet" if rest == 1 else f"{rest:,} rows were not looked at yet"
    on = " Going on takes only these: no row is read twice." if not job.files_gone else ""
    told = f"{job.new:,} new and {job.changed:,} changed are in and stay as they are"
    return found | {
        "stopped_title": f"{'Canceled' if canceled else 'Failed'} after {job.done:,} of {job.total:,} rows.",
        "stopped": f"{told}; {not_yet}.{on}" if rest else f"{told}.",
    }


def _decided(data: dict[str, Any]) -> dict[str, str]:
    """What was chosen beside the columns of a list, in the words of the page where it was chosen."""
    chosen = data.get("mapping") or {}
    target = column_mapping.TARGETS.get(chosen.get("match_on", ""))
    return {
        "match_label": target.label if target else "",
        "relation_label": RELATIONS.get(chosen.get("relation", "patient"), ""),
        "mode_label": MODES.get(chosen.get("mode", "update"), ""),
    }


def _left(seconds: float) -> str:
    if seconds < 90:
        whole = max(1, round(seconds))
        return f"{whole} second{'s' if whole != 1 else ''}"
    return f"{round(seconds / 60)} minutes"


def _mappable(job: ImportJob) -> bool:
    return job.state in (State.DRAFT, State.CHECKED, State.REFUSED)


def _steps(job: ImportJob) -> list[Any]:
    if job.kind not in COLUMNS:
        return ["Upload", "Check", "Import"]
    columns = ("Columns", reverse(COLUMNS[job.kind], args=[job.pk])) if _mappable(job) else "Columns"
    return ["Upload", columns, "Check", "Import"]


@require(Permission.CONTACT_IMPORT)
@require_POST
def import_act(request: HttpRequest, job_id: int, act: str) -> HttpResponse:
    """Check, start, cancel or resume."""
    acts = {
        "check": jobs.import_check,
        "start": jobs.import_start,
        "cancel": jobs.import_cancel,
        "resume": jobs.import_resume,
    }
    if act not in acts:
        raise Http404
    _job(job_id)
    try:
        acts[act](actor=actor_of(request), job_id=job_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        if act == "cancel" and _job(job_id).under_way:
            messages.success(request, "The import stops after the rows at hand.")
    return redirect("imports:job", job_id)


@require(Permission.CONTACT_IMPORT)
@require_POST
def import_rejected(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """The rejected rows as CSV. By POST, because taking them is on the trail."""
    job = _job(job_id)
    try:
        lines = jobs.rejected_csv(actor=actor_of(request), job_id=job.pk)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("imports:job", job.pk)
    return _csv(_marked(lines), f"rejected-{job.pk}.csv")


@require(Permission.CONTACT_IMPORT)
@require_POST
def import_unread(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """The cells that could not be read as CSV. By POST, because taking them is on the trail."""
    job = _job(job_id)
    try:
        lines = unread_csv(actor=actor_of(request), job_id=job.pk)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("imports:job", job.pk)
    return _csv(_marked(lines), f"not-read-{job.pk}.csv")


def _marked(lines: Iterator[str]) -> Iterator[bytes]:
    """UTF-8 with the mark that makes spreadsheets read it as UTF-8."""
    yield b"\xef\xbb\xbf"
    for line in lines:
        yield line.encode()


def _csv(lines: Iterator[bytes], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require(Permission.CONTACT_IMPORT)
def import_mapping(request: HttpRequest, job_id: int) -> HttpResponse:
    """MAPPING.json of a list, for the next file of its kind and for the command line."""
    job = _job(job_id)
    try:
        if job.kind == JobKind.EVENTS:
            text = json.dumps(jobs.checked_events(job.opened()).as_dict(), indent=2, ensure_ascii=False) + "\n"
        else:
            text = jobs.checked_mapping(job.opened()).as_json()
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(COLUMNS.get(job.kind, "imports:columns"), job.pk)
    response = HttpResponse(text, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="mapping-{job.pk}.json"'
    return response


def _job(job_id: int) -> ImportJob:
    job = ImportJob.objects.filter(pk=job_id).first()
    if job is None:
        raise Http404
    return job
