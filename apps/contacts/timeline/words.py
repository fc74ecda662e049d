"""A person's timeline in words: what each kind of event is called, its icon, and what a role may read of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core import signing

from apps.contacts.appointments.words import visit_time
from apps.contacts.person.masking import CLINICAL, Eyes
from apps.contacts.timeline import results
from apps.contacts.timeline.terms import shown_term
from apps.core.pages import Page
from apps.core.purposes import Purpose
from apps.ui import datewords, words

_SALT = "timeline"

KINDS: dict[str, tuple[str, str, str]] = {
    "condition": ("Condition", "stethoscope", ""),
    "encounter": ("Visit", "building-hospital", ""),
    "immunization": ("Immunization", "vaccine", ""),
    "medication": ("Medication", "pill", ""),
    "procedure": ("Procedure", "medical-cross", ""),
    "observation": ("Lab or vital", "activity", ""),
    "appointment.booked": ("Appointment booked", "calendar-event", "info"),
    "appointment.moved": ("Appointment moved", "calendar", "caution"),
    "appointment.cancelled": ("Appointment canceled", "ban", "bad"),
    "appointment.kept": ("Appointment kept", "check", "good"),
    "appointment.missed": ("Appointment missed", "x", "bad"),
    "message.queued": ("Message queued", "clock", ""),
    "message.sent": ("Message sent", "send", "info"),
    "message.delivered": ("Message delivered", "mail-check", "good"),
    "message.bounced": ("Message bounced", "mail-x", "bad"),
    "message.clicked": ("Link clicked", "link", "good"),
    "message.read": ("Read in the portal", "mail-opened", "good"),
    "message.replied": ("Replied", "arrow-back-up", "info"),
    "message.unsubscribed": ("Unsubscribed", "mail-off", "caution"),
    "message.held": ("Message held", "hand-stop", "caution"),
    "note": ("Note", "note", ""),
    "consent.granted": ("Consent granted", "circle-check", "good"),
    "consent.withdrawn": ("Consent denied or withdrawn", "circle-x", "caution"),
    "contact.created": ("Added", "user-plus", ""),
    "contact.changed": ("Record changed", "edit", ""),
}
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "health": ("Health", CLINICAL),
    "labs": ("Labs and vitals", (results.KIND,)),
    "appointments": ("Appointments", tuple(kind for kind in KINDS if kind.startswith("appointment."))),
    "messages": ("Messages", tuple(kind for kind in KINDS if kind.startswith("message."))),
    "notes": ("Notes", ("note",)),
    "consents": ("Consents", tuple(kind for kind in KINDS if kind.startswith("consent."))),
}
"""Filters of the page: word of the address to (label, kinds)."""


@dataclass(frozen=True)
class Item:
    """One line: ``on`` is the day it happened."""

    id: int
    on: date
    title: str
    text: str
    icon: str
    tone: str


def page(
    events: Sequence[Mapping[str, Any]], *, eyes: Eyes, group: str = "", after: str = "", size: int = 50
) -> Page[Any]:
    """A page of opened events, latest day first; ``after`` is a signed cursor made here.

    The days are sealed, so the order is made in memory: a person has hundreds of events, not millions.
    """
    kinds = GROUPS[group][1] if group in GROUPS else None
    chosen = sorted(
        (event for event in events if kinds is None or event["kind"] in kinds),
        key=lambda event: (str(event.get("on", "")), event["id"]),
        reverse=True,
    )
    start = 0
    if after:
        try:
            start = int(signing.loads(after, salt=_SALT))
        except (signing.BadSignature, ValueError, TypeError):
            start = 0
    shown = chosen[start : start + size]
    return Page(
        items=[item(event, eyes) for event in shown],
        next=signing.dumps(start + size, salt=_SALT) if start + size < len(chosen) else "",
        previous=signing.dumps(max(start - size, 0), salt=_SALT) if start else "",
        first=start + 1 if shown else 0,
        last=start + len(shown),
        total=len(chosen),
    )


def item(event: Mapping[str, Any], eyes: Eyes) -> Item:
    """One event in words. Without the right to reveal, health events keep their kind and lose their content."""
    kind = str(event["kind"])
    title, icon, tone = KINDS.get(kind, (words.spell_out(kind.replace(".", " ")), "point", ""))
    text = ""
    if kind in CLINICAL:
        if eyes.reveal:
            title, text = shown_term(str(event.get("term") or title)), _clinical(title, event)
        else:
            text = "What it was is shown to roles that may reveal."
    elif kind == "note":
        text = str(event.get("text", "")) if eyes.reveal else "What it says is shown to roles that may reveal."
    elif kind.startswith("appointment."):
        text = _appointment(event, eyes)
    elif kind.startswith("consent."):
        text = _consent(event)
    elif event.get("campaign_name"):
        text = str(event["campaign_name"])
    return Item(event["id"], date.fromisoformat(str(event["on"])[:10]), title, text, icon, tone)


def _clinical(label: str, event: Mapping[str, Any]) -> str:
    parts = [label]
    if event.get("value"):
        parts.insert(0, results.spoken(shown_term(str(event["value"])), str(event.get("unit") or "")))
    if event.get("class"):
        parts.append(words.spell_out(str(event["class"])).lower())
    if event.get("reason"):
        parts.append(f"because of {shown_term(str(event['reason']))}")
    if event.get("stop") and event["kind"] in ("condition", "medication"):
        parts.append(f"until {str(event['stop'])[:10]}")
    if event.get("code"):
        parts.append(f"{event.get('system', '')} {event['code']}".strip())
    return " · ".join(parts)


MOST_CHARTS = 6


@dataclass(frozen=True)
class Course:
    """A lab over time: its last result in words, and a chart where there are two numbers or more."""

    label: str
    last: str
    on: date
    times: int
    days: Sequence[str] = ()
    series: Sequence[tuple[str, Sequence[float]]] = ()


def courses(events: Sequence[Mapping[str, Any]], *, eyes: Eyes) -> list[Course]:
    """What was measured, latest first: none without the right to reveal. The most often measured have a chart."""
    if not eyes.reveal:
        return []
    of: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        for lab in results.labs_of(event):
            of.setdefault(lab.name, []).append(event)
    drawn = sorted(of, key=lambda name: -len(of[name]))[:MOST_CHARTS]
    found = [_course(results.LABS[name], of[name], chart=name in drawn) for name in of]
    return sorted(found, key=lambda course: (course.on, course.label), reverse=True)


def _course(lab: results.Lab, events: Sequence[Mapping[str, Any]], *, chart: bool) -> Course:
    last = results.latest(events)
    assert last is not None
    value, unit = shown_term(str(last.get("value") or "")), str(last.get("unit") or "")
    told = results.spoken(value, unit)
    on = date.fromisoformat(str(last["on"])[:10])
    points: list[tuple[str, float]] = []
    for event in results.in_order(events):
        number = lab.number(str(event.get("value") or ""), str(event.get("unit") or ""))
        if number is not None:
            points.append((datewords.day(date.fromisoformat(str(event["on"])[:10])), float(number[1])))
    # A line above zero is what charts draw.
    if not chart or len(points) < 2 or min(value for _, value in points) < 0:
        return Course(lab.label, told, on, len(events))
    series = [(f"{lab.label} {lab.unit_word}".strip(), [value for _, value in points])]
    return Course(lab.label, told, on, len(events), [day for day, _ in points], series)


def _appointment(event: Mapping[str, Any], eyes: Eyes) -> str:
    parts = []
    if event.get("start"):
        parts.append(visit_time(event)[1])
    if eyes.reveal and event.get("appointment_kind"):
        parts.append(str(event["appointment_kind"]))
    return " · ".join(parts)


def _consent(event: Mapping[str, Any]) -> str:
    try:
        purpose = Purpose(event.get("purpose", "")).word
    except ValueError:
        purpose = str(event.get("purpose", ""))
    return " · ".join(part for part in (purpose, str(event.get("method", ""))) if part)
