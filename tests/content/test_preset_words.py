"""A marketer writes Spanish: the sentence that we put into the footer is there already."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content import blocks, preset_words, selectors, services, variants
from apps.content.design import LANGUAGES
from apps.content.kinds.footer import FOOTER_REASON
from apps.content.models import Template
from apps.content.views.templates import EMPTY
from apps.core import actors

pytestmark = pytest.mark.django_db


@pytest.fixture
def template() -> Template:
    return services.template_create(actor=actors.COMMAND_LINE, name="Letter", data=EMPTY)


def draft(template: Template) -> dict[str, Any]:
    return selectors.draft_data(Template.objects.get(pk=template.pk))


def change(client: Any, template: Template, **given: str) -> Any:
    version = Template.objects.get(pk=template.pk).revision
    return client.post(f"/templates/{template.pk}/change/", {"version": version, **given})


def footer(data: dict[str, Any]) -> dict[str, Any]:
    return next(block for block in data["blocks"] if block["type"] == "footer")


def test_our_sentence_is_known_in_every_language() -> None:
    assert set(FOOTER_REASON) == set(LANGUAGES)
    assert all("{{ clinic.name }}" in words for words in FOOTER_REASON.values())


def test_a_translation_begins_with_the_footer_done(signed_in: Any, template: Template) -> None:
    max_ = signed_in("max")
    page = max_.get(f"/templates/{template.pk}/?variant=es").content.decode()
    assert "not begun" in page, "looking is not beginning"
    panel = max_.get(f"/templates/{template.pk}/panel/?block=b4&variant=es").content.decode()
    assert "Recibe este mensaje porque" in panel
    preview = max_.get(f"/templates/{template.pk}/preview/?variant=es").content.decode()
    assert "Recibe este mensaje porque" in preview
    assert "variants" not in draft(template)
    assert change(max_, template, op="message", variant="es", subject="Hola").status_code == 200
    written = draft(template)["variants"]["es"]
    assert written["blocks"]["b4"]["reason"] == FOOTER_REASON["es"]
    gaps = {gap.block for gap in variants.missing(blocks.parse(draft(template)), "es")}
    assert gaps == {"b2", "b3"}, "what somebody wrote waits for a translation, ours does not"


def test_words_that_somebody_wrote_are_never_replaced(signed_in: Any, template: Template) -> None:
    max_ = signed_in("max")
    own = "Because you asked us to."
    change(max_, template, op="update", block="b4", reason=own, unsubscribe="1")
    change(max_, template, op="message", variant="es", subject="Hola")
    assert "blocks" not in draft(template)["variants"]["es"]
    theirs = "Porque nos lo pidió."
    change(max_, template, op="update", block="b4", variant="es", reason=theirs)
    assert preset_words.translated(draft(template), "es") == draft(template)
    assert draft(template)["variants"]["es"]["blocks"]["b4"]["reason"] == theirs


def test_a_template_that_turns_to_spanish_has_a_spanish_footer(signed_in: Any, template: Template) -> None:
    max_ = signed_in("max")
    assert change(max_, template, op="message", language="es").status_code == 200
    assert footer(draft(template))["reason"] == FOOTER_REASON["es"]
    change(max_, template, op="delete", block="b4")
    assert change(max_, template, op="add", kind="footer").status_code == 200
    assert footer(draft(template))["reason"] == FOOTER_REASON["es"]
    change(max_, template, op="message", language="en")
    assert footer(draft(template))["reason"] == FOOTER_REASON["en"]


def test_a_footer_added_later_comes_in_the_languages_that_were_begun(signed_in: Any, template: Template) -> None:
    max_ = signed_in("max")
    change(max_, template, op="delete", block="b4")
    change(max_, template, op="message", variant="es", subject="Hola")
    assert change(max_, template, op="add", kind="footer").status_code == 200
    block = footer(draft(template))
    assert draft(template)["variants"]["es"]["blocks"][block["id"]]["reason"] == FOOTER_REASON["es"]
