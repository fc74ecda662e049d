"""Fields of a form for an organization's own attributes, one for each, by its definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms

from apps.contacts import values
from apps.contacts.attributes.definitions import Attribute
from apps.ui.forms import DateInput

PREFIX = "own-"
KEEP_VALUE = "A value is on record. Leave empty to keep it."
KEEP_STRANGE = "A value is on record that does not fit the type. Leave empty to keep it."
LONGEST = 1000


def build(own: Sequence[Attribute], held: Mapping[str, Any], *, reveal: bool) -> dict[str, forms.Field]:
    """A field for each attribute, by its name in the form.

    ``held`` are the values on record. Without ``reveal``, and where a value does not fit the type (it came before the
    definition), the field comes empty and says that an empty one keeps what is there.
    """
    return {PREFIX + each.name: _field(each, held.get(each.name), reveal) for each in own}


def keeps(attribute: Attribute, held: Any, *, reveal: bool) -> bool:
    """Whether an empty field keeps the value on record instead of removing it."""
    return held not in (None, "") and (not reveal or _shown(attribute, held) == "")


def cleaned(attribute: Attribute, typed: Any) -> Any:
    """The value as profiles hold it, None for nothing. Raises ``ValidationError`` that says what is expected."""
    if typed in (None, ""):
        return None
    if isinstance(typed, date):
        return typed.isoformat()
    try:
        if attribute.type == "number":
            return values.number(typed)
        if attribute.type == "yes_no":
            return typed == "true"
        return values.text(str(typed), LONGEST) or None
    except values.BadValue as error:
        example = ", as 7 or 7.5" if attribute.type == "number" else ""
        raise forms.ValidationError(f"This {error}{example}.") from None


def _field(attribute: Attribute, held: Any, reveal: bool) -> forms.Field:
    shown = _shown(attribute, held) if reveal else ""
    help_text = ""
    if keeps(attribute, held, reveal=reveal):
        help_text = KEEP_STRANGE if reveal else KEEP_VALUE
    elif attribute.type == "number" and attribute.searchable and attribute.numbers is not None:
        help_text = f"Segments find it from {attribute.numbers.words()}."
    given: dict[str, Any] = {
        "required": False,
        "label": attribute.label,
        "initial": shown,
        "help_text": help_text,
    }
    if attribute.type in ("choice", "yes_no"):
        nothing = "Keep what is recorded" if help_text else "Not recorded"
        return forms.ChoiceField(choices=[("", nothing), *attribute.spec.choices], **given)
    if attribute.type == "date":
        return forms.DateField(widget=DateInput(), **given)
    if attribute.type == "number":
        return forms.CharField(max_length=40, widget=forms.TextInput(attrs={"inputmode": "decimal"}), **given)
    return forms.CharField(max_length=LONGEST, **given)


def _shown(attribute: Attribute, held: Any) -> Any:
    """The value as the field shows it; empty when there is none, or none that the type has."""
    if held in (None, ""):
        return ""
    if attribute.type == "yes_no":
        text = str(held).lower()
        return text if text in ("true", "false") else ""
    if attribute.type == "choice":
        return held if held in attribute.choices else ""
    if attribute.type == "date":
        try:
            return date.fromisoformat(str(held)).isoformat()
        except ValueError:
            return ""
    if attribute.type == "number":
        try:
            return "" if isinstance(held, bool) else str(values.number(str(held)))
        except values.BadValue:
            return ""
    return str(held)
