"""A mailbox that was dead or silent may be somebody else's by now: the portal asks before anything is told."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.campaigns.planning import UNPROVEN, Combination, line_of
from apps.contacts import services as contacts
from apps.contacts.models import Person, ReturnedMailbox
from apps.contacts.person import search_values
from apps.contacts.person.selectors import open_person
from apps.core import actors, clock
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import selectors as delivery_selectors
from apps.delivery import services as delivery
from apps.delivery.models import MailDomain
from apps.delivery.policy import returned_mailboxes
from apps.delivery.policy.routing import Capability, Held, PolicyTable, RouteName, decide
from apps.delivery.send import preparing
from apps.delivery.send.batch import ClaimedRow
from apps.delivery.send.sources import Claimed, Draft
from apps.mail.tls import TlsClass
from apps.portal import policy
from apps.portal import selectors as portal_selectors
from apps.portal import services as portal
from apps.portal.services import State
from tests.delivery.conftest import compiled
from tests.portal.conftest import BORN, HOUSE, words_of, write_to

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
BEST = {"tls": TlsClass.AUTHENTICATED, "pgp": True, "smime": True}
DANA = {
    "first_name": "Dana",
    "last_name": "Quist",
    "email": "dana@goodmail.test",
    "relation": "patient",
    "birth_date": "1980-02-03",
}


@pytest.fixture
def dana(noon):
    return contacts.contact_create(actor=CLI, profile=DANA)


def came_back(person) -> None:
    contacts.suppress(actor=CLI, address=DANA["email"], scope="all", reason="hard_bounce")
    contacts.unsuppress(actor=CLI, person_id=person.id, reason="the mailbox works again")


@pytest.mark.parametrize("why", ["dead", "silent", "away"])
def test_the_rule(why: str) -> None:
    asked = Capability(**BEST, portal=True, unproven=why)
    for level in (Level.HEALTH, Level.PROTECTED):
        route = decide(level, asked, PolicyTable())
        assert route.name is RouteName.PORTAL
        assert route.reason.startswith(returned_mailboxes.WORDS[why])
    assert decide(Level.IDENTIFIER, asked, PolicyTable()).name is RouteName.TLS, "the notice itself goes"
    refusal = decide(Level.HEALTH, Capability(**BEST, unproven=why), PolicyTable())
    assert refusal.code is Held.NO_ROUTE
    assert decide(Level.HEALTH, Capability(**BEST, portal=True), PolicyTable()).name is RouteName.PGP


def test_when_silence_counts(noon) -> None:
    assert returned_mailboxes.silent_before(noon, 0) is None
    assert (noon - returned_mailboxes.silent_before(noon, 18)).days == 547


def prepared(person_id: int):
    record = open_person(actor=CLI, purpose="test", person_id=person_id)
    claimed = Claimed(1, "campaign", 7, "", 0, person_id, Purpose.TREATMENT, Level.PUBLIC, 0)
    context = preparing.ClaimContext.open(clock.now(), {person_id: record}, {person_id: record})
    draft = Draft(compiled(), {"first_name": record.profile["first_name"]}, Level.HEALTH)
    return preparing.prepare(context, ClaimedRow(claimed, None, None, None, None, ()), record, draft)


def test_what_goes_to_it_is_a_notice_with_nothing_personal(dana) -> None:
    best = int(TlsClass.AUTHENTICATED)
    MailDomain.objects.create(domain="goodmail.test", operator="x", mx="mx", tls_class=best, measured_at=clock.now())
    assert prepared(dana.id).route is RouteName.TLS
    came_back(dana)
    job = prepared(dana.id)
    assert job.route is RouteName.PORTAL
    said = job.mail.data.decode("ascii", "replace")
    assert "Dana" not in said
    assert "Quist" not in said
    assert "your visit is near" not in said
    plan = delivery_selectors.capabilities(
        {dana.id: open_person(actor=CLI, purpose="test", person_id=dana.id)},
        {dana.id: DANA["email"]},
        Level.HEALTH,
        clock.now(),
    )
    assert plan[dana.id].unproven == "dead"


def test_the_plan_says_so_too() -> None:
    line = line_of(Combination("", True, UNPROVEN, True, True, True), 12, Level.PUBLIC, PolicyTable())
    assert (line.route, line.people) == ("portal", 12)
    assert "dead or silent" in line.reason


def test_an_import_or_a_second_person_with_it_does_not_prove_it(dana) -> None:
    came_back(dana)
    other = contacts.contact_create(actor=CLI, profile=DANA | {"first_name": "Cleo", "email": "Dana@GoodMail.test"})
    assert open_person(actor=CLI, purpose="test", person_id=other.id).unproven == "dead"


def test_care_staff_confirms_it_with_a_reason_and_the_page_says_why(signed_in, dana) -> None:
    came_back(dana)
    nora, page = signed_in("nora"), f"/contacts/{dana.id}/"
    said = nora.get(page).content.decode()
    assert "Mailbox in question" in said
    assert "did not exist for a time" in said
    given = {"act": "prove", "reason": "Asked at the desk"}
    assert signed_in("max").post(f"{page}suppression/", given).status_code == 403
    nora.post(f"{page}suppression/", {"act": "prove", "reason": ""})
    assert ReturnedMailbox.objects.get().proven_at is None
    nora.post(f"{page}suppression/", given)
    row = ReturnedMailbox.objects.get()
    assert row.proven_by == f"staff:{nora.staff.pk}"
    assert "Mailbox in question" not in nora.get(page).content.decode()
    assert AuditEntry.objects.get(action="mailbox.prove").people_count == 1


def test_it_is_in_question_again_after_another_absence(dana) -> None:
    came_back(dana)
    mailbox = search_values.mailbox(DANA["email"])
    assert contacts.mailbox_prove(actor=CLI, person_id=dana.id, mailbox=mailbox)
    assert not contacts.mailbox_prove(actor=CLI, person_id=dana.id, mailbox=mailbox)
    came_back(dana)
    assert ReturnedMailbox.objects.get().proven_at is None


def test_the_nightly_look_puts_silent_mailboxes_in_question(dana) -> None:
    young = contacts.contact_create(actor=CLI, profile=DANA | {"email": "young@goodmail.test"})
    heard = contacts.contact_create(actor=CLI, profile=DANA | {"email": "heard@goodmail.test"})
    partner = contacts.contact_create(actor=CLI, profile=DANA | {"email": "heard@goodmail.test"})
    now = clock.now()
    Person.objects.filter(pk__in=[dana.id, heard.id, partner.id]).update(created_at=now - timedelta(days=700))
    event = contacts.NewEvent(heard.id, "message.sent", date(2026, 10, 1), "message:1:sent", {})
    contacts.events_record(actor=CLI, events=[event])
    delivery.clean_list(actor=CLI)
    assert [bytes(row.mailbox) for row in ReturnedMailbox.objects.all()] == [search_values.mailbox(DANA["email"])]
    assert open_person(actor=CLI, purpose="test", person_id=young.id).unproven == ""
    contacts.mailbox_prove(actor=CLI, person_id=dana.id, mailbox=search_values.mailbox(DANA["email"]))
    delivery.clean_list(actor=CLI)
    assert not ReturnedMailbox.objects.filter(proven_at__isnull=True).exists(), "it was proven since"
    delivery.settings_change(actor=CLI, version=0, silent_months=0)
    with clock.frozen(now + timedelta(days=900)):
        delivery.clean_list(actor=CLI)
    assert not ReturnedMailbox.objects.filter(proven_at__isnull=True).exists()


def test_signing_in_with_code_and_birth_date_proves_it_and_half_of_that_does_not(rosa, letters) -> None:
    mailbox = search_values.mailbox(HOUSE)
    contacts.mailboxes_returned(mailboxes=[mailbox], reason="silent")
    link = portal_selectors.live_link(write_to(rosa).token)
    browser = policy.new_secret()
    portal.code_ask(link=link, browser=browser, ip="203.0.113.1", language="en")
    code = next(word for word in words_of(letters()[-1]).split("\n") if policy.bare_code(word.strip())).strip()
    portal.code_prove(link=link, browser=browser, code=code, birth_date=date(1901, 1, 1))
    assert ReturnedMailbox.objects.get().proven_at is None, "the new owner of the mailbox has the code, too"
    born = date.fromisoformat(BORN["rosa"])
    assert portal.code_prove(link=link, browser=browser, code=code, birth_date=born).state is State.IN
    assert ReturnedMailbox.objects.get().proven_by == f"patient:{rosa.id}"
