"""A marketer changes the English text; the Spanish one tells that it is older, until somebody has looked."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content import blocks, lint, selectors, services, variants
from apps.content.brands import SAMPLE
from apps.content.models import Template
from apps.core.actors import COMMAND_LINE

from .test_variants import MAIN, SPANISH

Json = dict[str, Any]


def after_edit(before: Json, **changed: Any) -> Json:
    """The JSON as it is kept after an edit of the whole."""
    return blocks.dump(variants.aged(blocks.parse(before), blocks.parse({**before, **changed})))


def written(data: Json, block: str, name: str, value: Any) -> Json:
    """The main words of one block, changed."""
    return {**data, "blocks": [{**each, name: value} if each["id"] == block else each for each in data["blocks"]]}


def older(data: Json) -> Json:
    return variants.older(blocks.parse(data), "es")


BOTH: Json = {**MAIN, "variants": {"es": SPANISH}}


def test_a_changed_block_is_named_with_the_words_it_was_translated_from() -> None:
    changed = written(BOTH, "b3", "html", "<p>We open at eight.</p>")
    kept = after_edit(BOTH, **changed)
    assert older(kept) == {("b3", "html"): "<p>We open at seven.</p>"}
    again = after_edit(kept, **written(kept, "b3", "html", "<p>We open at nine.</p>"))
    assert older(again) == {("b3", "html"): "<p>We open at seven.</p>"}, "what it was translated from, not the last"


@pytest.mark.parametrize(
    ("block", "name", "value"),
    [("b2", "text", "Good day"), ("b4", "rows", [["When", "{{ clinic.phone }}"], ["Where", "Oak Street"]])],
)
def test_every_kind_of_words_counts(block: str, name: str, value: Any) -> None:
    assert list(older(after_edit(BOTH, **written(BOTH, block, name, value)))) == [(block, name)]


def test_the_subject_counts_and_a_link_does_not() -> None:
    assert list(older(after_edit(BOTH, subject="Other news"))) == [("", "subject")]
    assert older(after_edit(BOTH, **written(BOTH, "b5", "url", "https://clinic.test/other"))) == {}


def test_words_that_come_back_take_the_mark_away() -> None:
    kept = after_edit(BOTH, subject="Other news")
    assert older(after_edit(kept, subject=MAIN["subject"])) == {}


def test_translating_again_takes_the_mark_away_only_there() -> None:
    kept = after_edit(BOTH, **{**written(BOTH, "b2", "text", "Good day"), "subject": "Other news"})
    again = after_edit(kept, **variants.write(kept, "es", "b2", {"text": "Buenos días"}))
    assert list(older(again)) == [("", "subject")]


def test_somebody_looked_and_says_it_is_up_to_date() -> None:
    kept = after_edit(BOTH, **{**written(BOTH, "b2", "text", "Good day"), "subject": "Other news"})
    assert list(older(after_edit(kept, **variants.up_to_date(kept, "es", "b2")))) == [("", "subject")]
    assert list(older(after_edit(kept, **variants.up_to_date(kept, "es", "")))) == [("b2", "text")]
    clean = after_edit(kept, **variants.up_to_date(kept, "es"))
    assert older(clean) == {}
    assert "older" not in clean["variants"]["es"]


def test_what_is_not_translated_is_missing_not_older() -> None:
    without = {**BOTH, "variants": {"es": {"subject": "Noticias"}}}
    assert older(after_edit(without, **written(without, "b2", "text", "Good day"))) == {}


def test_a_block_that_is_deleted_takes_its_mark_along() -> None:
    kept = after_edit(BOTH, **written(BOTH, "b2", "text", "Good day"))
    gone = {**kept, "blocks": [each for each in kept["blocks"] if each["id"] != "b2"]}
    assert older(after_edit(kept, **gone)) == {}


def test_the_checks_say_it_and_do_not_stop_anything() -> None:
    kept = blocks.parse(after_edit(BOTH, **written(BOTH, "b3", "html", "<p>We open at eight.</p>")))
    found = [each for each in lint.check(kept, SAMPLE) if "older than the English text in 1 place" in each.message]
    assert [(each.error, each.block) for each in found] == [(False, "b3")]


# -- The editor and what is published ----------------------------------------------------------------------------


@pytest.fixture
def template(db: None) -> Template:
    made = services.template_create(actor=COMMAND_LINE, name="Opening hours", data=BOTH)
    services.template_publish(actor=COMMAND_LINE, template_id=made.pk)
    return services.template_save(
        actor=COMMAND_LINE,
        template_id=made.pk,
        version=None,
        edit=lambda before: written(before, "b3", "html", "<p>We open at eight.</p>"),
    )


def change(client: Any, template: Template, **values: Any) -> Any:
    version = Template.objects.get(pk=template.pk).version
    return client.post(f"/templates/{template.pk}/change/", {"version": version, "variant": "es", **values})


@pytest.mark.django_db
def test_the_editor_and_the_list_mark_it_until_somebody_says_it_is_up_to_date(
    template: Template, signed_in: Any
) -> None:
    client = signed_in("max")
    assert "Spanish older than the main text" in client.get("/templates/").content.decode()
    page = client.get(f"/templates/{template.pk}/?variant=es").content.decode()
    assert "1 older" in page
    assert "It is up to date" in page
    block = client.get(f"/templates/{template.pk}/panel/?block=b3&variant=es").content.decode()
    assert "The English text was: <q>We open at seven.</q>" in " ".join(block.split())
    assert change(client, template, op="current", block="b3").status_code == 200
    assert "1 older" not in client.get(f"/templates/{template.pk}/?variant=es").content.decode()
    assert "older than the main text" not in client.get("/templates/").content.decode()


@pytest.mark.django_db
def test_marking_publishes_nothing_new_and_undo_brings_the_mark_back(template: Template, signed_in: Any) -> None:
    first = services.template_publish(actor=COMMAND_LINE, template_id=template.pk)
    assert variants.older(first.design, "es") == {}
    client = signed_in("max")
    change(client, template, op="current")
    assert services.template_publish(actor=COMMAND_LINE, template_id=template.pk).number == first.number
    change(client, template, op="undo")
    draft = blocks.parse(selectors.draft_data(Template.objects.get(pk=template.pk)))
    assert list(variants.older(draft, "es")) == [("b3", "html")]
    assert list(variants.older_still(first.design, draft, "es")) == [("b3", "html")]


@pytest.mark.django_db
def test_a_version_from_before_the_change_is_not_older(template: Template) -> None:
    old = template.versions.get(number=1)
    draft = blocks.parse(selectors.draft_data(template))
    assert variants.older_still(old.design, draft, "es") == {}
