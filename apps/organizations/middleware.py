"""The clinic's time zone is the zone of every page and form."""

from __future__ import annotations

from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from apps.organizations import selectors

GetResponse = Callable[[HttpRequest], HttpResponse]


class ClinicZoneMiddleware:
    """Activates the organization's zone for the request; dates in pages and forms are the clinic's."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            zone = selectors.zone()
        except OperationalError:
            # The database is away. The health check says so itself; every other page fails where it asks for its rows.
            zone = selectors.DEFAULT_ZONE
        with timezone.override(zone):
            response = self.get_response(request)
            # A lazy template would otherwise be rendered after the zone is left.
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response.render()
            return response
