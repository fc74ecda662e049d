"""Forms of the builder: one for each kind of step. They check shape; the definition's reader has the last word."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms

from apps.contacts.attributes import definitions as attributes
from apps.core.purposes import Purpose
from apps.journeys import asking, sentences, world
from apps.journeys.checks import date_fields
from apps.journeys.definition import (
    APPOINTMENT_START,
    RUN_EVENTS,
    SIGNALS,
    Condition,
    Definition,
    Direction,
    Key,
    Reentry,
    Send,
    Step,
    TriggerKind,
    Unit,
    Wait,
    WaitFor,
    WaitUntil,
    walk,
)
from apps.journeys.engine import Plan
from apps.journeys.trial import Scenario
from apps.segments import builder, draft, rules
from apps.segments import selectors as segments
from apps.ui.forms import DateInput, TimeInput, ZonedDateTimeField, offer

Choices = list[tuple[str, str]]
NOTHING = "-"

TRIGGERS: Choices = [
    (TriggerKind.APPOINTMENT.value, "An appointment is booked"),
    (TriggerKind.SEGMENT.value, "A person enters a segment"),
    (TriggerKind.EVENT.value, "Something is recorded about a person"),
    (TriggerKind.MANUAL.value, "Staff add a person by hand"),
]
TRIGGER_EVENTS: Choices = [
    ("encounter", "An encounter"),
    ("condition", "A condition"),
    ("immunization", "An immunization"),
    ("medication", "A medication"),
    ("procedure", "A procedure"),
    ("appointment.kept", "An appointment was kept"),
    ("appointment.missed", "An appointment was missed"),
    ("consent.granted", "A consent was given"),
]
UNITS: Choices = [(unit.value, unit.value) for unit in Unit]


def _kept(choices: Choices, value: str, missing: str) -> Choices:
    """The choices with the present value among them, even when it no longer exists."""
    if value and value not in dict(choices):
        return [(value, f"{value} ({missing})"), *choices]
    return choices


def _names(names: list[str], value: str, empty: str, missing: str = "no longer there") -> Choices:
    return [("", empty), *_kept([(name, name) for name in names], value, missing)]


def _sends_before(definition: Definition, step_id: str) -> Choices:
    """The messages a step may ask about: those sent before it."""
    found: Choices = [("", "The message before this step")]
    for place in walk(definition):
        if place.step.id == step_id:
            break
        if isinstance(place.step, Send):
            found.append((place.step.id, f"Step {place.number}: {place.step.template or 'no template yet'}"))
    return found


class StepForm(forms.Form):
    """A form that knows its step and turns its answers into the step's JSON values."""

    def __init__(self, *args: Any, step: Step, definition: Definition, **kwargs: Any) -> None:
        self.step, self.definition = step, definition
        kwargs.setdefault("initial", self.start())
        super().__init__(*args, **kwargs)
        self.prepare()

    def start(self) -> dict[str, Any]:
        """Initial values from the step."""
        return {name: getattr(self.step, name, None) for name in self.base_fields}

    def prepare(self) -> None:
        """Fill in choices."""

    # Fields that stand beside each other, by the name of the first.
    PAIRS: ClassVar[dict[str, str]] = {"amount": "unit", "days": "direction"}

    def rows(self) -> list[list[forms.BoundField]]:
        """The fields as they are drawn: most alone, a number beside its unit."""
        second = set(self.PAIRS.values())
        return [
            [self[name], self[self.PAIRS[name]]] if name in self.PAIRS else [self[name]]
            for name in self.fields
            if name not in second
        ]

    def values(self) -> dict[str, Any]:
        """The step's JSON values."""
        return dict(self.cleaned_data)

    def dates(self) -> Choices:
        """The dates of this journey, capitalized."""
        return [
            (name, label[:1].upper() + label[1:])
            for name, label in date_fields(self.definition, world.known_dates()).items()
        ]


class SendForm(StepForm):
    template = forms.ChoiceField(label="Template", required=False, help_text="Its text is edited under Templates.")
    purpose = forms.ChoiceField(
        label="Legal purpose", help_text="Decides which consent it needs and which opt-out stops it."
    )
    sender = forms.ChoiceField(label="Sender", required=False)
    before = forms.ChoiceField(label="Never send after", required=False)

    def prepare(self) -> None:
        assert isinstance(self.step, Send)
        offer(self, "template", _names(world.template_names(), self.step.template, "Choose a template"))
        offer(self, "sender", _names(world.sender_names(), self.step.sender, "The usual sender"))
        offer(self, "purpose", [(each.value, each.word) for each in Purpose])
        offer(self, "before", [("", "No limit"), *self.dates()])


class WaitForm(StepForm):
    amount = forms.IntegerField(label="Wait", min_value=1, max_value=1_000_000)
    unit = forms.ChoiceField(label="Unit", choices=UNITS)

    def start(self) -> dict[str, Any]:
        assert isinstance(self.step, Wait)
        return {"amount": self.step.amount, "unit": self.step.unit.value}


class WaitUntilForm(StepForm):
    days = forms.IntegerField(label="Days", min_value=0, max_value=730)
    direction = forms.ChoiceField(
        label="On which side", choices=[(Direction.BEFORE.value, "before"), (Direction.AFTER.value, "after")]
    )
    field = forms.ChoiceField(label="Date")
    at = forms.TimeField(label="Clock time", widget=TimeInput(), help_text="On the clinic's clock.")
    late = forms.BooleanField(
        label="Skip the next message when it is too late",
        required=False,
        help_text="For people who come in after this moment.",
    )
    late_hours = forms.IntegerField(
        label="Hours that must remain",
        min_value=0,
        max_value=720,
        required=False,
        help_text="With more than this left until the date the message goes at once.",
    )

    def start(self) -> dict[str, Any]:
        assert isinstance(self.step, WaitUntil)
        return {
            "days": self.step.days,
            "direction": self.step.direction.value,
            "field": self.step.field,
            "at": self.step.at,
            "late": self.step.late_hours is not None,
            "late_hours": 24 if self.step.late_hours is None else self.step.late_hours,
        }

    def prepare(self) -> None:
        assert isinstance(self.step, WaitUntil)
        offer(self, "field", _kept(self.dates(), self.step.field, "not in this journey"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("late") and cleaned.get("late_hours") is None and "late_hours" not in self.errors:
            self.add_error("late_hours", "Say how many hours must remain, or switch the skipping off.")
        return cleaned

    def values(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        data["at"] = data["at"].strftime("%H:%M")
        data["late_hours"] = data["late_hours"] if data.pop("late") else None
        return data


class WaitForForm(StepForm):
    signals = forms.MultipleChoiceField(
        label="Answers that count",
        choices=[(each, sentences.SIGNAL_NOUNS[each].capitalize()) for each in SIGNALS],
        widget=forms.CheckboxSelectMultiple,
        help_text="Opens do not count: mail programs open mail by themselves.",
    )
    of = forms.ChoiceField(label="About which message", required=False)
    amount = forms.IntegerField(label="Wait up to", min_value=1, max_value=1_000_000)
    unit = forms.ChoiceField(label="Unit", choices=UNITS)

    def start(self) -> dict[str, Any]:
        assert isinstance(self.step, WaitFor)
        return {
            "signals": list(self.step.signals),
            "of": self.step.of,
            "amount": self.step.amount,
            "unit": self.step.unit.value,
        }

    def prepare(self) -> None:
        offer(self, "of", _sends_before(self.definition, self.step.id))


class ConditionForm(StepForm):
    """A question about the person (the segment builder's rows), about a message of this journey, or about its visit."""

    ask = forms.ChoiceField(label="Ask about", choices=[])
    of = forms.ChoiceField(label="Which message")
    signal = forms.ChoiceField(
        label="Was it answered?",
        choices=[
            (asking.ANY, "Clicked, read or replied to"),
            ("clicked", "Clicked"),
            ("read", "Read in the portal"),
            ("replied", "Replied to"),
        ],
        help_text="Opens do not count: mail programs open mail by themselves.",
    )
    visit = forms.ChoiceField(label="Is it so?", choices=[(state, words) for state, words in asking.VISITS.items()])

    def question(self) -> asking.Question | None:
        """The stored question about the run, or None."""
        assert isinstance(self.step, Condition)
        return asking.read(self.step.rule)

    def start(self) -> dict[str, Any]:
        match self.question():
            case asking.AboutMessage(of, signal):
                return {"ask": "message", "of": of or NOTHING, "signal": signal, "visit": "booked"}
            case asking.AboutVisit(state):
                return {"ask": "visit", "visit": state, "of": NOTHING, "signal": asking.ANY}
        return {"ask": "person", "of": NOTHING, "signal": asking.ANY, "visit": "booked"}

    def prepare(self) -> None:
        kinds: Choices = [("person", "The person"), ("message", "A message of this journey")]
        if self.definition.key is Key.APPOINTMENT or self.start()["ask"] == "visit":
            kinds.append(("visit", "The appointment"))
        offer(self, "ask", kinds)
        before = _sends_before(self.definition, self.step.id)
        offer(self, "of", [(key or NOTHING, words) for key, words in before])
        self.wrong: dict[draft.Path, str] = {}

    def tree(self) -> draft.Draft:
        """The rule about the person as it stands in the form, or as it is stored."""
        if self.is_bound and "shape" in self.data:
            return draft.read({name: str(self.data[name]) for name in self.data}, attributes.catalog())
        assert isinstance(self.step, Condition)
        if asking.is_about_person(self.step.rule):
            try:
                return segments.parse(self.step.rule).as_json()
            except rules.RuleError:
                pass  # an attribute or segment that is gone: begin anew, the tree says what is wrong
        return {"match": "all", "rules": [dict(draft.NEW_CONDITION)]}

    def drawn(self) -> dict[str, Any]:
        """The rows of the rule, for the template."""
        return builder.drawn(self.tree(), wrong=self.wrong)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("ask") == "person":
            tree = self.tree()
            if not tree["rules"]:
                self.add_error(None, "Add a condition: with none, everybody would take the first path.")
                return cleaned
            try:
                cleaned["rule"] = segments.parse(tree).as_json()
            except rules.RuleError as error:
                self.wrong = {error.path: error.what}
                self.add_error(None, str(error))
        return cleaned

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        match data["ask"]:
            case "message":
                return {"rule": {"message": _something(data["of"]), "signal": data["signal"]}}
            case "visit":
                return {"rule": {"visit": data["visit"]}}
        return {"rule": data["rule"]}


class ExitForm(StepForm):
    """Nothing to set."""


FORMS: dict[str, type[StepForm]] = {
    "send": SendForm,
    "wait": WaitForm,
    "wait_until": WaitUntilForm,
    "wait_for": WaitForForm,
    "condition": ConditionForm,
    "exit": ExitForm,
}


class EntryForm(forms.Form):
    """How people come in, start over and leave."""

    trigger = forms.ChoiceField(label="People come in when", choices=TRIGGERS)
    segment = forms.ChoiceField(label="Segment", required=False, help_text="For a journey that starts with a segment.")
    event = forms.ChoiceField(
        label="What is recorded",
        required=False,
        choices=[("", "Choose"), *TRIGGER_EVENTS],
        help_text="For a journey that starts with a record.",
    )
    groups = forms.CharField(
        label="Only with",
        required=False,
        max_length=200,
        help_text="Such as class:wellness or code:CVX:140, separated by spaces.",
    )
    reentry = forms.ChoiceField(
        label="A second time",
        choices=[
            (Reentry.AFTER_EXIT.value, "May come in again when the first pass is over"),
            (Reentry.NEVER.value, "Never comes in again"),
        ],
    )
    restart_on = forms.MultipleChoiceField(
        label="Starts over when", required=False, widget=forms.CheckboxSelectMultiple
    )
    exit_on = forms.MultipleChoiceField(label="Ends when", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, definition: Definition, **kwargs: Any) -> None:
        trigger = definition.trigger
        kwargs.setdefault(
            "initial",
            {
                "trigger": trigger.kind.value,
                "segment": trigger.segment,
                "event": trigger.event,
                "groups": " ".join(trigger.groups),
                "reentry": definition.reentry.value,
                "restart_on": list(definition.restart_on),
                "exit_on": list(definition.exit_on),
            },
        )
        super().__init__(*args, **kwargs)
        events = [(each, sentences.EVENTS[each][:1].upper() + sentences.EVENTS[each][1:]) for each in RUN_EVENTS]
        offer(self, "restart_on", events[:4])
        offer(self, "exit_on", events)
        offer(self, "segment", _names(world.segment_names(), trigger.segment, "Choose a segment"))
        offer(self, "event", [("", "Choose"), *_kept(TRIGGER_EVENTS, trigger.event, "by command")])

    def values(self) -> dict[str, Any]:
        """The journey's JSON values; the key follows from the trigger."""
        data = self.cleaned_data
        kind = TriggerKind(data["trigger"])
        trigger: dict[str, Any] = {"kind": kind.value}
        if kind is TriggerKind.SEGMENT:
            trigger["segment"] = data["segment"]
        if kind is TriggerKind.EVENT:
            trigger |= {"event": data["event"], "groups": data["groups"].split()}
        keys = {TriggerKind.APPOINTMENT: "appointment", TriggerKind.EVENT: "event"}
        return {
            "trigger": trigger,
            "key": keys.get(kind, "person"),
            "reentry": data["reentry"],
            "restart_on": data["restart_on"],
            "exit_on": data["exit_on"],
        }


EARLIEST, LATEST = 1900, 2999
"""Years in which somebody may be supposed to walk a journey."""


class TrialForm(forms.Form):
    """What is supposed about the one invented person who tries the journey."""

    start = ZonedDateTimeField(label="Comes in")

    def __init__(self, *args: Any, definition: Definition, plan: Plan, now: datetime, zone: ZoneInfo, **kwargs: Any):
        self.zone = zone
        begin = now.astimezone(zone).replace(second=0, microsecond=0)
        visit = (begin + timedelta(days=14)).replace(hour=10, minute=30)
        self.suggested: dict[str, Any] = {"start": begin}
        super().__init__(*args, **kwargs)
        labels = date_fields(definition, world.known_dates())
        for name in asked_dates(plan):
            label = f"Day of {labels.get(name, name)}"
            if name == APPOINTMENT_START:
                self._add(name, ZonedDateTimeField(label="The appointment"), visit)
            else:
                self._add(name, forms.DateField(label=label, widget=DateInput()), visit.date())
        sends = any(isinstance(step, Send) for step in plan.steps.values())
        if sends:
            answers = [(NOTHING, "Never"), *((each, sentences.SIGNAL_NOUNS[each].capitalize()) for each in SIGNALS)]
            self._add("answer", forms.ChoiceField(label="Answers each message", choices=answers), NOTHING)
            self._add("hours", forms.IntegerField(label="Hours after it was sent", min_value=0, max_value=10_000), 2)
        if any(isinstance(question, asking.AboutVisit) for question in plan.asked.values()):
            states = [("booked", "Booked"), ("kept", "Kept"), ("missed", "Missed"), ("cancelled", "Canceled")]
            self._add("visit", forms.ChoiceField(label="The appointment is", choices=states), "booked")
        for place in walk(definition):
            step = place.step
            if isinstance(step, Condition) and step.rule_json and step.id not in plan.asked:
                self._add(
                    f"says_{step.id}",
                    forms.ChoiceField(
                        label=f"Step {place.number}: {world.rule_words(step.rule)}",
                        choices=[("yes", "Yes"), ("no", "No")],
                    ),
                    "yes",
                )
        if definition.exit_on:
            events = [
                (NOTHING, "Nothing"),
                *((each, sentences.EVENTS[each].capitalize()) for each in definition.exit_on),
            ]
            self._add("event", forms.ChoiceField(label="What else happens", choices=events), NOTHING)
            self._add("event_days", forms.IntegerField(label="Days after the start", min_value=0, max_value=730), 5)

    def _add(self, name: str, made: forms.Field, value: Any) -> None:
        # A dot would break the name of a form's field in two.
        self.fields[name.replace(".", "-")] = made
        self.suggested[name.replace(".", "-")] = value

    def clean(self) -> dict[str, Any]:
        """Days far from every journey are refused: what comes after the last of all days cannot be told."""
        data = super().clean() or {}
        for name, value in list(data.items()):
            # A moment is a date too.
            if isinstance(value, date) and not EARLIEST <= value.year <= LATEST:
                self.add_error(name, f"Choose a day between {EARLIEST} and {LATEST}.")
        return data

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        """The suggestion, until somebody chose."""
        return self.suggested.get(field_name)

    def rows(self) -> list[list[forms.BoundField]]:
        """The fields as they are drawn: a number beside what it belongs to."""
        pairs = {"answer": "hours", "event": "event_days"}
        return [
            [self[name], self[pairs[name]]] if name in pairs else [self[name]]
            for name in self.fields
            if name not in pairs.values()
        ]

    def scenario(self, zone: ZoneInfo) -> Scenario:
        """What was chosen, or what is suggested."""
        data = self.cleaned_data if self.is_bound else self.suggested
        dates = {
            name: data[key]
            for name, key in ((name, name.replace(".", "-")) for name in self._dates())
            if data.get(key) is not None
        }
        return Scenario(
            start=data["start"],
            zone=zone,
            dates=dates,
            answer=_something(data.get("answer", "")),
            after=timedelta(hours=data.get("hours") or 0),
            says={name.removeprefix("says_"): data[name] == "yes" for name in self.fields if name.startswith("says_")},
            visit=data.get("visit", "booked"),
            event=_something(data.get("event", "")),
            event_after=timedelta(days=data.get("event_days") or 0),
        )

    def _dates(self) -> list[str]:
        others = ("start", "answer", "hours", "visit", "event", "event_days")
        keys = [name for name in self.fields if name not in others and not name.startswith("says_")]
        return [name.replace("-", ".") if name.endswith("-start") else name for name in keys]


def _something(chosen: str) -> str:
    return "" if chosen == NOTHING else chosen


def asked_dates(plan: Plan) -> list[str]:
    """The dates some step of a plan asks about, in a fixed order."""
    names = {step.field for step in plan.steps.values() if isinstance(step, WaitUntil)}
    names |= {step.before for step in plan.steps.values() if isinstance(step, Send)}
    return sorted(names - {""})


class NameForm(forms.Form):
    """Name and description."""

    name = forms.CharField(label="Name", max_length=120)
    about = forms.CharField(label="What it is for", required=False, max_length=500, widget=forms.Textarea({"rows": 3}))
