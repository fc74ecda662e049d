"""Addresses. Each app brings its own; nothing personal is ever in one."""

from django.apps import apps as installed
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

PREFIXES = {
    "analytics": "",
    "core": "",
    "users": "account/",
    "organizations": "settings/organization/",
    "contacts": "contacts/",
    "segments": "segments/",
    "content": "templates/",
    "campaigns": "campaigns/",
    "journeys": "journeys/",
    "delivery": "delivery/",
    "audit": "audit/",
    "compliance": "compliance/",
    "tracking": "r/",
    "portal": "portal/",
    "demo": "demo/",
}


def _exists(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


urlpatterns: list[URLPattern | URLResolver] = [
    path(prefix, include(f"apps.{label}.urls"))
    for label, prefix in PREFIXES.items()
    if installed.is_installed(f"apps.{label}") and _exists(f"apps.{label}.urls")
]
