"""Defining own attributes. A definition that changes what is searchable starts a job that brings everybody up to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.attributes import definitions as attributes
from apps.contacts.attributes.definitions import LOCK, Attribute
from apps.contacts.attributes.numbers import MOST_STEPS, NumberRange
from apps.contacts.models import AttributeDefinition, AttributeFill, Person
from apps.contacts.models.attribute import ATTRIBUTE_TABLE
from apps.contacts.person.fields import SLOTS
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.permissions import Permission, allows
from apps.jobs import waking
from apps.references import selectors as references
from apps.references.models import Noun
from apps.vault import sealing, tokens

TYPES = ("text", "number", "date", "yes_no", "choice")
LEVELS = (Level.PUBLIC, Level.IDENTIFIER, Level.HEALTH)
LONGEST_LABEL = 80
MOST_CHOICES = 100
MOST_ATTRIBUTES = 200


class InUse(Refused):
    """Segments or journeys ask for the attribute; ``uses`` says where."""

    def __init__(self, uses: Sequence[references.Use], doing: str) -> None:
        self.uses = list(uses)
        places = "one place" if len(self.uses) == 1 else f"{len(self.uses)} places"
        super().__init__(
            "attribute.in_use", f"This attribute is used in {places}. Take it out there first, then {doing}."
        )


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for. ``low``, ``high`` and ``step`` are those of a number, as typed ("4.0", "0.1")."""

    label: str
    type: str = "text"
    level: int = Level.HEALTH
    searchable: bool = True
    choices: tuple[str, ...] = ()
    numbers: NumberRange | None = None


def may_lower(actor: Actor) -> bool:
    """Whether ``actor`` may declare that an attribute is less than health information."""
    return actor.kind != "staff" or allows(actor.role, Permission.COMPLIANCE_EDIT)


def name_for(label: str) -> str:
    """The name under which profiles, files and templates know the attribute: "Last A1c" is ``last_a1c``."""
    bare = re.sub(r"[^a-z0-9]+", "_", tokens.normalize(label)).strip("_")[:40].strip("_")
    return bare if re.match(r"[a-z]", bare) else f"a_{bare}".strip("_")[:40]


def range_for(low: str, high: str, step: str) -> NumberRange:
    """Bounds and step as typed. Raises ``Refused`` with what to do."""
    try:
        found = [Decimal(text.strip()) for text in (low, high, step)]
        near = all(each.is_finite() and abs(each) <= 1_000_000_000 for each in found)
    except ArithmeticError:
        raise Refused(
            "attribute.bounds_malformed",
            "Give the lowest and the highest number and the step as numbers, as 4.0, 15 and 0.1.",
        ) from None
    if not near:
        raise Refused("attribute.bounds_too_far", "Bounds lie between minus and plus one billion.")
    scale = max(0, *(-int(each.as_tuple().exponent) for each in found))
    if scale > 3:
        raise Refused("attribute.bounds_too_fine", "At most three decimal places are searchable.")
    scaled = [int(each.scaleb(scale)) for each in found]
    if scaled[2] <= 0 or scaled[0] >= scaled[1]:
        raise Refused(
            "attribute.bounds_backwards",
            "The highest number is larger than the lowest, and the step is larger than zero.",
        )
    numbers = NumberRange(scaled[0], scaled[1], scaled[2], scale)
    if numbers.count > MOST_STEPS or max(map(abs, scaled)) > 2_000_000_000:
        raise Refused(
            "attribute.too_many_steps",
            f"That would be {numbers.count:,} steps; at most {MOST_STEPS:,} are searchable. Take a larger step.",
        )
    return numbers


@transaction.atomic
def attribute_create(*, actor: Actor, wanted: Wanted, name: str = "") -> Attribute:
    """Define an attribute. Values that people have under its name already become searchable in the background.

    ``name`` is made from the label when it is not given. Raises ``Refused`` for one that exists, no free place for
    another searchable date or number, or a label, choice or bound that will not do; and when somebody who may not
    calls it less than health information.
    """
    if not may_lower(actor) and wanted.level < Level.HEALTH:
        raise Refused(
            "attribute.level_not_allowed",
            "What is less than health information is protected less wherever it goes, so an administrator adds it. "
            "Keep it as health information, or ask one.",
        )
    label = " ".join(wanted.label.split())
    _check(label, wanted)
    name = name or name_for(label)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise Refused("attribute.name_malformed", "Give the attribute a name that begins with a letter.")
    _alone()
    token = tokens.token128("attribute.name", name)
    if known := AttributeDefinition.objects.filter(token=token).first():
        again = " It was retired: bring it back instead." if known.retired_at else " Choose another name."
        raise Refused("attribute.name_taken", f"There is an attribute of this name already.{again}")
    if AttributeDefinition.objects.count() >= MOST_ATTRIBUTES:
        raise Refused("attribute.too_many", f"There are {MOST_ATTRIBUTES} attributes already; that is the limit.")
    row = AttributeDefinition(
        id=next_ids(ATTRIBUTE_TABLE, 1)[0],
        token=token,
        type=wanted.type,
        level=wanted.level,
        searchable=wanted.searchable,
    )
    _seal(row, name, label, wanted.choices)
    _place(row, wanted.numbers)
    row.save(force_insert=True)
    record(
        actor=actor,
        action=Action.ATTRIBUTE_CREATE,
        kind="attribute",
        subject=row.pk,
        codes={"type": row.type, "level": int(row.level), "searchable": int(row.searchable)},
    )
    _fill(row, actor)
    return attributes.opened(row)


@transaction.atomic
def attribute_change(*, actor: Actor, attribute_id: int, wanted: Wanted) -> Attribute:
    """Change label, choices and whether it can be searched; name, type and level stay as they are.

    Raises ``Refused`` when a choice that was there is missing, or (``InUse``) when it shall not be searched any more
    and segments or journeys ask for it.
    """
    label = " ".join(wanted.label.split())
    _alone()
    row = _locked(attribute_id)
    before = attributes.opened(row)
    if before.retired:
        raise Refused("attribute.retired", "This attribute was retired. Bring it back first.")
    _check(label, Wanted(label, row.type, row.level, wanted.searchable, wanted.choices, wanted.numbers))
    if gone := [choice for choice in before.choices if choice not in wanted.choices]:
        raise Refused(
            "attribute.choice_taken_away",
            f"People may have the value “{gone[0]}”: choices can be added, not taken away.",
        )
    searching = [use for use in references.used_by(Noun.ATTRIBUTE, row.pk) if use.searches]
    if before.searchable and not wanted.searchable and searching:
        raise InUse(searching, "make it unsearchable")
    fields = [name for name, old, new in _differences(before, label, wanted) if old != new]
    if not fields:
        return before
    _seal(row, before.name, label, wanted.choices)
    row.searchable = wanted.searchable
    refill = "searchable" in fields or "bounds" in fields
    if refill:
        _place(row, wanted.numbers or before.numbers)
    row.save()
    record(
        actor=actor,
        action=Action.ATTRIBUTE_CHANGE,
        kind="attribute",
        subject=row.pk,
        fields=fields,
        codes={"searchable": int(row.searchable)},
    )
    if refill:
        _fill(row, actor)
    return attributes.opened(row)


def _differences(before: Attribute, label: str, wanted: Wanted) -> list[tuple[str, object, object]]:
    numbers = wanted.numbers if before.type == "number" and wanted.searchable else before.numbers
    return [
        ("label", before.label, label),
        ("choices", before.choices, wanted.choices),
        ("searchable", before.searchable, wanted.searchable),
        ("bounds", before.numbers, numbers),
    ]


@transaction.atomic
def attribute_retire(*, actor: Actor, attribute_id: int) -> None:
    """Offer an attribute no more. Values stay sealed with their people; search values are taken away.

    Raises ``InUse`` while anything uses it.
    """
    _alone()
    row = _locked(attribute_id)
    if row.retired_at is not None:
        return
    if uses := references.used_by(Noun.ATTRIBUTE, row.pk):
        raise InUse(uses, "retire it")
    row.retired_at = clock.now()
    row.save(update_fields=["retired_at"])
    record(actor=actor, action=Action.ATTRIBUTE_RETIRE, kind="attribute", subject=row.pk)
    _fill(row, actor)


@transaction.atomic
def attribute_restore(*, actor: Actor, attribute_id: int) -> None:
    """Bring a retired attribute back. Raises ``Refused`` when no place is free for its search values."""
    _alone()
    row = _locked(attribute_id)
    if row.retired_at is None:
        return
    row.retired_at = None
    _place(row, attributes.opened(row).numbers)
    row.save()
    record(actor=actor, action=Action.ATTRIBUTE_RESTORE, kind="attribute", subject=row.pk)
    _fill(row, actor)


def attribute_refill(*, actor: Actor, attribute_id: int) -> None:
    """Start a job again that failed."""
    with transaction.atomic():
        _fill(_locked(attribute_id), actor)


def _check(label: str, wanted: Wanted) -> None:
    if not label or len(label) > LONGEST_LABEL:
        raise Refused("attribute.name_length", f"Give the attribute a name of up to {LONGEST_LABEL} characters.")
    if wanted.type not in TYPES or wanted.level not in LEVELS:
        raise Refused("attribute.kind_unknown", "Choose a type and a level of the list.")
    if wanted.type == "choice" and not 2 <= len(wanted.choices) <= MOST_CHOICES:
        raise Refused("attribute.choices_count", f"Give two to {MOST_CHOICES} choices, one a line.")
    folded = [tokens.normalize(choice) for choice in wanted.choices]
    if len(set(folded)) < len(folded):
        raise Refused("attribute.choices_repeat", "Two of the choices are the same.")
    if wanted.type == "number" and wanted.searchable and wanted.numbers is None:
        raise Refused("attribute.bounds_missing", "A searchable number needs its lowest and highest value and a step.")


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _locked(attribute_id: int) -> AttributeDefinition:
    row = AttributeDefinition.objects.select_for_update().filter(pk=attribute_id).first()
    if row is None:
        raise Refused("attribute.unknown", "There is no such attribute.")
    return row


def _seal(row: AttributeDefinition, name: str, label: str, choices: Sequence[str]) -> None:
    facts: dict[str, object] = {"name": name, "label": label}
    if choices:
        facts["choices"] = list(choices)
    row.sealed = sealing.seal_service(facts, table=ATTRIBUTE_TABLE, row=row.pk)


def _place(row: AttributeDefinition, numbers: NumberRange | None) -> None:
    """Give a searchable date or number its slot; a slot is given back when its values are gone (``slot_free``)."""
    if numbers is not None:
        row.low, row.high, row.bucket, row.scale = numbers.low, numbers.high, numbers.step, numbers.scale
    if row.type not in ("date", "number") or not row.searchable or row.slot is not None:
        return
    taken = set(AttributeDefinition.objects.filter(slot__isnull=False).values_list("slot", flat=True))
    free = [number for number in range(SLOTS) if number not in taken]
    if not free:
        raise Refused(
            "attribute.no_place_left",
            f"All {SLOTS} places for searchable dates and numbers are taken. Make another one unsearchable first, "
            "or keep this one for templates alone.",
        )
    row.slot = free[0]


def slot_free(row: AttributeDefinition) -> None:
    """Give back the slot of an attribute that is not searched any more. Caller's transaction, after its values went."""
    if row.slot is not None and (row.retired_at is not None or not row.searchable):
        row.slot = None
        row.save(update_fields=["slot"])


def _fill(row: AttributeDefinition, actor: Actor) -> None:
    running = AttributeFill.State.RUNNING
    row.fills.filter(state=running).update(state=AttributeFill.State.REPLACED, finished_at=clock.now())
    fill = AttributeFill(attribute=row, total=Person.objects.filter(erased_at__isnull=True).count())
    fill.act_for(actor)
    fill.save()
    waking.wake("apps.contacts.tasks.attribute_fill", fill.pk)
