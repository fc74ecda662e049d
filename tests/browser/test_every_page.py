"""Every staff page whose address has no number in it, with the demo's people: accessible, within the policy, and
readable at 320 px. A new page is on this list the day it gets its address."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, get_resolver

from apps.core import clock
from apps.demo import data

LEFT_OUT = {
    "components",  # has scenes of its own
    "demo/codes/",
    "account/session/",  # JSON
}


def addresses(resolver: URLResolver | None = None, prefix: str = "") -> list[str]:
    """Addresses without parameters that staff may open."""
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            found += addresses(entry, route)
        elif isinstance(entry, URLPattern) and "<" not in route and route not in LEFT_OUT:
            guard = getattr(entry.callback, "guard", "")
            if guard == "staff" or guard.startswith("permission:"):
                found.append(route)
    return sorted(found)


WINDOWS = [(1280, "dark"), (320, "light")]


def test_every_page_is_accessible_and_fits(enter, signed_in, fits) -> None:
    data.load(now=clock.now(), size=60)
    page = enter("ada")
    client = signed_in("ada")
    wrong, seen = [], 0
    for route in addresses():
        answer = client.get(f"/{route}")
        if answer.status_code != 200 or not answer.get("Content-Type", "").startswith("text/html"):
            continue  # for a button, or a part that htmx asks for
        if "<html" not in answer.content.decode():
            continue
        page.open(f"/{route}")
        seen += 1
        try:
            fits(page, WINDOWS)
        except AssertionError as error:
            wrong.append(str(error))
    assert seen > 15
    assert not wrong, "\n\n".join(wrong)
