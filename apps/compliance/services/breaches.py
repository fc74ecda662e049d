"""Material breaches of a vendor: recorded, and closed only by a cure or by the end of the agreement.

45 CFR 164.504(e)(1)(ii): whoever knows of a pattern that is a material breach takes reasonable steps to cure it and,
if they fail, terminates the agreement where feasible.
"""

from __future__ import annotations

from datetime import date

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.compliance import selectors
from apps.compliance.agreements import Standing
from apps.compliance.models import BREACH_TABLE, MaterialBreach, Vendor
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.vault import sealing

Ending = MaterialBreach.Ending


@transaction.atomic
def breach_open(*, actor: Actor, vendor_id: int, what: str, steps: str, found: date) -> MaterialBreach:
    """Record a material breach. From the day it was ``found`` no agreement of the vendor counts. Raises ``Refused``."""
    vendor = Vendor.objects.select_for_update().filter(pk=vendor_id, archived_at__isnull=True).first()
    if vendor is None:
        raise Refused("vendor.unknown", "There is no such vendor any more.")
    if not what.strip():
        raise Refused("breach.without_words", "Say what the vendor did or left undone.")
    if found > selectors.today():
        raise Refused("breach.in_future", "A breach cannot be found in the future. Correct the date.")
    number = next_ids(BREACH_TABLE, 1)[0]
    facts = {"what": what.strip()[:2000], "steps": steps.strip()[:2000]}
    breach = MaterialBreach.objects.create(
        id=number,
        vendor=vendor,
        found=found,
        sealed=sealing.seal_service(facts, table=BREACH_TABLE, row=number),
    )
    record(actor=actor, action=Action.BREACH_OPEN, kind="vendor", subject=vendor.pk, codes={"breach": number})
    return breach


@transaction.atomic
def breach_close(*, actor: Actor, breach_id: int, on: date, ending: str, words: str) -> None:
    """Close a breach from the day ``on``: cured (``words`` say how), or ended with the agreement.

    Raises ``Refused`` when neither is recorded: a breach is not closed by forgetting it.
    """
    breach = MaterialBreach.objects.select_for_update().select_related("vendor").filter(pk=breach_id).first()
    if breach is None or breach.closed is not None:
        raise Refused("breach.closed", "This breach was closed already.")
    if ending not in Ending.values:
        raise Refused("breach.without_outcome", "Say whether the breach was cured, or the agreement terminated.")
    if not words.strip():
        raise Refused("breach.without_evidence", "Say in a few words what was done and how you know it.")
    if not breach.found <= on <= selectors.today():
        raise Refused(
            "breach.closing_day_wrong", "A breach is closed between the day it was found and today. Correct the date."
        )
    if ending == Ending.TERMINATED and _not_ended(breach.vendor):
        raise Refused(
            "vendor.agreement_in_force", "An agreement with this vendor is not terminated yet. Terminate it first."
        )
    facts = {**breach.opened, "closing": words.strip()[:2000]}
    breach.version += 1
    breach.closed, breach.ending = on, ending
    breach.sealed = sealing.seal_service(facts, table=BREACH_TABLE, row=breach.pk, version=breach.version)
    breach.save()
    record(
        actor=actor,
        action=Action.BREACH_CLOSE,
        kind="vendor",
        subject=breach.vendor_id,
        codes={"breach": breach.pk, "ending": ending},
    )


def _not_ended(vendor: Vendor) -> bool:
    ended = (Standing.TERMINATED, Standing.EXPIRED)
    day = selectors.today()
    return any(selectors.judgement_of(each, day).standing not in ended for each in vendor.agreements.all())
