"""The portal's two cookies: the session token and the secret of the browser. Host-bound, unreadable by scripts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from apps.portal import policy, words

_HOST = "__Host-" if settings.SECURE else ""
SESSION = f"{_HOST}portal"
BROWSER = f"{_HOST}portal-browser"
LANGUAGE = f"{_HOST}portal-language"
_SECRET_LENGTH = 43


def session_token(request: HttpRequest) -> str:
    return _secret(request, SESSION)


def browser_secret(request: HttpRequest) -> str:
    """The secret of this browser, or "" when it has none of our shape."""
    return _secret(request, BROWSER)


def _secret(request: HttpRequest, name: str) -> str:
    value = request.COOKIES.get(name, "")
    return value if len(value) == _SECRET_LENGTH else ""


def set_browser(response: HttpResponseBase, secret: str) -> None:
    _set(response, BROWSER, secret, max_age=None)


def set_session(response: HttpResponseBase, token: str, browser: str) -> None:
    """Both secrets are new at every sign-in, so that one planted beforehand is worth nothing."""
    _set(response, SESSION, token, max_age=int(policy.WHOLE.total_seconds()) + 24 * 3600)
    _set(response, BROWSER, browser, max_age=None)


def set_language(response: HttpResponseBase, language: str) -> None:
    _set(response, LANGUAGE, words.known(language), max_age=365 * 24 * 3600)


def clear(response: HttpResponseBase) -> None:
    """Forget the session of this browser, and the language of who sat at it."""
    for name in (SESSION, BROWSER, LANGUAGE):
        response.delete_cookie(name, path="/", samesite="Lax")
        if settings.SECURE:
            response.cookies[name]["secure"] = True


def _set(response: HttpResponseBase, name: str, value: str, **more: Any) -> None:
    # Lax, not Strict: the first request comes from a link in a mail program.
    response.set_cookie(name, value, path="/", secure=settings.SECURE, httponly=True, samesite="Lax", **more)
