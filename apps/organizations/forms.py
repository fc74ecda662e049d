"""The organization's form. It checks shape and never saves."""

from __future__ import annotations

from zoneinfo import available_timezones

from django import forms

from apps.ui import datewords
from apps.ui.forms import Combobox, UploadZone


def zone_choices() -> list[tuple[str, str]]:
    """Zones of the United States first, by their everyday names; then all others by place."""
    home = [(name, f"{label} ({name})") for name, label in datewords.ZONES.items()]
    others = sorted(name for name in available_timezones() if "/" in name and name not in datewords.ZONES)
    return home + [(name, name.replace("_", " ")) for name in others]


class OrganizationForm(forms.Form):
    """Who this installation works for."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(max_length=120, label="Name", help_text="Patients see it on every page and message.")
    phone = forms.CharField(
        max_length=40,
        label="Telephone",
        help_text="Shown to patients wherever something might go wrong.",
        widget=forms.TextInput({"type": "tel"}),
    )
    web = forms.URLField(required=False, label="Web site", max_length=200, assume_scheme="https")
    postal_address = forms.CharField(
        max_length=300,
        label="Postal address",
        help_text="Stands in the footer of every commercial message (CAN-SPAM, 16 CFR 316).",
        widget=forms.Textarea({"rows": 3}),
    )
    zone = forms.ChoiceField(
        choices=zone_choices, label="Time zone", help_text="Every date and time is in this zone.", widget=Combobox()
    )
    logo = forms.FileField(
        required=False, widget=UploadZone({"accept": "image/*"}, words="PNG, JPEG, GIF or WebP, up to 300 kB.")
    )
    privacy_official = forms.CharField(
        required=False, max_length=120, label="Privacy official", help_text="45 CFR 164.530(a)(1)(i)."
    )
    security_official = forms.CharField(
        required=False, max_length=120, label="Security official", help_text="45 CFR 164.308(a)(2)."
    )
    complaint_contact = forms.CharField(
        required=False,
        max_length=200,
        label="Where patients complain",
        help_text="A person or office, with telephone or e-mail (45 CFR 164.530(a)(1)(ii)).",
    )
