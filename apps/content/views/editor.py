"""The editor: one page, and small answers that replace its parts."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
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

from apps.content import blocks, editing, lint, plaintext, previewing, rich, selectors, services, shipped, variants
from apps.content.blocks import BLOCKS, BadTemplate, Block, Design
from apps.content.fields import MergeField
from apps.content.models import Asset, Brand, Template
from apps.content.views.templates import PREVIEW_CSP
from apps.content.views.translating import language_context, words_of
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
    context["palette"] = list(BLOCKS.values())
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
        design = blocks.parse(shipped.begun(data, variant))
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


def _gaps(design: Design, variant: str) -> list[blocks.Problem]:
    return variants.missing(design, variant) if variant else []


def _text_draft(design: Design, variant: str) -> str:
    shown = variants.in_language(design, variant) if variant else design
    return shown.text if shown.text is not None else plaintext.skeleton(shown)


def label_of(block: Block, catalog: Mapping[str, MergeField]) -> str:
    """The first words of a block, for the structure list."""
    settings = block.settings
    match block.type:
        case "heading":
            words = settings["text"]
        case "text":
            words = rich.plain(settings["html"])
        case "button":
            words = settings["label"]
        case "image":
            words = settings["alt"]
        case "details":
            words = ", ".join(label for label, _ in settings["rows"])
        case "condition":
            words = f"{_label(settings['field'], catalog)} {dict(blocks.OPERATIONS)[settings['op']]}"
        case "loop":
            words = _label(settings["field"], catalog)
        case _:
            words = ""
    return " ".join(words.split())[:60]


def _label(name: str, catalog: Mapping[str, MergeField]) -> str:
    return catalog[name].label if name in catalog else name


PLACES = {"condition": ("If so", "Otherwise"), "loop": ("Each time",)}


def tree(
    items: tuple[Block, ...],
    findings: list[lint.Finding],
    catalog: Mapping[str, MergeField],
    place: str = "",
    gaps: Collection[str] = (),
    older: Collection[str] = (),
) -> list[dict[str, Any]]:
    """The structure list: nested rows with what is needed to draw and name them.

    ``gaps``: blocks that lack words; ``older``: blocks whose translation is older than the main words.
    """
    wrong = {finding.block for finding in findings if finding.error}
    rows = []
    for index, block in enumerate(items):
        lists = []
        for number, inner in enumerate(block.lists):
            names = PLACES.get(block.type, tuple(f"Column {n}" for n in (1, 2, 3)))
            where = f"{block.id}:{number}"
            rows_inside = tree(inner, findings, catalog, where, gaps, older)
            lists.append({"place": where, "name": names[number], "rows": rows_inside})
        rows.append(
            {
                "block": block,
                "kind": block.kind,
                "words": label_of(block, catalog),
                "lists": lists,
                "wrong": block.id in wrong,
                "lacks": block.id in gaps,
                "older": block.id in older,
                "first": index == 0 and not place,
                "last": index == len(items) - 1 and not place,
                "fixed": block.type == "footer",
            }
        )
    return rows


def settings_of(block: Block, catalog: Mapping[str, MergeField]) -> list[dict[str, Any]]:
    """The form of a block: its settings with their values."""
    out = []
    for setting in block.kind.settings:
        value = block.settings[setting.name]
        row = {"setting": setting, "value": value, "id": f"set-{block.id}-{setting.name}"}
        if setting.kind == "image" and value.startswith("asset:"):
            row["url"] = reverse("content:image", args=[value.removeprefix("asset:")])
        if setting.kind == "words":
            row["value"] = "\n".join(value)
        if setting.kind == "field":
            wanted = "items" if block.type == "loop" else ""
            row["options"] = [
                field for field in catalog.values() if (field.type == "items") == bool(wanted) and field.type != "url"
            ]
        if setting.kind == "rows":
            row["value"] = [(label, text, "When", "") for label, text in [*value, ("", "")]]
        out.append(row)
    return out


def merge_groups(
    design: Design, block: Block | None, catalog: Mapping[str, MergeField], *, account: bool
) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """The merge fields for the picker: group to (field, label, level); inside a repeat its items come first.

    ``account``: with those that only mail of the system itself fills (codes, links to an account).
    """
    groups: dict[str, list[tuple[str, str, int]]] = {}
    if block is not None:
        for loop in design.walk():
            inside = {inner.id for blocks_ in loop.lists for inner in blocks.walk(blocks_)}
            if loop.type == "loop" and block.id in inside:
                name, level = (
                    loop.settings["name"],
                    catalog[loop.settings["field"]].level if loop.settings["field"] in catalog else 0,
                )
                items = (("start", "day and time"), ("kind", "kind"), ("location", "place"), ("provider", "clinician"))
                groups["This item"] = [(f"{name}.{key}", f"{name}: {label}", level) for key, label in items]
    for field in catalog.values():
        if field.type != "items" and (account or not field.name.startswith("account.")):
            groups.setdefault(field.group, []).append((field.name, field.label, field.level))
    return list(groups.items())


def _words_edit(
    post: Mapping[str, Any], data: dict[str, Any], op: str, block_id: str, language: str
) -> tuple[dict[str, Any], str, str] | None:
    """An operation on the words of a further language; None when the operation is about the template as a whole."""
    if op == "update":
        block, *_ = editing.find(data, block_id)
        kind = BLOCKS[block["type"]]
        values = read_settings(block["type"], post, keep_rows=True)
        names = {setting.name for setting in kind.settings if variants.is_own(kind.name, setting)}
        own = {name: value for name, value in values.items() if name in names}
        return variants.write(shipped.begun(data, language), language, block_id, own), block_id, ""
    if op == "message":
        own = {name: str(post[name]) for name in ("subject", "preheader", "text") if name in post}
        return variants.write(shipped.begun(data, language), language, "", own), "", ""
    if op == "current":
        return variants.up_to_date(data, language, post.get("block")), block_id, "Marked as up to date."
    if op == "drop":
        return variants.drop(data, language), "", f"The {blocks.LANGUAGES[language]} words are removed."
    return None


def _edit_of(post: Mapping[str, Any], data: dict[str, Any]) -> tuple[dict[str, Any], str, str]:
    """Carry out the operation a request asks for; returns the design, the block to choose, and what to say."""
    op, block_id = str(post.get("op", "")), str(post.get("block", ""))
    language = str(post.get("variant", ""))
    if language in blocks.LANGUAGES and language != data["language"]:
        found = _words_edit(post, data, op, block_id, language)
        if found is not None:
            return found
    if op == "add":
        index = whole(post.get("index", ""), None)
        after, block_id = editing.add(data, str(post.get("kind", "")), str(post.get("place", "")), index)
        if post.get("kind") == "footer":
            after = shipped.turned(after, "en")  # its defaults are English
            for code in variants.started(blocks.parse(after)):
                after = shipped.translated(after, code)
        return after, block_id, f"Added {_where(after, block_id)}."
    if op == "move":
        after = editing.move(data, block_id, str(post.get("place", "")), whole(post.get("index", 0), 0))
        return after, block_id, f"Moved {_where(after, block_id)}."
    if op in ("up", "down"):
        after = editing.step(data, block_id, -1 if op == "up" else 1)
        return after, block_id, f"Moved {_where(after, block_id)}."
    if op == "delete":
        block, source, position, _ = editing.find(data, block_id)
        after = editing.delete(data, block_id)
        left = [one["id"] for one in source if one["id"] != block_id]
        beside = left[min(position, len(left) - 1)] if left else ""
        return after, beside, f"{BLOCKS[block['type']].label} deleted."
    if op == "duplicate":
        after, block_id = editing.duplicate(data, block_id)
        return after, block_id, f"Copied: {_where(after, block_id)}."
    if op == "update":
        block, *_ = editing.find(data, block_id)
        return editing.update(data, block_id, read_settings(block["type"], post)), block_id, ""
    if op == "message":
        names = ("subject", "preheader", "language")
        after = {**data, **{name: str(post[name]) for name in names if name in post}}
        if "level" in post:
            after["level"] = whole(post["level"], 0)
        if after["language"] != data["language"] and after["language"] in blocks.LANGUAGES:
            after = shipped.turned(after, data["language"])
        return after, "", ""
    if op == "text":
        after = {key: value for key, value in data.items() if key != "text"}
        if post.get("own"):
            after["text"] = str(post.get("text", ""))
        return after, "", "Text part saved." if post.get("own") else "The text part is generated again."
    raise Refused("That is not something the editor does.")


def _where(design: dict[str, Any], block_id: str) -> str:
    block, source, index, _ = editing.find(design, block_id)
    return f"{BLOCKS[block['type']].label} to position {index + 1} of {len(source)}"


def read_settings(kind: str, post: Mapping[str, Any], *, keep_rows: bool = False) -> dict[str, Any]:
    """A block's settings from a posted form. ``keep_rows``: empty rows stay, because their place counts."""
    out: dict[str, Any] = {}
    many = getattr(post, "getlist", lambda name: [post[name]] if name in post else [])
    for setting in BLOCKS[kind].settings:
        name = setting.name
        if setting.kind == "flag":
            out[name] = bool(post.get(name))
        elif setting.kind == "rows":
            pairs = zip(many(f"{name}-label"), many(f"{name}-value"), strict=False)
            out[name] = [[label, value] for label, value in pairs if keep_rows or label.strip() or value.strip()]
        elif name not in post:
            continue
        elif setting.kind == "words":
            out[name] = [line.strip() for line in str(post[name]).splitlines() if line.strip()]
        elif setting.kind == "number":
            text = str(post[name])
            out[name] = whole(text, text)
        else:
            out[name] = str(post[name])
    return out


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
        after, chosen["block"], chosen["say"] = _edit_of(request.POST, data)
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
        problems = [blocks.Problem(message)]
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
        edit=lambda data: _edit_of(request.POST, data)[0],
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
    design = variants.in_language(blocks.parse(shipped.begun(data, language)), language)
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
