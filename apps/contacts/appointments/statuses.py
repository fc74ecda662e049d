"""What the words of other systems say about a visit. Pure.

FHIR R4 AppointmentStatus, HL7 table 0278, and what the exports of scheduling systems and people write. A word that is
not here is never guessed: a reminder for a visit that is off is worse than none.
"""

from __future__ import annotations

import re

BOOKED, CANCELLED, KEPT, MISSED = "booked", "cancelled", "kept", "missed"

AS_IT_WAS = ""
"""The row does not say: a new visit is booked, a known one stays as it is. It never brings one back that is off."""

NOT_YET = "not_yet"
"""Asked for, on a waiting list, or a time that is only kept free: nobody is to be reminded of it."""

_WORDS: dict[str, str] = {
    AS_IT_WAS: "pending, unconfirmed, not confirmed, none, n a, na, null",
    BOOKED: "booked, scheduled, confirmed, active, accepted, approved, planned, overbook, overbooked, rebooked, "
    "re booked, future, upcoming, appointment made, patient confirmed",
    KEPT: "arrived, checked in, checkedin, check in, started, in progress, in room, roomed, with provider, "
    "with clinician, complete, completed, fulfilled, kept, done, finished, checked out, checkedout, check out, seen, "
    "attended, present, show, showed, billed, charge entered, discharged",
    MISSED: "missed, noshow, no show, noshowed, no showed, dna, did not attend, did not arrive, did not show, "
    "failed to attend, fta, not kept, absent, lwbs, left without being seen, left before being seen, left not seen, "
    "walked out",
    CANCELLED: "cancelled, canceled, cancel, cancellation, cancelation, cx, cxl, can, rescheduled, reschedule, bumped, "
    "entered in error, deleted, delete, dc, discontinued, removed, void, voided, withdrawn, revoked, declined, "
    "rejected, suspended, inactive, not booked",
    NOT_YET: "proposed, waitlist, waitlisted, wait list, wait listed, waiting list, on waiting list, "
    "cancellation list, blocked, block, tentative, requested, request, on hold, hold, draft, unscheduled, "
    "to be scheduled, open, available, free",
}
_MEANINGS = {word.strip(): meaning for meaning, words in _WORDS.items() for word in words.split(",")}
# What stands around these words names who did it or why: "Canceled by patient", "Late cancel", "No show - called".
_ABOUT = (
    (re.compile(r"(?:(?:patient|pt|provider|clinic|office|late|same day) )?cancell?ed(?: .+)?"), CANCELLED),
    (re.compile(r"(?:patient|pt|provider|clinic|office|late|same day) (?:cancel|cancell?ation)"), CANCELLED),
    (re.compile(r"(?:(?:patient|pt|provider|clinic|office) )?re ?scheduled(?: .+)?"), CANCELLED),
    (re.compile(r"no ?show .+"), MISSED),
)
MOVED = "moved"
"""Off when it stands at its old time, booked when it stands at a new one; ``moved_to`` says which."""


def meaning(written: str) -> str | None:
    """What a status says: ``BOOKED``, ``CANCELLED``, ``KEPT``, ``MISSED``, ``MOVED``, ``NOT_YET``, ``AS_IT_WAS`` for
    none, or None for a word that nobody knows.
    """
    word = " ".join(re.sub(r"[^a-z0-9]+", " ", written.casefold()).split())
    if not word:
        # A dash stands for nothing; signs that say something we cannot read do not.
        return AS_IT_WAS if not written.strip("-–— .") else None
    if word == MOVED:
        return MOVED
    if word in _MEANINGS:
        return _MEANINGS[word]
    return next((found for pattern, found in _ABOUT if pattern.fullmatch(word)), None)


def after(known: str, said: str, *, same_start: bool) -> str:
    """The state of a known visit after a row: one that is off comes back only by a word that says it is booked."""
    if said == AS_IT_WAS:
        return known
    if said == MOVED:
        return CANCELLED if same_start else BOOKED
    return said


def at_first(said: str) -> str:
    """The state of a visit that is new here."""
    if said == AS_IT_WAS:
        return BOOKED
    return BOOKED if said == MOVED else said
