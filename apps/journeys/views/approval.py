"""What a second person looks at: where the approval of a journey stands, and the mails it sends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from apps.approvals import selectors as entries
from apps.content import blocks, previewing, variants
from apps.content import selectors as content
from apps.content.facts import invented_facts
from apps.core.actors import actor_of
from apps.core.permissions import Permission, allows, require, role_of
from apps.journeys import approvals, context, selectors
from apps.journeys.definition import mails
from apps.journeys.selectors import OpenedJourney
from apps.organizations import selectors as organizations

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
_WORDS = {"submitted": "Asked for approval", "approved": "Approved", "rejected": "Sent back"}
_ICONS = {"submitted": "clipboard-check", "approved": "circle-check", "rejected": "message"}


def panel(request: HttpRequest, journey: OpenedJourney) -> dict[str, Any]:
    """What the page "What will happen" says about approval."""
    role = role_of(request)
    standing = approvals.standing(journey.row, journey.draft)
    decides = allows(role, Permission.JOURNEY_APPROVE)
    return {
        "standing": standing,
        "submission": approvals.submission(journey.row),
        "may_approve": decides,
        "may_ask": allows(role, Permission.JOURNEY_EDIT),
        "own": approvals.why_not(actor_of(request), journey.row, journey.draft) if decides else "",
        "reviews": [
            {
                "title": _WORDS[row.decision],
                "icon": _ICONS[row.decision],
                "at": row.at,
                "comment": row.comment,
            }
            for row in entries.entries(approvals.KIND, journey.id)[:10]
        ],
        "letters": _letters(journey),
    }


def _letters(journey: OpenedJourney) -> list[dict[str, Any]]:
    """Every mail of the draft in every language it would go out in: the reviewer reads them all."""
    found = []
    for place, mail in mails(journey.draft):
        template = content.template_named(mail.template)
        languages = content.languages_of(template) if template is not None else ("",)
        for language in languages:
            name = blocks.LANGUAGES.get(language, "") if len(languages) > 1 else ""
            url = reverse("journeys:letter", args=[journey.id, place.step.id])
            found.append(
                {
                    "number": place.number,
                    "template": mail.template,
                    "language": name,
                    "note": f"With an invented person, in {name}" if name else "With an invented person",
                    "url": f"{url}?language={language}" if language else url,
                }
            )
    return found


@require(Permission.JOURNEY_VIEW)
@require_safe
@xframe_options_sameorigin
@csp_replace(MAIL_POLICY)  # type: ignore[arg-type]
def letter(request: HttpRequest, journey_id: int, step_id: str) -> HttpResponse:
    """The mail of one step as it would be activated now, with an invented person, as a document of its own.

    ``?language=es`` shows it in a further language.
    """
    journey = selectors.by_id(journey_id)
    mail = next((mail for place, mail in mails(journey.draft) if place.step.id == step_id), None)
    template = content.template_named(mail.template) if mail is not None else None
    if mail is None or template is None:
        raise Http404
    version = template.versions.filter(number=template.published).first()
    design = version.design if version is not None else blocks.parse(content.draft_data(template))
    design = variants.in_language(design, request.GET.get("language") or design.language)
    brand = context.brand_named(mail.sender) or template.brand
    # The same host under whatever name this page was opened: the policy lets the preview fetch nothing else.
    facts = replace(content.brand_facts(brand), asset_base=reverse("content:image", args=["x"])[:-1])
    return HttpResponse(previewing.preview(design, facts, invented_facts(), zone=organizations.current().zone).html)
