"""HTML that strangers wrote, as text: pure. Parsed as browsers do (html5ever, by nh3), never by patterns.

Head, style, script and comments go first; then lines end where a reader sees them end, lists keep their bullets,
cells of a table stand apart, links keep their addresses and pictures their descriptions. Noncharacters of Unicode mark
what a mail program quoted, for ``quoting`` to fold.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

QUOTE_BEGINS, QUOTE_ENDS = "\ufdd0", "\ufdd1"
"""Around what the mail program says it quotes."""
INDENT_BEGINS, INDENT_ENDS = "\ufdd2", "\ufdd3"
"""Around what is only indented: a quotation if the line before says so, else somebody's own words."""
_MARKS = re.compile("[\ufdd0-\ufdef]")
MAX_MARKUP = 2_000_000
"""Characters of markup that are read."""
_TAGS = {
    *("p", "br", "div", "ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "td", "th"),
    *("caption", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "hr", "a", "img", "center", "address"),
    *("section", "article", "header", "footer", "main", "aside", "nav", "figure", "figcaption"),
    *("s", "del", "strike", "sup", "sub"),
}
_ATTRIBUTES = {
    "a": {"href"},
    "img": {"alt"},
    "div": {"class"},
    "p": {"class"},
    "blockquote": {"class", "type"},
    "ol": {"start"},
}
_GONE = {"script", "style", "title", "template", "iframe", "object", "svg", "math", "noembed", "noframes", "xml"}
_APART = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre", "blockquote"}
_LINES = _TAGS - _APART - {"a", "img", "td", "th", "br", "s", "del", "strike", "hr", "sup", "sub"}
_QUOTED = re.compile(r"(?i)\b(?:gmail_quote|yahoo_quoted|protonmail_quote|moz-forward-container|zmail_extra|cite)\b")
_RULE = "----------"
_RAISED = str.maketrans("0123456789+-−–=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-−–=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎")
_WRITTEN_SMALL = re.compile(r"[0-9+−–=()n-]*[0-9][0-9+−–=()n-]*")
# A name after "<": what a browser takes for an element, whoever wrote it.
_TAG = re.compile(r"<(?=/?([a-zA-Z][^\s<>/]*)([^<>]{0,300})(<?))")
_ELEMENTS = frozenset(
    """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote body br
    button canvas caption center cite code col colgroup command content data datalist dd del details dfn dialog dir div
    dl dt em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr
    html i iframe image img input ins isindex kbd keygen label layer legend li link listing main map mark marquee math
    menu menuitem meta meter multicol nav nobr noembed noframes noscript object ol optgroup option output p param
    picture plaintext portal pre progress q rb rbc rp rt rtc ruby s samp script search section select shadow slot small
    source spacer span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time
    title tr track tt u ul var video wbr xml xmp
    """.split()  # noqa: SIM905 - easier to read and to add to
)
"""Elements of HTML, also of its past, of Outlook ("xml") and of pictures."""
_LINE, _APART_MARK = "\ufdd8", "\ufdd9"
# A new line at least, and an empty line at least: two that meet are one.
_BREAKS = re.compile(f"(?:[ \\t]*[\n{_LINE}{_APART_MARK}])+")
MAX_DEPTH = 400
_OPENS = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})[^<>]{0,4000}?(/?)>")
# Those that end by themselves, or never begin anything.
_FLAT = frozenset(
    [
        "p",
        "li",
        "tr",
        "td",
        "th",
        "dt",
        "dd",
        "br",
        "hr",
        "img",
        "meta",
        "link",
        "input",
        "wbr",
        "col",
        "area",
        "base",
        "source",
        "option",
    ]
)


def text_of(markup: str) -> str:
    """The words of a page or a part of one, with marks around what is quoted."""
    markup = _MARKS.sub("\ufffd", markup[:MAX_MARKUP].replace("\x00", "\ufffd"))
    markup = _TAG.sub(_as_written, markup)
    reader = _Reader()
    reader.feed(_tidied(markup) if _depth(markup) < MAX_DEPTH else markup)
    reader.close()
    return reader.text()


def _as_written(found: re.Match[str]) -> str:
    """ "<LOW today", "a<b" and "<pat@mail.example>" are what somebody wrote: no element has that name, or the next "<"
    comes before it ends. Prefixed and hyphenated names and those with attributes are a program's.
    """
    name, rest = found.group(1).lower(), found.group(2)
    known = name in _ELEMENTS and not found.group(3)
    own = known or ("@" not in name and (":" in name or "-" in name)) or "=" in rest
    return "<" if own else "&lt;"


def _depth(markup: str) -> int:
    """About how deep the elements lie in each other. Browsers look up the whole stack for each tag that begins, so
    that a hundred thousand open ones hold a reader for minutes; nobody's mail program writes hundreds.
    """
    opened: dict[str, int] = {}
    depth = deepest = 0
    for found in _OPENS.finditer(markup):
        name = found.group(2).lower()
        if name in _FLAT or found.group(3):
            continue
        if not found.group(1):
            opened[name] = opened.get(name, 0) + 1
            depth += 1
            deepest = max(deepest, depth)
        elif opened.get(name):
            opened[name] -= 1
            depth -= 1
    return deepest


def _tidied(markup: str) -> str:
    return nh3.clean(
        markup,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags=_GONE,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
        strip_comments=True,
    )


class _Reader(HTMLParser):
    """Reads what the cleaner wrote, where each tag that begins also ends; elsewhere it makes the best of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[list[str]] = [[]]  # one for the page, one more for each open cell
        self._rows: list[list[str]] = []  # cells of each open row
        self._lists: list[int | None] = []  # the next number of each open list; None for bullets
        self._links: list[tuple[str, int]] = []
        self._quotes: list[str] = []
        self._small: list[int] = []
        self._pre = 0
        self._gone = 0
        self._mso = False

    def text(self) -> str:
        # Cells that never ended.
        return _tidy("".join(piece for out in self._out for piece in out))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._gone += tag in _GONE
        if tag == "br":
            self._put("\n")
        elif tag == "hr":
            self._put(f"{_LINE}{_RULE}{_LINE}")
        elif tag == "img":
            self._picture(given.get("alt", ""))
        elif tag == "a":
            self._links.append((given.get("href", ""), len(self._out[-1])))
        elif tag in {"td", "th"}:
            self._out.append([])
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"s", "del", "strike"}:
            self._put("[struck out: ")
        elif tag in {"sup", "sub"}:
            self._small.append(len(self._out[-1]))
        elif tag in _APART:
            self._block(tag, given)
        elif tag in _LINES:
            self._put(_LINE)
            self._item(tag)
        if tag == "div":
            self._quote(QUOTE_BEGINS, QUOTE_ENDS, wanted=bool(_QUOTED.search(given.get("class", ""))))

    def handle_endtag(self, tag: str) -> None:
        self._gone = max(self._gone - (tag in _GONE), 0)
        if tag in {"br", "hr", "img"}:
            return
        if tag in {"div", "blockquote"} and self._quotes:
            self._put(self._quotes.pop())
        if tag == "a" and self._links:
            self._link(*self._links.pop())
        elif tag in {"td", "th"} and len(self._out) > 1:
            cell = _tidy("".join(self._out.pop()))
            if self._rows:
                self._rows[-1].append(cell)
        elif tag == "tr" and self._rows:
            self._row(self._rows.pop())
        elif tag in {"s", "del", "strike"}:
            self._put("]")
        elif tag in {"sup", "sub"} and self._small:
            self._written_small(tag, self._small.pop())
        elif tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
            self._put(_LINE if self._lists else _APART_MARK)
        elif tag in _APART:
            self._pre = max(self._pre - (tag == "pre"), 0)
            self._put(_LINE if tag == "p" and self._mso else _APART_MARK)
        elif tag in _LINES:
            self._put(_LINE)

    def handle_data(self, data: str) -> None:
        self._put(data if self._pre else re.sub(r"[ \t\r\n\f]+", " ", data))

    def _put(self, text: str) -> None:
        if not self._gone:
            self._out[-1].append(text)

    def _block(self, tag: str, given: dict[str, str]) -> None:
        # Outlook writes a paragraph for each line.
        self._mso = tag == "p" and given.get("class", "").startswith("Mso")
        self._put(_LINE if self._mso or (tag in {"ul", "ol"} and self._lists) else _APART_MARK)
        if tag == "ul":
            self._lists.append(None)
        elif tag == "ol":
            start = given.get("start", "")
            self._lists.append(int(start) if re.fullmatch(r"-?\d{1,6}", start) else 1)
        elif tag == "pre":
            self._pre += 1
        elif tag == "blockquote":
            named = given.get("type", "").lower() == "cite" or bool(_QUOTED.search(given.get("class", "")))
            if named:
                self._quote(QUOTE_BEGINS, QUOTE_ENDS, wanted=True)
            else:
                self._quote(INDENT_BEGINS, INDENT_ENDS, wanted=True)

    def _quote(self, begins: str, ends: str, *, wanted: bool) -> None:
        self._quotes.append(ends if wanted else "")
        if wanted:
            self._put(begins)

    def _item(self, tag: str) -> None:
        if tag != "li":
            return
        depth = "  " * min(max(len(self._lists) - 1, 0), 8)
        number = self._lists[-1] if self._lists else None
        if number is None:
            self._put(f"{depth}• ")
        else:
            self._put(f"{depth}{number}. ")
            self._lists[-1] = number + 1

    def _picture(self, alt: str) -> None:
        alt = " ".join(alt.split())
        if alt:
            # An emoji is a picture whose description it is.
            self._put(alt if len(alt) <= 2 and not alt.isascii() else f"[{alt}]")

    def _link(self, href: str, since: int) -> None:
        said = " ".join("".join(self._out[-1][since:]).split())
        plain = re.sub(r"(?i)^(?:https?://|mailto:|tel:)", "", href).rstrip("/")
        if plain and plain.lower() not in said.lower():
            self._put(f" ({href})" if said else href)

    def _written_small(self, tag: str, since: int) -> None:
        """10<sup>3</sup> is no 103: digits keep their height; "1<sup>st</sup>" reads well without."""
        said = "".join(self._out[-1][since:]).strip()
        if _WRITTEN_SMALL.fullmatch(said):
            self._out[-1][since:] = [said.translate(_RAISED if tag == "sup" else _LOWERED)]

    def _row(self, cells: list[str]) -> None:
        """Cells of one line stand beside each other; those of several lines (layouts) below each other."""
        filled = [cell for cell in cells if cell]
        beside = all("\n" not in cell for cell in filled)
        self._put(_LINE + ("\t" if beside else _LINE).join(filled) + _LINE)


def _tidy(text: str) -> str:
    """Lines without blanks at their ends, at most one empty line between two."""
    text = _BREAKS.sub(_ended, text.replace("\xa0", " "))
    return re.sub(r"(?m)^ (?=\S)", "", text).strip(f"\n \t{_LINE}{_APART_MARK}")


def _ended(found: re.Match[str]) -> str:
    breaks = found.group().lstrip(" \t")
    # A line end at the end of a block is that of the block; one in a block of its own is an empty line.
    lines = (breaks[0] != "\n") + breaks.count("\n")
    if _APART_MARK in breaks:
        lines = 2
    return "\n" * max(1, min(lines, 2))
