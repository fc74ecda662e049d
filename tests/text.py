"""What a reader sees of a page or a mail, without what is drawn by lot.

Links, ids and forms carry random tokens, and any three letters lie inside one of them some day. So a test that says
"this short word is nowhere" looks at the text without them: a patient's word is found, a token's letters are not.
"""

from __future__ import annotations

import re

# Twelve or more letters of an alphabet of tokens in one piece; what people write has blanks.
_PIECE = re.compile(r"[A-Za-z0-9_+/=-]{12,}")
# Between letters and digits, or small and capital letters: random ones change every other time, words hardly ever.
_CHANGE = re.compile(r"(?=[a-z][A-Z0-9]|[A-Z][a-z0-9]|[0-9][A-Za-z])")


def without_tokens(text: str) -> str:
    """``text`` with "…" for every token, key and random id in it; words, addresses and paths of words stay."""
    return _PIECE.sub(lambda found: "…" if len(_CHANGE.findall(found[0])) >= 4 else found[0], text)
