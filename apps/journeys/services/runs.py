"""What staff do by hand: add a person, take a run out, try a failed one again."""

from __future__ import annotations

from django.db import transaction

from apps.audit import services as audit
from apps.audit.actions import Action
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.journeys import locks
from apps.journeys.engine import Decision, State
from apps.journeys.models import Journey, JourneyRun, JourneyState, RunState
from apps.journeys.protocol import Reason
from apps.journeys.services import intake, run_batch, ticks
from apps.journeys.services.intake import FoundRun
from apps.journeys.vocabulary import TriggerKind


def run_add(*, actor: Actor, journey: Journey, person_id: int) -> None:
    """Let one person in by hand.

    Raises ``Refused`` when the journey is not active, has another trigger, or has them on the way already."""
    with transaction.atomic():
        locks.intake()
        locked = Journey.objects.select_for_update().get(pk=journey.pk)
        if locked.state != JourneyState.ACTIVE or locked.version_id is None:
            raise Refused("journey.not_active", "Only an active journey takes people in. Activate it first.")
        plans = ticks.Plans()
        definition = plans.load([locked.version_id])[locked.version_id].definition
        if definition.trigger.kind is not TriggerKind.MANUAL:
            raise Refused("journey.not_by_hand", "People come into this journey by its trigger, not by hand.")
        found_runs = intake.enter_people(journey=locked, definition=definition, people=[person_id])
        if not found_runs:
            raise Refused("run.under_way", "This person is in the journey already.")
        ticks.settle(actor=actor, found_runs=found_runs, plans=plans, now=clock.now(), result=ticks.TickResult())
        audit.record(
            actor=actor,
            action=Action.JOURNEY_ADD_PERSON,
            kind="journey",
            subject=locked.pk,
            people=[person_id],
        )


def run_remove(*, actor: Actor, run: JourneyRun) -> None:
    """Take a waiting or failed run out. What was sent is sent; nothing more will be."""
    with transaction.atomic():
        locked = JourneyRun.objects.select_for_update().get(pk=run.pk)
        if locked.state not in (RunState.WAITING, RunState.FAILED):
            raise Refused("run.ended", "This person is no longer on the way. The list shows the newest state.")
        batch_run = run_batch.of(locked)
        decision = Decision(batch_run.id, batch_run.round, State.LEFT, reason=Reason.REMOVED.value)
        run_batch.store([(batch_run, decision)], clock.now())
        audit.record(
            actor=actor,
            action=Action.JOURNEY_REMOVE_PERSON,
            kind="journey",
            subject=locked.journey_id,
            people=[locked.person_id],
        )


def run_retry(*, actor: Actor, run: JourneyRun) -> None:
    """Try a failed run again from the step where it stopped, in the version it walks."""
    with transaction.atomic():
        locked = JourneyRun.objects.select_for_update().get(pk=run.pk)
        if locked.state != RunState.FAILED:
            raise Refused("run.not_failed", "This run has not failed. The list shows the newest state.")
        plans = ticks.Plans()
        batch_run = run_batch.of(locked)
        if batch_run.step not in plans.load([batch_run.version])[batch_run.version].steps:
            raise Refused(
                "step.unknown", "The step it stopped at is not in its version. Take the person out and add them again."
            )
        audit.record(
            actor=actor,
            action=Action.JOURNEY_RETRY,
            kind="journey",
            subject=locked.journey_id,
            people=[locked.person_id],
        )
        ticks.settle(
            actor=actor,
            found_runs=[FoundRun(batch_run, State.WAITING.value)],
            plans=plans,
            now=clock.now(),
            result=ticks.TickResult(),
        )
