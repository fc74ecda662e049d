"""Whether a letter is from whom it says: what proves it, what does not, and what is said in words."""

from __future__ import annotations

import gzip
import re
import time
from datetime import UTC, datetime

import dkim
import pytest
import yaml

from apps.core import clock
from apps.mail.proof import judging
from apps.mail.proof.verdicts import Proof, Server, Verdict, judge
from tests.mail.proof.zone import SILENT, Signer, Zone

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
NOBODY = Server()
RAW = b"From: Dana <dana@goodmail.test>\r\nTo: care@clinic.test\r\nSubject: My visit\r\n\r\nCan I come later?\r\n"


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def goodmail(zone) -> Signer:
    return Signer(zone, "goodmail.test")


def judged(raw: bytes, zone: Zone, *, server: Server = NOBODY, ids: tuple[str, ...] = (), now=NOW) -> Verdict:
    """In this process: what runs inside is the same function, and a process for each would cost a second."""
    return Verdict.from_json(
        judging.judge(
            raw,
            ask=lambda question: _answer(zone, question),
            now=int(now.timestamp()),
            address=server.address,
            greeting=server.greeting,
            mail_from=server.mail_from,
            names=list(ids),
        )[0]
    )


def _answer(zone: Zone, question: dict) -> list[str] | None:
    from apps.mail.proof.names import Unanswered

    try:
        return list(zone.look_up(question["name"], question["record"]))
    except Unanswered:
        return None


@pytest.fixture(autouse=True)
def the_clock_of_the_library(monkeypatch):
    """Signing and judging set it; it is put back."""
    monkeypatch.setattr(dkim, "time", time)
    with clock.frozen(NOW):
        yield


def test_a_signature_of_the_senders_domain_proves_it(goodmail, zone):
    verdict = judge(goodmail.sign(RAW), names=zone, now=NOW, server=Server(), authserv_ids=frozenset())
    assert (verdict.state, verdict.words) == (Proof.PROVEN, "Proven: signed by goodmail.test")
    assert Verdict.from_json(verdict.to_json()) == verdict
    assert verdict.policy == "reject"


def test_a_signature_proves_without_a_record_and_below_an_organization(zone):
    assert judged(Signer(zone, "goodmail.test", dmarc="").sign(RAW), zone).state is Proof.PROVEN
    raw = RAW.replace(b"@goodmail.test", b"@mail.big.test")
    assert judged(Signer(zone, "big.test").sign(raw), zone).state is Proof.PROVEN
    assert judged(Signer(zone, "big.test", dmarc="v=DMARC1; adkim=s").sign(raw), zone).state is Proof.UNPROVEN


def test_what_is_not_signed_or_by_somebody_else_is_unproven(goodmail, zone):
    assert judged(RAW, zone).words == "Unproven: it is not signed"
    other = judged(Signer(zone, "evil.test").sign(RAW), zone)
    assert other.words == "Unproven: signed by evil.test, which does not speak for goodmail.test"


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (lambda raw: raw.replace(b"later", b"never"), "the text is not what goodmail.test signed"),
        (lambda raw: raw.replace(b"My visit", b"My pills"), "the signature of goodmail.test does not fit"),
        (lambda raw: raw.replace(b"From: Dana", b"From: Eve"), "the signature of goodmail.test does not fit"),
        (lambda raw: raw.replace(b"s=s1", b"s=s2"), "the key that goodmail.test signed with is not published"),
        (lambda raw: raw.replace(b"v=1", b"v=2"), "the signature of goodmail.test is malformed"),
        (lambda raw: b"From: boss@clinic.test\r\n" + raw, "it names more than one sender"),
        (lambda raw: raw.replace(b"<dana@goodmail.test>", b"<dana@goodmail.test>, x@y.test"), "more than one sender"),
        (lambda raw: raw.replace(b"From: Dana <dana@goodmail.test>\r\n", b""), "it names no sender"),
        (lambda raw: raw.replace(b"<dana@goodmail.test>", b"nobody"), "its sender cannot be read"),
    ],
)
def test_what_was_changed_is_unproven_and_said_why(goodmail, zone, forge, said):
    verdict = judged(forge(goodmail.sign(RAW)), zone)
    assert verdict.state is Proof.UNPROVEN
    assert said in verdict.words


def test_part_of_a_text_a_test_and_an_old_signature_prove_nothing(zone, goodmail):
    part = judged(goodmail.sign(RAW, length=True) + b"Cancel everything.\r\n", zone)
    assert part.words == "Unproven: the signature of goodmail.test covers only a part of the text"
    testing = judged(Signer(zone, "goodmail.test", key_flags="y").sign(RAW), zone)
    assert "says of itself that it is a test" in testing.words


@pytest.mark.shared_data
def test_expiry_is_judged_by_the_clock_that_is_given(data_of):
    raw, zone = data_of("mail-auth/dkim-stalwart/dkim/005.txt")
    signed = int(re.search(rb"t=(\d+)", raw).group(1))
    assert judged(raw, zone, now=datetime.fromtimestamp(signed + 60, UTC)).signatures[0].result == "pass"
    assert judged(raw, zone).signatures[0].result == "expired"


def test_where_the_dns_is_silent_the_letter_could_not_be_checked(goodmail, zone):
    raw = goodmail.sign(RAW)
    zone.rows[("s1._domainkey.goodmail.test", "TXT")] = SILENT
    verdict = judged(raw, zone)
    assert verdict.state is Proof.UNCHECKED
    assert "Could not be checked" in verdict.words
    zone.rows[("_dmarc.goodmail.test", "TXT")] = SILENT
    assert judged(raw, zone).state is Proof.UNCHECKED
    Signer(zone, "goodmail.test", dmarc="")
    # The domain's own signature needs no record.
    assert judged(raw, zone).state is Proof.PROVEN


def test_a_server_proves_where_its_domain_publishes_dmarc(zone):
    server = Server("192.0.2.7", "mx.goodmail.test", "dana@goodmail.test")
    zone.rows[("goodmail.test", "TXT")] = ["v=spf1 ip4:192.0.2.0/24 -all"]
    assert judged(RAW, zone, server=server).state is Proof.UNPROVEN
    zone.rows[("_dmarc.goodmail.test", "TXT")] = ["v=DMARC1; p=none"]
    verdict = judged(RAW, zone, server=server)
    assert (verdict.state, verdict.by, verdict.server) == (Proof.PROVEN, "spf", "pass")
    assert judged(RAW, zone, server=Server("198.51.100.1", "x", "dana@goodmail.test")).server == "fail"
    assert judged(RAW, zone, server=Server("192.0.2.7", "x", "eve@evil.test")).state is Proof.UNPROVEN


def test_the_server_is_that_which_our_mx_names(zone):
    zone.rows[("goodmail.test", "TXT")] = ["v=spf1 ip4:192.0.2.0/24 -all"]
    zone.rows[("_dmarc.goodmail.test", "TXT")] = ["v=DMARC1; p=none"]
    raw = b"Received: from m (m [192.0.2.7])\r\n\tby mx.clinic.test (Postfix)\r\n" + RAW
    server = Server(mail_from="dana@goodmail.test")
    assert judged(raw, zone, server=server, ids=("mx.clinic.test",)).by == "spf"
    assert judged(raw, zone, server=server).state is Proof.UNPROVEN


@pytest.mark.parametrize(
    ("field", "state"),
    [
        ("mx.clinic.test; dmarc=pass header.from=goodmail.test", Proof.PROVEN),
        ("mx.clinic.test; dkim=pass header.d=goodmail.test", Proof.PROVEN),
        ("mx.clinic.test; dmarc=pass header.from=evil.test", Proof.UNPROVEN),
        ("mx.clinic.test; dkim=pass header.d=evil.test; dmarc=fail header.from=goodmail.test", Proof.UNPROVEN),
        ("mx.clinic.test; dkim=fail header.d=goodmail.test", Proof.UNPROVEN),
        ("evil.test; dmarc=pass header.from=goodmail.test", Proof.UNPROVEN),
    ],
)
def test_our_own_mx_is_believed_and_nobody_else(zone, field, state):
    raw = f"Authentication-Results: {field}\r\n".encode() + RAW
    assert judged(raw, zone, ids=("mx.clinic.test",)).state is state
    assert judged(raw, zone).state is Proof.UNPROVEN


@pytest.mark.parametrize(
    "raw", [b"", b"\0\xff" * 50, b"DKIM-Signature: \r\n\r\n", b"From: \xff@\xff\r\nDKIM-Signature: v=1;;\r\n"]
)
def test_nothing_is_too_odd_to_be_judged(zone, raw):
    assert judge(raw, names=zone, now=NOW, server=Server("x"), authserv_ids=frozenset()).state is Proof.UNPROVEN


@pytest.fixture
def data_of(shared_data):
    """A letter of the collection and the zone that its first lines are."""

    def read(name: str) -> tuple[bytes, Zone]:
        head, _, raw = (shared_data / name).read_bytes().partition(b"\n\n")
        rows = (line.partition(" ") for line in head.decode("latin-1").splitlines())
        raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return raw, Zone({(name.rstrip("."), "TXT"): [value] for name, _, value in rows if value})

    return read


@pytest.mark.shared_data
@pytest.mark.parametrize("number", ["001", "002", "003"])
def test_letters_of_others_verify(data_of, number):
    raw, zone = data_of(f"mail-auth/dkim-stalwart/dkim/{number}.txt")
    assert {one.result for one in judged(raw, zone).signatures} == {"pass"}


@pytest.mark.shared_data
def test_the_suite_of_rfc_7208(shared_data):
    """Each scenario with its allowed results; one SPF check each, in this process."""
    text = gzip.decompress((shared_data / "mail-auth/spf-suite/rfc7208-tests.yml.gz").read_bytes()).decode()
    wrong, number = [], 0
    for scenario in yaml.safe_load_all(text):
        zone = _zone_of(scenario["zonedata"])
        for name, one in scenario["tests"].items():
            server = Server(str(one["host"]), str(one["helo"]), str(one["mailfrom"]))
            allowed = one["result"] if isinstance(one["result"], list) else [one["result"]]
            number += 1
            found = judged(RAW, zone, server=server).server
            if found not in allowed:
                wrong.append((name, found, allowed))
    assert number > 70
    assert wrong == []


def _zone_of(data: dict) -> Zone:
    zone = Zone()
    for name, rows in data.items():
        name = str(name).lower()
        kinds = {next(iter(row)) for row in rows if isinstance(row, dict)}
        for row in rows:
            if row == "TIMEOUT":
                for kind in ("TXT", "A", "AAAA", "MX", "PTR"):
                    zone.rows.setdefault((name, kind), SILENT)
                continue
            ((kind, value),) = row.items()
            # As the suite says: what is given as SPF is TXT too, unless TXT is given.
            kind = "TXT" if kind == "SPF" and "TXT" not in kinds else kind
            if kind == "SPF" or value == "NONE":
                continue
            text = "".join(value) if isinstance(value, list) and kind == "TXT" else value
            text = " ".join(map(str, text)) if isinstance(text, list) else str(text)
            zone.rows[(name, kind)] = [*(r for r in zone.rows.get((name, kind), []) if r != "SILENT"), text]
    return zone
