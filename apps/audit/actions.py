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
    # portal
    PORTAL_ASK_CODE = "portal.ask_code"
    PORTAL_SIGN_IN = "portal.sign_in"
    PORTAL_SIGN_IN_FAILED = "portal.sign_in_failed"
    PORTAL_LOCK = "portal.lock"
    PORTAL_UNLOCK = "portal.unlock"
    PORTAL_SIGN_OUT = "portal.sign_out"
    PORTAL_SESSION_EXPIRE = "portal.session_expire"
    PORTAL_END_SESSIONS = "portal.end_sessions"
    PORTAL_SET_PASSWORD = "portal.set_password"  # noqa: S105
    PORTAL_NOT_ME = "portal.not_me"
    PORTAL_SEND_LINK = "portal.send_link"
    SECURE_MESSAGE_STORE = "secure_message.store"
    SECURE_MESSAGE_LIST = "secure_message.list"
    SECURE_MESSAGE_OPEN = "secure_message.open"
    SECURE_MESSAGE_EXPORT = "secure_message.export"
    SECURE_MESSAGE_REPLY = "secure_message.reply"
    CONVERSATION_LIST = "conversation.list"
    CONVERSATION_OPEN = "conversation.open"
    CONVERSATION_ANSWER = "conversation.answer"
    CONVERSATION_ASSIGN = "conversation.assign"
    CONVERSATION_CLOSE = "conversation.close"
    CONVERSATION_REOPEN = "conversation.reopen"
    TASK_OPEN = "task.open"
    TASK_DONE = "task.done"
    # audit
    TRAIL_VIEW = "trail.view"
    TRAIL_EXPORT = "trail.export"
    TRAIL_VERIFY = "trail.verify"
