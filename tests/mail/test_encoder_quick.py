"""The shortcuts of encoder version 1 give what version 1 gives, for every value anybody can think of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mail.compiled import UnsafeHeader
from apps.mail.encoders import quick, v1

TROUBLE = [
    "",
    ".",
    "..b",
    "From me",
    "From",
    "Faye",
    "O'Neil & <Sons>",
    '"quoted" `tick`',
    "Nguyễn",
    "Ольга",
    "9:00\u00a0AM",
    "a\tb ",
    "=?utf-8?Q?x?=",
    "=",
    "\r\nBcc: thief@evil.test",
    "one\ntwo",
    "\x00",
    "\x7f\x85",
    "\ud800",
    "\ufffe",
    "\u202eevil",
    "😀" * 12,
    "x" * 75,
    "x" * 76,
    "x" * 75 + ".x",
    "x" * 75 + "From here",
    "x" * 76 + "From here",
    "x" * 150,
    "x" * 151,
    "é" * 13,
    "<" * 19,
    "https://clinic.test/r/u/" + "Ab9-_z" * 40,
    "https://clinic.test/r/u/" + "Ab9-_z" * 20 + "?language=es&x=1",
]
VALUES = st.one_of(
    st.sampled_from(TROUBLE),
    st.text(max_size=200),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x17F), max_size=90),
    st.text("ab .F<&='-", max_size=160),
    st.lists(st.sampled_from([*TROUBLE, "x", " "]), max_size=4).map("".join),
)


@pytest.mark.parametrize("value", TROUBLE)
def test_known_troublemakers(value: str) -> None:
    same_as_version_1(value)


@given(VALUES)
def test_any_value(value: str) -> None:
    same_as_version_1(value)


def same_as_version_1(value: str) -> None:
    text = v1.canonical(value)
    assert quick.text(value).encode("ascii") == v1.run(text)
    assert quick.html(value).encode("ascii") == v1.run(v1.escape_html(text))
    assert quick.attribute(value).encode("ascii") == v1.run(v1.escape_attribute(text))


@given(VALUES, st.sampled_from(["p1@bench.test", f"{'p' * 60}@{'b' * 50}.test", "not an address"]))
def test_any_recipient(display: str, mailbox: str) -> None:
    try:
        wanted = v1.address("To", display, mailbox)
    except UnsafeHeader:
        with pytest.raises(UnsafeHeader):
            quick.address("To", display, mailbox)
    else:
        assert quick.address("To", display, mailbox) == wanted


@pytest.mark.parametrize(
    "display", ["Björn Åkesson-1", "Ольга Nguyễn-22", "é" * 9, "é" * 30, "Zoë\u00a0 O'Neil =?_", "ß~\x7f"]
)
def test_names_beyond_ascii(display: str) -> None:
    for number in range(40):
        for mailbox in ("p1@bench.test", f"{'p' * number}x@b{'b' * number}.test"):
            name = display + "a" * number
            assert quick.address("To", name, mailbox) == v1.address("To", name, mailbox)


def test_a_hostile_import_does_not_fill_the_memory() -> None:
    for code in range(0x4E00, 0x4E00 + 6_000):
        quick.text(chr(code))
    assert len(quick._TEXT) <= quick._MOST_CHARACTERS
