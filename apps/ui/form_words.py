"""What a form says about a field that was left empty: what to do, not that a rule was broken.

Django's own words ("This field is required.") read oddly under a question with radio buttons. They are defaults of the
field classes, so they are changed there, once, before any form is made; a form may still say something better.
"""

from __future__ import annotations

from django import forms

WORDS: dict[type[forms.Field], str] = {
    forms.Field: "Fill this in.",
    forms.ChoiceField: "Choose one of these.",
    forms.MultipleChoiceField: "Choose at least one of these.",
    forms.ModelChoiceField: "Choose one of these.",
    forms.ModelMultipleChoiceField: "Choose at least one of these.",
    forms.BooleanField: "Check this box to go on.",
    forms.DateField: "Give a date.",
    forms.TimeField: "Give a time.",
    forms.SplitDateTimeField: "Give a date and a time.",
    forms.IntegerField: "Give a number.",
    forms.FileField: "Choose a file.",
}


def register() -> None:
    """Give the field classes of Django our words. Called by ``CoreConfig.ready``."""
    for field, words in WORDS.items():
        # A class without messages of its own shares its parent's: each gets a dictionary of its own.
        field.default_error_messages = {**field.__dict__.get("default_error_messages", {}), "required": words}
