"""Tags in the contact list, and tagging many people at once."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.models import PersonTag, TagJob
from apps.contacts.person import searching
from apps.contacts.tags import bulk_services, definitions
from apps.contacts.tags.bulk_services import tag_job_cancel, tag_job_create, tag_job_resume
from apps.core import actors
from apps.core.levels import Level
from apps.segments.services import segment_save
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
State = TagJob.State


def people(count: int, name: str = "Rosa", **facts: object) -> list[int]:
    profiles = [{"first_name": name, "last_name": f"Vega{number}", **facts} for number in range(count)]
    return [record.id for record in services.contacts_create(actor=CLI, profiles=profiles)]


def tag(name: str = "Recall", level: Level = Level.HEALTH) -> int:
    return services.tag_create(actor=CLI, name=name, level=level).id


def having(tag_id: int) -> list[int]:
    return sorted(PersonTag.objects.filter(tag_id=tag_id).values_list("person_id", flat=True))


def segment(name: str, *rules: dict) -> int:
    return segment_save(actor=CLI, name=name, rule={"match": "all", "rules": list(rules)}).pk


def test_the_list_is_searched_by_a_tag_and_a_name_page_by_page(signed_in, noon) -> None:
    recall, nora = tag(), signed_in("nora")
    rosas, bo = people(60), people(1, "Bo")[0]
    services.tags_give(actor=CLI, pairs=[(person, recall) for person in [*rosas[:55], bo]])
    found = searching.people(text="Rosa", filters={"tag": str(recall)})
    assert sorted(found.values_list("pk", flat=True)) == rosas[:55]
    assert not searching.people(filters={"tag": "nothing"}).exists()
    page = nora.post("/contacts/", {"q": "Rosa", "tag": recall})
    assert "55 people match" in page.content.decode()
    assert f'<option value="{recall}" selected>Recall</option>' in page.content.decode()
    assert [len(page.context["rows"]), page.context["rows"][0]["id"]] == [50, rosas[54]]
    more = nora.post("/contacts/", {"q": "Rosa", "tag": recall, "after": page.context["page"].next})
    assert [row["id"] for row in more.context["rows"]] == rosas[4::-1]


def test_a_list_found_by_a_tag_costs_as_many_questions_for_fifty_as_for_one(signed_in, noon) -> None:
    recall, nora = tag(), signed_in("nora")

    def questions(count: int) -> int:
        services.tags_give(actor=CLI, pairs=[(person, recall) for person in people(count)])
        nora.post("/contacts/", {"tag": recall})
        with CaptureQueriesContext(connection) as asked:
            assert nora.post("/contacts/", {"tag": recall}).status_code == 200
        return len(asked)

    assert questions(1) == questions(49)


def test_a_protected_tag_is_no_filter_for_whoever_only_looks(signed_in, noon) -> None:
    people(1)
    secret = tag("Methadone program", Level.PROTECTED)
    assert "Methadone" not in signed_in("otto").get("/contacts/").content.decode()
    assert "Methadone" in signed_in("max").get("/contacts/").content.decode()
    page = signed_in("otto").post("/contacts/", {"tag": secret})
    assert "1 person matches" not in page.content.decode()


def test_everybody_of_a_search_is_tagged_and_untagged_in_chunks(monkeypatch, noon) -> None:
    monkeypatch.setattr(bulk_services, "CHUNK", 2)
    recall, rosas = tag(), people(5)
    people(1, "Bo")
    services.tags_give(actor=CLI, pairs=[(rosas[1], recall)])
    job = tag_job_create(actor=CLI, tag_id=recall, act="add", text="Rosa")
    assert bulk_services.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.changed) == (State.DONE, 5, 5, 4)
    assert having(recall) == rosas
    entries = AuditEntry.objects.filter(action="contact.tag", kind="job", subject=str(job.pk))
    assert sum(entry.people_count for entry in entries) == 4
    assert AuditEntry.objects.get(action="tag.apply").codes["tags"] == [recall]
    # Who is found by the tag itself does not move away under the job.
    back = tag_job_create(actor=CLI, tag_id=recall, act="remove", filters={"tag": str(recall)})
    bulk_services.work(back.pk)
    back.refresh_from_db()
    assert (back.state, back.changed, having(recall)) == (State.DONE, 5, [])


def test_it_is_canceled_and_goes_on_behind_the_people_that_are_done(monkeypatch, noon) -> None:
    monkeypatch.setattr(bulk_services, "CHUNK", 2)
    recall, rosas = tag(), people(5)
    job = tag_job_create(actor=CLI, tag_id=recall, act="add")
    tag_job_cancel(actor=CLI, job_id=job.pk)
    assert not bulk_services.work(job.pk)
    with refused("tag.job_finished"):
        tag_job_cancel(actor=CLI, job_id=job.pk)
    tag_job_resume(actor=CLI, job_id=job.pk)
    # A stop while a worker has it counts from the next chunk on; what is done stays done.
    chunk = bulk_services._chunk

    def canceled_behind_the_first(*given):
        more = chunk(*given)
        if TagJob.objects.get(pk=job.pk).done == 2:
            tag_job_cancel(actor=CLI, job_id=job.pk)
        return more

    with monkeypatch.context() as patch:
        patch.setattr(bulk_services, "_chunk", canceled_behind_the_first)
        bulk_services.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, having(recall)) == (State.CANCELLED, 2, rosas[:2])
    tag_job_resume(actor=CLI, job_id=job.pk)
    with refused("tag.job_not_stopped"):
        tag_job_resume(actor=CLI, job_id=job.pk)
    assert job.pk in bulk_services.due(noon)
    bulk_services.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, having(recall)) == (State.DONE, 5, rosas)


def test_a_segment_gives_a_tag_that_is_protected_as_much(noon) -> None:
    secret, recall = tag("Methadone", Level.PROTECTED), tag()
    town = tag("Town", Level.IDENTIFIER)
    rosas = people(3, address={"city": "Lexington"})
    services.tags_give(actor=CLI, pairs=[(rosas[0], secret), (rosas[2], secret)])
    inside = segment("Program", {"tag": "Methadone", "op": "has"})
    with refused("tag.level_too_low"):
        tag_job_create(actor=CLI, tag_id=recall, act="add", source="segment", source_id=inside)
    # Laundering by a search is refused alike, also for people who were marked in what it found.
    with refused("tag.level_too_low"):
        tag_job_create(actor=CLI, tag_id=recall, act="add", filters={"tag": str(secret)})
    with refused("tag.level_too_low"):
        tag_job_create(
            actor=CLI, tag_id=recall, act="add", source="chosen", people=rosas[:1], filters={"tag": str(secret)}
        )
    with refused("tag.level_too_low"):
        tag_job_create(actor=CLI, tag_id=town, act="add", filters={"relation": "patient"})
    lexington = segment("Lexington", {"field": "city", "op": "is", "value": "Lexington"})
    job = tag_job_create(actor=CLI, tag_id=town, act="add", source="segment", source_id=lexington)
    bulk_services.work(job.pk)
    assert having(town) == rosas
    again = tag_job_create(
        actor=CLI, tag_id=tag("Program 2", Level.PROTECTED), act="add", source="segment", source_id=inside
    )
    services.tag_delete(actor=CLI, tag_id=again.tag_id)
    bulk_services.work(again.pk)
    again.refresh_from_db()
    assert (again.state, again.opened()["problem"]) == (
        State.FAILED,
        "One of these tags is no longer there. Choose another.",
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"act": "burn"}, "tag.act_unknown"),
        ({"source": "chosen"}, "tag.nobody_chosen"),
        ({"source": "segment", "source_id": 987_654}, "segment.unknown"),
        ({"source": "moon"}, "export.kind_unknown"),
        ({"tag_id": 987_654}, "tag.unknown"),
    ],
)
def test_what_cannot_be_asked_for(given, code, noon) -> None:
    with refused(code):
        tag_job_create(actor=CLI, **{"tag_id": tag(), "act": "add", **given})


# The pages


def test_a_marketer_tags_who_was_found_and_who_was_chosen(signed_in, noon) -> None:
    rosas, max_ = people(4), signed_in("max")
    page = max_.post("/contacts/tags/apply/", {"q": "Rosa"}).content.decode()
    assert "the 4 people your search found" in page
    assert max_.post("/contacts/tags/apply/", {"q": "Rosa", "asked": "1", "named": " "}).status_code == 422
    sent = max_.post("/contacts/tags/apply/", {"q": "Rosa", "asked": "1", "act": "add", "named": "Open day"})
    job = TagJob.objects.get()
    assert sent["Location"] == f"/contacts/tags/jobs/{job.pk}/"
    assert 'hx-get="' in max_.get(sent["Location"]).content.decode()
    bulk_services.work(job.pk)
    assert "4 people have the tag" in " ".join(max_.get(sent["Location"]).content.decode().split())
    assert max_.get(f"{sent['Location']}progress/").status_code == 204
    chosen = {"q": "", "choosing": "1", "chosen": rosas[:2]}
    assert "the 2 people you chose" in max_.post("/contacts/tags/apply/", chosen).content.decode()
    sent = max_.post("/contacts/tags/apply/", {**chosen, "asked": "1", "act": "remove", "named": "open day"})
    bulk_services.work(TagJob.objects.latest("pk").pk)
    assert having(definitions.ids_of(["Open day"])["Open day"]) == rosas[2:]


def test_never_everybody_instead(signed_in, noon) -> None:
    """What is written strangely, a tag that went, nobody chosen: none of these is a job for all contacts."""
    people(2)
    recall, max_ = tag(), signed_in("max")
    asked = {"asked": "1", "act": "add", "named": "Recall"}
    for strange in ({"relation": "moon"}, {"tag": recall + 1}, {"tag": "x"}):
        assert max_.post("/contacts/tags/apply/", {**asked, **strange}).status_code == 404
    assert max_.post("/contacts/tags/apply/", {**asked, "choosing": "1"}).status_code == 422
    assert max_.post("/contacts/tags/apply/", {**asked, "segment": "x"}).status_code == 404
    assert max_.get("/contacts/tags/apply/").status_code == 404
    services.tag_delete(actor=CLI, tag_id=recall)
    assert max_.post("/contacts/tags/apply/", {**asked, "tag": recall}).status_code == 404
    assert not TagJob.objects.exists()


def test_who_may_tag_many(signed_in, noon) -> None:
    people(1)
    tag()
    inside = segment("All", {"field": "email", "op": "missing"})
    nora, otto = signed_in("nora"), signed_in("otto")
    assert "in the segment “All”" in signed_in("max").get(f"/contacts/tags/apply/?segment={inside}").content.decode()
    assert nora.get(f"/contacts/tags/apply/?segment={inside}").status_code == 403, "she sees no segments"
    assert nora.post("/contacts/tags/apply/", {"asked": "1", "act": "add", "named": "New"}).status_code == 422
    assert nora.post("/contacts/tags/apply/", {"asked": "1", "act": "add", "named": "Recall"}).status_code == 302
    job = TagJob.objects.get()
    for path in (f"/contacts/tags/jobs/{job.pk}/", f"/contacts/tags/jobs/{job.pk}/progress/"):
        assert otto.get(path).status_code == 403
        assert nora.get(path).status_code == 200
    assert otto.post("/contacts/tags/apply/", {"asked": "1"}).status_code == 403
    assert otto.post(f"/contacts/tags/jobs/{job.pk}/cancel/").status_code == 403
    assert nora.post("/contacts/tags/jobs/987654/cancel/").status_code == 404
    assert nora.post(f"/contacts/tags/jobs/{job.pk}/burn/").status_code == 404
    nora.post(f"/contacts/tags/jobs/{job.pk}/cancel/")
    assert "Go on" in nora.get(f"/contacts/tags/jobs/{job.pk}/").content.decode()
    nora.post(f"/contacts/tags/jobs/{job.pk}/resume/")
    bulk_services.work(job.pk)
    assert "1 person has the tag" in " ".join(nora.get(f"/contacts/tags/jobs/{job.pk}/").content.decode().split())
