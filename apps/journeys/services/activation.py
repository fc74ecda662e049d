"""Switching a journey on, off, and on again."""

from __future__ import annotations

from django.db import transaction

from apps.audit import services as audit
from apps.audit.actions import Action
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.journeys import approvals, context, locks, outgoing
from apps.journeys.definition import Definition, DefinitionBroken, to_json
from apps.journeys.models import Journey, JourneyState, JourneyVersion
from apps.journeys.parse import parse
from apps.journeys.services import intake, ticks
from apps.journeys.services.approvals import ensure_approved
from apps.vault import sealing


def journey_activate(*, actor: Actor, journey: Journey, take_in: bool = True) -> JourneyVersion:
    """Make the draft the version that new people walk; who is on the way finishes in their own version.

    ``take_in``: who is at the door already (booked appointments to come, members of the segment) comes in too;
    this matters for the first version only. Raises ``DefinitionBroken`` with everything to mend, ``NotApproved``
    unless a second person approved exactly this draft, its texts and its segments.
    """
    with transaction.atomic():
        # Before a first position is noted: in a restored database the old ones must have moved away.
        locks.intake()
        intake.after_restore()
        locked = Journey.objects.select_for_update().get(pk=journey.pk)
        definition = parse(locked.opened()["draft"])
        problems = context.problems(definition)
        if problems:
            raise DefinitionBroken(problems)
        ensure_approved(locked, definition)
        data = {
            "definition": to_json(definition),
            "messages": outgoing.freeze(actor=actor, definition=definition),
            # What was approved is what runs: a segment that is edited later waits for the next activation.
            "segments": approvals.segments_of(definition),
        }
        active = locked.version
        if active is not None and [active.opened(), active.messages(), active.segments()] == list(data.values()):
            version = active
            if locked.state == JourneyState.ACTIVE:
                raise Refused(
                    "journey.active",
                    "This draft and its texts are active already. Change them first, or leave it running.",
                )
        else:
            number = (locked.version.number if locked.version else 0) + 1
            version = JourneyVersion.objects.create(
                journey=locked,
                number=number,
                sealed=sealing.seal_service(data, table="journey_version", row=f"{locked.pk}/{number}"),
                level=int(context.level_of(definition)),
                created_at=clock.now(),
                created_by=str(actor),
            )
        first = locked.version is None
        locked.version = version
        locked.state = JourneyState.ACTIVE
        locked.changed_at = clock.now()
        if first:
            locked.seen_transaction, locked.seen_event = intake.settled(), 0
        locked.save(update_fields=["version", "state", "changed_at", "seen_transaction", "seen_event"])
        entered = _first_look(actor, locked, definition, take_in) if first else 0
        audit.record(
            actor=actor,
            action=Action.JOURNEY_ACTIVATE,
            kind="journey",
            subject=locked.pk,
            codes={"version": version.number, "entered": entered},
        )
    return version


def journey_pause(*, actor: Actor, journey: Journey) -> None:
    """Nobody comes in and nobody moves until it is resumed; every place is kept."""
    with transaction.atomic():
        _switch(actor, journey, JourneyState.ACTIVE, JourneyState.PAUSED, Action.JOURNEY_PAUSE)
        outgoing.pause(actor=actor, journey=journey)


@transaction.atomic
def hold_after_restore(*, actor: Actor) -> dict[str, int]:
    """Pause every active journey: a backup does not know whom it wrote to since."""
    active = list(Journey.objects.filter(state=JourneyState.ACTIVE))
    for journey in active:
        journey_pause(actor=actor, journey=journey)
    return {"journeys_paused": len(active)}


def journey_resume(*, actor: Actor, journey: Journey) -> None:
    """Go on where it was paused: what happened meanwhile is read first, then who is due moves."""
    with transaction.atomic():
        _switch(actor, journey, JourneyState.PAUSED, JourneyState.ACTIVE, Action.JOURNEY_RESUME)
        outgoing.resume(actor=actor, journey=journey)


def _switch(actor: Actor, journey: Journey, before: JourneyState, after: JourneyState, action: Action) -> None:
    with transaction.atomic():
        changed = Journey.objects.filter(pk=journey.pk, state=before).update(state=after, changed_at=clock.now())
        if not changed:
            raise Refused(
                "journey.state_wrong", f"This journey is not {before.label.lower()}. The page shows its newest state."
            )
        audit.record(actor=actor, action=action, kind="journey", subject=journey.pk)


def _first_look(actor: Actor, journey: Journey, definition: Definition, take_in: bool) -> int:
    """Who is at the door when the journey opens: booked appointments to come, members of the segment."""
    now = clock.now()
    found_runs = intake.segment_changes(journey=journey, definition=definition, now=now, enter=take_in)
    if take_in:
        found_runs += intake.at_the_door(journey=journey, definition=definition, now=now)
    result = ticks.TickResult()
    ticks.settle(actor=actor, found_runs=found_runs, plans=ticks.Plans(), now=now, result=result)
    return result.entered
