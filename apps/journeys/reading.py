"""Reading a definition from JSON: every problem is named with its step and what to do. Pure."""

from __future__ import annotations

import json
from datetime import time, timedelta
from enum import StrEnum
from typing import Any

from apps.core.purposes import Purpose
from apps.journeys import asking
from apps.journeys.definition import (
    FORMAT,
    MAX_DEPTH,
    MAX_STEPS,
    MAX_WAIT,
    RUN_EVENTS,
    SIGNALS,
    STEP_ID,
    STEP_TYPES,
    Condition,
    Definition,
    DefinitionBroken,
    Direction,
    Exit,
    Key,
    Problem,
    Reentry,
    Send,
    Step,
    Trigger,
    TriggerKind,
    Unit,
    Wait,
    WaitFor,
    WaitUntil,
)


def parse(data: Any) -> Definition:
    """The definition in `data` (the JSON of a version or draft).

    Raises DefinitionBroken when the shape is wrong; blanks are allowed, see `checks.check`.
    """
    return _Reader().definition(data)


class _Reader:
    """Collects every problem of one reading instead of stopping at the first."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.ids: set[str] = set()
        self.count = 0

    def definition(self, data: Any) -> Definition:
        if not isinstance(data, dict):
            raise DefinitionBroken([Problem("", "The journey is not a JSON object. Export it again.")])
        if data.get("format", FORMAT) != FORMAT:
            raise DefinitionBroken(
                [Problem("", f"This journey has format {data.get('format')!r}; this version reads {FORMAT}.")]
            )
        trigger = self._trigger(data.get("trigger"))
        default_key = Key.APPOINTMENT if trigger.kind is TriggerKind.APPOINTMENT else Key.PERSON
        definition = Definition(
            trigger=trigger,
            key=self._choice(data.get("key", default_key), Key, "", "key") or default_key,
            reentry=self._choice(data.get("reentry", Reentry.AFTER_EXIT), Reentry, "", "re-entry")
            or Reentry.AFTER_EXIT,
            restart_on=self._events(data.get("restart_on", []), "restart"),
            exit_on=self._events(data.get("exit_on", []), "exit"),
            steps=self._steps(data.get("steps", []), "the main path", 0),
        )
        self._whole(definition)
        if self.problems:
            raise DefinitionBroken(self.problems)
        return definition

    def _whole(self, definition: Definition) -> None:
        if self.count > MAX_STEPS:
            self._say("", f"The journey has {self.count} steps; {MAX_STEPS} is the most. Split it in two.")
        if definition.key is Key.APPOINTMENT and definition.trigger.kind is not TriggerKind.APPOINTMENT:
            self._say("", "Only a journey that starts with an appointment can be kept per appointment.")
        if definition.key is Key.EVENT and definition.trigger.kind is not TriggerKind.EVENT:
            self._say("", "Only a journey that starts with an event can be kept per event.")
        both = sorted(set(definition.restart_on) & set(definition.exit_on))
        if both:
            self._say("", f"{both[0]!r} cannot both restart and end the journey. Choose one.")

    def _trigger(self, data: Any) -> Trigger:
        if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
            self._say("", "The journey has no trigger. Choose what lets a person in.")
            return Trigger(TriggerKind.MANUAL)
        kind = self._choice(data["kind"], TriggerKind, "", "trigger") or TriggerKind.MANUAL
        groups = data.get("groups", [])
        if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups):
            self._say("", "The filters of the trigger are a list of words such as class:wellness.")
            groups = []
        return Trigger(
            kind=kind,
            segment=self._text(data.get("segment", ""), "", "segment"),
            event=self._text(data.get("event", ""), "", "event"),
            groups=tuple(groups),
        )

    def _events(self, data: Any, what: str) -> tuple[str, ...]:
        if not isinstance(data, list):
            self._say("", f"The {what} events are a list.")
            return ()
        for each in data:
            if each not in RUN_EVENTS:
                self._say("", f"{each!r} is no {what} event. Use one of: {', '.join(RUN_EVENTS)}.")
        return tuple(each for each in data if each in RUN_EVENTS)

    def _steps(self, data: Any, where: str, depth: int) -> tuple[Step, ...]:
        if not isinstance(data, list):
            self._say("", f"The steps of {where} are a list.")
            return ()
        if depth > MAX_DEPTH and data:
            self._say("", f"Branches are nested more than {MAX_DEPTH} deep. Split the journey in two.")
            return ()
        steps = []
        for index, each in enumerate(data, start=1):
            self.count += 1
            step = self._step(each, f"step {index} of {where}", depth)
            if step is not None:
                steps.append(step)
        return tuple(steps)

    def _step(self, data: Any, where: str, depth: int) -> Step | None:
        if not isinstance(data, dict) or data.get("type") not in STEP_TYPES:
            self._say("", f"{where.capitalize()} has no known type. Use one of: {', '.join(STEP_TYPES)}.")
            return None
        step_id = data.get("id")
        if not isinstance(step_id, str) or not STEP_ID.fullmatch(step_id):
            self._say("", f"{where.capitalize()} needs an id of small letters and digits, such as s1.")
            return None
        if step_id in self.ids:
            self._say(step_id, f"Two steps are called {step_id}. Give {where} another id.")
            return None
        self.ids.add(step_id)
        reader = getattr(self, f"_{data['type']}")
        step: Step = reader(data, step_id, where, depth)
        return step

    def _send(self, data: dict, step: str, where: str, depth: int) -> Send:
        purpose = self._choice(data.get("purpose", Purpose.TREATMENT), Purpose, step, f"purpose of {where}")
        return Send(
            id=step,
            template=self._text(data.get("template", ""), step, "template"),
            purpose=(purpose or Purpose.TREATMENT).value,
            sender=self._text(data.get("sender", ""), step, "sender"),
            before=self._text(data.get("before", ""), step, "latest date"),
        )

    def _wait(self, data: dict, step: str, where: str, depth: int) -> Wait:
        amount, unit = self._duration(data, step, where)
        return Wait(step, amount, unit)

    def _wait_until(self, data: dict, step: str, where: str, depth: int) -> WaitUntil:
        days = data.get("days", 3)
        if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 730:
            self._say(step, f"{where.capitalize()}: days is a whole number from 0 to 730.")
            days = 0
        late = data.get("late_hours")
        if late is not None and (not isinstance(late, int) or isinstance(late, bool) or not 0 <= late <= 720):
            self._say(step, f"{where.capitalize()}: late hours is a whole number from 0 to 720, or empty.")
            late = None
        try:
            at = time.fromisoformat(str(data.get("at", "09:00"))).replace(second=0, microsecond=0)
            if at.tzinfo is not None:
                raise ValueError
        except ValueError:
            self._say(step, f"{where.capitalize()}: the time is written like 09:00, without a zone.")
            at = time(9, 0)
        direction = self._choice(data.get("direction", "before"), Direction, step, f"direction of {where}")
        return WaitUntil(
            id=step,
            field=self._text(data.get("field", ""), step, "date"),
            days=days,
            direction=direction or Direction.BEFORE,
            at=at,
            late_hours=late,
        )

    def _wait_for(self, data: dict, step: str, where: str, depth: int) -> WaitFor:
        signals = data.get("signals", [])
        if not isinstance(signals, list):
            signals = [signals]
        for each in signals:
            if each in ("opened", "open"):
                self._say(
                    step,
                    f"{where.capitalize()} waits for an open. Mail programs open mail by themselves: "
                    "wait for a click, a reply or a read in the portal.",
                )
            elif each not in SIGNALS:
                self._say(step, f"{where.capitalize()}: {each!r} is none of {', '.join(SIGNALS)}.")
        amount, unit = self._duration(data, step, where)
        return WaitFor(
            id=step,
            signals=tuple(each for each in SIGNALS if each in signals),
            of=self._text(data.get("of", ""), step, "message"),
            amount=amount,
            unit=unit,
            then=self._steps(data.get("then", []), f"the answered path of {step}", depth + 1),
            otherwise=self._steps(data.get("otherwise", []), f"the unanswered path of {step}", depth + 1),
        )

    def _condition(self, data: dict, step: str, where: str, depth: int) -> Condition:
        rule = data.get("rule") or {}
        if not isinstance(rule, dict):
            self._say(step, f"{where.capitalize()}: the rule is a JSON object, as in a segment.")
            rule = {}
        try:
            asking.read(rule)
        except ValueError as error:
            self._say(step, f"{where.capitalize()}: {error}")
            rule = {}
        return Condition(
            id=step,
            rule_json=json.dumps(rule, sort_keys=True, separators=(",", ":")) if rule else "",
            then=self._steps(data.get("then", []), f"the yes path of {step}", depth + 1),
            otherwise=self._steps(data.get("otherwise", []), f"the no path of {step}", depth + 1),
        )

    def _exit(self, data: dict, step: str, where: str, depth: int) -> Exit:
        return Exit(step)

    def _duration(self, data: dict, step: str, where: str) -> tuple[int, Unit]:
        unit = self._choice(data.get("unit", "days"), Unit, step, f"unit of {where}") or Unit.DAYS
        amount = data.get("amount", 1)
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
            self._say(step, f"{where.capitalize()}: the time to wait is a whole number from 1.")
            return 1, unit
        if amount > 10**6 or timedelta(**{unit.value: amount}) > MAX_WAIT:
            self._say(step, f"{where.capitalize()} waits longer than {MAX_WAIT.days} days. Shorten it.")
            return 1, unit
        return amount, unit

    def _choice(self, value: Any, options: type[StrEnum], step: str, what: str) -> Any:
        try:
            return options(value)
        except ValueError:
            self._say(step, f"The {what} is one of: {', '.join(each.value for each in options)}.")
            return None

    def _text(self, value: Any, step: str, what: str) -> str:
        if not isinstance(value, str) or len(value) > 200:
            self._say(step, f"The {what} is a text of at most 200 characters.")
            return ""
        return value.strip()

    def _say(self, step: str, text: str) -> None:
        self.problems.append(Problem(step, text))
