"""What a compiled message is made of, and what travels with it.

A message is ``head`` (header lines that differ by route) followed by ``entity`` (a MIME entity that begins
with its own ``Content-Type``). Both are sequences of nodes. A `Literal` holds final bytes: already
quoted-printable, CRLF only, lines of at most 76 octets. A `Slot` says where a person's value goes. Before a
body slot the literal ends in a soft line break, and so does the text of a slot that is not empty, so every
run stands alone and rebuilding a message that was sent is concatenation: no template engine, no zone data, no
key.

`apps.content` makes these objects, `apps.delivery` carries them; neither imports the other.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b85decode, b85encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from apps.core.errors import Refused


class UnsafeHeader(Refused):
    """A header slot or an address holds CR, LF, NUL or another control character (RFC 5322 section 2.2)."""


class MissingField(Refused):
    """A merge field has no value for this person and the template gives no fallback. `name` says which."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            "message.field_missing",
            f"The merge field “{name}” has no value for this person. "
            "Give it a fallback in the template, or complete the record.",
        )


class UnsafeLink(Refused):
    """A link came out as something else than http, https, mailto or tel."""


class Context(StrEnum):
    """Where a slot stands, which decides how its value is escaped."""

    TEXT = "text"  # the text/plain part
    HTML = "html"  # between tags
    ATTRIBUTE = "attribute"  # inside a quoted attribute value
    URL = "url"  # a whole link target; wrapped for click tracking at merge time
    HEADER = "header"  # an unstructured header such as Subject
    ADDRESS = "address"  # a mailbox: display name and address


class Part(StrEnum):
    """Which stretch of the message a slot belongs to."""

    HEAD = "head"
    TEXT = "text"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Field:
    """One merge field: where its value is found and how it is written.

    `path` leads through the facts (``("appointment", "start")``); inside a loop the first step may be the
    loop's name. `format` is a code word of `apps.content.formats` with `argument`; `level` is a
    `core.levels.Level`.
    """

    path: tuple[str, ...]
    format: str = ""
    argument: str = ""
    fallback: str | None = None
    level: int = 0

    @property
    def name(self) -> str:
        """The name a template author uses, such as ``appointment.start``."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """How one slot is filled: fixed text and fields in order, then escaped for `context` and encoded for
    `part`.

    Most slots are one field. Headers and links are composed (``Hello {{ first_name }}``) because they have to
    be encoded as a whole. `track` is the number of the link for click tracking, or -1 when it must not be
    wrapped.
    """

    context: Context
    part: Part
    parts: tuple[str | Field, ...]
    track: int = -1

    @property
    def fields(self) -> tuple[Field, ...]:
        """The merge fields in it."""
        return tuple(part for part in self.parts if isinstance(part, Field))


@dataclass(frozen=True, slots=True)
class Literal:
    """Final bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of `CompiledMessage.slots[index]`."""

    index: int


@dataclass(frozen=True, slots=True)
class Test:
    """A question about one field. `op`: exists, missing, is, is_not, in. Its level counts: a branch reveals
    the answer.
    """

    __test__ = False  # not a test case, whatever pytest thinks of the name

    path: tuple[str, ...]
    op: str
    values: tuple[str, ...] = ()
    level: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """One of two stretches, by a test of the facts."""

    test: Test
    then: tuple[Node, ...]
    otherwise: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Loop:
    """A stretch repeated for each item of a list (at most `limit`); inside it `name` means the item."""

    path: tuple[str, ...]
    name: str
    body: tuple[Node, ...]
    level: int = 0
    limit: int = 50


Node = Literal | Slot | Condition | Loop


@dataclass(frozen=True, slots=True)
class CompiledMessage:
    """A template version, compiled: immutable and content-addressed by `digest`.

    `encoder` names the frozen module of `apps.mail.encoders` that fills the slots. `level` is what the
    author declared (and what conditions and literals imply); the merged fields of a recipient can only raise
    it. `links` are the fixed targets of tracked links in order of `SlotSpec.track`, as the author wrote them.
    """

    language: str
    head: tuple[Node, ...]
    entity: tuple[Node, ...]
    slots: tuple[SlotSpec, ...]
    level: int = 0
    encoder: str = "v1"
    links: tuple[str, ...] = ()
    variants: tuple[CompiledMessage, ...] = ()
    """The same message in further languages. They stand in the digest: another translation is another message."""

    def __repr__(self) -> str:
        return f"CompiledMessage({self.digest.hex()[:12]})"

    def dump(self) -> bytes:
        """The same message as JSON bytes, for sealing; `load` reads them. Equal messages dump equally."""
        data = {
            "encoder": self.encoder,
            "entity": [_node_out(n) for n in self.entity],
            "head": [_node_out(n) for n in self.head],
            "language": self.language,
            "level": self.level,
            "links": list(self.links),
            "slots": [_slot_out(s) for s in self.slots],
        }
        if self.variants:
            data["variants"] = [json.loads(variant.dump()) for variant in self.variants]
        return json.dumps(data, separators=(",", ":"), sort_keys=True, ensure_ascii=True).encode("ascii")

    @classmethod
    def load(cls, data: bytes) -> CompiledMessage:
        """Read what `dump` wrote."""
        return cls._read(json.loads(data))

    @classmethod
    def _read(cls, raw: dict[str, Any]) -> CompiledMessage:
        return cls(
            language=raw["language"],
            head=tuple(_node_in(n) for n in raw["head"]),
            entity=tuple(_node_in(n) for n in raw["entity"]),
            slots=tuple(_slot_in(s) for s in raw["slots"]),
            level=raw["level"],
            encoder=raw["encoder"],
            links=tuple(raw["links"]),
            variants=tuple(cls._read(each) for each in raw.get("variants", ())),
        )

    def in_language(self, language: str) -> CompiledMessage:
        """The message for a reader of `language` ("es", "es-MX"); itself when it was not written in that one."""
        wanted = language[:2].lower()
        return next((variant for variant in self.variants if variant.language == wanted), self)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it was written in, the main one first."""
        return (self.language, *(variant.language for variant in self.variants))

    @property
    def all_links(self) -> tuple[str, ...]:
        """The fixed targets of tracked links in every language, each once."""
        return tuple(dict.fromkeys([*self.links, *(link for variant in self.variants for link in variant.links)]))

    @property
    def digest(self) -> bytes:
        """SHA-256 of `dump`, 32 bytes. Not keyed: never store it beside the skeleton in clear."""
        return hashlib.sha256(self.dump()).digest()

    def fields(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """Every path the message may look at in any language, with its level: slots, tests and loops."""
        for spec in self.slots:
            for item in spec.fields:
                yield item.path, item.level
        yield from _walk_fields(self.head)
        yield from _walk_fields(self.entity)
        for variant in self.variants:
            yield from variant.fields()

    def highest_level(self) -> int:
        """The most a recipient's copy can come to, whichever branches are taken, in whichever language."""
        return max([self.level, *(level for _, level in self.fields())])


LinkFactory = Callable[[int, str], str]
"""(number of the link in the message, target) -> the address to print, for click tracking."""


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """What belongs to one copy of a message and is not a fact about the person.

    `date` is aware; `message_id` has no angle brackets; `zone` is the IANA name for dates in the text.
    The addresses are absolute https URLs or None. `link` wraps tracked links; None leaves them as they are.
    """

    to_address: str
    date: datetime
    message_id: str
    to_name: str = ""
    zone: str = "UTC"
    list_unsubscribe_url: str | None = None
    portal_url: str | None = None
    link: LinkFactory | None = None

    def __repr__(self) -> str:
        return f"Envelope({self.message_id})"


@dataclass(frozen=True, slots=True, repr=False)
class MergedMessage:
    """One person's copy.

    `head` ends after its last header line; `entity` begins with ``Content-Type``; the message is their
    concatenation. `record` (JSON-able) is what `apps.content.merging.rebuild` needs; it is personal and
    belongs under the record key. `sha256` (32 bytes) is over head and entity, before dot-stuffing and before
    signatures. `level` is a `core.levels.Level`.
    """

    head: bytes
    entity: bytes
    subject: str
    record: dict[str, Any] = field(default_factory=dict)
    level: int = 0
    sha256: bytes = b""

    def __repr__(self) -> str:
        return f"MergedMessage({self.sha256.hex()[:12]})"

    @property
    def message(self) -> bytes:
        """Head and entity: what the TLS route signs and sends."""
        return self.head + self.entity


def _walk_fields(nodes: tuple[Node, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    for node in nodes:
        if isinstance(node, Condition):
            yield node.test.path, node.test.level
            yield from _walk_fields(node.then)
            yield from _walk_fields(node.otherwise)
        elif isinstance(node, Loop):
            yield node.path, node.level
            yield from _walk_fields(node.body)


def _node_out(node: Node) -> Any:
    match node:
        case Literal(data):
            try:
                return data.decode("ascii")
            except UnicodeDecodeError:
                return {"b": b85encode(data).decode("ascii")}
        case Slot(index):
            return index
        case Condition(test, then, otherwise):
            return {
                "if": [list(test.path), test.op, list(test.values), test.level],
                "then": [_node_out(n) for n in then],
                "else": [_node_out(n) for n in otherwise],
            }
        case Loop(path, name, body, level, limit):
            return {"for": [list(path), name, level, limit], "do": [_node_out(n) for n in body]}
    raise TypeError(type(node).__name__)


def _node_in(raw: Any) -> Node:
    if isinstance(raw, str):
        return Literal(raw.encode("ascii"))
    if isinstance(raw, int):
        return Slot(raw)
    if "b" in raw:
        return Literal(b85decode(raw["b"]))
    if "if" in raw:
        path, op, values, level = raw["if"]
        return Condition(
            Test(tuple(path), op, tuple(values), level),
            tuple(_node_in(n) for n in raw["then"]),
            tuple(_node_in(n) for n in raw["else"]),
        )
    path, name, level, limit = raw["for"]
    return Loop(tuple(path), name, tuple(_node_in(n) for n in raw["do"]), level, limit)


def _slot_out(spec: SlotSpec) -> list[Any]:
    parts: list[Any] = [
        part if isinstance(part, str) else [list(part.path), part.format, part.argument, part.fallback, part.level]
        for part in spec.parts
    ]
    return [spec.context.value, spec.part.value, parts, spec.track]


def _slot_in(raw: list[Any]) -> SlotSpec:
    parts = tuple(p if isinstance(p, str) else Field(tuple(p[0]), p[1], p[2], p[3], p[4]) for p in raw[2])
    return SlotSpec(Context(raw[0]), Part(raw[1]), parts, raw[3])


def find(facts: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value at `path`, or None when any step is absent. Only mappings are entered: no attributes, no
    calls.
    """
    value: Any = facts
    for step in path:
        # The exact type first: the abstract one costs a microsecond, and this is called for every slot.
        if type(value) is not dict and not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value
