"""How forms look: the renderer, and the widgets that Django does not have. No noun, no saving.

`{{ form }}` renders the whole form, `{% field form.name %}` one field. The plain widgets of Django need nothing:
look.css styles bare elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils import timezone

from apps.ui import datewords


class LookRenderer(TemplatesSetting):
    """Forms and fields through templates/components/."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


def offer(form: forms.BaseForm, name: str, choices: Iterable[Any]) -> None:
    """Let the list ``name`` of a form offer ``choices``: pairs of value and label, or groups of pairs."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)


class DateInput(forms.DateInput):
    """The browser's own date field; the value is always YYYY-MM-DD."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class TimeInput(forms.TimeInput):
    """The browser's own time field, to the minute."""

    input_type = "time"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%H:%M")


class Switch(forms.CheckboxInput):
    """A checkbox that looks like a switch: for settings that are on or off."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"class": "switch", "role": "switch", **(attrs or {})})


class ChoiceCards(forms.RadioSelect):
    """Radio buttons as cards. ``about`` maps a value to (sentence, icon name)."""

    template_name = "components/widgets/choice_cards.html"

    def __init__(
        self,
        attrs: dict[str, Any] | None = None,
        choices: Any = (),
        *,
        about: Mapping[str, tuple[str, str]] | None = None,
        columns: str = "",
    ) -> None:
        super().__init__(attrs, choices)
        self.about = dict(about or {})
        self.columns = columns

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        option["text"], option["icon"] = self.about.get(str(value), ("", ""))
        return option

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["columns"] = self.columns
        return context


class Combobox(forms.Select):
    """A select that one can type into (combobox.js). Without script it is the select."""

    def __init__(self, attrs: dict[str, Any] | None = None, choices: Any = ()) -> None:
        super().__init__({"data-combobox": "", **(attrs or {})}, choices)


class UploadZone(forms.FileInput):
    """A place to drop a file on. ``words`` says what fits: "CSV, up to 100 MB"."""

    template_name = "components/widgets/upload.html"

    def __init__(self, attrs: dict[str, Any] | None = None, *, words: str = "") -> None:
        super().__init__(attrs)
        self.words = words

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["words"] = self.words
        return context


class UploadZones(UploadZone):
    """The same for several files at once; `request.FILES.getlist(name)` has them."""

    allow_multiple_selected = True


class ZonedDateTimeWidget(forms.MultiWidget):
    """Date and time with the name of the clinic's zone behind them, or with ``words`` about another one."""

    template_name = "components/widgets/zoned.html"
    use_fieldset = True

    def __init__(self, attrs: dict[str, Any] | None = None, *, words: str = "") -> None:
        self.words = words
        super().__init__({"date": DateInput({"aria-label": "Date"}), "time": TimeInput({"aria-label": "Time"})}, attrs)

    def decompress(self, value: datetime | None) -> list[date | time | None]:
        if value is None:
            return [None, None]
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        return [local.date(), local.time().replace(second=0, microsecond=0)]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["zone"] = self.words or datewords.zone(timezone.get_current_timezone_name())
        return context


class ZonedDateTimeField(forms.SplitDateTimeField):
    """A moment in the clinic's zone (the active time zone), as an aware datetime. A time that the change of clocks
    skips or repeats is refused with a sentence, as Django does."""

    widget = ZonedDateTimeWidget


def optional_text(longest: int = 200, **given: Any) -> forms.CharField:
    """A line of text that may stay empty, of at most ``longest`` characters."""
    return forms.CharField(required=False, max_length=longest, **given)
