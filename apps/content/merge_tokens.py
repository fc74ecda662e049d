"""Turns the author's text into text with tokens, and text with tokens into nodes.

The MJML compiler never sees what an author or a patient wrote: every text, link and description goes in as a
token of plain letters and comes back in place. So nothing in it can be read as markup, and no quirk of the
compiler can change it. A second kind of token stands for slots, branches and repeats, and becomes the nodes
of the skeleton.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from apps.content import fields
from apps.content.design import Problem
from apps.content.fields import BadField, MergeField
from apps.mail.compiled import Condition, Context, Field, Literal, Loop, Node, Part, Slot, SlotSpec, Test, UnsafeLink
from apps.mail.encoders import v1

_UNTRACKED = {("portal", "url"), ("unsubscribe", "url"), ("account", "url")}


@dataclass
class MergeTokens:
    """Collects slots, tests, loops and links while one template is compiled.

    `prefix` is a word that occurs nowhere in the template. `lenient` leaves a faulty merge field in the text
    as it is (for drafts); the fault is in `problems` either way.
    """

    prefix: str
    catalog: Mapping[str, MergeField]
    constants: Mapping[str, str]
    part: Part = Part.HTML
    scope: dict[str, str] = field(default_factory=dict)
    block: str = ""
    slots: list[SlotSpec] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _tests: list[Test] = field(default_factory=list)
    _loops: list[tuple[tuple[str, ...], str, int]] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)

    # authors' text to tokens

    def text(self, source: str) -> str:
        """`source` for the current part: literal text escaped, fields as slots."""
        html = self.part is Part.HTML
        context = Context.HTML if html else Context.TEXT
        return "".join(
            self._slot(Context.URL if not html and piece.path in _UNTRACKED else context, (piece,))
            if isinstance(piece, Field)
            else (v1.escape_html(piece) if html else piece)
            for piece in self.pieces(source)
        )

    def attribute(self, source: str) -> str:
        """`source` for a quoted attribute of the HTML part."""
        return "".join(
            self._slot(Context.ATTRIBUTE, (piece,)) if isinstance(piece, Field) else v1.escape_attribute(piece)
            for piece in self.pieces(source)
        )

    def url(self, source: str) -> str:
        """A link target for the current part; escaped for an attribute in the HTML part."""
        pieces = tuple(self.pieces(source.strip()))
        first = pieces[0] if pieces else ""
        if isinstance(first, Field):
            track = -1 if first.path in _UNTRACKED else self._link(source)
            if len(pieces) > 1 and first.path in _UNTRACKED:
                self.say(f"The link “{source[:60]}” must be the field alone. Remove what follows it.")
            return self._slot(Context.URL, pieces, track)
        plain = "".join(piece if isinstance(piece, str) else "x" for piece in pieces)
        try:
            link = v1.safe_link(plain)
        except UnsafeLink as error:
            self.say(f"The link “{plain[:60]}” cannot be used. {error}")
            return "#"
        if len(pieces) == 1 and not plain.lower().startswith("http"):
            return v1.escape_html(link) if self.part is Part.HTML else link
        # A link of clinic fields alone is the same for everybody: it is counted under what it came to.
        track = self._link(plain if len(pieces) == 1 else source) if plain.lower().startswith("http") else -1
        return self._slot(Context.URL, pieces, track)

    def pieces(self, source: str) -> Iterator[str | Field]:
        """`source` cut into text and fields; clinic fields are already text. Adjacent texts are joined."""
        waiting = ""
        try:
            parsed = list(fields.parse(source, self.catalog, self.scope))
        except BadField as error:
            self.say(str(error))
            parsed = [source]
        for piece in parsed:
            if isinstance(piece, Field) and piece.name in self.constants:
                value = self.constants[piece.name] or piece.fallback or ""
                if not value:
                    self.say(f"“{piece.name}” is empty. Complete the brand, or take the field out.")
                    value = f"[{piece.name}]"
                waiting += value
            elif isinstance(piece, Field):
                if waiting:
                    yield waiting
                    waiting = ""
                yield piece
            else:
                waiting += piece
        if waiting:
            yield waiting

    def hold(self, written: str) -> str:
        """A token that stands for `written` while MJML is compiled."""
        self._texts.append(written)
        return f"{self.prefix}t{len(self._texts) - 1}z"

    def say(self, message: str) -> None:
        """Note a problem of the current block."""
        problem = Problem(message, self.block)
        if problem not in self.problems:
            self.problems.append(problem)

    def _link(self, source: str) -> int:
        if source not in self.links:
            self.links.append(source)
        return self.links.index(source)

    def _slot(self, context: Context, parts: tuple[str | Field, ...], track: int = -1) -> str:
        spec = SlotSpec(context, self.part, parts, track)
        if spec not in self.slots:
            self.slots.append(spec)
        return f"{self.prefix}s{self.slots.index(spec)}z"

    # branches and repeats

    def test(self, name: str, op: str, values: tuple[str, ...]) -> str:
        """The token that opens a branch; `otherwise` and `end` follow."""
        level = 0
        try:
            level, _ = (1, "") if name == "appointments" else fields.look_up(name, self.catalog, self.scope)
        except BadField as error:
            self.say(str(error))
        if name in self.catalog:
            level = self.catalog[name].level
        if op in ("is", "is_not", "in") and not values:
            self.say("The condition compares with nothing. Give it a value.")
        self._tests.append(Test(tuple(name.split(".")), op, values, level))
        return f"{self.prefix}i{len(self._tests) - 1}z"

    @property
    def otherwise(self) -> str:
        """Between the two branches."""
        return f"{self.prefix}e0z"

    @property
    def end(self) -> str:
        """After a branch or a repeat."""
        return f"{self.prefix}n0z"

    @contextmanager
    def loop(self, name: str, variable: str) -> Iterator[str]:
        """The token that opens a repeat; inside, `variable` names the item."""
        source = self.catalog.get(name)
        if source is None or source.type != "items":
            known = ", ".join(f.name for f in self.catalog.values() if f.type == "items")
            self.say(f"“{name}” is not a list. A repeat needs one of: {known}.")
        elif variable in self.scope or variable in self.catalog:
            self.say(f"“{variable}” already means something else here. Give the repeat another name.")
        self._loops.append((tuple(name.split(".")), variable, source.level if source else 0))
        before = dict(self.scope)
        self.scope[variable] = name
        yield f"{self.prefix}f{len(self._loops) - 1}z"
        self.scope = before

    # tokens to nodes

    def unfold(self, text: str) -> str:
        """`text` with what `hold` kept put back."""
        pattern = re.compile(self.prefix + r"t(\d+)z")
        while pattern.search(text):
            text = pattern.sub(lambda found: self._texts[int(found[1])], text)
        return text

    def nodes(self, text: str) -> tuple[Node, ...]:
        """`text` with slot, branch and repeat tokens as nodes; literals are encoded runs."""
        pieces = re.split(self.prefix + r"([siefn])(\d+)z", text)
        # re.split gives text, letter, number, text, letter, number, ..., text
        stream: list[tuple[str, str]] = [("text", pieces[0])]
        for letter, number, following in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
            stream += [(letter, number), ("text", following)]
        nodes, rest, _ = self._sequence(stream, 0)
        if rest != len(stream):
            raise AssertionError("a branch was closed twice")
        return nodes

    def _sequence(self, stream: list[tuple[str, str]], at: int) -> tuple[tuple[Node, ...], int, str]:
        """Nodes up to the token that ends this stretch; the position after it; which token it was."""
        nodes: list[Node] = []
        while at < len(stream):
            letter, value = stream[at]
            at += 1
            if letter == "text":
                if value:
                    nodes.append(Literal(v1.run(v1.canonical(value))))
            elif letter == "s":
                nodes.append(Slot(int(value)))
            elif letter == "i":
                then, at, closed = self._sequence(stream, at)
                otherwise: tuple[Node, ...] = ()
                if closed == "e":
                    otherwise, at, _ = self._sequence(stream, at)
                nodes.append(Condition(self._tests[int(value)], then, otherwise))
            elif letter == "f":
                path, name, level = self._loops[int(value)]
                body, at, _ = self._sequence(stream, at)
                nodes.append(Loop(path, name, body, level))
            else:
                return tuple(nodes), at, letter
        return tuple(nodes), at, ""
