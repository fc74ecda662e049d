"""The files of a letter as a tree, and one of them: runs inside (``apps.core.strangers``). Pure.

A file's place is its path: ``2`` is the second file of the letter, ``2.1`` the first one in it. Archives, wrappings
and forwarded letters are looked into so deep, so often and so far as ``Bounds`` says, and no further.
"""

from __future__ import annotations

import email.message
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import tnefparse

from apps.mail.files.kinds import KINDS, Kind, kind_of, zip_kind
from apps.mail.reports.returned_mail import Absurd, message_of

DEPTH = 3
"""Containers in containers: a letter with a ZIP with a ZIP is three deep with its last files."""
COUNT = 200
"""Files of one letter, all containers together."""
EXPANSION = 64 * 1024 * 1024
"""Bytes that come out of all archives of a letter together."""
PAGES = 50
"""Pages of a fax that can be shown."""
_ONE = 16 * 1024 * 1024
_NAME = 120


@dataclass
class _Spent:
    files: int = 0
    expanded: int = 0


@dataclass(frozen=True)
class _Raw:
    """A file as its container has it: the sender's name and type for it, its bytes (None: not taken out), why not."""

    name: str
    declared: str
    data: bytes | None
    size: int
    note: str = ""
    expanded: bool = False


@dataclass(frozen=True)
class _Node:
    path: str
    raw: _Raw
    kind: Kind
    notes: list[str] = field(default_factory=list)
    children: list[_Node] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """What is handed out: values that tell what the file is, none of its bytes."""
        return {
            "path": self.path,
            "name": self.raw.name,
            "kind": self.kind.code,
            "size": self.raw.size,
            "notes": self.notes,
            "pages": tiff_pages(self.raw.data) if self.kind.code == "tiff" and self.raw.data else 1,
            "files": [child.to_json() for child in self.children],
        }


def listing(data: bytes, *, ask: Any) -> tuple[Any, bytes]:
    """What came along with a letter: ``{"files": [...], "notes": [...], "sealed": a key of SEALED, or ""}``."""
    message = message_of(data)
    nodes, notes = _tree(message)
    files = [node.to_json() for node in nodes]
    return {"files": files, "sealed": _sealed(message, nodes), "notes": notes}, b""


def part(data: bytes, *, ask: Any, path: str) -> tuple[Any, bytes]:
    """One file: ``{"name", "kind"}`` and its bytes; ``{"note"}`` when it cannot be taken out.

    The tree is walked as for the listing, so that what was refused there is refused here.
    """
    nodes, _ = _tree(message_of(data))
    steps = path.split(".")
    for depth in range(1, len(steps) + 1):
        here = ".".join(steps[:depth])
        found = next((node for node in nodes if node.path == here), None)
        if found is None:
            return {"note": "missing"}, b""
        nodes = found.children
    if found is None or found.raw.data is None:
        return {"note": found.raw.note if found else "missing"}, b""
    return {"name": found.raw.name, "kind": found.kind.code}, found.raw.data


def _tree(message: email.message.Message) -> tuple[list[_Node], list[str]]:
    notes: list[str] = []
    return _children("", _of_letter(message), 0, _Spent(), notes), notes


def _node(path: str, raw: _Raw, depth: int, spent: _Spent) -> _Node:
    spent.files += 1
    if raw.data is None:
        return _Node(path, raw, kind_of(b"x", raw.name) if raw.note != "missing" else KINDS["unknown"], [raw.note])
    if raw.expanded:
        spent.expanded += len(raw.data)
    kind = kind_of(raw.data, raw.name, raw.declared)
    if raw.declared == "message/rfc822":
        kind = KINDS["letter"]
    notes: list[str] = []
    members: Iterator[_Raw] | None = None
    try:
        if kind.code == "zip":
            kind, members = _open_zip(raw, kind, spent)
        elif kind.code == "tnef":
            members = iter(_of_tnef(raw.data))
        elif kind.code == "letter":
            members = _of_letter(message_of(raw.data))
        elif kind.code == "pdf" and re.search(rb"/Encrypt\s+\d+\s+\d+\s+R", raw.data):
            notes.append("password")
        children = _children(path, members, depth, spent, notes) if members is not None else []
    except (zipfile.BadZipFile, Absurd, ValueError, LookupError, RecursionError, TypeError, AttributeError, EOFError):
        return _Node(path, raw, kind, [*notes, "damaged"])
    return _Node(path, raw, kind, notes, children)


def _children(path: str, members: Iterator[_Raw], depth: int, spent: _Spent, notes: list[str]) -> list[_Node]:
    if depth >= DEPTH:
        notes.append("too_deep")
        return []
    found: list[_Node] = []
    for number, raw in enumerate(members, 1):
        if spent.files >= COUNT:
            notes.append("too_many")
            break
        found.append(_node(f"{path}.{number}".lstrip("."), raw, depth + 1, spent))
    return found


def _of_letter(message: email.message.Message) -> Iterator[_Raw]:
    """What came along with a letter: all leaves but the words of it; a forwarded letter is one file."""
    for leaf in _leaves(message):
        declared = leaf.get_content_type()
        data = _payload(leaf)
        yield _Raw(_file_name(leaf), declared, data, len(data))


def _leaves(message: email.message.Message) -> Iterator[email.message.Message]:
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        if part.get_content_type() == "message/rfc822":
            yield part
        elif part.is_multipart():
            waiting[:0] = [one for one in part.get_payload() if isinstance(one, email.message.Message)]
        elif not _is_words(part):
            yield part


def _is_words(part: email.message.Message) -> bool:
    """Whether a leaf is the letter itself: text that nobody named or called an attachment."""
    if part.get_content_maintype() != "text" or part.get_content_disposition() == "attachment":
        return False
    return not _file_name(part) and part.get_content_type() in {"text/plain", "text/html", "text/enriched"}


def _payload(part: email.message.Message) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        one = inner[0] if isinstance(inner, list) and inner else inner
        if isinstance(one, email.message.Message):
            return bytes(one)
        return str(one or "").encode("utf-8", "surrogateescape")
    if part.is_multipart():
        return b""
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError):
        return b""
    return payload if isinstance(payload, bytes) else b""


def _file_name(part: email.message.Message) -> str:
    try:
        name = part.get_filename() or ""
        if "=?" in name:
            # Many programs write encoded words where RFC 2231 wants its own form.
            name = str(email.header.make_header(email.header.decode_header(name)))
    except (ValueError, LookupError, TypeError, email.errors.MessageError):
        name = ""
    return clean_name(name)


def clean_name(name: str) -> str:
    """The last part of a path, on one line, without marks that turn the direction of writing (``exe.gpj``)."""
    last = re.split(r"[\\/]", name)[-1]
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+", "", last).strip()[
        :_NAME
    ]


def _open_zip(raw: _Raw, kind: Kind, spent: _Spent) -> tuple[Kind, Iterator[_Raw] | None]:
    archive = zipfile.ZipFile(io.BytesIO(raw.data or b""))
    members = [one for one in archive.infolist() if not one.is_dir()]
    told = KINDS[zip_kind([one.filename for one in members])]
    if told.code != "zip":
        return told, None
    return kind_of(b"PK\x03\x04", raw.name), (_member(archive, one, spent) for one in members)


def _member(archive: zipfile.ZipFile, one: zipfile.ZipInfo, spent: _Spent) -> _Raw:
    name = clean_name(one.filename)
    if one.flag_bits & 1:
        return _Raw(name, "", None, one.file_size, "password")
    room = min(_ONE, EXPANSION - spent.expanded)
    if one.file_size > room:
        return _Raw(name, "", None, one.file_size, "too_large")
    try:
        with archive.open(one) as member:
            # The head may lie about the size: what comes out is counted.
            data = member.read(room + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError, RuntimeError):
        return _Raw(name, "", None, one.file_size, "damaged")
    if len(data) > room:
        return _Raw(name, "", None, len(data), "too_large")
    return _Raw(name, "", data, len(data), expanded=True)


def _of_tnef(data: bytes) -> list[_Raw]:
    """The files in Outlook's wrapping, and the words of the letter when they are in it too."""
    wrapped = tnefparse.TNEF(data, do_checksum=False)
    found = []
    bodies: tuple[tuple[str, str, Callable[[], Any]], ...] = (
        ("letter.txt", "text/plain", lambda: wrapped.body),
        ("letter.html", "text/html", lambda: wrapped.htmlbody),
    )
    for name, declared, read in bodies:
        body = read()
        body = body.encode("utf-8", "replace") if isinstance(body, str) else body
        if isinstance(body, bytes) and body.strip(b"\0 \r\n"):
            found.append(_Raw(name, declared, body, len(body)))
            break
    for one in wrapped.attachments:
        content = bytes(one.data or b"")
        found.append(
            _Raw(clean_name(str(one.long_filename() or one.name or "").strip("\0")), "", content, len(content))
        )
    return found


def tiff_pages(data: bytes) -> int:
    """Pages of a TIFF by its chain of directories (TIFF 6.0, section 2), at most ``PAGES``; at least one."""
    order = "<" if data.startswith(b"II") else ">"
    seen: set[int] = set()
    try:
        (place,) = struct.unpack_from(f"{order}I", data, 4)
        while place and place not in seen and len(seen) < PAGES:
            seen.add(place)
            (fields,) = struct.unpack_from(f"{order}H", data, place)
            (place,) = struct.unpack_from(f"{order}I", data, place + 2 + 12 * fields)
    except struct.error:
        # A chain that ends outside the file: what it had so far are its pages.
        pass
    return max(1, len(seen))


def _sealed(message: email.message.Message, nodes: list[_Node]) -> str:
    """Whether the letter itself is encrypted or packed: RFC 3156 and RFC 8551, and PGP in the text."""
    if message.get_content_type() == "multipart/encrypted":
        return "pgp"
    for node in nodes:
        if node.kind.code in {"smime", "smime_signed"} and message.get_content_maintype() == "application":
            return node.kind.code
    for leaf in message.walk():
        if leaf.get_content_maintype() == "text" and _payload(leaf).lstrip().startswith(b"-----BEGIN PGP MESSAGE-----"):
            return "pgp"
    return "pgp" if any(node.kind.code == "pgp" for node in nodes) else ""
