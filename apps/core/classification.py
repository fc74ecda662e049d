"""Every field of every model is sorted; a test fails on one that is not.

PLAIN holds nothing personal. TOKEN is a keyed value. SEALED is ciphertext. SECRET is a credential that is hashed or
sealed. There is no kind for personal data in clear: it goes into a SEALED field.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from django.db import models


class Kind(StrEnum):
    PLAIN = "plain"
    TOKEN = "token"  # noqa: S105 - a word, not a credential
    SEALED = "sealed"
    SECRET = "secret"  # noqa: S105


_REGISTRY: dict[str, dict[str, Kind]] = {}
M = TypeVar("M", bound=type[models.Model])


def classify(**kinds: Kind) -> Callable[[M], M]:
    """Class decorator of a model: names each own field with its kind.

    Raises ``ValueError`` for a name the model does not have, so that a renamed field is noticed at once.
    """

    def register(model: M) -> M:
        names = {field.name for field in model._meta.local_fields} | {
            field.name for field in model._meta.local_many_to_many
        }
        if unknown := set(kinds) - names:
            raise ValueError(f"{model.__name__} has no field {sorted(unknown)}")
        _REGISTRY[model._meta.label] = dict(kinds)
        return model

    return register


def classify_third_party(label: str, reason: str, **kinds: Kind) -> None:
    """Sort the fields of a library's model by its label (``auth.Group``); ``reason`` says why it is harmless."""
    if not reason:
        raise ValueError("Say why this table holds nothing personal.")
    _REGISTRY[label] = dict(kinds)


def kinds_of(model: type[models.Model]) -> dict[str, Kind]:
    """Field name to kind, as registered (empty when nobody sorted it)."""
    return _REGISTRY.get(model._meta.label, {})
