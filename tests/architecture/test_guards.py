"""Every address is guarded; the table of who may open what is read from the code itself."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.core.permissions import Permission

# Static files are served by middleware, not by a view of ours.


def all_patterns(resolver: URLResolver | None = None, prefix: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            found += all_patterns(entry, prefix + str(entry.pattern))
        else:
            found.append((prefix + str(entry.pattern), entry))
    return found


PATTERNS = all_patterns()


def an_address(route: str) -> str:
    """A concrete address of a route: ids are 999999, words and tokens are nonsense."""
    import re

    def fill(match: re.Match[str]) -> str:
        return "999999" if match.group(1) in ("int",) else "nonsense"

    return "/" + re.sub(r"<(?:(\w+):)?\w+>", fill, route).replace("\\Z", "").lstrip("^")


@pytest.mark.parametrize(("route", "pattern"), PATTERNS, ids=[route or "/" for route, _ in PATTERNS])
def test_every_address_says_who_may_open_it(route: str, pattern: URLPattern) -> None:
    guard = getattr(pattern.callback, "guard", None)
    assert guard is not None, "decorate the view: require(...), staff_only, enrolment or public"
    kind, _, permission = guard.partition(":")
    assert kind in {"permission", "staff", "enrolment", "public"}
    if kind == "permission":
        assert permission in set(Permission)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "route",
    [route for route, pattern in PATTERNS if getattr(pattern.callback, "guard", "") not in ("public",)],
)
def test_a_stranger_is_sent_to_the_sign_in(route: str) -> None:
    response = Client().get(an_address(route))
    assert response.status_code == 302
    assert response["Location"].startswith("/account/sign-in/")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "route", [route for route, pattern in PATTERNS if getattr(pattern.callback, "guard", "").startswith("permission")]
)
def test_a_password_alone_opens_no_page(route: str, cast) -> None:
    client = Client()
    client.force_login(cast.ada)
    response = client.get(an_address(route))
    assert response.status_code == 302
    assert response["Location"] in ("/account/verify/", "/account/enrol/")
