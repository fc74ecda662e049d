"""Every address of the product, asked by everybody with ids that are too large, of others, or of nobody: never 500.

An error page for a strange id is a place where something was not thought of, and its frames go to the logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests import sizes

pytestmark = pytest.mark.django_db

FILL = {
    "int": str(2**63),
    "uuid": "00000000-0000-4000-8000-000000000000",
    "slug": "x" * 60,
    "str": "%00'\"<" + "x" * 80,
    "path": "../../etc/passwd",
}


def patterns(resolver: Any, before: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        elif isinstance(entry, URLPattern):
            yield route


def sample(turn: int, size: int, most: int) -> range | list[int]:
    """Places from 0 to ``size``: all in ``make proofs``, else ``most`` of them, the next ones at the next turn."""
    return range(size) if sizes.FULL else [(turn * most + one) % size for one in range(most)]


ROUTES = sorted(set(patterns(get_resolver())))


def addresses(number: str) -> list[str]:
    def fill(match: re.Match[str]) -> str:
        kind = (match[1] or "str:").rstrip(":")
        return number if kind == "int" else FILL[kind]

    return ["/" + re.sub(r"<(\w+:)?\w+>", fill, route) for route in ROUTES]


NUMBERS = (str(2**63), "9" * 40, "0")


@pytest.mark.proof
def test_strange_ids_are_never_an_error_of_ours(signed_in: Any) -> None:
    """Every address with one of the strange numbers; in ``make proofs`` with each of them."""
    ada = signed_in("ada")
    ada.raise_request_exception = False
    bad = []
    filled = zip(*map(addresses, NUMBERS), strict=True)
    asked = (each[place] for turn, each in enumerate(filled) for place in sample(turn, len(NUMBERS), 1))
    for address in dict.fromkeys(asked):
        # Checking the trail needs transactions of its own, which a test's transaction forbids.
        if address.startswith(("/account/sign-out", "/demo/", "/audit/integrity/verify/")):
            continue
        for method in ("get", "post"):
            answer = getattr(ada, method)(address)
            if answer.status_code >= 500:
                bad.append((method, address, answer.status_code))
    assert not bad


@pytest.mark.proof
def test_strange_queries_are_never_an_error_of_ours(signed_in: Any) -> None:
    """Every address with three of the strange values, other ones at the next; in ``make proofs`` with all nine."""
    ada = signed_in("ada")
    ada.raise_request_exception = False
    strange = ("²", "9" * 40, "-1", "\x00", "a" * 5000, "[1,2]", "%ff", "9999-12-31", "0001-01-01")
    names = ("after", "page", "kind", "show", "view", "person", "block", "from", "to", "q", "lang", "panel", "part")
    bad = []
    for number, route in enumerate(ROUTES):
        if "<" in route or route.startswith(("account/sign-out", "demo/")):
            continue
        for value in (strange[place] for place in sample(number, len(strange), 3)):
            answer = ada.get("/" + route, dict.fromkeys(names, value))
            if answer.status_code >= 500:
                bad.append((route, value[:10]))
    assert not bad


def test_strangers_are_answered_by_no_staff_page() -> None:
    client = Client(raise_request_exception=False)
    for address in addresses("1"):
        for method in ("get", "post"):
            answer = getattr(client, method)(address)
            assert answer.status_code < 500, (method, address)
            if answer.status_code == 200:
                public = r"/(account/(sign-in|invitation)|healthz|journeys/seen|portal/|r/[cu]/|demo/|settings/.*logo)"
                assert re.match(public, address), (method, address)
