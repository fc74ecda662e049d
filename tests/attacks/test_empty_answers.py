"""Somebody fills the log: an answer that has no body sends none, so that the server need not complain each time."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application

pytestmark = pytest.mark.django_db


def asked(path: str, method: str, **more: str) -> tuple[str, dict[str, str], bytes]:
    """What reaches the server; the test client would take the body off itself."""
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "SERVER_NAME": "testserver", "SERVER_PORT": "80",
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(), "REMOTE_ADDR": "127.0.0.1",
        **more,
    }  # fmt: skip
    told: list[Any] = []
    answer = get_wsgi_application()(environ, lambda status, headers: told.extend((status, dict(headers))))
    body = b"".join(answer)
    return told[0], told[1], body


@pytest.mark.parametrize("path", ["/account/sign-in/", "/portal/", "/no/such/page", "/static/mark.svg", "/healthz"])
def test_an_answer_to_head_has_no_body_and_tells_its_length(path: str) -> None:
    status, headers, body = asked(path, "HEAD")
    assert body == b""
    whole = asked(path, "GET")
    assert status == whole[0]
    assert whole[2]
    if "Content-Length" in whole[1]:
        assert abs(int(headers["Content-Length"]) - len(whole[2])) < 100
