"""The wizard: audience, message, purpose, plan, approval. One decision a page; Back loses nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from csp.decorators import csp_replace
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.campaigns import planning, plans, selectors, services
from apps.campaigns.audience import audience_of
from apps.campaigns.forms import AudienceForm, CommentForm, MessageForm, PurposeForm, ScheduleForm
from apps.campaigns.models import WITH_APPROVAL
from apps.campaigns.selectors import Opened
from apps.campaigns.spec import Spec, missing
from apps.campaigns.views.shared import campaign_or_404, facts_of_list, frame, shown_people
from apps.campaigns.views.testing import tested
from apps.content import previewing, variants
from apps.content import selectors as content
from apps.content.blocks import LANGUAGES
from apps.content.facts import invented_facts
from apps.content.merging import Rendered
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.numbers import NOTHING_SEEN, whole
from apps.core.permissions import Permission, require
from apps.delivery.policy.routing import HELD_HINTS, HELD_WORDS, ROUTE_HINTS, ROUTE_WORDS, Held, RouteName
from apps.organizations import selectors as organizations
from apps.segments.counting import absent_codes

PAGE = 50
# The mail's own styles may apply; nothing may run, load or be sent from it.
MAIL_POLICY = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": ["allow-same-origin"],
}
ROUTE_TONES = {"tls": 1, "portal": 2, "pgp": 3, "smime": 4}


@require(Permission.CAMPAIGN_EDIT)
@require_http_methods(["GET", "POST"])
def audience(request: HttpRequest, campaign_id: int | None = None) -> HttpResponse:
    """Name and audience; the first page of a new campaign."""
    campaign = campaign_or_404(campaign_id) if campaign_id is not None else None
    spec = campaign.spec if campaign else Spec()
    first = {
        "name": campaign.name if campaign else "",
        "who": "everybody" if spec.everybody else "segment",
        "segment": spec.segment,
        "exclude": list(spec.exclude),
    }
    form = AudienceForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        everybody = given["who"] == "everybody"
        wanted = replace(
            spec,
            segment="" if everybody else given["segment"],
            everybody=everybody,
            exclude=tuple(name for name in given.get("exclude", []) if name != given["segment"] or everybody),
        )
        if (saved := _save(request, campaign, given["name"], wanted, form)) is not None:
            return redirect("campaigns:message", saved)
    return _page(request, "campaigns/audience.html", campaign, "audience", form)


@require(Permission.CAMPAIGN_EDIT)
@require_http_methods(["GET", "POST"])
def message(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Template and sender, with the mail beside it."""
    campaign = campaign_or_404(campaign_id)
    first = {"template": campaign.spec.template, "brand": campaign.spec.brand}
    form = MessageForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        wanted = replace(campaign.spec, template=form.cleaned_data["template"], brand=form.cleaned_data["brand"])
        if (saved := _save(request, campaign, campaign.name, wanted, form)) is not None:
            if "stay" in request.POST:
                return redirect("campaigns:message", saved)
            return redirect("campaigns:purpose", saved)
    return _page(request, "campaigns/message.html", campaign, "message", form)


@require(Permission.CAMPAIGN_EDIT)
@require_http_methods(["GET", "POST"])
def purpose(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Legal purpose and remuneration."""
    campaign = campaign_or_404(campaign_id)
    spec = campaign.spec
    first = {
        "purpose": spec.purpose,
        "remuneration": spec.remuneration,
        "drug": spec.drug,
        "cost_statement": spec.cost_statement,
    }
    form = PurposeForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        wanted = replace(spec, **form.cleaned_data)
        wrong = [sentence for step, sentence in missing(wanted) if step == "purpose"]
        for sentence in wrong:
            form.add_error(None, sentence)
        if not wrong and (saved := _save(request, campaign, campaign.name, wanted, form)) is not None:
            return redirect("campaigns:plan", saved)
    return _page(request, "campaigns/purpose.html", campaign, "purpose", form)


@require(Permission.CAMPAIGN_VIEW)
@require_safe
def plan(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """How many by which route, how many held and why; every number opens its list."""
    campaign = campaign_or_404(campaign_id)
    context = frame(request, campaign, "plan")
    try:
        drawn = plans.plan_at_hand(actor=actor_of(request), campaign=campaign)
    except Refused as refusal:
        return render(request, "campaigns/plan.html", context | {"refused": str(refusal)})
    if drawn is None:
        return render(request, "campaigns/drawing.html", context)
    return render(request, "campaigns/plan.html", context | plan_context(campaign, drawn))


def route_words(route: RouteName, level: int) -> dict[str, str]:
    """The label and note of a way in a chart; what says little about anybody also goes without a checked connection."""
    if route is RouteName.TLS and level < Level.HEALTH:
        note = "Ordinary mail; the connection is encrypted wherever the mail server can"
        return {"label": "TLS where possible", "note": note}
    return {"label": ROUTE_WORDS[route], "note": ROUTE_HINTS[route]}


def plan_context(campaign: Opened, drawn: planning.Plan) -> dict[str, Any]:
    """The plan as rows of a chart and of a table."""

    def url(kind: str, word: str) -> str:
        return reverse("campaigns:plan_people", args=[campaign.id, kind, word])

    audience = audience_of(campaign.stored)
    written = selectors.languages(campaign)
    readers = drawn.readers
    main = written[0] if written else ""
    got = {code: readers.get(code, 0) for code in written}
    if main:
        got[main] = drawn.going - sum(count for code, count in got.items() if code != main)
    version = selectors.template_version(campaign.row.template_version)
    return {
        "plan": drawn,
        "absent": absent_codes(audience.rule, audience.names),
        "template_id": version.template_id if version is not None else None,
        "older": [(LANGUAGES[code], places) for code, places in selectors.older_translations(campaign)],
        "main_language": LANGUAGES.get(main, ""),
        "measured": plans.measuring(campaign.id) is not None,
        "language_rows": [
            {"label": LANGUAGES[code], "value": count, "tone": number}
            for number, (code, count) in enumerate(got.items(), start=1)
        ],
        "language_notes": [
            f"{count:,} {'person reads' if count == 1 else 'people read'} {LANGUAGES.get(code, 'another language')}, "
            f"which this template is not written in: they get it in {LANGUAGES[main]}."
            for code, count in sorted(readers.items())
            if main and code and code not in written
        ],
        "route_rows": [
            {
                **route_words(RouteName(name), drawn.level),
                "value": count,
                "url": url("route", name),
                "tone": ROUTE_TONES[name],
            }
            for name, count in drawn.routes.items()
        ],
        "held_rows": [
            {"word": HELD_WORDS[Held(name)], "hint": HELD_HINTS[Held(name)], "count": count, "url": url("held", name)}
            for name, count in drawn.held.items()
        ],
        "held_total": sum(drawn.held.values()),
        "reasons": sorted({(line.route, line.reason) for line in drawn.lines if line.route}),
    }


@require(Permission.CAMPAIGN_EDIT)
@require_POST
def measure(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Look at the mail servers nobody measured yet, then draw the plan again."""
    campaign = campaign_or_404(campaign_id)
    try:
        found = plans.measure_unknown(actor=actor_of(request), campaign=campaign)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Measured {found} mail domain{'s' if found != 1 else ''}.")
    return redirect("campaigns:plan", campaign_id)


@require(Permission.CAMPAIGN_EDIT)
@require_http_methods(["GET", "POST"])
def measuring(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Measure in the background (POST, by the page itself), and how far it is (GET); then the plan is drawn again."""
    campaign = campaign_or_404(campaign_id)
    if request.method == "POST" and not plans.measure_begin(actor=actor_of(request), campaign_id=campaign.id):
        return render(request, "campaigns/_measure.html", {"campaign": campaign})
    found = plans.measuring(campaign.id)
    if found is not None and found[0] == "running":
        return render(request, "campaigns/_measuring.html", {"campaign": campaign, "measured": found[1]})
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse("campaigns:plan", args=[campaign.id])
    return response


@require(Permission.CAMPAIGN_VIEW)
@require_safe
def drawing(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Whether the plan of very many people is drawn; then the page that waits (``?for=approval``) is loaded again."""
    campaign = campaign_or_404(campaign_id)
    to = "approval" if request.GET.get("for") == "approval" else "plan"
    try:
        waits = plans.plan_at_hand(actor=actor_of(request), campaign=campaign) is None
    except Refused as refusal:
        return render(request, "campaigns/_drawing.html", {"refused": str(refusal)})
    if waits:
        return render(request, "campaigns/_drawing.html", {"campaign": campaign, "to": to})
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse(f"campaigns:{to}", args=[campaign.id])
    return response


@require(Permission.CAMPAIGN_VIEW)
@require_safe
def plan_people(request: HttpRequest, campaign_id: int, kind: str, word: str) -> HttpResponse:
    """The people behind one number of the plan, masked; opening them is on the trail."""
    campaign = campaign_or_404(campaign_id)
    try:
        level = plans.list_levels([campaign])[0]
        label = route_words(RouteName(word), level)["label"] if kind == "route" else HELD_WORDS[Held(word)]
    except ValueError:
        raise Http404 from None
    if kind not in ("route", "held"):
        raise Http404
    after = whole(request.GET.get("after", ""), 0)
    try:
        ids = plans.people_of(actor=actor_of(request), campaign=campaign, **{kind: word}, after=after, size=PAGE + 1)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("campaigns:plan", campaign_id)
    context = {
        "campaign": campaign,
        "title": label,
        "facts": facts_of_list(campaign.name, len(ids) if not after and len(ids) <= PAGE else None),
        "people": shown_people(request, ids[:PAGE], "campaign plan"),
        "next": ids[PAGE - 1] if len(ids) > PAGE else "",
        "back": reverse("campaigns:plan", args=[campaign_id]),
        "back_label": "Back to the plan",
    }
    return render(request, "campaigns/people.html", context)


@require(Permission.CAMPAIGN_VIEW)
@require_safe
def approval(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The last page says in words what will happen, and who decides."""
    return approval_page(request, campaign_id, ScheduleForm())


def approval_page(request: HttpRequest, campaign_id: int, schedule: ScheduleForm) -> HttpResponse:
    """The page of the decision; with status 422 when the time that was typed into it cannot be taken."""
    campaign = campaign_or_404(campaign_id)
    context = frame(request, campaign, "approval")
    context["reviews"] = selectors.reviews(campaign.row)
    context["mails"] = _mails(campaign)
    if context["may_edit"]:
        context |= tested(request, campaign.id)
    context["submission"] = selectors.submission(campaign.row)
    context["comment_form"] = CommentForm()
    context["schedule_form"] = schedule
    context["voided"] = selectors.voided(campaign.row)
    context["moved"] = campaign.state in WITH_APPROVAL and services.has_moved(campaign)
    context["own"] = services.why_not(actor_of(request), campaign.row)
    try:
        drawn = plans.plan_at_hand(actor=actor_of(request), campaign=campaign)
        if drawn is None:
            return render(request, "campaigns/drawing.html", context)
        context |= plan_context(campaign, drawn)
    except Refused as refusal:
        context["refused"] = str(refusal)
    return render(request, "campaigns/approval.html", context, status=422 if schedule.errors else 200)


@require(Permission.CAMPAIGN_VIEW)
@require_safe
@xframe_options_sameorigin
@csp_replace(MAIL_POLICY)  # type: ignore[arg-type]
def preview(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The mail with an invented person's facts, as a document of its own; ``?language=es`` in a further language."""
    shown = _shown(campaign_or_404(campaign_id), request.GET.get("language", ""))
    if shown is None:
        raise Http404
    return HttpResponse(shown.html)


def _shown(campaign: Opened, language: str) -> Rendered | None:
    """The mail with an invented person's facts, in `language` or the template's own; None without a template."""
    version = selectors.template_version(campaign.row.template_version)
    if version is None:
        return None
    # The same host under whatever name this page was opened: the policy lets the preview fetch nothing else.
    images = reverse("content:image", args=["x"])[:-1]
    zone = organizations.current().zone
    if campaign.row.skeleton_id is not None:
        # What was asked for or approved is what is shown, whatever became of the brand since.
        message = content.skeleton(campaign.row.skeleton_id)
        shown = previewing.show(message.in_language(language or message.language), invented_facts(), zone=zone)
        return replace(shown, html=shown.html.replace(content.brand_facts(None).asset_base, images))
    facts = replace(content.brand_facts(selectors.brand_of(campaign)), asset_base=images)
    design = variants.in_language(version.design, language or version.design.language)
    return previewing.preview(design, facts, invented_facts(), zone=zone)


def _mails(campaign: Opened | None) -> list[tuple[str, str, str, str]]:
    """The mails to look at: language in words, its code, subject and preview line as they arrive."""
    if campaign is None:
        return []
    found = [(words, code, _shown(campaign, code)) for words, code in campaign.previews]
    return [
        (words, code, shown.subject, previewing.preview_line(shown.html))
        for words, code, shown in found
        if shown is not None
    ]


def _page(request: HttpRequest, template: str, campaign: Opened | None, step: str, form: Any) -> HttpResponse:
    would_void = getattr(form, "would_void", False)
    context = frame(request, campaign, step) | {"form": form, "would_void": would_void}
    # A refused save stays one of the page it was typed on: pressed again it does not overwrite what it never showed.
    context["version"] = request.POST.get("version", campaign.row.version if campaign else "")
    if step == "message":
        context["mails"] = _mails(campaign)
        if campaign is not None:
            context |= tested(request, campaign.id)
    if not context["changeable"]:
        messages.error(
            request, "This campaign has begun or is scheduled, so it cannot be changed. Make a copy instead."
        )
        return redirect("campaigns:detail", campaign.id if campaign else 0)
    return render(request, template, context, status=422 if form.errors or would_void else 200)


def _save(request: HttpRequest, campaign: Opened | None, name: str, wanted: Spec, form: Any) -> int | None:
    """Save and say what it voided; None with the refusal, or the question whether to void, on the form."""
    try:
        saved = services.campaign_save(
            actor=actor_of(request),
            name=name,
            spec=wanted.as_json(),
            campaign_id=campaign.id if campaign else None,
            version=whole(request.POST.get("version", ""), NOTHING_SEEN),
            keep_approval=request.POST.get("void") != "yes",
        )
    except services.WouldVoid:
        form.would_void = True
        return None
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    if campaign is not None and campaign.state in WITH_APPROVAL and saved.state not in WITH_APPROVAL:
        messages.warning(request, "The approval does not hold any more, because the campaign changed.")
    return saved.pk
