"""Messages become toasts on answers to htmx, and stay for the next page otherwise."""

from __future__ import annotations

import json

from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpResponse
from django.test import RequestFactory

from apps.ui.toasts import ToastMiddleware


def answer(response: HttpResponse, **headers: str) -> HttpResponse:
    request = RequestFactory().get("/", headers=headers)
    request._messages = CookieStorage(request)

    def view(request):
        messages.success(request, "Saved — “Año nuevo”.")
        return response

    return ToastMiddleware(view)(request)


def test_an_answer_to_htmx_carries_the_toast_in_ascii() -> None:
    header = answer(HttpResponse(), HX_Request="true")["HX-Trigger"]
    assert header.isascii()
    assert json.loads(header) == {"toast": {"text": "Saved — “Año nuevo”.", "kind": "success"}}


def test_a_whole_page_shows_its_own() -> None:
    assert "HX-Trigger" not in answer(HttpResponse())


def test_an_answer_that_leaves_the_page_keeps_the_message_for_the_next() -> None:
    for response in (HttpResponse(status=302), HttpResponse(headers={"HX-Redirect": "/"})):
        assert "HX-Trigger" not in answer(response, HX_Request="true")
