"""The tags of `{% load look %}`: every component of the product's look. Examples: templates/components/README.md.

A tag decides (word, tone, geometry) and one partial of templates/components/ draws. Partials see only what the
tag hands them: no request, no context processors, so that a page with a hundred badges stays quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.ui import charts
from apps.ui.small_parts import dash, day, draw, icon, number, register, when

ALERT_ICONS = {
    "info": "info-circle",
    "good": "circle-check",
    "caution": "alert-triangle",
    "bad": "alert-circle",
    "neutral": "info-circle",
}
EMPTY_TONES = {"nothing": "", "no_match": "neutral", "done": "good", "not_allowed": "neutral"}
EMPTY_ICONS = {"nothing": "plus", "no_match": "search", "done": "check", "not_allowed": "lock"}


def trimmed(content: str) -> SafeString:
    """What a block tag holds, without the space around it; it was escaped when it was rendered."""
    return SafeString(content.strip())


# -- Figures, progress, charts ------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def figure(context: Context, label: str, value: Any, **more: Any) -> SafeString:
    """A figure tile. More: ``change`` ("+4%"), ``good`` (whether the change is), ``note``, ``url``, ``icon``."""
    shown = number(value) if isinstance(value, int | float) and not isinstance(value, bool) else dash(value)
    return draw(context, "figure", {"label": label, "value": shown, "icon_name": more.pop("icon", ""), **more})


@register.simple_tag
def progress(done: int, total: int | None, label: str = "Progress") -> SafeString:
    """A bar of ``done`` in ``total``; without a total the browser shows that something moves."""
    if not total:
        return format_html('<progress aria-label="{}"></progress>', label)
    return format_html('<progress aria-label="{}" value="{}" max="{}"></progress>', label, min(done, total), total)


@register.simple_tag(takes_context=True)
def bar_chart(context: Context, title: str, rows: Sequence[dict], **more: Any) -> SafeString:
    """Horizontal bars of ``{"label", "value", "url"?, "tone"?, "note"?}``. ``title`` asks one question."""
    return draw(context, "chart_bars", {"title": title, "bars": charts.bars(rows), "funnel": False, **more})


@register.simple_tag(takes_context=True)
def funnel(context: Context, title: str, rows: Sequence[dict], **more: Any) -> SafeString:
    """Horizontal bars, each with its share of the first."""
    drawn = charts.bars(rows, funnel=True)
    return draw(context, "chart_bars", {"title": title, "bars": drawn, "funnel": True, **more})


@register.simple_tag(takes_context=True)
def column_chart(
    context: Context, title: str, labels: Sequence[str], values: Sequence[float], unit: str = "Number"
) -> SafeString:
    """Vertical bars over days or hours."""
    drawn, scale = charts.columns(labels, values)
    ends = [labels[0], labels[-1]] if len(labels) > 12 else list(labels)
    rows = list(zip(labels, values, strict=True))
    return draw(
        context,
        "chart_columns",
        {"title": title, "columns": drawn, "axis": scale, "labels": ends, "rows": rows, "unit": unit},
    )


@register.simple_tag(takes_context=True)
def line_chart(
    context: Context, title: str, labels: Sequence[str], series: Sequence[tuple[str, Sequence[float]]]
) -> SafeString:
    """Lines over days: ``series`` is ``[("Sent", [1, 2]), …]``, at most six."""
    drawn, scale = charts.lines(labels, series)
    names = [name for name, _ in series]
    rows = [(label, [values[index] for _, values in series]) for index, label in enumerate(labels)]
    middle = labels[len(labels) // 2] if len(labels) > 4 else ""
    ends = [text for text in (labels[0], middle, labels[-1]) if text] if labels else []
    return draw(
        context,
        "chart_lines",
        {"title": title, "lines": drawn, "axis": scale, "labels": ends, "names": names, "rows": rows},
    )


@register.filter
def svg(value: float) -> str:
    """A number for an SVG attribute: never with a thousands separator or a decimal comma."""
    return charts.plain(value)


# -- Blocks: they hold what stands between the tag and its end ---------------------------------------------------


@register.simple_block_tag(takes_context=True)
def page_header(context: Context, content: str, title: str, **more: Any) -> SafeString:
    """Head of a page; inside stand the actions. More: ``crumbs`` [(label, url)], ``status``, ``level``, ``facts``."""
    facts = more.pop("facts", ())
    facts = (facts,) if isinstance(facts, str) else tuple(facts or ())
    return draw(context, "page_header", {"title": title, "actions": trimmed(content), "facts": facts, **more})


@register.simple_block_tag(takes_context=True)
def card(context: Context, content: str, title: str = "", **more: Any) -> SafeString:
    """A card. More: ``note``, ``url`` and ``link`` (words) at the right of the title, ``flush``, ``id``."""
    return draw(context, "card", {"title": title, "content": content, **more})


@register.simple_block_tag(takes_context=True)
def alert(context: Context, content: str, tone: str = "info", title: str = "", role: str = "") -> SafeString:
    """A notice in place: info, good, caution, bad, neutral. ``role="alert"`` for one that appears by itself."""
    values = {"tone": tone, "title": title, "role": role, "icon_name": ALERT_ICONS[tone], "content": content}
    return draw(context, "alert", values)


@register.simple_block_tag(takes_context=True)
def empty_state(context: Context, content: str, title: str, text: str = "", **more: Any) -> SafeString:
    """Nothing to show; inside stand one filled button and one quiet link. ``kind``: nothing, no_match, done,
    not_allowed; ``icon`` replaces the kind's own."""
    kind = more.get("kind", "nothing")
    values = {
        "title": title,
        "text": text,
        "tone": EMPTY_TONES[kind],
        "icon_name": more.get("icon") or EMPTY_ICONS[kind],
        "actions": trimmed(content),
        "level": more.get("level", "h2"),
    }
    return draw(context, "empty_state", values)


@register.simple_block_tag(takes_context=True)
def table(context: Context, content: str, label: str, **more: Any) -> SafeString:
    """A table in its scrolling region; inside stand <thead> and <tbody>. ``cards=False`` keeps a table on a phone."""
    return draw(context, "table", {"label": label, "content": content, "cards": more.get("cards", True), **more})


@register.simple_block_tag(takes_context=True)
def menu(context: Context, content: str, label: str, **more: Any) -> SafeString:
    """A button with a menu (popover). Needs ``id``; ``icon="dots"`` makes an icon-only row menu."""
    values = {"label": label, "content": content, "icon_name": more.pop("icon", ""), **more}
    return draw(context, "menu", values)


@register.simple_block_tag(takes_context=True)
def dialog(context: Context, content: str, id: str, title: str, **more: Any) -> SafeString:
    """A dialog that `data-dialog-open="ID"` opens; inside stand .dialog-content and .dialog-buttons."""
    return draw(context, "dialog", {"id": id, "title": title, "content": content, **more})


@register.simple_block_tag(takes_context=True)
def drawer(context: Context, content: str, id: str, title: str, **more: Any) -> SafeString:
    """A dialog at the side; opened like a dialog."""
    return draw(context, "dialog", {"id": id, "title": title, "content": content, "is_drawer": True, **more})


@register.simple_block_tag(takes_context=True)
def tip(context: Context, content: str, id: str, label: str = "What is this?") -> SafeString:
    """An info icon whose text appears on press, focus or hover: definitions of figures."""
    return draw(context, "tip", {"id": id, "label": label, "content": content})


@register.simple_block_tag(takes_context=True)
def section(context: Context, content: str, title: str, text: str = "") -> SafeString:
    """A form section: title and sentence on the left, fields right."""
    return draw(context, "form_section", {"title": title, "text": text, "content": content})


@register.simple_block_tag(takes_context=True)
def timeline_item(context: Context, content: str, title: str, **more: Any) -> SafeString:
    """One entry of <ol class="timeline">. More: ``icon``, ``tone``, ``at`` (datetime or date), ``url``."""
    at = more.pop("at", None)
    shown = when(at) if isinstance(at, datetime) else day(at) if at else ""
    values = {
        "title": title,
        "content": trimmed(content),
        "icon_name": more.pop("icon", "point"),
        "at": shown,
    }
    return draw(context, "timeline_item", {**values, **more})


@register.simple_tag(takes_context=True)
def tabs(context: Context, items: Iterable[Mapping[str, Any]], label: str = "Views") -> SafeString:
    """Tabs that are pages: ``[{"label", "url", "current": bool, "count"?}]``."""
    return draw(context, "tabs", {"items": list(items), "label": label})


@register.simple_tag(takes_context=True)
def steps_bar(context: Context, steps: Sequence[Any], current: int) -> SafeString:
    """The steps of a wizard: names, ``(name, url)`` or ``(name, url, open)``; ``current`` counts from 1.

    A step behind the current one is ticked unless it is still ``open``: something in it was not decided.
    """
    rows = [(step, "", False) if isinstance(step, str) else (*step, False)[:3] for step in steps]
    values = [
        {"number": at, "name": name, "url": url, "done": at < current and not is_open, "current": at == current}
        for at, (name, url, is_open) in enumerate(rows, start=1)
    ]
    return draw(context, "steps_bar", {"steps": values, "total": len(values)})


@register.simple_tag(takes_context=True)
def diff(context: Context, rows: Iterable[tuple[str, Any, Any]]) -> SafeString:
    """Before and after: ``[(label, before, after)]``; equal rows are left out."""
    return draw(context, "diff", {"rows": [row for row in rows if row[1] != row[2]]})


@register.simple_tag(takes_context=True)
def code_block(context: Context, text: str, id: str, label: str = "Copy") -> SafeString:
    """Ids, headers, links to hand over: monospace with a Copy button."""
    return draw(context, "code_block", {"text": text, "id": id, "label": label})


@register.simple_tag
def field(bound: Any, hint: str = "", label: str = "", unit: str = "", **more: Any) -> SafeString:
    """One form field with label, hint and error. ``hint`` and ``label`` replace the form's own; ``unit`` stands
    behind the box ("days"); ``unmarked`` leaves out "(optional)" where another answer makes the field needed."""
    if hint:
        bound.help_text = hint
    if label:
        bound.label = label
    bound.look = {"unit": unit, **more}
    return bound.as_field_group()


@register.simple_tag(takes_context=True)
def error_summary(context: Context, form: Any) -> SafeString:
    """What is wrong with a form that was not saved, with links to the fields. Empty when nothing is."""
    fields = [
        {"id": bound.id_for_label or bound.auto_id, "label": bound.label, "error": bound.errors[0]}
        for bound in form.visible_fields()
        if bound.errors
    ]
    return draw(context, "error_summary", {"general": form.non_field_errors(), "fields": fields})


@register.simple_tag(takes_context=True)
def save_bar(context: Context, label: str = "Save changes", cancel_url: str = "") -> SafeString:
    """The sticky bar of a long form: says "Unsaved changes" when there are some."""
    return draw(context, "save_bar", {"label": label, "cancel_url": cancel_url})


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """The page's query string with some keys changed (None drops one): ``<a href="{% query sort="name" %}">``."""
    request = context.get("request")
    values = request.GET.copy() if request else None
    if values is None:
        return ""
    for key, value in changes.items():
        values.pop(key, None)
        if value not in (None, ""):
            values[key] = str(value)
    return "?" + values.urlencode() if values else "?"


@register.simple_tag(takes_context=True)
def sort_head(context: Context, label: str, key: str, current: str = "") -> SafeString:
    """A sortable table head: ``current`` is the key in force, with a leading minus when descending."""
    down = current == f"-{key}"
    name = "arrow-down" if down else "arrow-up" if current == key else "arrows-sort"
    target = f"-{key}" if current == key else key
    return format_html(
        '<a class="sort-link" href="{}">{}{}</a>',
        query(context, sort=target, after=None),
        label,
        icon(name, 16),
    )


@register.filter
def sort_state(current: str, key: str) -> str:
    """Value of aria-sort for a head: ``<th aria-sort="{{ sort|sort_state:"name" }}">``."""
    return {key: "ascending", f"-{key}": "descending"}.get(current, "none")
