"""Pages that exist in the demo only."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core.permissions import public
from apps.demo import patients, staff


@public
def codes(request: HttpRequest) -> HttpResponse:
    """The demo's sign-ins with their current codes, because no visitor has the phone of an invented nurse."""
    shown = {"sign_ins": staff.sign_ins(), "password": staff.PASSWORD, "guests": patients.guests(3)}
    return render(request, "demo/codes.html", shown)


@public
def clinic(request: HttpRequest) -> HttpResponse:
    """Where the button of the demo's invitation leads: it plays a page of the clinic's own website."""
    return render(request, "demo/clinic.html")
