"""Which way a message may travel to one recipient, or why it may not travel at all.

Pure: facts in, a `Route` or a `Refusal` out, both with the reason in words. The same function draws the
plan shown before sending and decides again at the moment of sending. There is no "send anyway": a caller
that holds a `Refusal` has nothing to send with.

The floor of each level cannot be lowered by an organization, only raised (45 CFR 164.312(e), and the
design decision B-331: health information travels by TLS only when the very connection that carries it has
a valid certificate for the name of the MX).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from apps.core.levels import Level
from apps.delivery.policy import returned_mailboxes
from apps.mail.tls import TLS_WORDS, TlsClass


class RouteName(StrEnum):
    """The four ways to a recipient; the names are the keys of the setting `DELIVERY_ROUTES`."""

    TLS = "tls"
    PGP = "pgp"
    SMIME = "smime"
    PORTAL = "portal"


class Held(StrEnum):
    """Why a message does not leave. The words for people are in `HELD_WORDS`."""

    NO_CONSENT = "no_consent"
    SUPPRESSED = "suppressed"
    DECEASED = "deceased"
    MINOR = "minor"
    NO_ROUTE = "no_route"
    DUPLICATE_MAILBOX = "duplicate_mailbox"
    NO_ADDRESS = "no_address"
    RULE_MISMATCH = "rule_mismatch"
    STOPPED = "stopped"
    NO_BAA = "no_baa"
    MISSING_FIELD = "missing_field"
    ERASED = "erased"
    MIXED_UP = "mixed_up"
    MERGED = "merged"
    VISIT_IN_DOUBT = "visit_in_doubt"
    ALTERED = "altered"


HELD_WORDS: Mapping[Held, str] = MappingProxyType(
    {
        Held.NO_CONSENT: "No consent for this purpose",
        Held.SUPPRESSED: "The mailbox is suppressed",
        Held.DECEASED: "The person has died",
        Held.MINOR: "A minor without a guardian on record",
        Held.NO_ROUTE: "No way to this mailbox is safe enough",
        Held.DUPLICATE_MAILBOX: "The same mailbox already gets this message",
        Held.NO_ADDRESS: "No e-mail address",
        Held.RULE_MISMATCH: "The opened record does not match the segment's rule",
        Held.STOPPED: "Stopped before it left",
        Held.NO_BAA: "The relay's vendor has no BAA in force",
        Held.MISSING_FIELD: "A merge field without fallback is empty",
        Held.ERASED: "The person was erased",
        Held.MIXED_UP: "Values of somebody else were in it",
        Held.MERGED: "The person was on record twice",
        Held.VISIT_IN_DOUBT: "The visit is in doubt",
        Held.ALTERED: "What stops the mailbox was altered",
    }
)

# What the words of a plan or report mean to whoever reads them for the first time.
HELD_HINTS: Mapping[Held, str] = MappingProxyType(
    {
        Held.NO_CONSENT: "They said no, or this purpose needs a yes that is not on record.",
        Held.SUPPRESSED: "They unsubscribed, or mail to this address came back: nothing more is sent to it.",
        Held.DECEASED: "Their record has a date of death.",
        Held.MINOR: "A child's mail goes to a guardian; add one to the record.",
        Held.NO_ROUTE: "Health information needs a checked connection, a key of theirs or the portal; they have none.",
        Held.DUPLICATE_MAILBOX: "Two people share an address: it gets one copy, not two.",
        Held.NO_ADDRESS: "Add an e-mail address to their record.",
        Held.RULE_MISMATCH: "They fitted when the list was made and no longer do.",
        Held.STOPPED: "The campaign was stopped, or no longer approved, before their turn.",
        Held.NO_BAA: "Mail with health information waits until the agreement with the vendor is in force.",
        Held.MISSING_FIELD: "The text needs a value that their record does not have.",
        Held.ERASED: "Their record was erased before their turn.",
        Held.MERGED: "Two records became one, and this would have been the second copy, or for the one that is closed.",
        Held.MIXED_UP: "What was merged did not match the opened record, so it did not leave. Tell an administrator.",
        Held.VISIT_IN_DOUBT: "It goes out when care staff confirm the visit in time, and ends when they cancel it.",
        Held.ALTERED: "The list of stopped mailboxes was altered in the database. An administrator has to look.",
    }
)

# The lowest class of TLS that may carry a level. PROTECTED has none: never by TLS alone.
FLOOR: Mapping[Level, TlsClass | None] = MappingProxyType(
    {
        Level.PUBLIC: TlsClass.NONE,
        Level.IDENTIFIER: TlsClass.NONE,
        Level.HEALTH: TlsClass.WEBPKI,
        Level.PROTECTED: None,
    }
)

# A person who gave a key wants it used; after that the way with the fewest steps for the reader (S-100).
ORDER: Mapping[Level, tuple[RouteName, ...]] = MappingProxyType(
    {
        Level.PUBLIC: (RouteName.TLS, RouteName.PORTAL),
        Level.IDENTIFIER: (RouteName.TLS, RouteName.PORTAL),
        Level.HEALTH: (RouteName.PGP, RouteName.SMIME, RouteName.TLS, RouteName.PORTAL),
        Level.PROTECTED: (RouteName.PGP, RouteName.SMIME, RouteName.PORTAL),
    }
)

ROUTE_WORDS: Mapping[RouteName, str] = MappingProxyType(
    {
        RouteName.TLS: "Verified TLS",
        RouteName.PGP: "PGP",
        RouteName.SMIME: "S/MIME",
        RouteName.PORTAL: "Portal",
    }
)


ROUTE_HINTS: Mapping[RouteName, str] = MappingProxyType(
    {
        RouteName.TLS: "Ordinary mail; the connection to the mail server is encrypted and checked",
        RouteName.PGP: "Encrypted with the person's own PGP key",
        RouteName.SMIME: "Encrypted with the person's own S/MIME certificate",
        RouteName.PORTAL: "A neutral notice by mail; the message is read after signing in",
    }
)


@dataclass(frozen=True)
class Relay:
    """What the register says about the relay that all mail passes.

    `beyond` is the class the relay is recorded to enforce after itself (None: it promises nothing).
    """

    baa_in_force: bool
    beyond: TlsClass | None = None


@dataclass(frozen=True)
class Capability:
    """What one recipient's mailbox can take. `tls` None means never measured, which counts as none.

    `unproven` is why nobody knows whose the mailbox is by now (`returned_mailboxes.WORDS`), or "".
    """

    tls: TlsClass | None = None
    pgp: bool = False
    smime: bool = False
    portal: bool = False
    unproven: str = ""


@dataclass(frozen=True)
class PolicyTable:
    """The organization's table: minimum class of TLS and order of routes for each level.

    Values below the floor of a level are lifted to it by `minimum_for`, so that a damaged or forged row
    can only ask for more protection, never for less.
    """

    minimum: Mapping[Level, TlsClass] = field(default_factory=dict)
    order: Mapping[Level, tuple[RouteName, ...]] = field(default_factory=dict)
    relay: Relay | None = None

    def minimum_for(self, level: Level) -> TlsClass | None:
        """The class that `level` needs here; None when TLS alone may never carry it."""
        floor = FLOOR[level]
        if floor is None:
            return None
        return max(floor, self.minimum.get(level, floor))

    def order_for(self, level: Level) -> tuple[RouteName, ...]:
        """The routes to try for `level`, in order; routes a level does not allow are left out."""
        allowed = ORDER[level]
        chosen = tuple(route for route in self.order.get(level, ()) if route in allowed)
        return chosen + tuple(route for route in allowed if route not in chosen)

    @classmethod
    def from_json(cls, data: Mapping[str, Any], relay: Relay | None = None) -> PolicyTable:
        """Read the stored form `{"minimum": {"2": 3}, "order": {"2": ["tls", ...]}}`; unknown keys raise."""
        minimum = {Level(int(k)): TlsClass(int(v)) for k, v in data.get("minimum", {}).items()}
        order = {Level(int(k)): tuple(RouteName(r) for r in v) for k, v in data.get("order", {}).items()}
        return cls(minimum=minimum, order=order, relay=relay)

    def to_json(self) -> dict[str, Any]:
        """The stored form; see `from_json`."""
        return {
            "minimum": {str(int(k)): int(v) for k, v in self.minimum.items()},
            "order": {str(int(k)): [str(r) for r in v] for k, v in self.order.items()},
        }


@dataclass(frozen=True)
class Route:
    """A way that may be taken. `minimum` is what the connection must be measured to have before DATA."""

    name: RouteName
    reason: str
    minimum: TlsClass


@dataclass(frozen=True)
class Refusal:
    """No way may be taken; `reason` is a sentence for the person who looks at the held message."""

    code: Held
    reason: str


def effective_class(hop: TlsClass, relay: Relay | None, *, requiretls: bool = False) -> TlsClass:
    """The class of the whole way, given the class measured on our own hop.

    Behind a relay it is that of the hop to the relay and "none" beyond it, unless REQUIRETLS was used on
    this message (RFC 8689) or the register records that this relay enforces a class.
    """
    if relay is None:
        return hop
    beyond = relay.beyond if relay.beyond is not None else TlsClass.NONE
    if requiretls:
        beyond = max(beyond, TlsClass.WEBPKI)
    return min(hop, beyond)


def decide(level: Level, capability: Capability, table: PolicyTable) -> Route | Refusal:
    """The way for one message to one recipient, or the refusal.

    `level` is the highest of what was merged, what the audience reveals and what the author declared.
    """
    if table.relay is not None and level >= Level.HEALTH and not table.relay.baa_in_force:
        return Refusal(
            Held.NO_BAA,
            "The relay belongs to a vendor without a business associate agreement in force. Record the "
            "signed agreement under Compliance, or deliver directly.",
        )
    if returned_mailboxes.portal_only(level, capability.unproven):
        if capability.portal:
            return Route(RouteName.PORTAL, returned_mailboxes.reason(capability.unproven), TlsClass.NONE)
        return Refusal(
            Held.NO_ROUTE,
            f"{returned_mailboxes.WORDS[capability.unproven]}, and the person cannot sign in to the portal. Add a "
            "birth date, confirm the mailbox, or enter another address.",
        )
    minimum = table.minimum_for(level)
    # Inner encryption and portal notices go over whatever connection there is.
    carried = effective_class(capability.tls or TlsClass.NONE, table.relay)
    for name in table.order_for(level):
        if name is RouteName.TLS and minimum is not None and carried >= minimum:
            return Route(name, _tls_reason(level, carried), minimum)
        if name is RouteName.PGP and capability.pgp:
            return Route(name, "This person has a valid PGP key.", TlsClass.NONE)
        if name is RouteName.SMIME and capability.smime:
            return Route(name, "This person has a valid S/MIME certificate.", TlsClass.NONE)
        if name is RouteName.PORTAL and capability.portal:
            return Route(name, _portal_reason(level, capability, table), TlsClass.NONE)
    return Refusal(Held.NO_ROUTE, _no_route_reason(level, capability, table))


def measured(capability: Capability, tls: TlsClass) -> Capability:
    """The same recipient after the connection that wanted to send was measured."""
    return replace(capability, tls=tls)


def _tls_reason(level: Level, carried: TlsClass) -> str:
    if carried is TlsClass.NONE:
        return "This level may travel without encryption; TLS is used wherever the server offers it."
    return f"The mail server offers {TLS_WORDS[carried]}."


def _what_lacks(level: Level, capability: Capability, table: PolicyTable) -> str:
    minimum = table.minimum_for(level)
    if minimum is None:
        return "Specially protected information never travels by TLS alone."
    if capability.tls is None:
        return "The mail server has not been measured yet."
    if table.relay is not None and capability.tls >= minimum:
        return "The relay does not promise a verified connection after itself."
    return f"The mail server offers {TLS_WORDS[capability.tls]}; this needs {TLS_WORDS[minimum]}."


def _portal_reason(level: Level, capability: Capability, table: PolicyTable) -> str:
    return f"{_what_lacks(level, capability, table)} The message waits in the portal."


def _no_route_reason(level: Level, capability: Capability, table: PolicyTable) -> str:
    lacks = _what_lacks(level, capability, table)
    return (
        f"{lacks} There is no usable key and the person cannot sign in to the portal. "
        "Add a birth date, a key, or another address."
    )
