"""Where "I have seen this" leads. The click itself was noted on the way here; this page knows nobody."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.permissions import public

WORDS = {
    "en": {
        "language": "en",
        "title": "Thank you",
        "said": "We know that you have seen our message. There is nothing else to do.",
        "call": "If something has changed, please call us:",
    },
    "es": {
        "language": "es",
        "title": "Gracias",
        "said": "Sabemos que ha visto nuestro mensaje. No tiene que hacer nada más.",
        "call": "Si algo ha cambiado, llámenos por favor:",
    },
}


@require_safe
@public
def seen(request: HttpRequest) -> HttpResponse:
    """One sentence of thanks and a telephone number, in English or Spanish (``?language=es``)."""
    language = request.GET.get("language", "en")
    return render(request, "journeys/seen.html", {"words": WORDS.get(language, WORDS["en"])})
