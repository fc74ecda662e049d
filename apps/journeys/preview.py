"""What would happen if the draft were activated now: decided by the same engine, stored nowhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from apps.core.actors import Actor
from apps.journeys import context
from apps.journeys.definition import Definition
from apps.journeys.engine import State, decide, leave, prepare
from apps.journeys.models import Journey
from apps.journeys.services import gathering, intake
from apps.journeys.services.run_batch import BatchRun
from apps.journeys.vocabulary import TriggerKind

LIMIT = 2_000


@dataclass(frozen=True)
class Preview:
    """Who is at the door, and what would become of the first ``looked_at`` of them."""

    at_the_door: int = 0
    looked_at: int = 0
    waiting: int = 0
    at_once: int = 0
    skipped: int = 0
    leaving: Counter[str] = field(default_factory=Counter)


def first_activation(*, actor: Actor, journey: Journey, definition: Definition, now: datetime) -> Preview:
    """What a first activation would do with booked appointments to come. People are opened with a trace."""
    if definition.trigger.kind is not TriggerKind.APPOINTMENT or journey.version_id is not None:
        return Preview()
    ahead = intake.booked_ahead(now)
    plan = prepare(definition)
    runs = [
        BatchRun(-number, journey.pk, 0, person, b"", appointment, fresh=True)
        for number, (appointment, person) in enumerate(ahead[:LIMIT], start=1)
    ]
    found = gathering.gather(actor=actor, runs=runs, plans={0: plan}, questions=context.Questions(now))
    counts: Counter[str] = Counter()
    leaving: Counter[str] = Counter()
    for run in runs:
        facts = found[run.id].facts
        decision = leave(facts, facts.guard) if facts.guard else decide(plan, facts, now)
        counts["at_once"] += bool(decision.sends)
        if decision.state is State.LEFT:
            leaving[decision.reason] += 1
        elif decision.state is State.WAITING and not decision.sends:
            counts["waiting"] += 1
        elif not decision.sends:
            counts["skipped"] += 1
    return Preview(len(ahead), len(runs), counts["waiting"], counts["at_once"], counts["skipped"], leaving)
