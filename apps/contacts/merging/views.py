"""The duplicates queue, the page on which two records become one, and the one that takes it back."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.audit.actions import Action
from apps.contacts.attributes import definitions as attributes
from apps.contacts.changes import pending
from apps.contacts.merging import choices, judging, parts
from apps.contacts.merging.services import finding, merge
from apps.contacts.models import DuplicatePair, DuplicateSearch, PersonMerge
from apps.contacts.person import search_values, searching, selectors
from apps.contacts.person.masking import Eyes, age_words, masked_value
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.views.people import opened
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.pages import keyset
from apps.core.permissions import Permission, check, may, require, role_of
from apps.ui import datewords
from apps.vault.sealing import SealBroken

PAIRS = 25
FOUND = 20
_STRENGTHS = {str(value): DuplicatePair.Strength(value).label for value in (3, 2, 1)}
_TONES = {3: "bad", 2: "caution", 1: "neutral"}
_SIDES = (choices.ONE, choices.OTHER)


# -- The queue -------------------------------------------------------------------------------------------------


@require(Permission.CONTACT_EDIT)
def duplicate_list(request: HttpRequest) -> HttpResponse:
    """Pairs that nobody decided about, newest first, side by side and masked; the last search and its progress."""
    strength = request.GET.get("strength", "")
    pairs = DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN)
    total = pairs.count()
    if strength in _STRENGTHS:
        pairs = pairs.filter(strength=int(strength))
    page = keyset(pairs, request.GET.get("after", ""), size=PAIRS, total=pairs.count())
    people = selectors.open_people(
        actor=actor_of(request),
        purpose="duplicates",
        ids=sorted({person for pair in page.items for person in (pair.first_id, pair.second_id)}),
        action=Action.CONTACT_LIST,
        with_consents=False,
    )
    eyes, today = Eyes(role_of(request)), clock.clinic_day()
    rows = [
        {
            "pair": pair,
            "people": [_person(people[each], eyes, today) for each in (pair.first_id, pair.second_id)],
            "reasons": [_reason(each) for each in pair.reasons],
            "word": pair.get_strength_display(),
            "tone": _TONES[pair.strength],
        }
        for pair in page.items
        if pair.first_id in people and pair.second_id in people
    ]
    context = {
        "page": page,
        "rows": rows,
        "total": total,
        "strength": strength,
        "strengths": _STRENGTHS,
        "search": DuplicateSearch.objects.filter(people__isnull=True).order_by("-pk").first(),
        "may_decide": eyes.reveal,
    }
    return render(request, "contacts/duplicates/list.html", context)


def _person(record: PersonRecord, eyes: Eyes, today: date) -> dict[str, Any]:
    facts = [
        (label, masked_value(name, str(record.get(name))))
        for name, label in (("email", "E-mail"), ("phone", "Phone"), ("mrn", "MRN"))
        if record.get(name)
    ]
    place = " ".join(str(record.get(name)) for name in ("city", "zip") if record.get(name)) if eyes.names else ""
    return {
        "id": record.id,
        "name": eyes.name(record),
        "about": ", ".join(part for part in (age_words(record, record.age(today)), place) if part),
        "facts": facts,
        "added": record.created_at,
    }


def _reason(code: str) -> dict[str, Any]:
    words, speaks_for = judging.words(code)
    return {"words": words, "for": speaks_for}


@require(Permission.CONTACT_EDIT)
@require_POST
def duplicate_search(request: HttpRequest) -> HttpResponse:
    """Look for duplicates among everybody."""
    return _act(request, lambda: finding.search_start(actor=actor_of(request)), "")


@require(Permission.CONTACT_EDIT)
@require_POST
def duplicate_search_act(request: HttpRequest, search_id: int, act: str) -> HttpResponse:
    """Cancel a search, or go on with one that was stopped."""
    acts = {"cancel": finding.search_cancel, "resume": finding.search_resume}
    if act not in acts:
        raise Http404
    return _act(request, lambda: acts[act](actor=actor_of(request), search_id=search_id), "")


@require(Permission.CONTACT_EDIT)
def duplicate_progress(request: HttpRequest, search_id: int) -> HttpResponse:
    """The card of a search that runs, asked for by itself; when it is over the whole page comes anew."""
    search = DuplicateSearch.objects.filter(pk=search_id).first()
    if search is None:
        raise Http404
    if search.under_way:
        return render(request, "contacts/duplicates/progress.html", {"search": search})
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse("contacts:duplicates")
    return response


@require(Permission.CONTACT_EDIT)
@require_POST
def duplicate_different(request: HttpRequest, pair_id: int) -> HttpResponse:
    """The two of a pair are not the same person."""
    check(request, Permission.CONTACT_REVEAL)
    said = "Remembered: they are not the same person. The pair is not proposed again."
    return _act(request, lambda: finding.pair_different(actor=actor_of(request), pair_id=pair_id), said)


def _act(request: HttpRequest, act: Any, said: str) -> HttpResponse:
    try:
        act()
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        if said:
            messages.success(request, said)
    return redirect("contacts:duplicates")


# -- Merging ---------------------------------------------------------------------------------------------------


@require(Permission.CONTACT_EDIT)
@require_http_methods(["GET", "POST"])
def merge_choose(request: HttpRequest, person_id: int) -> HttpResponse:
    """Who the other record is: searched by POST, so that no name ever stands in an address."""
    check(request, Permission.CONTACT_REVEAL)
    record = opened(request, person_id, "merge")
    eyes, today, text = Eyes(role_of(request)), clock.clinic_day(), ""
    rows: list[dict[str, Any]] = []
    if request.method == "POST":
        text = request.POST.get("q", "").strip()[:200]
        if text:
            ids = searching.people(text=searching.meant(text)).exclude(pk=record.id).order_by("-pk")
            people = selectors.open_people(
                actor=actor_of(request),
                purpose="merge",
                ids=list(ids.values_list("pk", flat=True)[: FOUND + 1]),
                action=Action.CONTACT_SEARCH,
                with_consents=False,
            )
            rows = [_person(each, eyes, today) for each in people.values()]
    pairs = DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN)
    proposed = [
        pair.second_id if pair.first_id == record.id else pair.first_id
        for pair in (pairs.filter(first_id=record.id) | pairs.filter(second_id=record.id)).order_by("-strength")[:FOUND]
    ]
    known = selectors.open_people(
        actor=actor_of(request), purpose="merge", ids=proposed, action=Action.CONTACT_LIST, with_consents=False
    )
    context = {
        "record": record,
        "name": eyes.name(record),
        "q": text,
        "rows": rows[:FOUND],
        "more": len(rows) > FOUND,
        "proposed": [_person(known[each], eyes, today) for each in proposed if each in known],
    }
    return render(request, "contacts/duplicates/choose.html", context)


@require(Permission.CONTACT_EDIT)
@require_http_methods(["GET", "POST"])
def merge_compare(request: HttpRequest, person_id: int, other_id: int) -> HttpResponse:
    """Two columns, a choice for each field that differs, which record stays; or they are not the same person."""
    check(request, Permission.CONTACT_REVEAL)
    if person_id == other_id:
        raise Http404
    # Identity facts are shown whole here: nobody can tell two people apart by dots.
    people = selectors.open_people(
        actor=actor_of(request), purpose="merge", ids=[person_id, other_id], action=Action.CONTACT_REVEAL
    )
    if len(people) != 2:
        raise Http404
    sides = (people[person_id], people[other_id])
    if request.method == "POST":
        try:
            if "different" in request.POST:
                finding.people_different(actor=actor_of(request), one=person_id, other=other_id)
                messages.success(request, "Remembered: they are not the same person.")
                return redirect("contacts:duplicates")
            return redirect("contacts:merged", _merge(request, sides).pk)
        except Refused as refusal:
            messages.error(request, str(refusal))
    kept = request.POST.get("keep") or _kept(sides)
    judged = judging.judge(sides[0].profile, sides[1].profile)
    eyes = Eyes(role_of(request))
    context = {
        "sides": [
            {"side": side, "record": record, "name": eyes.name(record), "facts": _history(record, sides, side)}
            for side, record in zip(_SIDES, sides, strict=True)
        ],
        "fields": _fields(request, sides),
        "keep": kept if kept in _SIDES else choices.ONE,
        "reasons": [_reason(each) for each in judged.reasons] if judged is not None else [],
        "word": DuplicatePair.Strength(judged.strength).label if judged is not None else "",
        "tone": _TONES[judged.strength] if judged is not None else "neutral",
        "days": merge.KEEP.days,
    }
    return render(request, "contacts/duplicates/merge.html", context, status=422 if request.method == "POST" else 200)


def _merge(request: HttpRequest, sides: tuple[PersonRecord, PersonRecord]) -> PersonMerge:
    """Merge as chosen. The service calls the kept record "a", whichever column it stands in."""
    keep = request.POST.get("keep", "")
    kept, merged = sides if keep != choices.OTHER else sides[::-1]
    flipped = {choices.ONE: choices.OTHER, choices.OTHER: choices.ONE} if keep == choices.OTHER else {}
    chosen = {
        name.removeprefix("field:"): flipped.get(value, value)
        for name, value in request.POST.items()
        if name.startswith("field:") and value in _SIDES
    }
    versions = {}
    for side, record in zip(_SIDES, sides, strict=True):
        number = request.POST.get(f"version_{side}", "")
        versions[record.id] = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    return merge.people_merge(actor=actor_of(request), kept=kept.id, merged=merged.id, chosen=chosen, versions=versions)


def _kept(sides: tuple[PersonRecord, PersonRecord]) -> str:
    """The record that is suggested to stay: the one with portal correspondence, else the older one."""
    behind = pending.corresponding([record.id for record in sides])
    if len(behind) == 1:
        return choices.ONE if sides[0].id in behind else choices.OTHER
    return choices.OTHER if merge.newer_side(*sides) == choices.ONE else choices.ONE


def _history(record: PersonRecord, sides: tuple[PersonRecord, PersonRecord], side: str) -> list[str]:
    behind = pending.corresponding([each.id for each in sides])
    newer = merge.newer_side(*sides) == side
    found = [f"No. {record.id}", "the newer record" if newer else "the older record"]
    return found + (["has a portal account"] if record.id in behind else [])


def _fields(request: HttpRequest, sides: tuple[PersonRecord, PersonRecord]) -> list[dict[str, Any]]:
    newer = merge.newer_side(*sides)
    compared = choices.compare(sides[0].profile, sides[1].profile, attributes.catalog(), newer=newer)
    return [
        {
            "name": field.name,
            "label": field.label,
            "values": [
                {"side": side, "value": _said(field, value), "empty": not value}
                for side, value in zip(_SIDES, (field.one, field.other), strict=True)
            ],
            "chosen": request.POST.get(f"field:{field.name}", field.preset),
            "differs": field.differs,
            "choice": bool(field.one and field.other and field.one != field.other),
        }
        for field in compared
    ]


def _said(field: choices.Field, value: str) -> str:
    if not value:
        return ""
    if field.name == "guardian_id":
        return f"Person {value}"
    if field.spec is None:
        return value
    day = search_values.day_in(value) if field.spec.type == "date" else None
    return datewords.day(day) if day is not None else field.spec.said(value)


# -- What a merge did, and its undo ----------------------------------------------------------------------------


@require(Permission.CONTACT_EDIT)
@require_http_methods(["GET", "POST"])
def merged(request: HttpRequest, merge_id: int) -> HttpResponse:
    """What a merge did, and the button that takes it back."""
    check(request, Permission.CONTACT_REVEAL)
    row = PersonMerge.objects.filter(pk=merge_id).first()
    if row is None:
        raise Http404
    if request.method == "POST":
        try:
            undone = merge.merge_undo(actor=actor_of(request), merge_id=row.pk)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, " ".join(("Both records are there again.", *undone.stays)))
        return redirect("contacts:merged", row.pk)
    until = merge.undo_until(row)
    told: list[str] = []
    record = None
    if until is not None:
        record = opened(request, row.kept_id, "merge")
        try:
            told = parts.told(merge.opened(row, record)["notes"])
        except SealBroken:
            until = None
    context = {
        "merge": row,
        "told": told,
        "until": until if until is not None and until > clock.now() else None,
        "days": merge.KEEP.days,
        "name": Eyes(role_of(request)).name(record) if record is not None else f"Person {row.kept_id}",
        "may_audit": may(request, Permission.AUDIT_VIEW),
    }
    return render(request, "contacts/duplicates/merged.html", context)
