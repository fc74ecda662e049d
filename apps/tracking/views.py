"""Addresses that strangers and programs open: a click, and the unsubscribe page."""

from __future__ import annotations

import re

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from apps.core import clock
from apps.core.actors import STRANGER
from apps.core.permissions import public
from apps.organizations import selectors as organizations
from apps.tracking import links, services, undoing
from apps.tracking.wording import TEXTS, texts

_LARGEST_BODY = 16 * 1024
_STEPS = {"stop", "stop_all", "undo"}


@public
def click(request: HttpRequest, token: str) -> HttpResponse:
    """Lead to the page that a link of a message meant. Any other token: a page that says so, never a redirect."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    try:
        link = links.read_click(token)
    except links.NotOurs:
        return _gone(request)
    url = services.click_record(
        actor=STRANGER,
        link=link,
        head=request.method == "HEAD",
        user_agent=request.headers.get("User-Agent", ""),
    )
    if url is None:
        return _gone(request)
    response = HttpResponse(status=302)
    response["Location"] = url
    # The page must not learn which message the visitor came from.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@public
@csrf_exempt  # RFC 8058: the token is the authority; a mail program has no cookie to prove anything with
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """RFC 8058 one-click POST, and the page for people. GET changes nothing; nothing here ever redirects.

    A token that is cut, altered or not ours is told so on every way (404): somebody who believes to be unsubscribed
    and is not would complain next. It opens no way to try tokens out, as their tags have 128 bits.
    """
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    try:
        link = links.read_unsubscribe(token)
    except links.NotOurs:
        return _page(request, {"shown": "incomplete"}, status=404)
    step = _step(request) if request.method == "POST" else ""
    now = clock.now()
    if step == "undo" and not undoing.is_young(str(request.POST.get("ticket", "")), now):
        step = "late"
    if step == "undo":
        services.resubscribe(link=link)
    elif step and step != "late":
        how = "one_click" if step == "one_click" else "page"
        services.unsubscribe(link=link, how=how, reminders=step == "stop_all")
    shown = {"": "ask", "one_click": "done", "stop": "done", "stop_all": "all", "undo": "undone", "late": "late"}[step]
    return _page(request, {"shown": shown, "ticket": undoing.ticket(now)})


def _page(request: HttpRequest, values: dict[str, str], status: int = 200) -> HttpResponse:
    language = _language(request)
    response = render(
        request,
        "tracking/unsubscribe.html",
        {"words": texts(language), "clinic": organizations.current(), **values},
        status=status,
    )
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Content-Language"] = language
    return response


def _step(request: HttpRequest) -> str:
    """What a POST asks for: "one_click", a step of the page, or nothing that we understand."""
    try:
        if int(request.headers.get("Content-Length") or 0) > _LARGEST_BODY:
            return ""
        sent = request.POST
    except (ValueError, MultiPartParserError, RawPostDataException, SuspiciousOperation):
        return ""
    except (RequestDataTooBig, TooManyFieldsSent):
        return ""
    for name, value in sent.items():
        if name.strip().lower() == "list-unsubscribe" and str(value).strip().lower() == "one-click":
            return "one_click"
    chosen = str(sent.get("step", ""))
    return chosen if chosen in _STEPS else ""


def _language(request: HttpRequest) -> str:
    """What the address asks for, else the browser's: never something that only a good token knows."""
    asked = str(request.GET.get("language", ""))
    if asked in TEXTS:
        return asked
    return "es" if re.match(r"\s*es\b", request.headers.get("Accept-Language", "")) else "en"


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "tracking/link_gone.html", {"clinic": organizations.current()}, status=404)
