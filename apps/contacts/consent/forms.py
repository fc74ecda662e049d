"""The form of a consent. They check shapes; services save."""

from __future__ import annotations

from datetime import date

from django import forms

from apps.contacts.consent.given import NO_END
from apps.core.purposes import Purpose
from apps.ui.forms import DateInput, optional_text

CONSENT_PURPOSES = [purpose for purpose in Purpose if purpose is not Purpose.ACCOUNT]


class ConsentForm(forms.Form):
    """A consent as it was given: what for, how, when, in which words, by whom."""

    # Nothing is chosen beforehand: one careless press must not put a consent on record that nobody gave.
    purpose = forms.ChoiceField(
        choices=[("", "Choose…"), *((purpose.value, purpose.word) for purpose in CONSENT_PURPOSES)],
        error_messages={"required": "Choose what it is about."},
    )
    state = forms.ChoiceField(
        label="What did they say?",
        choices=[("", "Choose…"), ("granted", "Granted"), ("denied", "Denied or withdrawn")],
        error_messages={"required": "Choose what they said."},
    )
    on = forms.DateField(widget=DateInput(), label="On")
    method = forms.ChoiceField(
        label="How",
        choices=[
            (word, word.capitalize())
            for word in ("paper form", "front desk", "telephone", "web form", "e-mail", "portal", "other")
        ],
    )
    ends = forms.DateField(
        required=False,
        widget=DateInput(),
        label="Holds until",
        help_text="The last day, if the form names one. From the next day on it counts no more.",
    )
    wording = optional_text(40, label="Wording version", help_text="Which text they agreed to, as 2025-2.")
    given_by = optional_text(120, label="Who said so", help_text="The person, or a representative and their authority.")
    note = optional_text(500, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_ends(self) -> date | None:
        """The last day; None for the year 9999, which stands for "no end" here as in lists."""
        ends: date | None = self.cleaned_data["ends"]
        return None if ends is not None and ends.year >= NO_END else ends
