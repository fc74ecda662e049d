"""Letters that came by mail, and what was sorted out of them, for the people who answer patients."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.contacts.person import search_values
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.selectors import open_people
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.pages import Page, keyset
from apps.core.permissions import Permission, may, require
from apps.delivery import selectors, services
from apps.delivery.letters import selectors as letters
from apps.delivery.models import InboundMail
from apps.delivery.page_parts import person_url
from apps.inbox.selectors import masked_name

_FOLDED = frozenset({"quoted", "report", "other"})


@require(Permission.INBOX_VIEW)
@require_safe
def mail_list(request: HttpRequest) -> HttpResponse:
    """Answers by mail: those that wait first; all of them on request. Texts are not opened here."""
    everything = request.GET.get("show") == "all"
    rows = letters.letters().exclude(letters.unproven())
    if not everything:
        rows = rows.filter(state=InboundMail.State.WAITING)
    page = keyset(rows, request.GET.get("after", ""))
    return render(
        request,
        "delivery/mail_list.html",
        {
            "page": page,
            "rows": _named(request, page),
            "everything": everything,
            "put_off": selectors.inbound_put_off(),
            "unproven": letters.unproven_waiting().count(),
        },
    )


@require(Permission.INBOX_VIEW)
@require_safe
def mail_sorted(request: HttpRequest) -> HttpResponse:
    """What came in and is not among the letters, with the reason. Texts are not opened here."""
    page = keyset(selectors.inbound_sorted().defer("raw", "sealed"), request.GET.get("after", ""))
    given = {"page": page, "rows": _named(request, page), "days": settings.KEEP_REPORTS_DAYS}
    return render(request, "delivery/mail_sorted.html", given)


def _named(request: HttpRequest, page: Page[InboundMail]) -> list[tuple[InboundMail, str]]:
    """The mails of a page, each with the masked name of its person, "" when nobody is known."""
    people = open_people(
        actor=actor_of(request),
        purpose="inbox",
        ids=[row.person_id for row in page.items if row.person_id],
        with_consents=False,
    )
    return [(row, _masked(people.get(row.person_id or 0))) for row in page.items]


@require(Permission.INBOX_VIEW)
@require_safe
def mail(request: HttpRequest, mail_id: int) -> HttpResponse:
    """One letter, or one mail that was sorted out, as text; on the trail."""
    row = get_object_or_404(InboundMail, pk=mail_id)
    is_letter = row.kind == InboundMail.InboundKind.REPLY
    letter = selectors.mail_open(actor=actor_of(request), mail=row)
    people = open_people(
        actor=actor_of(request), purpose="inbox", ids=[row.person_id] if row.person_id else [], with_consents=False
    )
    person = people.get(row.person_id or 0)
    pieces = letter["pieces"]
    return render(
        request,
        "delivery/mail.html",
        {
            "mail": row,
            "is_letter": is_letter,
            "crumbs": [
                ("Answers by mail", reverse("delivery:mail_list")),
                ("Letter", "") if is_letter else ("Sorted out", reverse("delivery:mail_sorted")),
            ],
            "letter": letter,
            "pieces": pieces,
            # A mail of nothing but quotations and reports has nothing else to be read.
            "open_quotes": all(piece["kind"] in _FOLDED for piece in pieces),
            "unreadable": "\ufffd" in letter["text"],
            "person": person,
            "elsewhere": is_letter
            and person is not None
            and not _is_theirs(request, person, str(letter.get("sender", ""))),
            "person_url": person_url(row.person_id),
            **letters.letter_parts(row),
            "until": selectors.inbound_until(row.message) if row.message is not None else None,
            "may_reply": may(request, Permission.INBOX_REPLY),
        },
    )


def _is_theirs(request: HttpRequest, person: PersonRecord, sender: str) -> bool:
    """Whether a mail says that it comes from the mailbox on record, or from that of a guardian.

    Whoever was passed one of our messages, or reads along, answers to the same address.
    """
    mailbox = search_values.mailbox(sender)
    guardian = int(person.profile.get("guardian_id") or 0)
    mailboxes = [person.email]
    if guardian and mailbox != search_values.mailbox(person.email):
        found = open_people(actor=actor_of(request), purpose="inbox", ids=[guardian], with_consents=False)
        mailboxes += [each.email for each in found.values()]
    return any(each and search_values.mailbox(each) == mailbox for each in mailboxes)


def _masked(person: PersonRecord | None) -> str:
    return "" if person is None else masked_name(person)


@require(Permission.INBOX_VIEW)
@require_safe
def mail_original(request: HttpRequest, mail_id: int) -> HttpResponse:
    """The original of a mail, byte for byte, to be saved; on the trail. Its name says nothing."""
    row = get_object_or_404(InboundMail, pk=mail_id)
    raw = selectors.mail_original(actor=actor_of(request), mail=row)
    response = HttpResponse(raw, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="mail-{row.pk}.eml"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


@require(Permission.INBOX_REPLY)
@require_POST
def mail_to_letters(request: HttpRequest, mail_id: int) -> HttpResponse:
    """A mail that was sorted out is a letter."""
    try:
        services.mail_to_letters(actor=actor_of(request), mail_id=mail_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("delivery:mail_sorted")
    messages.success(request, "Moved to the letters.")
    return redirect("delivery:mail", mail_id)


@require(Permission.INBOX_REPLY)
@require_POST
def mail_finish(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Somebody has dealt with it."""
    try:
        services.mail_finish(actor=actor_of(request), mail_id=mail_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Marked as answered.")
    return redirect("delivery:mail_list")
