"""Each recipient by the route the policy gives: keys, a server that got worse, a relay, a signature."""

import email
import email.policy
from types import ModuleType

import dkim
import pytest
from django.urls import reverse

from apps.compliance import services as compliance
from apps.compliance.agreements import CLAUSES
from apps.core import actors, clock
from apps.core.levels import Level
from apps.delivery import routes, selectors, services
from apps.delivery.models import MailDomain, OutboxMessage, RecipientKey
from apps.delivery.routes import tls
from apps.demo.keyholders import Keyholders
from apps.demo.mail import key_kind
from apps.mail.tls import TlsClass
from tests.delivery.conftest import background, campaign_item
from tests.delivery.servers import Inbox
from tests.delivery.test_kill import Mailbox
from tests.interop.dkim_openssl import verify
from tests.text import without_tokens

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
SYSTEM = actors.system("dispatcher")
PGP = next(f"k{n}@keymail.test" for n in range(99) if key_kind(f"k{n}@keymail.test") == "pgp")
SMIME = next(f"k{n}@keymail.test" for n in range(99) if key_kind(f"k{n}@keymail.test") == "smime")


def send():
    return services.dispatch(actor=SYSTEM, seconds=8, lanes=4)


@pytest.fixture
def holders(providers):
    return Keyholders(providers.home)


@pytest.fixture
def portal(settings, monkeypatch):
    """A portal that takes everybody with a birth date: its notice is the neutral text, the message stays."""
    kept = {}
    module = ModuleType("a_portal")
    module.can_carry = lambda recipient: recipient.record is not None and bool(recipient.record.birth_date)

    def seal(message, recipient):
        kept[recipient.message_id] = message
        head = b"From: Clinic <desk@clinic.test>\r\nSubject: A message waits\r\nMIME-Version: 1.0\r\n"
        notice = type(message)(head, b"Content-Type: text/plain\r\n\r\nPlease sign in.\r\n", "", {}, 0, b"n" * 32)
        return tls.seal(notice, recipient)

    module.seal = seal
    real = routes.module
    monkeypatch.setattr(routes, "module", lambda name: module if name == "portal" else real(name))
    return kept


@pytest.mark.parametrize(("address", "kind"), [(PGP, "pgp"), (SMIME, "smime")])
def test_who_gave_a_key_gets_it_encrypted(people, providers, holders, letters, address, kind):
    (pat,) = people(address)
    services.key_add(actor=CLI, person_id=pat.id, material=holders.public_key(address, clock.now()))
    assert b"keymail" not in bytes(RecipientKey.objects.get().sealed)
    letters.level = Level.PROTECTED
    services.enqueue(actor=CLI, items=[campaign_item(pat)])
    assert send().sent == 1
    row = OutboxMessage.objects.get()
    assert (row.route, row.level) == (kind, Level.PROTECTED)
    (arrived,) = providers.store.all()
    readable = without_tokens(arrived.raw.decode("ascii"))
    assert "visit" not in readable
    assert "Hello" not in readable
    outer = email.message_from_bytes(arrived.raw, policy=email.policy.default)
    assert outer["Subject"] == "Encrypted message"
    letter = holders.read(arrived.raw, address)
    assert letter.kind == kind
    assert letter.subject == "Hello Pat0"
    assert "your visit is near" in letter.text
    record = selectors.message_data(actor=CLI, message=row, parts=["record"])["record"]
    assert len(record["cipher"]["sha256"]) == 64
    assert record["cipher"]["keys"]


def test_a_new_key_replaces_the_old_and_a_removed_one_is_not_used(people, providers, holders, letters):
    (pat,) = people(PGP)
    material = holders.public_key(PGP, clock.now())
    services.key_add(actor=CLI, person_id=pat.id, material=material)
    second = services.key_add(actor=CLI, person_id=pat.id, material=material)
    assert RecipientKey.objects.filter(state="active").count() == 1
    services.key_remove(actor=CLI, key_id=second.pk)
    services.enqueue(actor=CLI, items=[campaign_item(pat)])
    assert send().held == 1


def test_whoever_cannot_be_reached_safely_reads_in_the_portal(people, providers, letters, portal):
    pats = people("a@plainmail.test", "b@oldmail.test", "c@goodmail.test")
    services.enqueue(actor=CLI, items=[campaign_item(p) for p in pats])
    assert send().sent == 3
    assert [m.route for m in OutboxMessage.objects.order_by("person_id")] == ["portal", "portal", "tls"]
    notices = [a.raw for a in providers.store.all() if "goodmail" not in a.mailbox]
    assert all(b"Please sign in" in raw and "visit" not in without_tokens(raw.decode("ascii")) for raw in notices)
    # The weak servers were measured on the connection that wanted to send; nothing was said there but EHLO.
    evidence = selectors.message_data(
        actor=CLI, message=OutboxMessage.objects.order_by("person_id").first(), parts=["evidence"]
    )["evidence"]["attempts"]
    assert [a.get("fault") for a in evidence] == ["tls_too_weak", None]


def test_a_server_that_got_worse_since_the_plan_is_noticed(people, providers, letters, portal):
    (pat,) = people("b@oldmail.test")
    MailDomain.objects.create(domain="oldmail.test", tls_class=TlsClass.WEBPKI, mx="mx.oldmail.test")
    services.enqueue(actor=CLI, items=[campaign_item(pat)])
    assert send().sent == 1
    assert OutboxMessage.objects.get().route == "portal"
    assert MailDomain.objects.get().tls_class == TlsClass.OPPORTUNISTIC


@pytest.mark.parametrize(
    ("baa", "beyond", "expected"),
    [(False, TlsClass.WEBPKI, "no_baa"), (True, None, "no_route")],
)
def test_a_relay_without_agreement_or_promise_gets_no_health_information(
    people, letters, settings, monkeypatch, baa, beyond, expected
):
    monkeypatch.setattr(selectors, "baa_in_force", lambda vendor: baa)
    services.settings_change(
        actor=CLI,
        version=0,
        mode="relay",
        relay={"host": "relay.test", "port": 587, "vendor": 1, "beyond": beyond},
    )
    inbox = Inbox()
    settings.TRANSPORT_MAP = ""
    (pat,) = people("a@far.test")
    services.enqueue(actor=CLI, items=[campaign_item(pat)])
    assert send().held == 1
    assert OutboxMessage.objects.get().reason == expected
    assert inbox.commands == []


def test_an_agreement_that_ends_between_plan_and_sending_stops_what_waits(people, letters, settings, signed_in):
    """No stand-in: the register itself is asked at the moment of sending, and the person's page says why."""
    vendor = compliance.vendor_create(actor=CLI, facts={"name": "Relay", "service": "Mail relay"}, kind="relay")
    facts = {"party": "Relay Inc.", "scope": "Mail", "clauses": {clause.code: "1" for clause in CLAUSES}}
    today = clock.now().astimezone(clock.clinic_zone()).date()
    paper = compliance.agreement_create(actor=CLI, vendor_id=vendor.pk, facts=facts, effective=today)
    compliance.document_add(actor=CLI, agreement_id=paper.pk, name="baa.pdf", content=b"%PDF-1.7 signed")
    services.settings_change(
        actor=CLI,
        version=0,
        mode="relay",
        relay={"host": "relay.test", "port": 587, "vendor": vendor.pk, "beyond": TlsClass.WEBPKI},
    )
    settings.TRANSPORT_MAP = ""
    (pat,) = people("a@far.test")
    assert selectors.policy_table().relay.baa_in_force
    services.enqueue(actor=CLI, items=[campaign_item(pat)])
    compliance.agreement_terminate(actor=CLI, agreement_id=paper.pk, on=today, reason="They moved.", data="destroyed")
    assert send().held == 1
    assert OutboxMessage.objects.get().reason == "no_baa"
    page = signed_in("nora").get(reverse("contacts:panel", args=[pat.id, "messages"])).content.decode()
    assert "vendor has no BAA in force" in page


def test_signatures_of_both_kinds_convince_both_judges(people, letters, settings):
    services.settings_change(actor=CLI, version=0, sending_domain="clinic.test")
    keys = [services.signing_key_create(actor=CLI, domain="clinic.test", kind=k) for k in ("rsa", "ed25519")]
    for key in keys:
        services.signing_key_activate(actor=CLI, key_id=key.pk)
    inbox = Inbox()
    (reader,) = people("r@bulk.test", relation="subscriber")
    services.enqueue(actor=CLI, items=[campaign_item(reader)])
    with background(Mailbox(inbox).start) as server:
        settings.TRANSPORT_MAP = f"bulk.test=mx.bulk.test@127.0.0.1:{server.port}"
        assert send().sent == 1
    ((return_path, _, raw),) = inbox.got
    assert return_path.endswith("@bounce.clinic.test")
    records = {f"{k.selector}._domainkey.{k.domain}": k.record for k in keys}
    assert verify(raw, records) == [True, True]
    for index in range(2):
        assert dkim.DKIM(raw).verify(idx=index, dnsfunc=lambda n, timeout=5: records[n.decode()[:-1]].encode())


def test_of_two_keys_of_a_kind_only_the_newer_signs():
    services.settings_change(actor=CLI, version=0, sending_domain="clinic.test")
    one, two = (services.signing_key_create(actor=CLI, domain="clinic.test", kind="ed25519") for _ in range(2))
    assert one.selector != two.selector
    services.signing_key_activate(actor=CLI, key_id=one.pk)
    services.signing_key_activate(actor=CLI, key_id=two.pk)
    assert [s.selector for s in selectors.signers("clinic.test")] == [two.selector]
    services.signing_key_retire(actor=CLI, key_id=two.pk)
    assert selectors.signers("clinic.test") == []


def test_the_plan_sees_what_sending_will_do(people, providers, holders, letters, portal):
    """Measured once without naming a mailbox, then decided by the same function that sends."""
    from apps.delivery.policy.routing import decide

    pats = people("a@goodmail.test", "b@plainmail.test", PGP, "d@oldmail.test")
    services.key_add(actor=CLI, person_id=pats[2].id, material=holders.public_key(PGP, clock.now()))
    found = services.measure(actor=CLI, domains={p.email.partition("@")[2] for p in pats} | {"nowhere.invalid"})
    assert found["goodmail.test"] is TlsClass.WEBPKI
    assert found["nowhere.invalid"] is None
    opened = {p.id: p for p in pats}
    able = selectors.capabilities(opened, {p.id: p.email for p in pats}, Level.HEALTH, clock.now())
    planned = {pid: decide(Level.HEALTH, able[pid], selectors.policy_table()).name for pid in opened}
    assert [planned[p.id] for p in pats] == ["tls", "portal", "pgp", "portal"]
    services.enqueue(actor=CLI, items=[campaign_item(p) for p in pats])
    assert send().retried == 0, "nothing had to be decided twice"
    assert dict(OutboxMessage.objects.values_list("person_id", "route")) == planned
