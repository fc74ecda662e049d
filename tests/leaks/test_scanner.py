"""The searcher itself: it finds a name however it is wrapped, and nothing where there is nothing."""

from __future__ import annotations

import base64
import gzip
import json
import os
import quopri
import urllib.parse
import zlib

import pytest

from tests.leaks.scanner import Scanner

NAME = "José Eduardo181"
RAW = NAME.encode()
WRAPPINGS = {
    "as it stands": RAW,
    "hex": RAW.hex().encode(),
    "hex at an odd place": b"a" + RAW.hex().encode(),
    "base64 0": base64.b64encode(RAW),
    "base64 1": base64.b64encode(b"x" + RAW + b"yz"),
    "base64 2": base64.b64encode(b"xx" + RAW + b"z"),
    "base64 for addresses": base64.urlsafe_b64encode(b"??" + RAW),
    "base64 in lines": base64.encodebytes(b"x" * 53 + RAW + b"y" * 40),
    "json": json.dumps({"n": NAME}).encode(),
    "quoted-printable": quopri.encodestring(b"dear " + RAW + b" " * 3 + b"x" * 80),
    "percent": urllib.parse.quote(NAME).encode(),
    "form": urllib.parse.quote_plus(NAME).encode(),
    "UTF-16": NAME.encode("utf-16-le"),
    "UTF-16 at an odd place": b"\x00" + NAME.encode("utf-16-be"),
    "gzip": gzip.compress(RAW * 2),
    "zlib": zlib.compress(RAW * 2),
    "base64 of gzip": base64.b64encode(gzip.compress(RAW)),
    "hex of base64": base64.b64encode(RAW).hex().encode(),
    "json in hex": json.dumps({"n": NAME}).encode().hex().encode(),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_name_is_found_in(wrapping: str) -> None:
    noise = os.urandom(200)
    content = noise + b" " + WRAPPINGS[wrapping] + b" " + noise
    assert Scanner([NAME]).scan(content, "here")


def test_nothing_is_found_in_noise() -> None:
    assert Scanner([NAME, "Guy979", "999-32-2417"]).scan(os.urandom(2_000_000), "here") == []
