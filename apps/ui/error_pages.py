"""Pages that belong to no noun: what people read when something may not or cannot be done."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core.permissions import NotPermitted, Role, role_of, roles_with


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page shown when a form's protection token is missing or old (usually: a page left open for long)."""
    return render(request, "403_csrf.html", status=403)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: says which roles may do this and who can give the role. Strangers learn no role names."""
    holders = [role.word for role in roles_with(exception.permission)] if isinstance(exception, NotPermitted) else []
    mine = role_of(request)
    context = {"holders": holders, "role": Role(mine).word if mine in set(Role) else ""}
    return render(request, "403.html", context, status=403)
