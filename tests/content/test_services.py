"""Templates, brands, skeletons and images are written once, sealed, and told on the trail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection

from apps.audit.models import AuditEntry
from apps.content import blocks, compiling, selectors, services, usage
from apps.content.blocks import BadTemplate
from apps.content.brands import SAMPLE
from apps.content.images import NotAnImage
from apps.content.models import Brand, Skeleton, Template
from apps.content.presets import all_presets
from apps.core import actors
from tests.content.test_images import png
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
DATA = {"subject": "Very private subject", "blocks": [{"id": "a", "type": "text", "html": "<p>Secret words</p>"}]}


@pytest.fixture
def draft() -> Template:
    return services.template_create(actor=CLI, name="Winter mail", data=DATA)


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}},
    }


def subject(words: str) -> Any:
    return lambda data: {**data, "subject": words}


def raw(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor.fetchall()])


def test_nothing_an_author_wrote_stands_in_the_database(draft: Template) -> None:
    services.template_publish(actor=CLI, template_id=draft.pk)
    compiled = compiling.compile_message(blocks.parse(DATA), SAMPLE)
    services.skeleton_store(actor=CLI, compiled=compiled)
    services.brand_save(actor=CLI, data={"name": "Dialysis Center", "from_address": "a@clinic.test"})
    for table in ("template", "templaterevision", "templateversion", "skeleton", "brand"):
        held = raw(f"content_{table}")
        assert len(held) > 40
        for word in ("Winter", "private", "Secret", "Dialysis", "clinic.test"):
            assert word not in held
    assert "Winter" not in repr(draft) + str(draft)


def test_autosave_counts_and_refuses_what_is_stale(draft: Template) -> None:
    saved = services.template_save(actor=CLI, template_id=draft.pk, version=1, edit=subject("Two"))
    assert (saved.version, saved.revision) == (2, 2)
    with pytest.raises(services.Stale) as stale:
        services.template_save(actor=CLI, template_id=draft.pk, version=1, edit=subject("Lost?"))
    assert stale.value.current == 2
    assert selectors.draft_data(Template.objects.get(pk=draft.pk))["subject"] == "Two"
    # the same content again is no change
    again = services.template_save(actor=CLI, template_id=draft.pk, version=2, edit=subject("Two"))
    assert again.version == 2
    # what the stale tab had goes into a copy
    copy = services.template_duplicate(actor=CLI, template_id=draft.pk, revision=1, edit=subject("Mine"))
    assert selectors.draft_data(copy)["subject"] == "Mine"
    assert copy.name == "Copy of Winter mail"
    assert AuditEntry.objects.filter(action="template.change").count() == 1


def test_the_level_shown_is_the_most_a_copy_can_come_to(draft: Template) -> None:
    assert draft.level == 0
    saved = services.template_save(
        actor=CLI, template_id=draft.pk, version=1, edit=subject("For {{ first_name|you }}, {{ appointment.kind|x }}")
    )
    assert saved.level == 2
    assert services.template_step_back(actor=CLI, template_id=draft.pk, version=2, steps=1).level == 0


def test_a_bad_save_changes_nothing(draft: Template) -> None:
    with pytest.raises(BadTemplate):
        services.template_save(actor=CLI, template_id=draft.pk, version=1, edit=lambda data: {**data, "blocks": [1]})
    draft.refresh_from_db()
    assert (draft.version, draft.revisions.count()) == (1, 1)


def test_undo_and_redo(draft: Template) -> None:
    for number, words in enumerate(("Two", "Three"), 1):
        services.template_save(actor=CLI, template_id=draft.pk, version=number, edit=subject(words))

    def step(version: int, steps: int) -> str:
        template = services.template_step_back(actor=CLI, template_id=draft.pk, version=version, steps=steps)
        return selectors.draft_data(template)["subject"]

    assert step(3, 1) == "Two"
    assert step(4, 1) == "Very private subject"
    assert step(5, 1) == "Very private subject"
    assert step(5, -1) == "Two"
    services.template_save(actor=CLI, template_id=draft.pk, version=6, edit=subject("Other"))
    assert step(7, -1) == "Other"
    assert step(7, 1) == "Two"


def test_names(draft: Template) -> None:
    with pytest.raises(services.NameTaken):
        services.template_create(actor=CLI, name="  winter   MAIL ", data=DATA)
    other = services.template_create(actor=CLI, name="Other", data=DATA)
    with pytest.raises(services.NameTaken):
        services.template_rename(actor=CLI, template_id=other.pk, name="Winter mail")
    services.template_rename(actor=CLI, template_id=other.pk, name="Spring mail")
    assert selectors.template_named("spring mail") == other
    with refused("template.name_missing"):
        services.template_rename(actor=CLI, template_id=other.pk, name=" ")
    services.template_archive(actor=CLI, template_id=draft.pk)
    assert selectors.template_named("Winter mail") is None
    services.template_create(actor=CLI, name="Winter mail", data=DATA)


def test_versions_are_immutable_and_equal_ones_are_one(draft: Template) -> None:
    first = services.template_publish(actor=CLI, template_id=draft.pk)
    assert services.template_publish(actor=CLI, template_id=draft.pk).pk == first.pk
    services.template_save(actor=CLI, template_id=draft.pk, version=None, edit=subject("New words"))
    draft.refresh_from_db()
    assert draft.status == Template.Status.DRAFT
    second = services.template_publish(actor=CLI, template_id=draft.pk)
    assert (first.number, second.number) == (1, 2)
    assert first.design.subject == "Very private subject"
    assert second.design.subject == "New words"
    assert selectors.compile_version(second).digest != selectors.compile_version(first).digest


def test_a_template_in_use_is_not_deleted(draft: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_FINDERS", [])
    usage.register(lambda pk: [usage.Use("Campaign", "Flu", "/campaigns/1/")] if pk == draft.pk else [])
    with refused("template.in_use"):
        services.template_archive(actor=CLI, template_id=draft.pk)


def test_skeletons_are_kept_once_and_come_back(draft: Template) -> None:
    compiled = compiling.compile_message(blocks.parse(DATA), SAMPLE)
    one = services.skeleton_store(actor=CLI, compiled=compiled)
    two = services.skeleton_store(actor=CLI, compiled=compiled)
    assert one.pk == two.pk
    assert Skeleton.objects.count() == 1
    assert selectors.skeleton(one.pk) == compiled
    assert bytes(one.address) != compiled.digest[:16]


def test_brands() -> None:
    first = services.brand_save(actor=CLI, data={"name": "Clinic", "from_address": "hello@clínica.test"})
    assert first.is_default
    assert first.opened["from_address"] == "hello@xn--clnica-4va.test"
    second = services.brand_save(
        actor=CLI, data={"name": "Foundation", "from_address": "f@clinic.test"}, is_default=True
    )
    assert Brand.objects.get(is_default=True) == second
    changed = services.brand_save(actor=CLI, brand=first, data={**first.opened, "phone": "555-0199"})
    assert changed.pk == first.pk
    assert selectors.brand_facts(changed).phone == "555-0199"
    for data, code in (
        ({"name": "", "from_address": "a@b.test"}, "brand.name_missing"),
        ({"name": "X", "from_address": "a b"}, "address.malformed"),
        ({"name": "X", "from_address": "a@b.test\r\nBcc: c@d.test"}, "address.malformed"),
        ({"name": "X", "from_address": "a@b.test", "primary": "red"}, "brand.color_malformed"),
        ({"name": "clinic", "from_address": "a@b.test"}, "brand.name_taken"),
    ):
        with refused(code):
            services.brand_save(actor=CLI, data=data)


def test_an_image_is_sealed_at_rest_and_public_by_its_name(client: Any) -> None:
    asset = services.asset_upload(actor=CLI, data=png(), file_name="front door.png", alt="The door")
    assert services.asset_upload(actor=CLI, data=png(), file_name="again.png").pk == asset.pk
    with default_storage.open(f"assets/{asset.name}") as file:
        assert png()[:8] not in file.read()
    answer = client.get(f"/templates/i/{asset.name}")
    assert answer.status_code == 200
    assert answer.content == png()
    assert answer["Content-Type"] == "image/png"
    assert "immutable" in answer["Cache-Control"]
    assert not answer.cookies
    assert client.get("/templates/i/nonsense.png").status_code == 404
    assert "front door" not in raw("content_asset")
    assert "The door" not in raw("content_asset")
    with pytest.raises(NotAnImage):
        services.asset_upload(actor=CLI, data=b"<svg>", file_name="x.png")


def test_shipped_templates_become_templates_once() -> None:
    made = services.presets_install(actor=CLI)
    assert len(made) == len(all_presets())
    assert services.presets_install(actor=CLI) == []
    assert all(template.status == "published" for template in made)


def test_one_s_own_notice_replaces_the_shipped_one() -> None:
    before = selectors.system_message("portal_notice")
    assert selectors.system_message("portal_notice") is before
    spanish = selectors.system_message("portal_notice", "es")
    assert spanish.language == "es"
    data = blocks.dump(all_presets()["portal_notice"].design)
    own = services.template_create(actor=CLI, name="Our notice", data={**data, "subject": "For you"}, kind="notice")
    assert selectors.system_message("portal_notice") is before  # a draft is not in force
    services.template_publish(actor=CLI, template_id=own.pk)
    after = selectors.system_message("portal_notice")
    assert after.digest != before.digest
    assert selectors.system_message("portal_notice", "es") is spanish
    # one that tells who someone is never goes out
    services.template_save(actor=CLI, template_id=own.pk, version=None, edit=subject("For {{ first_name }}"))
    services.template_publish(actor=CLI, template_id=own.pk)
    assert selectors.system_message("portal_notice") is before


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mail.json"
    path.write_text(json.dumps(DATA))
    call_command("template_save", "From a file", str(path), "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["template"], told["version"]) == ("From a file", 1)
    path.write_text(json.dumps({**DATA, "subject": "Changed"}))
    call_command("template_save", "from A file", str(path), "--json")
    assert json.loads(capsys.readouterr().out)["version"] == 2
    nobody = {"subject": "s", "blocks": [{"id": "a", "type": "text", "html": "<p>{{ shoe_size }}</p>"}]}
    for content, code in (('{"blocks": [{"type": "video"}]}', 1), (json.dumps(nobody), 1), ("{", 2)):
        path.write_text(content)
        with pytest.raises(SystemExit) as stopped:
            call_command("template_save", "From a file", str(path))
        assert stopped.value.code == code
    assert "Block a: There is no merge field “shoe_size”." in capsys.readouterr().err
    assert Template.objects.count() == 1
    assert selectors.draft_data(Template.objects.get())["subject"] == "Changed"


def test_own_attributes_are_merge_fields() -> None:
    from apps.contacts.attributes import definitions as attributes
    from apps.contacts.models import AttributeDefinition
    from apps.content import facts, lint, merging
    from apps.mail.compiled import Envelope
    from apps.vault import sealing, tokens

    row = AttributeDefinition.objects.create(
        token=tokens.token128("attribute", "shoe"), sealed=b"", type="text", level=3
    )
    row.sealed = sealing.seal_service({"name": "shoe", "label": "Shoe size"}, table=attributes.TABLE, row=row.pk)
    row.save()
    brand = selectors.brand_facts()
    design = blocks.parse(
        {"subject": "s", "blocks": [{"id": "a", "type": "text", "html": "<p>{{ attributes.shoe }}</p>"}]}
    )
    compiled = compiling.compile_message(design, brand)
    assert compiled.highest_level() == 3
    assert not [finding for finding in lint.check(design, brand) if finding.rule == "compiles"]
    with refused("template.unusable", "no merge field"):
        compiling.compile_message(design, SAMPLE)
    from datetime import UTC, datetime

    envelope = Envelope("a@b.test", datetime(2026, 1, 1, tzinfo=UTC), "1@c.test")
    merged = merging.merge(compiled, facts.person_facts({"attributes": {"shoe": "41"}}), envelope)
    assert "41" in merging.render(merged.message).text
    assert merged.level == 3


def test_blocks_written_by_hand_get_the_ids_they_lack() -> None:
    inner = {"type": "text", "html": "<p>In</p>"}
    given = {
        "subject": "Hi",
        "blocks": [{"type": "divider"}, {"id": "b1", "type": "columns", "columns": [[inner], []]}],
    }
    done = blocks.with_ids(given)
    assert [each["id"] for each in done["blocks"]] == ["b2", "b1"]
    assert done["blocks"][1]["columns"][0][0] == {"id": "b3", **inner}
    assert "id" not in given["blocks"][0]
    assert blocks.with_ids(done) == done
    assert len(list(blocks.parse(done).walk())) == 3
    # What is wrong stays wrong: the reader says so.
    assert blocks.with_ids(["x", 1, None]) == ["x", 1, None]
