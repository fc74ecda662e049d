"""Shapes of what patients and staff type. Forms check shape, never save."""

from __future__ import annotations

import uuid
from datetime import date

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest

from apps.portal import policy


def typed(request: HttpRequest, name: str, length: int = 300) -> str:
    """One posted value, without surrounding space, cut at ``length``."""
    return request.POST.get(name, "").strip()[:length]


def typed_birth_date(request: HttpRequest) -> date | None:
    """The date of birth from its three fields, or None."""
    return policy.birth_date(typed(request, "year", 4), typed(request, "month", 2), typed(request, "day", 2))


def typed_once(request: HttpRequest) -> uuid.UUID:
    """The form's own number, so that it counts once; a missing one is drawn."""
    try:
        return uuid.UUID(typed(request, "once", 40))
    except ValueError:
        return uuid.uuid4()


def is_address(text: str) -> bool:
    """Whether this looks like an e-mail address."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254


def typed_public(request: HttpRequest) -> str:
    """The public id of a message as posted, or "" when it is not one."""
    try:
        return str(uuid.UUID(typed(request, "message", 40)))
    except ValueError:
        return ""
