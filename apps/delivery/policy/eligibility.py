"""May this person get mail for this purpose at all? Pure; asked by the plan and again at sending."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from apps.core.purposes import Purpose
from apps.delivery.policy.routing import Held, Refusal


@dataclass(frozen=True)
class Standing:
    """What is known of a person at this moment. `scopes` are the suppressions of the mailbox, `altered` says that they
    are not as they were written.
    """

    has_address: bool = True
    deceased: bool = False
    minor_without_guardian: bool = False
    consents: Mapping[str, str] | None = None
    scopes: Collection[str] = ()
    altered: bool = False


def hold(purpose: Purpose, standing: Standing) -> Refusal | None:
    """Why the person must not get this message, or None. The first reason of the list below counts.

    Marketing needs a signed authorization (45 CFR 164.508(a)(3)). For every other purpose a recorded refusal
    stops the message (164.514(f)(2) for fundraising, 164.522(a) for the rest), and account mail, which the
    person asked for by signing in, is stopped by a dead mailbox only.
    """
    if standing.deceased:
        return Refusal(Held.DECEASED, "The record says that this person has died.")
    if standing.minor_without_guardian:
        return Refusal(Held.MINOR, "A minor without a guardian on record. Add the guardian to the record.")
    if not standing.has_address:
        return Refusal(Held.NO_ADDRESS, "The record has no e-mail address.")
    if standing.altered:
        return Refusal(Held.ALTERED, "Somebody altered in the database what stops this mailbox.")
    if "all" in standing.scopes:
        return Refusal(Held.SUPPRESSED, "The mailbox gets no mail any more (bounced, or added by staff).")
    if "commercial" in standing.scopes and not purpose.survives_unsubscribe:
        return Refusal(Held.SUPPRESSED, "This mailbox unsubscribed from everything but treatment and account mail.")
    if "reminders" in standing.scopes and purpose is Purpose.TREATMENT:
        return Refusal(Held.SUPPRESSED, "This mailbox asked for no reminders either.")
    if purpose is Purpose.ACCOUNT:
        return None
    state = (standing.consents or {}).get(purpose.value)
    if state == "denied":
        return Refusal(Held.NO_CONSENT, "The person refused messages for this purpose.")
    if purpose.needs_authorization and state != "granted":
        return Refusal(Held.NO_CONSENT, "There is no signed authorization for marketing.")
    return None
