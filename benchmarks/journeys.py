"""The ready-made appointment reminder over the imported appointments: steps per second of the tick.

The clock moves half a day at a time; only ticks are timed. Steps are counted in the table of visits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import clinic

AT_LEAST = 10.0
_STRIDE = timedelta(hours=12)
_DAYS = 70


def run(size: int, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """``journey_steps_per_s`` over at least ten seconds: when all visits are over, the journey begins anew.

    ``journey_cpu_us_per_step`` is what this process computed for a step, without waiting and without the database: a
    figure that a busy machine changes little.
    """
    from apps.core import clock
    from apps.delivery.models import OutboxMessage
    from apps.journeys.models import JourneyRun, JourneyStepVisit

    made = clinic.ready(size, folder, say)
    start = clock.now()
    seconds, computed, journeys = 0.0, 0.0, 0
    while seconds < AT_LEAST:
        journeys += 1
        more = _one(made, start)
        seconds, computed = seconds + more[0], computed + more[1]
    steps = JourneyStepVisit.objects.count()
    expected = journeys * size * clinic.PER_PERSON
    runs = JourneyRun.objects.filter(state="finished").count()
    sent = OutboxMessage.objects.filter(kind="journey").count()
    if runs != expected or steps < 4 * expected or sent < expected:
        raise SystemExit(f"{runs} of {expected} runs finished, {steps} steps, {sent} messages: somebody was lost.")
    say(f"journey: {steps / seconds:,.0f} steps/s ({steps:,} steps, {sent:,} messages)")
    return {
        "journey_steps_per_s": round(steps / seconds),
        "journey_cpu_us_per_step": round(computed / steps * 1e6),
        "journey_seconds": round(seconds, 1),
        "journey_steps": steps,
        "journey_messages": sent,
    }


def _one(made: clinic.Clinic, start: Any) -> tuple[float, float]:
    """Everybody with a visit walks the journey from beginning to end; the seconds the ticks took, and computed."""
    from apps.core import actors, clock
    from apps.journeys import presets, services
    from apps.journeys.models import JourneyRun

    with clock.frozen(start):
        journey = services.journey_from_preset(actor=made.author, preset=presets.APPOINTMENT_REMINDER_JOURNEY)
        services.journey_submit(actor=made.author, journey=journey)
        services.journey_approve(actor=made.reviewer, journey=journey)
        services.journey_activate(actor=made.author, journey=journey)
    seconds, computed, now = 0.0, 0.0, start
    while now < start + timedelta(days=_DAYS):
        now += _STRIDE
        with clock.frozen(now):
            began, busy = time.perf_counter(), time.process_time()
            services.tick(actor=actors.system("beat"), now=now, journeys=[journey.pk])
            seconds += time.perf_counter() - began
            computed += time.process_time() - busy
        if not JourneyRun.objects.filter(journey=journey, state="waiting").exists():
            break
    services.journey_pause(actor=made.author, journey=journey)
    return seconds, computed
