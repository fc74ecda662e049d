"""Request context: who acts, and answers that no cache keeps."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core import actors
from apps.core.http import proxies

GetResponse = Callable[[HttpRequest], HttpResponse]


class ProxyMiddleware:
    """First of all: ``REMOTE_ADDR`` becomes the visitor's address, and nobody behind reads a header that was invented.

    Limits count by it. ``settings.PROXIES`` says how many reverse proxies of ours wrote into the headers.
    """

    INVENTED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_X_FORWARDED_HOST")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta, count = request.META, settings.PROXIES
        meta["REMOTE_ADDR"] = proxies.client_address(
            meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""), count
        )
        seen = proxies.scheme(meta.pop("HTTP_X_FORWARDED_PROTO", ""), count)
        if seen:
            meta["HTTP_X_FORWARDED_PROTO"] = seen
        for name in self.INVENTED:
            meta.pop(name, None)
        return self.get_response(request)


class BodilessMiddleware:
    """Takes the body off an answer that has none: to HEAD, and with 204 or 304 (RFC 9110 sections 9.3.2 and 6.4.1).

    Django leaves that to the server, and ours writes a warning for each: a stranger's HEAD requests would fill the log.
    ``Content-Length`` stays: to HEAD it says what GET would send.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "HEAD" or response.status_code in (204, 304):
            if response.streaming:
                response.streaming_content = ()  # type: ignore[attr-defined]
            else:
                response.content = b""
        return response


class ActorMiddleware:
    """Sets ``request.actor``. The portal replaces it when a patient proves who they are."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated:
            request.actor = actors.staff(user.pk, getattr(user, "role", ""))  # type: ignore[attr-defined]
        else:
            request.actor = actors.STRANGER  # type: ignore[attr-defined]
        return self.get_response(request)


class StrangersBodyMiddleware:
    """Refuses large bodies of whoever is not signed in, before anything reads them.

    Uploads of staff are held in memory (they never touch the disk in plain), so the limit for them is high. Nothing
    that strangers and patients send comes near a megabyte.
    """

    LARGEST = 1024 * 1024

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        if length > self.LARGEST and not request.user.is_authenticated:
            return HttpResponse("This is too much at once.\n", status=413, content_type="text/plain; charset=utf-8")
        return self.get_response(request)


class PrivateResponseMiddleware:
    """Pages hold health information: no cache keeps them (ASVS 14.3.2)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        response["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), browsing-topics=()"
        return response


class BareErrorMiddleware:
    """Gives a page of ours to errors that Django answers with an empty body, such as a wrong method (405)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        wants_page = "text/html" in request.headers.get("Accept", "") and not request.headers.get("HX-Request")
        if response.status_code == 405 and wants_page and not response.streaming and not response.content:
            page = render(request, "405.html", status=405)
            page["Allow"] = response.get("Allow", "")
            return page
        return response
