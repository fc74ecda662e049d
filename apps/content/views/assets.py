"""The image library, and the public addresses of its images."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from apps.content import selectors, services
from apps.content.models import Asset
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import Permission, public, require


@require(Permission.TEMPLATE_EDIT)
@require_http_methods(["GET", "POST"])
def image_library(request: HttpRequest) -> HttpResponse:
    """The images to choose from; POST adds one. The editor asks for the list alone, a person for the page."""
    error, added = "", None
    if request.method == "POST":
        upload = request.FILES.get("file")
        try:
            if upload is None:
                raise Refused("image.missing", "Choose a file first.")
            added = services.asset_upload(
                actor=actor_of(request),
                data=upload.read(),
                file_name=upload.name or "",
                alt=request.POST.get("alt", ""),
            )
        except Refused as refusal:
            error = str(refusal)
    context = {"assets": list(Asset.objects.order_by("-pk")[:60]), "error": error, "added": added}
    if request.headers.get("HX-Request") != "true":
        if added is not None:
            messages.success(request, "Image added.")
            return redirect("content:images")
        return render(request, "content/images.html", context, status=422 if error else 200)
    return render(request, "content/_images.html", context, status=422 if error else 200)


@public
@require_GET
def image(request: HttpRequest, name: str) -> HttpResponse:
    """One image, for mail programs. The same for everybody; nothing is counted or set."""
    asset = get_object_or_404(Asset, name=name)
    response = HttpResponse(selectors.asset_bytes(asset), content_type=asset.media_type)
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"  # web mail shows it on its own pages
    response["Content-Disposition"] = "inline"
    return response
