"""Forms of suppressions: they check shape, never save."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.contacts.models import Suppression
from apps.ui.forms import UploadZone

SCOPES = [
    (Suppression.Scope.COMMERCIAL, "Optional mail: everything but treatment and account mail"),
    (Suppression.Scope.REMINDERS, "Treatment reminders too"),
    (Suppression.Scope.ALL, "All mail"),
]


class SuppressionForm(forms.Form):
    """Stop one address."""

    address = forms.CharField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    scope = forms.ChoiceField(label="Which mail", choices=SCOPES)
    asked = forms.BooleanField(
        required=False,
        label="Its owner asked for it",
        help_text="Then nobody lifts it without a new consent of theirs.",
    )
    note = forms.CharField(
        label="Why",
        max_length=200,
        help_text="Such as who called. It stays on the trail, sealed.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class OptOutsForm(forms.Form):
    """A list of addresses: a file, or pasted."""

    file = forms.FileField(
        label="File", required=False, widget=UploadZone(words="CSV or text, also packed with gzip, up to 100 MB")
    )
    text = forms.CharField(
        label="Or paste the addresses",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
    )
    reason = forms.ChoiceField(
        label="What happened there",
        choices=[
            (Suppression.Reason.FORMER, "They unsubscribed"),
            (Suppression.Reason.COMPLAINT, "They marked mail as spam"),
            (Suppression.Reason.HARD_BOUNCE, "The mailbox does not exist (“cleaned”, “bounced”)"),
        ],
    )
    scope = forms.ChoiceField(label="Which mail stops", choices=SCOPES)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if bool(found.get("file")) == bool((found.get("text") or "").strip()) and not self.errors:
            raise forms.ValidationError("Choose a file or paste the addresses, one of the two.")
        return found


class LiftForm(forms.Form):
    """Why a stop is lifted, or what an export is for."""

    reason = forms.CharField(label="Why", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
