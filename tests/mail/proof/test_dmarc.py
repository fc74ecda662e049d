"""DMARC by RFC 9989: the walk up the tree, whose record speaks, and who speaks for whom."""

from __future__ import annotations

import pytest

from apps.mail.proof import dmarc


def zone(**records: str):
    """Records by domain, dots written as double underscores."""
    texts = {f"_dmarc.{name.replace('__', '.')}": [record] for name, record in records.items()}
    asked: list[str] = []

    def look_up(name: str) -> list[str]:
        asked.append(name)
        return texts.get(name, [])

    look_up.asked = asked  # type: ignore[attr-defined]
    return look_up


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("v=DMARC1; p=reject; rua=mailto:a@b.test", "reject"),
        ("v=DMARC1;p=QUARANTINE", "quarantine"),
        ("v=DMARC1; rua=mailto:a@b.test", "none"),
        ("v=DMARC1; p=nonsense; pct=20", "none"),
        ("v=DMARC1", "none"),
    ],
)
def test_a_record_is_read(text, policy):
    assert dmarc.Record("x.test", dmarc.parse(text)).policy == policy


@pytest.mark.parametrize("text", ["v=spf1 -all", "p=reject; v=DMARC1", "v=DMARC12; p=none", "V=dmarc1; p=none", ""])
def test_what_is_no_record_is_none(text):
    assert dmarc.parse(text) is None


def test_the_walk_asks_at_most_eight_names():
    look_up = zone()
    dmarc.walk("a.b.c.d.e.f.g.h.i.j.mail.example.com", look_up)
    assert look_up.asked[:3] == [
        "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "_dmarc.g.h.i.j.mail.example.com",
        "_dmarc.h.i.j.mail.example.com",
    ]
    assert len(look_up.asked) == 8
    assert look_up.asked[-1] == "_dmarc.com"


def test_the_organization_is_the_shortest_name_with_a_record():
    look_up = zone(example__com="v=DMARC1; p=none", a__example__com="v=DMARC1; p=reject")
    records = dmarc.walk("b.a.example.com", look_up)
    assert dmarc.organization("b.a.example.com", records) == "example.com"
    assert dmarc.policy_record("b.a.example.com", records).domain == "example.com"
    assert dmarc.policy_record("a.example.com", records).policy == "reject"


def test_a_public_suffix_and_the_head_of_an_organization_say_so():
    look_up = zone(bank="v=DMARC1; p=reject; psd=y", dept__big__test="v=DMARC1; p=none; psd=n", big__test="v=DMARC1")
    assert dmarc.organization("mail.acme.bank", dmarc.walk("mail.acme.bank", look_up)) == "acme.bank"
    assert dmarc.policy_record("mail.acme.bank", dmarc.walk("mail.acme.bank", look_up)).domain == "bank"
    assert dmarc.organization("x.dept.big.test", dmarc.walk("x.dept.big.test", look_up)) == "dept.big.test"


def test_two_records_are_as_good_as_none():
    assert dmarc.walk("x.test", lambda name: ["v=DMARC1; p=none", "v=DMARC1; p=reject"]) == []


@pytest.mark.parametrize(
    ("domain", "strict", "aligned"),
    [
        ("example.com", True, True),
        ("mail.example.com", True, False),
        ("mail.example.com", False, True),
        ("other.com", False, False),
        ("com", False, False),
        ("example.org", False, False),
    ],
)
def test_who_speaks_for_whom(domain, strict, aligned):
    look_up = zone(example__com="v=DMARC1; p=none", other__com="v=DMARC1; p=none")

    def organization_of(name: str) -> str:
        return dmarc.organization(name, dmarc.walk(name, look_up))

    assert dmarc.is_aligned(domain, "example.com", strict=strict, organization_of=organization_of) is aligned
