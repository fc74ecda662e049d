"""The checks before approval, as a table: what is noticed, and where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.content import blocks, lint
from apps.content.brands import SAMPLE, BrandFacts
from apps.content.presets import all_presets

FOOT = {"id": "f", "type": "footer"}


def rules(*items: dict, purpose: str = "", brand: BrandFacts = SAMPLE, **more: Any) -> set[str]:
    data = {"subject": "A note", "preheader": "From us", "blocks": [*items], **more}
    return {finding.rule for finding in lint.check(blocks.parse(data), brand, purpose=purpose)}


def text(html: str) -> dict:
    return {"id": "t", "type": "text", "html": html}


def head(level: str, block_id: str) -> dict:
    return {"id": block_id, "type": "heading", "level": level, "text": "x"}


def image(**settings: Any) -> dict:
    return {"id": "i", "type": "image", "src": "asset:a.png", **settings}


WORDS = text("<p>Hello</p>")


def test_a_good_mail_has_nothing_to_mend() -> None:
    for starter in all_presets().values():
        assert lint.check(starter.design, SAMPLE, purpose=starter.purpose) == []


@pytest.mark.parametrize(
    ("rule", "items", "more"),
    [
        ("subject-field", [WORDS, FOOT], {"subject": "Your {{ appointment.kind }}"}),
        ("preheader-field", [WORDS, FOOT], {"preheader": "{{ appointment.start }}"}),
        ("subject-words", [WORDS, FOOT], {"subject": "Your diabetes plan"}),
        ("subject-words", [WORDS, FOOT], {"subject": "Su vacuna contra la gripe", "language": "es"}),
        ("preheader-words", [WORDS, FOOT], {"preheader": "HIV test results inside"}),
        ("subject-long", [WORDS, FOOT], {"subject": "x " * 40}),
        ("preheader", [WORDS, FOOT], {"preheader": ""}),
        ("alt", [WORDS, image(), FOOT], {}),
        ("alt-link", [WORDS, image(decorative=True, href="https://a.test/"), FOOT], {}),
        ("image-host", [WORDS, image(src="https://cdn.test/a.png", alt="x"), FOOT], {}),
        ("compiles", [WORDS, {"id": "b", "type": "button", "label": "x"}, FOOT], {}),
        ("link-field", [text('<p><a href="https://a.test/?e={{ email }}">Go there</a></p>'), FOOT], {}),
        (
            "link-words",
            [{"id": "b", "type": "button", "label": "{{ appointment.kind }}", "url": "https://a.test/"}],
            {},
        ),
        ("link-empty", [text('<p>x<a href="https://a.test/"></a></p>'), FOOT], {}),
        ("link-vague", [text('<p><a href="https://a.test/">Click here</a></p>'), FOOT], {}),
        ("link-http", [text('<p><a href="http://a.test/">Our page</a></p>'), FOOT], {}),
        ("link-differs", [text('<p><a href="https://evil.test/">www.bank.test</a></p>'), FOOT], {}),
        ("heading-order", [head("2", "a"), WORDS, FOOT], {}),
        ("heading-order", [head("1", "a"), head("3", "b"), FOOT], {}),
        ("footer", [WORDS], {"purpose": "marketing"}),
        ("unsubscribe", [WORDS, {**FOOT, "unsubscribe": False}], {"purpose": "fundraising"}),
        ("postal-address", [WORDS, FOOT], {"purpose": "b2b", "brand": replace(SAMPLE, postal_address="")}),
        ("reason", [WORDS, {**FOOT, "reason": ""}], {}),
        ("unsubscribe-text", [WORDS, FOOT], {"purpose": "marketing", "text": "Only words"}),
        ("contrast", [WORDS, FOOT], {"brand": replace(SAMPLE, primary="#7a7a7a")}),
        ("size", [text(f"<p>{'long ' * 3900}</p>") | {"id": f"t{n}"} for n in range(6)] + [FOOT], {}),
        ("words", [image(alt="Everything in one picture"), FOOT], {}),
        ("sender", [WORDS, FOOT], {"brand": replace(SAMPLE, from_address="nobody")}),
        ("empty", [text("<p></p>"), WORDS | {"id": "w"}, FOOT], {}),
    ],
)
def test_what_is_noticed(rule: str, items: list[dict], more: dict) -> None:
    assert rule in rules(*items, **more)


def test_treatment_mail_needs_no_unsubscribe_link() -> None:
    assert rules(WORDS, {**FOOT, "unsubscribe": False}, purpose="treatment") == set()


def test_errors_come_first_and_name_their_block() -> None:
    data = {"subject": "A note", "blocks": [image(), WORDS, FOOT]}
    found = lint.check(blocks.parse(data), SAMPLE)
    assert [finding.error for finding in found] == [True, False]
    assert found[0].block == "i"
    assert found[0].setting == "alt"


@pytest.mark.parametrize(
    ("words", "found"),
    [("News from your clinic", []), ("Your mammogram", ["mammogram"]), ("Influence and fluency", []), ("FLU", ["flu"])],
)
def test_words_about_health(words: str, found: list[str]) -> None:
    assert lint.health_words(words) == found


def test_a_notice_tells_nothing_about_anyone() -> None:
    data = {"subject": "s", "blocks": [text("<p>Dear {{ first_name|you }}</p>"), FOOT]}
    found = {finding.rule for finding in lint.check(blocks.parse(data), SAMPLE, kind="notice")}
    assert {"neutral", "portal-link"} <= found
    for slug in ("portal_notice", "portal_notice_es"):
        assert lint.check(all_presets()[slug].design, SAMPLE, kind="notice") == []
