"""A design and a brand become a `CompiledMessage`: literal runs, slots, branches and repeats.

Pure: the same design, brand and catalogue give the same bytes, so a skeleton can be addressed by its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from apps.content import mjml, plaintext, variants
from apps.content.blocks import dump
from apps.content.brands import SAMPLE, BrandFacts
from apps.content.design import LANGUAGES, BadTemplate, Design, Problem
from apps.content.fields import MergeField
from apps.content.mail_look import Mail
from apps.content.merge_tokens import MergeTokens
from apps.mail.compiled import (
    CompiledMessage,
    Condition,
    Context,
    Field,
    Literal,
    Node,
    Part,
    Slot,
    SlotSpec,
    Test,
)
from apps.mail.encoders import CURRENT, v1
from apps.mail.mx import ascii_domain

# RFC 3834 section 5; and what Exchange reads instead, so that no absence note of a list goes to Reply-To.
_AUTOMATIC = b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\n"


def compile_message(
    design: Design,
    brand: BrandFacts,
    *,
    catalog: Mapping[str, MergeField] | None = None,
    automatic: bool = False,
    listed: bool = False,
) -> CompiledMessage:
    """The message as it will be sent, with a variant for each further language that is complete.

    `automatic` marks it ``Auto-Submitted`` (RFC 3834); `listed` does too, and as mail to many (RFC 2919). Raises
    `BadTemplate` with every problem found, `UnsafeHeader` when the brand's own addresses are malformed.
    """
    compiled, problems = compile_draft(design, brand, catalog=catalog, automatic=automatic, listed=listed)
    further = []
    for language in variants.ready(design):
        variant, said = compile_draft(
            variants.in_language(design, language), brand, catalog=catalog, automatic=automatic, listed=listed
        )
        problems += [
            Problem(f"{LANGUAGES[language]}: {problem.message}", problem.block, problem.setting) for problem in said
        ]
        further.append(variant)
    if problems:
        raise BadTemplate(problems)
    return replace(compiled, variants=tuple(further)) if further else compiled


def compile_draft(
    design: Design,
    brand: BrandFacts,
    *,
    catalog: Mapping[str, MergeField] | None = None,
    automatic: bool = False,
    listed: bool = False,
    mark: bool = False,
) -> tuple[CompiledMessage, list[Problem]]:
    """A design that may have faults, for the preview: faulty fields stay visible as text. Never send it.

    `mark` gives every block's element the class ``blk-ID``, so that a click in the preview finds its block.
    """
    tokens = MergeTokens(_prefix(design, brand), catalog or brand.catalog(), brand.constants())
    mail = Mail(design.language, brand, tokens, mark)
    html = mjml.to_html(design, mail)
    tokens.part = Part.TEXT
    text = plaintext.to_text(design, mail)
    tokens.part, tokens.block = Part.HEAD, ""
    subject = tuple(tokens.pieces(design.subject))
    if not design.subject:
        tokens.say("The message has no subject. Write one.")
    head = _head(brand, subject, tokens, automatic=automatic, listed=listed)
    entity = _entity(tokens, text, html)
    compiled = CompiledMessage(
        language=design.language,
        head=head,
        entity=entity,
        slots=tuple(tokens.slots),
        level=design.level,
        encoder=CURRENT,
        links=tuple(tokens.links),
    )
    return compiled, tokens.problems


def design_level(design: Design, own: tuple[MergeField, ...] = ()) -> int:
    """The most that a copy of this design can come to in any language (`core.levels.Level`)."""
    brand = replace(SAMPLE, own=own)
    languages = [design.language, *variants.started(design)]
    return max(
        compile_draft(variants.in_language(design, language), brand)[0].highest_level() for language in languages
    )


def _prefix(design: Design, brand: BrandFacts) -> str:
    """A word of letters and digits that occurs nowhere in the template or brand."""
    source = repr(dump(design)) + "".join(str(getattr(brand, name)) for name in brand.__slots__)
    number = 0
    while f"qk{number}x" in source:
        number += 1
    return f"qk{number}x"


def _head(
    brand: BrandFacts, subject: tuple[str | Field, ...], tokens: MergeTokens, *, automatic: bool, listed: bool
) -> tuple[Node, ...]:
    def slot(context: Context, *parts: str | Field) -> Slot:
        tokens.slots.append(SlotSpec(context, Part.HEAD, parts))
        return Slot(len(tokens.slots) - 1)

    def copy(name: str) -> Field:
        return Field(("envelope", name))

    fixed = v1.address("From", brand.from_name, brand.from_address)
    if brand.reply_to:
        fixed += v1.address("Reply-To", "", brand.reply_to)
    end = _AUTOMATIC if automatic or listed else b""
    if listed:
        # A name for filters, made of the sender's domain alone: it tells nobody why we write.
        domain = ascii_domain(brand.from_address.rpartition("@")[2])
        end += f"List-Id: <mailings.{domain}>\r\nPrecedence: bulk\r\n".encode("ascii")
    nodes: list[Node] = [
        Literal(fixed),
        slot(Context.ADDRESS, copy("to")),
        slot(Context.HEADER, *(subject or (brand.name,))),
        slot(Context.HEADER, copy("date")),
        slot(Context.HEADER, copy("message_id")),
        Condition(
            Test(("envelope", "list_unsubscribe"), "exists"),
            (slot(Context.HEADER, copy("list_unsubscribe")),),
        ),
        Literal(end + b"MIME-Version: 1.0\r\n"),
    ]
    return tuple(nodes)


def _entity(tokens: MergeTokens, text: str, html: str) -> tuple[Node, ...]:
    # "=_" never comes out of the encoder, so a boundary with it cannot occur in any body, whatever is merged.
    boundary = "=_" + hashlib.sha256(f"{text}\0{html}".encode()).hexdigest()[:24]

    def part(kind: str) -> bytes:
        return (
            f"--{boundary}\r\nContent-Type: {kind}; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        ).encode("ascii")

    start = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode("ascii")
    # Both bodies end in a line break, which serves as the one before the boundary.
    nodes = [
        Literal(start + part("text/plain")),
        *tokens.nodes(text),
        Literal(part("text/html")),
        *tokens.nodes(html.strip("\n") + "\n"),
        Literal(f"--{boundary}--\r\n".encode("ascii")),
    ]
    return _joined(nodes)


def _joined(nodes: list[Node]) -> tuple[Node, ...]:
    """Neighboring literals as one: fewer steps for every copy."""
    out: list[Node] = []
    for node in nodes:
        last = out[-1] if out else None
        if isinstance(node, Literal) and isinstance(last, Literal):
            out[-1] = Literal(last.data + node.data)
        else:
            out.append(node)
    return tuple(out)
