"""Who takes mail for a domain: static map, relay, MX, implicit MX, null MX."""

import asyncio

import pytest

from apps.mail.mx import Host, LookupFault, Target, ascii_domain, find, operator_of, parse_map
from apps.mail.smtp_replies import Fault


class Zone:
    """A resolver that answers from a dictionary."""

    def __init__(self, mx=None, addresses=(), fault=None):
        self.records, self.addresses, self.fault = mx or {}, addresses, fault

    async def mx(self, domain):
        if self.fault:
            raise LookupFault(self.fault)
        return self.records.get(domain, [])

    async def has_address(self, domain):
        return domain in self.addresses


def ask(domain, **how):
    return asyncio.run(find(domain, **how))


def test_mx_records_come_best_first():
    zone = Zone({"clinic.test": [(20, "b.mail.test."), (10, "a.mail.test.")]})
    found = ask("Clinic.test.", resolver=zone)
    assert [h.name for h in found.hosts] == ["a.mail.test", "b.mail.test"]
    assert found.operator == "mail.test"
    assert found.hosts[0].port == 25


def test_a_domain_without_mx_takes_mail_itself():
    assert ask("old.test", resolver=Zone(addresses={"old.test"})).hosts == (Host("old.test", "old.test"),)


@pytest.mark.parametrize("null", [".", ""])
def test_a_null_mx_takes_no_mail(null):
    with pytest.raises(LookupFault) as refused:
        ask("nomail.test", resolver=Zone({"nomail.test": [(0, null)]}, addresses={"nomail.test"}))
    assert refused.value.fault is Fault.NULL_MX


def test_no_record_at_all_is_for_good_and_a_silent_resolver_for_now():
    with pytest.raises(LookupFault) as refused:
        ask("gone.test", resolver=Zone())
    assert refused.value.fault is Fault.NO_SUCH_DOMAIN
    with pytest.raises(LookupFault) as refused:
        ask("slow.test", resolver=Zone(fault=Fault.LOOKUP_FAILED))
    assert refused.value.fault is Fault.LOOKUP_FAILED


def test_the_static_map_wins_over_relay_and_dns():
    transport = parse_map("goodmail.test=mx.goodmail.test@127.0.0.1:2525, .lab.test=10.0.0.5:25")
    relay = Host("relay.test", "relay.test", 587)
    assert ask("goodmail.test", transport=transport, relay=relay) == Target(
        (Host("mx.goodmail.test", "127.0.0.1", 2525),)
    )
    assert ask("deep.in.lab.test", transport=transport).hosts[0].address == "10.0.0.5"
    elsewhere = ask("other.test", transport=transport, relay=relay)
    assert elsewhere.relay
    assert elsewhere.hosts == (relay,)


@pytest.mark.parametrize("wrong", ["goodmail.test", "=127.0.0.1:25", "a.test=x:y", "a.test=b:99999", "a.test=@:1"])
def test_a_wrong_entry_of_the_map_is_named(wrong):
    with pytest.raises(ValueError, match=r"transport map|host:port"):
        parse_map(wrong)


def test_operators_group_the_domains_of_one_provider():
    assert operator_of("aspmx.l.google.com") == operator_of("alt1.aspmx.l.google.com.") == "google.com"
    assert operator_of("mx.mail.co.uk") == "mail.co.uk"
    assert operator_of("192.0.2.7") == "192.0.2.7"


def test_domains_are_asked_in_a_labels():
    assert ascii_domain("Bücher.test") == "xn--bcher-kva.test"
    with pytest.raises(ValueError, match="domain"):
        ascii_domain("ü" * 80 + ".test")


def test_only_a_server_on_this_machine_can_be_trusted_without_tls():
    assert parse_map("a.test=+mx@127.0.0.1:25")["a.test"].trusted
    assert not parse_map("a.test=mx@127.0.0.1:25")["a.test"].trusted
    with pytest.raises(ValueError, match="loopback"):
        parse_map("a.test=+mx@10.0.0.7:25")


def test_in_the_demo_no_mail_leaves_the_machine_whatever_address_is_typed(settings) -> None:
    from apps.delivery import selectors

    settings.MAIL_DNS = False
    mapped = parse_map("goodmail.test=mx.goodmail.test@127.0.0.1:2601")
    assert asyncio.run(find("goodmail.test", transport=mapped, resolver=selectors.resolver())).hosts[0].port == 2601
    with pytest.raises(LookupFault) as refused:
        asyncio.run(find("hospital.example", transport=mapped, resolver=selectors.resolver()))
    assert refused.value.fault is Fault.NO_SUCH_DOMAIN
    settings.MAIL_DNS = True
    assert selectors.resolver() is None, "the DNS"
