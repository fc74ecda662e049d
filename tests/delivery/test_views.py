"""The pages of delivery: who may open what, what is refused, and that opening evidence is on the trail."""

import re
from io import BytesIO

import pytest
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.core import actors
from apps.core.levels import Level
from apps.delivery import selectors, services
from apps.delivery.models import DkimKey, MailDomain, OutboxMessage, ReadyMessage, RecipientKey
from tests.delivery.conftest import campaign_item

pytestmark = pytest.mark.django_db
SYSTEM = actors.system("dispatcher")
READ = ("overview", "servers")
EDIT = ("settings", "signing_keys", "test")


def url(name, *args):
    return reverse(f"delivery:{name}", args=args)


@pytest.mark.parametrize(
    ("who", "reads", "edits"),
    [("ada", 200, 200), ("max", 200, 403), ("rita", 200, 403), ("otto", 200, 403), ("nora", 403, 403)],
)
def test_who_may_open_what(signed_in, who, reads, edits):
    client = signed_in(who)
    assert {client.get(url(n)).status_code for n in READ} == {reads}
    assert {client.get(url(n)).status_code for n in EDIT} == {edits}


def test_a_stranger_is_sent_to_the_sign_in(client):
    assert client.get(url("overview")).status_code == 302


def test_the_list_shows_states_and_reasons(signed_in, people, providers, letters):
    pats = people("a@goodmail.test", "b@plainmail.test", "gone-1@goodmail.test")
    services.enqueue(actor=SYSTEM, items=[campaign_item(p) for p in pats])
    services.dispatch(actor=SYSTEM, seconds=8, lanes=2)
    client = signed_in("otto")
    page = client.get(url("overview")).content.decode()
    for words in ("Sent", "Held", "No way to this mailbox is safe enough", "The mailbox does not exist"):
        assert words in page
    only = client.get(url("overview"), {"state": "held"}).content.decode()
    assert "The mailbox does not exist" not in only
    assert client.get(url("overview"), {"state": "nonsense"}).status_code == 200
    assert client.post(url("overview")).status_code == 405


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_fifty(signed_in, people, letters, questions):
    client = signed_in("otto")
    services.enqueue(actor=SYSTEM, items=[campaign_item(p) for p in people("a@goodmail.test")])
    one = questions(client, url("overview"))
    others = people(*(f"p{number}@goodmail.test" for number in range(49)))
    services.enqueue(actor=SYSTEM, items=[campaign_item(p) for p in others])
    assert questions(client, url("overview")) == one


def test_the_list_names_people_as_their_reader_may_see_them_and_is_on_the_trail(signed_in, people, letters):
    ann, bea = (
        contacts.contact_create(actor=actors.COMMAND_LINE, profile={"first_name": name, "last_name": "Quist"})
        for name in ("Ann", "Bea")
    )
    services.enqueue(actor=SYSTEM, items=[campaign_item(ann), campaign_item(bea)])
    contacts.contact_erase(actor=actors.COMMAND_LINE, person_id=bea.id, reason="Asked for it")
    page = signed_in("max").get(url("overview")).content.decode()
    assert f'<a href="/contacts/{ann.id}/">Ann Quist</a>' in page
    assert "Erased person" in page
    assert f"/contacts/{bea.id}/" not in page
    assert f"Contact {ann.id}" not in page
    entry = AuditEntry.objects.filter(action="contact.list", purpose="delivery").get()
    assert entry.people_count == 1, "an erased person cannot be looked at"
    row = OutboxMessage.objects.get(person_id=ann.id)
    auditor = signed_in("otto")
    for name, given in (("overview", ()), ("message", (row.pk,))):
        shown = auditor.get(url(name, *given)).content.decode()
        assert f'<a href="/contacts/{ann.id}/">A••• Q•••</a>' in shown


def test_a_message_page_tells_where_the_data_went_and_is_on_the_trail(signed_in, people, providers, letters):
    (pat,) = people("pat.doe@goodmail.test")
    services.enqueue(actor=SYSTEM, items=[campaign_item(pat)])
    services.dispatch(actor=SYSTEM, seconds=8)
    row = OutboxMessage.objects.get()
    page = signed_in("otto").get(url("message", row.pk)).content.decode()
    assert "Taken by mx.goodmail.test" in page
    assert "TLS with a verified certificate" in page
    assert "pat.doe" not in page, "the address is masked"
    entry = AuditEntry.objects.filter(action="message.open").get()
    assert (entry.subject, entry.people_count) == (str(row.pk), 1)


def test_the_page_of_a_waiting_message_asks_for_news_without_opening_anything(signed_in, people, letters):
    (pat,) = people("a@goodmail.test")
    services.enqueue(actor=SYSTEM, items=[campaign_item(pat)])
    row = OutboxMessage.objects.get()
    client = signed_in("otto")
    assert "message_progress" not in client.get(url("message", row.pk)).content.decode()
    before = AuditEntry.objects.filter(action="message.open").count()
    assert client.get(url("message_progress", row.pk)).status_code == 204
    assert AuditEntry.objects.filter(action="message.open").count() == before
    assert client.get(url("message_progress", 999_999)).status_code == 404
    assert client.get(url("message", 999_999)).status_code == 404


def test_only_an_administrator_stops_and_decides(signed_in, people, letters):
    pats = people("a@goodmail.test", "b@goodmail.test")
    services.enqueue(actor=SYSTEM, items=[campaign_item(p) for p in pats])
    one, two = OutboxMessage.objects.order_by("id")
    assert signed_in("max").post(url("message_stop", one.pk)).status_code == 403
    client = signed_in("ada")
    assert client.get(url("message_stop", one.pk)).status_code == 405
    client.post(url("message_stop", one.pk))
    one.refresh_from_db()
    assert one.state == "stopped"
    again = client.post(url("message_stop", one.pk), follow=True).content.decode()
    assert "cannot be stopped" in again
    ReadyMessage.objects.filter(pk=two.pk).delete()
    OutboxMessage.objects.filter(pk=two.pk).update(state="doubtful", reason="network")
    client.post(url("doubtful", two.pk), {"decision": "send"})
    two.refresh_from_db()
    assert two.state == "queued"
    assert ReadyMessage.objects.filter(pk=two.pk).exists()


def form(**given):
    values = selectors.setup()
    from apps.delivery.forms import SettingsForm

    return {
        k: v for k, v in SettingsForm.initial_of(values, selectors.settings_version()).items() if v is not None
    } | given


def test_settings_are_saved_once_and_a_second_writer_is_told(signed_in):
    client = signed_in("ada")
    first = form(helo="mail.clinic.example", sending_domain="clinic.example", health="3", note="Risk analysis 7")
    assert client.post(url("settings"), first).status_code == 302
    setup = selectors.setup()
    assert (setup.helo, setup.bounces) == ("mail.clinic.example", "bounce.clinic.example")
    assert setup.table(baa_in_force=False).minimum_for(Level.HEALTH) == 3
    assert setup.decision["note"] == "Risk analysis 7"
    late = client.post(url("settings"), first)
    assert late.status_code == 422
    assert "Somebody else changed" in late.content.decode()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"health": "3", "note": ""}, "Say why"),
        ({"mode": "relay"}, "Name the relay"),
        ({"pins": "mx.clinic.example 12"}, "64 hex digits"),
        ({"helo": "not a name"}, "is not a host name"),
    ],
)
def test_settings_that_cannot_be_say_so_and_keep_what_was_typed(signed_in, given, words):
    answer = signed_in("ada").post(url("settings"), form(**given))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert selectors.settings_version() == 0


def test_a_relay_password_never_comes_back_and_is_kept_when_left_empty(signed_in):
    client = signed_in("ada")
    relay = {"mode": "relay", "relay_host": "relay.example", "relay_username": "us"}
    client.post(url("settings"), form(**relay, relay_password="s3cret-word"))
    page = client.get(url("settings")).content.decode()
    assert "s3cret-word" not in page
    assert "The relay gets no health information" in page
    client.post(url("settings"), form(**relay))
    assert selectors.setup().relay.password == "s3cret-word"


def test_a_key_is_created_then_published_then_signs(signed_in):
    client = signed_in("ada")
    assert (
        "Set the sending domain first"
        in client.post(url("signing_keys"), {"kind": "rsa"}, follow=True).content.decode()
    )
    services.settings_change(actor=SYSTEM, version=0, sending_domain="clinic.example")
    client.post(url("signing_keys"), {"kind": "ed25519"})
    key = DkimKey.objects.get()
    page = client.get(url("signing_keys")).content.decode()
    assert f"{key.selector}._domainkey.clinic.example" in page
    assert "Nothing is signed yet" in page
    client.post(url("signing_key_act", key.pk), {"act": "activate"})
    assert DkimKey.objects.get().state == "active"
    client.post(url("signing_key_act", key.pk), {"act": "retire"})
    assert (
        "not there any more"
        in client.post(url("signing_key_act", key.pk), {"act": "activate"}, follow=True).content.decode()
    )


def test_a_domain_is_measured_on_request(signed_in, providers):
    client = signed_in("ada")
    client.post(url("servers"), {"domain": "goodmail.test"})
    assert MailDomain.objects.get().tls_class == 2
    assert "Write a mail domain" in client.post(url("servers"), {"domain": "nonsense"}, follow=True).content.decode()
    assert signed_in("otto").post(url("servers"), {"domain": "goodmail.test"}).status_code == 403


def test_a_test_message_takes_the_road_and_shows_its_way(signed_in, providers):
    client = signed_in("ada")
    answer = client.post(url("test"), {"address": "ops@goodmail.test", "level": "2"})
    row = OutboxMessage.objects.get()
    assert answer.url == url("message", row.pk)
    services.dispatch(actor=SYSTEM, seconds=8)
    assert "Taken by mx.goodmail.test" in client.get(answer.url).content.decode()
    assert client.post(url("test"), {"address": "nobody", "level": "2"}).status_code == 422
    client.post(url("test"), {"address": "ops@plainmail.test", "level": "2"})
    done = services.dispatch(actor=SYSTEM, seconds=8)
    assert done.held == 1, (done, OutboxMessage.objects.latest("pk").state)
    page = client.get(url("message", OutboxMessage.objects.latest("pk").pk)).content.decode()
    assert "Held back" in page
    assert "not protected well enough" in page


def test_a_key_is_added_and_removed_on_the_person_page(signed_in, people, providers):
    from io import BytesIO

    from apps.core import clock
    from apps.demo.keyholders import Keyholders
    from tests.delivery.test_routes import PGP

    (pat,) = people(PGP)
    client = signed_in("nora")
    file = BytesIO(Keyholders(providers.home).public_key(PGP, clock.now()))
    file.name = "key.asc"
    client.post(url("key_add", pat.id), {"file": file})
    key = RecipientKey.objects.get()
    assert (key.kind, key.state) == ("pgp", "active")
    page = client.get(reverse("contacts:panel", args=[pat.id, "keys"])).content.decode()
    assert "Fingerprint" in page
    wrong = BytesIO(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nnonsense\n-----END PGP PUBLIC KEY BLOCK-----\n")
    wrong.name = "key.asc"
    told = client.post(url("key_add", pat.id), {"file": wrong}, follow=True).content.decode()
    assert 'role="alert"' in told
    assert RecipientKey.objects.count() == 1
    assert signed_in("otto").post(url("key_remove", key.pk)).status_code == 403
    client.post(url("key_remove", key.pk))
    assert RecipientKey.objects.get().state == "removed"
    assert client.post(url("key_remove", 999_999)).status_code == 404


@pytest.mark.shared_data
def test_a_key_that_ran_out_is_refused_in_place_with_what_to_do(signed_in, people, shared_data):
    (alice,) = people("alice@autocrypt.example")
    file = BytesIO((shared_data / "crypto/openpgp-autocrypt/alice@autocrypt.example.pub.asc").read_bytes())
    file.name = "alice.asc"
    page = signed_in("nora").post(url("key_add", alice.id), {"file": file}, follow=True).content.decode()
    (words,) = re.findall(
        r'<div class="alert alert-bad" role="alert">.*?<div class="alert-words">(.*?)</div>', page, re.S
    )
    assert "expired" in words
    assert words not in page.partition('id="toasts"')[2]
    assert not RecipientKey.objects.exists()


def test_the_messages_of_a_person_are_listed_with_their_routes(signed_in, people, providers, letters):
    (pat,) = people("a@goodmail.test")
    services.enqueue(actor=SYSTEM, items=[campaign_item(pat)])
    services.dispatch(actor=SYSTEM, seconds=8)
    page = signed_in("nora").get(reverse("contacts:panel", args=[pat.id, "messages"])).content.decode()
    assert "Verified TLS" in page
