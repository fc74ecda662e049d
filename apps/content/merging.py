"""Fills a compiled message for one person, and puts a message that was sent together again.

Everything that can be worked out once per template is worked out in `_Program`; a copy then costs a few
dictionary look-ups, an escape and an encode per slot, and one join. Rebuilding needs the skeleton and the
stored record only.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from functools import lru_cache
from typing import Any

from apps.contacts import languages
from apps.contacts.cell_text import BadValue
from apps.content import formats
from apps.content.fields import SPOKEN
from apps.mail.compiled import (
    CompiledMessage,
    Condition,
    Context,
    Envelope,
    Field,
    Literal,
    Loop,
    MergedMessage,
    MissingField,
    Node,
    Part,
    Slot,
    SlotSpec,
    Test,
    find,
)
from apps.mail.encoders import BY_NAME, QUICK

Facts = Mapping[str, Any]
_Value = Callable[[Facts, Envelope], str]
_Text = Callable[[Facts, Envelope], str]


def merge(compiled: CompiledMessage, facts: Facts, envelope: Envelope) -> MergedMessage:
    """One person's copy of `compiled`.

    `facts` are nested mappings by field name (``{"first_name": ..., "appointment": {"start": ...}}``).
    Raises `MissingField` (a field without value and fallback), `UnsafeHeader`, `UnsafeLink`. The level is
    that of what was merged for this person: the template's own, and that of every field printed, tested or
    repeated.
    """
    program = _program(compiled)
    run = _Run(facts, envelope, compiled.level, [], [])
    head = "".join(run.fill(program.head, [])).encode("latin-1")
    entity = "".join(run.fill(program.entity, [])).encode("latin-1")
    digest = hashlib.sha256(head)
    digest.update(entity)
    record = {"v": compiled.encoder, "slots": run.texts, "branches": run.branches}
    subject = program.subject(facts, envelope)
    return MergedMessage(head, entity, subject, record, run.level, digest.digest())


def rebuild(compiled: CompiledMessage, record: Mapping[str, Any]) -> bytes:
    """The message that `record` was made for, byte for byte (before dot-stuffing and signatures).

    Raises `ValueError` when record and skeleton do not belong together.
    """
    texts, branches = iter(record["slots"]), iter(record["branches"])
    out: list[bytes] = []

    def walk(nodes: tuple[Node, ...]) -> None:
        for node in nodes:
            if isinstance(node, Literal):
                out.append(node.data)
            elif isinstance(node, Slot):
                out.append(next(texts).encode("ascii"))
            elif isinstance(node, Condition):
                walk(node.then if next(branches) else node.otherwise)
            else:
                for _ in range(next(branches)):
                    walk(node.body)

    try:
        walk(compiled.head)
        walk(compiled.entity)
    except StopIteration:
        raise ValueError("the record is shorter than the skeleton") from None
    if next(texts, None) is not None or next(branches, None) is not None:
        raise ValueError("the record is longer than the skeleton")
    return b"".join(out)


@dataclass(frozen=True, slots=True, repr=False)
class Rendered:
    """A merged message as a mail program would read it."""

    subject: str
    html: str
    text: str

    def __repr__(self) -> str:
        return "Rendered"


def render(message: bytes) -> Rendered:
    """Read a merged message back with the standard library's parser: what a preview shows is what is sent."""
    parsed = message_from_bytes(message, policy=policy.SMTP)
    html = parsed.get_body(("html",))
    text = parsed.get_body(("plain",))
    return Rendered(
        str(parsed["Subject"]),
        str(html.get_content()) if html else "",
        str(text.get_content()) if text else "",
    )


# one copy


@dataclass(slots=True)
class _Run:
    """One merge under way."""

    facts: Facts
    envelope: Envelope
    level: int
    texts: list[str]
    branches: list[int]

    def fill(self, block: _Block, out: list[str]) -> list[str]:
        """Carry out the steps of a block, appending to `out`, which is returned."""
        facts, envelope, texts = self.facts, self.envelope, self.texts
        if block.level > self.level:
            self.level = block.level
        for literal, slot, other in block.steps:
            if slot is not None:
                text = slot(facts, envelope)
                texts.append(text)
                out.append(text)
            elif other is None:
                out.append(literal)
            elif isinstance(other, _Choice):
                taken = other.test(facts, envelope)
                self.branches.append(1 if taken else 0)
                self.level = max(self.level, other.level)
                self.fill(other.then if taken else other.otherwise, out)
            else:
                self.repeat(other, out)
        return out

    def repeat(self, repeated: _Repeat, out: list[str]) -> None:
        """A loop: each item under its name, beside the person's own facts."""
        loop = repeated.loop
        items = find(self.facts, loop.path)
        items = list(items)[: loop.limit] if isinstance(items, (list, tuple)) else []
        self.branches.append(len(items))
        self.level = max(self.level, loop.level)
        before = self.facts
        for item in items:
            self.facts = {**before, loop.name: item}
            self.fill(repeated.body, out)
        self.facts = before


# worked out once


@dataclass(slots=True)
class _Block:
    """A stretch without branches of its own: each step is a literal, a slot's function, or a choice or loop.

    Literals are decoded byte for byte (latin-1), so that a copy is one join and one encode. `level` is the
    highest of the slots in it: all of them are printed whenever the block is.
    """

    steps: list[tuple[str, _Text | None, _Choice | _Repeat | None]]
    level: int


@dataclass(slots=True)
class _Choice:
    """One of two blocks."""

    test: Callable[[Facts, Envelope], bool]
    then: _Block
    otherwise: _Block
    level: int


@dataclass(slots=True)
class _Repeat:
    """A block for each item of a list."""

    loop: Loop
    body: _Block


@dataclass(slots=True)
class _Program:
    """A compiled message, ready to be filled."""

    head: _Block
    entity: _Block
    subject: _Value


_PROGRAMS: OrderedDict[int, tuple[CompiledMessage, _Program]] = OrderedDict()
_KEPT = 64


def _program(compiled: CompiledMessage) -> _Program:
    """The program of `compiled`, kept for the last few messages. Keyed by identity: hashing one would cost a
    merge.
    """
    kept = _PROGRAMS.get(id(compiled))
    if kept is not None and kept[0] is compiled:
        return kept[1]
    slots = [_slot(spec, compiled) for spec in compiled.slots]
    levels = [max((f.level for f in spec.fields), default=0) for spec in compiled.slots]
    subject = next(
        spec
        for spec in compiled.slots
        if spec.part is Part.HEAD and spec.context is Context.HEADER and not _of_envelope(spec)
    )
    program = _Program(
        _block(compiled.head, slots, levels),
        _block(compiled.entity, slots, levels),
        _header_value(subject, compiled),
    )
    _PROGRAMS[id(compiled)] = (compiled, program)
    while len(_PROGRAMS) > _KEPT:
        _PROGRAMS.popitem(last=False)
    return program


def _block(nodes: tuple[Node, ...], slots: list[_Text], levels: list[int]) -> _Block:
    block = _Block([], 0)
    for node in nodes:
        if isinstance(node, Literal):
            block.steps.append((node.data.decode("latin-1"), None, None))
        elif isinstance(node, Slot):
            block.steps.append(("", slots[node.index], None))
            block.level = max(block.level, levels[node.index])
        elif isinstance(node, Condition):
            then, otherwise = _block(node.then, slots, levels), _block(node.otherwise, slots, levels)
            block.steps.append(("", None, _Choice(_test(node.test), then, otherwise, node.test.level)))
        else:
            block.steps.append(("", None, _Repeat(node, _block(node.body, slots, levels))))
    return block


def _of_envelope(spec: SlotSpec) -> bool:
    return bool(spec.fields) and spec.fields[0].path[0] == "envelope"


def _getter(path: tuple[str, ...]) -> Callable[[Facts, Envelope], Any]:
    if path == ("portal", "url"):
        return lambda facts, envelope: envelope.portal_url
    if path in (("unsubscribe", "url"), ("envelope", "list_unsubscribe")):
        return lambda facts, envelope: envelope.list_unsubscribe_url
    if len(path) == 1:
        (name,) = path
        return lambda facts, envelope: facts.get(name)
    if len(path) == 2:
        first, second = path

        def inner(facts: Facts, envelope: Envelope) -> Any:
            holder = facts.get(first)
            # The exact type first, as in `find`.
            return holder.get(second) if type(holder) is dict else find(facts, path)

        return inner
    return lambda facts, envelope: find(facts, path)


def _test(test: Test) -> Callable[[Facts, Envelope], bool]:
    get = _getter(test.path)
    wanted = {value.casefold() for value in test.values}
    if test.path == (SPOKEN,):
        wanted |= {code for value in test.values if (code := _code_of(value))}

    def present(facts: Facts, envelope: Envelope) -> bool:
        return get(facts, envelope) not in (None, "", [], (), {})

    def among(facts: Facts, envelope: Envelope) -> bool:
        value = get(facts, envelope)
        values = value if isinstance(value, (list, tuple)) else [value]
        return any(item is not None and _word(item) in wanted for item in values)

    if test.op == "exists":
        return present
    if test.op == "missing":
        return lambda facts, envelope: not present(facts, envelope)
    if test.op == "is_not":
        return lambda facts, envelope: not among(facts, envelope)
    return among


def _code_of(name: str) -> str:
    """The code of a language that a test names in words, or ""."""
    try:
        return languages.code_of(name)
    except BadValue as error:
        return error.rest if isinstance(error.rest, str) else ""


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).casefold()


def _field(field: Field, compiled: CompiledMessage) -> _Value:
    """The canonical text of one field, or its fallback."""
    canonical = BY_NAME[compiled.encoder].canonical
    get = _getter(field.path)
    write = _writer(field, compiled.language)
    name, fallback = field.name, field.fallback
    # A fallback is the author's text: it is no less escaped, but it is canonical once and for all.
    instead = None if fallback is None else canonical(fallback)
    plain = field.format == ""

    def value(facts: Facts, envelope: Envelope) -> str:
        found = get(facts, envelope)
        if found is not None and found != "":
            if (plain and type(found) is str) or type(found) is formats.Shown:
                return canonical(found)
            try:
                return canonical(write(found, envelope.zone))
            except formats.BadFormat:
                pass  # a broken value is no better than none
        if instead is None:
            raise MissingField(name)
        return instead

    return value


def _writer(field: Field, language: str) -> Callable[[Any, str], str]:
    """How the field is written. Days and times are few, and turning one into words is the dearest of all formats."""
    write = formats.writer(field.format, field.argument, language)
    if field.format != "date":
        return write
    words = lru_cache(maxsize=4096)(write)
    return lambda value, zone: words(value, zone) if type(value) is str else write(value, zone)


def _raw_field(field: Field, compiled: CompiledMessage) -> _Value:
    """As `_field`, but control characters stay, so that a header can refuse them."""
    get = _getter(field.path)
    cooked = _field(field, compiled)
    plain = field.format == ""

    def value(facts: Facts, envelope: Envelope) -> str:
        found = get(facts, envelope)
        return found if plain and type(found) is str and found else cooked(facts, envelope)

    return value


def _composed(spec: SlotSpec, compiled: CompiledMessage, one: Callable[[Field, CompiledMessage], _Value]) -> _Value:
    parts = [part if isinstance(part, str) else one(part, compiled) for part in spec.parts]
    if all(isinstance(part, str) for part in parts):
        constant = "".join(str(part) for part in parts)
        return lambda facts, envelope: constant
    if len(parts) == 1 and not isinstance(parts[0], str):
        return parts[0]
    return lambda facts, envelope: "".join(part if isinstance(part, str) else part(facts, envelope) for part in parts)


def _header_value(spec: SlotSpec, compiled: CompiledMessage) -> _Value:
    encoder = BY_NAME[compiled.encoder]
    whole = _composed(spec, compiled, _raw_field)
    if not spec.fields:
        constant = encoder.header_text("".join(str(part) for part in spec.parts))
        return lambda facts, envelope: constant
    return lambda facts, envelope: encoder.header_text(whole(facts, envelope))


def _slot(spec: SlotSpec, compiled: CompiledMessage) -> _Text:
    """The function that makes the final text of a slot."""
    if spec.context in (Context.HEADER, Context.ADDRESS):
        return _head_slot(spec, compiled)
    if spec.context is Context.URL:
        return _url_slot(spec, compiled)
    quick = QUICK[compiled.encoder]
    encode = {Context.TEXT: quick.text, Context.HTML: quick.html, Context.ATTRIBUTE: quick.attribute}[spec.context]
    whole = _composed(spec, compiled, _field)
    if len(spec.parts) != 1 or not isinstance(spec.parts[0], Field) or spec.parts[0].format:
        return lambda facts, envelope: encode(whole(facts, envelope))
    get = _getter(spec.parts[0].path)

    def fill(facts: Facts, envelope: Envelope) -> str:
        found = get(facts, envelope)
        # Nearly every slot: text that is printed as it is.
        return encode(found) if type(found) is str and found else encode(whole(facts, envelope))

    return fill


def _head_slot(spec: SlotSpec, compiled: CompiledMessage) -> _Text:
    encoder = BY_NAME[compiled.encoder]
    if not _of_envelope(spec):
        whole = _composed(spec, compiled, _raw_field)
        if not spec.fields:
            constant = encoder.unstructured("Subject", "".join(str(part) for part in spec.parts)).decode("ascii")
            return lambda facts, envelope: constant
        return lambda facts, envelope: encoder.unstructured("Subject", whole(facts, envelope)).decode("ascii")
    quick = QUICK[compiled.encoder]
    # All messages of a claim have one date.
    dated = lru_cache(maxsize=8)(encoder.date)
    lines: dict[str, Callable[[Envelope], bytes]] = {
        "to": lambda envelope: quick.address("To", envelope.to_name, envelope.to_address),
        "date": lambda envelope: dated(envelope.date),
        "message_id": lambda envelope: encoder.message_id(envelope.message_id),
        "list_unsubscribe": lambda envelope: encoder.list_unsubscribe(envelope.list_unsubscribe_url),
    }
    line = lines[spec.fields[0].path[1]]
    return lambda facts, envelope: line(envelope).decode("ascii")


def _url_slot(spec: SlotSpec, compiled: CompiledMessage) -> _Text:
    """A link: fields inside it percent-encoded, a field that is the link itself checked, then wrapped and
    escaped.
    """
    encoder = BY_NAME[compiled.encoder]
    quick, track = QUICK[compiled.encoder], spec.track
    encode = quick.html if spec.part is Part.HTML else quick.text

    def component(field: Field, message: CompiledMessage) -> _Value:
        inner = _field(field, message)
        return lambda facts, envelope: encoder.url_value(inner(facts, envelope))

    if isinstance(spec.parts[0], Field):
        whole = _field(spec.parts[0], compiled)
        rest = SlotSpec(spec.context, spec.part, spec.parts[1:], track)
        tail = _composed(rest, compiled, component) if spec.parts[1:] else None

        def started(facts: Facts, envelope: Envelope) -> str:
            return whole(facts, envelope) + (tail(facts, envelope) if tail else "")

        link: _Value = started
    else:
        link = _composed(spec, compiled, component)

    def fill(facts: Facts, envelope: Envelope) -> str:
        target = encoder.safe_link(link(facts, envelope))
        if track >= 0 and envelope.link is not None and target[:4].lower() == "http":
            target = encoder.safe_link(envelope.link(track, target))
        return encode(target)

    return fill
