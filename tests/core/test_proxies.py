"""Who is there behind the proxies: a visitor, a visitor who invents headers, somebody who went around."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from apps.core.http import proxies
from apps.core.http.middleware import ProxyMiddleware

PROXY, OUTER, VISITOR, INVENTED = "10.0.0.1", "198.51.100.7", "203.0.113.9", "192.0.2.66"


@pytest.mark.parametrize(
    ("forwarded", "count", "found"),
    [
        ("", 0, PROXY),
        (VISITOR, 0, PROXY),  # no proxy of ours: the header is the visitor's own
        (VISITOR, 1, VISITOR),  # overwritten, or appended to nothing
        (f"{INVENTED}, {VISITOR}", 1, VISITOR),  # appended to what the visitor invented
        (f"{INVENTED},{INVENTED}, {VISITOR} ", 1, VISITOR),
        (f"{VISITOR}, {OUTER}", 2, VISITOR),
        (f"{INVENTED}, {VISITOR}, {OUTER}", 2, VISITOR),
        (VISITOR, 2, PROXY),  # around the outer proxy: nobody of ours vouches for this entry
        ("", 1, PROXY),
        ("unknown", 1, PROXY),
        ("_hidden, 999.1.1.1", 1, PROXY),
        (f"{VISITOR}:51234", 1, VISITOR),
        ("[2001:db8::5]:443", 1, "2001:db8::5"),
        ("2001:DB8:0::5", 1, "2001:db8::5"),
        (f"::ffff:{VISITOR}", 1, VISITOR),  # one person has one address, however it is written
    ],
)
def test_the_address_that_counts(forwarded: str, count: int, found: str) -> None:
    assert proxies.client_address(PROXY, forwarded, count) == found


@pytest.mark.parametrize(
    ("forwarded", "count", "found"),
    [("https", 0, ""), ("https", 1, "https"), ("https, http", 1, "http"), ("https, http", 2, "https"), ("", 1, "")],
)
def test_the_scheme_that_counts(forwarded: str, count: int, found: str) -> None:
    assert proxies.scheme(forwarded, count) == found


def through(settings, count: int, **headers: str) -> HttpRequest:
    settings.PROXIES = count
    seen: list[HttpRequest] = []
    request = RequestFactory(REMOTE_ADDR=PROXY).get("/", headers=headers)
    ProxyMiddleware(lambda given: seen.append(given) or HttpResponse())(request)
    return seen[0]


def test_nobody_behind_reads_an_invented_header(settings) -> None:
    invented = {
        "X-Forwarded-For": INVENTED,
        "X-Forwarded-Proto": "https",
        "X-Real-IP": INVENTED,
        "X-Forwarded-Host": "evil.test",
        "Forwarded": f"for={INVENTED}",
    }
    request = through(settings, 0, **invented)
    assert request.META["REMOTE_ADDR"] == PROXY
    assert not any(name in request.headers for name in invented)


def test_behind_one_proxy_the_visitor_is_the_address(settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    request = through(settings, 1, **{"X-Forwarded-For": f"{INVENTED}, {VISITOR}", "X-Forwarded-Proto": "https"})
    assert request.META["REMOTE_ADDR"] == VISITOR
    assert request.is_secure()
    assert "X-Forwarded-For" not in request.headers
