"""Writes of the portal: the only code that saves its rows."""

from apps.portal.services.access import (
    Asked,
    SignInOutcome,
    State,
    access_set,
    code_ask,
    code_prove,
    link_again,
    not_me,
    password_set,
    password_sign_in,
    unlock,
)
from apps.portal.services.conversations import (
    address_put_back,
    conversation_answer,
    conversation_assign,
    conversation_close,
    conversation_open,
    conversation_reopen,
)
from apps.portal.services.lost_links import lost_link_ask, lost_links_answer
from apps.portal.services.messages import (
    Stored,
    draft_save,
    message_export,
    message_open,
    message_store,
    messages_list,
    reply_send,
)
from apps.portal.services.moved import moved_mailboxes_tell
from apps.portal.services.sessions import Visit, session_resolve, session_sign_out, sessions_clear, sessions_end

__all__ = [
    "Asked",
    "SignInOutcome",
    "State",
    "Stored",
    "Visit",
    "access_set",
    "address_put_back",
    "code_ask",
    "code_prove",
    "conversation_answer",
    "conversation_assign",
    "conversation_close",
    "conversation_open",
    "conversation_reopen",
    "draft_save",
    "link_again",
    "lost_link_ask",
    "lost_links_answer",
    "message_export",
    "message_open",
    "message_store",
    "messages_list",
    "moved_mailboxes_tell",
    "not_me",
    "password_set",
    "password_sign_in",
    "reply_send",
    "session_resolve",
    "session_sign_out",
    "sessions_clear",
    "sessions_end",
    "unlock",
]
