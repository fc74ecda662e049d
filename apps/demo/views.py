"""Pages that exist in the demo only."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core.permissions import public
from apps.demo import staff


@public
def codes(request: HttpRequest) -> HttpResponse:
    """The demo's sign-ins with their current codes, because no visitor has the phone of an invented nurse."""
    return render(request, "demo/codes.html", {"sign_ins": staff.sign_ins(), "password": staff.PASSWORD})
