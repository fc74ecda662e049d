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
    IMPORT_EXPORT = "import.export"
    CONSENT_RECORD = "consent.record"
    SUPPRESSION_ADD = "suppression.add"
    SUPPRESSION_LIFT = "suppression.lift"
    APPOINTMENT_BOOK = "appointment.book"
    APPOINTMENT_MOVE = "appointment.move"
    APPOINTMENT_CANCEL = "appointment.cancel"
    EVENT_RECORD = "event.record"
    # audit
    TRAIL_VIEW = "trail.view"
    TRAIL_EXPORT = "trail.export"
    TRAIL_VERIFY = "trail.verify"
    # delivery
    MESSAGE_ENQUEUE = "message.enqueue"
    MESSAGE_SEND = "message.send"
    MESSAGE_RECOVER = "message.recover"
    MESSAGE_RESEND = "message.resend"
    MESSAGE_STOP = "message.stop"
    MESSAGE_OPEN = "message.open"
    SOURCE_PAUSE = "source.pause"
    SOURCE_RESUME = "source.resume"
    SOURCE_STOP = "source.stop"
    DELIVERY_CHANGE = "delivery.change"
    DELIVERY_MEASURE = "delivery.measure"
    SIGNING_KEY_CREATE = "signing_key.create"
    SIGNING_KEY_ACTIVATE = "signing_key.activate"
    SIGNING_KEY_RETIRE = "signing_key.retire"
    RECIPIENT_KEY_ADD = "recipient_key.add"
    RECIPIENT_KEY_REMOVE = "recipient_key.remove"
