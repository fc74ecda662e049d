"""Tags: words that staff put on people, sealed, given and taken with a trail, gone with the person."""

from __future__ import annotations

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.models import PersonTag, Tag
from apps.contacts.tags import definitions
from apps.contacts.tags.names import split
from apps.core import actors
from apps.core.levels import Level
from apps.references.models import Noun, Place
from apps.references.services import Used, references_write
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
MAX = actors.staff(1, "marketer")


def somebody(name: str = "Rosa") -> int:
    return services.contact_create(actor=CLI, profile={"first_name": name, "last_name": "Vega"}).id


def names(person: int) -> list[str]:
    return [tag.name for tag in definitions.of_person(person)]


def test_a_name_is_sealed_and_found_however_it_is_written(noon) -> None:
    made = services.tag_create(actor=MAX, name=" HIV  clinic", level=Level.PROTECTED, description="Since 2026")
    assert (made.name, made.level, made.description) == ("HIV clinic", Level.PROTECTED, "Since 2026")
    assert definitions.ids_of(["hiv clinic", "other"]) == {"hiv clinic": made.id}
    with connection.cursor() as cursor:
        for table in ("contacts_tag", "audit_auditentry"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            rows = " ".join(row[0] for row in cursor.fetchall())
            assert "HIV clinic" not in rows
            assert b"HIV clinic".hex() not in rows


@pytest.mark.parametrize(
    ("name", "level", "code"),
    [
        ("", 2, "tag.name_length"),
        ("x" * 61, 2, "tag.name_length"),
        ("one, two", 2, "tag.name_malformed"),
        ("one; two", 2, "tag.name_malformed"),
        ("a\x00b", 2, "tag.name_malformed"),
        ("RECALL", 2, "tag.name_taken"),
        ("News", 1, "tag.level_not_allowed"),
        ("News", 7, "tag.level_unknown"),
    ],
)
def test_a_tag_that_will_not_do(name, level, code) -> None:
    services.tag_create(actor=MAX, name="Recall")
    with refused(code):
        services.tag_create(actor=MAX, name=name, level=level)


def test_several_stand_between_commas_semicolons_and_lines() -> None:
    assert split(" Recall ; Open  day,recall\nVIP,,") == ["Recall", "Open day", "VIP"]
    assert split(" ; ") == []


def test_giving_and_taking_is_on_the_trail_with_ids_and_no_words(noon) -> None:
    recall, vip = (services.tag_create(actor=MAX, name=name).id for name in ("Recall", "VIP"))
    rosa, bo = somebody(), somebody("Bo")
    assert services.tags_give(actor=MAX, pairs=[(rosa, recall), (bo, recall), (rosa, vip)]) == [
        (rosa, recall),
        (rosa, vip),
        (bo, recall),
    ]
    assert services.tags_give(actor=MAX, pairs=[(rosa, recall)]) == []
    assert names(rosa) == ["Recall", "VIP"]
    assert definitions.counts() == {recall: 2, vip: 1}
    (entry,) = AuditEntry.objects.filter(action="contact.tag")
    assert (entry.people_count, entry.codes) == (2, {"tags": [recall, vip]})
    assert services.tags_take(actor=MAX, pairs=[(rosa, vip), (bo, vip)]) == [(rosa, vip)]
    assert names(rosa) == ["Recall"]
    assert AuditEntry.objects.get(action="contact.untag").people_count == 1
    with refused("tag.unknown"):
        services.tags_give(actor=MAX, pairs=[(rosa, 987_654)])


def test_whoever_is_erased_has_none_and_gets_none(noon) -> None:
    recall, rosa, bo = services.tag_create(actor=CLI, name="Recall").id, somebody(), somebody("Bo")
    services.tags_give(actor=CLI, pairs=[(rosa, recall), (bo, recall)])
    services.contact_erase(actor=CLI, person_id=rosa, reason="asked")
    assert list(PersonTag.objects.values_list("person_id", flat=True)) == [bo]
    assert services.tags_give(actor=CLI, pairs=[(rosa, recall)]) == []


def test_what_decides_who_gets_a_tag_flows_into_it(noon) -> None:
    open_day = services.tag_create(actor=CLI, name="Open day", level=Level.IDENTIFIER).id
    rosa = somebody()
    with refused("tag.level_too_low"):
        services.tags_give(actor=CLI, pairs=[(rosa, open_day)], level=Level.HEALTH)
    assert services.tags_give(actor=CLI, pairs=[(rosa, open_day)], level=Level.IDENTIFIER)


def test_a_rename_touches_nobody_and_a_level_only_rises_while_nothing_uses_it(noon) -> None:
    tag, rosa = services.tag_create(actor=MAX, name="Recall"), somebody()
    services.tags_give(actor=CLI, pairs=[(rosa, tag.id)])
    renamed = services.tag_change(actor=MAX, tag_id=tag.id, name="recall 2026", version=tag.version)
    assert (names(rosa), renamed.version) == (["recall 2026"], 2)
    with refused("tag.changed"):
        services.tag_change(actor=MAX, tag_id=tag.id, name="Recall", version=tag.version)
    with refused("tag.level_lowered"):
        services.tag_change(actor=MAX, tag_id=tag.id, name="Recall", level=Level.PUBLIC)
    references_write(user_kind=Noun.SEGMENT, user_id=7, uses=[Used(Noun.TAG, tag.id, Place.RULE)])
    services.tag_create(actor=MAX, name="VIP")
    with refused("tag.name_taken"):
        services.tag_change(actor=MAX, tag_id=tag.id, name="vip")
    assert services.tag_change(actor=MAX, tag_id=tag.id, name="Recall", level=Level.HEALTH).name == "Recall"


def test_deleting_takes_it_from_everybody(noon) -> None:
    tag, rosa, bo = services.tag_create(actor=MAX, name="Recall").id, somebody(), somebody("Bo")
    services.tags_give(actor=CLI, pairs=[(rosa, tag), (bo, tag)])
    assert services.tag_delete(actor=MAX, tag_id=tag) == 2
    assert not Tag.objects.exists()
    assert not PersonTag.objects.exists()
    assert AuditEntry.objects.get(action="tag.delete").codes == {"people": 2}


def test_all_tags_of_a_person_move_to_another_and_back(noon) -> None:
    one, both, theirs = (services.tag_create(actor=CLI, name=name).id for name in ("One", "Both", "Theirs"))
    double, rosa = somebody(), somebody()
    services.tags_give(actor=CLI, pairs=[(double, one), (double, both), (rosa, both), (rosa, theirs)])
    moved = services.tags_move(actor=CLI, person_id=double, to=rosa)
    assert (moved.given, moved.shared) == ((one,), (both,))
    assert (names(double), names(rosa)) == ([], ["Both", "One", "Theirs"])
    services.tags_take(actor=CLI, pairs=[(rosa, tag) for tag in moved.given])
    services.tags_give(actor=CLI, pairs=[(double, tag) for tag in (*moved.given, *moved.shared)])
    assert (names(double), names(rosa)) == (["Both", "One"], ["Both", "Theirs"])


# The pages


def test_a_nurse_tags_a_person_by_name_and_a_marketer_makes_the_tag(signed_in, noon) -> None:
    rosa, nora = somebody(), signed_in("nora")
    url = f"/contacts/{rosa}/tags/"
    told = nora.post(url, {"named": "Recall"}, headers={"HX-Request": "true"}).content.decode()
    assert "There is no tag of this name. A marketer or an administrator can add it." in told
    assert 'value="Recall"' in told, "what was typed is kept"
    assert signed_in("max").post(url, {"named": "Recall; Open day"}).status_code == 302
    assert names(rosa) == ["Open day", "Recall"]
    shown = nora.post(url, {"named": " rECALL "}, headers={"HX-Request": "true"}).content.decode()
    assert shown.count('class="tag-name"') == 2
    recall = definitions.ids_of(["Recall"])["Recall"]
    nora.post(url, {"act": "remove", "id": recall})
    assert names(rosa) == ["Open day"]
    assert "Open day" in nora.get(f"/contacts/{rosa}/timeline/").content.decode()
    assert "Open day" in nora.post("/contacts/tags/suggest/", {"named": "DAY"}).content.decode()
    assert nora.post("/contacts/987654/tags/", {"named": "Open day"}).status_code == 404
    for who in ("rita", "otto"):
        assert signed_in(who).post(url, {"named": "Recall"}).status_code == 403
        assert signed_in(who).post("/contacts/tags/suggest/", {"named": "x"}).status_code == 403
        assert "Add a tag" not in signed_in(who).get(f"/contacts/{rosa}/").content.decode()


def test_a_protected_tag_is_read_where_people_are_worked_with(signed_in, noon) -> None:
    rosa = somebody()
    tag = services.tag_create(actor=CLI, name="Methadone program", level=Level.PROTECTED).id
    services.tags_give(actor=CLI, pairs=[(rosa, tag)])
    assert "Methadone program" in signed_in("nora").get(f"/contacts/{rosa}/").content.decode()
    page = signed_in("otto").get(f"/contacts/{rosa}/").content.decode()
    assert "Methadone" not in page
    assert "1 protected tag" in page


def test_the_page_of_tags(signed_in, noon) -> None:
    max_ = signed_in("max")
    assert "No tags yet" in max_.get("/contacts/tags/").content.decode()
    assert max_.post("/contacts/tags/new/", {"name": "", "level": "2"}).status_code == 422
    assert max_.post("/contacts/tags/new/", {"name": "News", "level": "0"}).status_code == 422
    assert max_.post("/contacts/tags/new/", {"name": "Recall", "level": "3"}).status_code == 302
    tag = definitions.everything()[0]
    services.tags_give(actor=CLI, pairs=[(somebody(), tag.id)])
    url = f"/contacts/tags/{tag.id}/"
    assert "1 person has this tag." in " ".join(max_.get(url).content.decode().split())
    assert "1 person loses it." in max_.get(url).content.decode()
    changed = {"name": "Recall 2026", "level": "3", "description": "Call again", "version": "1"}
    assert max_.post(url, changed).status_code == 302
    assert max_.post(url, changed | {"name": "Other"}).status_code == 422, "somebody else changed it"
    listed = max_.get("/contacts/tags/").content.decode()
    assert "Recall 2026" in listed
    references_write(user_kind=Noun.SEGMENT, user_id=7, uses=[Used(Noun.TAG, tag.id, Place.RULE)])
    assert max_.get("/contacts/tags/987654/").status_code == 404
    assert max_.post("/contacts/tags/987654/delete/").status_code == 404
    for who, status in (("nora", 403), ("otto", 403), ("rita", 403)):
        assert signed_in(who).get("/contacts/tags/").status_code == status
        assert signed_in(who).post(f"{url}delete/").status_code == status
    references_write(user_kind=Noun.SEGMENT, user_id=7, uses=[])
    assert max_.post(f"{url}delete/").status_code == 302
    assert not PersonTag.objects.exists()


def test_fifty_tags_cost_as_many_questions_as_one(signed_in, questions, noon) -> None:
    max_, rosa = signed_in("max"), somebody()
    services.tags_give(actor=CLI, pairs=[(rosa, services.tag_create(actor=CLI, name="First").id)])
    paths = ("/contacts/tags/", f"/contacts/{rosa}/")
    one = [questions(max_, path) for path in paths]
    more = services.tags_named(actor=CLI, names=[f"Tag {number}" for number in range(49)])
    services.tags_give(actor=CLI, pairs=[(rosa, tag) for tag in more.values()])
    assert [questions(max_, path) for path in paths] == one
