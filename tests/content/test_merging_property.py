"""Whatever stands in a record, one safe message comes out, and its values can be read back.

Every slot context and the recipient's address get random and hostile values; the standard library, a parser
of our own, Perl's MIME modules and an HTML5 parser read the result.
"""

from __future__ import annotations

import html as html_module
import json
import re
import shutil
import smtplib
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.content import blocks, brands, compiling, merging
from apps.mail.compiled import Envelope, MissingField, UnsafeHeader, UnsafeLink
from apps.mail.encoders import v1
from tests.content import readers
from tests.sizes import examples

DESIGN = blocks.parse(
    {
        "subject": "For {{ first_name|you }}",
        "preheader": "Dear {{ last_name|you }}",
        "language": "en",
        "blocks": [
            {"id": "a", "type": "heading", "text": "Hello ⟦{{ first_name|you }}⟧"},
            {
                "id": "b",
                "type": "text",
                "html": '<p>Dear ⟦{{ last_name|you }}⟧ <a href="https://clinic.test/a?n={{ last_name|x }}">see</a></p>',
            },
            {"id": "c", "type": "image", "src": "asset:x.png", "alt": "Photo of {{ city|place }}"},
            {
                "id": "d",
                "type": "condition",
                "field": "appointment.location",
                "op": "exists",
                "then": [{"id": "e", "type": "details", "rows": [["Where", "⟦{{ appointment.location }}⟧"]]}],
                "otherwise": [{"id": "f", "type": "text", "html": "<p>No place</p>"}],
            },
            {
                "id": "g",
                "type": "loop",
                "field": "appointments",
                "name": "visit",
                "blocks": [{"id": "h", "type": "text", "html": "<p>⟦{{ visit.kind|none }}⟧</p>"}],
            },
            {"id": "i", "type": "button", "label": "Go ⟦{{ city|place }}⟧", "url": "{{ account.url }}"},
            {"id": "j", "type": "footer"},
        ],
    }
)
COMPILED = compiling.compile_message(DESIGN, brands.SAMPLE)

HOSTILE = [
    "\r\nBcc: thief@evil.test\r\n\r\n",
    "\r\n.\r\nMAIL FROM:<x@evil.test>\r\n",
    ".",
    "..\n.\n",
    "From me",
    "a" * 10_000,
    "é" * 500,
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "--><img src=x onerror=alert(1)>",
    "</title></style></textarea><svg onload=alert(1)>",
    "<!--[if mso]><x><![endif]-->",
    "javascript:alert(1)",
    "&lt;b&gt; &amp;amp; &#0; &notit;",
    "{{ first_name }} {% if %}",
    "=?utf-8?Q?x?=",
    "=\r\n",
    "=41=42",
    "\ud800\udfff",
    "\x00\x07\x1b[31m",
    "\u202eevil\u202c",
    "שלום עולם",
    "مرحبا",
    "qk0xs1z qk0xt0z",
    "--=_boundary--",
    "\ufeff\ufffe",
    "\t \u00a0\u2028\u2029\x85",
    "%0d%0a",
    "&",
    "'",
    "`",
    "x" * 997 + "\n",
]
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(), max_size=120),
    st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=3).map("".join),
)
HEADER_TEXT = TEXT.filter(lambda value: not any(ch in value for ch in "\r\n\x00"))
MAILBOX = st.one_of(
    st.sampled_from(
        ["maria@example.test", "o'brien+a.b@mail.example.test", "x" * 64 + "@example.test", "a@münchen.test"]
    ),
    TEXT,
    TEXT.map(lambda text: text + "@example.test"),
)
RELAXED = settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))


def envelope(**given: Any) -> Envelope:
    fixed = {
        "to_address": "maria@example.test",
        "date": datetime(2026, 11, 22, 9, tzinfo=UTC),
        "message_id": "1.abc@mail.clinic.test",
        "list_unsubscribe_url": "https://clinic.test/u/abc",
        "portal_url": "https://clinic.test/p/abc",
    }
    return Envelope(**{**fixed, **given})


def facts(first: str, last: str, city: str, place: str, kinds: list[str]) -> dict[str, Any]:
    return {
        "first_name": first,
        "last_name": last,
        "city": city,
        "appointment": {"location": place},
        "appointments": [{"kind": kind} for kind in kinds],
        "account": {"url": "https://clinic.test/account/1"},
    }


def marked(text: str) -> list[str]:
    return re.findall(r"⟦(.*?)⟧", text, re.DOTALL)


def shown(value: str, fallback: str) -> str:
    """What a reader must see for `value`: harmless text, or the fallback when there is none."""
    return v1.canonical(value) if value else fallback


def check_lines(raw: bytes) -> None:
    """CRLF only, nothing over 998, body lines at most 76, ASCII."""
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert all(len(line) <= 76 for line in body.split(b"\r\n"))


@RELAXED
@given(HEADER_TEXT, TEXT, TEXT, TEXT, st.lists(TEXT, max_size=3), HEADER_TEXT)
def test_every_value_comes_back_and_nothing_else(
    first: str, last: str, city: str, place: str, kinds: list[str], to_name: str
) -> None:
    merged = merging.merge(COMPILED, facts(first, last, city, place, kinds), envelope(to_name=to_name))
    raw = merged.message
    check_lines(raw)
    assert merging.rebuild(COMPILED, json.loads(json.dumps(merged.record))) == raw

    expected = [shown(first, "you"), shown(last, "you")]
    expected += [v1.canonical(place)] if place else []
    expected += [shown(kind, "none") for kind in kinds] + [shown(city, "place")]
    spaces = [re.sub(r"\s", " ", value) for value in expected]

    # the standard library
    parsed = message_from_bytes(raw, policy=policy.SMTP)
    assert parsed.defects == []
    assert [part.get_content_type() for part in parsed.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert parsed["Subject"] == merged.subject == v1.header_text("For " + (first or "you"))
    assert [box.addr_spec for box in parsed["To"].addresses] == ["maria@example.test"]
    text = parsed.get_body(("plain",)).get_content().replace("\r\n", "\n")
    html = parsed.get_body(("html",)).get_content().replace("\r\n", "\n")

    # a parser that shares no code
    mail = readers.read(raw)
    assert [name for name, _ in mail.headers] == [
        "From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version",
        "Content-Type",
    ]  # fmt: skip
    assert mail.one("Subject") == merged.subject
    for name, ours in (("text/plain", text), ("text/html", html)):
        assert mail.bodies[name].replace("\r\n", "\n").rstrip("\n") == ours.rstrip("\n")

    if "⟦" in "".join(expected) or "⟧" in "".join(expected):
        return
    if "\n" not in "".join(expected):
        assert marked(text) == expected
    tree = readers.html_tree(html)
    seen = marked("".join(tree.itertext()))
    assert [re.sub(r"\s", " ", value) for value in seen] == spaces

    # no element and no attribute appears, whatever was merged
    harmless = merging.merge(COMPILED, facts("a", "b", "c", "d" if place else "", ["e"] * len(kinds)), envelope())
    assert readers.shape(html) == readers.shape(merging.render(harmless.message).html)
    image = next(element for element in tree.iter("img"))
    assert image.get("alt") == "Photo of " + shown(city, "place").replace("\n", " ")
    hrefs = [element.get("href") for element in tree.iter("a")]
    query = urllib.parse.urlsplit(hrefs[0]).query
    assert urllib.parse.unquote(query.removeprefix("n=")) == (v1.canonical(last) if last else "x")
    assert all(urllib.parse.urlsplit(href).hostname == "clinic.test" for href in hrefs)


@RELAXED
@given(MAILBOX, TEXT)
def test_an_address_arrives_alone_or_the_message_is_refused(mailbox: str, to_name: str) -> None:
    unsafe_name = any(ch in to_name for ch in "\r\n\x00")
    try:
        merged = merging.merge(COMPILED, facts("a", "b", "c", "d", []), envelope(to_address=mailbox, to_name=to_name))
    except UnsafeHeader:
        return
    assert not unsafe_name
    check_lines(merged.message.partition(b"\r\n\r\n")[2])
    parsed = message_from_bytes(merged.message, policy=policy.SMTP)
    boxes = parsed["To"].addresses
    assert len(boxes) == 1
    assert boxes[0].addr_spec == v1.mailbox_text(mailbox)
    assert "Bcc" not in parsed


@RELAXED
@given(TEXT.filter(lambda value: any(ch in value for ch in "\r\n\x00")))
def test_a_subject_with_a_line_break_is_refused(value: str) -> None:
    with pytest.raises(UnsafeHeader):
        merging.merge(COMPILED, facts(value, "b", "c", "d", []), envelope())


@RELAXED
@given(TEXT)
def test_a_link_from_a_record_is_a_web_link_or_refused(value: str) -> None:
    given_facts = facts("a", "b", "c", "d", [])
    given_facts["account"]["url"] = value
    try:
        html = merging.render(merging.merge(COMPILED, given_facts, envelope()).message).html
    except (UnsafeLink, MissingField):
        return
    for element in readers.html_tree(html).iter("a"):
        assert element.get("href").partition(":")[0].lower() in ("https", "http", "mailto", "tel")


class _Box:
    """A receiving server's handler: keeps what arrived."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, mail: Any) -> str:
        self.got.append((mail.rcpt_tos, mail.original_content))
        return "250 kept"


@pytest.fixture(scope="module")
def receiver() -> Iterator[tuple[_Box, int]]:
    box = _Box()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, data_size_limit=2**24)
    controller.start()
    yield box, port
    controller.stop()


def test_the_receiver_sees_exactly_one_message(receiver: tuple[_Box, int]) -> None:
    """Through dot-stuffing and a receiving server, with every hostile value in every slot."""
    box, port = receiver
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        for number, value in enumerate(HOSTILE):
            safe = re.sub("[\r\n\x00]", " ", value)
            merged = merging.merge(
                COMPILED,
                facts(safe, value, value, value, [value]),
                envelope(to_name=safe, message_id=f"{number}@c.test"),
            )
            before = len(box.got)
            client.sendmail("bounce@clinic.test", ["maria@example.test"], merged.message)
            assert len(box.got) == before + 1
            assert box.got[-1] == (["maria@example.test"], merged.message)


@pytest.mark.skipif(shutil.which("perl") is None, reason="left out: perl is absent")
def test_perl_reads_the_same_texts() -> None:
    """Perl's MIME::QuotedPrint and Encode, written by other people in another language."""
    script = "use MIME::QuotedPrint; binmode STDIN; binmode STDOUT; local $/; print decode_qp(<STDIN>);"
    for value in HOSTILE:
        out = v1.run(v1.canonical(value))
        decoded = subprocess.run(["perl", "-e", script], input=out, capture_output=True, check=True).stdout
        assert decoded.decode().replace("\r\n", "\n") == v1.canonical(value)
    words = "use Encode; binmode STDIN; binmode STDOUT, ':utf8'; local $/; print decode('MIME-Header', <STDIN>);"
    for value in ["María Álvarez", "é" * 200, "שלום עולם", "😀" * 40, "a" * 300]:
        header = v1.unstructured("Subject", value)
        decoded = subprocess.run(["perl", "-e", words], input=header, capture_output=True, check=True).stdout
        assert decoded.decode().strip() == f"Subject: {value}"


@pytest.mark.shared_data
def test_hostile_corpora_stay_text(shared_data: Path) -> None:
    """XSS, header and template injection lists as values: shown as text, never as markup."""
    folder = shared_data / "sanitiser"
    values: list[str] = json.loads((folder / "naughty-strings" / "strings.json").read_text())
    for path in sorted((folder / "payloads").rglob("*.*")):
        values += path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()[:600]
    harmless = readers.shape(
        merging.render(merging.merge(COMPILED, facts("a", "b", "c", "d", ["e"]), envelope()).message).html
    )
    assert len(values) > 800
    for start in range(0, len(values), 5):
        chunk = [value for value in values[start : start + 5] if value]
        if not chunk:
            continue
        joined = " ¦ ".join(chunk)
        safe = re.sub("[\r\n\x00]", " ", joined)
        merged = merging.merge(COMPILED, facts(safe, joined, joined, joined, [joined]), envelope(to_name=safe[:200]))
        check_lines(merged.message)
        html = readers.read(merged.message).bodies["text/html"]
        assert readers.shape(html) == harmless
        if "⟦" not in joined:
            seen = marked("".join(readers.html_tree(html).itertext()))
            assert re.sub(r"\s", " ", seen[1]) == re.sub(r"\s", " ", v1.canonical(joined))


def test_the_corpus_reader_would_notice_markup() -> None:
    """The shape check itself: an unescaped value is seen."""
    assert readers.shape("<p>a</p>") != readers.shape("<p>a<b>c</b></p>")
    assert readers.shape("<p>a</p>") != readers.shape("<p onclick=x>a</p>")
    assert html_module.unescape(v1.escape_html("<&\"'`>")) == "<&\"'`>"
