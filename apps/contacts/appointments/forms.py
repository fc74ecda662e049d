"""Forms of an appointment. They check shapes; services save."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.ui.forms import ZonedDateTimeField


def _text(longest: int = 200, **given: Any) -> forms.CharField:
    return forms.CharField(required=False, max_length=longest, **given)


class AppointmentForm(forms.Form):
    """A new appointment, in the clinic's time zone."""

    start = ZonedDateTimeField(label="Starts")
    kind = forms.CharField(max_length=120, label="What for")
    location = _text()
    provider = _text(label="With")
    minutes = forms.IntegerField(min_value=5, max_value=24 * 60, initial=30, label="Length")


class MoveForm(forms.Form):
    """Another time for an appointment."""

    start = ZonedDateTimeField(label="New time")
