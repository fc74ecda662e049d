"""Forms of an appointment. They check shapes; services save."""

from __future__ import annotations

from django import forms

from apps.ui.forms import ZonedDateTimeField, optional_text


class AppointmentForm(forms.Form):
    """A new appointment, in the clinic's time zone."""

    start = ZonedDateTimeField(label="Starts")
    kind = forms.CharField(max_length=120, label="What for")
    location = optional_text()
    provider = optional_text(label="With")
    minutes = forms.IntegerField(min_value=5, max_value=24 * 60, initial=30, label="Length")


class MoveForm(forms.Form):
    """Another time for an appointment, in the active time zone: that of its place."""

    start = ZonedDateTimeField(label="New time")
