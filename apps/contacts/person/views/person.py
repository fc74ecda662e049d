"""The page of a person: flags, facts, timeline, consents, appointments, access; panels of higher layers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.audit import marks, sentences
from apps.audit import selectors as audit
from apps.audit.actions import Action
from apps.audit.models import AuditEntry
from apps.audit.services import record_read
from apps.contacts import services
from apps.contacts.appointments.forms import AppointmentForm, MoveForm
from apps.contacts.appointments.words import visit_time
from apps.contacts.attributes import definitions as attributes
from apps.contacts.changes import identity_facts, pending
from apps.contacts.consent.forms import ConsentForm
from apps.contacts.consent.services import consent_history
from apps.contacts.models import DuplicatePair, Person, PersonMerge, Suppression
from apps.contacts.person import fields, finding, panels, reach, search_values, selectors
from apps.contacts.person.forms import NoteForm, ReachForm, ReasonForm
from apps.contacts.person.masking import IDENTIFIERS, Eyes, age_words, masked_value
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.views.people import opened
from apps.contacts.suppressions.services import reason_given
from apps.contacts.tags import views as tags
from apps.contacts.timeline import words as timeline
from apps.core import clock, zones
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.pages import keyset
from apps.core.permissions import Permission, check, may, require, role_of
from apps.core.purposes import Purpose
from apps.organizations import selectors as organizations
from apps.ui import datewords


@require(Permission.CONTACT_VIEW)
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """Overview: facts with masked identifiers, what is next, what happened last. An erased person leaves a note."""
    gone = Person.objects.filter(pk=person_id, erased_at__isnull=False).first()
    if gone is not None and gone.merged_into_id is not None:
        return redirect("contacts:person", gone.merged_into_id)
    if gone is not None:
        context = {"person": gone, "may_erase": may(request, Permission.CONTACT_ERASE)}
        return render(request, "contacts/gone.html", context, status=404)
    record = opened(request, person_id, "person page")
    eyes = Eyes(role_of(request))
    selectors.load_events({record.id: record})
    selectors.load_appointments({record.id: record})
    now = clock.now()
    context = {
        "facts": _facts(record, eyes),
        "facts_note": "Identifiers are masked; revealing one asks for a reason."
        if eyes.reveal
        else "Identifiers are masked; care staff and administrators can reveal them.",
        "upcoming": [visit for visit in _appointments(record) if visit["start"] > now and visit["state"] == "booked"],
        "latest": timeline.page(record.events or [], eyes=eyes, size=6).items,
        "consents": _states(record),
        "side": [
            {"panel": panel, **panel.loader(request, record)} for panel in panels.panels(role_of(request), "side")
        ],
        "reveal": eyes.reveal,
        "reach": _reach(record),
        "may_reach": eyes.reveal and may(request, Permission.CONTACT_EDIT),
    }
    return _page(request, record, "overview", "contacts/person/overview.html", context)


@require(Permission.CONTACT_VIEW)
def person_timeline(request: HttpRequest, person_id: int) -> HttpResponse:
    """Everything that happened, latest first, filtered by kind; write a note."""
    record = opened(request, person_id, "timeline")
    may_note = may(request, Permission.CONTACT_EDIT) and may(request, Permission.CONTACT_REVEAL)
    form = NoteForm(request.POST or None, initial={"once": secrets.token_hex(8)}) if may_note else None
    if request.method == "POST":
        if form is None:
            raise PermissionDenied
        if form.is_valid():
            try:
                services.note_add(actor=actor_of(request), person_id=record.id, **form.cleaned_data)
            except Refused as refusal:
                form.add_error("text", str(refusal))
            else:
                messages.success(request, "Note added.")
                return redirect("contacts:timeline", record.id)
    selectors.load_events({record.id: record})
    group = request.GET.get("kind", "")
    page = timeline.page(
        record.events or [], eyes=Eyes(role_of(request)), group=group, after=request.GET.get("after", "")
    )
    choices = [("", "Everything"), *((name, label) for name, (label, _) in timeline.GROUPS.items())]
    labs = timeline.courses(record.events or [], eyes=Eyes(role_of(request))) if group == "labs" else []
    context = {"page": page, "choices": choices, "group": group if group in timeline.GROUPS else "", "labs": labs}
    return _page(request, record, "timeline", "contacts/person/timeline.html", context | {"form": form}, form)


@require(Permission.CONTACT_VIEW)
def person_consents(request: HttpRequest, person_id: int) -> HttpResponse:
    """Consents: what holds now, the history, and a form for a new one."""
    record = opened(request, person_id, "consents")
    form = ConsentForm(
        request.POST or None,
        initial={"on": clock.clinic_day(), "method": "front desk"},
    )
    if request.method == "POST":
        if not may(request, Permission.CONTACT_EDIT):
            raise Http404
        if form.is_valid():
            try:
                given = {**form.cleaned_data}
                ends = given.pop("ends")
                if ends and given["state"] == "granted":
                    given["expires"] = datetime.combine(ends + timedelta(days=1), time.min, _zone())
                services.consent_record(actor=actor_of(request), person_id=record.id, **given)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, "Consent recorded.")
                return redirect("contacts:consents", record.id)
    context = {
        "form": form,
        "states": _states(record),
        "history": [
            {
                **row,
                "purpose": _purpose(row["purpose"]),
                "date": date.fromisoformat(row["date"]),
                "until": _last_day(row.get("expires")),
            }
            for row in consent_history(person_id=record.id, record_key=record.record_key)
        ],
        "suppressions": _suppressions(record),
        "unproven": _UNPROVEN.get(record.unproven, ""),
        "may_prove": may(request, Permission.CONTACT_EDIT) and may(request, Permission.CONTACT_REVEAL),
    }
    return _page(request, record, "consents", "contacts/person/consents.html", context, form)


@require(Permission.CONTACT_EDIT)
@require_POST
def person_suppression(request: HttpRequest, person_id: int) -> HttpResponse:
    """Stop all mail to this person's mailbox, lift what stops it, or confirm that it is still theirs."""
    record = opened(request, person_id, "suppression")
    try:
        if request.POST.get("act") == "lift":
            reason = request.POST.get("reason", "").strip()[:200] or "Asked for by the person"
            services.unsuppress(actor=actor_of(request), person_id=record.id, reason=reason)
            messages.success(request, "Mail to this mailbox is possible again.")
        elif request.POST.get("act") == "prove":
            check(request, Permission.CONTACT_REVEAL)
            reason = reason_given(request.POST.get("reason", ""))
            mailbox = search_values.mailbox(record.email)
            if not services.mailbox_prove(actor=actor_of(request), person_id=record.id, mailbox=mailbox, reason=reason):
                raise Refused("mailbox.not_in_question", "Nobody doubts that this mailbox is still this person's.")
            messages.success(request, "Confirmed. Mail goes to this mailbox as before.")
        elif not record.email:
            raise Refused("person.without_mailbox", "This person has no mailbox.")
        else:
            services.suppress(
                actor=actor_of(request),
                address=record.email,
                scope=Suppression.Scope.ALL,
                reason=Suppression.Reason.STAFF,
                source="person page",
            )
            messages.success(request, "This mailbox gets no more mail.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("contacts:consents", person_id)


@require(Permission.CONTACT_VIEW)
def person_appointments(request: HttpRequest, person_id: int) -> HttpResponse:
    """Appointments: coming and past; book one."""
    record = opened(request, person_id, "appointments")
    form = AppointmentForm(request.POST or None)
    if request.method == "POST":
        if not may(request, Permission.CONTACT_EDIT):
            raise Http404
        if form.is_valid():
            try:
                services.appointment_book(actor=actor_of(request), person_id=record.id, **form.cleaned_data)
            except Refused as refusal:
                form.add_error("start", str(refusal))
            else:
                messages.success(request, "Appointment booked.")
                return redirect("contacts:appointments", record.id)
    selectors.load_appointments({record.id: record})
    now = clock.now()
    every = _appointments(record)
    context = {
        "form": form,
        "move": MoveForm(),
        "upcoming": [visit for visit in every if visit["start"] > now],
        "past": [visit for visit in reversed(every) if visit["start"] <= now],
        "reveal": Eyes(role_of(request)).reveal,
    }
    return _page(request, record, "appointments", "contacts/person/appointments.html", context, form)


@require(Permission.AUDIT_VIEW)
def person_access(request: HttpRequest, person_id: int) -> HttpResponse:
    """Who saw or changed this person, from the trail."""
    record = opened(request, person_id, "access history")
    # Entries are never rewritten: what was done with a record that was merged stands under its own number.
    numbers = finding.records(record.id)
    entries = AuditEntry.objects.filter(people__overlap=[marks.person_token(number) for number in numbers])
    page = keyset(entries, request.GET.get("after", ""))
    names = audit.staff_names({entry.actor_id for entry in page.items if entry.actor_kind == "staff"})
    rows = [
        {
            "entry": entry,
            "who": audit.actor_words(entry.actor_kind, entry.actor_id, names),
            "role": audit.role_word(entry.actor_role),
            "what": sentences.action_label(entry.action, "people" if entry.people_count > 1 else "this person"),
        }
        for entry in page.items
    ]
    return _page(request, record, "access", "contacts/person/access.html", {"page": page, "rows": rows})


@require(Permission.CONTACT_VIEW)
def person_panel(request: HttpRequest, person_id: int, key: str) -> HttpResponse:
    """A tab of a higher layer."""
    panel = panels.panel(role_of(request), key)
    if panel is None:
        raise Http404
    record = opened(request, person_id, key[:40])
    context = {"panel": panel, **panel.loader(request, record)}
    return _page(request, record, key, "contacts/person/panel.html", context)


@require(Permission.CONTACT_REVEAL)
@require_POST
def reveal(request: HttpRequest, person_id: int, field: str) -> HttpResponse:
    """Show one identifier for a reason: first the question why, then the value, on the trail."""
    others = {place: kind for kind, place in reach.OTHERS.items()}
    if field not in IDENTIFIERS and field not in others:
        raise Http404
    form = ReasonForm(request.POST if "reason" in request.POST else None)
    context: dict[str, Any] = {
        "label": {"other_emails": "Other e-mails", "other_phones": "Other phones"}.get(field)
        or fields.FIELDS[field].label,
        "url": reverse("contacts:reveal", args=[person_id, field]),
        "form": form,
        "field": f"{field}-{person_id}",
    }
    if form.is_bound and form.is_valid():
        actor, reason = actor_of(request), form.cleaned_data["reason"]
        row = Person.objects.filter(pk=person_id, erased_at__isnull=True).first()
        if row is None:
            raise Http404
        record_read(
            actor=actor,
            action=Action.CONTACT_REVEAL,
            kind="person",
            subject=person_id,
            people=[person_id],
            purpose="reveal",
            reason=reason,
            fields=[field],
        )
        record = selectors.opened(row)
        if field in others:
            context["value"] = ", ".join(record.profile.get(field) or ())
            return render(request, "contacts/person/reveal.html", context)
        value = record.get(field)
        if value and fields.FIELDS[field].type == "date":
            value = _day(date.fromisoformat(str(value)))
        context["value"] = value
    return render(request, "contacts/person/reveal.html", context)


@require(Permission.CONTACT_EDIT)
@require_POST
def person_reach(request: HttpRequest, person_id: int) -> HttpResponse:
    """Choose the primary address or telephone, mark one as verified, or remove it: for whoever may see them."""
    if not may(request, Permission.CONTACT_REVEAL):
        raise PermissionDenied
    form = ReachForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        services.reach_change(actor=actor_of(request), person_id=person_id, **form.cleaned_data)
    except Refused as refusal:
        if refusal.code == "person.unknown":
            raise Http404 from None
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Saved.")
    return redirect("contacts:person", person_id)


# What the pages show


def _page(
    request: HttpRequest,
    record: PersonRecord,
    current: str,
    template: str,
    context: dict[str, Any],
    form: Any = None,
) -> HttpResponse:
    eyes = Eyes(role_of(request))
    today = clock.clinic_day()
    age = age_words(record, record.age(today))
    relation = dict(fields.RELATIONS).get(record.relation, record.relation)
    shell = {
        "record": record,
        "name": eyes.name(record),
        "level": Level.HEALTH if record.relation == "patient" else Level.IDENTIFIER,
        "header_facts": [part for part in (relation, age, f"No. {record.id}") if part],
        "flags": _flags(record, today) + _waiting(request, record) + _twice(request, record),
        "tabs": _tabs(request, record, current),
        "may_edit": may(request, Permission.CONTACT_EDIT),
        "may_erase": may(request, Permission.CONTACT_ERASE),
        "may_merge": may(request, Permission.CONTACT_EDIT) and may(request, Permission.CONTACT_REVEAL),
        **tags.shown(request, record.id),
    }
    status = 422 if form is not None and form.is_bound and not form.is_valid() else 200
    if form is not None and form.is_bound and form.errors:
        status = 422
    return render(request, template, {**shell, **context}, status=status)


def _tabs(request: HttpRequest, record: PersonRecord, current: str) -> list[dict[str, Any]]:
    own = [
        ("overview", "Overview", "contacts:person", 0),
        ("timeline", "Timeline", "contacts:timeline", 10),
        ("consents", "Consents", "contacts:consents", 30),
        ("appointments", "Appointments", "contacts:appointments", 40),
    ]
    if may(request, Permission.AUDIT_VIEW):
        own.append(("access", "Access", "contacts:access", 90))
    found = [(order, key, label, reverse(name, args=[record.id])) for key, label, name, order in own]
    for panel in panels.panels(role_of(request), "tab"):
        found.append((panel.order, panel.key, panel.title, reverse("contacts:panel", args=[record.id, panel.key])))
    return [{"label": label, "url": url, "current": key == current} for _, key, label, url in sorted(found)]


def _flags(record: PersonRecord, today: date) -> list[dict[str, str]]:
    """What somebody must know before anything else."""
    found = []
    if record.deceased:
        day = date.fromisoformat(record.profile["death_date"])
        found.append({"tone": "bad", "title": "Deceased", "text": f"Died on {_day(day)}. Nothing is sent."})
    if record.is_minor(today):
        if record.profile.get("guardian_id"):
            text = "Mail goes to the guardian on record."
            found.append({"tone": "info", "title": "Minor", "text": text, "guardian": record.profile["guardian_id"]})
        else:
            text = "No guardian is on record, so nothing is sent."
            found.append({"tone": "caution", "title": "Minor without guardian", "text": text})
    if record.stops_altered:
        text = "Mail is held: what stops this mailbox was altered in the database. An administrator has to look."
        found.append({"tone": "bad", "title": "Stops altered", "text": text})
    if record.suppressions:
        rows = _suppressions(record)
        text = " ".join(f"{row['reason']}: {row['scope'].lower()}." for row in rows)
        if all(row["scope"] == Suppression.Scope.COMMERCIAL.label for row in rows):
            # Who reads "suppressed" here calls the patient about reminders that come all the same.
            found.append({"tone": "caution", "title": "No optional mail", "text": text})
        else:
            found.append({"tone": "bad", "title": "Mailbox suppressed", "text": text})
    if record.unproven:
        found.append(
            {
                "tone": "caution",
                "title": "Mailbox in question",
                "text": f"{_UNPROVEN[record.unproven]}, so somebody else may have it now. Health information goes "
                "there by the portal alone until the person has signed in, or care staff confirm the mailbox.",
                "url": reverse("contacts:consents", args=[record.id]),
                "link": "Look at the mailbox",
            }
        )
    if not record.email and not (record.is_minor(today) and record.profile.get("guardian_id")):
        found.append(
            {"tone": "caution", "title": "No e-mail address", "text": "This person cannot be reached by mail."}
        )
    return found


_UNPROVEN = {
    "dead": "This mailbox did not exist for a time and works again",
    "silent": "Nothing was delivered to this mailbox, and nothing was heard of it, for a long time",
}


def _twice(request: HttpRequest, record: PersonRecord) -> list[dict[str, str]]:
    """A record that may be of the same person, and one that was merged into this one lately: for who may decide."""
    if not (may(request, Permission.CONTACT_EDIT) and may(request, Permission.CONTACT_REVEAL)):
        return []
    found = []
    pair = DuplicatePair.objects.filter(
        Q(first_id=record.id) | Q(second_id=record.id), state=DuplicatePair.State.OPEN
    ).first()
    if pair is not None:
        other = pair.second_id if pair.first_id == record.id else pair.first_id
        text = "Another record looks like the same person's."
        url = reverse("contacts:merge_compare", args=[record.id, other])
        found.append(
            {"tone": "caution", "title": "Perhaps on record twice", "text": text, "url": url, "link": "Compare the two"}
        )
    for row in PersonMerge.objects.filter(kept_id=record.id, sealed__isnull=False).order_by("-pk")[:3]:
        text = f"No. {row.merged_id} was merged into this record {_day(clock.clinic_day(row.merged_at))}."
        url = reverse("contacts:merged", args=[row.pk])
        found.append({"tone": "info", "title": "Merged", "text": text, "url": url, "link": "Look at the merge"})
    return found


def _waiting(request: HttpRequest, record: PersonRecord) -> list[dict[str, str]]:
    """A change of identity facts that nobody confirmed yet: else who entered it thinks that it was lost."""
    found = pending.waiting(record)
    if found is None:
        return []
    row, names = found
    who = row.asked_by.name if row.asked_by else "An import"
    text = f"{who} asked to change {identity_facts.named(names)}. What is on record stays until "
    flag = {"tone": "info", "title": "A change waits for confirmation"}
    if may(request, Permission.CONTACT_REVEAL) and may(request, Permission.CONTACT_EDIT):
        return [{**flag, "text": f"{text}you confirm it.", "url": reverse("contacts:changes"), "link": "Look at it"}]
    return [{**flag, "text": f"{text}care staff or an administrator confirm it."}]


def _day(value: date) -> str:
    return datewords.day(value)


def _reach(record: PersonRecord) -> list[dict[str, Any]]:
    """Every address and telephone beside a single one, masked, with what may be done to it."""
    found = []
    mailboxes = [search_values.mailbox(way.value) for way in reach.ways(record.profile, "email")]
    stopped = set(map(bytes, Suppression.objects.filter(mailbox__in=mailboxes).values_list("mailbox", flat=True)))
    for kind in reach.OTHERS:
        for place, way in enumerate(reach.ways(record.profile, kind)):
            verified = f"Verified {_day(date.fromisoformat(way.verified))}" if way.verified else "Not verified"
            acts = [("unverify", "Take mark away")] if way.verified else [("verify", "Mark verified")]
            if not way.primary:
                acts += [("primary", "Make primary"), ("remove", "Remove")]
            found.append(
                {
                    "kind": kind,
                    "place": place,
                    "shown": masked_value(kind, way.value),
                    "primary": way.primary,
                    "stopped": kind == "email" and search_values.mailbox(way.value) in stopped,
                    "verified": verified,
                    "acts": acts,
                    "reveal_url": ""
                    if way.primary
                    else reverse("contacts:reveal", args=[record.id, reach.OTHERS[kind]]),
                }
            )
    return found


def _facts(record: PersonRecord, eyes: Eyes) -> list[dict[str, Any]]:
    found = []
    for name, spec in fields.FIELDS.items():
        if name in ("first_name", "middle_name", "last_name", "prefix", "suffix", "relation", "death_date"):
            continue
        value = record.get(name)
        if value in (None, ""):
            continue
        masked = name in IDENTIFIERS
        found.append(
            {
                "label": spec.label,
                "value": masked_value(name, str(value)) if masked else _said(name, value),
                "masked": masked,
                "reveal_url": reverse("contacts:reveal", args=[record.id, name]) if masked and eyes.reveal else "",
            }
        )
    own = attributes.catalog()
    for name, value in (record.profile.get("attributes") or {}).items():
        defined = own.get(f"{attributes.PREFIX}{name}")
        label = defined.label if defined is not None else name.replace("_", " ").capitalize()
        shown = "•••"
        if eyes.reveal:
            shown = _own_said(defined, value)
        found.append({"label": label, "value": shown, "masked": False, "reveal_url": ""})
    return found


def _own_said(defined: fields.FieldSpec | None, value: Any) -> Any:
    """The value of an own attribute in words: choices, yes or no, days as the clinic writes them."""
    if defined is None:
        return value
    if defined.type == "date":
        try:
            return _day(date.fromisoformat(str(value)))
        except ValueError:
            return value
    words_of = dict(defined.choices)
    return words_of.get(str(value).lower() if isinstance(value, bool) else str(value), value)


def _said(name: str, value: Any) -> Any:
    """A value in words: choices and the codes of Synthea."""
    return _CODES.get(name, {}).get(str(value)) or fields.FIELDS[name].said(str(value))


_CODES = {
    "marital_status": {"M": "Married", "S": "Single", "D": "Divorced", "W": "Widowed"},
    "ethnicity": {"hispanic": "Hispanic or Latino", "nonhispanic": "Not Hispanic or Latino"},
}


def _purpose(code: str) -> str:
    try:
        return Purpose(code).word
    except ValueError:
        return code


def _zone() -> ZoneInfo:
    return organizations.current().timezone


def _last_day(expires: str | None) -> date | None:
    """The last day on which a consent holds; it ends with the next day's first moment."""
    if not expires:
        return None
    return (datetime.fromisoformat(expires) - timedelta(microseconds=1)).astimezone(_zone()).date()


def _states(record: PersonRecord) -> list[dict[str, str]]:
    return [{"purpose": _purpose(code), "state": state} for code, state in sorted(record.consents.items())]


def _suppressions(record: PersonRecord) -> list[dict[str, Any]]:
    if not record.email:
        return []
    rows = Suppression.objects.filter(mailbox=search_values.mailbox(record.email)).order_by("since")
    return [{"reason": row.get_reason_display(), "scope": row.get_scope_display(), "since": row.since} for row in rows]


def _appointments(record: PersonRecord) -> list[dict[str, Any]]:
    return [_shown(visit) for visit in record.appointments or []]


def _shown(visit: Mapping[str, Any]) -> dict[str, Any]:
    """A visit at the clock of its place, and why its reminders are held when they are."""
    start, when = visit_time(visit)
    held = visit.get("held")
    said = ", ".join(f"{name} “{value}”" for name, value in held["said"]) if held else ""
    return {
        **visit,
        "start": start,
        "when": when,
        "date": start.date().isoformat(),
        "time": f"{start:%H:%M}",
        "clock": zones.called(getattr(start.tzinfo, "key", "")),
        "doubt": {"why": held["why"], "said": said} if held else None,
    }
