"""The inbox of staff: conversations, and a patient's portal access."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages as toasts
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from apps.core import pages
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.permissions import Permission, may, require, role_of, roles_with
from apps.inbox import waiting
from apps.inbox.selectors import masked_names
from apps.portal import policy, selectors, services
from apps.portal.forms import typed, typed_once
from apps.portal.models import Conversation
from apps.portal.services import conversations
from apps.users.models import User


@require_safe
@require(Permission.INBOX_VIEW)
def inbox(request: HttpRequest) -> HttpResponseBase:
    """Conversations, unread first. Names stay masked until one is opened."""
    view = request.GET.get("view", "open")
    rows = _rows(view, request.user.pk)
    page = pages.keyset(
        selectors.with_last_word(rows).select_related("assigned"), request.GET.get("after", ""), key="place"
    )
    names = masked_names(actor=actor_of(request), ids=[row.person_id for row in page.items])
    return render(
        request,
        "portal/inbox/list.html",
        {
            "page": page,
            "rows": [(row, names.get(row.person_id, "Erased person")) for row in page.items],
            "view": view,
            "tabs": waiting.tabs(role_of(request), view),
        },
    )


def _rows(view: str, user_id: int | None) -> QuerySet[Conversation]:
    rows = Conversation.objects.all()
    if view == "mine":
        return rows.filter(assigned_id=user_id, state=Conversation.State.OPEN)
    if view == "all":
        return rows
    if view == "closed":
        return rows.filter(state=Conversation.State.CLOSED)
    return rows.filter(state=Conversation.State.OPEN)


@require_safe
@require(Permission.INBOX_VIEW)
def conversation(request: HttpRequest, conversation_id: int) -> HttpResponseBase:
    """One conversation, opened: the entry is written before the texts are."""
    return _conversation_page(request, conversation_id)


def _conversation_page(
    request: HttpRequest, conversation_id: int, *, text: str = "", problem: str = "", status: int = 200
) -> HttpResponse:
    found = services.conversation_open(
        actor=actor_of(request),
        conversation_id=conversation_id,
    )
    if found is None:
        raise Http404
    answered = conversations.last_answer_message(found.row)
    colleagues = [user for user in User.objects.filter(is_active=True) if user.may(Permission.INBOX_REPLY)]
    return render(
        request,
        "portal/inbox/conversation.html",
        {
            "found": found,
            "row": found.row,
            "person_url": _person_url(found.row.person_id),
            "crumbs": [("Inbox", reverse("portal:inbox")), (found.subject, "")],
            "may_reply": may(request, Permission.INBOX_REPLY),
            "who_may_reply": ", ".join(role.word for role in roles_with(Permission.INBOX_REPLY)),
            "colleagues": sorted(colleagues, key=lambda user: user.name.casefold()),
            "answered": answered,
            "text": text,
            "problem": problem,
            "once": uuid.uuid4(),
            "limit": policy.REPLY_LENGTH,
        },
        status=status,
    )


@require_POST
@require(Permission.INBOX_REPLY)
def answer(request: HttpRequest, conversation_id: int) -> HttpResponseBase:
    """Answer the patient; a refusal keeps the text."""
    text = request.POST.get("text", "")[: policy.REPLY_LENGTH * 4]
    try:
        services.conversation_answer(
            actor=actor_of(request),
            conversation_id=conversation_id,
            text=text,
            once=typed_once(request),
        )
    except Refused as refused:
        return _conversation_page(request, conversation_id, text=text, problem=str(refused), status=422)
    toasts.success(request, "Answer sent. The patient gets a notice of it.")
    return redirect("portal:conversation", conversation_id)


@require_POST
@require(Permission.INBOX_REPLY)
def assign(request: HttpRequest, conversation_id: int) -> HttpResponseBase:
    chosen = typed(request, "user", 20)
    return _act(
        request,
        services.conversation_assign,
        reverse("portal:conversation", args=[conversation_id]),
        "Assigned." if chosen else "Nobody is assigned now.",
        conversation_id=conversation_id,
        user_id=whole(chosen, None),
    )


@require_POST
@require(Permission.INBOX_REPLY)
def close(request: HttpRequest, conversation_id: int) -> HttpResponseBase:
    return _act(
        request,
        services.conversation_close,
        reverse("portal:inbox"),
        "Conversation closed. A new reply opens it again.",
        reverse("portal:conversation", args=[conversation_id]),
        conversation_id=conversation_id,
    )


@require_POST
@require(Permission.INBOX_REPLY)
def reopen(request: HttpRequest, conversation_id: int) -> HttpResponseBase:
    return _act(
        request,
        services.conversation_reopen,
        reverse("portal:conversation", args=[conversation_id]),
        "Conversation reopened.",
        conversation_id=conversation_id,
    )


@require_POST
@require(Permission.INBOX_REPLY)
def unlock(request: HttpRequest, person_id: int) -> HttpResponseBase:
    """Let a locked patient try again now (from the person's page)."""
    return _act(request, services.unlock, _back(request, person_id), "Portal access unlocked.", person_id=person_id)


@require_POST
@require(Permission.INBOX_REPLY)
def end_sessions(request: HttpRequest, person_id: int) -> HttpResponseBase:
    """Sign a patient out everywhere (from the person's page)."""
    return _act(
        request,
        services.sessions_end,
        _back(request, person_id),
        "The patient is signed out everywhere.",
        person_id=person_id,
    )


@require_POST
@require(Permission.INBOX_REPLY)
def access(request: HttpRequest, person_id: int) -> HttpResponseBase:
    """Close or open a patient's portal access (from the person's page)."""
    is_open = typed(request, "open", 3) == "yes"
    return _act(
        request,
        services.access_set,
        _back(request, person_id),
        "Portal access is open." if is_open else "Portal access is closed and the patient signed out.",
        person_id=person_id,
        is_open=is_open,
    )


def _act(
    request: HttpRequest, service: Any, target: str, said: str, refused_to: str = "", **given: Any
) -> HttpResponse:
    try:
        service(actor=actor_of(request), **given)
    except Refused as refused:
        toasts.error(request, str(refused))
        return redirect(refused_to or target)
    toasts.success(request, said)
    return redirect(target)


def _back(request: HttpRequest, person_id: int) -> str:
    """Where the button was pressed, if that is one of our own pages."""
    came_from = typed(request, "next", 200)
    if came_from and url_has_allowed_host_and_scheme(came_from, allowed_hosts=None):
        return came_from
    return _person_url(person_id) or reverse("portal:inbox")


def _person_url(person_id: int) -> str:
    for name in ("contacts:person", "contacts:detail"):
        try:
            return reverse(name, args=[person_id])
        except NoReverseMatch:
            continue
    return ""
