"""Forms of the builder. They check shape; the definition's reader has the last word.

The form of a step draws the inputs that its fields ask for (``fields.Input``), whatever kind of step it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from apps.contacts.attributes import definitions as attributes
from apps.core import zones
from apps.journeys import context, describe
from apps.journeys.definition import Definition, date_fields, mails, walk
from apps.journeys.engine import Plan
from apps.journeys.fields import Choices, Handle, Input, InputRefused, kept
from apps.journeys.protocol import Step
from apps.journeys.simulate import Scenario
from apps.journeys.vocabulary import (
    APPOINTMENT_START,
    RUN_EVENTS,
    SIGNAL_NOUNS,
    SIGNALS,
    Key,
    Reentry,
    TriggerKind,
)
from apps.segments import builder, draft, rules
from apps.segments import naming as segment_naming
from apps.segments import selectors as segments
from apps.ui.forms import DateInput, TimeInput, ZonedDateTimeField, ZonedDateTimeWidget, offer

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
    ("observation", "A lab result or vital sign"),
    ("appointment.kept", "An appointment was kept"),
    ("appointment.missed", "An appointment was missed"),
    ("consent.granted", "A consent was given"),
]


def _text(given: Input) -> forms.Field:
    return forms.CharField(max_length=given.high)


def _whole(given: Input) -> forms.Field:
    return forms.IntegerField(min_value=given.low, max_value=given.high)


def _choice(given: Input) -> forms.Field:
    return forms.ChoiceField(choices=list(given.choices))


def _choices(given: Input) -> forms.Field:
    return forms.MultipleChoiceField(choices=list(given.choices), widget=forms.CheckboxSelectMultiple)


CONTROLS: Mapping[str, Callable[[Input], forms.Field]] = {
    "text": _text,
    "whole": _whole,
    "choice": _choice,
    "choices": _choices,
    "time": lambda _given: forms.TimeField(widget=TimeInput()),
    "date": lambda _given: forms.DateField(widget=DateInput()),
    "switch": lambda _given: forms.BooleanField(),
}
"""What each sort of input is in a form; a rule is drawn as the segment builder's rows."""


class StepOffer:
    """What the form of a step may offer in this installation and this journey; read when a field asks for it."""

    def __init__(self, definition: Definition, step: Step) -> None:
        self.definition, self.step = definition, step
        self.per_appointment = definition.key is Key.APPOINTMENT
        self.attributes = context.OwnAttributes()
        self.tags = context.TagLevels()

    @cached_property
    def templates(self) -> list[str]:
        """Names of templates."""
        return context.template_names()

    @cached_property
    def senders(self) -> list[str]:
        """Names of brands."""
        return context.sender_names()

    @cached_property
    def dates(self) -> Choices:
        """The dates of this journey, capitalized."""
        dates = date_fields(self.definition, context.date_labels())
        return [(name, label[:1].upper() + label[1:]) for name, label in dates.items()]

    @cached_property
    def messages_before(self) -> Choices:
        """The messages a step may ask about: those sent before it."""
        number = next((place.number for place in walk(self.definition) if place.step.id == self.step.id), 0)
        found = [("", "The message before this step")]
        for place, mail in mails(self.definition):
            if place.number < number:
                found.append((place.step.id, f"Step {place.number}: {mail.template or 'no template yet'}"))
        return found


class StepForm(forms.Form):
    """The form of one step: it turns what was typed into the step's JSON values."""

    def __init__(self, *args: Any, step: Step, definition: Definition, **kwargs: Any) -> None:
        self.step, self.definition = step, definition
        self.offer = StepOffer(definition, step)
        self.given = [each for field in step.fields for each in field.inputs(step, self.offer)]
        self.rule = next((each for each in self.given if each.sort == "rule"), None)
        self.wrong: dict[draft.Path, str] = {}
        super().__init__(*args, **kwargs)
        for each in self.given:
            if each.sort != "rule":
                self._add(each)

    def _add(self, given: Input) -> None:
        control = CONTROLS[given.sort](given)
        control.label, control.help_text, control.required = given.label, given.help, given.required
        control.initial = given.initial
        if given.only_with:
            control.widget.attrs["data-only-with"] = "=".join(given.only_with)
        if given.saves:
            control.widget.attrs["data-saves"] = ""
        self.fields[given.name] = control

    def rows(self) -> list[list[forms.BoundField]]:
        """The fields as they are drawn: most alone, a number beside its unit."""
        beside = {each.beside: each.name for each in self.given if each.beside}
        return [
            [self[name], self[beside[name]]] if name in beside else [self[name]]
            for name in self.fields
            if name not in beside.values()
        ]

    def values(self) -> dict[str, Any]:
        """The step's JSON values."""
        values: dict[str, Any] = self.cleaned_data["values"]
        return values

    def tree(self) -> draft.Draft:
        """The rule about the person as it stands in the form, or as it is stored."""
        if self.is_bound and "shape" in self.data:
            return draft.read({name: str(self.data[name]) for name in self.data}, attributes.catalog())
        if self.rule is not None and self.rule.initial:
            try:
                return segment_naming.document(segments.parse(self.rule.initial))
            except rules.RuleError:
                pass  # an attribute or segment that is gone: begin anew, the tree says what is wrong
        return {"match": "all", "rules": [dict(draft.NEW_CONDITION)]}

    def drawn(self) -> dict[str, Any] | None:
        """The rows of the rule, for the template; None for a step that asks none."""
        return builder.drawn(self.tree(), wrong=self.wrong) if self.rule is not None else None

    def clean(self) -> dict[str, Any]:
        """Reads the rule if it is asked for, then collects the JSON values of every field."""
        typed: dict[str, Any] = super().clean() or {}
        if self.rule is not None and self._is_wanted(self.rule, typed):
            self._read_rule(typed)
        values: dict[str, Any] = {}
        if not self.errors:
            for field in self.step.fields:
                try:
                    values |= field.collect(typed, self.step, self.offer)
                except InputRefused as refused:
                    self.add_error(refused.name, refused.text)
        return typed | {"values": values}

    def _is_wanted(self, given: Input, typed: Mapping[str, Any]) -> bool:
        return given.only_with is None or typed.get(given.only_with[0]) == given.only_with[1]

    def _read_rule(self, typed: dict[str, Any]) -> None:
        tree = self.tree()
        if not tree["rules"]:
            self.add_error(None, "Add a condition: with none, everybody would take the first path.")
            return
        try:
            typed["rule"] = segment_naming.document(segments.parse(tree))
        except rules.RuleError as error:
            self.wrong = {error.path: error.what}
            self.add_error(None, str(error))


def _names(names: list[str], value: Handle, empty: str) -> Choices:
    return [("", empty), *kept([(name, name) for name in names], str(value), "no longer there")]


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
        events = [(each, describe.EVENTS[each][:1].upper() + describe.EVENTS[each][1:]) for each in RUN_EVENTS]
        offer(self, "restart_on", events[:4])
        offer(self, "exit_on", events)
        offer(self, "segment", _names(context.segment_names(), trigger.segment, "Choose a segment"))
        offer(self, "event", [("", "Choose"), *kept(TRIGGER_EVENTS, trigger.event, "by command")])

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
        labels = date_fields(definition, context.date_labels())
        for name in sorted(plan.dates):
            label = f"Day of {labels.get(name, name)}"
            if name == APPOINTMENT_START:
                begins = ZonedDateTimeWidget(words="On the clock chosen below")
                self._add(name, ZonedDateTimeField(label="The appointment", widget=begins), visit)
                clocks = [(each, zones.called(each)) for each in zones.common(zone.key)]
                where = forms.ChoiceField(label="On the clock of its place", choices=clocks, required=False)
                self._add("place", where, zone.key)
            else:
                self._add(name, forms.DateField(label=label, widget=DateInput()), visit.date())
        if any(step.mail is not None for step in plan.steps.values()):
            answers = [(NOTHING, "Never"), *((each, SIGNAL_NOUNS[each].capitalize()) for each in SIGNALS)]
            self._add("answer", forms.ChoiceField(label="Answers each message", choices=answers), NOTHING)
            self._add("hours", forms.IntegerField(label="Hours after it was sent", min_value=0, max_value=10_000), 2)
        if any(step.asks_visit for step in plan.steps.values()):
            states = [("booked", "Booked"), ("kept", "Kept"), ("missed", "Missed"), ("cancelled", "Canceled")]
            self._add("visit", forms.ChoiceField(label="The appointment is", choices=states), "booked")
        for place in walk(definition):
            step = place.step
            if step.id in plan.rules:
                self._add(
                    f"says_{step.id}",
                    forms.ChoiceField(
                        label=f"Step {place.number}: {context.rule_words(step.rule)}",
                        choices=[("yes", "Yes"), ("no", "No")],
                    ),
                    "yes",
                )
        if definition.exit_on:
            events = [
                (NOTHING, "Nothing"),
                *((each, describe.EVENTS[each].capitalize()) for each in definition.exit_on),
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
        if isinstance(visit := dates.get(APPOINTMENT_START), datetime):
            # Read on the clinic's clock, meant on that of its place, whose clock the steps go by.
            there = ZoneInfo(data.get("place") or zone.key)
            dates[APPOINTMENT_START] = visit.astimezone(zone).replace(tzinfo=there)
            zone = there
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
        others = ("start", "place", "answer", "hours", "visit", "event", "event_days")
        keys = [name for name in self.fields if name not in others and not name.startswith("says_")]
        return [name.replace("-", ".") if name.endswith("-start") else name for name in keys]


def _something(chosen: str) -> str:
    return "" if chosen == NOTHING else chosen


class NameForm(forms.Form):
    """Name and description."""

    name = forms.CharField(label="Name", max_length=120)
    about = forms.CharField(label="What it is for", required=False, max_length=500, widget=forms.Textarea({"rows": 3}))
