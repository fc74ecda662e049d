"""Declaring labs of one's own, and renewing the results that were on record before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts.attributes.numbers import NumberRange
from apps.contacts.attributes.services import name_for
from apps.contacts.labs import catalog
from apps.contacts.models import OwnLab, Person, TimelineEvent
from apps.contacts.models.lab import LAB_TABLE
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.timeline import results, value_sets
from apps.contacts.timeline.clinical import coded
from apps.contacts.timeline.services import ChangedEvent, NewEvent, events_change
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.jobs.runner import Runner
from apps.vault import sealing, tokens

State = OwnLab.State
PREFIX = "own_"
"""Before the name of every own lab: no preset of a later release has the same."""
MOST = 200
MOST_CODES = 50
CHUNK = 1_000
LONGEST_LABEL = 80
SETTLED = timedelta(seconds=15)
"""How long after its declaration a renewal begins: by then every process knows the lab (``LABS_KNOWN_FOR``)."""
_CODE = re.compile(r"[^\s\x00-\x1f]{1,40}")


@dataclass(frozen=True)
class WantedLab:
    """What somebody declares. ``numbers`` None: the results are words. ``unit`` in UCUM, or a known spelling of it."""

    label: str
    codes: tuple[str, ...]
    system: str = results.LOINC
    unit: str = ""
    level: int = Level.HEALTH
    numbers: NumberRange | None = None


@transaction.atomic
def lab_create(*, actor: Actor, wanted: WantedLab) -> results.Lab:
    """Declare a lab: rules, merge fields and the timeline know it from now on. Returns it.

    Results on record become findable in the background. Raises ``Refused`` for a name or a code that is taken, and
    for what is missing. Less than health information no result is.
    """
    label = " ".join(wanted.label.split())
    if not 1 <= len(label) <= LONGEST_LABEL:
        raise Refused("lab.name_length", f"Give the lab a name of at most {LONGEST_LABEL} characters.")
    system = " ".join(wanted.system.upper().split())[:24] or results.LOINC
    # Rows with a name and no code are known by the name in small letters.
    fold = _folded_name if system == value_sets.BY_TEXT else str
    codes = tuple(dict.fromkeys(fold(code.strip()) for code in wanted.codes if code.strip()))
    if not 1 <= len(codes) <= MOST_CODES or not all(
        system == value_sets.BY_TEXT or _CODE.fullmatch(code) for code in codes
    ):
        raise Refused("lab.codes_wrong", f"Give one to {MOST_CODES} codes, one a line, as the lists write them.")
    if wanted.level not in (Level.HEALTH, Level.PROTECTED):
        raise Refused("lab.level_wrong", "A result is health information, or specially protected.")
    for code in codes:
        if taken := value_sets.sets_of(system, code):
            known = results.LABS[taken[0]].label if taken[0] in results.LABS else taken[0].replace("_", " ")
            raise Refused("lab.code_taken", f"“{code}” belongs to “{known}” already. Leave it out, or use that.")
    name = PREFIX + name_for(label)[: 40 - len(PREFIX)]
    token = tokens.token128("lab.name", name)
    if OwnLab.objects.filter(token=token).exists() or any(
        lab.label.casefold() == label.casefold() for lab in results.LABS.values()
    ):
        raise Refused("lab.name_taken", "There is a lab of this name already. Choose another name.")
    if OwnLab.objects.count() >= MOST:
        raise Refused("lab.too_many", f"There are {MOST} labs of your own already; that is the limit.")
    row = OwnLab(id=next_ids(LAB_TABLE, 1)[0], token=token, level=int(wanted.level))
    facts = {"name": name, "label": label, "system": system, "codes": codes, "unit": results.ucum(wanted.unit)[:40]}
    row.sealed = sealing.seal_service(facts, table=LAB_TABLE, row=row.pk)
    if (numbers := wanted.numbers) is not None:
        row.low, row.high, row.step, row.scale = numbers.low, numbers.high, numbers.step, numbers.scale
    row.act_for(actor)
    row.total = TimelineEvent.objects.filter(groups__overlap=_groups(system, codes)).count()
    row.save(force_insert=True)
    record(
        actor=actor,
        action=Action.LAB_CREATE,
        kind="lab",
        subject=row.pk,
        codes={"level": row.level, "codes": len(codes), "numbers": int(numbers is not None)},
    )
    catalog.forget()
    transaction.on_commit(catalog.forget)
    return catalog.opened(row)


def _folded_name(name: str) -> str:
    return name.casefold()[:80]


def _groups(system: str, codes: Sequence[str]) -> list[int]:
    return [tokens.shared63("group", f"code:{system}:{code}") for code in codes]


# -- What was on record before ---------------------------------------------------------------------------------


def _work(lab: OwnLab, worker: str) -> None:
    catalog.forget()
    while _chunk(lab.pk, worker):
        pass


def _fail(lab: OwnLab, worker: str, _error: Exception | None) -> None:
    OwnLab.objects.filter(pk=lab.pk, worker=worker).update(
        state=State.FAILED, finished_at=clock.now(), lease_until=None
    )


@transaction.atomic
def _chunk(lab_id: int, worker: str) -> bool:
    """The next events of the lab's codes, made anew; False when there are no more, or the job is not ours."""
    row = OwnLab.objects.select_for_update().get(pk=lab_id)
    if not row.is_held_by(worker):
        return False
    lab = catalog.opened(row)
    of_code = TimelineEvent.objects.filter(groups__overlap=_groups(lab.system, lab.codes), pk__gt=row.after)
    events = list(of_code.order_by("pk").values_list("pk", "person_id", "sealed")[:CHUNK])
    wanted = sorted({person for _, person, _ in events})
    people = list(Person.objects.select_for_update().filter(pk__in=wanted, erased_at__isnull=True).order_by("pk"))
    keys = {
        person.pk: sealing.unwrap_profile(person.kek_id, person.wrapped_profile, person.pk)
        for person in people
        if person.wrapped_profile is not None
    }
    if keys:
        record_read(
            actor=row.actor,
            action=Action.CONTACT_OPEN,
            kind="person",
            subject=row.pk,
            people=sorted(keys),
            purpose="prepare a lab for searching",
        )
    changes = []
    for number, person, sealed in events:
        if person not in keys:
            continue
        facts = sealing.open_sealed(keys[person], sealed, table=EVENT_TABLE, row=number)
        kind, on = str(facts["kind"]), date.fromisoformat(str(facts["on"])[:10])
        given = {name: value for name, value in facts.items() if name not in ("kind", "on", "sets")}
        known, groups = coded(kind, given)
        if known.get("sets") != facts.get("sets"):
            event = NewEvent(person, kind, on, "", known, groups, str(known.get("code") or ""))
            changes.append(ChangedEvent(number, event, keys[person]))
    events_change(changes=changes)
    if events:
        row.after = events[-1][0]
        row.done += len(events)
        row.renew()
    else:
        row.end(State.DONE)
    row.save()
    return bool(events)


RUNNER = Runner(OwnLab, _work, _fail, refusals=())
work = RUNNER.run


def due() -> list[int]:
    """Labs whose results nobody renews, once every process knows them."""
    now = clock.now()
    return list(
        OwnLab.objects.filter(pk__in=RUNNER.due(now), created_at__lt=now - SETTLED).values_list("pk", flat=True)
    )


@transaction.atomic
def lab_renew(*, actor: Actor, lab_id: int) -> None:
    """Go on with a renewal that failed. Raises ``Refused`` for one that did not."""
    row = OwnLab.objects.select_for_update().filter(pk=lab_id, state=State.FAILED).first()
    if row is None:
        raise Refused("lab.not_failed", "The results of this lab are being prepared, or ready.")
    row.begin(State.RUNNING)
    row.act_for(actor)
    row.save()
    record(actor=actor, action=Action.LAB_RENEW, kind="lab", subject=row.pk)
