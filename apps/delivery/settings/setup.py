"""How the installation sends, as one frozen value: what the sealed settings row holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.delivery.policy.routing import PolicyTable, Relay
from apps.mail.mx import Host
from apps.mail.tls import TlsClass


@dataclass(frozen=True)
class RelaySetup:
    """The relay that all mail passes. `vendor` is its number in the BAA register, `beyond` what the register
    records that it enforces after itself.
    """

    host: str
    port: int = 587
    username: str = ""
    password: str = field(default="", repr=False)
    implicit_tls: bool = False
    vendor: int | None = None
    beyond: TlsClass | None = None


@dataclass(frozen=True)
class Setup:
    """Everything delivery is told. `decision` keeps who decided which class health information needs, and why
    (a recorded risk decision: 45 CFR 164.306(d)(3)).
    """

    mode: str = "direct"
    helo: str = "localhost"
    sending_domain: str = ""
    bounce_domain: str = ""
    relay: RelaySetup | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    pins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    decision: Mapping[str, Any] = field(default_factory=dict)
    lanes: int = 32
    lanes_per_domain: int = 16
    unengaged_days: int = 180
    unengaged_messages: int = 5
    silent_months: int = 18

    @property
    def bounces(self) -> str:
        """The domain of return paths: a subdomain of the sending domain, so that both align (B-317)."""
        return self.bounce_domain or (f"bounce.{self.sending_domain}" if self.sending_domain else "localhost")

    @property
    def relay_host(self) -> Host | None:
        """Where to connect when everything passes a relay."""
        if self.mode != "relay" or self.relay is None:
            return None
        return Host(self.relay.host, self.relay.host, self.relay.port)

    def table(self, *, baa_in_force: bool) -> PolicyTable:
        """The organization's policy; `baa_in_force` comes from the register and counts only for a relay."""
        relay = None
        if self.mode == "relay" and self.relay is not None:
            relay = Relay(baa_in_force=baa_in_force, beyond=self.relay.beyond)
        return PolicyTable.from_json(self.policy, relay=relay)

    def to_json(self) -> dict[str, Any]:
        """The form that is sealed."""
        found: dict[str, Any] = {
            "mode": self.mode,
            "helo": self.helo,
            "sending_domain": self.sending_domain,
            "bounce_domain": self.bounce_domain,
            "policy": dict(self.policy),
            "pins": {name: list(pins) for name, pins in self.pins.items()},
            "decision": dict(self.decision),
            "lanes": self.lanes,
            "lanes_per_domain": self.lanes_per_domain,
            "unengaged_days": self.unengaged_days,
            "unengaged_messages": self.unengaged_messages,
            "silent_months": self.silent_months,
        }
        if self.relay is not None:
            found["relay"] = {
                **vars(self.relay),
                "beyond": None if self.relay.beyond is None else int(self.relay.beyond),
            }
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Setup:
        """Read what `to_json` wrote; keys of other versions are left out."""
        given = {k: v for k, v in data.items() if k in cls.__dataclass_fields__ and k != "relay"}
        given["pins"] = {name: tuple(pins) for name, pins in given.get("pins", {}).items()}
        relay = data.get("relay")
        if relay:
            beyond = relay.get("beyond")
            given["relay"] = RelaySetup(**{**relay, "beyond": None if beyond is None else TlsClass(beyond)})
        return cls(**given)
