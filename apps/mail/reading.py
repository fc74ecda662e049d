"""The words of a letter, read where there is nothing to take: its parser meets whatever a stranger wrote."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from apps.core.strangers.opening import Limits, Unopened, open_file
from apps.mail.reply_text import Piece, ReplyText

_LIMITS = Limits(memory=512 * 1024 * 1024, computing=8, seconds=20.0, output=8 * 1024 * 1024)


def read_letter(raw: bytes, zone: tzinfo) -> dict[str, Any]:
    """The form of a letter that is sealed. Raises nothing: what cannot be read says so, and its original is kept."""
    try:
        found = open_file("apps.mail.reading_inside:words", raw, limits=_LIMITS, zone=str(zone)).value
        return dict(found)
    except (Unopened, TypeError, ValueError) as error:
        why = error.trouble.words if isinstance(error, Unopened) else ""
        said = f"This letter cannot be read here. {why} The original is kept and can be saved."
        # As if read by a version before the first: whoever opens it tries again.
        return ReplyText("", "", "", "", said, pieces=(Piece("words", said),), version=0).to_json()
