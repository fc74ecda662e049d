"""Pages of the demo mailboxes: what arrived, raw and as the patient's mail program shows it."""

from __future__ import annotations

from email.parser import BytesHeaderParser
from email.policy import default
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.permissions import public
from apps.demo import patients
from apps.demo.keyholders import Keyholders, Letter
from apps.demo.mail import Arrived, Store

SHOWN = 100
# A mail program runs no scripts and, here, fetches nothing from anywhere.
_PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)


def _home() -> Path:
    return Path(settings.CARELANE_HOME)


def _arrived(message_id: str) -> Arrived:
    found = Store(_home() / "demo-mail").get(message_id)
    if found is None:
        raise Http404
    return found


def _read(arrived: Arrived) -> Letter:
    return Keyholders(_home()).read(arrived.raw, arrived.mailbox)


@public
@require_http_methods(["GET", "POST"])
def mailboxes(request: HttpRequest) -> HttpResponse:
    """Everything that arrived, newest first; one mailbox by POST, because an address is never in a URL."""
    query = request.POST.get("q", "").strip().casefold()
    everything = Store(_home() / "demo-mail").all()
    chosen = [a for a in everything if query in a.mailbox]
    rows = [_row(arrived) for arrived in chosen[:SHOWN]]
    return render(
        request,
        "demo/mailboxes.html",
        {"rows": rows, "query": query, "total": len(everything), "found": len(chosen), "shown": SHOWN},
    )


def _row(arrived: Arrived) -> dict[str, Any]:
    """A line of the list, from the outside of the message only: opening a hundred with keys takes long."""
    head = BytesHeaderParser(policy=default).parsebytes(arrived.raw[:16_000])
    kind = head.get_content_type()
    lock = "pgp" if kind == "multipart/encrypted" else "smime" if kind.endswith("pkcs7-mime") else ""
    if not lock:
        lock = "tls" if " with TLS" in " ".join(str(head.get("Received", "")).split()) else "none"
    return {
        "id": arrived.id,
        "mailbox": arrived.mailbox,
        "at": arrived.at,
        "subject": str(head.get("Subject", "")),
        "sender": str(head.get("From", "")),
        "lock": lock,
    }


@public
@require_safe
def letter(request: HttpRequest, message_id: str) -> HttpResponse:
    """One message: as shown, as text, and raw."""
    arrived = _arrived(message_id)
    return render(
        request,
        "demo/letter.html",
        {
            "id": arrived.id,
            "mailbox": arrived.mailbox,
            "at": arrived.at,
            "letter": _read(arrived),
            "guest": patients.guest_of(arrived),
            "raw": arrived.raw.decode("utf-8", "replace")[:200_000],
            "crumbs": [("Demo mailboxes", reverse("demo:mailboxes")), ("Message", "")],
        },
    )


@public
@require_safe
@xframe_options_sameorigin
def letter_html(request: HttpRequest, message_id: str) -> HttpResponse:
    """The HTML part alone, for the sandboxed frame."""
    shown = _read(_arrived(message_id))
    response = HttpResponse(shown.html or "<p>This message has no HTML part.</p>")
    response["Content-Security-Policy"] = _PREVIEW_POLICY
    return response
