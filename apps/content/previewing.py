"""Previews: the very compile and merge that sending uses, with harmless links. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any

from apps.content.brands import BrandFacts
from apps.content.compiling import compile_draft
from apps.content.design import BadTemplate, Design
from apps.content.formats import Shown
from apps.content.merging import Rendered, merge, render
from apps.core.errors import Refused
from apps.mail.compiled import CompiledMessage, Envelope, MissingField
from apps.mail.encoders.v1 import escape_html as escape

_AT = datetime(2026, 1, 1, tzinfo=UTC)  # the Date header is not shown
_PREVIEW_LINE = re.compile(r'<body[^>]*>\s*<div style="display:none;[^"]*">([^<]*)</div>')
_LINK = "https://portal.example.test/preview"


def preview(
    design: Design,
    brand: BrandFacts,
    facts: Mapping[str, Any],
    *,
    zone: str = "America/New_York",
    dark: bool = False,
    mark: bool = False,
) -> Rendered:
    """A design as a recipient with `facts` would read it. What cannot be shown is said in words, never
    raised.

    A field without value is shown as its name in brackets: in a preview that tells more than a refusal.
    """
    try:
        compiled, _ = compile_draft(design, brand, mark=mark)
    except (BadTemplate, Refused) as error:
        return _words(str(error))
    return show(compiled, facts, zone=zone, dark=dark)


def show(
    compiled: CompiledMessage, facts: Mapping[str, Any], *, zone: str = "America/New_York", dark: bool = False
) -> Rendered:
    """A compiled message as ``preview`` shows a design: what was approved, to the byte, merged with `facts`."""
    try:
        shown = dict(facts)
        for _ in range(40):
            try:
                copy = merge(compiled, shown, _envelope(zone))
                break
            except MissingField as missing:
                shown = _with(shown, missing.name.split("."), Shown(f"[{missing.name}]"))
        else:
            return _words("Too many fields have no value for this person.")
    except (BadTemplate, Refused) as error:
        return _words(str(error))
    found = render(copy.message)
    html = found.html
    if dark:
        # The mail decides by the reader's system; the preview shows it as if that were dark.
        html = html.replace("@media (prefers-color-scheme:dark)", "@media all")
    else:
        html = html.replace("@media (prefers-color-scheme:dark)", "@media not all")
        html = html.replace('content="light dark"', 'content="light"').replace("color-scheme:light dark", "")
    return Rendered(found.subject, html, found.text)


def preview_line(html: str) -> str:
    """The line a mailbox shows behind the subject, as text; "" without one. It hides at the head of the mail."""
    found = _PREVIEW_LINE.search(html)
    return " ".join(unescape(found.group(1)).split()) if found else ""


def _envelope(zone: str) -> Envelope:
    return Envelope(
        to_address="someone@example.test",
        date=_AT,
        message_id="preview@example.test",
        zone=zone,
        list_unsubscribe_url=_LINK,
        portal_url=_LINK,
    )


def _with(facts: dict[str, Any], path: list[str], value: str) -> dict[str, Any]:
    """Facts with `value` at `path`; inside a list, at every item."""
    head, *rest = path
    if not rest:
        return {**facts, head: value}
    inner = facts.get(head)
    return {**facts, head: _with(dict(inner) if isinstance(inner, Mapping) else {}, rest, value)}


def _words(text: str) -> Rendered:
    body = f'<p style="font:16px/24px sans-serif;padding:24px">{escape(text)}</p>'
    html = f'<!doctype html><html lang="en"><head><title>Preview</title></head><body>{body}</body></html>'
    return Rendered("", html, re.sub(r"\s+", " ", text))
