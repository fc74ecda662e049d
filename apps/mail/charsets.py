"""Bytes of strangers read as text, as browsers do: pure, raises nothing, and no byte vanishes.

Labels mean what the WHATWG Encoding Standard says (iso-8859-1 is windows-1252, gb2312 is GB 18030, shift_jis is
windows-31j, ks_c_5601-1987 is windows-949). What cannot be read becomes U+FFFD, one by one.
"""

from __future__ import annotations

import codecs
import re

import webencodings

_CODECS = {
    # Python's codecs of these names know fewer characters than the standard's encodings.
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
    "windows-874": "cp874",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "iso-8859-8-i": "iso8859_8",
}
# Text codecs of Python that are no character sets of mail; some of them take quadratic time.
_NO_CHARSET = re.compile(r"(?i)idna|punycode|escape|undefined|mbcs|oem|palmos|charmap")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_META = re.compile(rb"""(?i)<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-z0-9_.:-]{2,40})""")
_HIGH = re.compile(rb"[\x80-\xff]")
_MULTIBYTE = re.compile("[\u0080-\ufffc\ufffe-\U0010ffff]")


def decode(payload: bytes, label: str = "", *, markup: bool = False) -> str:
    """The text of ``payload``, whose character set is said to be ``label`` ("" for none); ``markup`` is HTML."""
    for mark, codec in _BOMS:
        if payload.startswith(mark):
            return payload[len(mark) :].decode(codec, "replace")
    label = label.strip().strip("\"'").lower()
    if not label and markup:
        found = _META.search(payload[:4096])
        label = found.group(1).decode("ascii") if found else ""
        # A page whose meta can be read as ASCII is not in UTF-16 (WHATWG HTML, prescan).
        label = "utf-8" if label.startswith("utf-16") else label
    chosen = codec_of(label)
    if chosen in {None, "cp1252"} and b"\x1b$" in payload:
        chosen = "iso-2022-jp"
    if chosen is None or (chosen == "cp1252" and _HIGH.search(payload)):
        return _guessed(payload)
    return _declared(payload, chosen)


def codec_of(label: str) -> str | None:
    """The Python codec that a label of a mail means, or None for one that nobody knows."""
    known = webencodings.lookup(label)
    if known is not None and known.name not in {"replacement", "x-user-defined"}:
        if known.name == "iso-2022-jp":
            return known.name
        return _CODECS.get(known.name, codecs.lookup(known.codec_info.name).name)
    # Labels that browsers have given up and mail has not: utf-7, hz-gb-2312, iso-2022-kr, cp850.
    try:
        if not label or _NO_CHARSET.search(label):
            return None
        b"".decode(label)
        return codecs.lookup(label).name
    except (LookupError, ValueError):
        return None


def _guessed(payload: bytes) -> str:
    """Text without a (believable) label: UTF-8 where it is that, else windows-1252."""
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        found = payload.decode("utf-8", "replace")
        # One broken character in a long text is no reason to read all others wrongly.
        if len(_MULTIBYTE.findall(found)) > found.count("\ufffd"):
            return found
        return payload.decode("cp1252", "replace")


def _declared(payload: bytes, codec: str) -> str:
    if codec == "iso-2022-jp":
        return _japanese_by_escapes(payload)
    try:
        return _windows(payload.decode(codec), codec)
    except (UnicodeError, ValueError):
        pass
    try:
        if not codec.startswith("utf-16"):
            return payload.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if codec == "euc_jp":
        # The rows of NEC and IBM that browsers read too.
        codec = "euc_jis_2004"
    try:
        return _windows(payload.decode(codec, "replace"), codec)
    except (UnicodeError, ValueError):
        return payload.decode("cp1252", "replace")


_C1 = re.compile("[\x80-\x9f]")


def _windows(text: str, codec: str) -> str:
    """The text of another ISO 8859 set, with the dashes, quotes and the euro that Windows programs write into the
    places of its control characters (which nobody writes in a letter).
    """
    if not codec.startswith("iso8859"):
        return text
    return _C1.sub(lambda found: found.group().encode("latin-1").decode("cp1252", "replace"), text)


_ESCAPE = re.compile(rb"\x1b(\([BJI]|\$[@B])")


def _japanese_by_escapes(payload: bytes) -> str:
    """ISO-2022-JP with the characters of NEC and IBM, which Python's codec does not know but mail programs write."""
    pieces = _ESCAPE.split(payload)
    text = [pieces[0].decode("ascii", "replace")]
    for mode, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if mode[:1] == b"$":
            text.append(_double_bytes(piece))
        elif mode == b"(I":
            text.append(
                bytes(each | 0x80 if 0x21 <= each <= 0x5F else each for each in piece).decode("cp932", "replace")
            )
        else:
            text.append(piece.decode("ascii", "replace"))
    return "".join(text)


def _double_bytes(piece: bytes) -> str:
    """Pairs of JIS X 0208 by way of Shift_JIS; a line end inside belongs to nobody's pair."""
    out = bytearray()
    place = 0
    while place < len(piece):
        first = piece[place]
        second = piece[place + 1] if place + 1 < len(piece) else 0
        if not (0x21 <= first <= 0x7E and 0x21 <= second <= 0x7E):
            out += bytes([first]) if first < 0x21 else b"\x80\xff"
            place += 1
            continue
        lead = (first + 1) // 2 + (0x70 if first < 0x5F else 0xB0)
        trail = second + 0x7E if first % 2 == 0 else second + (0x1F if second < 0x60 else 0x20)
        out += bytes([lead, trail])
        place += 2
    return out.decode("cp932", "replace")
