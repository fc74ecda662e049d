"""The one list of words, icons and tones with which the product names states, protection and levels.

Pure. Tones are `good`, `caution`, `bad`, `neutral`, `info`: a colour pair in look.css, never alone, always with
the word. Code words come from the models of every app; a word missing here is shown as plain text.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.levels import Level


@dataclass(frozen=True, slots=True)
class Word:
    """What a person reads for a code word: label, tone (colour pair) and icon (empty: a dot)."""

    label: str
    tone: str = "neutral"
    icon: str = ""


STATUS: dict[str, Word] = {
    # Drafts and their road to the world: templates, segments, campaigns, journeys.
    "draft": Word("Draft", "neutral", "pencil"),
    "published": Word("Published", "good", "circle-check"),
    "ready": Word("Ready", "good", "circle-check"),
    "planned": Word("Planned", "info", "checklist"),
    "awaiting_approval": Word("Waiting for approval", "caution", "hourglass"),
    "in_review": Word("Waiting for approval", "caution", "hourglass"),
    "approved": Word("Approved", "good", "circle-check"),
    "rejected": Word("Rejected", "bad", "circle-x"),
    "changes_requested": Word("Changes requested", "caution", "message"),
    "scheduled": Word("Scheduled", "info", "calendar-event"),
    "feeding": Word("Sending", "info", "send"),
    "sending": Word("Sending", "info", "send"),
    "paused": Word("Paused", "caution", "player-pause"),
    "stopped": Word("Stopped", "bad", "player-stop"),
    "cancelled": Word("Canceled", "neutral", "ban"),
    "canceled": Word("Canceled", "neutral", "ban"),
    "archived": Word("Archived", "neutral", "archive"),
    # On and off.
    "gone": Word("Deleted", "neutral", "trash"),
    "active": Word("Active", "good", "player-play"),
    "inactive": Word("Inactive", "neutral", "player-pause"),
    "on": Word("On", "good"),
    "off": Word("Off", "neutral"),
    "enabled": Word("Enabled", "good"),
    "disabled": Word("Disabled", "neutral", "ban"),
    "invited": Word("Invited", "info", "mail"),
    "locked": Word("Locked", "bad", "lock"),
    "verified": Word("Verified", "good", "circle-check"),
    "unverified": Word("Not verified", "caution", "alert-triangle"),
    # One message.
    "queued": Word("Queued", "neutral", "clock"),
    "claimed": Word("Sending", "info", "send"),
    "sent": Word("Sent", "good", "send"),
    "handed_over": Word("Handed over", "good", "send"),
    "delivered": Word("Delivered", "good", "mail-check"),
    "deferred": Word("Trying again", "caution", "clock-pause"),
    "bounced": Word("Bounced", "bad", "mail-x"),
    "doubtful": Word("Doubtful", "caution", "help"),
    "failed": Word("Failed", "bad", "alert-triangle"),
    "held": Word("Held", "caution", "hand-stop"),
    "refused": Word("Refused", "bad", "shield-x"),
    "clicked": Word("Clicked", "good", "link"),
    "read": Word("Read", "good", "mail-opened"),
    "unread": Word("Unread", "info", "mail"),
    "replied": Word("Replied", "info", "arrow-back-up"),
    "answered": Word("Answered", "good", "check"),
    "unsubscribed": Word("Unsubscribed", "neutral", "mail-off"),
    # Jobs and runs.
    "waiting": Word("Waiting", "neutral", "hourglass"),
    "pending": Word("Waiting", "neutral", "hourglass"),
    "running": Word("Running", "info", "loader-2"),
    "in_progress": Word("In progress", "info", "loader-2"),
    "done": Word("Done", "good", "circle-check"),
    "finished": Word("Finished", "good", "circle-check"),
    "completed": Word("Completed", "good", "circle-check"),
    "exited": Word("Exited", "neutral", "logout"),
    "skipped": Word("Skipped", "neutral", "corner-down-right"),
    # Business associate agreements.
    "baa_draft": Word("Incomplete", "caution", "alert-triangle"),
    "baa_future": Word("Not yet in force", "info", "calendar-event"),
    "baa_in_force": Word("In force", "good", "circle-check"),
    "baa_expiring": Word("Ends soon", "caution", "hourglass"),
    "baa_expired": Word("Expired", "bad", "circle-x"),
    "baa_terminated": Word("Terminated", "neutral", "ban"),
    "baa_breached": Word("Breach not cured", "bad", "shield-x"),
    "baa_missing": Word("No agreement", "bad", "shield-x"),
    "baa_not_needed": Word("Not needed", "neutral", "minus"),
    # Import rows and changes.
    "checking": Word("Checking", "info", "loader-2"),
    "checked": Word("Checked", "info", "checklist"),
    "new": Word("New", "good", "plus"),
    "changed": Word("Changed", "info", "pencil"),
    "unchanged": Word("Unchanged", "neutral", "minus"),
    # Consent and suppression.
    "granted": Word("Granted", "good", "check"),
    "denied": Word("Denied", "bad", "x"),
    "withdrawn": Word("Withdrawn", "bad", "x"),
    "none": Word("None", "neutral", "minus"),
    "suppressed": Word("Suppressed", "bad", "mail-off"),
    "deceased": Word("Deceased", "neutral", "user-off"),
    "erased": Word("Erased", "neutral", "trash"),
    # Appointments.
    "booked": Word("Booked", "info", "calendar-event"),
    "in_doubt": Word("In doubt", "caution", "help"),
    "moved": Word("Moved", "caution", "calendar"),
    "kept": Word("Kept", "good", "check"),
    "missed": Word("Missed", "bad", "x"),
    # Agreements, keys, certificates, work of compliance.
    "in_force": Word("In force", "good", "certificate"),
    "expiring": Word("Expires soon", "caution", "clock"),
    "expired": Word("Expired", "bad", "clock"),
    "revoked": Word("Revoked", "bad", "ban"),
    "missing": Word("Missing", "bad", "alert-triangle"),
    "incomplete": Word("Incomplete", "caution", "alert-triangle"),
    "open": Word("Open", "info", "circle-dashed"),
    "closed": Word("Closed", "neutral", "circle-check"),
    # Health of the parts.
    "ok": Word("All good", "good", "circle-check"),
    "warning": Word("Look at this", "caution", "alert-triangle"),
    "down": Word("Down", "bad", "circle-x"),
    "unknown": Word("Unknown", "neutral", "help"),
}

PROTECTION: dict[str, Word] = {
    "tls": Word("Verified TLS", "good", "lock"),
    "portal": Word("Portal", "info", "shield-lock"),
    "pgp": Word("PGP", "good", "key"),
    "smime": Word("S/MIME", "good", "certificate"),
    "held": Word("Held", "caution", "hand-stop"),
    "opportunistic": Word("Opportunistic TLS", "neutral", "lock-open"),
    "none": Word("Not protected", "bad", "lock-open"),
}

PLAIN_MAIL = Word("Plain mail", "neutral", "mail")

# In the order of core.levels.Level.
LEVELS: tuple[Word, ...] = (
    Word("Public", "neutral", "world"),
    Word("Identifier", "neutral", "id"),
    Word("Health information", "info", "heartbeat"),
    Word("Protected", "caution", "shield-lock"),
)


def spell_out(code: str) -> str:
    """A code word as plain words: ``awaiting_approval`` → "Awaiting approval"."""
    return code.replace("_", " ").replace("-", " ").strip().capitalize()


def status(code: str) -> Word:
    """The word for a state; an unlisted one is spelled out in neutral."""
    return STATUS.get(code.lower()) or Word(spell_out(code))


def protection(route: str, level: int | None = None) -> Word:
    """The word for a route or TLS class, and for plain mail that said nothing worth protecting (``level`` below 2)."""
    if route == "none" and level is not None and level < Level.HEALTH:
        return PLAIN_MAIL
    return PROTECTION.get(route.lower()) or Word(spell_out(route))


def level(number: int) -> Word:
    """The word for a sensitivity level, 0 to 3. Raises IndexError for others."""
    if number < 0:
        raise IndexError(number)
    return LEVELS[number]
