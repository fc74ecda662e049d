"""Letters that nobody proved, whom they are from, and the files that came along."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.contacts.person import searching
from apps.contacts.person.selectors import open_people
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.pages import keyset
from apps.core.permissions import Permission, require
from apps.core.strangers.opening import Unopened
from apps.delivery import selectors as delivery
from apps.delivery.letters import selectors, services
from apps.delivery.letters.selectors import FileFor
from apps.delivery.models import InboundMail
from apps.delivery.page_parts import person_url
from apps.mail.files.clamd import Scan
from apps.mail.files.opening import PATH

_FOUND = 20
# A file of a stranger that a browser shows all the same runs nothing and reaches nothing.
_NOTHING = "default-src 'none'; frame-ancestors 'none'; sandbox"


@require(Permission.INBOX_VIEW)
@require_safe
def unproven(request: HttpRequest) -> HttpResponse:
    """Letters whose sender nothing proves, those that wait first; nobody is named here."""
    everything = request.GET.get("show") == "all"
    rows = selectors.letters().filter(selectors.unproven()) if everything else selectors.unproven_waiting()
    page = keyset(rows.select_related("proof"), request.GET.get("after", ""))
    context = {"page": page, "rows": page.items, "everything": everything, "crumbs": _crumbs()}
    return render(request, "delivery/mail_unproven.html", context)


@require(Permission.INBOX_REPLY)
@require_http_methods(["GET", "HEAD", "POST"])
def who(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Look for the person a letter is from: by what staff type, so that nobody is named by the letter itself."""
    row = _nobodys(mail_id)
    text = request.POST.get("q", "").replace("\0", "").strip()[:200]
    people: list[dict[str, Any]] = []
    if text:
        ids = list(searching.people(text=text).order_by("-pk").values_list("pk", flat=True)[:_FOUND])
        if not ids:
            # "Nobody" is an answer too.
            record_read(actor=actor_of(request), action=Action.CONTACT_SEARCH, kind="person", purpose="inbox")
        found = open_people(
            actor=actor_of(request), purpose="inbox", ids=ids, action=Action.CONTACT_SEARCH, with_consents=False
        )
        people = [
            {"id": pk, "name": found[pk].name, "url": person_url(pk), "birth": _day(found[pk].get("birth_date"))}
            for pk in ids
            if pk in found
        ]
    # Asked for by the person at the screen: the letter's own sender, to be searched for or not.
    sender = str(delivery.mail_open(actor=actor_of(request), mail=row).get("sender", ""))
    crumbs = [*_crumbs(), ("Letter", reverse("delivery:mail", args=[row.pk])), ("Who wrote it?", "")]
    context = {"mail": row, "q": text, "sender": sender, "people": people, "crumbs": crumbs, "most": _FOUND}
    return render(request, "delivery/mail_who.html", context)


@require(Permission.INBOX_REPLY)
@require_POST
def choose(request: HttpRequest, mail_id: int, person_id: int) -> HttpResponse:
    """Staff says whom a letter is from."""
    return _act(request, mail_id, "Noted whom this letter is from.", services.person_choose, person_id=person_id)


@require(Permission.INBOX_REPLY)
@require_POST
def release(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Staff takes that back."""
    return _act(request, mail_id, "This letter names nobody again.", services.person_release)


@require(Permission.INBOX_VIEW)
@require_http_methods(["GET", "POST"])
def file(request: HttpRequest, mail_id: int, path: str) -> HttpResponse:
    """Hand out a file of a letter: at once, or after a warning; never what the scanner found malware in."""
    row = get_object_or_404(InboundMail, pk=mail_id)
    try:
        found = selectors.file_open(actor=actor_of(request), mail=row, path=_path(path))
    except Unopened as unopened:
        return _refused(request, row, unopened.trouble.words)
    if found is None:
        raise Http404
    if found.scan is Scan.INFECTED:
        services.malware_refused(actor=actor_of(request), mail=row, path=path)
        return _refused(request, row, "The virus scanner found malware in it, so it is not handed out.", found)
    if found.needs_warning and request.method != "POST":
        return _warned(request, row, found)
    response = _bare(found.data, found.file.kind.media_type)
    response["Content-Disposition"] = f'attachment; filename="{found.file.neutral_name}"'
    return response


@require(Permission.INBOX_VIEW)
@require_safe
def picture(request: HttpRequest, mail_id: int, path: str, page: int) -> HttpResponse:
    """A picture of a letter, turned and stripped of all but its pixels."""
    row = get_object_or_404(InboundMail, pk=mail_id)
    found = selectors.picture_open(actor=actor_of(request), mail=row, path=_path(path), page=min(page, 1000))
    if found is None:
        raise Http404
    return _bare(found.data, "image/jpeg")


def _day(text: object) -> date | None:
    return date.fromisoformat(str(text)) if text else None


def _bare(data: bytes, media_type: str) -> HttpResponse:
    response = HttpResponse(data, content_type=media_type)
    response["Content-Security-Policy"] = _NOTHING
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _act(request: HttpRequest, mail_id: int, said: str, service: Any, **given: int) -> HttpResponse:
    _letter(mail_id)
    try:
        service(actor=actor_of(request), mail_id=mail_id, **given)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect("delivery:mail", mail_id)


def _letter(mail_id: int) -> InboundMail:
    return get_object_or_404(InboundMail, pk=mail_id, kind=InboundMail.InboundKind.REPLY)


def _nobodys(mail_id: int) -> InboundMail:
    """A letter that names nobody yet; another one has no such page."""
    row = _letter(mail_id)
    if row.person_id is not None or row.message is not None:
        raise Http404
    return row


def _path(path: str) -> str:
    if not PATH.fullmatch(path):
        raise Http404
    return path


def _crumbs() -> list[tuple[str, str]]:
    return [("Answers by mail", reverse("delivery:mail_list"))]


def _file_crumbs(row: InboundMail) -> list[tuple[str, str]]:
    return [*_crumbs(), ("Letter", reverse("delivery:mail", args=[row.pk])), ("Attachment", "")]


def _refused(request: HttpRequest, row: InboundMail, words: str, found: FileFor | None = None) -> HttpResponse:
    context = {"mail": row, "words": words, "found": found, "crumbs": _file_crumbs(row)}
    return render(request, "delivery/mail_file.html", context, status=422)


def _warned(request: HttpRequest, row: InboundMail, found: FileFor) -> HttpResponse:
    return render(request, "delivery/mail_file.html", {"mail": row, "found": found, "crumbs": _file_crumbs(row)})
