"""Tasks for staff: what waits, one of them with its person, and having dealt with it."""

from __future__ import annotations

from django.contrib import messages as toasts
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.core import pages
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import Permission, may, require, role_of
from apps.inbox import selectors, services, task_kinds, waiting


@require_safe
@require(Permission.INBOX_VIEW)
def tasks(request: HttpRequest) -> HttpResponseBase:
    """What patients and mailboxes told us, open first."""
    role = role_of(request)
    page = pages.keyset(selectors.open_tasks(role), request.GET.get("after", ""))
    names = selectors.masked_names(actor=actor_of(request), ids=[row.person_id for row in page.items])
    return render(
        request,
        "inbox/tasks.html",
        {
            "page": page,
            "rows": [(row, task_kinds.of(row.kind), names.get(row.person_id, "Erased person")) for row in page.items],
            "tabs": waiting.tabs(role, "tasks"),
            "inbox_url": waiting.front_page(),
        },
    )


@require_safe
@require(Permission.INBOX_VIEW)
def task(request: HttpRequest, task_id: int) -> HttpResponseBase:
    """One task with its person and what it is about."""
    found = services.task_open(actor=actor_of(request), task_id=task_id)
    if found is None:
        raise Http404
    return render(
        request,
        "inbox/task.html",
        {
            "row": found.row,
            "kind": found.kind,
            "facts": found.facts,
            "person": found.person,
            "person_url": reverse("contacts:person", args=[found.row.person_id]),
            "crumbs": [("Inbox", waiting.front_page()), ("Tasks", reverse("inbox:tasks")), (found.kind.crumb, "")],
            "may_reply": may(request, Permission.INBOX_REPLY),
        },
    )


@require_POST
@require(Permission.INBOX_REPLY)
def done(request: HttpRequest, task_id: int) -> HttpResponse:
    """Somebody has dealt with it."""
    try:
        services.task_done(actor=actor_of(request), task_id=task_id)
    except Refused as refused:
        toasts.error(request, str(refused))
    else:
        toasts.success(request, "Task done.")
    return redirect("inbox:tasks")


@require_POST
@require(Permission.INBOX_REPLY)
def act(request: HttpRequest, task_id: int, address: str) -> HttpResponse:
    """What the kind of the task offers besides."""
    try:
        said = services.task_act(actor=actor_of(request), task_id=task_id, address=address)
    except Refused as refused:
        toasts.error(request, str(refused))
    else:
        toasts.success(request, said)
    return redirect("inbox:tasks")
