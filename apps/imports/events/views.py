"""Step 2 of a list of events: which column means what."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.contacts import values
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import Permission, require
from apps.imports import column_page
from apps.imports.column_mapping import reading_of
from apps.imports.events.mapping import KINDS, MATCHABLE, TARGETS
from apps.imports.forms import MappingUploadForm
from apps.imports.models import ImportJob
from apps.imports.services import jobs

EACH_SAYS = "each"
STEPS = ["Upload", "Columns", "Check", "Import"]


@require(Permission.CONTACT_IMPORT)
@require_http_methods(["GET", "POST"])
def event_columns(request: HttpRequest, job_id: int) -> HttpResponse:
    """What the rows are, whose they are, and where each column goes."""
    job, actor = ImportJob.objects.filter(pk=job_id, kind=ImportJob.JobKind.EVENTS).first(), actor_of(request)
    if job is None:
        raise Http404
    if job.state not in (ImportJob.State.DRAFT, ImportJob.State.CHECKED, ImportJob.State.REFUSED):
        return redirect("imports:job", job.pk)
    data = job.opened()
    document, problem = data["mapping"], ""
    if request.method == "POST" and "reread" in request.POST:
        try:
            jobs.import_reread(actor=actor, job_id=job.pk, reading=column_page.posted_reading(request.POST))
            return redirect("imports:event_columns", job.pk)
        except Refused as refusal:
            problem = str(refusal)
    elif request.method == "POST":
        try:
            document = _posted(request, data)
            jobs.import_map(actor=actor, job_id=job.pk, document=document)
            if "keep" not in request.POST and "mapping" not in request.FILES:
                jobs.import_check(actor=actor, job_id=job.pk)
                return redirect("imports:job", job.pk)
            messages.success(request, "Mapping saved.")
            return redirect("imports:event_columns", job.pk)
        except Refused as refusal:
            problem = str(refusal)
    chosen = document.get("columns", {})
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, (label, group) in TARGETS.items():
        groups.setdefault(group, []).append((name, label))
    form = str(document.get("date_format", ""))
    formats = list(values.DATE_FORMATS.items())
    context = {
        "job": job,
        "file": data["files"][0],
        "rows": [
            {
                "index": index,
                "header": guess.header,
                "type": guess.type,
                "samples": () if guess.sensitive else guess.samples,
                "sensitive": guess.sensitive,
                "target": chosen.get(guess.header, ""),
            }
            for index, guess in enumerate(jobs.guesses(actor=actor, job=job))
        ],
        "groups": list(groups.items()),
        "kinds": [*((name, label) for name, (label, _) in KINDS.items()), (EACH_SAYS, "Each row says (a column)")],
        "kind": document.get("kind") or EACH_SAYS,
        "matchable": [(name, TARGETS[name][0]) for name in MATCHABLE],
        "match_on": document.get("match_on", ""),
        "date_format": form,
        "date_formats": formats if form in values.DATE_FORMATS else [*formats, (form, form)],
        "system": document.get("system", ""),
        "source": document.get("source", ""),
        **column_page.reading_context(job, data, document, shown=jobs.may_see_rows(actor, job)),
        "problem": problem,
        "own": jobs.may_see_rows(actor, job),
        "upload": MappingUploadForm(),
        "steps": STEPS,
        "step": 2,
    }
    return render(request, "imports/event_columns.html", context, status=422 if problem else 200)


def _posted(request: HttpRequest, data: dict[str, Any]) -> dict[str, Any]:
    """The mapping that was uploaded, or that the page's fields say. Raises ``Refused``."""
    if "mapping" in request.FILES:
        form = MappingUploadForm(request.POST, request.FILES)
        if not form.is_valid():
            raise Refused("import.without_mapping_file", "Choose a mapping file.")
        try:
            found = json.loads(form.cleaned_data["mapping"].read(200_001).decode("utf-8-sig"))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Refused("import.mapping_wrong", "The mapping is not JSON. Export one from this page to see its form.")
        return found
    headers = data["files"][0]["headers"]
    targets = {header: request.POST.get(f"column-{index}", "") for index, header in enumerate(headers)}
    document: dict[str, Any] = {
        "match_on": request.POST.get("match_on", ""),
        "columns": {header: target for header, target in targets.items() if target},
        "date_format": request.POST.get("date_format", "%Y-%m-%d"),
        "ignore": [header for header, target in targets.items() if not target],
        **reading_of(data.get("mapping") or {}),
    }
    if (kind := request.POST.get("kind", "")) != EACH_SAYS:
        document["kind"] = kind
    for name in ("system", "source"):
        if value := request.POST.get(name, "").strip():
            document[name] = value.lower() if name == "source" else value
    return document
