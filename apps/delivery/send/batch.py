"""What passes between claiming, sending and writing results, in memory only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.core.purposes import Purpose
from apps.delivery.policy.routing import Held, RouteName
from apps.delivery.send.sources import Claimed
from apps.mail.mx import Host
from apps.mail.smtp import Mail
from apps.mail.smtp_replies import ReplyOutcome
from apps.mail.tls import TlsClass


@dataclass(repr=False, slots=True)
class ClaimedRow:
    """A claimed row with what its statement read."""

    claimed: Claimed
    content: bytes | None
    evidence: bytes | None
    stop: str | None
    consent: str | None
    scopes: tuple[str, ...]


@dataclass(repr=False, slots=True)
class Job:
    """One message ready for the wire. Keys are those of its person, or None when it has none."""

    id: int
    kind: str
    stream: str
    source_id: int | None
    purpose: Purpose
    person_id: int | None
    domain: str
    mail: Mail
    route: RouteName
    level: int
    skeleton_id: int | None
    record: bytes
    attempts: int
    record_key: bytes | None
    profile_key: bytes | None
    earlier: list[dict[str, Any]]
    mailbox: bytes
    name: str = ""


@dataclass(repr=False, slots=True)
class Hold:
    """A message that must not leave, with its code word."""

    id: int
    kind: str
    source_id: int | None
    person_id: int | None
    profile_key: bytes | None
    code: Held
    level: int


@dataclass(repr=False, slots=True)
class Done:
    """How a job ended. `outcome` None: not begun, to be queued again as it was. `evidence` is sealed later."""

    job: Job
    outcome: ReplyOutcome | None
    evidence: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    weak: bool = False


@dataclass(slots=True)
class Measure:
    """What a connection showed about a domain's mail server."""

    domain: str
    host: Host
    tls: TlsClass
    fault: str


@dataclass
class Batch:
    """A claim: jobs in order by number of the lane, and counts of what was settled without sending."""

    lanes: dict[int, list[Job]] = field(default_factory=dict)
    claimed: int = 0
    held: int = 0
    failed: int = 0
    put_back: int = 0

    @property
    def size(self) -> int:
        """Jobs that go to the wire."""
        return sum(len(lane) for lane in self.lanes.values())
