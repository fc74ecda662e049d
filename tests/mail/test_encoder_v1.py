"""Encoder version 1 against the standard library's parser, by table and by property."""

import quopri
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mail.compiled import UnsafeHeader, UnsafeLink
from apps.mail.encoders import v1

ANY_TEXT = st.text(st.characters(), max_size=400)
TROUBLE = st.sampled_from(
    [
        "",
        ".",
        "..",
        "From me",
        "\r\n.\r\n",
        "a" * 10_000,
        "é" * 300,
        "= ",
        " \n ",
        "\ud800",
        "\x00",
        "=\r\n",
        "--x",
        "שלום",
        "مرحبا\u202e",
        "x" * 75,
        "x" * 76,
        "x" * 74 + "é",
        "\t\n",
        "tail \n",
    ]
)
WILD = st.one_of(ANY_TEXT, TROUBLE, st.lists(st.one_of(TROUBLE, ANY_TEXT), max_size=4).map("".join))


@given(WILD)
def test_a_run_decodes_to_the_canonical_text(value: str) -> None:
    text = v1.canonical(value)
    out = v1.run(text)
    assert quopri.decodestring(out).decode() == text.replace("\n", "\r\n")
    assert all(len(line) <= 76 and not line.startswith((b".", b"From ")) for line in out.split(b"\r\n"))
    assert out == b"" or out.endswith(b"\r\n")
    assert b"=_" not in out
    assert not out.replace(b"\r\n", b"").strip(b"\r\n") or b"\n" not in out.replace(b"\r\n", b"")


@given(WILD, WILD)
def test_runs_side_by_side_are_the_texts_side_by_side(one: str, two: str) -> None:
    one, two = v1.canonical(one), v1.canonical(two)
    together = quopri.decodestring(v1.run(one) + v1.run(two)).decode()
    assert together == (one + two).replace("\n", "\r\n")


@given(WILD)
def test_canonical_text_is_stable_and_encodable(value: str) -> None:
    once = v1.canonical(value)
    assert v1.canonical(once) == once
    once.encode("utf-8")


@given(WILD)
def test_a_subject_comes_back_or_is_refused(value: str) -> None:
    if any(ch in value for ch in "\r\n\x00"):
        with pytest.raises(UnsafeHeader):
            v1.unstructured("Subject", value)
        return
    raw = v1.unstructured("Subject", value)
    assert all(len(line) <= 76 for line in raw.split(b"\r\n"))
    parsed = message_from_bytes(raw + b"\r\n", policy=policy.SMTP)
    assert parsed["Subject"] == v1.header_text(value)
    assert parsed.keys() == ["Subject"]


@given(
    WILD,
    st.sampled_from(["a@example.test", "x" * 64 + "@" + "d" * 60 + ".example.test", "o'brien+x@münchen.test"]),
)
def test_a_name_and_address_come_back_or_are_refused(display: str, mailbox: str) -> None:
    if any(ch in display for ch in "\r\n\x00"):
        with pytest.raises(UnsafeHeader):
            v1.address("To", display, mailbox)
        return
    raw = v1.address("To", display, mailbox)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 200
    parsed = message_from_bytes(raw + b"\r\n", policy=policy.SMTP)
    assert len(parsed["To"].addresses) == 1
    assert parsed["To"].addresses[0].addr_spec == v1.mailbox_text(mailbox)
    text = v1.header_text(display)
    if raw.count(b"=?") > 1:
        # The new parser keeps the space between two encoded words of a phrase (against RFC 2047 section 6.2).
        shown = "".join(parsed["To"].addresses[0].display_name.split())
        assert shown == "".join(text.split())
        old = message_from_bytes(raw + b"\r\n")["To"]
        assert parseaddr(old)[1] == v1.mailbox_text(mailbox)
        phrase = old[: old.rindex("<")].rstrip().replace("\r\n", "\n")
        assert str(make_header(decode_header(phrase))) == text
    else:
        assert parsed["To"].addresses[0].display_name == text


@pytest.mark.parametrize(
    "mailbox",
    [
        "",
        "a",
        "a@",
        "@b.test",
        "a b@c.test",
        "a@b.test\r\nBcc: x@y.test",
        "a@b.test, c@d.test",
        "a@b.test>",
        "<a@b.test>",
        '"a b"@c.test',
        "a@[127.0.0.1]",
        "a..b@c.test",
        ".a@c.test",
        "a@c..test",
        "a@-c.test",
        "josé@c.test",
        "a\x00@c.test",
        "x" * 65 + "@c.test",
        "a@" + "d" * 300,
        "a@b@c.test",
        "a(c)@b.test",
        "=?utf-8?Q?x?=@c.test",
    ],
)
def test_what_is_not_one_plain_mailbox_is_refused(mailbox: str) -> None:
    with pytest.raises(UnsafeHeader):
        v1.mailbox_text(mailbox)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "//evil.test/",
        "/path",
        "",
        "https:evil.test",
        "https://",
        "https://user@evil.test/",
        "https://good.test@evil.test/",
        "https://a b.test/",
        'https://a.test/"x',
        "file:///etc/passwd",
        "https://[::1",
        "\x01javascript:alert(1)",
        "http:///x",
        "https://a.test/\x7f",
    ],
)
def test_a_dangerous_link_is_refused(url: str) -> None:
    with pytest.raises(UnsafeLink):
        v1.safe_link(url)


@pytest.mark.parametrize(
    ("url", "out"),
    [
        ("https://a.test/x?y=1&z=%20#f", "https://a.test/x?y=1&z=%20#f"),
        ("https://a.test/ñ", "https://a.test/%C3%B1"),
        ("mailto:a@b.test", "mailto:a@b.test"),
        ("tel:+1-555-0100", "tel:+1-555-0100"),
    ],
)
def test_a_good_link_is_made_ascii(url: str, out: str) -> None:
    assert v1.safe_link(url) == out


def test_date_and_message_id() -> None:
    assert v1.date(datetime(2026, 12, 2, 9, 0, tzinfo=UTC)) == b"Date: Wed, 02 Dec 2026 09:00:00 +0000\r\n"
    assert v1.message_id("1.abc@mail.test") == b"Message-ID: <1.abc@mail.test>\r\n"
    for bad in ("", "a", "a@b>\r\nX: y", "a b@c", "<a@b>"):
        with pytest.raises(UnsafeHeader):
            v1.message_id(bad)
