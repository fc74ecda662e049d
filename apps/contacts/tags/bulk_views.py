"""Tagging many people: those of a search, of a segment, or chosen in the list; and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.contacts import sources
from apps.contacts.models import TagJob
from apps.contacts.person import searching
from apps.contacts.person.views.people import searched
from apps.contacts.tags import bulk_services, definitions, services
from apps.contacts.tags.names import split
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.permissions import Permission, check, may, require

SEGMENT = "segment"


@dataclass(frozen=True, repr=False)
class Asked:
    """Whom a form is about: where they come from, by what the list was searched, or their ids."""

    source: str
    source_id: int | None
    text: str
    filters: dict[str, str]
    people: list[int]


@require(Permission.CONTACT_EDIT)
@require_http_methods(["GET", "POST"])
def tag_apply(request: HttpRequest) -> HttpResponse:
    """Which tag, and whether to add or remove it. From the contact list it comes by POST, with what was searched."""
    asked = _asked(request)
    try:
        name = bulk_services.origin(asked.source, asked.source_id)
    except Refused:
        raise Http404 from None
    act, problem = request.POST.get("act", TagJob.Act.ADD), ""
    if request.method == "POST" and "asked" in request.POST:
        try:
            job = _create(request, asked, act)
            return redirect("contacts:tag_job", job.pk)
        except Refused as refusal:
            problem = str(refusal)
    context = {
        "asked": asked,
        "name": name,
        "who": _who(asked, name),
        "act": act,
        "typed": request.POST.get("named", ""),
        "may_create": may(request, Permission.CONTACT_IMPORT),
        "problem": problem,
        "cancel": reverse("contacts:list"),
    }
    return render(request, "contacts/tags/apply.html", context, status=422 if problem else 200)


@require(Permission.CONTACT_EDIT)
def tag_job(request: HttpRequest, job_id: int) -> HttpResponse:
    """How far it is, or what it did."""
    return render(request, "contacts/tags/job.html", _context(_job(job_id)))


@require(Permission.CONTACT_EDIT)
def tag_job_progress(request: HttpRequest, job_id: int) -> HttpResponse:
    """The job card again; when the job is over, the whole page."""
    job = _job(job_id)
    if job.under_way:
        return render(request, "contacts/tags/progress.html", _context(job))
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse("contacts:tag_job", args=[job_id])
    return response


@require(Permission.CONTACT_EDIT)
@require_POST
def tag_job_act(request: HttpRequest, job_id: int, act: str) -> HttpResponse:
    """Cancel it, or go on."""
    acts = {"cancel": bulk_services.tag_job_cancel, "resume": bulk_services.tag_job_resume}
    if act not in acts:
        raise Http404
    _job(job_id)
    try:
        acts[act](actor=actor_of(request), job_id=job_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("contacts:tag_job", job_id)


def _asked(request: HttpRequest) -> Asked:
    """Whom it is about; a source or search that is written strangely is an unknown page, never everybody instead."""
    given = request.POST if request.method == "POST" else request.GET
    if segment := given.get("segment", ""):
        check(request, Permission.SEGMENT_VIEW)
        return Asked(SEGMENT, whole(segment, 0), "", {}, [])
    if request.method != "POST":
        raise Http404
    text, filters = searched(request)
    chosen = [whole(number, 0) for number in given.getlist("chosen")]
    source = bulk_services.CHOSEN if "choosing" in given else sources.LIST
    return Asked(source, None, text, filters, chosen if source == bulk_services.CHOSEN else [])


def _create(request: HttpRequest, asked: Asked, act: str) -> TagJob:
    actor = actor_of(request)
    names = split(request.POST.get("named", "")[:1000])
    if len(names) != 1:
        raise Refused("tag.name_length", "Type the name of one tag.")
    known = definitions.ids_of(names)
    if not known and act == TagJob.Act.ADD and may(request, Permission.CONTACT_IMPORT):
        known = services.tags_named(actor=actor, names=names)
    if not known:
        raise Refused("tag.unknown", "There is no tag of this name. Choose one of the list.")
    return bulk_services.tag_job_create(
        actor=actor,
        tag_id=known[names[0]],
        act=act,
        source=asked.source,
        source_id=asked.source_id,
        text=asked.text,
        filters=asked.filters,
        people=asked.people,
    )


def _who(asked: Asked, name: str) -> str:
    """Whom it is about, with the number where it is known now: "the 412 people your search found"."""
    if asked.source == SEGMENT:
        return f"everybody in the segment “{name}”"
    if asked.source == bulk_services.CHOSEN:
        number: int | None = len(set(asked.people))
        by = "you chose"
    else:
        number = searching.counted(searching.people(text=asked.text, filters=asked.filters))
        by = "your search found" if asked.text.strip() or asked.filters else "in your contacts"
    if number is None:
        return f"the more than {searching.COUNT_UP_TO:,} people {by}"
    return f"the {number:,} people {by}" if number != 1 else f"the one person {by}"


def _job(job_id: int) -> TagJob:
    found = TagJob.objects.filter(pk=job_id).first() if job_id < 2**63 else None
    if found is None:
        raise Http404
    return found


def _context(job: TagJob) -> dict[str, Any]:
    data = job.opened()
    try:
        name = bulk_services.origin(job.source, job.source_id)
    except Refused:
        name = "A segment that was deleted"
    seconds = (clock.now() - job.created_at).total_seconds() if job.under_way else 0
    return {
        "job": job,
        "tag": definitions.by_ids([job.tag_id]).get(job.tag_id),
        "adds": job.act == TagJob.Act.ADD,
        "chosen": job.source == bulk_services.CHOSEN,
        "name": name,
        "narrowed": bool(data["text"] or data["filters"]),
        "problem": data.get("problem", ""),
        "rate": int(job.done / seconds) if seconds > 1 else None,
    }
