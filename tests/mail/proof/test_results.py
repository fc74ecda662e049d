"""Authentication-Results (RFC 8601): read as its grammar is, believed from our own MX only."""

from __future__ import annotations

import pytest

from apps.mail.proof.results import of_our_own, parse

OURS = ["mx.clinic.test"]


@pytest.mark.parametrize(
    ("value", "server", "found"),
    [
        ("mx.clinic.test; none", "mx.clinic.test", []),
        (
            "MX.Clinic.test 1; dkim=pass (good (really) signature) header.d=goodmail.test header.i=@goodmail.test",
            "mx.clinic.test",
            [("dkim", "pass", {"header.d": "goodmail.test", "header.i": "@goodmail.test"})],
        ),
        (
            'mx.clinic.test; spf=pass smtp.mailfrom="a;b"@x.test; dmarc=FAIL reason="p=none; x" header.from=x.test',
            "mx.clinic.test",
            [
                ("spf", "pass", {"smtp.mailfrom": "a;b"}),
                ("dmarc", "fail", {"reason": "p=none; x", "header.from": "x.test"}),
            ],
        ),
        (
            "(mx.clinic.test) evil.test; dkim=pass header.d=x.test",
            "evil.test",
            [("dkim", "pass", {"header.d": "x.test"})],
        ),
        ('"evil.test; mx.clinic.test"; dkim=pass', "evil.test; mx.clinic.test", [("dkim", "pass", {})]),
        ("mx.clinic.test (never closed; dkim=pass", "", []),
        ("mx.clinic.test 2; dkim=pass", "", []),
        ("; dkim=pass", "", []),
        ("", "", []),
    ],
)
def test_a_field_is_read(value, server, found):
    said, results = parse(value)
    assert said == server
    assert [(one.method, one.result, one.properties) for one in results] == found


def field(server: str = "mx.clinic.test") -> tuple[str, str]:
    return "Authentication-Results", f"{server}; dmarc=pass header.from=goodmail.test"


def test_only_our_own_name_counts_and_only_where_our_mx_writes():
    received = ("Received", "from a by b")
    assert len(of_our_own([field()], OURS)) == 1
    assert len(of_our_own([received, field()], OURS)) == 1
    assert of_our_own([received, received, field()], OURS) == []
    assert of_our_own([field("evil.test")], OURS) == []
    assert of_our_own([field("mx.clinic.test.evil.test")], OURS) == []
    assert of_our_own([field()], []) == []
