"""Addresses. Each app brings its own; nothing personal is ever in one."""

from django.apps import apps as installed
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from apps.users.views import sign_in as users

PREFIXES = {
    "dashboard": "",
    "ui": "",
    "users": "",
    "organizations": "settings/organization/",
    "imports": "contacts/imports/",
    "contacts": "contacts/",
    "segments": "segments/",
    "content": "templates/",
    "campaigns": "campaigns/",
    "journeys": "journeys/",
    "delivery": "delivery/",
    "audit": "audit/",
    "compliance": "compliance/",
    "tracking": "r/",
    "inbox": "portal/inbox/tasks/",
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
# Names by which the sign-in library finds its way.
urlpatterns += [
    path("account/sign-in/", users.sign_in, name="account_login"),
    path("account/sign-out/", users.sign_out, name="account_logout"),
    path("account/sign-up/", users.signup_closed, name="account_signup"),
    path("account/inactive/", users.signup_closed, name="account_inactive"),
    path("account/reset/", users.signup_closed, name="account_reset_password"),
]

handler403 = "apps.ui.error_pages.not_allowed"
