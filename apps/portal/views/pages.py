"""What a patient sees: messages, one message, reply, password, sign out."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core import clock
from apps.organizations import selectors as organizations
from apps.portal import cookies, documents, policy, selectors, services, words
from apps.portal.documents import Opened
from apps.portal.forms import typed_once
from apps.portal.services import Visit
from apps.portal.services.messages import ReplyRefused
from apps.portal.visits import language_of, page, patient_page, statement, stranger_page, visit_of

# The mail stands in a frame of its own: no script ever runs in it, nothing is sent from it, and nothing is fetched
# from anybody else. It may open links in new windows.
MAIL_POLICY = {
    "default-src": [NONE],
    "style-src": ["'unsafe-inline'"],
    "img-src": [SELF, "data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-same-origin", "allow-popups", "allow-popups-to-escape-sandbox"],
}


@require_safe
@patient_page
def messages(request: HttpRequest) -> HttpResponseBase:
    """All messages of this patient, newest first."""
    visit = _visit(request)
    lines = services.messages_list(actor=visit.actor, person_id=visit.person_id)
    account = selectors.account_of(visit.person_id)
    return page(
        request, "messages", lines=lines, offer_password=account is not None and not account.password, here="messages"
    )


@require_safe
@patient_page
def message(request: HttpRequest, public: UUID) -> HttpResponseBase:
    """One message with its conversation and the reply form."""
    visit = _visit(request)
    found = services.message_open(actor=visit.actor, person_id=visit.person_id, public=str(public))
    if found is None:
        return _missing(request)
    return _message_page(request, found, text=found.draft, sent="sent" in request.GET)


def _message_page(
    request: HttpRequest, found: Opened, *, text: str = "", problem: str = "", sent: bool = False, status: int = 200
) -> HttpResponse:
    as_text = "text" in request.GET or not found.html
    return page(
        request,
        "message",
        status,
        message=found,
        as_text=as_text,
        paragraphs=documents.paragraphs(found.text),
        text=text,
        problem=problem,
        sent=sent,
        once=uuid.uuid4(),
        limit=policy.REPLY_LENGTH,
        here="message",
        stay=reverse("portal:message", args=[found.public]),
    )


@csp(MAIL_POLICY)
@require_safe
@patient_page
def body(request: HttpRequest, public: UUID) -> HttpResponseBase:
    """The mail itself, for the frame on the message's page."""
    visit = _visit(request)
    found = services.message_open(actor=visit.actor, person_id=visit.person_id, public=str(public), whole=False)
    if found is None or not found.html:
        return HttpResponse(status=404)
    return HttpResponse(documents.framed(found.html), content_type="text/html; charset=utf-8")


@csp(MAIL_POLICY)
@require_safe
@patient_page
def download(request: HttpRequest, public: UUID, form: str) -> HttpResponseBase:
    """A copy to keep, as web page or text. The file's name says nothing."""
    visit = _visit(request)
    if form not in ("html", "txt"):
        return _missing(request)
    found = services.message_export(actor=visit.actor, person_id=visit.person_id, public=str(public), form=form)
    if found is None:
        return _missing(request)
    zone = organizations.current().timezone
    language = language_of(request)
    sent_at = words.moment(found.sent_at, zone, language)
    say = words.tree(language)["message"]
    if form == "txt":
        content, kind = documents.as_text(found, sent_at, say), "text/plain; charset=utf-8"
    else:
        content, kind = documents.as_page(found, sent_at, say, language), "text/html; charset=utf-8"
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="message.{form}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@stranger_page
def reply(request: HttpRequest, public: UUID) -> HttpResponseBase:
    """Send a reply. When the session has run out meanwhile, the text is kept as a draft before anything else."""
    if request.method != "POST":
        return redirect("portal:message", public)
    visit = visit_of(request)
    text = request.POST.get("text", "")[: policy.REPLY_LENGTH * 4]
    if visit is None:
        return redirect("portal:start")
    if visit.ended is not None:
        kept = visit.may_keep_a_draft(clock.now()) and services.draft_save(
            actor=visit.actor, person_id=visit.person_id, public=str(public), text=text
        )
        return redirect(reverse("portal:ended") + (f"?kept={public}" if kept else ""))
    request.visit, request.actor = visit, visit.actor  # type: ignore[attr-defined]
    try:
        sent = services.reply_send(
            actor=visit.actor, person_id=visit.person_id, public=str(public), text=text, once=typed_once(request)
        )
    except ReplyRefused as refused:
        services.draft_save(actor=visit.actor, person_id=visit.person_id, public=str(public), text=text)
        found = services.message_open(actor=visit.actor, person_id=visit.person_id, public=str(public))
        assert found is not None
        problem = words.tree(language_of(request))["reply"][refused.code.removeprefix("reply.")].format(
            n=f"{policy.REPLY_LENGTH:,}"
        )
        return _message_page(request, found, text=text, problem=problem, status=422)
    if not sent:
        return _missing(request)
    return redirect(reverse("portal:message", args=[public]) + "?sent#conversation")


@require_POST
@stranger_page
def draft(request: HttpRequest, public: UUID) -> HttpResponseBase:
    """Keep what is being typed (the page's script asks every few seconds, and once more at the end)."""
    visit = visit_of(request)
    if visit is None or (visit.ended is not None and not visit.may_keep_a_draft(clock.now())):
        return HttpResponse(status=401)
    text = request.POST.get("text", "")[: policy.REPLY_LENGTH * 2]
    if not services.draft_save(actor=visit.actor, person_id=visit.person_id, public=str(public), text=text):
        return HttpResponse(status=404)
    return JsonResponse({"seconds": visit.seconds})


@require_http_methods(["GET", "HEAD", "POST"])
@stranger_page
def session(request: HttpRequest) -> HttpResponseBase:
    """How long the session lasts. A GET only looks; a POST keeps it alive."""
    visit = visit_of(request, passive=request.method != "POST")
    if visit is None or visit.ended is not None:
        return HttpResponse(status=401)
    return JsonResponse({"seconds": visit.seconds})


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@patient_page
def set_password(request: HttpRequest) -> HttpResponseBase:
    """Set or replace the password of the portal account."""
    visit = _visit(request)
    account = selectors.account_of(visit.person_id)
    has = account is not None and bool(account.password)
    # Who came in by a code has just proven the mailbox: that is how a forgotten password is replaced.
    values: dict[str, Any] = {"has": has, "ask_current": has and visit.way == "password", "here": "password"}
    if request.method != "POST":
        return page(request, "set_password", done="done" in request.GET, **values)
    problem = services.password_set(
        actor=visit.actor,
        person_id=visit.person_id,
        session_id=visit.session_id,
        password=request.POST.get("password", "")[:1000],
        current=request.POST.get("current", "")[:1000] if values["ask_current"] else None,
        language=language_of(request),
    )
    if problem:
        shown = words.tree(language_of(request))["set"][problem]
        place = "current" if problem == "wrong" else "password"
        return page(request, "set_password", 422, problems={place: shown}, **values)
    return redirect(reverse("portal:set_password") + "?done")


@require_http_methods(["GET", "HEAD", "POST"])
@stranger_page
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """End the session of this browser."""
    if request.method != "POST":
        return redirect("portal:start")
    visit = visit_of(request, passive=True)
    if visit is not None and visit.ended is None:
        services.session_sign_out(actor=visit.actor, session_id=visit.session_id)
    response = redirect(reverse("portal:signed_out") + f"?lang={language_of(request)}")
    cookies.clear(response)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@patient_page
def not_you(request: HttpRequest) -> HttpResponseBase:
    """Somebody else is signed in here: a POST signs them out and goes to the front door."""
    if request.method != "POST":
        return page(request, "not_you", here="not_you")
    visit = _visit(request)
    services.session_sign_out(actor=visit.actor, session_id=visit.session_id)
    response = redirect("portal:start")
    cookies.clear(response)
    return response


def _missing(request: HttpRequest) -> HttpResponse:
    """No such message: never was, expired, or somebody else's. The answer is one and the same."""
    return statement(request, "missing", 404)


def _visit(request: HttpRequest) -> Visit:
    visit: Visit = request.visit  # type: ignore[attr-defined]
    return visit
