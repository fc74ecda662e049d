"""What an empty field is told: every form of the product says what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django import forms
from django.urls import get_resolver

from apps.ui.forms import ChoiceCards


def every_form(parent: type[forms.BaseForm] = forms.BaseForm) -> Iterator[type[forms.BaseForm]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("apps."):
            yield child
        yield from every_form(child)


def test_no_form_answers_with_a_bare_rule() -> None:
    assert get_resolver().url_patterns, "all views, and the forms they use, are imported"
    found = {form.__qualname__: form for form in every_form()}
    assert {"PersonForm", "PurposeForm", "UploadForm"} <= set(found)
    bare = [
        f"{name}.{field_name}"
        for name, form in found.items()
        for field_name, field in getattr(form, "base_fields", {}).items()
        if field.required and str(field.error_messages["required"]) == "This field is required."
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect), "Choose one of these."),
        (forms.ChoiceField(choices=[("a", "A")], widget=ChoiceCards), "Choose one of these."),
        (forms.TypedChoiceField(choices=[("a", "A")]), "Choose one of these."),
        (forms.MultipleChoiceField(choices=[("a", "A")]), "Choose at least one of these."),
        (forms.DateField(), "Give a date."),
        (forms.FileField(), "Choose a file."),
        (forms.BooleanField(), "Check this box to go on."),
        (forms.CharField(), "Fill this in."),
        (forms.CharField(error_messages={"required": "Say why."}), "Say why."),
    ],
)
def test_an_empty_field_is_told_what_to_do(field: forms.Field, words: str) -> None:
    with pytest.raises(forms.ValidationError) as told:
        field.clean(None)
    assert told.value.messages == [words]


def test_other_messages_of_a_field_stay() -> None:
    with pytest.raises(forms.ValidationError, match="Enter a valid date"):
        forms.DateField().clean("soon")
    with pytest.raises(forms.ValidationError, match="not one of the available choices"):
        forms.ChoiceField(choices=[("a", "A")]).clean("b")
