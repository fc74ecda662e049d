"""The editor: one page, and small answers that replace its parts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from csp.constants import NONCE
from csp.decorators import csp, csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from apps.content import blocks, lint, plaintext, preset_words, previewing, selectors, services, variants
from apps.content.design import BadTemplate, Design, Problem
from apps.content.editor.forms import merge_groups, settings_of, words_of
from apps.content.editor.languages import language_context
from apps.content.editor.operations import edit_of
from apps.content.editor.structure import tree
from apps.content.kinds import KINDS
from apps.content.kinds.protocol import Place
from apps.content.models import Asset, Brand, Template
from apps.content.views.templates import PREVIEW_CSP
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.permissions import Permission, allows, require
from apps.organizations import selectors as organizations

PERSON = "content_preview_person"
"""Session key: id of the person previews are shown as."""


@require(Permission.TEMPLATE_VIEW)
@require_GET
# Trix writes a style element of its own; it reads the nonce from the page (the one exception of its kind).
@csp_update({"style-src": [NONCE]})  # type: ignore[arg-type]
def template_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The editor, or for those who may only look the preview."""
    template = get_object_or_404(Template.objects.living(), pk=pk)
    can_edit = allows(request.user.role, Permission.TEMPLATE_EDIT)  # type: ignore[union-attr]
    context = _context(request, template, selected="", say="", variant=request.GET.get("variant", ""))
    context["palette"] = list(KINDS.values())
    context["person_name"] = _facts(request)[1]
    return render(request, "content/editor.html" if can_edit else "content/view.html", context)


def _facts(request: HttpRequest) -> tuple[dict[str, Any], str]:
    return selectors.preview_facts(actor=actor_of(request), person_id=request.session.get(PERSON))


def _context(request: HttpRequest, template: Template, *, selected: str, say: str, variant: str = "") -> dict[str, Any]:
    """What every part of the editor is drawn from. ``variant``: the further language that is written just now."""
    data = selectors.draft_data(template)
    design = blocks.parse(data)
    variant = variant if variant in variants.others(design) else ""
    begun = variants.started(design)
    facts = selectors.brand_facts(template.brand)
    findings = lint.check(design, facts, kind=template.kind)
    if variant:
        # Our own words stand there before anybody begins.
        design = blocks.parse(preset_words.begun(data, variant))
    catalog = facts.catalog()
    block = design.find(selected) if selected else None
    return {
        "template": template,
        "name": template.name,
        "design": design,
        "tree": tree(
            variants.in_language(design, variant or design.language).blocks,
            findings,
            catalog,
            gaps={gap.block for gap in _gaps(design, variant)},
            older={block_id for block_id, _ in variants.older(design, variant)},
        ),
        **language_context(design, variant, begun),
        "selected": block.id if block else "",
        "block_older": bool(block and variant and any(key == block.id for key, _ in variants.older(design, variant))),
        "chosen": block,
        "chosen_kind": KINDS[block.type] if block else None,
        "chosen_once": bool(block and KINDS[block.type].place is Place.END),
        "settings": (words_of(block, design, variant) if variant else settings_of(block, catalog)) if block else [],
        "merge_groups": merge_groups(design, block, catalog, account=template.kind != Template.Kinds.TEMPLATE),
        "findings": findings,
        "errors": sum(finding.error for finding in findings),
        "say": say,
        "can_undo": template.revisions.filter(number=template.revision - 1).exists(),
        "can_redo": template.revision < template.last_revision,
        "brands": list(Brand.objects.order_by("pk")),
        "languages": blocks.LANGUAGES,
        "text_draft": _text_draft(design, variant),
        "assets": list(Asset.objects.order_by("-pk")[:60]),
        "preview_url": reverse("content:preview", args=[template.pk]),
    }


def _gaps(design: Design, variant: str) -> list[Problem]:
    return variants.missing(design, variant) if variant else []


def _text_draft(design: Design, variant: str) -> str:
    shown = variants.in_language(design, variant) if variant else design
    return shown.text if shown.text is not None else plaintext.skeleton(shown)


@require(Permission.TEMPLATE_EDIT)
@require_POST
def template_change(request: HttpRequest, pk: int) -> HttpResponse:
    """One operation of the editor, saved at once. Answers with the parts to replace.

    409: somebody else saved meanwhile, nothing was changed. 422: the change is not possible, with the reason.
    """
    get_object_or_404(Template.objects.living(), pk=pk)
    version = whole(request.POST.get("version", ""), 0)
    op = request.POST.get("op", "")
    chosen: dict[str, str] = {"block": "", "say": ""}

    def edit(data: dict[str, Any]) -> dict[str, Any]:
        after, chosen["block"], chosen["say"] = edit_of(request.POST, data)
        return after

    actor = actor_of(request)
    try:
        if op in ("undo", "redo"):
            template = services.template_step_back(
                actor=actor, template_id=pk, version=version, steps=1 if op == "undo" else -1
            )
            chosen = {"block": request.POST.get("selected", ""), "say": "Undone." if op == "undo" else "Redone."}
        elif op == "brand":
            brand = Brand.objects.filter(pk=whole(request.POST.get("brand", ""), 0)).first()
            template = services.template_brand(actor=actor, template_id=pk, brand=brand, version=version)
        else:
            template = services.template_save(actor=actor, template_id=pk, version=version, edit=edit)
    except services.Stale as stale:
        return render(request, "content/_stale.html", {"message": str(stale), "pk": pk}, status=409)
    except BadTemplate as error:
        return render(request, "content/_refused.html", {"problems": error.problems}, status=422)
    except (Refused, ValueError) as error:
        message = str(error) if isinstance(error, Refused) else "That change could not be read. Try again."
        problems = [Problem(message)]
        return render(request, "content/_refused.html", {"problems": problems}, status=422)
    context = _context(
        request, template, selected=chosen["block"], say=chosen["say"], variant=request.POST.get("variant", "")
    )
    # While someone types, their form is left alone.
    typing = op in ("update", "message", "brand") or (
        op == "text" and bool(request.POST.get("own")) and not request.POST.get("fresh")
    )
    context["with_settings"] = not typing
    context["refocus"] = op in ("add", "up", "down", "move", "delete", "duplicate")
    return render(request, "content/_parts.html", context)


@require(Permission.TEMPLATE_EDIT)
@require_POST
def template_keep_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """What a stale tab could not save, as a copy: the revision it knew, with its change on top."""
    get_object_or_404(Template.objects.living(), pk=pk)
    revision = whole(request.POST.get("revision", ""), 0)
    copy = services.template_duplicate(
        actor=actor_of(request),
        template_id=pk,
        revision=revision,
        edit=lambda data: edit_of(request.POST, data)[0],
    )
    return HttpResponse(json.dumps({"url": reverse("content:edit", args=[copy.pk])}), content_type="application/json")


@require(Permission.TEMPLATE_EDIT)
@require_GET
def settings_panel(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of one block, or of the message when none is named."""
    template = get_object_or_404(Template.objects.living(), pk=pk)
    context = _context(
        request, template, selected=request.GET.get("block", ""), say="", variant=request.GET.get("variant", "")
    )
    return render(request, "content/_settings.html", context)


@require(Permission.TEMPLATE_VIEW)
@require_GET
@xframe_options_sameorigin
@csp(PREVIEW_CSP)  # type: ignore[arg-type]
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail as it would arrive: ``?dark=1``, ``?part=text``, ``?variant=es``; for the person of this session."""
    template = get_object_or_404(Template.objects.living(), pk=pk)
    data = selectors.draft_data(template)
    language = request.GET.get("variant") or data["language"]
    design = variants.in_language(blocks.parse(preset_words.begun(data, language)), language)
    sample = request.GET.get("sample") == "1"
    facts = selectors.preview_facts(actor=actor_of(request), person_id=None)[0] if sample else _facts(request)[0]
    # The same host under whatever name this page was opened: the policy lets the preview fetch nothing else.
    brand = replace(selectors.brand_facts(template.brand), asset_base=reverse("content:image", args=["x"])[:-1])
    shown = previewing.preview(
        design,
        brand,
        facts,
        zone=organizations.current().zone,
        dark=request.GET.get("dark") == "1",
        mark=request.GET.get("mark") == "1",
    )
    if request.GET.get("part") == "text":
        return render(request, "content/preview_text.html", {"text": shown.text, "dark": request.GET.get("dark")})
    # The editor shows the merged subject above the mail and reads it from here.
    meta = format_html('<meta name="subject" content="{}"></head>', shown.subject)
    return HttpResponse(shown.html.replace("</head>", meta, 1))


@require(Permission.CONTACT_VIEW)
@require_POST
def preview_person(request: HttpRequest, pk: int) -> HttpResponse:
    """Find people to preview as, choose one, or go back to the invented person."""
    get_object_or_404(Template.objects.living(), pk=pk)
    if "person" in request.POST:
        chosen = request.POST["person"]
        request.session[PERSON] = whole(chosen, None)
        name = _facts(request)[1]
        return render(request, "content/_person_chosen.html", {"person_name": name})
    found = selectors.people_found(actor=actor_of(request), text=request.POST.get("q", ""))
    may_see = allows(request.user.role, Permission.CONTACT_REVEAL)  # type: ignore[union-attr]
    context = {"found": found, "asked": request.POST.get("q", ""), "may_see": may_see}
    return render(request, "content/_people.html", context)


@require(Permission.TEMPLATE_EDIT)
@require_POST
def template_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Freeze the draft as a version, unless a check fails."""
    template = get_object_or_404(Template.objects.living(), pk=pk)
    design = blocks.parse(selectors.draft_data(template))
    errors = [f for f in lint.check(design, selectors.brand_facts(template.brand), kind=template.kind) if f.error]
    if errors:
        return render(request, "content/_refused.html", {"problems": errors, "publishing": True}, status=422)
    try:
        services.template_publish(
            actor=actor_of(request),
            template_id=pk,
            version=whole(request.POST.get("version", ""), 0),
        )
    except services.Stale as stale:
        return render(request, "content/_stale.html", {"message": str(stale), "pk": pk}, status=409)
    except Refused as refusal:
        context = {"problems": [{"message": str(refusal)}], "publishing": True}
        return render(request, "content/_refused.html", context, status=422)
    template.refresh_from_db()
    context = _context(
        request,
        template,
        selected=request.POST.get("selected", ""),
        say="",
        variant=request.POST.get("variant", ""),
    )
    context["say"] = f"Published as version {template.published}."
    return render(request, "content/_parts.html", context)
