"""List, report, people behind a number, export."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.campaigns import naming, plans, selectors
from apps.campaigns.models import STARTED, State
from apps.campaigns.report import WHAT, Report, export_rows, figures_rows, number_behind, people_behind, report_of
from apps.campaigns.selectors import Opened
from apps.campaigns.views.preparing import ROUTE_TONES, route_words
from apps.campaigns.views.shared import campaign_or_404, decided, facts_of_list, shown_people
from apps.content.blocks import LANGUAGES
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.cells import line
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.permissions import Permission, may, require
from apps.delivery import selectors as delivery
from apps.delivery.policy.routing import HELD_HINTS, HELD_WORDS, Held, RouteName
from apps.mail.smtp_replies import CAUSE_WORDS
from apps.segments.naming import segment_names
from apps.ui.words import spell_out
from apps.vault.tokens import normalize

PAGE = 50
FEW = 1_000  # messages left, from which on the page says what they wait for; before, they simply wait their turn
# Names are sealed, so a page of them is chosen after opening: the last changed are shown, the others are searched for.
LISTED = 100
NEXT_STEP = {State.DRAFT: "audience", State.REJECTED: "approval"}


@require(Permission.CAMPAIGN_VIEW)
@require_http_methods(["GET", "POST"])
def campaign_list(request: HttpRequest) -> HttpResponse:
    """All campaigns, the last changed first; a search by POST, because a name may tell a condition."""
    query = " ".join(request.POST.get("q", "").split())
    wanted_state = request.POST.get("state", "")
    everyone = selectors.everyone()
    shown = [each for each in everyone if normalize(query) in normalize(each.name) and wanted_state in ("", each.state)]
    found, shown = len(shown), shown[:LISTED]
    planned = selectors.planned(each.id for each in shown)
    names = segment_names([each.stored.segment for each in shown if isinstance(each.stored.segment, int)])
    context = {
        "campaigns": [
            (
                each,
                level,
                each.row.audience if each.row.audience is not None else planned.get(each.id),
                naming.audience_words(each.stored, names),
            )
            for each, level in zip(shown, plans.list_levels(shown), strict=True)
        ],
        "found": found,
        "total": len(everyone),
        "query": query,
        "wanted_state": wanted_state,
        "states": State.choices,
        "may_edit": may(request, Permission.CAMPAIGN_EDIT),
    }
    return render(request, "campaigns/list.html", context)


@require(Permission.CAMPAIGN_VIEW)
@require_safe
def detail(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The report of what was sent; before that, the page of the wizard where it stands."""
    campaign = campaign_or_404(campaign_id)
    if campaign.row.state not in STARTED:
        step = NEXT_STEP.get(State(campaign.row.state), "approval")
        if step == "audience" and not may(request, Permission.CAMPAIGN_EDIT):
            step = "approval"
        if campaign.stored.template and campaign.stored.purpose and step == "audience":
            step = "approval"
        return redirect(f"campaigns:{step}", campaign_id)
    return render(request, "campaigns/report.html", report_context(request, campaign))


def report_context(request: HttpRequest, campaign: Opened) -> dict[str, Any]:
    """The report as tiles, charts and tables; every figure has the address of its list."""
    found: Report = report_of(campaign.row)

    def url(what: str, detail: str = "") -> str:
        if detail:
            return reverse("campaigns:people_of", args=[campaign.id, what, detail])
        return reverse("campaigns:people", args=[campaign.id, what])

    funnel = [("Audience", found.audience, "audience"), ("Sent", found.sent, "sent")]
    funnel += [("Delivered", found.delivered, "delivered"), ("Clicked", found.clicked, "clicked")]
    held_total = sum(found.held.values())
    return {
        "campaign": campaign,
        "report": found,
        "level": plans.list_levels([campaign])[0],
        "now": clock.now(),
        "decided": decided(campaign),
        "reviews": selectors.reviews(campaign.row),
        "funnel": [{"label": label, "value": value, "url": url(word)} for label, value, word in funnel],
        "protection": [
            {
                **route_words(RouteName(name), plans.list_levels([campaign])[0]),
                "value": count,
                "url": url("route", name),
                "tone": ROUTE_TONES[name],
            }
            for name, count in found.routes.items()
        ],
        "tiles": [
            (
                "Secured",
                found.secured,
                "secured",
                "Left protected: by a checked connection, a key of theirs or the portal.",
            ),
            ("Read in the portal", found.read, "read", "Opened the message in the portal."),
            (
                "Did not arrive",
                found.lost,
                "lost",
                f"Refused by the mail server: {delivery.lost_words(found.failed, found.bounced)}."
                if found.lost
                else "Refused by the mail server.",
            ),
            ("Unsubscribed", found.unsubscribed, "unsubscribed", "Stopped mail by this message."),
        ],
        "held": [
            {"word": HELD_WORDS[Held(name)], "hint": HELD_HINTS[Held(name)], "count": count, "url": url("held", name)}
            for name, count in found.held.items()
        ],
        "held_total": held_total,
        "languages": [
            {"label": LANGUAGES.get(code, code), "value": count, "url": url("language", code), "tone": number}
            for number, (code, count) in enumerate(found.languages.items(), start=1)
        ],
        "failures": [
            {"word": failure_word(name), "count": count, "url": url("failure", name)}
            for name, count in found.failures.items()
        ],
        "may_send": may(request, Permission.CAMPAIGN_SEND),
        "may_edit": may(request, Permission.CAMPAIGN_EDIT),
        "may_export": may(request, Permission.CONTACT_EXPORT),
        **_progress(campaign, found),
    }


def _progress(campaign: Opened, found: Report) -> dict[str, Any]:
    total = campaign.row.to_feed or 0
    done = found.queued - found.waiting
    running = campaign.row.state in (State.SENDING, State.PAUSED)
    again, due = 0, None
    if campaign.row.state == State.SENDING and found.waiting <= FEW:
        again, due = delivery.tried_again(kind="campaign", source_id=campaign.id)
    return {
        "again": again,
        "due": due,
        "total": total,
        "progress_title": "Paused" if campaign.row.state == State.PAUSED else "Sending",
        "finished": done,
        "running": running,
        "poll_url": reverse("campaigns:progress", args=[campaign.id]) if campaign.row.state == State.SENDING else "",
    }


@require(Permission.CAMPAIGN_VIEW)
@require_safe
def progress(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Every figure of the report, asked again every three seconds while it is sent; then the page is loaded anew."""
    campaign = campaign_or_404(campaign_id)
    if campaign.row.state == State.SENDING:
        return render(request, "campaigns/_report.html", report_context(request, campaign))
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse("campaigns:detail", args=[campaign_id])
    return response


@require(Permission.CAMPAIGN_VIEW)
@require_safe
def people(request: HttpRequest, campaign_id: int, what: str, detail: str = "") -> HttpResponse:
    """The people behind one figure of the report, masked; opening them is on the trail."""
    campaign = campaign_or_404(campaign_id)
    try:
        title = _title(what, detail, plans.list_levels([campaign])[0])
    except (ValueError, KeyError):
        raise Http404 from None
    after = whole(request.GET.get("after", ""), 0)
    word = f"{what}:{detail}" if detail else what
    try:
        ids = people_behind(campaign.row, word, after=after, size=PAGE + 1)
        total = number_behind(campaign.row, word)
    except Refused:
        raise Http404 from None
    context = {
        "campaign": campaign,
        "title": title,
        "facts": facts_of_list(campaign.name, total),
        "people": shown_people(request, ids[:PAGE], "campaign report"),
        "next": ids[PAGE - 1] if len(ids) > PAGE else "",
        "back": reverse("campaigns:detail", args=[campaign_id]),
        "back_label": "Back to the report",
    }
    return render(request, "campaigns/people.html", context)


def _title(what: str, detail: str, level: int) -> str:
    if what == "route":
        return route_words(RouteName(detail), level)["label"]
    if what == "language":
        return f"Got it in {LANGUAGES[detail]}"
    if what == "held":
        return HELD_WORDS[Held(detail)]
    if what == "failure":
        return failure_word(detail)
    return WHAT[what]


def failure_word(cause: str) -> str:
    """Why a message did not arrive, in words a marketer can use: "hard" says nothing."""
    known = {item.value: words for item, words in CAUSE_WORDS.items()}
    return known.get(cause) or spell_out(cause)


@require(Permission.CAMPAIGN_VIEW)
@require_POST
def figures(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The numbers of the report as CSV, for everybody who may read it: nobody stands in it."""
    campaign = campaign_or_404(campaign_id)
    level = plans.list_levels([campaign])[0]
    words: dict[str, Callable[[str], str]] = {
        "routes": lambda name: route_words(RouteName(name), level)["label"],
        "held": lambda name: HELD_WORDS[Held(name)],
        "failures": failure_word,
        "languages": lambda code: LANGUAGES.get(code, code),
    }
    rows = figures_rows(actor=actor_of(request), campaign=campaign.row, found=report_of(campaign.row), words=words)
    answer = HttpResponse("".join(map(line, rows)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="campaign-{campaign_id}-figures.csv"'
    return answer


@require(Permission.CONTACT_EXPORT)
@require_POST
def export(request: HttpRequest, campaign_id: int) -> HttpResponseBase:
    """One line a person, as CSV. On the trail before the first byte."""
    campaign = campaign_or_404(campaign_id)
    rows = export_rows(actor=actor_of(request), campaign=campaign.row, named=request.POST.get("named") == "yes")
    header = next(iter_rows := iter(rows))
    answer = StreamingHttpResponse(map(line, chain([header], iter_rows)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="campaign-{campaign_id}.csv"'
    return answer
