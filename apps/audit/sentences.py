"""Each entry of the trail as a sentence a person reads. Pure.

An action is ``noun.verb``; most sentences follow from that grammar, so that an app which adds an action
gets a readable sentence at once. Where the grammar reads badly, ``PHRASES`` has the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

# "{people}" becomes "Jo's count": "1 person", "412 people"; "{subject}" the row's number.
PHRASES: Mapping[str, str] = {
    "user.sign_in": "Signed in",
    "user.sign_in_failed": "Tried to sign in and failed",
    "user.lock": "The account was locked after wrong tries",
    "user.sign_out": "Signed out",
    "user.session_expire": "Signed out by the product: the session was idle or too old",
    "user.invite": "Made a link for account {subject} to choose a password",
    "user.set_password": "Set a password for account {subject}",
    "user.enrol_factor": "Enrolled a second factor for account {subject}",
    "user.reset_factor": "Reset the second factor of account {subject}",
    "user.use_recovery_code": "Signed in with a recovery code",
    "user.new_recovery_codes": "Made new recovery codes",
    "contact.open": "Opened the records of {people}",
    "contact.search": "Searched people: {people} found",
    "contact.list": "Looked at a list of {people}, masked",
    "contact.reveal": "Revealed masked details of {people}",
    "contact.export": "Exported {people}",
    "contact.import": "Imported {people}",
    "export.create": "Asked for export {subject}",
    "export.open": "Downloaded export {subject}",
    "export.cancel": "Canceled export {subject}",
    "export.clear": "Deleted the file of export {subject}",
    "attribute.create": "Added attribute {subject}",
    "attribute.change": "Changed attribute {subject}",
    "attribute.retire": "Retired attribute {subject}",
    "attribute.restore": "Brought back attribute {subject}",
    "contact.create": "Added {people}",
    "contact.change": "Changed {people}",
    "contact.hold": "Asked for identity facts of {people} to be replaced, which waits for confirmation",
    "contact.confirm": "Confirmed new identity facts of {people}",
    "campaign.withdraw": "Took campaign {subject} back to a draft",
    "contact.decline": "Declined new identity facts of {people}",
    "contact.erase": "Erased {people}",
    "portal.ask_link": "Asked for a new portal link",
    "portal.ask_code": "Asked for a portal code",
    "portal.sign_in": "Signed in to the portal",
    "portal.sign_in_failed": "Tried to sign in to the portal and failed",
    "portal.sign_out": "Signed out of the portal",
    "portal.session_expire": "Signed out of the portal by the product: idle or too old",
    "portal.not_me": "Said that the mailbox is not this person's",
    "portal.send_link": "Sent a new portal link to {people}",
    "portal.lock": "Portal access of {people} was locked after wrong tries",
    "portal.unlock": "Unlocked the portal access of {people}",
    "portal.close": "Closed the portal access of {people}",
    "portal.open": "Opened the portal access of {people} again",
    "portal.end_sessions": "Ended the portal sessions of {people}",
    "portal.set_password": "Set a password for the portal access of {people}",
    "user.end_sessions": "Ended the sessions of account {subject}",
    "task.done": "Finished task {subject}",
    "portal.tell_mailbox": "Told the old mailbox of {people} that another address took its place",
    "secure_message.draft": "Saved a draft of a reply",
    "consent.record": "Recorded a consent of {people}",
    "suppression.add": "Stopped a mailbox",
    "suppression.lift": "Lifted the stop of a mailbox",
    "appointment.book": "Booked an appointment for {people}",
    "appointment.move": "Moved an appointment of {people}",
    "appointment.cancel": "Canceled an appointment of {people}",
    "event.record": "Recorded events of {people}",
    "trail.view": "Looked at the audit trail",
    "trail.export": "Exported the audit trail",
    "trail.verify": "Verified the audit trail",
    "trail.review": "Reviewed the audit trail",
    "journey.add_person": "Added a person to journey {subject} ({people})",
    "journey.remove_person": "Took a person out of journey {subject} ({people})",
    "journey.retry": "Tried a person again in journey {subject} ({people})",
    "journey.list": "Looked at {people} in journeys, masked",
    "journey.advance": "Moved people along in journeys",
    "message.enqueue": "Handed messages for {people} to delivery",
    "message.send": "Sent messages to {people}",
    "consent.expire": "Ended consents of {people} that ran out",
    "click.clear": "Removed old clicks, keeping their counts",
    "click.settle": "Counted clicks of {people}",
    "skeleton.store": "Kept the compiled form of a message",
    "link.create": "Kept addresses of links",
    "source.pause": "Held back the messages of source {subject}",
    "source.resume": "Let the messages of source {subject} go on",
    "source.stop": "Stopped the messages of source {subject} for good",
    "breach.record": "Recorded a material breach of vendor {subject}",
    "breach.close": "Closed a material breach of vendor {subject}",
    "organization.change": "Changed the organization's settings",
    "organization.change_logo": "Changed the organization's logo",
    "delivery.change": "Changed how mail is delivered",
    "delivery.measure": "Measured mail servers",
    "backup.make": "Made a backup",
    "backup.restore": "Restored a backup",
}

# Irregular or clearer past forms; other verbs take -d or -ed.
PAST: Mapping[str, str] = {
    "send": "Sent",
    "read": "Read",
    "see": "Saw",
    "hold": "Held",
    "withdraw": "Withdrew",
    "begin": "Began",
    "run": "Ran",
    "set": "Set",
    "cancel": "Canceled",
    "stop": "Stopped",
    "open": "Opened",
    "view": "Looked at",
    "list": "Looked at a list of",
    "try": "Tried",
    "retry": "Retried",
    "reply": "Replied to",
    "verify": "Verified",
    "put": "Put",
    "take": "Took",
    "give": "Gave",
    "enter": "Let people into",
    "tick": "Moved people along in",
    "dispatch": "Handed over",
    "sign_in": "Signed in to",
    "plan": "Planned",
    "make": "Made",
    "submit": "Submitted",
    "resend": "Resent",
    "reset": "Reset",
    "enrol": "Enrolled",
    "tell": "Told",
    "done": "Finished",
    "not_me": "Said that it is not them",
    "sign_in_failed": "Failed to sign in",
    "session_expire": "Was signed out by the product",
    "ask_code": "Asked for a code",
    "ask_link": "Asked for a link",
    "new_recovery_codes": "Made new recovery codes",
}

# Purposes that say what was done rather than what for.
DOING = {"answer", "confirm", "correct", "download", "lift", "map", "prepare", "read", "reveal", "send", "tell"}

NOUNS: Mapping[str, str] = {
    "user": "account",
    "trail": "the audit trail",
    "organization": "the organization's settings",
    "baa": "a business associate agreement",
    "contact": "person",
}

# Numbers and code words of `codes`, in the order in which they are worth reading.
CODE_WORDS: Mapping[str, str] = {
    "entries": "{} entries",
    "read": "{} read",
    "new": "{} new",
    "changed": "{} changed",
    "unchanged": "{} unchanged",
    "rejected": "{} rejected",
    "queued": "{} queued",
    "sent": "{} sent",
    "failed": "{} failed",
    "held": "{} held",
    "count": "{} in all",
    "rows": "{} rows",
    "format": "as {}",
    "version": "version {}",
    "link": "link {}",
    "entered": "{} came in",
    "left": "{} left",
    "finished": "{} finished",
}


class Entry(Protocol):
    """What a sentence needs of an entry."""

    action: str
    kind: str
    subject: str
    purpose: str
    people_count: int
    codes: dict[str, Any]
    fields: list[str]


def people(count: int) -> str:
    """ "1 person", "2,013 people"."""
    return "1 person" if count == 1 else f"{count:,} people"


def verb_past(verb: str) -> str:
    """The past form of a verb of the action grammar, capitalized, underscores as spaces."""
    if verb in PAST:
        return PAST[verb]
    first, _, rest = verb.partition("_")
    past = PAST.get(first) or (first + ("d" if first.endswith("e") else "ed")).capitalize()
    return f"{past} {rest.replace('_', ' ')}".strip()


def sentence(entry: Entry) -> str:
    """The entry in words, without the actor: "Opened the records of 412 people for treatment"."""
    noun, _, verb = entry.action.partition(".")
    phrase = PHRASES.get(entry.action)
    if phrase is None:
        words = f"{verb_past(verb)} {NOUNS.get(noun, noun.replace('_', ' '))}"
        if entry.subject:
            words += f" {entry.subject}"
        if entry.people_count:
            words += f" ({people(entry.people_count)})"
    else:
        words = phrase.format(people=_whom(entry), subject=entry.subject)
        words = " ".join(words.split())
    if entry.purpose:
        words += purpose_words(entry.purpose)
    return words


def purpose_words(purpose: str) -> str:
    """ " for treatment", " to answer a patient", " to send treatment mail"; "" without a purpose."""
    words = purpose.replace("_", " ")
    first = words.partition(" ")[0]
    if first in DOING:
        return f" to {words} mail" if first == "send" else f" to {words}"
    return f" for {words}" if words else ""


def details(entry: Entry) -> str:
    """Numbers and field names of an entry as one line, or ""."""
    parts = [
        words.format(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value)
        for name, words in CODE_WORDS.items()
        if (value := entry.codes.get(name)) is not None and not isinstance(value, dict | list)
    ]
    known = set(CODE_WORDS)
    parts += [
        f"{name.replace('_', ' ')}: {_plain(value)}"
        for name, value in sorted(entry.codes.items())
        if name not in known and value is not None
    ]
    if entry.fields:
        parts.append("fields: " + ", ".join(name.replace("_", " ") for name in entry.fields))
    return ", ".join(parts)


def action_label(action: str, people: str = "people") -> str:
    """An action in words, without whom and what number it was about: "Opened the records of people"."""
    if (phrase := PHRASES.get(action)) is not None:
        words = phrase.replace(" ({people})", "").format(people=people, subject="")
        return " ".join(words.split()).replace(" , ", ", ")
    noun, _, verb = action.partition(".")
    return f"{verb_past(verb)} {NOUNS.get(noun, noun.replace('_', ' '))}"


def _whom(entry: Entry) -> str:
    if entry.people_count == 1 and entry.subject and entry.kind in ("person", "contact"):
        return f"person {entry.subject}"
    return people(entry.people_count)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in sorted(value.items()))
    if isinstance(value, list):
        return ", ".join(_plain(each) for each in value)
    return f"{value:,}" if isinstance(value, int) else str(value).replace("_", " ")
