"""The messages that left, wait or must not leave, and where each one went."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.pages import keyset
from apps.core.permissions import Permission, require
from apps.delivery import selectors, services
from apps.delivery.models import OutboxMessage
from apps.delivery.models.outbox import MessageKind, State
from apps.delivery.outbox import story
from apps.delivery.page_parts import may_edit, people_shown, tabs
from apps.delivery.send import sources


@require(Permission.DELIVERY_VIEW)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Figures of now, what needs a person, and all messages, newest first."""
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    rows = OutboxMessage.objects.defer("content", "record", "evidence")
    if state == selectors.LOST:
        rows = rows.filter(state__in=[State.FAILED, State.BOUNCED])
    elif state in State.values:
        rows = rows.filter(state=state)
    if kind in MessageKind.values:
        rows = rows.filter(kind=kind)
    page = keyset(rows, request.GET.get("after", ""))
    names = sources.names_of((row.kind, row.source_id) for row in page.items)
    people = people_shown(request, (row.person_id for row in page.items))
    figures = selectors.figures()
    return render(
        request,
        "delivery/overview.html",
        {
            "tabs": tabs(request, "overview"),
            "figures": figures,
            "lost_words": selectors.lost_words(figures.failed, figures.bounced) if figures.lost else "",
            "page": page,
            "rows": [
                (
                    row,
                    names.get((row.kind, row.source_id or 0)),
                    story.reason_words(row.reason),
                    people[row.person_id],
                )
                for row in page.items
            ],
            "states": [*State.choices, (selectors.LOST, "Did not arrive")],
            "kinds": MessageKind.choices,
            "state": state,
            "kind": kind,
            "filtered": bool(state or kind),
        },
    )


@require(Permission.DELIVERY_VIEW)
@require_safe
def message(request: HttpRequest, message_id: int) -> HttpResponse:
    """Where did the data go? Opening it is on the trail."""
    return render(request, "delivery/message.html", _message_context(request, message_id))


@require(Permission.DELIVERY_VIEW)
@require_safe
def message_progress(request: HttpRequest, message_id: int) -> HttpResponse:
    """The part of the page that changes while the message is on its way (asked for again and again)."""
    row = OutboxMessage.objects.filter(pk=message_id).only("state").first()
    if row is None:
        raise Http404
    if row.state == State.QUEUED:
        # Nothing new, so nothing is opened and nothing needs to be on the trail.
        return HttpResponse(status=204)
    return render(request, "delivery/_message.html", _message_context(request, message_id))


@require(Permission.DELIVERY_EDIT)
@require_POST
def message_stop(request: HttpRequest, message_id: int) -> HttpResponse:
    """Stop a message that waits."""
    return _act(request, message_id, services.message_stop, "The message will not leave.")


@require(Permission.DELIVERY_EDIT)
@require_POST
def doubtful(request: HttpRequest, message_id: int) -> HttpResponse:
    """Decide about a message in doubt."""
    send = request.POST.get("decision") == "send"
    words = "The message is queued again." if send else "The message is closed as not sent."
    return _act(request, message_id, services.doubtful_resend, words, send=send)


def _act(request: HttpRequest, message_id: int, service: Any, words: str, **given: Any) -> HttpResponse:
    try:
        service(actor=actor_of(request), message_id=message_id, **given)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, words)
    return redirect("delivery:message", message_id)


def _message_context(request: HttpRequest, message_id: int) -> dict[str, Any]:
    row = OutboxMessage.objects.filter(pk=message_id).first()
    if row is None:
        raise Http404
    opened = selectors.message_data(
        actor=actor_of(request), message=row, purpose="delivery", parts=["record", "evidence"]
    )
    record = opened.get("record", {})
    address = str(record.get("to", ""))
    facts = [row.get_purpose_display()]
    if row.source_id is not None:
        name = sources.names_of([(row.kind, row.source_id)]).get((row.kind, row.source_id))
        facts.append(name or f"{row.get_kind_display()} {row.source_id}")
    if row.reason:
        facts.append(story.reason_words(row.reason))
    return {
        "row": row,
        "crumbs": [("Delivery", reverse("delivery:overview")), (f"Message {row.pk}", "")],
        "address": address,
        "record": record,
        "cipher": record.get("cipher", {}),
        "signatures": str(record.get("dkim", "")).count("DKIM-Signature:"),
        "facts": facts,
        "reason": story.reason_words(row.reason),
        "chapters": story.tell(opened.get("evidence", {}).get("attempts", []), hide=story.names_in(address)),
        "person": people_shown(request, [row.person_id])[row.person_id],
        "waiting": row.state == State.QUEUED,
        "next_try": selectors.next_try(row),
        "may_edit": may_edit(request),
    }
