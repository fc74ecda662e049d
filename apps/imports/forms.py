"""Forms of the import wizard. They check shapes; services save."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.ui.forms import ChoiceCards, UploadZone, UploadZones


class FilesField(forms.FileField):
    """Several files in one field; the cleaned value is a list."""

    widget = UploadZones
    default_error_messages = {"empty": "The file is empty. Export it again, with a header line."}

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        single = super().clean
        return [single(item, initial) for item in data] if isinstance(data, list) else [single(data, initial)]


class UploadForm(forms.Form):
    """What is imported, and the files."""

    kind = forms.ChoiceField(
        label="What are you importing?",
        initial="list",
        choices=[
            ("list", "A list of people"),
            ("appointments", "Appointments"),
            ("events", "Conditions, visits, medications, labs"),
            ("synthea", "Synthea tables"),
        ],
        widget=ChoiceCards(
            about={
                "list": ("Any CSV or Excel workbook: you say which column means what.", "users"),
                "synthea": (
                    "Invented patients, for trying things out: patients.csv and the tables beside it, together.",
                    "database",
                ),
                "events": (
                    "A CSV of what happened to people on record; you say which column means what.",
                    "stethoscope",
                ),
                "appointments": (
                    "From your scheduling system: its id of the visit, whose it is, when, and what you have besides.",
                    "calendar-event",
                ),
            }
        ),
    )
    files = FilesField(  # type: ignore[assignment]
        widget=UploadZones(words="CSV, gzip or Excel (.xlsx), up to 100 MB. Synthea: all tables at once.")
    )
    invent_addresses = forms.BooleanField(
        required=False,
        label="Invent an e-mail address for each person of a Synthea export",
        help_text="At the demo's own providers under .test. Synthea has none, and real ones must not be used.",
    )


class MappingUploadForm(forms.Form):
    """A MAPPING.json from an earlier import."""

    mapping = forms.FileField(widget=UploadZone(words="MAPPING.json from an earlier import"))
