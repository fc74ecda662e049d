"""The checks before a template may be approved: what a careful colleague would notice.

Pure. An error stops approval, a warning asks to look again. Each finding names the block and says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from apps.content import variants
from apps.content.brands import BrandFacts, contrast, ink_on
from apps.content.compiling import compile_draft
from apps.content.design import LANGUAGES, BadTemplate, Block, Design, Finding
from apps.content.fields import BadField, MergeField, parse
from apps.content.kinds import KINDS
from apps.content.kinds.protocol import Checked
from apps.content.mail_look import CARD
from apps.mail.compiled import CompiledMessage, Condition, Field, Literal, Loop, Node, UnsafeHeader

COMMERCIAL = frozenset({"marketing", "fundraising", "b2b"})
"""Purposes that need an unsubscribe link and a postal address (15 U.S.C. 7704(a)(5), CAN-SPAM)."""
CLIPPED = 102 * 1024
"""Gmail shows no more of a message than this many bytes of HTML."""


def check(
    design: Design,
    brand: BrandFacts,
    *,
    purpose: str = "",
    kind: str = "template",
    catalog: Mapping[str, MergeField] | None = None,
) -> list[Finding]:
    """Everything worth saying about a design, errors first.

    `purpose` is a `core.purposes.Purpose`, "" if unknown; `kind` is that of the template: a notice may tell nothing
    about anyone.
    """
    catalog = catalog or brand.catalog()
    findings: list[Finding] = []
    compiled: CompiledMessage | None = None
    try:
        compiled, problems = compile_draft(design, brand, catalog=catalog)
        findings += [Finding("compiles", p.message, True, p.block, p.setting) for p in problems]
    except BadTemplate as error:
        findings += [Finding("compiles", p.message, True, p.block, p.setting) for p in error.problems]
    except UnsafeHeader as error:
        findings.append(Finding("sender", f"The sender of this brand cannot be used. {error}"))
    findings += _envelope(design, catalog)
    found: dict[str, list[Block]] = {name: [] for name in KINDS}
    for block in design.walk():
        findings += _block(block, catalog)
        found[block.type].append(block)
    whole = Checked(design, brand, purpose in COMMERCIAL)
    for name, blocks in found.items():
        findings += KINDS[name].check_all(blocks, whole)
    findings += _colors(brand)
    if compiled is not None and size(compiled) > CLIPPED:
        findings.append(
            Finding("size", "The mail is larger than 102 KB: Gmail cuts off the rest. Shorten it.", error=False)
        )
    if kind == "notice" and compiled is not None:
        findings += _neutral(compiled)
    if not any(KINDS[block.type].has_text for block in design.walk()):
        findings.append(
            Finding(
                "words",
                "There is no text in this mail. People who see no images get nothing.",
                bool(design.blocks),
            )
        )
    for language in variants.started(design):
        findings += _variant(design, language, brand, purpose, kind, catalog, {finding.message for finding in findings})
    return sorted(findings, key=lambda finding: not finding.error)


def _variant(
    design: Design,
    language: str,
    brand: BrandFacts,
    purpose: str,
    kind: str,
    catalog: Mapping[str, MergeField],
    said: set[str],
) -> Iterator[Finding]:
    """What the words in a further language add; what was said about the main one is not said twice."""
    name = LANGUAGES[language]
    gaps = variants.missing(design, language)
    if gaps:
        yield Finding(
            "language",
            f"{name} is not complete ({len(gaps)} {'texts are' if len(gaps) > 1 else 'text is'} missing): until it is, "
            f"{name} readers get the {LANGUAGES[design.language]} mail.",
            False,
            gaps[0].block,
            gaps[0].setting,
        )
    if places := list(variants.older(design, language)):
        yield Finding(
            "language",
            f"{name} is older than the {LANGUAGES[design.language]} text in "
            f"{len(places)} {'places' if len(places) > 1 else 'place'}: look whether it still says the same.",
            False,
            *places[0],
        )
    for finding in check(variants.in_language(design, language), brand, purpose=purpose, kind=kind, catalog=catalog):
        if finding.message not in said:
            yield replace(finding, message=f"{name}: {finding.message}")


def size(compiled: CompiledMessage) -> int:
    """Bytes of the message without what is merged, all branches counted."""

    def count(nodes: tuple[Node, ...]) -> int:
        total = 0
        for node in nodes:
            if isinstance(node, Literal):
                total += len(node.data)
            elif isinstance(node, Condition):
                total += max(count(node.then), count(node.otherwise))
            elif isinstance(node, Loop):
                total += count(node.body)
        return total

    return count(compiled.entity)


# Words that tell a stranger who sees a subject line what somebody suffers from or is treated for.
_HEALTH_WORDS = re.compile(
    r"\b(abortion|addiction|aids|alcohol|anxiety|asthma|biopsy|cancer|chemo\w*|colonoscop\w*|contracepti\w*|"
    r"covid\w*|depress\w*|diabet\w*|diagnos\w*|dialysis|disease|fertility|flu|hepatitis|herpes|hiv|"
    r"hypertension|immuniz\w*|"
    r"insulin|mammogra\w*|medications?|mental health|oncolog\w*|overdose|pregnan\w*|prenatal|prescriptions?|"
    r"psychiatr\w*|std|sti|stroke|surgery|syphilis|test results?|therapy|treatment|tumou?r|vaccin\w*|"
    r"ansiedad|asma|cáncer|depresión|embarazo|enfermedad\w*|gripe|medicament\w*|quimioterapia|recetas?|sida|"
    r"tratamiento|vacuna\w*|vih)\b",
    re.IGNORECASE,
)


def health_words(text: str) -> list[str]:
    """Words in `text` that may tell something about someone's health, in order, without repeats."""
    return list(dict.fromkeys(found[0].lower() for found in _HEALTH_WORDS.finditer(text)))


def _fields(source: str, catalog: Mapping[str, MergeField], scope: Mapping[str, str] | None = None) -> list[Field]:
    try:
        return [piece for piece in parse(source, catalog, scope or {}) if isinstance(piece, Field)]
    except BadField:
        return []  # reported by the compiler


def _envelope(design: Design, catalog: Mapping[str, MergeField]) -> Iterator[Finding]:
    for name, source in (("subject", design.subject), ("preheader", design.preheader)):
        for field in _fields(source, catalog):
            if field.level > 1:
                yield Finding(
                    f"{name}-field",
                    f"The {name} shows “{field.name}”, which is health information. "
                    "Anyone who sees the phone can read it: take the field out.",
                    setting=name,
                )
        words = health_words(source)
        if words:
            yield Finding(
                f"{name}-words",
                f"The {name} says “{words[0]}”, which may tell something about someone's health. Use neutral words.",
                error=False,
                setting=name,
            )
    if len(design.subject) > 78:
        yield Finding("subject-long", "The subject is longer than 78 characters. Most phones show 40.", False)
    if not design.preheader:
        yield Finding(
            "preheader",
            "There is no preview line. Write one sentence that goes on from the subject.",
            error=False,
            setting="preheader",
        )


_EMPTY_WORDS = frozenset(
    {
        "here",
        "click here",
        "click",
        "more",
        "read more",
        "link",
        "this",
        "aquí",
        "haga clic aquí",
        "más",
        "leer más",
    }
)


def _block(block: Block, catalog: Mapping[str, MergeField]) -> Iterator[Finding]:
    kind = KINDS[block.type]
    yield from kind.check(block)
    for target, words in kind.links(block):
        yield from _link(block, target, " ".join(words.split()), catalog)


def _link(block: Block, target: str, words: str, catalog: Mapping[str, MergeField]) -> Iterator[Finding]:
    for field in _fields(target, catalog):
        if field.level > 0 and field.path != ("account", "url"):
            yield Finding(
                "link-field",
                f"The link holds “{field.name}”. Personal data in a link ends up in logs: take the field out.",
                block=block.id,
            )
    for field in _fields(words, catalog):
        if field.level > 1:
            yield Finding("link-words", f"The words of a link show “{field.name}”. Use neutral words.", block=block.id)
    if target and not words:
        yield Finding("link-empty", "A link has no words: it cannot be heard or pressed. Give it some.", block=block.id)
    elif words.lower().rstrip(".!") in _EMPTY_WORDS:
        yield Finding(
            "link-vague", f"“{words}” does not say where the link goes. Name the goal.", error=False, block=block.id
        )
    if target.lower().startswith("http://"):
        yield Finding(
            "link-http",
            "A link begins with http://. Use https://, so nobody can read along.",
            error=False,
            block=block.id,
        )
    shown = re.match(r"(?:https?://)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)", words, re.IGNORECASE)
    real = re.match(r"https?://([^/:?#]+)", target, re.IGNORECASE)
    if shown and real and shown[1].lower() != real[1].lower():
        yield Finding(
            "link-differs",
            f"The words show {shown[1]} but the link goes to {real[1]}. That is how phishing looks: make them equal.",
            block=block.id,
        )


def _neutral(compiled: CompiledMessage) -> Iterator[Finding]:
    for path in dict.fromkeys(path for path, level in compiled.fields() if level > 0):
        yield Finding(
            "neutral",
            f"A notice lies in a mailbox anyone may open: it may not show “{'.'.join(path)}”. Take the field out.",
        )
    if ("portal", "url") not in {path for path, _ in compiled.fields()}:
        yield Finding("portal-link", "The notice has no link to the message. Add a button to {{ portal.url }}.")


def _colors(brand: BrandFacts) -> Iterator[Finding]:
    if contrast(ink_on(brand.primary), brand.primary) < 4.5:
        yield Finding("contrast", "Words on buttons in the brand color are hard to read. Choose a darker color.")
    if contrast(brand.page, CARD) > 3 and contrast(ink_on(brand.page), brand.page) < 4.5:
        yield Finding("contrast-page", "Footer words are hard to read on the page color. Choose a lighter color.")
