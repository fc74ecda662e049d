"""The clinic's name, telephone and address, on every page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.organizations import selectors


def clinic(request: HttpRequest) -> dict[str, Any]:
    """Template variable ``clinic``: the organization, opened when a page first asks for it."""
    return {"clinic": SimpleLazyObject(selectors.current)}
