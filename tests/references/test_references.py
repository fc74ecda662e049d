"""Who uses what: one table, one question, and a rename that nobody else notices."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.campaigns import selectors as campaign_selectors
from apps.campaigns import services as campaigns
from apps.contacts import services as contacts
from apps.contacts.attributes.services import InUse as AttributeInUse
from apps.contacts.attributes.services import Wanted, attribute_create, attribute_retire
from apps.content import blocks
from apps.content import services as content
from apps.content.models import Brand, Template
from apps.content.presets import all_presets
from apps.core import actors
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.journeys import approvals, context, outgoing
from apps.journeys import naming as journey_naming
from apps.journeys import selectors as journey_selectors
from apps.journeys import services as journeys
from apps.journeys.definition import to_json
from apps.journeys.models import Journey
from apps.references import selectors as references
from apps.references.models import Noun, Reference
from apps.segments import naming
from apps.segments import selectors as segment_selectors
from apps.segments import services as segments
from apps.segments.models import Segment
from apps.vault import sealing
from tests.refusals import refused
from tests.upgrade import references_walk

pytestmark = pytest.mark.django_db

CLI = actors.COMMAND_LINE
WOMEN = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}


def segment(name: str, *rules: dict[str, object]) -> Segment:
    rule = {"match": "all", "rules": list(rules)} if rules else WOMEN
    return segments.segment_save(actor=CLI, name=name, rule=rule)


def template(name: str) -> Template:
    preset = next(iter(all_presets().values()))
    return content.template_create(actor=CLI, name=name, data=blocks.dump(preset.design))


def brand(name: str) -> Brand:
    return content.brand_save(actor=CLI, data={"name": name, "from_address": "hello@clinic.test"}, is_default=True)


@pytest.fixture
def used() -> Segment:
    """ "Women" is looked at by a segment, a campaign and two journeys: it starts one, and a step of the other asks."""
    women = segment("Women")
    segment("Grown women", {"segment": "Women", "op": "in"})
    template("Checkup")
    brand("Clinic")
    spec = {"segment": "Grown women", "exclude": ["Women"], "template": "Checkup", "brand": "Clinic"}
    campaigns.campaign_save(actor=CLI, name="Flu shots", spec=spec)
    send = {"id": "s1", "type": "send", "template": "Checkup", "sender": "Clinic", "purpose": "treatment"}
    journeys.journey_create(
        actor=CLI,
        name="Welcome",
        definition={"trigger": {"kind": "segment", "segment": "Women"}, "steps": [send]},
    )
    asked = {"match": "all", "rules": [{"segment": "Women", "op": "not_in"}]}
    condition = {"id": "s1", "type": "condition", "rule": asked, "then": [send | {"id": "s2"}], "otherwise": []}
    journeys.journey_create(actor=CLI, name="Ask", definition={"trigger": {"kind": "manual"}, "steps": [condition]})
    return women


def told(pk: int) -> list[tuple[str, str]]:
    return [(use.kind, use.name) for use in segment_selectors.where_used(pk)]


EVERYWHERE = [("Segment", "Grown women"), ("Campaign", "Flu shots"), ("Journey", "Welcome"), ("Journey", "Ask")]


def test_the_table_says_what_everything_says_of_itself(used: Segment) -> None:
    assert told(used.pk) == EVERYWHERE
    assert references_walk.in_the_table() == references_walk.by_walking()
    assert len(references_walk.in_the_table()) == 11


def test_a_rename_opens_one_row_and_nobody_loses_sight_of_it(used: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = naming.document(segment_selectors.opened(used).rule)
    rows = {model: dict(model.objects.values_list("pk", "sealed")) for model in (Segment, Journey)}
    opened: list[object] = []
    real = sealing.open_service

    def counted(sealed: bytes, **address: object) -> object:
        opened.append(address)
        return real(sealed, **address)  # type: ignore[arg-type]

    monkeypatch.setattr(sealing, "open_service", counted)
    segments.segment_save(actor=CLI, name="Ladies", rule=rule, segment_id=used.pk)
    monkeypatch.undo()
    assert opened == [{"table": "segments_segment", "row": used.pk, "version": 1}]
    changed = [
        (model, pk)
        for model, before in rows.items()
        for pk, sealed in model.objects.values_list("pk", "sealed")
        if bytes(sealed) != bytes(before[pk])
    ]
    assert changed == [(Segment, used.pk)]
    assert told(used.pk) == EVERYWHERE
    with pytest.raises(segments.InUse):
        segments.segment_delete(actor=CLI, segment_id=used.pk)
    # Everybody who reads it finds the new name.
    assert campaign_selectors.by_name("Flu shots").spec.exclude == ("Ladies",)
    assert journey_selectors.by_name("Welcome").draft.trigger.segment == "Ladies"
    assert "“Ladies”" in segment_selectors.by_name("Grown women").sentence
    assert references_walk.in_the_table() == references_walk.by_walking()


def test_a_template_and_a_sender_are_renamed_and_found_by_their_new_names(used: Segment) -> None:
    row = Template.objects.get()
    content.template_rename(actor=CLI, template_id=row.pk, name="Yearly checkup")
    sender = Brand.objects.get()
    content.brand_save(actor=CLI, brand=sender, data={**sender.opened, "name": "Our clinic"})
    spec = campaign_selectors.by_name("Flu shots").spec
    assert (spec.template, spec.brand) == ("Yearly checkup", "Our clinic")
    draft = to_json(journey_selectors.by_name("Ask").draft)
    assert [draft["steps"][0]["then"][0][part] for part in ("template", "sender")] == ["Yearly checkup", "Our clinic"]
    assert not [each for each in context.problems(journey_selectors.by_name("Ask").draft) if "no template" in each.text]
    assert [use.name for use in references.used_by(Noun.TEMPLATE, row.pk)] == ["Flu shots", "Welcome", "Ask"]
    with pytest.raises(Refused, match="used by 3 other objects"):
        content.template_archive(actor=CLI, template_id=row.pk)


def test_another_name_voids_no_approval_and_another_rule_does(used: Segment) -> None:
    journey = journey_selectors.by_name("Welcome")
    outgoing.freeze(actor=CLI, definition=journey.stored)
    before = approvals.fingerprint(journey.row, journey.stored)
    segments.segment_save(actor=CLI, name="Ladies", rule=WOMEN, segment_id=used.pk)
    content.template_rename(actor=CLI, template_id=Template.objects.get().pk, name="Yearly checkup")
    assert approvals.fingerprint(journey.row, journey_selectors.by_name("Welcome").draft) == before
    men = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "M"}]}
    segments.segment_save(actor=CLI, name="Ladies", rule=men, segment_id=used.pk)
    assert approvals.fingerprint(journey.row, journey.stored) != before


def test_one_query_asks_who_uses_it_and_one_for_each_kind_of_user_what_they_are_called(used: Segment) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            segment_selectors.where_used(used.pk)
        return [each["sql"] for each in seen.captured_queries]

    few = queries()
    for number in range(20):
        segment(f"Women {number}", {"segment": "Women", "op": "in"})
    many = queries()
    assert len(few) == len(many) == 4
    assert len([sql for sql in many if "references_reference" in sql]) == 1


def test_an_attribute_is_used_by_rules_and_steps_until_they_let_go(used: Segment) -> None:
    risk = attribute_create(actor=CLI, wanted=Wanted("Risk", "text"))
    asks = segment("At risk", {"field": "attribute.risk", "op": "is", "value": "high"})
    sets = {"id": "s1", "type": "update_attribute", "attribute": "risk", "value": "low"}
    made = journeys.journey_create(actor=CLI, name="Calm", definition={"trigger": {"kind": "manual"}, "steps": [sets]})
    uses = references.used_by(Noun.ATTRIBUTE, risk.id)
    assert [(use.kind, use.name, use.searches) for use in uses] == [
        ("Segment", "At risk", True),
        ("Journey", "Calm", False),
    ]
    with pytest.raises(AttributeInUse):
        attribute_retire(actor=CLI, attribute_id=risk.id)
    segments.segment_delete(actor=CLI, segment_id=asks.pk)
    opened = journey_selectors.by_id(made.pk)
    journeys.draft_save(
        actor=CLI,
        journey=made,
        revision=made.revision,
        definition=journey_selectors.parse({**to_json(opened.draft), "steps": []}),
    )
    assert references.used_by(Noun.ATTRIBUTE, risk.id) == []
    attribute_retire(actor=CLI, attribute_id=risk.id)


def test_a_tag_that_a_rule_asks_for_is_renamed_and_not_deleted(used: Segment) -> None:
    recall = contacts.tag_create(actor=CLI, name="Recall", level=Level.PROTECTED)
    asks = segment("To call", {"tag": "recall", "op": "has"})
    assert asks.level == Level.PROTECTED
    step = {"id": "s1", "type": "condition", "rule": {"match": "all", "rules": [{"tag": "Recall", "op": "has_not"}]}}
    made = journeys.journey_create(actor=CLI, name="Calls", definition={"trigger": {"kind": "manual"}, "steps": [step]})
    assert [use.name for use in references.used_by(Noun.TAG, recall.id)] == ["To call", "Calls"]
    with refused("tag.in_use"):
        contacts.tag_delete(actor=CLI, tag_id=recall.id)
    with refused("tag.level_in_use"):
        other = contacts.tag_create(actor=CLI, name="Other")
        segment("Others", {"tag": "Other", "op": "has"})
        contacts.tag_change(actor=CLI, tag_id=other.id, name="Other", level=Level.PROTECTED)
    contacts.tag_change(actor=CLI, tag_id=recall.id, name="Recall 2026")
    assert segment_selectors.sentence(segment_selectors.by_id(asks.pk).rule) == "Has the tag “Recall 2026”"
    shown = journey_naming.with_names(journey_selectors.by_id(made.pk).draft)
    assert to_json(shown)["steps"][0]["rule"]["rules"] == [{"tag": "Recall 2026", "op": "has_not"}]
    with refused("tag.unknown"):
        segment("Nobody", {"tag": "Recall", "op": "has"})


def test_what_is_deleted_uses_nothing(used: Segment) -> None:
    campaign = campaign_selectors.by_name("Flu shots")
    campaigns.campaign_delete(actor=CLI, campaign_id=campaign.id)
    assert not Reference.objects.filter(user_kind=Noun.CAMPAIGN).exists()
    assert told(used.pk) == [each for each in EVERYWHERE if each[0] != "Campaign"]


def test_an_id_may_be_given_instead_of_a_name(used: Segment) -> None:
    again = segment("Again", {"segment": used.pk, "op": "in"})
    assert naming.document(segment_selectors.opened(again).rule)["rules"] == [{"segment": "Women", "op": "in"}]
    with pytest.raises(Refused, match="There is no segment “7000000”"):
        segment("Never", {"segment": 7_000_000, "op": "in"})
    saved = campaigns.campaign_save(
        actor=CLI, name="By id", spec={"segment": used.pk, "template": Template.objects.get().pk}
    )
    spec = campaign_selectors.opened(saved).spec
    assert (spec.segment, spec.template) == ("Women", "Checkup")
    with pytest.raises(Refused):
        campaigns.campaign_save(actor=CLI, name="Of nobody", spec={"segment": used.pk, "exclude": ["Women"]})
