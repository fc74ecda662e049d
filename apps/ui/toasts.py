"""Messages on answers to htmx: what `messages.success(...)` said becomes a toast of the page that asked."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]
LEAVES_THE_PAGE = ("HX-Redirect", "HX-Refresh", "HX-Location")


class ToastMiddleware:
    """Moves pending messages into the header ``HX-Trigger`` (several toasts: the last one wins its place).

    An answer that leads to another page keeps them for that page. The header holds ASCII only (JSON escapes).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.headers.get("HX-Request") or response.status_code in (301, 302, 303, 401):
            return response
        if any(response.has_header(name) for name in (*LEAVES_THE_PAGE, "HX-Trigger")):
            return response
        pending = list(get_messages(request))
        if pending:
            text = " ".join(str(message) for message in pending)
            kind = pending[-1].level_tag or "info"
            response["HX-Trigger"] = json.dumps({"toast": {"text": text, "kind": kind}})
        return response
