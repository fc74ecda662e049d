"""The page /components: every part of the look in every state, with invented data. For staff, and for the tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core import clock
from apps.core.pages import Page
from apps.core.permissions import staff_only
from apps.ui import words
from apps.ui.forms import ChoiceCards, Combobox, Switch, UploadZones, ZonedDateTimeField


class SampleForm(forms.Form):
    """Every kind of field."""

    name = forms.CharField(max_length=60, help_text="Shown in lists and reports.")
    owner = forms.ChoiceField(
        widget=Combobox(), choices=[("", ""), ("1", "Dana Reyes"), ("2", "Sam Okafor"), ("3", "Lee Park")]
    )
    note = forms.CharField(widget=forms.Textarea({"rows": 3}), required=False)
    start = ZonedDateTimeField(label="Starts")
    days = forms.IntegerField(min_value=1, max_value=30, label="Runs for")
    kind = forms.ChoiceField(
        choices=[("once", "One campaign"), ("journey", "A journey")],
        widget=ChoiceCards(
            about={"once": ("To a group, at one time.", "send"), "journey": ("Step by step.", "route")},
            columns="two",
        ),
    )
    channels = forms.MultipleChoiceField(
        choices=[("tls", "Verified TLS"), ("portal", "Portal")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    file = forms.FileField(
        required=False, label="Files", widget=UploadZones(words="CSV, gzip or not, up to 100 MB each.")
    )
    remind = forms.BooleanField(required=False, label="Remind me the day before", widget=Switch())
    agree = forms.BooleanField(label="I checked the wording with the clinic", help_text="Needed once a version.")


@staff_only
def components(request: HttpRequest) -> HttpResponse:
    """Render the page. Its form is shown as after a failed save."""
    now = clock.now()
    form = SampleForm({"name": "", "days": "40", "kind": "once", "note": "Typed text stays."})
    return render(request, "ui/components.html", {"form": form, **sample(now)})


def sample(now: Any) -> dict[str, Any]:
    """Invented data for the page; ``now`` is an aware datetime."""
    names = ["Flu clinic invitation", "Welcome to the portal", "Knee replacement, week two", "Yearly checkup"]
    states = ["sending", "scheduled", "awaiting_approval", "draft"]
    routes = ["tls", "portal", "pgp", "held"]
    people = [18240, 1204, 83, None]
    return {
        "crumbs": [("Settings", "#"), ("Components", "")],
        "facts": ["Changed by Dana Reyes", "Version 4", "Used in 2 journeys"],
        "tab_items": [
            {"label": "Overview", "url": "#overview", "current": True},
            {"label": "People", "url": "#people", "count": 2013},
            {"label": "Failed", "url": "#failed", "count": 0},
        ],
        "wizard": [("Audience", "#1"), ("Message", "#2"), ("Purpose", "#3"), "Plan", "Approval"],
        "status_words": list(words.STATUS),
        "protection_words": list(words.PROTECTION),
        "rows": [
            {
                "name": name,
                "status": states[index],
                "route": routes[index],
                "people": people[index],
                "clicked": (people[index] or 0) // 8,
                "changed": now - timedelta(hours=index * 13, minutes=20) if index < 3 else None,
                "menu": f"row-{index}",
            }
            for index, name in enumerate(names)
        ],
        "page": Page(items=[1], next="x", previous="", first=1, last=50, total=2013),
        "now": now,
        "today": clock.clinic_day(now),
        "later": now + timedelta(days=10),
        "earlier": now - timedelta(days=40),
        "changes": [
            ("Name", "Flu clinic", "Flu clinic invitation"),
            ("Sender", None, "Care team"),
            ("Zone", 1, 1),
        ],
        "headers": "Message-ID: <41.7f@mail.clinic.test>\nDKIM-Signature: v=1; a=rsa-sha256; d=clinic.test",
        "funnel_rows": [
            {"label": "Planned", "value": 18240, "url": "#"},
            {"label": "Sent", "value": 18011, "url": "#"},
            {"label": "Delivered", "value": 17954, "url": "#"},
            {"label": "Clicked", "value": 2231, "url": "#"},
        ],
        "protection_rows": [
            {"label": "Verified TLS", "value": 15020, "tone": 1},
            {"label": "Portal", "value": 2704, "tone": 2},
            {"label": "PGP", "value": 141, "tone": 3},
            {"label": "S/MIME", "value": 89, "tone": 4},
        ],
        "days": [f"Nov {number}" for number in range(1, 15)],
        "series": [
            ("Sent", [120, 180, 90, 40, 210, 260, 240, 130, 150, 220, 310, 280, 190, 240]),
            ("Read in portal", [12, 40, 52, 31, 60, 110, 140, 90, 70, 101, 150, 160, 120, 131]),
        ],
        "hours": ["6 AM", "8 AM", "10 AM", "Noon", "2 PM", "4 PM", "6 PM", "8 PM"],
        "reads": [20, 84, 140, 122, 90, 101, 160, 74],
    }
