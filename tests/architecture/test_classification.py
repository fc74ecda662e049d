"""Every column of every table is sorted, and none is for personal data in clear."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models

from apps.core.classification import Kind, kinds_of

ALL_MODELS = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model._meta.label)
def test_every_field_is_sorted(model: type[models.Model]) -> None:
    if model._meta.auto_created:
        fields = {field.name for field in model._meta.local_fields}
        assert all(isinstance(field, models.ForeignKey) or field.primary_key for field in model._meta.local_fields), (
            fields
        )
        return
    fields = {field.name for field in (*model._meta.local_fields, *model._meta.local_many_to_many)}
    fields |= {field.name for field in model._meta.private_fields if isinstance(field, models.Field)}
    assert set(kinds_of(model)) == fields, "name each field in @classify"


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model._meta.label)
def test_sealed_columns_are_binary_and_text_columns_are_plain_words(model: type[models.Model]) -> None:
    kinds = kinds_of(model)
    for field in model._meta.local_fields:
        if kinds.get(field.name) is Kind.SEALED:
            assert isinstance(field, models.BinaryField), f"{field.name} is sealed, so it holds bytes"
        if isinstance(field, models.TextField):
            assert model._meta.app_label not in LOCAL or kinds[field.name] is not Kind.PLAIN, (
                f"{field.name}: free text belongs under a seal"
            )


LOCAL = {config.label for config in apps.get_app_configs() if config.name.startswith("apps.")}


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model._meta.label)
def test_printing_a_row_shows_its_class_and_id_only(model: type[models.Model]) -> None:
    if model._meta.app_label not in LOCAL or model._meta.auto_created:
        return
    row = model()
    for field in model._meta.local_fields:
        if isinstance(field, models.CharField):
            setattr(row, field.attname, "Zebulon")
        elif isinstance(field, models.BinaryField):
            setattr(row, field.attname, b"Zebulon")
    if not isinstance(model._meta.pk, models.CharField):
        assert "Zebulon" not in f"{row} {row!r}"
