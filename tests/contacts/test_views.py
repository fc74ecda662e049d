"""The pages of people: found by POST, masked, revealed with a reason, changed, erased; each look on the trail."""

from __future__ import annotations

import io
from datetime import UTC, date
from pathlib import Path

import pytest
from django.contrib.messages import get_messages

from apps.audit import marks
from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.models import Appointment, ConsentState, PendingChange, Person, Suppression
from apps.contacts.person import panels, selectors
from apps.core import actors
from tests.text import without_tokens

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
DATA = Path(__file__).resolve().parent.parent / "data"


@pytest.fixture
def dana(noon) -> int:
    return services.contact_create(
        actor=CLI,
        profile={
            "first_name": "Dana",
            "last_name": "Öberg-Quist",
            "birth_date": "1960-02-29",
            "email": "dana.quist@goodmail.test",
            "phone": "(502) 555-0117",
            "mrn": "MRN-77",
            "relation": "patient",
            "address": {"line": "12 Elm Street", "city": "Lexington"},
        },
    ).id


@pytest.fixture
def edgar(noon) -> int:
    return services.contact_create(
        actor=CLI, profile={"first_name": "Edgar", "last_name": "Vance", "relation": "b2b", "organization": "Lab"}
    ).id


def text_of(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize(
    "typed", ["dana", "da", "quist", "Oberg", "DANA.QUIST@goodmail.test", "mrn-77", "502-555-0117"]
)
def test_a_person_is_found_by_what_is_typed(signed_in, dana, edgar, typed) -> None:
    page = text_of(signed_in("nora").post("/contacts/", {"q": typed}))
    assert "Dana Öberg-Quist" in page
    assert "Edgar" not in without_tokens(page)


def test_half_a_name_finds_those_who_begin_alike_and_says_so(signed_in, dana, edgar, noon) -> None:
    services.contact_create(actor=CLI, profile={"first_name": "Rosalind", "last_name": "Bell"})
    services.contact_create(actor=CLI, profile={"first_name": "Rosa", "last_name": "Montes"})
    nora = signed_in("nora")
    half = text_of(nora.post("/contacts/", {"q": "Rosali be"}))
    assert "Rosalind Bell" in half
    assert "Rosa Montes" not in half
    assert "everybody whose name begins with “Rosa be”" in half
    whole = text_of(nora.post("/contacts/", {"q": "Rosalind"}))
    assert "Rosalind Bell" in whole
    assert "begins with" not in whole, "who has exactly that name is there: nothing is cut"
    # An address or a number is never cut: that would find somebody else.
    assert "Nobody matches" in text_of(nora.post("/contacts/", {"q": "dana.quist@goodmail.tes"}))
    assert "Nobody matches" in text_of(nora.post("/contacts/", {"q": "mrn-7777"}))


def test_a_list_masks_addresses_and_the_look_is_on_the_trail(signed_in, dana, edgar) -> None:
    page = text_of(signed_in("nora").get("/contacts/"))
    assert "dana.quist" not in page
    assert "d•••@•••.test" in page
    entry = AuditEntry.objects.filter(action="contact.list").latest("pk")
    assert entry.people_count == 2
    assert marks.person_token(dana) in entry.people


def test_an_auditor_sees_initials_only(signed_in, dana) -> None:
    client = signed_in("otto")
    for path in ("/contacts/", f"/contacts/{dana}/", f"/contacts/{dana}/timeline/"):
        assert "Dana" not in without_tokens(text_of(client.get(path)))


def test_the_head_of_the_list_says_how_many_there_are_and_how_many_match(signed_in, dana, edgar) -> None:
    client = signed_in("nora")
    assert "<span>2 people</span>" in text_of(client.get("/contacts/"))
    assert "<span>1 person matches</span>" in text_of(client.post("/contacts/", {"q": "edgar"}))
    assert "<span>0 people match</span>" in text_of(client.post("/contacts/", {"q": "nobody"}))


def test_nobody_matching_is_said_kindly(signed_in, dana) -> None:
    assert "Nobody matches" in text_of(signed_in("nora").post("/contacts/", {"q": "zzyzx"}))


@pytest.mark.parametrize(
    ("filters", "finds"),
    [
        ({"relation": "b2b"}, "Edgar"),
        ({"mail": "address"}, "Dana"),
        ({"mail": "no_address"}, "Edgar"),
        ({"mail": "suppressed"}, "Dana"),
        ({"consent": "marketing:granted"}, "Dana"),
        ({"consent": "marketing:none"}, "Edgar"),
    ],
)
def test_filters_narrow_the_list(signed_in, dana, edgar, filters, finds) -> None:
    services.consent_record(
        actor=CLI, person_id=dana, purpose="marketing", state="granted", on=date(2026, 1, 2),
        method="paper form",
    )  # fmt: skip
    services.suppress(actor=CLI, address="dana.quist@goodmail.test", scope="all", reason="staff")
    page = text_of(signed_in("nora").post("/contacts/", filters))
    assert finds in page
    assert ({"Dana", "Edgar"} - {finds}).pop() not in without_tokens(page)


def test_fifty_a_page_and_the_next_page_keeps_the_search(signed_in, noon) -> None:
    services.contacts_create(
        actor=CLI, profiles=[{"first_name": "Kim", "last_name": f"Number{n}", "relation": "patient"} for n in range(60)]
    )
    client = signed_in("nora")
    first = client.post("/contacts/", {"q": "kim"})
    assert "1–50 of 60" in text_of(first)
    second = client.post("/contacts/", {"q": "kim", "after": first.context["page"].next})
    assert "51–60 of 60" in text_of(second)


def test_the_person_page_shows_facts_flags_and_masks(signed_in, dana) -> None:
    services.suppress(actor=CLI, address="dana.quist@goodmail.test", scope="all", reason="hard_bounce")
    page = text_of(signed_in("nora").get(f"/contacts/{dana}/"))
    assert "Dana Öberg-Quist" in page
    assert "66 years" in page
    assert "Mailbox suppressed" in page
    for secret in ("dana.quist", "555-0117", "MRN-77", "1960", "12 Elm"):
        assert secret not in without_tokens(page)
    assert AuditEntry.objects.filter(action="contact.open", people__contains=[marks.person_token(dana)]).exists()


def test_who_unsubscribed_from_newsletters_still_has_a_mailbox(signed_in, dana) -> None:
    services.suppress(actor=CLI, address="dana.quist@goodmail.test", scope="commercial", reason="unsubscribed")
    page = text_of(signed_in("nora").get(f"/contacts/{dana}/"))
    assert "No optional mail" in page
    assert "Unsubscribed: all but treatment and account mail." in page
    assert "Mailbox suppressed" not in page


def test_revealing_asks_why_and_leaves_a_trace(signed_in, dana) -> None:
    client = signed_in("nora")
    asked = text_of(client.post(f"/contacts/{dana}/reveal/email/"))
    assert "dana.quist" not in asked
    assert "Talking with the person" in asked
    shown = text_of(client.post(f"/contacts/{dana}/reveal/email/", {"reason": "Talking with the person"}))
    assert "dana.quist@goodmail.test" in shown
    entry = AuditEntry.objects.filter(action="contact.reveal").latest("pk")
    assert entry.fields == ["email"]
    assert marks.open_text(entry.reason) == "Talking with the person"


def test_a_revealed_birth_date_reads_as_the_clinic_writes_dates(signed_in, dana) -> None:
    answer = signed_in("nora").post(f"/contacts/{dana}/reveal/birth_date/", {"reason": "Talking with the person"})
    assert "Feb 29, 1960" in text_of(answer)


def test_a_marketer_reveals_nothing_and_keeps_identifiers_when_editing(signed_in, dana) -> None:
    client = signed_in("max")
    assert client.post(f"/contacts/{dana}/reveal/email/", {"reason": "Talking with the person"}).status_code == 403
    page = client.get(f"/contacts/{dana}/edit/")
    assert "dana.quist" not in text_of(page)
    sent = {"first_name": "Dana", "last_name": "Quist", "relation": "patient", "city": "Berea", "version": 1}
    response = client.post(f"/contacts/{dana}/edit/", sent)
    assert response.status_code == 302, response.context["form"].errors
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=dana)
    assert record.email == "dana.quist@goodmail.test"
    assert record.profile["birth_date"] == "1960-02-29"
    assert record.profile["address"] == {"line": "12 Elm Street", "city": "Berea"}
    assert record.name == "Dana Quist"


def test_a_change_that_waits_is_seen_by_who_asked_and_by_who_may_confirm(signed_in, dana) -> None:
    """Max replaces the address and the phone: both pages say so until Nora has decided."""
    max_client, nora = signed_in("max"), signed_in("nora")
    form = text_of(max_client.get(f"/contacts/{dana}/edit/"))
    assert "On record: d•••@•••.test. Leave empty to keep it." in form
    assert "On record: ••• ••17. Leave empty to keep it." in form
    assert "dana.quist" not in form
    assert "555-0117" not in form
    sent = {"first_name": "Dana", "last_name": "Quist", "relation": "patient", "city": "Berea", "version": 1}
    sent |= {"email": "dana@elsewhere.test", "phone": "(502) 555-0118"}
    answer = max_client.post(f"/contacts/{dana}/edit/", sent)
    said = [str(each) for each in get_messages(answer.wsgi_request)]
    assert said == [
        "Saved. Your change of e-mail and phone waits until care staff or an administrator confirm it.",
    ]
    asked = text_of(max_client.get(f"/contacts/{dana}/"))
    assert "Max asked to change e-mail and phone." in asked
    assert "until care staff or an administrator confirm it" in asked
    assert "/contacts/changes/" not in asked
    assert "elsewhere" not in asked
    page = text_of(nora.get(f"/contacts/{dana}/"))
    assert "A change waits for confirmation" in page
    assert 'href="/contacts/changes/"' in page
    row = PendingChange.objects.get(person_id=dana)
    nora.post("/contacts/changes/decide/", {"chosen": [f"{row.pk}.{row.version}"], "act": "decline"})
    assert "A change waits" not in text_of(nora.get(f"/contacts/{dana}/"))


def test_two_people_editing_at_once_do_not_overwrite_each_other(signed_in, dana) -> None:
    client = signed_in("nora")
    sent = {"first_name": "D", "last_name": "Q", "relation": "patient", "version": 1}
    assert client.post(f"/contacts/{dana}/edit/", sent).status_code == 302
    late = client.post(f"/contacts/{dana}/edit/", {**sent, "first_name": "Late"})
    assert late.status_code == 422
    assert "Somebody else changed this person" in text_of(late)


def test_a_bad_address_is_explained_and_typing_is_kept(signed_in, dana) -> None:
    response = signed_in("nora").post(
        f"/contacts/{dana}/edit/", {"first_name": "Dana", "email": "dana at home", "relation": "patient", "version": 1}
    )
    assert response.status_code == 422
    assert "is not an e-mail address" in text_of(response)
    assert "dana at home" in text_of(response)


def test_a_new_person_cannot_take_a_record_number(signed_in, dana) -> None:
    client = signed_in("nora")
    taken = client.post("/contacts/new/", {"first_name": "Eve", "relation": "patient", "mrn": "mrn-77"})
    assert taken.status_code == 422
    assert "Another person has this record number" in text_of(taken)
    made = client.post("/contacts/new/", {"first_name": "Eve", "relation": "patient", "mrn": "mrn-78"})
    assert made.status_code == 302
    assert Person.objects.count() == 2


def test_a_child_gets_a_guardian_by_record_number(signed_in, dana) -> None:
    client = signed_in("nora")
    child = {"first_name": "Kit", "last_name": "Quist", "relation": "patient", "birth_date": "2020-03-01"}
    unknown = client.post("/contacts/new/", {**child, "guardian": "MRN-0"})
    assert unknown.status_code == 422
    assert "Nobody has this record number" in text_of(unknown)
    made = client.post("/contacts/new/", {**child, "guardian": "mrn-77"}, follow=True)
    assert "Mail goes to the guardian on record" in text_of(made)
    assert "cannot be reached by mail" not in text_of(made), "the guardian's mailbox is the child's"
    orphan = client.post("/contacts/new/", child, follow=True)
    assert "Minor without guardian" in text_of(orphan)
    assert "cannot be reached by mail" in text_of(orphan)


def test_an_upload_that_is_too_large_says_what_to_do(signed_in, settings) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    file = io.BytesIO(b"a,b\n" * 1000)
    file.name = "big.csv"
    response = signed_in("max").post("/contacts/imports/new/", {"kind": "list", "files": [file]})
    assert response.status_code == 422
    assert "larger than 100 MB" in text_of(response)


def test_an_empty_upload_says_what_to_do(signed_in) -> None:
    file = io.BytesIO(b"")
    file.name = "empty.csv"
    response = signed_in("max").post("/contacts/imports/new/", {"kind": "list", "files": [file]})
    assert response.status_code == 422
    assert "The file is empty. Export it again, with a header line." in text_of(response)


def test_a_consent_is_recorded_with_its_particulars(signed_in, dana) -> None:
    client = signed_in("nora")
    given = {
        "purpose": "marketing",
        "state": "granted",
        "on": "2026-11-02",
        "method": "paper form",
        "wording": "2025-2",
        "given_by": "herself",
        "note": "",
    }
    assert client.post(f"/contacts/{dana}/consents/", given).status_code == 302
    page = text_of(client.get(f"/contacts/{dana}/consents/"))
    for word in ("Nov 2, 2026", "paper form", "2025-2", "herself"):
        assert word in page
    assert ConsentState.objects.get().state == "granted"
    future = client.post(f"/contacts/{dana}/consents/", {**given, "on": "2027-01-01"})
    assert future.status_code == 422
    assert "cannot be dated in the future" in text_of(future)
    assert client.post(f"/contacts/{dana}/consents/", {**given, "ends": "2099-06-30"}).status_code == 302
    assert "Jun 30, 2099" in text_of(client.get(f"/contacts/{dana}/consents/"))
    assert ConsentState.objects.get().expires.astimezone(UTC).date() == date(2099, 7, 1)
    past = client.post(f"/contacts/{dana}/consents/", {**given, "ends": "2026-11-03"})
    assert "would have run out already" in text_of(past)


def test_pressing_record_consent_by_mistake_records_nothing(signed_in, dana) -> None:
    client = signed_in("nora")
    page = text_of(client.get(f"/contacts/{dana}/consents/"))
    # What the browser would post from the form as it opens.
    as_it_opens = {"purpose": "", "state": "", "on": "2026-11-02", "method": "front desk"}
    assert page.count('<option value="" selected>Choose…</option>') == 2
    refused = client.post(f"/contacts/{dana}/consents/", as_it_opens)
    assert refused.status_code == 422
    assert "Choose what they said." in text_of(refused)
    assert not ConsentState.objects.exists()


def test_mail_is_stopped_and_allowed_again_with_a_reason(signed_in, dana) -> None:
    client = signed_in("nora")
    client.post(f"/contacts/{dana}/suppression/", {"act": "stop"})
    assert Suppression.objects.get().scope == "all"
    client.post(f"/contacts/{dana}/suppression/", {"act": "lift", "reason": "She called"})
    assert not Suppression.objects.exists()


def test_an_appointment_is_booked_moved_and_cancelled(signed_in, dana, edgar) -> None:
    client = signed_in("nora")
    book = {"start_date": "2026-12-02", "start_time": "09:20", "kind": "Check-up", "minutes": "30"}
    response = client.post(f"/contacts/{dana}/appointments/", book)
    assert response.status_code == 302, response.context["form"].errors
    visit = Appointment.objects.get()
    assert "Dec 2, 2026, 9:20 AM" in text_of(client.get(f"/contacts/{dana}/appointments/"))
    dialog = client.get(f"/contacts/{dana}/appointments/").content.decode()
    assert 'name="start_date" value="2026-12-02"' in dialog, "who moves a visit mostly changes the day alone"
    assert 'name="start_time" value="09:20"' in dialog
    assert 'data-confirm-keep="Keep it"' in dialog
    strange = client.post(f"/contacts/{edgar}/appointments/{visit.pk}/cancel/")
    assert strange.status_code == 404
    client.post(f"/contacts/{dana}/appointments/{visit.pk}/move/", {"start_date": "2026-12-03", "start_time": "10:00"})
    client.post(f"/contacts/{dana}/appointments/{visit.pk}/cancel/")
    page = text_of(client.get(f"/contacts/{dana}/timeline/?kind=appointments"))
    for word in ("Appointment booked", "Appointment moved", "Appointment canceled"):
        assert word in page
    past = client.post(f"/contacts/{dana}/appointments/", {**book, "start_date": "2020-01-01"})
    assert past.status_code == 422
    assert "in the future" in text_of(past)


def test_the_auditor_sees_who_looked(signed_in, dana) -> None:
    nora = signed_in("nora")
    nora.get(f"/contacts/{dana}/")
    page = text_of(signed_in("otto").get(f"/contacts/{dana}/access/"))
    assert "Opened the record of this person" in page
    assert "Nora" in page
    assert nora.get(f"/contacts/{dana}/access/").status_code == 403


def test_erasing_needs_the_word_and_leaves_a_certificate(signed_in, dana) -> None:
    client = signed_in("ada")
    assert client.post(f"/contacts/{dana}/erase/", {"reason": "Asked for", "word": "yes"}).status_code == 422
    done = client.post(f"/contacts/{dana}/erase/", {"reason": "Asked for", "word": "erase"}, follow=True)
    assert "Certificate of erasure" in text_of(done)
    assert "Dec 25, 2026" in text_of(done)
    left = client.get(f"/contacts/{dana}/")
    assert left.status_code == 404
    assert "This person was erased" in text_of(left)
    assert f'href="/contacts/{dana}/erased/"' in text_of(left)
    nurse = signed_in("nora").get(f"/contacts/{dana}/")
    assert "This person was erased" in text_of(nurse)
    assert "/erased/" not in text_of(nurse)
    assert signed_in("nora").get(f"/contacts/{dana}/erase/").status_code == 403


def test_a_higher_layer_brings_its_own_tab(signed_in, dana, monkeypatch) -> None:
    monkeypatch.setattr(panels, "_PANELS", {})
    client = signed_in("nora")
    assert client.get(f"/contacts/{dana}/tab/letters/").status_code == 404
    panels.register(
        panels.Panel(
            "letters", "Letters", "components/empty_state.html", lambda request, record: {"title": record.name}
        )
    )
    page = text_of(client.get(f"/contacts/{dana}/tab/letters/"))
    assert "Letters" in page
    assert "Dana Öberg-Quist" in page


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_fifty(signed_in, noon, questions) -> None:
    client = signed_in("nora")
    everybody = [{"first_name": f"P{n}", "email": f"p{n}@goodmail.test", "relation": "patient"} for n in range(50)]
    services.contacts_create(actor=CLI, profiles=everybody[:1])
    one = questions(client, "/contacts/")
    services.contacts_create(actor=CLI, profiles=everybody[1:])
    assert questions(client, "/contacts/") == one
    assert "1–50 of 50" in text_of(client.get("/contacts/"))
