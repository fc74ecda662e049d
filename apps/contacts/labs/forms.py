"""The form of an own lab. It checks shapes; the service saves."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.contacts.attributes.services import range_for
from apps.contacts.labs.services import LONGEST_LABEL, WantedLab
from apps.contacts.timeline.results import LOINC
from apps.ui.forms import ChoiceCards


class LabForm(forms.Form):
    """What is measured, by which codes, in which unit and steps, and how sensitive it is."""

    label = forms.CharField(max_length=LONGEST_LABEL, label="Name", help_text="As staff read it, such as Ferritin.")
    system = forms.CharField(
        max_length=24,
        initial=LOINC,
        label="Code system",
        help_text="LOINC, or the name that your lists give their own codes. TEXT where rows have a name and no code.",
    )
    codes = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        label="Codes",
        help_text="One a line: all that measure the same thing, in the same unit.",
    )
    kind = forms.ChoiceField(
        choices=(("number", "Numbers"), ("word", "Words")),
        initial="number",
        label="Results are",
        widget=ChoiceCards(
            about={
                "number": ("Compared with over, under, between.", "hash"),
                "word": ("Asked for as measured or not measured.", "letter-case"),
            },
            columns="two",
        ),
    )
    unit = forms.CharField(
        max_length=40,
        required=False,
        label="Unit",
        help_text="As UCUM writes it: ng/mL, mmol/L, %. Results in another unit are kept and shown, and found by no "
        "number. Empty where there is none.",
    )
    low = forms.CharField(max_length=14, label="Lowest", initial="0")
    high = forms.CharField(max_length=14, label="Highest", initial="1000")
    step = forms.CharField(max_length=14, label="Step", initial="1")
    level = forms.TypedChoiceField(
        coerce=int,
        choices=((2, "Health information"), (3, "Specially protected")),
        initial=2,
        widget=ChoiceCards(
            about={
                "2": ("Like most results.", "heartbeat"),
                "3": ("HIV, substance use, mental health, pregnancy.", "lock"),
            },
            columns="two",
        ),
        help_text="What merges or looks at it is protected accordingly. It cannot be changed later.",
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        if self.is_bound and self.data.get("kind") != "number":
            for name in ("low", "high", "step"):
                self.fields[name].required = False

    def wanted(self) -> WantedLab:
        """What was asked for. Raises ``Refused`` for bounds that will not do."""
        data = self.cleaned_data
        numbers = range_for(data["low"], data["high"], data["step"]) if data["kind"] == "number" else None
        codes = tuple(data["codes"].splitlines())
        return WantedLab(data["label"], codes, data["system"], data["unit"], data["level"], numbers)
