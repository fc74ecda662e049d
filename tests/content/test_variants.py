"""One template, two languages: what is missing, who gets which, and what half a translation does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apps.content import blocks, compiling, lint, merging, selectors, services, variants
from apps.content.brands import SAMPLE
from apps.content.facts import invented_facts
from apps.content.presets import all_presets
from apps.core.actors import COMMAND_LINE
from apps.mail.compiled import CompiledMessage, Envelope
from tests.refusals import refused
from tests.text import without_tokens

MAIN = {
    "subject": "News for {{ first_name|you }}",
    "preheader": "",
    "language": "en",
    "blocks": [
        {"id": "b1", "type": "header"},
        {"id": "b2", "type": "heading", "text": "Hello"},
        {"id": "b3", "type": "text", "html": "<p>We open at seven.</p>"},
        {"id": "b4", "type": "details", "rows": [["When", "{{ clinic.phone }}"], ["Where", "Elm Street"]]},
        {"id": "b5", "type": "button", "label": "Go", "url": "https://clinic.test/"},
        {"id": "b6", "type": "footer", "reason": "You asked for it."},
    ],
}
SPANISH = {
    "subject": "Noticias para {{ first_name|usted }}",
    "blocks": {
        "b2": {"text": "Hola"},
        "b3": {"html": "<p>Abrimos a las siete.</p>"},
        "b4": {"rows": [["Cuándo", ""], ["Dónde", "Calle Elm"]]},
        "b5": {"label": "Ir", "url": "https://clinic.test/es/"},
        "b6": {"reason": "Usted lo pidió."},
    },
}

ENVELOPE = Envelope(
    "ann@example.test",
    datetime(2026, 11, 22, tzinfo=UTC),
    "a@clinic.test",
    list_unsubscribe_url="https://clinic.test/u/x",
    portal_url="https://portal.clinic.test/m/x",
)


def both(**changes) -> blocks.Design:
    return blocks.parse({**MAIN, "variants": {"es": {**SPANISH, **changes}}})


def read(compiled: CompiledMessage) -> merging.Rendered:
    return merging.render(merging.merge(compiled, {**invented_facts(), "first_name": "Ana"}, ENVELOPE).message)


def test_a_reader_of_spanish_gets_every_word_in_spanish_and_others_get_english():
    compiled = compiling.compile_message(both(), SAMPLE)
    assert compiled.languages == ("en", "es")
    spanish, english = read(compiled.in_language("es-MX")), read(compiled.in_language("vi"))
    assert spanish.subject == "Noticias para Ana"
    for word in ("Hola", "Abrimos a las siete.", "Cuándo", "Calle Elm", "Usted lo pidió.", 'lang="es"'):
        assert word in spanish.html
    for word in ("Hello", "We open", "When", "Elm Street", "You asked"):
        assert word not in without_tokens(spanish.html + spanish.text)
        assert word in english.html
    assert compiled.all_links == ("https://clinic.test/", "https://clinic.test/es/")


def test_merge_fields_alone_need_no_translation_but_words_do():
    assert variants.missing(both(), "es") == []
    assert not variants.says_something("{{ clinic.name }}, {{ clinic.phone|000 }}")
    empty = blocks.parse({**MAIN, "variants": {"es": {"subject": "Noticias"}}})
    assert [(gap.block, gap.setting) for gap in variants.missing(empty, "es")] == [
        ("b2", "text"),
        ("b3", "html"),
        ("b4", "rows"),
        ("b5", "label"),
        ("b6", "reason"),
    ]


@pytest.mark.parametrize("gone", ["b2", "b3", "b4", "b5", "b6"])
def test_half_a_translation_is_never_sent(gone):
    words = {block: values for block, values in SPANISH["blocks"].items() if block != gone}
    design = both(blocks=words)
    assert variants.ready(design) == []
    compiled = compiling.compile_message(design, SAMPLE)
    assert compiled.in_language("es") is compiled, "Spanish readers get the English mail, whole"
    said = [finding.message for finding in lint.check(design, SAMPLE) if finding.rule == "language"]
    assert said == ["Spanish is not complete (1 text is missing): until it is, Spanish readers get the English mail."]


def test_a_row_that_lacks_one_cell_is_a_gap():
    design = both(blocks={**SPANISH["blocks"], "b4": {"rows": [["Cuándo", ""], ["Dónde", ""]]}})
    assert [gap.block for gap in variants.missing(design, "es")] == ["b4"]


def test_the_json_of_a_design_with_two_languages_reads_back_unchanged():
    design = both()
    assert blocks.parse(blocks.dump(design)) == design
    assert "variants" not in blocks.dump(blocks.parse(MAIN)), "old templates stay byte for byte what they were"


def test_words_are_checked_like_the_main_ones_and_those_of_a_deleted_block_go_with_it():
    with refused("template.unusable", "500 characters"):
        both(subject="x" * 501)
    with refused("template.unusable", "Remove them before"):
        blocks.parse({**MAIN, "variants": {"en": {"subject": "News"}}})
    cleaned = both(blocks={"b3": {"html": "<p onclick='x()'>Hola<script>x()</script></p>"}, "b99": {"text": "Adiós"}})
    assert cleaned.variants["es"]["blocks"] == {"b3": {"html": "<p>Hola</p>"}}


def test_health_words_in_a_spanish_subject_are_seen_and_a_field_of_health_raises_the_level():
    told = lint.check(both(subject="Su cita para la diabetes o el embarazo"), SAMPLE)
    assert any(finding.message.startswith("Spanish: The subject says") for finding in told)
    words = {**SPANISH["blocks"], "b3": {"html": "<p>{{ appointment.kind }}</p>"}}
    assert compiling.design_level(both()) < 2 <= compiling.design_level(both(blocks=words))


def test_a_message_in_two_languages_survives_being_kept_and_each_rebuilds_alone():
    compiled = compiling.compile_message(both(), SAMPLE)
    again = CompiledMessage.load(compiled.dump())
    assert again == compiled
    assert again.digest == compiled.digest
    assert replace(compiled, variants=()).digest != compiled.digest, "another translation is another message"


@pytest.mark.django_db
def test_what_was_sent_names_the_skeleton_of_its_language():
    compiled = compiling.compile_message(both(), SAMPLE)
    main = services.skeleton_store(actor=COMMAND_LINE, compiled=compiled)
    spanish_id, spanish = selectors.skeleton_for(main.pk, "es")
    assert spanish_id != main.pk
    assert spanish.language == "es"
    assert selectors.skeleton_for(main.pk, "fr") == (main.pk, compiled)
    assert selectors.language_of(spanish_id) == "Spanish"
    assert selectors.language_of(None) == ""
    sent = merging.merge(spanish, {**invented_facts(), "first_name": "Ana"}, ENVELOPE)
    assert merging.rebuild(selectors.skeleton(spanish_id), sent.record) == sent.message


@pytest.mark.django_db
def test_an_own_notice_may_hold_both_languages():
    words = {"b2": {"text": "Hay un mensaje para usted"}, "b3": {"html": "<p>Inicie sesión.</p>"}}
    data = {
        "subject": "A message waits for you",
        "preheader": "",
        "language": "en",
        "blocks": [
            {"id": "b1", "type": "header"},
            {"id": "b2", "type": "heading", "text": "There is a message for you"},
            {"id": "b3", "type": "text", "html": "<p>Sign in.</p>"},
        ],
        "variants": {"es": {"subject": "Le espera un mensaje", "blocks": words}},
    }
    made = services.template_create(actor=COMMAND_LINE, name="Our notice", data=data, kind="notice")
    services.template_publish(actor=COMMAND_LINE, template_id=made.pk)
    assert read(selectors.system_message("portal_notice", "es")).subject == "Le espera un mensaje"
    assert read(selectors.system_message("portal_notice", "en")).subject == "A message waits for you"


@pytest.mark.parametrize("slug", ["appointment_reminder", "clinic_newsletter", "flu_shot_invitation"])
def test_the_starters_speak_both_languages_and_have_something_to_click(slug):
    design = all_presets()[slug].design
    assert variants.ready(design) == ["es"]
    compiled = compiling.compile_message(design, SAMPLE)
    assert compiled.links == ("https://portal.clinic.example.test/",), "one link, counted, to the portal's front door"
    assert compiled.in_language("es").links == compiled.links


def test_two_designs_of_one_shape_become_one():
    starters = all_presets()
    english, spanish = starters["appointment_reminder"].design, starters["appointment_reminder_es"].design
    made = variants.from_designs(replace(english, variants={}), spanish)
    assert variants.ready(made) == ["es"]
    assert variants.in_language(made, "es").subject == spanish.subject
    with pytest.raises(ValueError, match="no counterpart"):
        variants.from_designs(english, replace(spanish, blocks=spanish.blocks[:3]))


def test_half_a_character_in_the_json_never_reaches_the_encoder():
    design = blocks.parse({**MAIN, "preheader": "\ud800", "variants": {"es": {**SPANISH, "subject": "No\udc00"}}})
    assert (design.preheader, design.variants["es"]["subject"]) == ("?", "No?")
    lint.check(design, SAMPLE)
