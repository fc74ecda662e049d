"""Every reason for which the product refuses something, by its code: the one list that an API can publish.

A code is ``noun.what_is_wrong``: lower case, one dot, words joined by underscores. The noun is the thing as its page
calls it; what is wrong is said of the thing ("campaign.not_approved"), never of the reader. One reason has one code
wherever it is raised, and another reason has another. A code never changes its meaning and is never given anew: callers
match on it. Sentences may be reworded at any time.

To refuse something new: look here for the reason first. If it is not there, add a line under its noun, raise
``Refused("noun.what_is_wrong", "What happened. What to do.")``, and run ``make errors`` (it draws docs/errors.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a caller can do about it. The value is the HTTP status, and whether and when a retry can help."""

    INPUT = (422, "not as it is: correct what was sent")
    LARGE = (413, "not as it is: send less")
    ABSENT = (404, "not as it is: name something that is there")
    FORBIDDEN = (403, "not by the same person: somebody else may")
    STATE = (409, "once what stands in the way has changed")
    STALE = (409, "after reading the newest state")
    OFTEN = (429, "later")
    BUSY = (503, "later, as it is")
    FAULT = (500, "once an administrator has put it right")

    @property
    def status(self) -> int:
        """The HTTP status of a response that says so (RFC 9110 section 15)."""
        return self.value[0]

    @property
    def retry(self) -> str:
        """Whether a retry can help."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code stands for, whoever asked: the ``title`` of an RFC 9457 problem, and its kind."""

    kind: Kind
    title: str


REFUSALS: dict[str, Meaning] = {
    "actor.not_allowed": Meaning(Kind.FORBIDDEN, "The role of the one who acts does not allow it."),
    "actor.unknown": Meaning(
        Kind.ABSENT, "Nobody active signs in with the address that was named as the one who acts."
    ),
    "address.malformed": Meaning(Kind.INPUT, "This is not an e-mail address, or one that mail servers do not allow."),
    "agreement.clauses_changed": Meaning(Kind.STALE, "The list of clauses is another one by now."),
    "agreement.ends_too_early": Meaning(Kind.INPUT, "An agreement ends after it begins."),
    "agreement.file_damaged": Meaning(Kind.FAULT, "The stored file of the agreement is missing or damaged."),
    "agreement.file_empty": Meaning(Kind.INPUT, "The file of the agreement is empty."),
    "agreement.file_kind_wrong": Meaning(Kind.INPUT, "The file of the agreement is neither a PDF nor an image."),
    "agreement.file_too_large": Meaning(Kind.LARGE, "The file of the agreement is too large."),
    "agreement.incomplete": Meaning(
        Kind.INPUT, "An agreement says who signed and what the vendor may do with health information."
    ),
    "agreement.kept": Meaning(Kind.STATE, "This agreement is kept until six years after it was last in effect."),
    "agreement.terminated": Meaning(Kind.STATE, "This agreement was terminated and stays as it was."),
    "agreement.unknown": Meaning(Kind.ABSENT, "There is no such agreement."),
    "agreement.without_disposal": Meaning(
        Kind.INPUT, "The end of an agreement says what became of the health information."
    ),
    "agreement.without_end": Meaning(
        Kind.STATE, "This agreement has no end yet, and is kept six years from when it was last in effect."
    ),
    "agreement.without_reason": Meaning(Kind.INPUT, "The end of an agreement has a reason."),
    "answer.empty": Meaning(Kind.INPUT, "The answer to a patient is empty."),
    "answer.too_long": Meaning(Kind.LARGE, "The answer to a patient is too long."),
    "appointment.canceled": Meaning(Kind.STATE, "This appointment was canceled."),
    "appointment.id_taken": Meaning(Kind.STATE, "An appointment with this id is booked already."),
    "appointment.in_past": Meaning(Kind.INPUT, "An appointment is booked for, or moved to, a time in the future."),
    "appointment.not_held": Meaning(Kind.STATE, "The reminders of this appointment are not held."),
    "appointment.unknown": Meaning(Kind.ABSENT, "There is no such appointment."),
    "approval.asked_already": Meaning(Kind.STATE, "Approval was asked for already, or given."),
    "approval.asked_anew": Meaning(Kind.STALE, "It was changed and submitted again while somebody looked at it."),
    "approval.none": Meaning(Kind.STATE, "There is no approval to take back."),
    "approval.not_allowed": Meaning(
        Kind.FORBIDDEN, "Only a reviewer or an administrator who is signed in by name decides about an approval."
    ),
    "approval.not_asked": Meaning(Kind.STATE, "Approval was not asked for."),
    "approval.not_needed": Meaning(Kind.STATE, "What sends nothing needs no approval."),
    "approval.outdated": Meaning(
        Kind.STALE, "A segment, a text, the sender or its brand changed since approval was asked for."
    ),
    "approval.own_work": Meaning(
        Kind.FORBIDDEN, "Who prepared it, or edited a part that nobody else approved yet, does not approve it."
    ),
    "approval.without_comment": Meaning(Kind.INPUT, "Who rejects says what has to change."),
    "attribute.bounds_backwards": Meaning(
        Kind.INPUT, "The highest number is larger than the lowest, and the step larger than zero."
    ),
    "attribute.bounds_malformed": Meaning(
        Kind.INPUT, "The lowest number, the highest number and the step are numbers."
    ),
    "attribute.bounds_missing": Meaning(
        Kind.INPUT, "A searchable number needs its lowest and highest value and a step."
    ),
    "attribute.bounds_too_far": Meaning(Kind.INPUT, "The bounds of the numbers lie too far out."),
    "attribute.bounds_too_fine": Meaning(Kind.INPUT, "The numbers have more decimal places than are searchable."),
    "attribute.choice_taken_away": Meaning(Kind.INPUT, "A choice that people may have cannot be taken away."),
    "attribute.choices_count": Meaning(Kind.INPUT, "The choices are too few or too many."),
    "attribute.choices_repeat": Meaning(Kind.INPUT, "Two of the choices are the same."),
    "attribute.in_use": Meaning(Kind.STATE, "Segments or journeys ask for this attribute."),
    "attribute.kind_unknown": Meaning(Kind.INPUT, "There is no such type or level of attributes."),
    "attribute.level_not_allowed": Meaning(
        Kind.FORBIDDEN, "Only an administrator adds what is less than health information."
    ),
    "attribute.name_length": Meaning(Kind.INPUT, "The name of the attribute is missing or too long."),
    "attribute.name_malformed": Meaning(Kind.INPUT, "The name of an attribute begins with a letter."),
    "attribute.name_taken": Meaning(Kind.STATE, "There is an attribute of this name already."),
    "attribute.no_place_left": Meaning(Kind.STATE, "All places for searchable dates and numbers are taken."),
    "attribute.not_searchable": Meaning(Kind.INPUT, "This attribute is kept sealed and cannot be searched."),
    "attribute.retired": Meaning(Kind.STATE, "This attribute was retired; it is brought back first."),
    "attribute.too_many": Meaning(Kind.STATE, "There are as many attributes as there may be."),
    "attribute.too_many_steps": Meaning(Kind.LARGE, "There are more steps between the bounds than are searchable."),
    "attribute.unknown": Meaning(Kind.ABSENT, "There is no such attribute."),
    "attribute.value_wrong": Meaning(Kind.INPUT, "The value does not fit the attribute."),
    "authenticator.code_wrong": Meaning(Kind.INPUT, "The code of the authenticator is not right; the next one may be."),
    "authenticator.enrolled": Meaning(Kind.STATE, "An authenticator is enrolled already."),
    "backup.impossible": Meaning(Kind.FAULT, "The backup could not be made; the sentence says why."),
    "block.change_unknown": Meaning(Kind.INPUT, "That is not something the editor does."),
    "block.into_itself": Meaning(Kind.INPUT, "A block cannot be moved into itself."),
    "block.kind_unknown": Meaning(Kind.INPUT, "There is no such kind of block."),
    "block.only_one": Meaning(Kind.STATE, "A mail has one block of this kind."),
    "block.unknown": Meaning(Kind.STALE, "That block or place is not there any more."),
    "brand.changed": Meaning(Kind.STALE, "Somebody else changed the brand meanwhile."),
    "brand.color_malformed": Meaning(Kind.INPUT, "A color is not written like #0b5cad."),
    "brand.in_notices": Meaning(
        Kind.FORBIDDEN, "Only an administrator decides what notices say of who writes and whom to call."
    ),
    "brand.name_missing": Meaning(Kind.INPUT, "A brand has a name."),
    "brand.name_taken": Meaning(Kind.STATE, "Another brand has this name."),
    "breach.closed": Meaning(Kind.STATE, "This breach was closed already."),
    "breach.closing_day_wrong": Meaning(Kind.INPUT, "A breach is closed between the day it was found and today."),
    "breach.in_future": Meaning(Kind.INPUT, "A breach cannot be found in the future."),
    "breach.without_evidence": Meaning(Kind.INPUT, "The closing of a breach says what was done and how one knows."),
    "breach.without_outcome": Meaning(Kind.INPUT, "A breach is closed as cured, or with the end of the agreement."),
    "breach.without_words": Meaning(Kind.INPUT, "A breach says what the vendor did or left undone."),
    "campaign.audience_grew": Meaning(Kind.STATE, "The audience grew too much since the campaign was approved."),
    "campaign.audience_twice": Meaning(Kind.INPUT, "A campaign is for a segment or for everybody, not for both."),
    "campaign.changed": Meaning(Kind.STALE, "Somebody else changed the campaign meanwhile."),
    "campaign.excludes_itself": Meaning(Kind.INPUT, "The segment of a campaign cannot be one that it leaves out."),
    "campaign.in_use": Meaning(Kind.STATE, "A segment asks about this campaign."),
    "campaign.incomplete": Meaning(
        Kind.STATE, "Something is missing before the campaign can be approved; the sentence says what."
    ),
    "campaign.kept": Meaning(Kind.STATE, "The campaign has begun or is scheduled, so its record is kept."),
    "campaign.list_unknown": Meaning(Kind.ABSENT, "There is no such list of a campaign."),
    "campaign.name_length": Meaning(Kind.INPUT, "The name of the campaign is missing or too long."),
    "campaign.name_taken": Meaning(Kind.STATE, "Another campaign has this name."),
    "campaign.nobody_left": Meaning(Kind.STATE, "Nobody would get the campaign."),
    "campaign.not_approved": Meaning(Kind.STATE, "The campaign is not approved."),
    "campaign.not_being_sent": Meaning(Kind.STATE, "The campaign is not being sent."),
    "campaign.not_changeable": Meaning(
        Kind.STATE, "The campaign is scheduled, was begun or canceled, so it cannot be changed."
    ),
    "campaign.not_paused": Meaning(Kind.STATE, "The campaign is not paused."),
    "campaign.not_scheduled": Meaning(Kind.STATE, "The campaign is not scheduled."),
    "campaign.time_past": Meaning(Kind.INPUT, "The time of sending has passed."),
    "campaign.time_too_far": Meaning(Kind.INPUT, "The time of sending is more than a year ahead."),
    "campaign.too_many_copies": Meaning(Kind.STATE, "There are as many copies of this campaign as there may be."),
    "campaign.unknown": Meaning(Kind.ABSENT, "There is no such campaign."),
    "campaign.without_audience": Meaning(Kind.STATE, "The campaign has no segment yet, nor is it for everybody."),
    "campaign.without_purpose": Meaning(Kind.STATE, "The campaign has no purpose yet."),
    "campaign.without_template": Meaning(Kind.STATE, "The campaign has no template yet."),
    "campaign.would_void": Meaning(
        Kind.STATE, "The change would void the approval of the campaign, so nothing was saved."
    ),
    "campaign_file.exclude_not_a_list": Meaning(
        Kind.INPUT, "What the campaign leaves out is not a list of names of segments."
    ),
    "campaign_file.not_an_object": Meaning(Kind.INPUT, "The description of the campaign is not a JSON object."),
    "campaign_file.not_true_or_false": Meaning(
        Kind.INPUT, "A part of the description of the campaign is neither true nor false."
    ),
    "campaign_file.part_unknown": Meaning(Kind.INPUT, "The description of the campaign has a part that is not known."),
    "campaign_file.purpose_unknown": Meaning(Kind.INPUT, "There is no such purpose."),
    "campaign_file.remuneration_unknown": Meaning(Kind.INPUT, "There is no such answer about remuneration."),
    "campaign_file.text_length": Meaning(
        Kind.INPUT, "A part of the description of the campaign is no text, or too long a one."
    ),
    "condition.bounds_backwards": Meaning(Kind.INPUT, "The lower number, age or date comes first."),
    "condition.code_set_unknown": Meaning(Kind.INPUT, "There is no such set of codes."),
    "condition.codes_twice": Meaning(Kind.INPUT, "A condition has a code or a set of codes, not both."),
    "condition.comparison_unknown": Meaning(Kind.INPUT, "This attribute cannot be compared in this way."),
    "condition.day_malformed": Meaning(Kind.INPUT, "A day is not written as a date (2026-11-22)."),
    "condition.day_missing": Meaning(Kind.INPUT, "The first or last day is missing."),
    "condition.kind_unknown": Meaning(Kind.INPUT, "A condition is of no known kind, or of several."),
    "condition.letters_count": Meaning(Kind.INPUT, "The start of a name is two to four letters."),
    "condition.not_an_object": Meaning(Kind.INPUT, "A condition is not an object with named parts."),
    "condition.not_chosen": Meaning(Kind.INPUT, "A condition does not say yet what it looks at."),
    "condition.number_malformed": Meaning(Kind.INPUT, "A number is no number, or out of its bounds."),
    "condition.part_unknown": Meaning(Kind.INPUT, "A condition has a part that is not known."),
    "condition.percentage_malformed": Meaning(
        Kind.INPUT, "The percentage is no number, out of its bounds, or too fine."
    ),
    "condition.period_too_long": Meaning(Kind.LARGE, "The days of a condition lie too far apart."),
    "condition.period_twice": Meaning(Kind.INPUT, "A condition has dates or a number of days, not both."),
    "condition.sample_key_malformed": Meaning(Kind.INPUT, "The key of a random sample is missing or malformed."),
    "condition.unit_alone": Meaning(Kind.INPUT, "A unit belongs to a number of days."),
    "condition.value_missing": Meaning(Kind.INPUT, "A value is missing or too long."),
    "condition.value_too_long": Meaning(Kind.INPUT, "A value of a list is too long."),
    "condition.value_unknown": Meaning(Kind.INPUT, "A value is not one of those that there are."),
    "condition.values_count": Meaning(Kind.INPUT, "A condition has too few or too many values."),
    "consent.in_future": Meaning(Kind.INPUT, "A consent cannot be dated in the future."),
    "consent.incomplete": Meaning(Kind.INPUT, "A consent has a purpose, and is granted or denied."),
    "consent.run_out": Meaning(Kind.INPUT, "This consent would have run out already."),
    "conversation.assignee_not_allowed": Meaning(Kind.INPUT, "The role of this colleague does not answer patients."),
    "conversation.changed": Meaning(Kind.STALE, "The patient wrote again meanwhile."),
    "conversation.unknown": Meaning(Kind.ABSENT, "There is no such conversation."),
    "delivery_settings.changed": Meaning(Kind.STALE, "Somebody else changed the delivery settings meanwhile."),
    "delivery_settings.host_malformed": Meaning(Kind.INPUT, "This is not the name of a host."),
    "delivery_settings.without_domain": Meaning(Kind.STATE, "The sending domain is not set yet."),
    "delivery_settings.without_relay": Meaning(Kind.INPUT, "Mail is to go through a relay, and none is named."),
    "duplicates.decided": Meaning(Kind.STATE, "Somebody decided about this pair meanwhile."),
    "duplicates.finished": Meaning(Kind.STATE, "This search for duplicates is finished."),
    "duplicates.not_stopped": Meaning(Kind.STATE, "Only a search for duplicates that was stopped can go on."),
    "duplicates.under_way": Meaning(Kind.STATE, "A search for duplicates is under way already."),
    "export.failed": Meaning(Kind.FAULT, "The export failed or was canceled; the sentence says why."),
    "export.file_gone": Meaning(Kind.STATE, "The file of this export is not there any more."),
    "export.finished": Meaning(Kind.STATE, "This export is finished."),
    "export.kind_unknown": Meaning(Kind.ABSENT, "There is nothing of that kind to export."),
    "export.subject_gone": Meaning(Kind.ABSENT, "What should be exported is not there any more."),
    "export.too_many_people": Meaning(Kind.LARGE, "These are more people than fit in one file."),
    "export.unknown": Meaning(Kind.ABSENT, "There is no such export."),
    "export.without_columns": Meaning(Kind.INPUT, "An export has at least one column."),
    "export.without_reason": Meaning(Kind.INPUT, "An export says what it is for."),
    "hygiene.report_under_way": Meaning(Kind.BUSY, "The report about the list is being made right now."),
    "image.kind_wrong": Meaning(Kind.INPUT, "This is not an image that mail programs show."),
    "image.missing": Meaning(Kind.INPUT, "A file with an image was expected."),
    "image.not_stored": Meaning(Kind.BUSY, "The image could not be stored under its name."),
    "image.too_large": Meaning(Kind.LARGE, "The file of the image is too large."),
    "image.too_wide": Meaning(Kind.LARGE, "The image has more pixels in width or height than it may."),
    "import.canceled": Meaning(Kind.STATE, "The import was canceled."),
    "import.failed": Meaning(Kind.INPUT, "The import failed; the sentence says why."),
    "import.file_unreadable": Meaning(Kind.INPUT, "A file cannot be read; the sentence says which and where."),
    "import.files_gone": Meaning(Kind.STATE, "The files of this import were deleted after their time."),
    "import.files_not_together": Meaning(
        Kind.INPUT, "These files are not imported together: only the tables of Synthea are."
    ),
    "import.finished": Meaning(Kind.STATE, "This import is finished."),
    "import.level_in_use": Meaning(Kind.STATE, "A segment asks about the import, so its level stays."),
    "import.level_not_allowed": Meaning(Kind.FORBIDDEN, "Only an administrator lowers the level of a list."),
    "import.level_wrong": Meaning(Kind.INPUT, "A list of people is health information, or specially protected."),
    "import.mapping_fixed": Meaning(Kind.STATE, "The mapping of this import cannot be changed any more."),
    "import.mapping_wrong": Meaning(Kind.INPUT, "The mapping of the import cannot be read, or does not fit its file."),
    "import.no_synthea_table": Meaning(Kind.INPUT, "None of the files is a table of Synthea that can be imported."),
    "import.not_checked": Meaning(Kind.STATE, "This import was not checked yet."),
    "import.not_stopped": Meaning(Kind.STATE, "This import did not stop while it ran, so it cannot be resumed."),
    "import.nothing_to_undo": Meaning(Kind.STATE, "This import is under way, or changed nothing."),
    "import.rows_not_allowed": Meaning(Kind.FORBIDDEN, "The rejected rows are open only to some."),
    "import.started": Meaning(Kind.STATE, "This import is under way or done."),
    "import.too_many_files": Meaning(Kind.LARGE, "These are too many files for one import."),
    "import.undo_finished": Meaning(Kind.STATE, "No undo of this import is under way."),
    "import.undo_stopped": Meaning(Kind.STATE, "The undo was canceled or broke off; it can go on."),
    "import.undo_too_late": Meaning(Kind.STATE, "What this import replaced is not kept any more."),
    "import.undone": Meaning(Kind.STATE, "This import was undone already, or is just being undone."),
    "import.unknown": Meaning(Kind.ABSENT, "There is no such import."),
    "import.without_files": Meaning(Kind.INPUT, "An import has at least one file."),
    "import.without_mapping_file": Meaning(Kind.INPUT, "A file with a mapping was expected."),
    "inbound.done": Meaning(Kind.STATE, "A colleague has dealt with this mail already."),
    "inbound.sorted_gone": Meaning(Kind.STATE, "This mail is among the letters already, or its time was over."),
    "journey.active": Meaning(Kind.STATE, "This draft and its texts are active already."),
    "journey.changed": Meaning(Kind.STALE, "Somebody else changed the journey meanwhile."),
    "journey.name_missing": Meaning(Kind.INPUT, "A journey has a name."),
    "journey.name_taken": Meaning(Kind.STATE, "Another journey has this name."),
    "journey.name_too_long": Meaning(Kind.INPUT, "The name of the journey is too long."),
    "journey.not_active": Meaning(Kind.STATE, "The journey is not active."),
    "journey.not_approved": Meaning(Kind.STATE, "The journey is not approved."),
    "journey.not_by_hand": Meaning(Kind.STATE, "People come into this journey by its trigger, not by hand."),
    "journey.nothing_to_undo": Meaning(Kind.STATE, "There is nothing to undo."),
    "journey.preset_unknown": Meaning(Kind.ABSENT, "There is no such ready-made journey."),
    "journey.state_wrong": Meaning(Kind.STALE, "The journey is not in the state that this needs."),
    "journey.too_deep": Meaning(Kind.LARGE, "The branches of the journey are nested deeper than they may be."),
    "journey.too_many_steps": Meaning(Kind.LARGE, "The journey has more steps than it may."),
    "journey.unknown": Meaning(Kind.ABSENT, "There is no such journey."),
    "journey.unusable": Meaning(Kind.INPUT, "The journey cannot be used as it is; the sentence says what to mend."),
    "journey.would_void": Meaning(
        Kind.STATE, "The change would void the approval of the journey, so nothing was saved."
    ),
    "lab.code_taken": Meaning(Kind.STATE, "A code belongs to another lab or value set already."),
    "lab.codes_wrong": Meaning(Kind.INPUT, "The codes of the lab are missing, too many or malformed."),
    "lab.level_wrong": Meaning(Kind.INPUT, "A result is health information, or specially protected."),
    "lab.name_length": Meaning(Kind.INPUT, "The name of the lab is missing or too long."),
    "lab.name_taken": Meaning(Kind.STATE, "There is a lab of this name already."),
    "lab.not_failed": Meaning(Kind.STATE, "The results of this lab are being prepared, or ready."),
    "lab.too_many": Meaning(Kind.STATE, "There are as many labs as there may be."),
    "letter.named": Meaning(Kind.STATE, "A colleague has already said whom this letter is from."),
    "letter.not_chosen": Meaning(Kind.STATE, "Nobody chose whom this letter is from."),
    "letter.person_gone": Meaning(Kind.ABSENT, "The person a letter was to be from is not there any more."),
    "link.malformed": Meaning(Kind.INPUT, "The link holds spaces, quotes or control characters."),
    "link.not_web": Meaning(Kind.INPUT, "The link is not a whole web address (https:// or http://)."),
    "link.scheme_not_allowed": Meaning(
        Kind.INPUT, "The link begins with something else than https, http, mailto or tel."
    ),
    "link.without_host": Meaning(Kind.INPUT, "The link has no proper name of a host."),
    "logo.not_an_image": Meaning(Kind.INPUT, "The file of the logo is no image of a known kind."),
    "logo.too_large": Meaning(Kind.LARGE, "The file of the logo is too large."),
    "mailbox.not_in_question": Meaning(Kind.STATE, "Nobody doubts that this mailbox is still this person's."),
    "mailbox.not_resting": Meaning(Kind.STATE, "Optional mail to this mailbox does not rest."),
    "mailbox.not_theirs": Meaning(Kind.STATE, "Somebody at this mailbox said that it is not this person."),
    "mailbox.of_nobody": Meaning(
        Kind.STATE, "Nobody on record has this mailbox, so that nobody could take back what its owner chose."
    ),
    "mailbox.unsubscribed": Meaning(
        Kind.STATE, "This person unsubscribed or called our mail spam; a new consent comes first."
    ),
    "merge.in_another": Meaning(Kind.STATE, "This record was merged into another one since, or erased."),
    "merge.not_allowed": Meaning(Kind.FORBIDDEN, "Only somebody who may see identity facts merges people."),
    "merge.too_late": Meaning(Kind.STATE, "What an undo of this merge needs is not kept any more."),
    "merge.undone": Meaning(Kind.STATE, "This merge was undone already."),
    "merge.unknown": Meaning(Kind.ABSENT, "There is no such merge."),
    "merge.with_itself": Meaning(Kind.INPUT, "A record cannot be merged with itself."),
    "message.field_missing": Meaning(
        Kind.INPUT, "A merge field has no value for this person, and the template gives no fallback."
    ),
    "message.header_broken": Meaning(Kind.FAULT, "The head of the message is broken."),
    "message.header_unsafe": Meaning(Kind.INPUT, "A value for a header holds a line break or a NUL."),
    "message.id_malformed": Meaning(Kind.FAULT, "The Message-ID is malformed."),
    "message.not_in_doubt": Meaning(Kind.STATE, "This message is not in doubt."),
    "message.not_one_from": Meaning(Kind.FAULT, "The message does not have exactly one From."),
    "message.not_whole": Meaning(Kind.FAULT, "The message is not what was made for its recipient."),
    "message.subject_not_neutral": Meaning(Kind.INPUT, "The neutral subject is not one short plain line."),
    "message.under_way": Meaning(Kind.STATE, "This message is on its way or finished."),
    "message.unsubscribe_not_https": Meaning(Kind.FAULT, "The address for unsubscribing is not one https address."),
    "message.without_body": Meaning(Kind.FAULT, "The message has no body."),
    "message.without_type": Meaning(Kind.FAULT, "The message does not say what its body is."),
    "note.length": Meaning(Kind.INPUT, "A note is empty or too long."),
    "notice.brand_not_allowed": Meaning(Kind.FORBIDDEN, "Only an administrator chooses the brand of a notice."),
    "organization.changed": Meaning(Kind.STALE, "Somebody else changed the organization meanwhile."),
    "organization.time_zone_unknown": Meaning(Kind.INPUT, "There is no such time zone."),
    "organization_key.unusable": Meaning(
        Kind.FAULT, "The S/MIME key with which the organization signs cannot be used."
    ),
    "pending_change.not_allowed": Meaning(Kind.FORBIDDEN, "Only somebody who may see these facts decides about them."),
    "period.backwards": Meaning(Kind.INPUT, "The last day lies before the first."),
    "person.changed": Meaning(Kind.STALE, "Somebody else changed this person meanwhile."),
    "person.erased": Meaning(Kind.ABSENT, "This person was erased."),
    "person.number_taken": Meaning(Kind.STATE, "Another person has this record number."),
    "person.reach_count": Meaning(Kind.INPUT, "More addresses or telephones than one person may have."),
    "person.unknown": Meaning(Kind.ABSENT, "There is no such person."),
    "person.without_mailbox": Meaning(Kind.STATE, "This person has no e-mail address."),
    "plan.not_drawn": Meaning(Kind.BUSY, "The plan could not be drawn this time."),
    "portal.closed": Meaning(Kind.STATE, "The portal access of this person is closed."),
    "portal.not_on_record": Meaning(Kind.STATE, "Only a person on record can read in the portal."),
    "portal.without_account": Meaning(Kind.STATE, "This person has no portal account yet."),
    "recipient_key.algorithm_unknown": Meaning(Kind.INPUT, "The key is of a kind that cannot be used."),
    "recipient_key.authority_not_trusted": Meaning(
        Kind.INPUT, "The certificate was not issued by an authority that this organization trusts."
    ),
    "recipient_key.cannot_encrypt": Meaning(
        Kind.INPUT, "The programs that encrypt do not accept this key or certificate."
    ),
    "recipient_key.checker_missing": Meaning(
        Kind.FAULT, "GnuPG or OpenSSL, which checks keys, is missing on the server."
    ),
    "recipient_key.damaged": Meaning(
        Kind.STATE, "The stored key or certificate cannot be read, or is not the one that was checked."
    ),
    "recipient_key.expired": Meaning(Kind.INPUT, "The key or certificate has expired."),
    "recipient_key.file_too_large": Meaning(Kind.LARGE, "The file is too large for a key or certificate."),
    "recipient_key.file_unreadable": Meaning(Kind.INPUT, "The file is no public key or certificate."),
    "recipient_key.kind_wrong": Meaning(Kind.STATE, "The key is of another kind than the message is sealed with."),
    "recipient_key.missing": Meaning(Kind.STATE, "There is no key to seal this message for."),
    "recipient_key.no_authority_trusted": Meaning(Kind.STATE, "No certificate authority is trusted for S/MIME yet."),
    "recipient_key.not_for_mail": Meaning(Kind.INPUT, "The certificate is not made for mail."),
    "recipient_key.not_in_use": Meaning(Kind.STATE, "This key is not in use any more."),
    "recipient_key.not_one": Meaning(Kind.INPUT, "The file does not hold exactly one key or certificate of a person."),
    "recipient_key.not_valid_yet": Meaning(Kind.INPUT, "The key or certificate is only valid from a later day."),
    "recipient_key.of_an_authority": Meaning(Kind.INPUT, "This is the certificate of an authority, not of a person."),
    "recipient_key.of_another_address": Meaning(
        Kind.INPUT, "The key or certificate is not made for the address it is meant for."
    ),
    "recipient_key.only_signs": Meaning(Kind.INPUT, "The key or certificate is for signing only."),
    "recipient_key.private": Meaning(Kind.INPUT, "The file holds a private key; nothing was kept."),
    "recipient_key.revoked": Meaning(Kind.INPUT, "The key or certificate was revoked."),
    "recipient_key.signature_wrong": Meaning(Kind.INPUT, "The owner's signature on the key does not hold."),
    "recipient_key.too_weak": Meaning(Kind.INPUT, "The key is too weak."),
    "recipient_key.version_too_new": Meaning(Kind.INPUT, "The key has a version that GnuPG cannot read."),
    "reply.empty": Meaning(Kind.INPUT, "The reply of a patient is empty."),
    "reply.too_long": Meaning(Kind.LARGE, "The reply of a patient is too long."),
    "reply.too_many_this_hour": Meaning(Kind.OFTEN, "The patient sent as many replies as they may within an hour."),
    "reply.too_many_today": Meaning(Kind.OFTEN, "The patient sent as many replies as they may within a day."),
    "restore.impossible": Meaning(Kind.FAULT, "The backup could not be restored; the sentence says why."),
    "review.too_early": Meaning(Kind.INPUT, "Days that have not ended cannot have been reviewed."),
    "review.without_finding": Meaning(Kind.INPUT, "A review says what it found."),
    "review.without_follow_up": Meaning(Kind.INPUT, "A review that asks for a follow-up says which."),
    "review.without_person": Meaning(
        Kind.FORBIDDEN, "A review of the trail is made by a person who is signed in by name."
    ),
    "route.unknown": Meaning(Kind.ABSENT, "This route is not part of the installation."),
    "rule.empty": Meaning(Kind.INPUT, "A rule without conditions is none, unless it means everybody."),
    "rule.group_empty": Meaning(Kind.INPUT, "A group of the rule is empty."),
    "rule.not_a_list": Meaning(Kind.INPUT, "The rules of a group are not a list of conditions."),
    "rule.too_deep": Meaning(Kind.LARGE, "The groups of the rule are nested deeper than they may be."),
    "rule.too_many_conditions": Meaning(Kind.LARGE, "The rule has more conditions than it may."),
    "rule.without_group": Meaning(Kind.INPUT, "A rule begins with a group."),
    "run.ended": Meaning(Kind.STATE, "This person is no longer on the way."),
    "run.not_failed": Meaning(Kind.STATE, "This run has not failed."),
    "run.under_way": Meaning(Kind.STATE, "This person is in the journey already."),
    "segment.changed": Meaning(Kind.STALE, "Somebody else changed the segment meanwhile."),
    "segment.description_too_long": Meaning(Kind.INPUT, "The description of the segment is too long."),
    "segment.in_use": Meaning(Kind.STATE, "The segment is used elsewhere."),
    "segment.looks_at_itself": Meaning(Kind.INPUT, "A segment cannot look at itself, not even through others."),
    "segment.name_missing": Meaning(Kind.INPUT, "A segment has a name."),
    "segment.name_taken": Meaning(Kind.STATE, "Another segment has this name."),
    "segment.name_too_long": Meaning(Kind.INPUT, "The name of the segment is too long."),
    "segment.too_many_copies": Meaning(Kind.STATE, "There are as many copies of this segment as there may be."),
    "segment.too_slow": Meaning(Kind.LARGE, "Counting took too long, because too many people are looked at."),
    "segment.unknown": Meaning(Kind.ABSENT, "There is no such segment."),
    "sender.unknown": Meaning(Kind.ABSENT, "There is no such sender."),
    "sending.stopped": Meaning(Kind.STATE, "This was stopped for good."),
    "session.ended": Meaning(Kind.STATE, "That session has ended already."),
    "signing_key.name_malformed": Meaning(
        Kind.INPUT, "The domain or selector under which mail is signed is not a valid name."
    ),
    "signing_key.selector_taken": Meaning(Kind.STATE, "There is a signing key under this selector already."),
    "signing_key.unknown": Meaning(Kind.ABSENT, "There is no such signing key."),
    "signing_key.unreadable": Meaning(Kind.FAULT, "The key that signs mail cannot be read."),
    "signing_key.unsuitable": Meaning(Kind.FAULT, "The key that signs mail is too weak or of an unknown kind."),
    "staff.address_taken": Meaning(Kind.STATE, "Somebody signs in with that address already."),
    "staff.disabled": Meaning(Kind.STATE, "This member of staff has no access; it is given back first."),
    "staff.last_administrator": Meaning(Kind.STATE, "This is the only administrator, and there has to be one."),
    "staff.own_access": Meaning(Kind.FORBIDDEN, "Nobody disables their own access."),
    "staff.own_role": Meaning(Kind.FORBIDDEN, "Nobody changes their own role."),
    "staff.role_unknown": Meaning(Kind.INPUT, "There is no such role."),
    "step.at_the_end": Meaning(Kind.STATE, "The step is the first or last of its path already."),
    "step.into_itself": Meaning(Kind.INPUT, "A step cannot be moved into its own path."),
    "step.kind_unknown": Meaning(Kind.INPUT, "There is no such kind of step."),
    "step.path_unknown": Meaning(Kind.STALE, "That path is no longer in the journey."),
    "step.unknown": Meaning(Kind.STALE, "That step is no longer in the journey."),
    "suppression.altered": Meaning(Kind.STATE, "A stop was altered in the database; an administrator looks first."),
    "suppression.failed": Meaning(
        Kind.FAULT, "The list or the file could not be worked through; the sentence says why."
    ),
    "suppression.file_gone": Meaning(Kind.STATE, "The list of suppressions is not there any more."),
    "suppression.finished": Meaning(Kind.STATE, "This job is finished."),
    "suppression.gone": Meaning(Kind.ABSENT, "This mailbox is not stopped in this way any more."),
    "suppression.job_unknown": Meaning(Kind.ABSENT, "There is no such list or export."),
    "suppression.known": Meaning(Kind.STATE, "This mailbox is stopped in this way already."),
    "suppression.list_too_long": Meaning(Kind.LARGE, "The list of addresses is too large."),
    "suppression.list_unreadable": Meaning(Kind.INPUT, "The file is no list that can be read."),
    "suppression.not_chosen": Meaning(Kind.INPUT, "A stop says which mail it stops, and why."),
    "suppression.not_for_your_role": Meaning(
        Kind.FORBIDDEN,
        "Whoever prepares mailings does not lift what the person chose; care staff and administrators do.",
    ),
    "suppression.sound": Meaning(Kind.STATE, "No stop is altered or missing."),
    "suppression.without_addresses": Meaning(Kind.INPUT, "There is no address in the list."),
    "suppression.without_reason": Meaning(Kind.INPUT, "A stop is added and lifted with a reason."),
    "tag.act_unknown": Meaning(Kind.INPUT, "A tag is added or removed."),
    "tag.changed": Meaning(Kind.STALE, "Somebody else changed this tag meanwhile."),
    "tag.description_too_long": Meaning(Kind.INPUT, "The description of the tag is too long."),
    "tag.in_use": Meaning(Kind.STATE, "Segments or journeys use this tag."),
    "tag.job_finished": Meaning(Kind.STATE, "Giving or taking the tag is finished."),
    "tag.job_not_stopped": Meaning(Kind.STATE, "Only what was canceled or failed can go on."),
    "tag.job_unknown": Meaning(Kind.ABSENT, "There is no such job of tags."),
    "tag.level_in_use": Meaning(Kind.STATE, "The level of a tag is raised while nothing uses the tag."),
    "tag.level_lowered": Meaning(Kind.INPUT, "The level of a tag is never lowered."),
    "tag.level_not_allowed": Meaning(
        Kind.FORBIDDEN, "Only an administrator adds a tag that is less than health information."
    ),
    "tag.level_too_low": Meaning(
        Kind.STATE, "This tag is protected less than the information by which people would get it."
    ),
    "tag.level_unknown": Meaning(Kind.INPUT, "There is no such level of tags."),
    "tag.name_length": Meaning(Kind.INPUT, "The name of the tag is missing or too long."),
    "tag.name_malformed": Meaning(Kind.INPUT, "The name of a tag has no commas, semicolons or control characters."),
    "tag.name_taken": Meaning(Kind.STATE, "There is a tag of this name already."),
    "tag.nobody_chosen": Meaning(Kind.INPUT, "Nobody was chosen, or too many people were."),
    "tag.too_many": Meaning(Kind.STATE, "There are as many tags as there may be."),
    "tag.unknown": Meaning(Kind.ABSENT, "There is no such tag."),
    "task.act_unknown": Meaning(Kind.ABSENT, "A task of this kind does not offer that."),
    "task.address_replaced": Meaning(Kind.STATE, "The person has another address by now."),
    "task.done": Meaning(Kind.STATE, "A colleague has dealt with this task already."),
    "task.unknown": Meaning(Kind.ABSENT, "There is no such task."),
    "template.changed": Meaning(Kind.STALE, "Somebody else changed the template meanwhile."),
    "template.in_use": Meaning(Kind.STATE, "The template is used elsewhere."),
    "template.language_missing": Meaning(Kind.STATE, "Nothing is written in this language yet."),
    "template.name_missing": Meaning(Kind.INPUT, "A template has a name."),
    "template.name_taken": Meaning(Kind.STATE, "Another template has this name."),
    "template.name_too_long": Meaning(Kind.INPUT, "The name of the template is too long."),
    "template.unknown": Meaning(Kind.ABSENT, "There is no such template."),
    "template.unusable": Meaning(Kind.INPUT, "The template cannot be saved or compiled; the sentence says why."),
    "test_copy.not_queued": Meaning(Kind.BUSY, "The test message could not be queued."),
    "test_copy.of_a_person": Meaning(Kind.FORBIDDEN, "A mail with a person's data goes to one's own mailbox only."),
    "test_copy.reader_unknown": Meaning(Kind.INPUT, "There is no such colleague to whom a test could go."),
    "theme.unknown": Meaning(Kind.INPUT, "There is no such theme."),
    "trail.action_unknown": Meaning(Kind.INPUT, "There is no such action."),
    "trail.actor_kind_unknown": Meaning(Kind.INPUT, "There is no such kind of actor."),
    "trail.day_malformed": Meaning(Kind.INPUT, "A day of the filter is not written as a date (2026-11-22)."),
    "trail.format_unknown": Meaning(Kind.INPUT, "The trail is not exported in this format."),
    "trail.person_malformed": Meaning(Kind.INPUT, "A person of the filter is not given by number."),
    "trail.run_malformed": Meaning(Kind.INPUT, "A run of entries is not written as two numbers (1200-1611)."),
    "vendor.agreement_in_force": Meaning(
        Kind.STATE, "An agreement with this vendor is in force; it is terminated first."
    ),
    "vendor.breach_open": Meaning(Kind.STATE, "A material breach of this vendor is open; it is closed first."),
    "vendor.unknown": Meaning(Kind.ABSENT, "There is no such vendor."),
    "vendor.without_kind": Meaning(Kind.INPUT, "A vendor has a kind."),
    "vendor.without_name": Meaning(Kind.INPUT, "A vendor has a name."),
}


def problems() -> dict[str, dict[str, str | int]]:
    """The list as an API publishes it: by code its title, its HTTP status, and whether a retry can help."""
    return {
        code: {"title": meaning.title, "status": meaning.kind.status, "retry": meaning.kind.retry}
        for code, meaning in REFUSALS.items()
    }


_PAGE = """\
# Error codes

What the product refuses, it refuses with a code and a sentence. The sentence is for a person and may be reworded; the
code is for a program: it never changes its meaning and is never given anew. Commands with `--json` print both
(`{"refused": "the sentence", "code": "campaign.not_approved"}`).

A code is `noun.what_is_wrong`. The status is the HTTP status of its class (RFC 9457 calls the code the type of the
problem, and what it means its title).

| status | whether a retry can help |
|---|---|
%s

This page is drawn from `apps/core/refusals.py` by `make errors`.
"""


def page() -> str:
    """The text of ``docs/errors.md``."""
    kinds = "\n".join(f"| {kind.status} | {kind.retry} |" for kind in Kind)
    parts = [_PAGE % kinds]
    noun = ""
    for code, meaning in REFUSALS.items():
        if code.partition(".")[0] != noun:
            noun = code.partition(".")[0]
            parts.append(f"\n## {noun}\n\n| code | status | meaning |\n|---|---|---|\n")
        parts.append(f"| `{code}` | {meaning.kind.status} | {meaning.title} |\n")
    return "".join(parts)
