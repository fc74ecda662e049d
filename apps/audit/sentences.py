"""Each entry of the trail as a sentence a person reads. Pure.

An action is ``noun.verb``; most sentences follow from that grammar, so that an app which adds an action
gets a readable sentence at once. Where the grammar reads badly, ``PHRASES`` has the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from apps.core.levels import Level
from apps.ui import datewords

# "{people}" becomes "Jo's count": "nobody", "1 person", "412 people"; "{records}" "the record of 1 person"; and
# "{subject:account}" "account 7", or "an account" where no number is told.
PHRASES: Mapping[str, str] = {
    "user.sign_in": "Signed in",
    "user.sign_in_failed": "Tried to sign in and failed",
    "user.lock": "The account was locked after wrong tries",
    "user.sign_out": "Signed out",
    "user.session_expire": "Signed out by the product: the session was idle or too old",
    "user.invite": "Made a link for {subject:account} to choose a password",
    "user.set_password": "Set a password for {subject:account}",
    "user.enrol_factor": "Enrolled a second factor for {subject:account}",
    "user.reset_factor": "Reset the second factor of {subject:account}",
    "user.use_recovery_code": "Signed in with a recovery code",
    "user.new_recovery_codes": "Made new recovery codes",
    "contact.open": "Opened {records}",
    "contact.search": "Searched for people and found {people}",
    "contact.list": "Looked at a masked list of {people}",
    "contact.reveal": "Revealed masked details of {people}",
    "contact.export": "Exported {people}",
    "contact.import": "Imported {people}",
    "export.create": "Asked for {subject:export}",
    "export.open": "Downloaded {subject:export}",
    "export.cancel": "Canceled {subject:export}",
    "export.clear": "Deleted the file of {subject:export}",
    "lab.create": "Declared a lab",
    "lab.renew": "Had the results of a lab prepared again",
    "attribute.create": "Added {subject:attribute}",
    "attribute.change": "Changed {subject:attribute}",
    "attribute.retire": "Retired {subject:attribute}",
    "attribute.restore": "Brought back {subject:attribute}",
    "tag.apply": "Began to tag people, or to take a tag from them, in bulk: {subject:job}",
    "tag.cancel": "Stopped giving or taking a tag in bulk: {subject:job}",
    "tag.resume": "Went on giving or taking a tag in bulk: {subject:job}",
    "contact.tag": "Tagged {people}",
    "contact.untag": "Took a tag from {people}",
    "contact.create": "Added {people}",
    "contact.change": "Changed {people}",
    "contact.note": "Wrote a note about {people}",
    "contact.hold": "Proposed new identity facts of {people}, which waits for confirmation",
    "contact.confirm": "Confirmed new identity facts of {people}",
    "campaign.withdraw": "Took {subject:campaign} back to a draft",
    "contact.decline": "Declined new identity facts of {people}",
    "contact.erase": "Erased {people}",
    "contact.merge": "Merged {people}",
    "contact.unmerge": "Took the merge of {people} back",
    "duplicate.find": "Looked for people who are on record twice",
    "duplicate.decline": "Said that {people} are not the same person",
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
    "user.end_sessions": "Ended the sessions of {subject:account}",
    "task.open": "Opened {subject:task} about {people}",
    "task.done": "Finished {subject:task}",
    "portal.tell_mailbox": "Told the old mailbox of {people} that another address took its place",
    "secure_message.draft": "Saved a draft of a reply",
    "consent.record": "Recorded a consent of {people}",
    "suppression.add": "Stopped a mailbox",
    "suppression.lift": "Lifted the stop of a mailbox",
    "suppression.list": "Looked at stopped mailboxes of {people}",
    "suppression.search": "Asked whether an address is stopped",
    "suppression.import": "Took in a list of addresses that opted out elsewhere",
    "suppression.export": "Exported stopped mailboxes",
    "suppression.cancel": "Canceled a job over stopped mailboxes",
    "suppression.open": "Downloaded an export of stopped mailboxes",
    "suppression.altered": "Found stops of mailboxes altered or missing in the database",
    "suppression.keep": "Let the stops of mailboxes stand as the database had them",
    "suppression.clear": "Deleted an export of stopped mailboxes after a day",
    "mailbox.doubt": "Put mailboxes of {people} in question after a long silence",
    "mailbox.prove": "Confirmed that a mailbox is still that of {people}",
    "appointment.book": "Booked an appointment for {people}",
    "appointment.move": "Moved an appointment of {people}",
    "appointment.cancel": "Canceled an appointment of {people}",
    "appointment.hold": "Held the reminders of appointments of {people}",
    "appointment.confirm": "Confirmed an appointment of {people} whose reminders were held",
    "event.record": "Recorded events of {people}",
    "trail.view": "Looked at the audit trail",
    "trail.export": "Exported the audit trail",
    "trail.verify": "Verified the audit trail",
    "trail.review": "Reviewed the audit trail",
    "journey.add_person": "Added {people} to {subject:journey}",
    "journey.remove_person": "Took {people} out of {subject:journey}",
    "journey.retry": "Tried again with {people} in {subject:journey}",
    "journey.list": "Looked at a masked list of {people} in journeys",
    "journey.advance": "Moved people along in journeys",
    "message.enqueue": "Queued messages for {people}",
    "message.send": "Sent messages to {people}",
    "consent.expire": "Ended consents of {people} that ran out",
    "click.clear": "Removed old clicks, keeping their counts",
    "click.settle": "Counted clicks of {people}",
    "skeleton.store": "Kept the compiled form of a message",
    "source.pause": "Held back the messages of {subject:source}",
    "source.resume": "Let the messages of {subject:source} go on",
    "source.stop": "Stopped the messages of {subject:source} for good",
    "breach.record": "Recorded a material breach of {subject:vendor}",
    "breach.close": "Closed a material breach of {subject:vendor}",
    "organization.change": "Changed the organization's settings",
    "organization.change_logo": "Changed the organization's logo",
    "environment.change": "Started with changed settings of the environment",
    "delivery.change": "Changed how mail is delivered",
    "delivery.measure": "Measured mail servers",
    "backup.make": "Made a backup",
    "backup.restore": "Restored a backup",
    "conversation.list": "Looked at a masked list of conversations with {people}",
    "conversation.open": "Opened {subject:conversation} with {people}",
    "conversation.answer": "Answered {people} in {subject:conversation}",
    "conversation.assign": "Assigned {subject:conversation} with {people}",
    "conversation.close": "Closed {subject:conversation} with {people}",
    "conversation.reopen": "Reopened {subject:conversation} with {people}",
    "secure_message.store": "Put {subject:message} into the portal for {people}",
    "secure_message.list": "Looked at the list of messages in the portal",
    "secure_message.open": "Opened {subject:message} in the portal",
    "secure_message.export": "Downloaded {subject:message} from the portal",
    "secure_message.reply": "Replied to {subject:message} in the portal",
    "campaign.list": "Looked at a masked list of {people} in {subject:campaign}",
    "campaign.export": "Exported the results of {subject:campaign}",
    "campaign.test": "Sent a test of {subject:campaign} to staff",
    "campaign.submit": "Asked for approval of {subject:campaign}",
    "campaign.reject": "Sent {subject:campaign} back to its author",
    "campaign.plan": "Drew the plan of {subject:campaign}",
    "template.test": "Sent a test of {subject:template} to staff",
    "template.preview": "Previewed {subject:template} as {people}",
    "approval.carry": "Carried approvals over to a new version",
    "journey.submit": "Asked for approval of {subject:journey}",
    "journey.reject": "Sent {subject:journey} back to its author",
    "import.preview": "Looked at the first rows of {subject:import}",
    "import.undo": "Undid {subject:import}",
    "import.export": "Downloaded the rejected rows of {subject:import}",
    "segment.preview": "Looked at a sample of {people} in {subject:segment}",
    "segment.explain": "Asked why somebody is in {subject:segment}",
    "baa.create": "Entered {subject:agreement}",
    "baa.change": "Changed {subject:agreement}",
    "baa.upload": "Uploaded the document of {subject:agreement}",
    "baa.open": "Opened the document of {subject:agreement}",
    "baa.terminate": "Ended {subject:agreement}",
    "baa.destroy": "Deleted {subject:agreement}, whose time was over",
    "asset.upload": "Uploaded {subject:image}",
    "asset.change": "Changed {subject:image}",
    "mail.receive": "Received {subject:mail} about {people}",
    "mail.open": "Opened {subject:mail} about {people}",
    "mail.finish": "Finished {subject:mail} about {people}",
    "mail.judge": "Checked who sent {subject:mail}, and it is from {people}",
    "mail.name": "Said that {subject:mail} is from {people}",
    "mail.release": "Took back that {subject:mail} is from {people}",
    "mail.file": "Opened an attachment of {subject:mail} about {people}",
    "mail.malware": "Did not hand out an attachment of {subject:mail} about {people}: malware",
    "mail.original": "Downloaded the original of {subject:mail} about {people}",
    "mail.to_letters": "Moved {subject:mail} about {people} from what was sorted out to the letters",
    "mail.clear": "Removed reports of mail servers whose time was over",
    "hygiene.run": "Began to clean the list",
    "hygiene.finish": "Finished cleaning the list",
    "message.open": "Opened {subject:message} to {people}",
    "message.stop": "Stopped {subject:message} to {people}",
    "message.resend": "Decided to send {subject:message} to {people} again",
    "message.release": "Let messages to {people} that were held go on",
    "message.recover": "Put {subject:message} to {people} in doubt after a sender was interrupted",
    "recipient_key.add": "Added an encryption key of {people}",
    "recipient_key.remove": "Removed an encryption key of {people}",
    "link.create": "Kept the addresses that links of messages lead to",
}

# What reads badly of nobody: staff's own mail and tests are to nobody on record.
OF_NOBODY: Mapping[str, str] = {
    "message.enqueue": "Queued account mail or a test",
    "message.send": "Sent account mail or tests",
    "message.open": "Opened {subject:message}",
    "message.stop": "Stopped {subject:message}",
    "message.resend": "Decided to send {subject:message} again",
    "message.recover": "Put {subject:message} in doubt after a sender was interrupted",
    "mail.receive": "Received {subject:mail}",
    "mail.open": "Opened {subject:mail}",
    "mail.finish": "Finished {subject:mail}",
    "mail.judge": "Checked who sent {subject:mail}",
    "mail.file": "Opened an attachment of {subject:mail}",
    "mail.malware": "Did not hand out an attachment of {subject:mail}: malware",
    "mail.original": "Downloaded the original of {subject:mail}",
    "mail.to_letters": "Moved {subject:mail} from what was sorted out to the letters",
    "template.preview": "Previewed {subject:template}",
    "suppression.add": "Stopped mailboxes",
    "suppression.list": "Looked at stopped mailboxes",
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

NOUNS: Mapping[str, str] = {"user": "account", "contact": "person"}

# Why, where the grammar below makes no phrase of it. "" where the sentence has said it already.
WHY: Mapping[str, str] = {
    "address of a notice": "to find the address of a notice",
    "audit trail": "for the audit trail",
    "account": "",
    "b2b": "for business mail",
    "campaign export": "to export a campaign",
    "campaign plan": "for the plan of a campaign",
    "campaign report": "for the report of a campaign",
    "contact list": "",
    "delivery": "on the pages of delivery",
    "demo": "for the demo",
    "demo keys": "to make keys for the demo",
    "export": "for an export",
    "guardian": "to find guardians",
    "import": "for an import",
    "inbox": "in the inbox",
    "inbox list": "in the inbox",
    "journey": "for a journey",
    "lift suppression": "to lift a stop",
    "list hygiene report": "for the report of list hygiene",
    "message": "",
    "not me": "who said that it is not them",
    "plan: guardians": "to find guardians for a plan",
    "plan: mail servers": "to find mail servers for a plan",
    "read portal message": "",
    "recipient key": "to look after their key",
    "reveal": "",
    "segment": "for a segment",
    "segment preview": "",
    "why in a segment": "to see why they are in a segment",
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
    """ "nobody", "1 person", "2,013 people"."""
    return {0: "nobody", 1: "1 person"}.get(count) or f"{count:,} people"


class _Subject(str):
    """The row that an entry is about, as a noun with its number; without one, with an article."""

    def __format__(self, noun: str) -> str:
        if self:
            return f"{noun} {str.__str__(self)}"
        return noun if noun == "mail" else f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def verb_past(verb: str) -> str:
    """The past form of a verb of the action grammar, capitalized, underscores as spaces."""
    if verb in PAST:
        return PAST[verb]
    first, _, rest = verb.partition("_")
    past = PAST.get(first) or (first + ("d" if first.endswith("e") else "ed")).capitalize()
    return f"{past} {rest.replace('_', ' ')}".strip()


def sentence(entry: Entry) -> str:
    """The entry in words, without the actor: "Opened the records of 412 people for treatment"."""
    phrase = PHRASES.get(entry.action)
    if not entry.people_count:
        phrase = OF_NOBODY.get(entry.action, phrase)
    subject = _Subject(entry.subject)
    if phrase is None:
        words = _grammar(entry.action, subject)
        if entry.people_count:
            words += f" with {people(entry.people_count)}"
    else:
        whom = _whom(entry)
        records = f"the record{'' if entry.people_count == 1 else 's'} of {whom}"
        words = " ".join(phrase.format(people=whom, records=records, subject=subject).split())
    if entry.purpose:
        words += purpose_words(entry.purpose)
    return words


def _grammar(action: str, subject: _Subject) -> str:
    noun, _, verb = action.partition(".")
    return f"{verb_past(verb)} {format(subject, NOUNS.get(noun, noun.replace('_', ' ')))}"


def purpose_words(purpose: str) -> str:
    """ " for treatment", " to answer a patient", " to send treatment mail"; "" without a purpose."""
    words = purpose.replace("_", " ")
    if (known := WHY.get(words)) is not None:
        return f" {known}" if known else ""
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
        f"{name.replace('_', ' ')}: {_worded(name, value)}"
        for name, value in sorted(entry.codes.items())
        if name not in known and value is not None
    ]
    if entry.fields:
        parts.append("fields: " + ", ".join(name.replace("_", " ") for name in entry.fields))
    return ", ".join(parts)


def action_label(action: str, people: str = "people") -> str:
    """An action in words, without whom and what number it was about: "Opened the records of people"."""
    nothing = _Subject("")
    if action == "contact.search" and people == "people":
        return "Searched for people"
    if (phrase := PHRASES.get(action)) is None:
        return _grammar(action, nothing)
    records = f"the record{'' if people == 'this person' else 's'} of {people}"
    return " ".join(phrase.format(people=people, records=records, subject=nothing).split())


def _whom(entry: Entry) -> str:
    if entry.people_count == 1 and entry.subject and entry.kind in ("person", "contact"):
        return f"person {entry.subject}"
    return people(entry.people_count)


def _worded(name: str, value: Any) -> str:
    """A value by what it is: a level by its word, a moment as a day and time of the zone it was written in."""
    if name == "level" and type(value) is int and value in tuple(Level):
        return Level(value).word.lower()
    if name == "at" and isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return value
        return datewords.moment(at, at.tzinfo) if at.tzinfo else value
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in sorted(value.items()))
    if isinstance(value, list):
        return ", ".join(_plain(each) for each in value)
    return f"{value:,}" if isinstance(value, int) else str(value).replace("_", " ")
