"""Reading a mail that a person wrote: pure, and never more than text. Bytes may be anything.

Nothing here is rendered as HTML, fetched or opened: staff see words and the names of attachments.
"""

from apps.mail.reply_text.pieces import Attachment, Piece, ReplyText
from apps.mail.reply_text.reading import MAX_TEXT, VERSION, read

__all__ = ["MAX_TEXT", "VERSION", "Attachment", "Piece", "ReplyText", "read"]
