"""What is merged: nested mappings by merge field name, made from an opened person or from an invented one.

Pure. The other facts of a message (the clinic's, the links) come from the brand and the envelope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from apps.contacts.person.fields import FIELDS, value_of
from apps.contacts.person.masking import IDENTIFIERS, masked_value
from apps.contacts.timeline.results import spoken
from apps.contacts.timeline.terms import shown_term
from apps.content.fields import CATALOG, DAY_OF, LAB, MergeField
from apps.content.formats import Shown
from apps.core import zones

_VISIT_FIELDS = ("start", "kind", "location", "provider")
_NAMES = ("first_name", "middle_name", "last_name", "full_name")
DOTS = "•••"
_MERGED = [(spec.name, spec.path) for spec in FIELDS.values() if spec.merge]


def person_facts(
    profile: Mapping[str, Any],
    *,
    appointment: Mapping[str, Any] | None = None,
    appointments: Iterable[Mapping[str, Any]] = (),
    results: Mapping[str, Mapping[str, Any]] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """The facts about one person.

    `appointment` is the one the message is about; without it the next of `appointments` after `now` is taken.
    Appointments are mappings with ``start`` (ISO 8601 with offset), ``kind``, ``location``, ``provider``, and
    ``state``; cancelled and past ones are left out of the list when `now` is given. `results` are the events of
    last results by the name of the lab.
    """
    facts: dict[str, Any] = {}
    for name, path in _MERGED:
        value = profile.get(path[0]) if len(path) == 1 else value_of(profile, name)
        if value is not None and value != "":
            facts[name] = value
    own = profile.get("attributes")
    if isinstance(own, Mapping) and own:
        facts["attributes"] = {name: value for name, value in own.items() if value not in (None, "")}
    whole = " ".join(str(facts[name]) for name in ("first_name", "last_name") if name in facts)
    if whole:
        facts["full_name"] = whole
    coming = [visit for visit in appointments if now is None or _is_coming(visit, now)]
    if appointment is None and coming:
        appointment = coming[0]
    if appointment is not None:
        facts["appointment"] = _visit(appointment)
    facts["appointments"] = [_visit(visit) for visit in coming]
    if results:
        facts[LAB] = {
            name: value
            for lab, event in results.items()
            for name, value in (
                (lab, spoken(shown_term(str(event.get("value") or "")), str(event.get("unit") or ""))),
                (f"{lab}{DAY_OF}", str(event["on"])[:10]),
            )
        }
    return facts


def masked(facts: Mapping[str, Any], *, names: bool) -> dict[str, Any]:
    """The facts as a role without the right to reveal may see them in a preview, with every field still filled.

    Identifiers, own attributes, results and what a visit is for are dots; names too, unless ``names``. Pure.
    """
    shown = dict(facts)
    for name in IDENTIFIERS:
        if name in shown:
            shown[name] = Shown(masked_value(name, str(shown[name])))
    if isinstance(shown.get("attributes"), Mapping):
        shown["attributes"] = dict.fromkeys(shown["attributes"], Shown(DOTS))
    if "appointment" in shown:
        shown["appointment"] = _masked_visit(shown["appointment"])
    shown["appointments"] = [_masked_visit(visit) for visit in shown.get("appointments", ())]
    if isinstance(shown.get(LAB), Mapping):
        shown[LAB] = dict.fromkeys(shown[LAB], Shown(DOTS))
    if not names:
        for name in _NAMES:
            if name in shown:
                shown[name] = Shown(" ".join(f"{word[0]}{DOTS}" for word in str(shown[name]).split()))
    return shown


def _masked_visit(visit: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if name == "start" else Shown(DOTS) for name, value in visit.items()}


def _is_coming(visit: Mapping[str, Any], now: datetime) -> bool:
    """Booked and ahead; one whose reminders are held is in doubt, and nobody is told of it."""
    is_booked = visit.get("state", "booked") == "booked" and "held" not in visit
    return is_booked and zones.visit_moment(visit) >= now


def _visit(visit: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that letters name; the start carries its place along, at whose clock it is written."""
    found = {name: visit[name] for name in _VISIT_FIELDS if visit.get(name)}
    return found | {"start": zones.stamp(visit)} if "start" in found else found


def invented_facts(catalog: Mapping[str, MergeField] = CATALOG) -> dict[str, Any]:
    """An invented person who has a value for every merge field, for previews and test sends."""
    facts: dict[str, Any] = {}
    for field in catalog.values():
        here = facts
        *parents, last = field.path
        for step in parents:
            here = here.setdefault(step, {})
        here[last] = [dict(item) for item in field.sample] if isinstance(field.sample, tuple) else field.sample
    facts["account"]["url"] = "https://portal.example.test/account/example"
    return facts
