"""Small parts of the look, in a line of text: icons, badges, numbers, dates, names. `{% load look %}` has them all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import template
from django.template import Context
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import clock
from apps.ui import datewords, words

register = template.Library()
NONE = SafeString("—")


def draw(context: Context, name: str, values: Mapping[str, Any]) -> SafeString:
    """Render the partial ``templates/components/NAME.html`` with nothing but ``values``."""
    engine = context.template.engine if context.template is not None else template.Engine.get_default()
    return engine.get_template(f"components/{name}.html").render(Context(dict(values)))


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
