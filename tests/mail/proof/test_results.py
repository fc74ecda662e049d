"""Authentication-Results (RFC 8601): read as its grammar is, believed from our own MX only."""

from __future__ import annotations

import pytest

from apps.mail.proof.results import of_our_own, parse, sending_server

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


@pytest.mark.parametrize(
    ("received", "told"),
    [
        (
            "from mail.x.test (mail.x.test [192.0.2.7]) by mx.clinic.test (Postfix) with ESMTPS",
            ("192.0.2.7", "mail.x.test"),
        ),
        ("from [198.51.100.9] (unknown [IPv6:2001:db8::7]) by MX.clinic.test; Mon", ("2001:db8::7", "[198.51.100.9]")),
        ("from a (a [192.0.2.7]) (using TLSv1.3) by mx.clinic.test with ESMTPS", ("192.0.2.7", "a")),
        ("from a (a [192.0.2.7]) by mx.evil.test", ("", "")),
        ("from [192.0.2.7] (helo=a) by mx.clinic.test", ("", "")),
        ("by mx.clinic.test", ("", "")),
    ],
)
def test_the_sending_server_is_told_by_our_mx(received, told):
    below = ("Received", "from b (b [203.0.113.1]) by mx.clinic.test")
    assert sending_server([("Received", received), below], OURS) == told
    assert sending_server([("Received", received)], []) == ("", "")
