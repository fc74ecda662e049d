"""Somebody hides in a second language what a reviewer reads in the first: scripts, headers, links that run code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.content import blocks, compiling, merging, previewing, variants
from apps.content.facts import invented_facts
from apps.mail.compiled import Envelope
from tests.content.test_variants import MAIN, SAMPLE, SPANISH

ENVELOPE = Envelope(
    "ann@example.test",
    datetime(2026, 11, 22, tzinfo=UTC),
    "a@clinic.test",
    list_unsubscribe_url="https://clinic.test/u/x",
    portal_url="https://portal.clinic.test/m/x",
)
HOSTILE = "Hola<script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg/onload=alert(1)>"


def spanish(**own: Any) -> blocks.Design:
    return blocks.parse({**MAIN, "variants": {"es": {**SPANISH, "blocks": {**SPANISH["blocks"], **own}}}})


@pytest.mark.parametrize(
    "own",
    [
        {"b2": {"text": HOSTILE}},
        {"b3": {"html": f"<p>{HOSTILE}</p>"}},
        {"b3": {"html": "<p onclick='alert(1)'>Hola</p><iframe src='//e.test'></iframe><script>alert(1)</script>"}},
        {"b4": {"rows": [[HOSTILE, HOSTILE], ["Dónde", HOSTILE]]}},
        {"b5": {"label": HOSTILE, "url": "https://clinic.test/es/"}},
        {"b6": {"reason": HOSTILE}},
    ],
)
def test_no_word_of_a_further_language_becomes_markup(own: Any) -> None:
    design = spanish(**own)
    compiled = compiling.compile_message(design, SAMPLE)
    sent = merging.render(merging.merge(compiled, {**invented_facts(), "language": "es"}, ENVELOPE).message).html
    turned = variants.in_language(design, "es")
    shown = previewing.preview(turned, SAMPLE, invented_facts()).html
    alone = compiling.compile_message(turned, SAMPLE)
    as_sent = merging.render(merging.merge(alone, invented_facts(), ENVELOPE).message).html
    for html in (sent, shown, as_sent):
        lowered = html.lower()
        assert "<script" not in lowered
        assert "<img src=x" not in lowered
        assert "<svg" not in lowered
        assert "<iframe" not in lowered
        assert "onclick='" not in lowered


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", " java\tscript:alert(1)"])
def test_a_link_of_a_further_language_runs_no_code(url: str) -> None:
    try:
        turned = variants.in_language(spanish(b5={"label": "Ir", "url": url}), "es")
        html = merging.render(
            merging.merge(compiling.compile_message(turned, SAMPLE), invented_facts(), ENVELOPE).message
        ).html
    except blocks.BadTemplate:
        return
    assert 'href="java' not in html.replace("\t", "").replace(" java", "java").lower()
    assert 'href="data:' not in html
    assert 'href="vbscript' not in html


@pytest.mark.parametrize(
    "subject", ["Hola\r\nBcc: all@e.test", "Hola\nX-Evil: 1", "Hola\u2028Bcc: a@e.test", "Hola\x0bX: 1"]
)
def test_a_subject_of_a_further_language_adds_no_header(subject: str) -> None:
    try:
        design = blocks.parse({**MAIN, "variants": {"es": {**SPANISH, "subject": subject}}})
    except blocks.BadTemplate:
        return
    said = variants.in_language(design, "es").subject
    assert not set(said) & set("\r\n\x0b\x0c\x85\u2028\u2029")


@pytest.mark.parametrize(
    "words", [[], "x", {"blocks": []}, {"blocks": {"b2": []}}, {"text": 7}, {"blocks": {"b4": {"rows": [1]}}}]
)
def test_strange_words_are_refused_or_ignored_and_no_error_of_ours(words: Any) -> None:
    try:
        variants.missing(blocks.parse({**MAIN, "variants": {"es": words}}), "es")
    except blocks.BadTemplate:
        return
