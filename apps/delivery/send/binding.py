"""Nobody gets another person's values: what a message was made of is checked, bound, and checked again.

Three guards, for every door (campaign, journey, notice, reply, account mail, test), because a list that slipped by one
row tells everybody about their neighbor and no single step notices:

- **The row-shift guard**: before merging, each value that a source gave for somebody is compared with the opened record
  of the one the message is for. The record is sealed under that person's key, so it cannot be somebody else's.
- **The canary**: in each claim, behind the last message of a template, an invented recipient is merged once more. The
  copy must be what it was when this process met the template first, byte for byte: nothing of those before stuck.
- **The MAC**: message, person, address, merged values and content are bound together where they come from, and checked
  when the jobs of a claim are given out and again on the connection, before MAIL. The key lives as long as the process.

Finished mail (notices, replies, account mail) is bound to its row and person by its seal besides.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.contacts.person.fields import FIELDS, value_of
from apps.core import keyed
from apps.core.errors import Refused
from apps.delivery.send.batch import Job
from apps.mail.compiled import CompiledMessage, Envelope, MergedMessage, MissingField
from apps.mail.smtp import Mail

log = logging.getLogger(__name__)
Merge = Callable[[CompiledMessage, Mapping[str, Any], Envelope], MergedMessage]

_KEY = os.urandom(32)
_PLAIN = {spec.name: spec.path[0] for spec in FIELDS.values() if spec.merge and len(spec.path) == 1}
_NESTED = frozenset(spec.name for spec in FIELDS.values() if spec.merge and len(spec.path) > 1)
_KEPT = 64
_CANARY_DATE = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
# A text that every format can write, so that each slot of a template shows something.
_CANARY_VALUE = "2031-05-06T07:08:09+00:00"
_canaries: OrderedDict[int, tuple[CompiledMessage, bytes]] = OrderedDict()


def theirs(facts: Mapping[str, Any], profile: Mapping[str, Any]) -> bool:
    """Whether every value in ``facts`` that stands in a record is the one of this ``profile``."""
    for name, given in facts.items():
        key = _PLAIN.get(name)
        if key is not None:
            if given is not profile.get(key) and given != profile.get(key):
                return False
        elif name in _NESTED:
            if given != value_of(profile, name):
                return False
        elif name == "attributes":
            known = profile.get(name) or {}
            if any(known.get(own) != value for own, value in given.items()):
                return False
    return True


class MixedUp(Exception):
    """Values of one recipient came into the copy of another, or a mail to a wrong job: nothing of the claim leaves."""


def canary_know(compiled: CompiledMessage, merge: Merge) -> None:
    """Make an invented recipient's copy of ``compiled`` before anybody else's, if this process has none."""
    known = _canaries.get(id(compiled))
    if known is None or known[0] is not compiled:
        _canaries[id(compiled)] = (compiled, _canary(compiled, merge))
        while len(_canaries) > _KEPT:
            _canaries.popitem(last=False)


def canaries_check(templates: Iterable[CompiledMessage], merge: Merge) -> None:
    """Make that copy again behind everybody else's. Raises ``MixedUp`` when it is not the same any more."""
    for compiled in templates:
        known = _canaries.get(id(compiled))
        if known is not None and known[0] is compiled and known[1] != _canary(compiled, merge):
            raise MixedUp("A copy for an invented recipient came out differently behind those of others.")


def _canary(compiled: CompiledMessage, merge: Merge) -> bytes:
    facts: dict[str, Any] = {}
    for path, _ in compiled.fields():
        here = facts
        for step in path[:-1]:
            inner = here.get(step)
            here = here.setdefault(step, {}) if isinstance(inner, dict) or inner is None else {}
        here.setdefault(path[-1], _CANARY_VALUE)
    envelope = Envelope(
        to_address="canary@example.test",
        to_name="Canary",
        date=_CANARY_DATE,
        message_id="canary@example.test",
        list_unsubscribe_url="https://example.test/canary",
        portal_url="https://example.test/canary",
    )
    try:
        return merge(compiled, facts, envelope).sha256
    except (MissingField, Refused, ValueError) as error:
        return type(error).__name__.encode()


@dataclass(frozen=True, slots=True, repr=False)
class Bound:
    """What a mail was made of. Called with a mail it says whether it is that one, whole.

    ``content`` is where the bytes begin that are bound: signatures stand before them.
    """

    message: int
    person: int
    values: bytes
    content: int
    mac: bytes

    def __call__(self, mail: Mail) -> bool:
        digest = hashlib.sha256(memoryview(mail.data)[self.content :]).digest()
        if hmac.compare_digest(self.mac, _mac(self.message, self.person, mail.recipient, self.values, digest)):
            return True
        log.error("Message %d is not what was made for its person; it does not leave.", self.message)
        return False


def bind(
    *, message: int, person: int | None, recipient: str, record: Mapping[str, Any], content: int, digest: bytes
) -> Bound:
    """Bind a mail that was just made. ``record`` has the merged values, ``digest`` is the SHA-256 of what is bound."""
    values = hashlib.sha256("\x1f".join(record.get("slots", ())).encode()).digest()
    owner = person or 0
    return Bound(message, owner, values, content, _mac(message, owner, recipient, values, digest))


def jobs_check(jobs: Iterable[Job]) -> None:
    """Raise ``MixedUp`` unless each job that is about to be given out has the mail made for its message and person."""
    for job in jobs:
        bound = job.mail.whole
        if not isinstance(bound, Bound) or bound.message != job.id or bound.person != (job.person_id or 0):
            raise MixedUp(f"Message {job.id} was to be given out with the mail of another.")


def _mac(message: int, person: int, recipient: str, values: bytes, digest: bytes) -> bytes:
    return keyed.digest(_KEY, b"mail ", b"%d %d %b %b%b" % (message, person, values, digest, recipient.encode()))
