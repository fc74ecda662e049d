"""The policy as a table, and what must hold whatever an organization's table says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.levels import Level
from apps.delivery.policy.routing import (
    FLOOR,
    Capability,
    Held,
    PolicyTable,
    Refusal,
    Relay,
    Route,
    RouteName,
    decide,
    effective_class,
    measured,
)
from apps.mail.tls import TlsClass

N, OPP, W, A = TlsClass.NONE, TlsClass.OPPORTUNISTIC, TlsClass.WEBPKI, TlsClass.AUTHENTICATED
DEMAND = PolicyTable(minimum={Level.HEALTH: A})
TLS_FIRST = PolicyTable(order={Level.HEALTH: (RouteName.TLS,)})
RELAY_NO_BAA = PolicyTable(relay=Relay(baa_in_force=False, beyond=W))
RELAY_SILENT = PolicyTable(relay=Relay(baa_in_force=True))
RELAY_ENFORCES = PolicyTable(relay=Relay(baa_in_force=True, beyond=W))


@pytest.mark.parametrize(
    ("level", "capability", "table", "expected"),
    [
        (Level.PUBLIC, Capability(tls=N), PolicyTable(), "tls"),
        (Level.PUBLIC, Capability(), PolicyTable(), "tls"),
        (Level.IDENTIFIER, Capability(tls=N), PolicyTable(), "tls"),
        (Level.IDENTIFIER, Capability(tls=N), PolicyTable(minimum={Level.IDENTIFIER: OPP}), "no_route"),
        (Level.IDENTIFIER, Capability(tls=OPP), PolicyTable(minimum={Level.IDENTIFIER: OPP}), "tls"),
        (Level.HEALTH, Capability(tls=W), PolicyTable(), "tls"),
        (Level.HEALTH, Capability(tls=A), PolicyTable(), "tls"),
        (Level.HEALTH, Capability(tls=OPP), PolicyTable(), "no_route"),
        (Level.HEALTH, Capability(tls=OPP, portal=True), PolicyTable(), "portal"),
        (Level.HEALTH, Capability(tls=N, portal=True), PolicyTable(), "portal"),
        (Level.HEALTH, Capability(portal=True), PolicyTable(), "portal"),
        (Level.HEALTH, Capability(tls=W, portal=True), DEMAND, "portal"),
        (Level.HEALTH, Capability(tls=A, portal=True), DEMAND, "tls"),
        (Level.HEALTH, Capability(tls=W, pgp=True, smime=True), PolicyTable(), "pgp"),
        (Level.HEALTH, Capability(tls=W, smime=True, portal=True), PolicyTable(), "smime"),
        (Level.HEALTH, Capability(tls=W, pgp=True), TLS_FIRST, "tls"),
        (Level.PROTECTED, Capability(tls=A), PolicyTable(), "no_route"),
        (Level.PROTECTED, Capability(tls=A, portal=True), PolicyTable(), "portal"),
        (Level.PROTECTED, Capability(tls=N, pgp=True, portal=True), PolicyTable(), "pgp"),
        (Level.HEALTH, Capability(tls=A, pgp=True, portal=True), RELAY_NO_BAA, "no_baa"),
        (Level.IDENTIFIER, Capability(tls=W), RELAY_NO_BAA, "tls"),
        (Level.HEALTH, Capability(tls=A, portal=True), RELAY_SILENT, "portal"),
        (Level.HEALTH, Capability(tls=W, portal=True), RELAY_ENFORCES, "tls"),
        (Level.HEALTH, Capability(tls=OPP, portal=True), RELAY_ENFORCES, "portal"),
    ],
)
def test_each_case_of_the_table(level, capability, table, expected):
    answer = decide(level, capability, table)
    assert (answer.name if isinstance(answer, Route) else answer.code) == expected
    assert answer.reason.endswith(".")
    assert answer.reason[0].isupper()


def test_the_way_beyond_a_relay_counts_as_none_unless_promised():
    assert effective_class(A, None) is A
    assert effective_class(A, Relay(baa_in_force=True)) is N
    assert effective_class(A, Relay(baa_in_force=True), requiretls=True) is W
    assert effective_class(OPP, Relay(baa_in_force=True, beyond=W)) is OPP


def test_a_server_that_lost_its_certificate_sends_the_message_to_the_portal():
    planned = Capability(tls=W, portal=True)
    assert decide(Level.HEALTH, planned, PolicyTable()).name is RouteName.TLS
    again = decide(Level.HEALTH, measured(planned, OPP), PolicyTable())
    assert again.name is RouteName.PORTAL
    assert "unverified certificate" in again.reason


capabilities = st.builds(
    Capability,
    tls=st.none() | st.sampled_from(TlsClass),
    pgp=st.booleans(),
    smime=st.booleans(),
    portal=st.booleans(),
)
relays = st.none() | st.builds(Relay, baa_in_force=st.booleans(), beyond=st.none() | st.sampled_from(TlsClass))
tables = st.builds(
    PolicyTable,
    minimum=st.dictionaries(st.sampled_from(Level), st.sampled_from(TlsClass)),
    order=st.dictionaries(st.sampled_from(Level), st.lists(st.sampled_from(RouteName)).map(tuple)),
    relay=relays,
)


@given(st.sampled_from(Level), capabilities, tables)
def test_no_table_lowers_the_floor(level, capability, table):
    answer = decide(level, capability, table)
    if isinstance(answer, Refusal):
        assert answer.code in {Held.NO_ROUTE, Held.NO_BAA}
        return
    if answer.name is RouteName.TLS:
        floor = FLOOR[level]
        assert floor is not None, "specially protected information never goes by TLS alone"
        assert answer.minimum >= floor
        assert effective_class(capability.tls or N, table.relay) >= answer.minimum
    else:
        assert getattr(capability, answer.name)
    if level >= Level.HEALTH and table.relay:
        assert table.relay.baa_in_force


@given(st.sampled_from(Level), capabilities, tables)
def test_better_tls_never_takes_a_way_away(level, capability, table):
    if isinstance(decide(level, capability, table), Route):
        assert isinstance(decide(level, measured(capability, A), table), Route)


@given(st.sampled_from(Level), capabilities, tables)
def test_a_higher_level_is_never_easier(level, capability, table):
    if isinstance(decide(level, capability, PolicyTable(relay=table.relay)), Refusal):
        for higher in Level:
            if higher > level:
                assert isinstance(decide(higher, capability, PolicyTable(relay=table.relay)), Refusal) or (
                    capability.pgp or capability.smime
                )


@given(tables)
def test_the_stored_form_reads_back(table):
    assert PolicyTable.from_json(table.to_json(), relay=table.relay) == table
