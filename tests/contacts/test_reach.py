"""Several addresses and telephones of one person: found by any, written to at the primary one."""

from __future__ import annotations

from datetime import date

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.exports import columns
from apps.contacts.models import PersonIdentity
from apps.contacts.person import reach, searching, selectors
from apps.contacts.person.fields import FIELDS
from apps.contacts.person.reach import Way
from apps.core import actors
from apps.imports import column_mapping, diff
from apps.imports.readers import people
from apps.imports.readers.tables import opener_of, recognize
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


@pytest.fixture
def rosa(noon) -> int:
    return services.contact_create(
        actor=CLI,
        profile={
            "first_name": "Rosa",
            "last_name": "Vega",
            "email": "rosa@goodmail.test",
            "phone": "502-555-0117",
            "other_emails": {"rosa@work.test": "2026-01-05", "vega@old.test": ""},
            "other_phones": {"502-555-0199": ""},
        },
    ).id


def profile_of(person: int) -> dict:
    found = selectors.open_person(actor=CLI, purpose="scene", person_id=person)
    assert found is not None
    return found.profile


@pytest.mark.parametrize("typed", ["rosa@goodmail.test", "ROSA@work.test", "vega@old.test", "(502) 555-0199"])
def test_any_of_them_finds_the_person(rosa, typed) -> None:
    assert list(searching.people(text=typed).values_list("pk", flat=True)) == [rosa]


def test_a_dead_mailbox_ends_itself_and_no_other(rosa) -> None:
    services.suppress(actor=CLI, address="vega@old.test", scope="all", reason="hard_bounce", source="scene")
    assert selectors.open_person(actor=CLI, purpose="scene", person_id=rosa).suppressions == frozenset()
    services.suppress(actor=CLI, address="rosa@goodmail.test", scope="all", reason="hard_bounce", source="scene")
    assert selectors.open_person(actor=CLI, purpose="scene", person_id=rosa).suppressions == {"all"}
    services.reach_change(actor=CLI, person_id=rosa, kind="email", place=1, act="primary", version=1)
    found = selectors.open_person(actor=CLI, purpose="scene", person_id=rosa)
    assert (found.email, found.suppressions) == ("rosa@work.test", frozenset())


def test_another_becomes_the_primary_one_with_its_mark(rosa) -> None:
    services.reach_change(actor=CLI, person_id=rosa, kind="email", place=0, act="verify", version=1)
    assert reach.ways(profile_of(rosa), "email")[0] == Way("rosa@goodmail.test", primary=True, verified="2026-11-20")
    services.reach_change(actor=CLI, person_id=rosa, kind="email", place=1, act="primary", version=2)
    assert reach.ways(profile_of(rosa), "email") == [
        Way("rosa@work.test", primary=True, verified="2026-01-05"),
        Way("rosa@goodmail.test", primary=False, verified="2026-11-20"),
        Way("vega@old.test", primary=False),
    ]
    kinds = PersonIdentity.objects.filter(person=rosa).values_list("kind", flat=True)
    assert sorted(kinds) == [1, 2, 5, 5, 6]
    services.reach_change(actor=CLI, person_id=rosa, kind="email", place=2, act="remove", version=3)
    assert not searching.people(text="vega@old.test").exists()
    assert AuditEntry.objects.filter(action="contact.change").count() == 3
    with refused("person.changed"):
        services.reach_change(actor=CLI, person_id=rosa, kind="email", place=1, act="remove", version=2)
    with refused("person.changed"):
        services.reach_change(actor=CLI, person_id=rosa, kind="email", place=7, act="remove", version=4)


def test_another_address_is_not_verified_by_the_mark_of_the_old_one(rosa) -> None:
    services.reach_change(actor=CLI, person_id=rosa, kind="email", place=0, act="verify", version=1)
    changed = {**profile_of(rosa), "email": "new@goodmail.test"}
    services.contact_update(actor=CLI, person_id=rosa, profile=changed, version=2)
    assert reach.ways(profile_of(rosa), "email")[0].verified == ""


def test_no_more_than_a_page_can_show() -> None:
    with refused("person.reach_count"):
        reach.put({}, "email", [Way(f"p{number}@goodmail.test", primary=False) for number in range(reach.MOST + 2)])


def rows(text: str) -> tuple[list, column_mapping.ColumnMapping]:
    table = recognize(opener_of(text.encode()), "list.csv")
    sample = [line.split(",") for line in text.splitlines()[1:]]
    mapping = column_mapping.parse(column_mapping.suggest(column_mapping.guess(table.headers, sample), sample))
    return list(people.read(table, mapping, today=date(2026, 11, 22))), mapping


def test_a_list_with_several_columns_loses_none_of_them() -> None:
    text = (
        "MRN,Last name,Home Phone,Mobile,Email,Work Email\n"
        "1,Vega,502-555-0117,502-555-0199,rosa@goodmail.test,rosa@work.test\n"
        "2,Poe,,502-555-0200,,poe@work.test\n"
        "3,Roe,502-555-0300,(502) 555-0300,roe@goodmail.test,Roe@goodmail.test\n"
    )
    (first, second, third), _ = rows(text)
    assert (first.profile["phone"], first.profile["other_phones"]) == ("502-555-0199", {"502-555-0117": ""})
    assert (first.profile["email"], first.profile["other_emails"]) == ("rosa@goodmail.test", {"rosa@work.test": ""})
    assert (second.profile["phone"], second.profile["email"]) == ("502-555-0200", "poe@work.test")
    assert "other_phones" not in second.profile
    assert "other_emails" not in third.profile
    assert "other_phones" not in third.profile


def test_what_was_exported_is_read_back(rosa) -> None:
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=rosa)
    names = ["last_name", "email", "other_emails", "phone", "other_phones"]
    assert {"other_emails", "other_phones"} <= {name for _, group in columns.columns(FIELDS) for name, _ in group}
    by_label = {label: name for _, group in columns.columns(FIELDS) for name, label in group}
    line = ",".join(columns.cell(record, name, FIELDS) for name in names)
    labels = [label for _, group in columns.columns(FIELDS) for name, label in group if name in names]
    header = ",".join(sorted(labels, key=lambda label: names.index(by_label[label])))
    [row], _ = rows(header + "\n" + line + "\n")
    assert row.profile["other_emails"] == {"rosa@work.test": "", "vega@old.test": ""}
    assert row.profile["other_phones"] == {"502-555-0199": ""}


def test_a_second_import_adds_and_keeps_the_marks() -> None:
    current = {"email": "a@x.test", "other_emails": {"b@x.test": "2026-01-05"}}
    merged, changed = diff.merge_profile(
        current, {"email": "a@x.test", "other_emails": {"b@x.test": "", "c@x.test": ""}}
    )
    assert merged["other_emails"] == {"b@x.test": "2026-01-05", "c@x.test": ""}
    assert changed == ("other_emails",), "a changed field's name holds no address"
    again, changed = diff.merge_profile(merged, {"other_emails": {"c@x.test": ""}})
    assert (again, changed) == (merged, ())


def test_care_staff_choose_the_primary_one_and_marketers_do_not(signed_in, rosa) -> None:
    nora, url = signed_in("nora"), f"/contacts/{rosa}/"
    page = nora.get(url).content.decode()
    assert "Addresses and telephones" in page
    assert "rosa@work.test" not in page
    assert "Verified Jan 5, 2026" in page
    act = {"kind": "email", "place": "1", "act": "primary", "version": "1"}
    assert nora.post(f"{url}reach/", act).status_code == 302
    assert profile_of(rosa)["email"] == "rosa@work.test"
    stale = nora.post(f"{url}reach/", act, follow=True).content.decode()
    assert "Somebody else changed this person" in stale
    shown = nora.post(f"{url}reveal/other_emails/", {"reason": "Talking with the person"}).content.decode()
    assert "rosa@goodmail.test, vega@old.test" in shown
    assert signed_in("max").post(f"{url}reach/", {**act, "version": "2"}).status_code == 403
    assert signed_in("otto").post(f"{url}reach/", act).status_code == 403
    assert nora.post("/contacts/987654/reach/", act).status_code == 404
    assert nora.post(f"{url}reach/", {**act, "kind": "mrn"}).status_code == 404


def test_the_form_keeps_what_a_marketer_does_not_see(signed_in, rosa) -> None:
    facts = {"first_name": "Rosa", "last_name": "Vega", "relation": "patient", "version": "1"}
    page = signed_in("max").get(f"/contacts/{rosa}/edit/").content.decode()
    assert "vega@old.test" not in page
    assert "2 on record, which stay" in page
    sent = {**facts, "other_emails": "more@goodmail.test\n", "other_phones": ""}
    assert signed_in("max").post(f"/contacts/{rosa}/edit/", sent).status_code == 302
    assert list(profile_of(rosa)["other_emails"]) == ["rosa@work.test", "vega@old.test", "more@goodmail.test"]
    # Whoever sees them may also take one away; the mark of the one that stays is kept.
    seen = {**facts, "version": "2", "email": "rosa@goodmail.test", "other_emails": "rosa@work.test"}
    assert signed_in("nora").post(f"/contacts/{rosa}/edit/", seen).status_code == 302
    assert profile_of(rosa)["other_emails"] == {"rosa@work.test": "2026-01-05"}
    wrong = signed_in("nora").post(f"/contacts/{rosa}/edit/", {**seen, "version": "3", "other_emails": "no address"})
    assert wrong.status_code == 422
