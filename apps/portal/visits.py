"""What a portal page knows of its visitor: who, in which language; and the guard of patients' pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.permissions import public
from apps.organizations import selectors as organizations
from apps.portal import cookies, words
from apps.portal.services import Visit, session_resolve

View = Callable[..., HttpResponseBase]


def client_address(request: HttpRequest) -> str:
    """The network address that limits count; ``core.middleware.ProxyMiddleware`` looked behind our proxies."""
    return str(request.META.get("REMOTE_ADDR", ""))


def language_of(request: HttpRequest) -> str:
    """``en`` or ``es``: asked for here, chosen before, given by the page, or what the browser prefers."""
    for wish in (request.GET.get("lang", ""), request.COOKIES.get(cookies.LANGUAGE, "")):
        if wish in words.LANGUAGES:
            return wish
    default = getattr(request, "portal_language", "")
    if default:
        return words.known(default)
    first = request.headers.get("Accept-Language", "").split(",")[0]
    return words.known(first)


def stranger_page(view: View) -> View:
    """A page that needs no proof. Its answers are not cached, and its address goes nowhere as a referrer."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return _finish(request, view(request, *args, **kwargs))

    shown.portal = "stranger"  # type: ignore[attr-defined]
    return public(shown)


def patient_page(view: View) -> View:
    """A page for a patient who proved who they are; others are asked to. Sets ``request.visit``."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        visit = visit_of(request)
        if visit is None or visit.ended is not None:
            return _finish(request, _ended(request, visit))
        request.visit = visit  # type: ignore[attr-defined]
        request.actor = visit.actor  # type: ignore[attr-defined]
        return _finish(request, view(request, *args, **kwargs))

    shown.portal = "patient"  # type: ignore[attr-defined]
    return public(shown)


def visit_of(request: HttpRequest, passive: bool = False) -> Visit | None:
    """The visit of this browser (perhaps one that ended), or None."""
    return session_resolve(
        token=cookies.session_token(request), browser=cookies.browser_secret(request), passive=passive
    )


def page(request: HttpRequest, template: str, status: int = 200, **values: Any) -> HttpResponse:
    """Render a portal page in the visitor's language. ``stay``: where the language switch leads, if not here."""
    language = language_of(request)
    organization = organizations.current()
    visit = getattr(request, "visit", None)
    return render(
        request,
        f"portal/{template}.html",
        {
            "say": words.tree(language),
            "language": language,
            "languages": [{"code": code, "name": name} for code, name in words.LANGUAGES.items()],
            "clinic": organization,
            "zone": organization.timezone,
            "visit": visit,
            **values,
        },
        status=status,
    )


def statement(request: HttpRequest, what: str, status: int = 200, **values: Any) -> HttpResponse:
    """A page of one sentence of what happened and one of what to do (locked, gone, thanks, ...)."""
    return page(request, "statement", status, what=words.tree(language_of(request))[what], key=what, **values)


def _ended(request: HttpRequest, visit: Visit | None) -> HttpResponseBase:
    if request.headers.get("Accept") == "application/json":
        return HttpResponse(status=401)
    return redirect("portal:ended" if visit is not None else "portal:start")


def _finish(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response["Cache-Control"] = "no-store"
    # Not "no-referrer": then browsers send "Origin: null" with our own forms, which the CSRF check must refuse.
    response["Referrer-Policy"] = "same-origin"
    wish = request.GET.get("lang", "")
    if wish in words.LANGUAGES and not getattr(request, "portal_forgets", False):
        cookies.set_language(response, wish)
    return response
