"""Tags of the portal's pages: filled-in words and dates in the patient's language."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.portal import words

register = template.Library()


@register.simple_tag
def fill(text: str, **values: Any) -> SafeString:
    """A catalogue text (ours, so it is safe) with its ``{places}`` filled in, each escaped; a phone stays in a line."""
    if "phone" in values:
        values["phone"] = format_html('<span class="nowrap">{}</span>', values["phone"])
    return format_html(text, **values)


@register.simple_tag(takes_context=True)
def spoken(context: Context, value: datetime) -> SafeString:
    """A moment in the clinic's zone and the visitor's language."""
    shown = words.moment(value, context["zone"], context["language"])
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), shown)


@register.simple_tag(takes_context=True)
def until_day(context: Context, end: datetime) -> SafeString:
    """The last whole day before ``end`` in the clinic's zone and the visitor's language."""
    last = words.last_whole_day(end, context["zone"])
    return format_html('<time datetime="{}">{}</time>', last.isoformat(), words.day(last, context["language"]))
