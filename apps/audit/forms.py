"""Forms of the trail's pages: they check shape; ``filters.parse`` and ``reviews`` have the last word."""

from __future__ import annotations

from django import forms

from apps.audit.models import AuditReview
from apps.ui.forms import ChoiceCards, DateInput


class ReviewForm(forms.Form):
    """What somebody who looked through the trail says about it."""

    first = forms.DateField(label="From", widget=DateInput())
    last = forms.DateField(label="To", widget=DateInput())
    outcome = forms.ChoiceField(
        label="What the review found",
        choices=AuditReview.Outcome.choices,
        widget=ChoiceCards(
            about={
                "nothing": ("Every opening and change has a reason in somebody's work.", "circle-check"),
                "follow_up": ("Somebody is to be asked; say what and whom.", "message"),
                "incident": ("It is handled as a security incident.", "urgent"),
            }
        ),
    )
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=4000,
        widget=forms.Textarea({"rows": 4}),
        help_text="Sealed; auditors and administrators read it here.",
    )
