"""Pages of segments: who may, what they show, and that looking is on the trail."""

from __future__ import annotations

from datetime import date

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.models import Vocabulary
from apps.core import actors
from apps.segments import selectors, services, views
from apps.segments.models import Segment
from tests.text import without_tokens

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
WOMEN = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
FORM = {"shape": "[0]", "n.match": "all", "n0.what": "field:sex", "n0.op": "is", "n0.value": "F", "name": "Women"}


@pytest.fixture
def dana() -> int:
    profile = {"first_name": "Dana", "last_name": "Quist", "sex": "F", "birth_date": "1960-05-01"}
    return contacts.contact_create(actor=CLI, profile=profile).id


@pytest.fixture
def women() -> Segment:
    return services.segment_save(actor=CLI, name="Women", rule=WOMEN, description="For the example")


def test_the_list_has_every_segment_and_searches_by_post(signed_in, women: Segment) -> None:
    services.segment_save(actor=CLI, name="Everybody", rule={"match": "all", "rules": []})
    client = signed_in("max")
    page = client.get("/segments/")
    assert b"Women" in page.content
    assert b"Sex is female" in page.content
    found = client.post("/segments/", {"q": "wom"})
    assert b"Women" in found.content
    assert b"Everybody" not in found.content
    assert b"No segment has these words" in client.post("/segments/", {"q": "zzz"}).content


@pytest.mark.parametrize(("who", "sees", "edits"), [("max", 200, 200), ("rita", 200, 403), ("nora", 403, 403)])
def test_who_may_look_and_who_may_edit(signed_in, women: Segment, who: str, sees: int, edits: int) -> None:
    client = signed_in(who)
    assert client.get("/segments/").status_code == sees
    assert client.get(f"/segments/{women.pk}/").status_code == sees
    assert client.get("/segments/new/").status_code == edits
    assert client.post("/segments/preview/", FORM).status_code == edits


def test_the_people_of_a_segment_come_page_by_page_and_looking_is_on_the_trail(
    signed_in, dana: int, women: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [
        contacts.contact_create(actor=CLI, profile={"first_name": name, "last_name": "Ames", "sex": sex}).id
        for name, sex in (("Erin", "F"), ("Fay", "F"), ("Greg", "M"))
    ]
    monkeypatch.setattr(views, "PAGE", 2)
    client = signed_in("max")
    assert f"/segments/{women.pk}/people/".encode() in client.get(f"/segments/{women.pk}/").content
    first = client.get(f"/segments/{women.pk}/people/")
    assert [person.id for person in first.context["people"]] == [dana, others[0]]
    second = client.get(f"/segments/{women.pk}/people/", {"after": first.context["next"]})
    assert [person.id for person in second.context["people"]] == [others[1]]
    assert second.context["next"] is None
    looked = AuditEntry.objects.filter(action="segment.preview", purpose="segment").order_by("pk")
    assert [entry.people_count for entry in looked] == [2, 1]
    assert client.get("/segments/999999/people/").status_code == 404


def test_a_new_segment_is_saved_from_the_builder(signed_in) -> None:
    client = signed_in("max")
    answer = client.post("/segments/new/", FORM)
    saved = selectors.by_name("Women")
    assert answer.headers["Location"] == f"/segments/{saved.id}/"
    assert saved.rule.to_document() == WOMEN
    assert b"Women" in client.get(f"/segments/{saved.id}/").content
    assert client.get(f"/segments/{saved.id}/edit/").status_code == 200


def test_what_cannot_be_saved_comes_back_with_the_reason_at_its_row(signed_in) -> None:
    client = signed_in("max")
    wrong = FORM | {"n0.what": "field:city", "n0.value": ""}
    answer = client.post("/segments/new/", wrong)
    assert answer.status_code == 422
    assert answer.content.lower().count(b"choose or type a value") == 2
    assert b'value="Women"' in answer.content
    nameless = client.post("/segments/new/", FORM | {"name": " "})
    assert b"Give the segment a name." in nameless.content


def test_a_condition_that_looks_at_nothing_yet_is_not_saved(signed_in) -> None:
    client = signed_in("max")
    page = client.get("/segments/new/").content.decode()
    assert '<option value="" selected>Choose…</option>' in page
    unchosen = {"shape": "[0,[0]]", "n.match": "all", "n0.what": "", "n1.match": "any", "n1-0.what": "", "name": ""}
    preview = client.post("/segments/preview/", unchosen).content.decode()
    assert "Not complete yet" in preview
    answer = client.post("/segments/new/", unchosen)
    assert answer.status_code == 422
    text = answer.content.decode()
    for anchor, words in (
        ("segment-name", "Give the segment a name."),
        ("n0-what", "Condition 1: choose what to look at, or remove the condition."),
        ("n1-0-what", "Condition 2.1: choose what to look at, or remove the condition."),
    ):
        assert f'<a href="#{anchor}">{words}</a>' in text
        assert f'id="{anchor}"' in text
    assert not Segment.objects.exists()


def test_the_preview_counts_masks_and_is_on_the_trail(signed_in, dana: int) -> None:
    client = signed_in("max")
    answer = client.post("/segments/preview/", FORM | {"ticket": "0123456789abcdef"})
    text = answer.content.decode()
    assert ">1<" in text.replace(" ", "")
    assert "Sex is female." in text
    assert "D••• Q•••" in text
    assert "Dana" not in without_tokens(text)
    entry = AuditEntry.objects.get(action="segment.preview")
    assert (entry.actor_kind, entry.people_count) == ("staff", 1)
    unfinished = client.post("/segments/preview/", FORM | {"n0.what": "field:city", "n0.value": ""})
    assert b"Not complete yet" in unfinished.content


def test_a_code_on_nobodys_record_is_pointed_out(signed_in, dana: int) -> None:
    """A misspelled vaccine under "none of these" would find everybody, vaccinated or not."""
    Vocabulary.objects.create(system="CVX", code="140", term="Influenza, seasonal")
    Vocabulary.objects.create(system="CVX", code="121", term="Zoster")
    shot = contacts.NewEvent(dana, "immunization", date(2026, 10, 1), "shot", code="CVX 140", groups=("code:CVX:140",))
    contacts.events_record(actor=CLI, events=[shot])
    client = signed_in("max")
    rule = FORM | {
        "n0.what": "event:immunization",
        "n0.op": "at_least",
        "n0.times": "1",
        "n0.which": "code",
        "n0.when": "ever",
    }
    misspelled = client.post("/segments/preview/", rule | {"n0.code": "influ"}).content.decode()
    assert "Nobody’s record has this code" in misspelled
    assert "“influ”" in misspelled
    nobodys = client.post("/segments/preview/", rule | {"n0.code": "Zoster (CVX 121)"}).content.decode()
    assert "“Zoster (CVX 121)” is on no record here" in nobodys
    chosen = client.post("/segments/preview/", rule | {"n0.code": "140"}).content.decode()
    assert "Influenza, seasonal" in chosen
    assert "Nobody’s record has this code" not in chosen


def test_a_saved_segment_goes_on_saying_that_its_code_is_nobodys(signed_in, dana: int) -> None:
    """Also through a segment that looks at it; the day somebody has the code, the warning is gone."""
    shingles = {"match": "none", "rules": [{"event": "immunization", "op": "at_least", "times": 1, "code": "121"}]}
    due = services.segment_save(actor=CLI, name="No shingles shot", rule=shingles)
    women_due = {"match": "all", "rules": [{"segment": "No shingles shot", "op": "in"}, *WOMEN["rules"]]}
    nested = services.segment_save(actor=CLI, name="Women due", rule=women_due)
    client = signed_in("max")
    assert "“121” is on no record here." in client.get(f"/segments/{due.pk}/").content.decode()
    page = client.get(f"/segments/{nested.pk}/").content.decode()
    assert "“121” is on no record here (segment “No shingles shot”)." in page
    shot = contacts.NewEvent(dana, "immunization", date(2026, 10, 1), "shot", code="CVX 121", groups=("code:CVX:121",))
    contacts.events_record(actor=CLI, events=[shot])
    for number in (due.pk, nested.pk):
        assert "is on no record here" not in client.get(f"/segments/{number}/").content.decode()


def test_a_change_of_the_rows_comes_back_with_focus(signed_in) -> None:
    client = signed_in("max")
    text = client.post("/segments/rows/", FORM | {"do": "group:n"}).content.decode()
    assert 'name="n1-0.what"' in text
    assert text.count("data-focus-now") == 1
    back = client.post("/segments/rows/", {"restore": '{"match":"all","rules":[]}'}).content.decode()
    assert "Everybody." in back


def test_terms_are_found_by_word_or_code(signed_in) -> None:
    Vocabulary.objects.create(system="CVX", code="140", term="Influenza, seasonal")
    Vocabulary.objects.create(system="SNOMED", code="1", term="Influenza")
    client, picker = signed_in("max"), {"system": "CVX", "list": "n0-terms"}
    for typed in ("influ", "140", "season influ", "Influenza, seasonal (CVX 140)"):
        found = client.post("/segments/terms/", {**picker, "n0.code": typed}).content.decode()
        assert "Influenza, seasonal (CVX 140)" in found
        assert "SNOMED" not in found
    nothing = client.post("/segments/terms/", {**picker, "n0.code": "tetanus"})
    assert b"option" not in nothing.content


def test_a_picker_searches_what_was_typed_in_its_own_row(signed_in) -> None:
    """The browser sends the whole rule: the code of another event condition comes first in it."""
    Vocabulary.objects.create(system="CVX", code="140", term="Influenza, seasonal")
    Vocabulary.objects.create(system="CVX", code="113", term="Tetanus")
    rule = {"n0.code": "influenza", "n1-0.code": "tetanus", "n1-1.code": "nothing of it"}
    client = signed_in("max")
    for box, term in (("n0-terms", "Influenza"), ("n1-0-terms", "Tetanus")):
        found = client.post("/segments/terms/", {**rule, "system": "CVX", "list": box}).content.decode()
        assert term in found
        assert found.count("<li") == 1
        assert f'id="{box}-0"' in found
    assert client.post("/segments/terms/", {**rule, "system": "CVX"}).status_code == 404


def test_why_a_person_is_in_opens_the_record_and_says_so(signed_in, women: Segment, dana: int) -> None:
    client = signed_in("max")
    text = client.post(f"/segments/{women.pk}/why/{dana}/").content.decode()
    assert "In the segment" in text
    assert "Sex is female" in text
    entry = AuditEntry.objects.get(action="segment.explain")
    assert entry.people_count == 1
    assert client.get(f"/segments/{women.pk}/why/{dana}/").status_code == 405
    assert client.post(f"/segments/{women.pk}/why/{dana + 1}/").status_code == 404


def test_count_duplicate_and_delete_answer_on_a_page(signed_in, women: Segment, dana: int) -> None:
    client = signed_in("max")
    page = client.post(f"/segments/{women.pk}/count/", follow=True)
    assert b"1 people" in page.content or b"1 person" in page.content
    client.post(f"/segments/{women.pk}/duplicate/")
    assert Segment.objects.count() == 2
    services.segment_save(actor=CLI, name="Looks", rule={"match": "all", "rules": [{"segment": "Women", "op": "in"}]})
    kept = client.post(f"/segments/{women.pk}/delete/", follow=True)
    assert b"used in one place" in kept.content
    assert b"Looks" in kept.content
    services.segment_delete(actor=CLI, segment_id=selectors.by_name("Looks").id)
    client.post(f"/segments/{women.pk}/delete/")
    assert not Segment.objects.filter(pk=women.pk).exists()
    assert client.get(f"/segments/{women.pk}/").status_code == 404


def test_somali_is_asked_for_in_the_form_and_counted(signed_in, dana: int) -> None:
    spoken = {"Ayan": "so", "Bao": "hmn", "Cid": "es"}
    for name, language in spoken.items():
        contacts.contact_create(actor=CLI, profile={"first_name": name, "last_name": "Ames", "language": language})
    form = {**FORM, "n0.what": "field:language", "n0.value": "so", "name": "Somali"}
    client = signed_in("max")
    assert client.post("/segments/new/", form).status_code == 302
    segment = Segment.objects.get()
    assert services.segment_count(actor=CLI, segment_id=segment.pk).count == 1
    assert '<option value="so" selected>Somali' in client.get(f"/segments/{segment.pk}/edit/").content.decode()
    assert "Language is Somali" in client.get(f"/segments/{segment.pk}/").content.decode()
