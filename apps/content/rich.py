"""Rich text of a text block: cleaned to a small allow-list, then walked for HTML and for the text part.

Cleaning is bleach's work (a real HTML parser). What remains is p, br, strong, em, u, a, ul, ol, li and
blockquote with nothing but href: no styles, no classes, no images, no scripts.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser
from typing import Any

from bleach.sanitizer import Cleaner

TAGS = frozenset({"p", "br", "strong", "em", "u", "a", "ul", "ol", "li", "blockquote"})
MAX_NESTING = 100


class TooDeep(ValueError):
    """Tags nested more than `MAX_NESTING` deep: parsers further on would run out of stack."""


_OPEN = re.compile(r"<[a-zA-Z]")
# Trix writes div for a paragraph and h1, pre and del on its toolbar; mail from word processors brings b and
# i.
_RENAME = {"div": "p", "b": "strong", "i": "em", "h1": "p", "h2": "p", "h3": "p", "pre": "p", "tr": "p"}
_RENAMING = re.compile(r"<(/?)(div|b|i|h1|h2|h3|pre|tr)(?=[\s>/])", re.IGNORECASE)
# bleach drops the tag but keeps the text inside; nobody wants to read that text.
_UNSEEN = re.compile(r"<(script|style|title|template|noscript)\b.*?(</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
# Merge fields in href stand for addresses: shown to the cleaner as an address it lets pass.
_HREF_FIELD = re.compile(r'(href\s*=\s*")\s*(\{\{.*?\}\})', re.IGNORECASE)
_TARGET = re.compile(r"(?:https?://|mailto:|tel:|[^:]*\Z)", re.IGNORECASE)


def _kept(tag: str, name: str, value: str) -> bool:
    """Only href of a link, and nothing with another scheme, however it is disguised."""
    return tag == "a" and name == "href" and _TARGET.match(unescape(value)) is not None


_CLEANER = Cleaner(
    tags=TAGS,
    attributes=_kept,
    protocols={"http", "https", "mailto", "tel"},
    strip=True,
    strip_comments=True,
)
# Drawn by each process: who knew it could hide another scheme behind it, which is then taken away with it.
_MARK = f"https://field-{secrets.token_hex(16)}.invalid/"


@lru_cache(maxsize=512)
def clean(html: str) -> str:
    """`html` with nothing but the allowed tags; well-formed, no empty paragraphs. Idempotent."""
    if len(_OPEN.findall(html)) > MAX_NESTING and _depth(html) > MAX_NESTING:
        raise TooDeep
    for _ in range(5):  # taking something away can bring two halves of something else together
        once = _cleaned(html)
        if once == html:
            break
        html = once
    return html


def _cleaned(html: str) -> str:
    html = _UNSEEN.sub("", html.replace("\x00", ""))
    html = _RENAMING.sub(lambda m: f"<{m[1]}{_RENAME[m[2].lower()]}", html)
    html = _HREF_FIELD.sub(lambda m: m[1] + _MARK + m[2], html)
    html = _CLEANER.clean(html).replace(_MARK, "")
    html = re.sub(r"<p>\s*(?:<br>\s*)*</p>|<br>\s*(?=</(?:p|li)>)", "", html)
    return re.sub(r"(?:<br>\s*){2,}", "</p><p>", html) if "<p>" in html else html


def _depth(html: str) -> int:
    """How deep tags are nested at most, counting every tag that is not closed as open."""
    counter = _Depth()
    counter.feed(html)
    return counter.most


class _Depth(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("br", "img", "hr", "input", "meta", "link", "wbr", "p", "li"):
            self.now += 1
            self.most = max(self.most, self.now)

    def handle_endtag(self, tag: str) -> None:
        self.now = max(0, self.now - 1)


Text = Callable[[str], str]
Link = Callable[[str], str]


def to_html(html: str, text: Text, link: Link, styles: dict[str, str]) -> str:
    """Cleaned rich text as mail HTML: `text` fills character data (unescaped in, escaped out), `link` a
    target.
    """
    out = _Html(text, link, styles)
    out.feed(html)
    out.close()
    return "".join(out.parts)


class _Html(HTMLParser):
    def __init__(self, text: Text, link: Link, styles: dict[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.link, self.styles = text, link, styles
        self.parts: list[str] = []
        self.links: list[bool] = []
        self.waiting = ""  # character data, joined so that a merge field is never seen in halves

    def flush(self) -> None:
        if self.waiting:
            self.parts.append(self.text(self.waiting))
            self.waiting = ""

    def handle_data(self, data: str) -> None:
        self.waiting += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.flush()
        style = f' style="{self.styles[tag]}"' if tag in self.styles else ""
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.parts.append(f'<a href="{self.link(href)}" class="link"{style}>')
        elif tag == "a":
            self.parts.append("<span>")
        else:
            self.parts.append(f"<{tag}{style}>")
        if tag == "a":
            self.links.append(bool(href))

    def handle_endtag(self, tag: str) -> None:
        self.flush()
        if tag == "a":
            self.parts.append("</a>" if not self.links or self.links.pop() else "</span>")
        elif tag != "br":
            self.parts.append(f"</{tag}>")

    def close(self) -> None:
        super().close()
        self.flush()


def to_text(html: str, text: Text, link: Link) -> str:
    """Cleaned rich text as plain text: paragraphs apart, bullets and numbers, link targets in brackets."""
    out = _Text(text, link)
    out.feed(html)
    out.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(out.parts)).strip("\n")


class _Text(HTMLParser):
    def __init__(self, text: Text, link: Link) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.link = text, link
        self.parts: list[str] = []
        self.waiting = ""
        self.lists: list[int] = []
        self.links: list[tuple[str, int]] = []

    def flush(self) -> None:
        if self.waiting:
            self.parts.append(self.text(re.sub(r"[ \t\n]+", " ", self.waiting)))
            self.waiting = ""

    def handle_data(self, data: str) -> None:
        self.waiting += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.flush()
        if tag in ("p", "blockquote"):
            self.break_line(2)
        elif tag == "br":
            self.parts.append("\n")
        elif tag in ("ul", "ol"):
            self.break_line(2 if not self.lists else 1)
            self.lists.append(1 if tag == "ol" else 0)
        elif tag == "li":
            self.break_line(1)
            number = self.lists[-1] if self.lists else 0
            self.parts.append("  " * max(0, len(self.lists) - 1) + (f"{number}. " if number else "- "))
            if number:
                self.lists[-1] += 1
        elif tag == "a":
            self.links.append((dict(attrs).get("href") or "", len(self.parts)))

    def handle_endtag(self, tag: str) -> None:
        self.flush()
        if tag in ("p", "blockquote"):
            self.break_line(2)
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
            self.break_line(2 if not self.lists else 1)
        elif tag == "a" and self.links:
            href, start = self.links.pop()
            shown = "".join(self.parts[start:]).strip()
            if href and shown not in (href, href.removeprefix("mailto:"), href.removeprefix("tel:")):
                self.parts.append(f" ({self.link(href)})")

    def break_line(self, count: int) -> None:
        if not self.parts:
            return
        end = "".join(self.parts[-3:])
        have = len(end) - len(end.rstrip("\n"))
        self.parts.append("\n" * max(0, count - have))

    def close(self) -> None:
        super().close()
        self.flush()


def plain(html: str) -> str:
    """Rich text without any markup, for looking at words."""
    return to_text(html, lambda text: text, lambda url: url)
