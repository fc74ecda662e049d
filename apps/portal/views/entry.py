"""Before a patient is known: the link, the code, the password, the lost link, "this is not me"."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from apps.core import actors, clock
from apps.organizations import selectors as organizations
from apps.portal import cookies, policy, selectors, services, words
from apps.portal.forms import is_address, typed, typed_birth_date, typed_public
from apps.portal.models import NoticeLink
from apps.portal.services import Asked, SignInOutcome, State
from apps.portal.visits import client_address, language_of, page, statement, stranger_page, visit_of


@require_safe
@stranger_page
def start(request: HttpRequest) -> HttpResponseBase:
    """The portal's front door: whoever is signed in goes to their messages."""
    visit = visit_of(request)
    if visit is not None and visit.ended is None:
        return redirect("portal:messages")
    return page(request, "start")


@require_safe
@stranger_page
def link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Where a notice leads. It shows nothing and sends nothing: mail scanners open links too."""
    found = selectors.live_link(token)
    if found is None:
        return statement(request, "gone", 404)
    visit = visit_of(request)
    if visit is not None and visit.ended is None and found.message and found.message.person_id == visit.person_id:
        return redirect("portal:message", found.message.public)
    return page(request, "link", token=token)


@require_http_methods(["GET", "HEAD", "POST"])
@stranger_page
def code(request: HttpRequest, token: str) -> HttpResponseBase:
    """Send a code to the mailbox of the notice, for this browser. Only a POST does."""
    if request.method != "POST":
        return redirect("portal:link", token)
    found = selectors.live_link(token)
    if found is None:
        return statement(request, "gone", 404)
    browser = cookies.browser_secret(request) or policy.new_secret()
    asked = services.code_ask(link=found, browser=browser, ip=client_address(request), language=language_of(request))
    if asked is Asked.LOCKED:
        return _locked(request, None, stay=reverse("portal:link", args=[token]))
    if asked is Asked.OFTEN:
        return statement(request, "often", 429, back=token, stay=reverse("portal:link", args=[token]))
    if asked is Asked.GONE:
        return statement(request, "gone", 404, stay=reverse("portal:link", args=[token]))
    response = redirect("portal:prove", token)
    cookies.set_browser(response, browser)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@stranger_page
def prove(request: HttpRequest, token: str) -> HttpResponseBase:
    """Code and date of birth; both right opens the messages of the one person they fit."""
    found = selectors.live_link(token)
    if found is None:
        return statement(request, "gone", 404)
    if request.method != "POST" and not cookies.browser_secret(request):
        # Another browser never asked for a code, and one asked for elsewhere does not open here: ask for one first.
        return redirect("portal:link", token)
    if request.method != "POST":
        return page(request, "prove", token=token, **_birth_fields(request))
    typed_code, born = typed(request, "code", 40), typed_birth_date(request)
    say = words.tree(language_of(request))["prove"]
    problems = {}
    if not policy.bare_code(typed_code):
        problems["code"] = say["code_missing"]
    if born is None:
        problems["birth"] = say["birth_missing"]
    if problems:
        return _prove_again(request, token, problems=problems)
    outcome = services.code_prove(
        link=found,
        browser=cookies.browser_secret(request),
        code=typed_code,
        birth_date=born,
        digits=typed(request, "digits", 40),
        old_token=cookies.session_token(request),
    )
    match outcome.state:
        case State.IN:
            return _let_in(request, outcome, found)
        case State.LOCKED:
            return _locked(request, outcome)
        case State.CALL:
            return statement(request, "call", 403)
        case State.WHICH:
            return _prove_again(request, token, which=True, note=say["which"], status=200)
        case State.EXPIRED:
            return _prove_again(request, token, problems={"code": say["expired"]})
    wrong = say["wrong"].format(n=outcome.tries_left)
    return _prove_again(request, token, problems={"": wrong}, which=bool(typed(request, "digits")), forget=True)


def _prove_again(
    request: HttpRequest,
    token: str,
    *,
    problems: dict[str, str] | None = None,
    which: bool = False,
    note: str = "",
    status: int = 422,
    forget: bool = False,
) -> HttpResponse:
    typed_code = "" if forget else typed(request, "code", 40)
    return page(
        request,
        "prove",
        status,
        token=token,
        problems=problems or {},
        which=which,
        note=note,
        code=typed_code,
        **_birth_fields(request),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@stranger_page
def password(request: HttpRequest) -> HttpResponseBase:
    """Sign in with address, date of birth and password."""
    if request.method != "POST":
        return page(request, "password", **_birth_fields(request))
    say = words.tree(language_of(request))["password"]
    address, born = typed(request, "email"), typed_birth_date(request)
    secret = request.POST.get("password", "")[:1000]
    if not address or not secret or born is None:
        return page(request, "password", 422, problems={"": say["missing"]}, email=address, **_birth_fields(request))
    outcome = services.password_sign_in(
        address=address,
        birth_date=born,
        password=secret,
        ip=client_address(request),
        old_token=cookies.session_token(request),
    )
    if outcome.state is State.IN:
        return _let_in(request, outcome, None)
    if outcome.state is State.LOCKED:
        return _locked(request, outcome)
    if outcome.state is State.CALL:
        return statement(request, "call", 403)
    wrong = say["wrong"].format(n=outcome.tries_left)
    return page(request, "password", 422, problems={"": wrong}, email=address, **_birth_fields(request))


@require_http_methods(["GET", "HEAD", "POST"])
@stranger_page
def lost(request: HttpRequest) -> HttpResponseBase:
    """Ask for a fresh link. The answer is the same for every address."""
    if request.method != "POST":
        return page(request, "lost")
    address = typed(request, "email")
    if not is_address(address):
        problem = words.tree(language_of(request))["lost"]["bad"]
        return page(request, "lost", 422, problems={"email": problem}, email=address)
    services.lost_link_ask(address=address, ip=client_address(request), language=language_of(request))
    return redirect("portal:lost_done")


@require_safe
@stranger_page
def lost_done(request: HttpRequest) -> HttpResponseBase:
    """What comes next, whether we know the address or not."""
    return page(request, "lost_done")


@require_http_methods(["GET", "HEAD", "POST"])
@stranger_page
def not_me(request: HttpRequest, token: str) -> HttpResponseBase:
    """Whoever reads the mailbox says that the notice is not for them. A GET asks, a POST acts."""
    found = selectors.live_link(token)
    if found is None:
        return statement(request, "gone", 404)
    if request.method != "POST":
        return page(request, "not_me", token=token)
    services.not_me(actor=actors.STRANGER, link=found)
    response = redirect("portal:thanks")
    cookies.clear(response)
    return response


@require_safe
@stranger_page
def thanks(request: HttpRequest) -> HttpResponseBase:
    return page(request, "thanks")


@require_safe
@stranger_page
def ended(request: HttpRequest) -> HttpResponseBase:
    """The session ran out; what was being written is kept. ``kept`` names the message it belongs to."""
    return page(request, "ended", kept="kept" in request.GET, public=request.GET.get("kept", "")[:36])


@require_http_methods(["GET", "HEAD", "POST"])
@stranger_page
def again(request: HttpRequest) -> HttpResponseBase:
    """Come back after a session that ran out: straight to the page that sends a code."""
    visit = visit_of(request)
    if visit is None or request.method != "POST":
        return redirect("portal:start")
    if visit.ended is None:
        return redirect("portal:messages")
    token = ""
    if visit.may_keep_a_draft(clock.now()):
        public = typed_public(request)
        token = services.link_again(
            actor=visit.actor,
            person_id=visit.person_id,
            message=selectors.message_of(visit.person_id, public) if public else None,
        )
    return redirect("portal:link", token) if token else redirect("portal:start")


@require_safe
@stranger_page
def signed_out(request: HttpRequest) -> HttpResponseBase:
    """The last word, in the language of who was here; whoever comes next brings their own."""
    request.portal_forgets = True  # type: ignore[attr-defined]
    return page(request, "out")


# -- Together --------------------------------------------------------------------------------------------------


def _let_in(request: HttpRequest, outcome: SignInOutcome, link: NoticeLink | None) -> HttpResponse:
    rotate_token(request)
    message = link.message if link else None
    if message is not None and message.person_id == outcome.person_id:
        response = redirect("portal:message", message.public)
    else:
        response = redirect("portal:messages")
    cookies.set_session(response, outcome.token, outcome.browser)
    return response


def _locked(request: HttpRequest, outcome: SignInOutcome | None, stay: str = "") -> HttpResponse:
    until = outcome.until if outcome else None
    zone = organizations.current().timezone
    shown = words.time_of_day(until, zone, language_of(request)) if until else ""
    return page(request, "locked", 429, until=shown, stay=stay)


def _birth_fields(request: HttpRequest) -> dict[str, Any]:
    chosen = typed(request, "month", 2)
    names = words.months(language_of(request))
    return {
        "months": [
            {"number": number, "name": name, "chosen": str(number) == chosen} for number, name in enumerate(names, 1)
        ],
        "day": typed(request, "day", 2),
        "year": typed(request, "year", 4),
    }
