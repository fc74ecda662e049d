"""Pages that belong to no noun: the answer to a missing CSRF token."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page shown when a form's protection token is missing or old (usually: a page left open for long)."""
    return render(request, "403_csrf.html", status=403)
