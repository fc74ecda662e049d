"""The tags of `{% load look %}`: every component of the product's look. Examples: templates/components/README.md.

A tag decides (word, tone, geometry) and one partial of templates/components/ draws. Partials see only what the
tag hands them: no request, no context processors, so that a page with a hundred badges stays quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django import template
from django.template import Context
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import charts, clock, datewords, words

register = template.Library()

NONE = SafeString("—")
ALERT_ICONS = {
    "info": "info-circle",
    "good": "circle-check",
    "caution": "alert-triangle",
    "bad": "alert-circle",
    "neutral": "info-circle",
}
EMPTY_TONES = {"nothing": "", "no_match": "neutral", "done": "good", "not_allowed": "neutral"}
EMPTY_ICONS = {"nothing": "plus", "no_match": "search", "done": "check", "not_allowed": "lock"}


def draw(context: Context, name: str, values: Mapping[str, Any]) -> SafeString:
    """Render the partial ``templates/components/NAME.html`` with nothing but ``values``."""
    engine = context.template.engine if context.template is not None else template.Engine.get_default()
    return engine.get_template(f"components/{name}.html").render(Context(dict(values)))


def trimmed(content: str) -> SafeString:
    """What a block tag holds, without the space around it; it was escaped when it was rendered."""
    return SafeString(content.strip())


# -- Icons and badges -----------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, size: int = 20, label: str = "") -> SafeString:
    """A drawing of the sprite: 16 in text, 20 in buttons, 24 in circles. Without ``label`` it is decoration."""
    role = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    css = "icon" if size == 20 else f"icon icon-{size}"
    return format_html(
        '<svg class="{}" {} focusable="false"><use href="{}#{}"></use></svg>',
        css,
        role,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def icon_url(name: str) -> str:
    """The address of one drawing in the sprite, for templates that scripts fill."""
    return f"{static('icons.svg')}#{name}"


@register.simple_tag
def url_or_empty(name: str, *args: Any) -> str:
    """Like `{% url %}`, but empty when the app that has the page is not installed."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@register.filter
def phone_link(value: str) -> str:
    """A phone number for a ``tel:`` link: digits and a leading plus."""
    return "".join(character for character in value if character.isdigit() or character == "+")


def _badge(word: words.Word, label: str = "") -> SafeString:
    drawing = icon(word.icon, 16) if word.icon else ""
    return format_html(
        '<span class="badge badge-{}{} badge-status">{}{}</span>',
        word.tone,
        "" if word.icon else " badge-round",
        drawing,
        label or word.label,
    )


def _code(thing: Any, *attributes: str) -> str:
    """The code word of an object (its ``state``, ``status``) or the word itself."""
    if isinstance(thing, str):
        return str(thing)
    for name in attributes:
        value = getattr(thing, name, None)
        if value not in (None, ""):
            return str(getattr(value, "value", value))
    return str(getattr(thing, "value", thing))


@register.simple_tag
def status_badge(thing: Any, label: str = "") -> SafeString:
    """A state as icon and word, from an object with ``state`` or ``status`` or from a code word."""
    if thing in (None, ""):
        return NONE
    return _badge(words.status(_code(thing, "state", "status")), label)


@register.simple_tag
def protection_badge(route: Any, level: int | None = None) -> SafeString:
    """How a message was or will be protected: tls, portal, pgp, smime, held, opportunistic, none.

    With the ``level`` of what it said, "none" is an alarm only where there was something to protect.
    """
    if route in (None, ""):
        return NONE
    return _badge(words.protection(_code(route, "route"), level))


@register.simple_tag
def level_mark(level: Any) -> SafeString:
    """The sensitivity level 0 to 3 (number, Level, or an object with ``level``)."""
    number = int(getattr(level, "level", level))
    word = words.level(number)
    return format_html('<span class="level-mark level-{}">{}{}</span>', number, icon(word.icon, 16), word.label)


@register.simple_tag
def badge(label: str, tone: str = "neutral", icon_name: str = "") -> SafeString:
    """A badge with words of your own; for states use ``status_badge``."""
    return _badge(words.Word(label, tone, icon_name))


# -- Numbers, dates, values -------------------------------------------------------------------------------------


@register.filter
def dash(value: Any) -> Any:
    """ "—" for nothing, otherwise the value."""
    return NONE if value in (None, "", [], ()) else value


@register.filter
def item(values: Mapping[str, Any] | None, key: str) -> Any:
    """``values[key]``, or nothing."""
    return values.get(key) if values else None


@register.filter
def first_word(value: str) -> str:
    """The first word of a name: how a greeting addresses a colleague."""
    return (value.split() or [""])[0]


@register.filter
def number(value: Any) -> str:
    """``2,013``; "—" for none; fractions keep one decimal."""
    if value in (None, ""):
        return NONE
    return f"{value:,}" if isinstance(value, int) else f"{float(value):,.1f}".removesuffix(".0")


@register.simple_tag
def percent(part: float | None, whole: float | None, decimals: int = 1) -> str:
    """``part`` of ``whole`` as "12.4%"; "—" when there is no whole."""
    if not whole or part is None:
        return NONE
    text = f"{100 * part / whole:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if decimals else text) + "%"


@register.simple_tag
def counted(value: int, noun: str, plural: str = "") -> str:
    """ "1 person", "412 people": ``{% counted n "person" "people" %}``."""
    return datewords.count(value, noun, plural)


def _time(value: datetime, text: str) -> SafeString:
    zone = timezone.get_current_timezone()
    exact = datewords.moment(value, zone, with_zone=True)
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), exact, text)


@register.simple_tag
def when(value: datetime | None) -> SafeString:
    """Relative within 24 hours, otherwise the day; the exact moment in the tooltip. "—" for none."""
    if value is None:
        return NONE
    return _time(value, datewords.relative(value, clock.now(), timezone.get_current_timezone()))


@register.simple_tag
def moment(value: datetime | None, with_zone: bool = False) -> SafeString:
    """``Nov 22, 2026, 9:00 AM`` in the clinic's zone, with its name on request."""
    if value is None:
        return NONE
    return _time(value, datewords.moment(value, timezone.get_current_timezone(), with_zone=with_zone))


@register.simple_tag
def soon(value: datetime | None) -> SafeString:
    """For the week ahead: "Today, 9:00 AM", "Tuesday, 1:00 PM"; the exact moment in the tooltip."""
    if value is None:
        return NONE
    return _time(value, datewords.soon(value, clock.now(), timezone.get_current_timezone()))


@register.simple_tag
def day(value: date | datetime | None) -> SafeString:
    """``Nov 22, 2026``; a moment is taken in the clinic's zone."""
    if value is None:
        return NONE
    local = value.astimezone(timezone.get_current_timezone()) if isinstance(value, datetime) else value
    return format_html('<time datetime="{}">{}</time>', local.strftime("%Y-%m-%d"), datewords.day(local))


@register.simple_tag
def as_of(value: datetime) -> SafeString:
    """ "as of 2:05 PM", for live figures."""
    return _time(value, f"as of {datewords.clock_time(value.astimezone(timezone.get_current_timezone()))}")


@register.simple_tag
def zone_name() -> str:
    """The short name of the clinic's zone now: "EST"."""
    return clock.now().astimezone(timezone.get_current_timezone()).tzname() or ""


def initials(name: str) -> str:
    """Up to two first letters of a name, for the round picture."""
    parts = [part for part in name.split() if part[:1].isalpha()]
    return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper() or "?"


@register.simple_tag
def avatar(name: str) -> SafeString:
    """A round picture with initials, decoration only."""
    return format_html('<span class="avatar-round" aria-hidden="true">{}</span>', initials(name))


@register.simple_tag
def person_chip(name: str, url: str = "", level: Any = None) -> SafeString:
    """A person as picture and name, a link when there is a page."""
    mark = format_html(" {}", level_mark(level)) if level is not None else ""
    inside = format_html("{}<span>{}</span>{}", avatar(name), name or "No name", mark)
    if url:
        return format_html('<a class="person-chip" href="{}">{}</a>', url, inside)
    return format_html('<span class="person-chip">{}</span>', inside)


@register.simple_tag(takes_context=True)
def masked(context: Context, value: str | None, reveal_url: str = "", label: str = "value") -> SafeString:
    """A masked value; with ``reveal_url`` a button that asks for it (htmx POST, swapped in place)."""
    return draw(context, "masked", {"value": value, "reveal_url": reveal_url, "label": label})


@register.filter
def mask(value: str | None) -> str:
    """Keep the ends, hide the middle: ``m•••@•••.test``, ``(•••) •••-0199``. For lists without permission."""
    if not value:
        return NONE
    if "@" in value:
        local, _, domain = value.partition("@")
        return f"{local[:1]}•••@•••.{domain.rpartition('.')[2]}"
    digits = "".join(character for character in value if character.isdigit())
    if len(digits) >= 7:
        return f"••• {digits[-4:]}"
    return f"{value[:1]}•••"


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
