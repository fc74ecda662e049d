"""Measuring mail servers for the plan: EHLO, STARTTLS and QUIT, never a mailbox (B-283)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import clock
from apps.core.actors import Actor
from apps.delivery import selectors
from apps.delivery.models import MailDomain
from apps.delivery.settings.setup import Setup
from apps.mail.mx import Host, LookupFault, Resolver, find, operator_of
from apps.mail.smtp import Dialogue, Unreachable, probe
from apps.mail.smtp_replies import Fault
from apps.mail.tls import TlsClass

_AT_ONCE = 32
_SECONDS = 20.0

_FAULT_WORDS = {
    Fault.NO_SUCH_DOMAIN: "This domain takes no mail: it has no mail server.",
    Fault.NULL_MX: "This domain says that it takes no mail.",
    Fault.LOOKUP_FAILED: "The DNS did not answer.",
    Fault.TIMEOUT: "The mail server did not answer in time.",
    Fault.REFUSED: "The mail server refuses connections.",
    Fault.NOT_PUBLIC: "The domain's mail server stands at an address inside a private network.",
    Fault.DROPPED: "The mail server hung up.",
    Fault.NOT_SMTP: "What answers there is no mail server.",
}


@dataclass(frozen=True)
class Found:
    """One measured domain. `tls` None: no mail server was reached; `fault` says why, in words."""

    domain: str
    mx: str
    tls: TlsClass | None
    fault: str


def measure(
    *, actor: Actor, domains: Iterable[str], resolver: Resolver | None = None, again: bool = False
) -> dict[str, TlsClass | None]:
    """Measure domains (A-labels) that have no fresh measure (all of them with `again`), and remember them.

    Returns the class of every domain asked for; None where no server was reached. Takes at most about twenty
    seconds for 32 domains at a time.
    """
    asked = sorted({d for d in domains if d})
    now = clock.now()
    known: dict[str, TlsClass | None] = {}
    if not again:
        known.update(selectors.measured_classes(asked, now))
    missing = [d for d in asked if d not in known]
    if not missing:
        return known
    setup = selectors.setup()
    how, transport = selectors.dialogue(setup), selectors.transport()
    found = asyncio.run(_measure_all(missing, resolver or selectors.resolver(), setup, how, transport))
    _remember(actor, found)
    return known | {f.domain: f.tls for f in found}


async def _measure_all(
    domains: list[str], resolver: Resolver | None, setup: Setup, how: Dialogue, transport: Mapping[str, Host]
) -> list[Found]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(domain: str) -> Found:
        async with gate:
            try:
                async with asyncio.timeout(_SECONDS):
                    target = await find(domain, transport=transport, relay=setup.relay_host, resolver=resolver)
                    seen = await probe(target.hosts[0], how)
                    return Found(domain, target.hosts[0].name, seen.tls_class, seen.fault)
            except LookupFault as e:
                return Found(domain, "", None, _FAULT_WORDS.get(e.fault, "The DNS did not answer."))
            except Unreachable as e:
                words = _FAULT_WORDS.get(e.fault, "") if e.fault else "The mail server refuses to talk to us."
                return Found(domain, "", None, words or "The mail server could not be reached.")
            except TimeoutError:
                return Found(domain, "", None, _FAULT_WORDS[Fault.TIMEOUT])

    return list(await asyncio.gather(*(one(d) for d in domains)))


@transaction.atomic
def _remember(actor: Actor, found: list[Found]) -> None:
    now = clock.now()
    MailDomain.objects.bulk_create(
        [
            MailDomain(
                domain=f.domain,
                operator=operator_of(f.mx) if f.mx else "",
                mx=f.mx,
                tls_class=None if f.tls is None else int(f.tls),
                fault=f.fault[:200],
                measured_at=now,
            )
            for f in found
        ],
        update_conflicts=True,
        unique_fields=["domain"],
        update_fields=["operator", "mx", "tls_class", "fault", "measured_at"],
    )
    record(actor=actor, action=Action.DELIVERY_MEASURE, kind="delivery", codes={"domains": len(found)})
