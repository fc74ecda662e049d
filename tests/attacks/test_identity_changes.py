"""A marketer who may not see identity facts tries to replace them, and so to read a patient's messages."""

from __future__ import annotations

import io
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.changes import identity_facts
from apps.contacts.changes.pending import set_aside
from apps.contacts.models import MovedMailbox, PendingChange
from apps.contacts.person import search_values, selectors
from apps.core import actors
from apps.delivery.models import OutboxMessage
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes
from apps.imports.services.guardians import guardians_link
from apps.portal import selectors as portal
from apps.portal import services as portal_services
from apps.portal.models import PortalAccount
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
TRUE = {
    "first_name": "Dana",
    "last_name": "Quist",
    "birth_date": "1960-02-29",
    "email": "dana@goodmail.test",
    "phone": "(502) 555-0117",
    "mrn": "MRN-77",
    "relation": "patient",
}
FORGED = (
    b"mrn,first_name,last_name,email,birth_date,phone,city\n"
    b"MRN-77,Dana,Quist,max@elsewhere.test,1990-01-01,(502) 555-9999,Lexington\n"
    b"MRN-78,New,Person,new@goodmail.test,1971-05-06,,Paris\n"
)
COLUMNS = ("mrn", "first_name", "last_name", "email", "birth_date", "phone", "city")
MAPPING = {"match_on": "mrn", "columns": {name: name for name in COLUMNS}, "date_format": "%Y-%m-%d"}


@pytest.fixture
def dana(noon: Any) -> Any:
    person = contacts.contact_create(actor=CLI, profile=TRUE)
    PortalAccount.objects.create(person_id=person.id, mailbox=search_values.mailbox(TRUE["email"]))
    return person


def bring_in(actor: Any, text: bytes = FORGED) -> dict[str, Any]:
    """The list through both passes, as the pages do it; figures of the dry run and of the import."""
    upload = jobs.Upload("people.csv", io.BytesIO(text))
    job = jobs.import_create(actor=actor, kind="list", uploads=[upload], document=MAPPING)
    jobs.import_check(actor=actor, job_id=job.pk)
    assert passes.work(job.pk)
    job.refresh_from_db()
    dry = {**jobs.counts(job), "held": job.opened().get("held", 0)}
    jobs.import_start(actor=actor, job_id=job.pk)
    assert passes.work(job.pk)
    job.refresh_from_db()
    assert job.state == ImportJob.State.DONE, job.opened()
    return {"dry": dry, "done": {**jobs.counts(job), "held": job.opened().get("held", 0)}, "job": job}


def opened(person: Any) -> Any:
    found = selectors.open_person(actor=CLI, purpose="test", person_id=person.id)
    assert found is not None
    return found


def profile_of(person: Any) -> dict[str, Any]:
    profile: dict[str, Any] = opened(person).profile
    return profile


def staff(user: Any) -> Any:
    return actors.staff(user.pk, user.role)


def test_a_marketers_list_does_not_replace_a_patients_mailbox_or_birth_date(dana: Any, cast: Any) -> None:
    figures = bring_in(staff(cast.max))
    assert figures["dry"]["held"] == figures["done"]["held"] == 1
    assert figures["done"]["new"] == 1
    assert figures["done"]["changed"] == 1
    now = profile_of(dana)
    assert {name: now[name] for name in TRUE} == TRUE
    assert now["address"]["city"] == "Lexington"
    assert not portal.accounts_of_mailbox(search_values.mailbox("max@elsewhere.test"))
    entry = AuditEntry.objects.get(action="contact.hold")
    assert sorted(entry.fields) == ["birth_date", "email", "phone"]
    assert entry.people_count == 1


@pytest.fixture
def rosa(noon: Any) -> Any:
    """A child: her mother's mailbox gets her mail, and she has none of her own."""
    mother = contacts.contact_create(actor=CLI, profile={**TRUE, "first_name": "Ines", "mrn": "MRN-80"})
    profile = {"first_name": "Rosa", "last_name": "Quist", "mrn": "MRN-81", "birth_date": "2020-03-04"}
    child = contacts.contact_create(actor=CLI, profile={**profile, "guardian_id": mother.id})
    PortalAccount.objects.create(
        person_id=child.id, guardian_id=mother.id, mailbox=search_values.mailbox(TRUE["email"])
    )
    return child


MINE = "max@elsewhere.test"


def by_list(cast: Any, signed_in: Any, person: Any) -> None:
    bring_in(
        staff(cast.max),
        f"mrn,first_name,last_name,email,birth_date,phone,city\nMRN-81,Rosa,Quist,{MINE},,,Paris\n".encode(),
    )


def by_form(cast: Any, signed_in: Any, person: Any) -> None:
    form = {"first_name": "Rosa", "last_name": "Quist", "relation": "patient", "city": "Paris", "email": MINE}
    answer = signed_in("max").post(f"/contacts/{person.id}/edit/", {**form, "version": "1"}, follow=True)
    assert "Your change of e-mail waits" in answer.content.decode()


@pytest.mark.parametrize("way", [by_list, by_form])
def test_filling_in_a_mailbox_opens_nobodys_messages(rosa: Any, cast: Any, signed_in: Any, way: Any) -> None:
    """Nothing is replaced: Max gives Rosa a mailbox of his, asks the portal for a link, and knows her birthday."""
    way(cast, signed_in, rosa)
    now = profile_of(rosa)
    assert "email" not in now
    assert now["address"]["city"] == "Paris"
    assert not portal.accounts_of_mailbox(search_values.mailbox(MINE))
    contacts.changes_decide(actor=staff(cast.nora), ids=[PendingChange.objects.get().pk], confirm=True)
    assert profile_of(rosa)["email"] == MINE


def test_nor_does_filling_in_a_guardian(rosa: Any, cast: Any) -> None:
    profile = {name: value for name, value in profile_of(rosa).items() if name != "guardian_id"}
    contacts.contacts_change(actor=CLI, profiles={rosa.id: profile})
    mine = contacts.contact_create(
        actor=staff(cast.max), profile={"first_name": "Max", "last_name": "Q", "mrn": "MRN-1"}
    )
    done = guardians_link(
        actor=staff(cast.max), pairs=[("MRN-81", "MRN-1")], match_on="mrn", source="file", subject=None
    )
    assert (done, profile_of(rosa).get("guardian_id")) == ((0, 1), None)
    now, waiting = set_aside(actor=staff(cast.max), person=opened(rosa), profile={**profile, "guardian_id": mine.id})
    assert (now, waiting) == (profile, ["guardian_id"])


def test_filling_in_waits_for_nobody_where_nothing_is_behind_it(cast: Any, signed_in: Any, noon: Any) -> None:
    person = contacts.contact_create(actor=CLI, profile={"first_name": "Rosa", "last_name": "Quist", "mrn": "MRN-81"})
    by_list(cast, signed_in, person)
    assert profile_of(person)["email"] == MINE
    assert not PendingChange.objects.exists()


def test_the_same_list_again_changes_nothing_and_asks_nothing(dana: Any, cast: Any) -> None:
    bring_in(staff(cast.max))
    again = bring_in(staff(cast.max))
    assert again["dry"] == again["done"] == {
        "read": 2, "new": 0, "changed": 0, "unchanged": 2, "rejected": 0, "held": 0,
    }  # fmt: skip
    assert PendingChange.objects.count() == 1
    contacts.changes_decide(actor=staff(cast.nora), ids=[PendingChange.objects.get().pk], confirm=False)
    assert bring_in(staff(cast.max))["done"]["held"] == 0, "what was declined is not asked again"
    assert profile_of(dana)["email"] == TRUE["email"]


def test_an_administrators_list_is_taken_as_it_is(dana: Any, cast: Any) -> None:
    figures = bring_in(staff(cast.ada))
    assert figures["done"]["held"] == 0
    assert profile_of(dana)["email"] == "max@elsewhere.test"


def test_the_person_form_lets_a_marketer_ask_only(dana: Any, cast: Any, signed_in: Any) -> None:
    form = {"first_name": "Dana", "last_name": "Quist", "relation": "patient", "city": "Louisville"}
    form.update(email="max@elsewhere.test", phone="502 555 9999", mrn="", version="1")
    answer = signed_in("max").post(f"/contacts/{dana.id}/edit/", form, follow=True)
    assert "waits until care staff or an administrator confirm" in answer.content.decode()
    now = profile_of(dana)
    assert (now["email"], now["phone"], now["address"]["city"]) == (TRUE["email"], TRUE["phone"], "Louisville")


def test_a_nurse_compares_and_confirms_and_the_old_mailbox_is_told(dana: Any, cast: Any, signed_in: Any) -> None:
    bring_in(staff(cast.max))
    change = PendingChange.objects.get()
    nurse = signed_in("nora")
    assert "Confirm changed contact details of 1 person" in nurse.get("/").content.decode()
    page = nurse.get("/contacts/changes/").content.decode()
    assert "dana@goodmail.test" in page
    assert "max@elsewhere.test" in page
    assert "Max" in page
    nurse.post("/contacts/changes/decide/", {"act": "confirm", "chosen": [f"{change.pk}.{change.version}"]})
    assert profile_of(dana)["email"] == "max@elsewhere.test"
    assert portal_services.moved_mailboxes_tell() == 1
    message = OutboxMessage.objects.get()
    assert message.kind == "account"
    assert message.person_id == dana.id
    assert MovedMailbox.objects.get().sealed is None
    assert portal_services.moved_mailboxes_tell() == 0


@pytest.mark.parametrize("who", ["max", "rita", "otto"])
def test_nobody_else_sees_or_decides_what_waits(dana: Any, cast: Any, signed_in: Any, who: str) -> None:
    bring_in(staff(cast.max))
    change = PendingChange.objects.get()
    client = signed_in(who)
    assert client.get("/contacts/changes/").status_code == 403
    assert (
        client.post(
            "/contacts/changes/decide/", {"act": "confirm", "chosen": [f"{change.pk}.{change.version}"]}
        ).status_code
        == 403
    )
    with refused("pending_change.not_allowed"):
        contacts.changes_decide(actor=staff(getattr(cast, who)), ids=[change.pk], confirm=True)
    assert profile_of(dana)["email"] == TRUE["email"]


def test_a_change_that_takes_a_record_number_of_somebody_else_is_refused(dana: Any, cast: Any) -> None:
    other = contacts.contact_create(actor=CLI, profile={"first_name": "Ed", "last_name": "Roe", "mrn": "MRN-99"})
    wanted = {**profile_of(dana), "mrn": "MRN-99"}
    waits = contacts.contact_update(actor=staff(cast.max), person_id=dana.id, profile=wanted, version=1)
    assert waits == ["mrn"]
    with refused("person.number_taken"):
        contacts.changes_decide(actor=staff(cast.nora), ids=[PendingChange.objects.get().pk], confirm=True)
    assert PendingChange.objects.get().state == "open"
    assert profile_of(other)["mrn"] == "MRN-99"


def test_a_childs_guardian_is_not_replaced_by_a_marketer(noon: Any, cast: Any) -> None:
    mother, _thief, child = (
        contacts.contact_create(actor=CLI, profile={"first_name": name, "last_name": "Roe", **more})
        for name, more in (
            ("Mother", {"mrn": "M-1"}),
            ("Thief", {"mrn": "M-2", "email": "thief@elsewhere.test"}),
            ("Child", {"mrn": "M-3", "birth_date": "2020-01-01"}),
        )
    )
    contacts.contact_update(
        actor=CLI, person_id=child.id, profile={**profile_of(child), "guardian_id": mother.id}, version=1
    )
    document = {"match_on": "mrn", "columns": {"id": "mrn", "name": "first_name", "parent": "guardian"}}
    upload = jobs.Upload("children.csv", io.BytesIO(b"id,name,parent\nM-3,Child,M-2\n"))
    job = jobs.import_create(actor=staff(cast.max), kind="list", uploads=[upload], document=document)
    jobs.import_check(actor=staff(cast.max), job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=staff(cast.max), job_id=job.pk)
    passes.work(job.pk)
    assert profile_of(child)["guardian_id"] == mother.id
    assert PendingChange.objects.get().person_id == child.id


def test_what_waits_is_erased_with_the_person(dana: Any, cast: Any) -> None:
    bring_in(staff(cast.max))
    contacts.contact_erase(actor=CLI, person_id=dana.id, reason="asked for")
    assert not PendingChange.objects.exists()


def test_filling_in_what_nobody_knew_does_not_wait() -> None:
    now, waiting = identity_facts.split({"first_name": "Ed"}, {"first_name": "Ed", "email": "ed@goodmail.test"})
    assert (now["email"], waiting) == ("ed@goodmail.test", {})


def test_removing_a_fact_waits_too_so_that_two_steps_are_no_way_round() -> None:
    now, waiting = identity_facts.split({"birth_date": "1960-02-29"}, {})
    assert (now, waiting) == ({"birth_date": "1960-02-29"}, {"birth_date": None})


@pytest.mark.parametrize("profile", [{"relation": "patient"}, {}])
def test_a_patient_is_not_made_a_business_contact_whose_mail_travels_with_less_protection(
    noon: Any, cast: Any, profile: dict[str, str]
) -> None:
    person = contacts.contact_create(actor=CLI, profile={"first_name": "Dana", "last_name": "Quist", **profile})
    wanted = {**profile_of(person), "relation": "b2b"}
    waits = contacts.contact_update(actor=staff(cast.max), person_id=person.id, profile=wanted, version=1)
    assert waits == ["relation"]
    assert profile_of(person).get("relation") == profile.get("relation")
    contacts.changes_decide(actor=staff(cast.nora), ids=[PendingChange.objects.get().pk], confirm=True)
    assert profile_of(person)["relation"] == "b2b"


def test_becoming_a_patient_waits_for_nobody() -> None:
    now, waiting = identity_facts.split({"relation": "subscriber"}, {"relation": "patient"})
    assert (now, waiting) == ({"relation": "patient"}, {})
