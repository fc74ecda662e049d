"""The form of a tag. It checks shapes; services save."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from apps.contacts.tags.definitions import LONGEST_DESCRIPTION, OpenedTag
from apps.contacts.tags.names import LONGEST_NAME
from apps.core.levels import Level
from apps.ui.forms import ChoiceCards


class TagForm(forms.Form):
    """A tag. The level of one that exists can be raised only, as the service says."""

    LEVELS = (
        (0, "Public"),
        (1, "Identifier"),
        (2, "Health information"),
        (3, "Specially protected"),
    )

    name = forms.CharField(max_length=LONGEST_NAME, help_text="As staff read it, such as Recall 2026.")
    description = forms.CharField(
        required=False,
        max_length=LONGEST_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Who gets it, and what for.",
    )
    level = forms.TypedChoiceField(
        coerce=int,
        choices=LEVELS,
        initial=2,
        widget=ChoiceCards(
            about={
                "0": ("Tells nothing about a person.", "world"),
                "1": ("Tells who somebody is.", "id"),
                "2": ("Tells something about health or care; being a patient does.", "heartbeat"),
                "3": ("Substance use, mental health, reproductive health, HIV.", "shield-lock"),
            },
        ),
        help_text="What looks at the tag is protected accordingly: segments, and every message to them.",
    )

    def __init__(self, *args: Any, tag: OpenedTag | None = None, may_lower: bool = False, **given: Any) -> None:
        if tag is not None:
            given["initial"] = {"name": tag.name, "description": tag.description, "level": int(tag.level)}
        super().__init__(*args, **given)
        level = cast(forms.TypedChoiceField, self.fields["level"])
        least = Level.PUBLIC if may_lower else Level.HEALTH
        if tag is not None:
            least = tag.level
            level.help_text = "It can be raised while no segment or journey uses the tag, and is never lowered."
        level.choices = [(number, word) for number, word in self.LEVELS if number >= least]
