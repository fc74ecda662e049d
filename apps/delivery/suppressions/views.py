"""Suppressions: which mailboxes get no mail, why, since when and by what; stop one, take in a list, lift, export."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.audit import selectors as audit
from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.contacts import services as contacts
from apps.contacts import values
from apps.contacts.models import PersonIdentity, Suppression
from apps.contacts.models.consent import SUPPRESSION_TABLE
from apps.contacts.person import search_values
from apps.contacts.person.masking import Eyes
from apps.contacts.person.selectors import open_people
from apps.contacts.suppressions.lifting import CHOSEN
from apps.contacts.suppressions.register.services import is_genuine
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.pages import keyset
from apps.core.permissions import Permission, allows, may, require, role_of
from apps.delivery.models import SuppressionJob
from apps.delivery.page_parts import tabs
from apps.delivery.suppressions import services as suppressions
from apps.delivery.suppressions.forms import LiftForm, OptOutsForm, SuppressionForm
from apps.vault import sealing

JOBS_SHOWN = 8
_SOURCES = {
    "hygiene": "List hygiene, report {}",
    "list": "List of opt-outs, no. {}",
    "message": "Message {}",
    "one_click": "One click in message {}",
    "page": "Unsubscribe page, message {}",
    "command": "Command line",
    "delivery": "The mail server’s answer",
    "person page": "The person’s page",
    "before a restore": "Kept over a restore",
    "ledger": "Put back from the ledger",
    "demo": "Demo",
}


@require(Permission.DELIVERY_VIEW)
@require_http_methods(["GET", "POST"])
def suppression_list(request: HttpRequest) -> HttpResponse:
    """All of them, latest first, by reason; or those of one address, which comes by POST."""
    rows = Suppression.objects.all()
    asked = request.POST.get("address", "").strip()
    reason = request.GET.get("reason", "")
    problem = ""
    if asked:
        try:
            address = values.email(asked)
        except values.BadValue:
            address, problem = "", "This is not a whole e-mail address. Suppressions are found by the whole address."
        mailbox = search_values.mailbox(address) if address else b""
        rows = rows.filter(mailbox=mailbox)
        if mailbox:
            record_read(
                actor=actor_of(request),
                action=Action.SUPPRESSION_SEARCH,
                kind="mailbox",
                people=_holders([mailbox]).get(mailbox, []),
            )
    elif reason in Suppression.Reason.values:
        rows = rows.filter(reason=reason)
    else:
        reason = ""
    page = keyset(rows, request.POST.get("after", "") or request.GET.get("after", ""))
    here = reverse("delivery:suppressions")
    context = {
        "tabs": tabs(request, "suppressions"),
        "page": page,
        "rows": _rows(request, page.items),
        "asked": asked,
        "problem": problem,
        "reason": reason,
        "reasons": Suppression.Reason.choices,
        "jobs": SuppressionJob.objects.order_by("-pk")[:JOBS_SHOWN],
        "may_add": may(request, Permission.CONTACT_EDIT),
        "may_import": may(request, Permission.CONTACT_IMPORT),
        "may_export": may(request, Permission.CONTACT_EXPORT),
        "here": here,
    }
    return render(request, "delivery/suppressions/list.html", context, status=422 if problem else 200)


@require(Permission.CONTACT_EDIT)
@require_http_methods(["GET", "POST"])
def suppression_new(request: HttpRequest) -> HttpResponse:
    """Stop mail to one address, with a reason."""
    form = SuppressionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            contacts.suppression_add(actor=actor_of(request), **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None if refusal.code == "suppression.known" else "address", str(refusal))
        else:
            messages.success(request, "This mailbox is stopped.")
            return redirect(_home(request)["url"])
    return render(
        request, "delivery/suppressions/new.html", {"form": form, "home": _home(request)}, status=_status(form)
    )


@require(Permission.CONTACT_IMPORT)
@require_http_methods(["GET", "POST"])
def opt_outs_new(request: HttpRequest) -> HttpResponse:
    """A former tool's opt-outs: a file or pasted addresses."""
    form = OptOutsForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        stream = given["file"] or io.BytesIO(given["text"].encode())
        try:
            made = suppressions.list_create(
                actor=actor_of(request), stream=stream, name="", scope=given["scope"], reason=given["reason"]
            )
        except Refused as refusal:
            form.add_error("file" if given["file"] else "text", str(refusal))
        else:
            return redirect("delivery:suppression_job", made.pk)
    return render(request, "delivery/suppressions/opt_outs.html", {"form": form}, status=_status(form))


@require(Permission.CONTACT_EXPORT)
@require_http_methods(["GET", "POST"])
def export_new(request: HttpRequest) -> HttpResponse:
    """What an export is for, and which suppressions it has."""
    form = LiftForm(request.POST or None)
    only = request.POST.get("only", "")
    if request.method == "POST" and form.is_valid():
        try:
            made = suppressions.export_create(actor=actor_of(request), reason=form.cleaned_data["reason"], only=only)
        except Refused as refusal:
            form.add_error("reason", str(refusal))
        else:
            return redirect("delivery:suppression_job", made.pk)
    context = {"form": form, "only": only, "reasons": Suppression.Reason.choices}
    return render(request, "delivery/suppressions/export.html", context, status=_status(form))


@require(Permission.CONTACT_EDIT)
@require_http_methods(["GET", "POST"])
def suppression_lift(request: HttpRequest, suppression_id: int) -> HttpResponse:
    """Lift one, with a reason."""
    row = Suppression.objects.filter(pk=suppression_id).first()
    if row is None:
        raise Http404
    form = LiftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            contacts.suppression_lift(
                actor=actor_of(request), suppression_id=row.pk, reason=form.cleaned_data["reason"]
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "This stop is lifted.")
            return redirect(_home(request)["url"])
    context = {
        "form": form,
        "row": _rows(request, [row])[0],
        "chosen": row.reason in CHOSEN,
        "may_lift": _may_lift(request, row),
        "dead": row.reason == Suppression.Reason.HARD_BOUNCE,
        "home": _home(request),
    }
    return render(request, "delivery/suppressions/lift.html", context, status=_status(form))


@require(Permission.DELIVERY_VIEW)
@require_safe
def job(request: HttpRequest, job_id: int) -> HttpResponse:
    """A list or an export: how far it is, and what came of it."""
    found = _job(request, job_id)
    data = found.opened()
    context = {
        "job": found,
        "problem": data.get("problem", ""),
        "scope": dict(Suppression.Scope.choices).get(data.get("scope", ""), ""),
        "reason": dict(Suppression.Reason.choices).get(data.get("reason", ""), ""),
        "why": data.get("why", ""),
        "faults": [{"line": number, "why": why} for number, _, why in data.get("faults", [])[:50]],
        "until": found.finished_at + suppressions.KEEP if found.finished_at else None,
    }
    return render(request, "delivery/suppressions/job.html", context)


@require(Permission.DELIVERY_VIEW)
@require_safe
def job_progress(request: HttpRequest, job_id: int) -> HttpResponse:
    """The job card again; when the job is over, the whole page."""
    found = _job(request, job_id)
    if found.under_way:
        return render(request, "delivery/suppressions/progress.html", {"job": found})
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse("delivery:suppression_job", args=[job_id])
    return response


@require(Permission.CONTACT_IMPORT)
@require_POST
def job_cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    """Stop a job."""
    _job(request, job_id)
    try:
        suppressions.job_cancel(actor=actor_of(request), job_id=job_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("delivery:suppression_job", job_id)


@require(Permission.CONTACT_IMPORT)
@require_POST
def job_download(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """The file of an export, or the rows of a list that were not read. By POST, because it is on the trail."""
    found = _job(request, job_id)
    pieces: Any
    try:
        if found.kind == SuppressionJob.JobKind.EXPORT:
            pieces, name = suppressions.export_open(actor=actor_of(request), job_id=job_id), "suppressions"
        else:
            pieces, name = suppressions.faults_csv(actor=actor_of(request), job_id=job_id), "not-read"
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("delivery:suppression_job", job_id)
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{job_id}.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _job(request: HttpRequest, job_id: int) -> SuppressionJob:
    """The job; an export is there for those who may export."""
    found = SuppressionJob.objects.filter(pk=job_id).first()
    if found is None:
        raise Http404
    if found.kind == SuppressionJob.JobKind.EXPORT and not may(request, Permission.CONTACT_EXPORT):
        raise Http404
    return found


def _home(request: HttpRequest) -> dict[str, str]:
    """Care staff stop and lift too, but the pages of delivery are not theirs."""
    if may(request, Permission.DELIVERY_VIEW):
        return {"url": reverse("delivery:suppressions"), "label": "Suppressions"}
    return {"url": reverse("contacts:list"), "label": "Contacts"}


def _status(form: Any) -> int:
    return 422 if form.is_bound else 200


def _holders(mailboxes: Sequence[bytes]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    rows = PersonIdentity.objects.filter(kind=PersonIdentity.IdentityKind.EMAIL, token__in=list(mailboxes))
    for token, person_id in rows.order_by("person_id").values_list("token", "person_id"):
        found.setdefault(bytes(token), []).append(person_id)
    return found


def _may_lift(request: HttpRequest, row: Suppression) -> bool:
    """Whether this role may lift a stop at all: what its owner chose, only those who speak with patients do."""
    return may(request, Permission.CONTACT_EDIT) and (
        row.reason not in CHOSEN or may(request, Permission.CONTACT_REVEAL)
    )


def _rows(request: HttpRequest, items: Sequence[Suppression]) -> list[dict[str, Any]]:
    """What the page shows of each: people by name as the reader may see it, addresses of people on record only."""
    role = role_of(request)
    holders = _holders([bytes(row.mailbox) for row in items]) if allows(role, Permission.CONTACT_VIEW) else {}
    people = open_people(
        actor=actor_of(request),
        purpose="suppressions",
        ids=sorted({person_id for found in holders.values() for person_id in found}),
        action=Action.SUPPRESSION_LIST,
        with_consents=False,
    )
    names = audit.staff_names({row.source.partition(":")[2] for row in items if row.source.startswith("staff:")})
    eyes = Eyes(role)
    shown = []
    for row in items:
        have = [people[person_id] for person_id in holders.get(bytes(row.mailbox), []) if person_id in people]
        note = sealing.open_service(row.note, table=SUPPRESSION_TABLE, row=row.pk) if row.note is not None else ""
        shown.append(
            {
                "row": row,
                "may_lift": _may_lift(request, row),
                "people": [
                    {"name": eyes.name(person), "url": reverse("contacts:person", args=[person.id])} for person in have
                ],
                "address": have[0].email if have else "",
                "note": note,
                "altered": not is_genuine(row),
                "source": _source(row.source, names),
            }
        )
    return shown


def _source(source: str, names: Any) -> str:
    """By what it came, in words."""
    kind, _, number = source.partition(":")
    if kind == "staff":
        return audit.actor_words(kind, number, names)
    return _SOURCES.get(kind, "").format(number) if kind in _SOURCES else source
