"""Every action that the trail can hold: ``noun.verb``. An auditor can read this file as an inventory.

Verbs of opening personal data: open, search, list, reveal, export, preview. All others are writes.
"""

from enum import StrEnum


class Action(StrEnum):
    # users
    USER_SIGN_IN = "user.sign_in"
    USER_SIGN_IN_FAILED = "user.sign_in_failed"
    USER_LOCK = "user.lock"
    USER_SIGN_OUT = "user.sign_out"
    USER_SESSION_EXPIRE = "user.session_expire"
    USER_INVITE = "user.invite"
    USER_CREATE = "user.create"
    USER_CHANGE = "user.change"
    USER_DISABLE = "user.disable"
    USER_ENABLE = "user.enable"
    USER_SET_PASSWORD = "user.set_password"  # noqa: S105
    USER_ENROL_FACTOR = "user.enrol_factor"
    USER_RESET_FACTOR = "user.reset_factor"
    USER_USE_RECOVERY_CODE = "user.use_recovery_code"
    USER_NEW_RECOVERY_CODES = "user.new_recovery_codes"
    # organization
    ORGANIZATION_CHANGE = "organization.change"
    # contacts
    CONTACT_CREATE = "contact.create"
    CONTACT_CHANGE = "contact.change"
    CONTACT_ERASE = "contact.erase"
    CONTACT_OPEN = "contact.open"
    CONTACT_SEARCH = "contact.search"
    CONTACT_LIST = "contact.list"
    CONTACT_REVEAL = "contact.reveal"
    CONTACT_EXPORT = "contact.export"
    CONTACT_IMPORT = "contact.import"
    IMPORT_CREATE = "import.create"
    IMPORT_CHANGE = "import.change"
    IMPORT_CANCEL = "import.cancel"
    IMPORT_PREVIEW = "import.preview"
    IMPORT_EXPORT = "import.export"
    CONSENT_RECORD = "consent.record"
    SUPPRESSION_ADD = "suppression.add"
    SUPPRESSION_LIFT = "suppression.lift"
    APPOINTMENT_BOOK = "appointment.book"
    APPOINTMENT_MOVE = "appointment.move"
    APPOINTMENT_CANCEL = "appointment.cancel"
    EVENT_RECORD = "event.record"
    # segments
    SEGMENT_CREATE = "segment.create"
    SEGMENT_CHANGE = "segment.change"
    SEGMENT_DELETE = "segment.delete"
    SEGMENT_COUNT = "segment.count"
    SEGMENT_PREVIEW = "segment.preview"
    SEGMENT_EXPLAIN = "segment.explain"
    # campaigns
    CAMPAIGN_CREATE = "campaign.create"
    CAMPAIGN_CHANGE = "campaign.change"
    CAMPAIGN_DELETE = "campaign.delete"
    CAMPAIGN_PLAN = "campaign.plan"
    CAMPAIGN_SUBMIT = "campaign.submit"
    CAMPAIGN_APPROVE = "campaign.approve"
    CAMPAIGN_REJECT = "campaign.reject"
    CAMPAIGN_SCHEDULE = "campaign.schedule"
    CAMPAIGN_SEND = "campaign.send"
    CAMPAIGN_PAUSE = "campaign.pause"
    CAMPAIGN_RESUME = "campaign.resume"
    CAMPAIGN_CANCEL = "campaign.cancel"
    CAMPAIGN_TEST = "campaign.test"
    CAMPAIGN_LIST = "campaign.list"
    CAMPAIGN_EXPORT = "campaign.export"
    # tracking
    LINK_CREATE = "link.create"
    CLICK_SETTLE = "click.settle"
    # audit
    TRAIL_VIEW = "trail.view"
    TRAIL_EXPORT = "trail.export"
    TRAIL_VERIFY = "trail.verify"
    # backup
    BACKUP_MAKE = "backup.make"
    BACKUP_RESTORE = "backup.restore"
    TRAIL_REVIEW = "trail.review"
    # journeys
    JOURNEY_CREATE = "journey.create"
    JOURNEY_CHANGE = "journey.change"
    JOURNEY_ACTIVATE = "journey.activate"
    JOURNEY_PAUSE = "journey.pause"
    JOURNEY_RESUME = "journey.resume"
    JOURNEY_ADVANCE = "journey.advance"
    JOURNEY_ADD_PERSON = "journey.add_person"
    JOURNEY_REMOVE_PERSON = "journey.remove_person"
    JOURNEY_RETRY = "journey.retry"
    JOURNEY_LIST = "journey.list"
