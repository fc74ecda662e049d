"""The form of an own attribute. They check shapes; services save."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from apps.contacts.attributes import services as attribute_services
from apps.contacts.attributes.definitions import Attribute
from apps.ui.forms import ChoiceCards, Switch


class AttributeForm(forms.Form):
    """An own attribute. Of one that exists, only its label, its choices and whether it can be searched can change."""

    TYPES = (("text", "Text"), ("number", "Number"), ("date", "Date"), ("yes_no", "Yes or no"), ("choice", "Choice"))
    LEVELS = ((0, "Public"), (1, "Identifier"), (2, "Health information"))
    HEALTH_ALONE = LEVELS[2:]

    label = forms.CharField(
        max_length=attribute_services.LONGEST_LABEL, label="Name", help_text="As staff read it, such as Last A1c."
    )
    type = forms.ChoiceField(
        choices=TYPES,
        initial="text",
        widget=ChoiceCards(
            about={
                "text": ("Anything, found as a whole.", "letter-case"),
                "number": ("Found by at least, at most, between.", "hash"),
                "date": ("Found by before, after, the last or next days.", "calendar-event"),
                "yes_no": ("One of the two.", "toggle-left"),
                "choice": ("One of a list that you give.", "list-check"),
            },
            columns="two",
        ),
    )
    choices = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), label="Choices", help_text="One a line."
    )
    level = forms.TypedChoiceField(
        coerce=int,
        choices=LEVELS,
        initial=2,
        widget=ChoiceCards(
            about={
                "0": ("Tells nothing about a person.", "world"),
                "1": ("Tells who somebody is.", "id"),
                "2": ("Tells something about health or care.", "heartbeat"),
            },
        ),
        help_text="What merges or looks at it is protected accordingly. It cannot be changed later.",
    )
    searchable = forms.BooleanField(
        required=False,
        initial=True,
        widget=Switch(),
        label="Can be searched",
        help_text="Segments can ask for it. Whoever steals the database then sees which people share a value, "
        "but not the value.",
    )
    low = forms.CharField(max_length=14, label="Lowest", initial="0")
    high = forms.CharField(max_length=14, label="Highest", initial="1000")
    step = forms.CharField(max_length=14, label="Step", initial="1")

    def __init__(self, *args: Any, attribute: Attribute | None = None, may_lower: bool = False, **given: Any) -> None:
        self.attribute = attribute
        if attribute is not None:
            initial: dict[str, Any] = {
                "label": attribute.label,
                "choices": "\n".join(attribute.choices),
                "searchable": attribute.searchable,
            }
            if (numbers := attribute.numbers) is not None:
                bounds = (numbers.low, numbers.high, numbers.step)
                initial |= dict(zip(("low", "high", "step"), map(numbers.spoken, bounds), strict=True))
            given["initial"] = initial
        super().__init__(*args, **given)
        if attribute is not None:
            unwanted = {"type", "level"}
            if attribute.type != "choice":
                unwanted.add("choices")
            if attribute.type != "number":
                unwanted |= {"low", "high", "step"}
            for name in unwanted:
                del self.fields[name]
        elif not may_lower:
            level = cast(forms.TypedChoiceField, self.fields["level"])
            level.choices = self.HEALTH_ALONE
            level.help_text = "What merges or looks at it is protected accordingly. Only an administrator adds others."
        type_ = attribute.type if attribute is not None else self.data.get("type")
        if self.is_bound and not (type_ == "number" and self.data.get("searchable")):
            for name in {"low", "high", "step"} & self.fields.keys():
                self.fields[name].required = False

    def wanted(self) -> attribute_services.Wanted:
        """What was asked for. Raises ``Refused`` for bounds that will not do."""
        data = self.cleaned_data
        type_ = self.attribute.type if self.attribute else data["type"]
        level = self.attribute.level if self.attribute else data["level"]
        lines = [" ".join(line.split()) for line in data.get("choices", "").splitlines()] if type_ == "choice" else []
        numbers = None
        if type_ == "number" and data["searchable"]:
            numbers = attribute_services.range_for(data["low"], data["high"], data["step"])
        return attribute_services.Wanted(
            label=data["label"],
            type=type_,
            level=level,
            searchable=data["searchable"],
            choices=tuple(line for line in lines if line),
            numbers=numbers,
        )
