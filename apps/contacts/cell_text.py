"""The text of a cell before anything is read from it: signs nobody sees, wide forms, words for "nothing". Pure.

Lists come from telephones, word processors and keyboards of East Asia: a number copied there brings direction marks
(U+202D), hyphens that do not break (U+2011) or full-width digits along. Whoever looks at the cell sees none of it.
"""

from __future__ import annotations

import re
import unicodedata

from apps.core.cells import unguarded


class BadValue(ValueError):
    """The cell cannot be used; `str()` is the reason, without the column's name and without the value.

    ``rest`` is what can be taken of it all the same: the first of two addresses, or "".
    """

    def __init__(self, reason: str, rest: str = "") -> None:
        super().__init__(reason)
        self.rest = rest


UNDECODED = "\ufffd"
"""What stands where bytes of the file were no character of its code page."""

_HYPHENS = "\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_FOLDED = {ord(sign): "-" for sign in _HYPHENS if sign != "\u00ad"} | {0x3000: " "}
_FOLDED |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if code != 0xFF0D}

_ABSENT = frozenset(
    """
    n/a|na|#n/a|n.a.|n.a|n\\a|none|no|null|nil|nan|nothing|empty|blank|missing|tbd|tba|pending|?|??|.|..|...|x|xx|xxx|*
    unknown|unk|not known|unavailable|not available|not applicable|not on file|none on file|not given|not provided
    not recorded|not reported|not collected|not asked|not disclosed|not specified|not stated|unspecified|undisclosed
    declined|declines|decline|patient declined|pt declined|pt has none|patient has none|unable to determine
    undetermined|cannot be determined|could not determine|not determined
    declined to answer|declined to provide|declined to state
    declined to specify|decline to answer|decline to state|refused|refuses|refused to answer|patient refused
    refused to provide|prefer not to say|prefer not to answer|prefer not to disclose|choose not to disclose
    chose not to disclose|choose not to answer|does not have|doesn't have|does not have one|has none|no email
    no e-mail|no email address|no e-mail address|no mail|no phone|no telephone|no phone number|no cell|asked but unknown
    no number|none given|none provided|none listed|not listed|no response|no answer|no data|not entered
    ninguno|ninguna|no tiene|no disponible|desconocido|desconocida|sin correo|sin teléfono|sin telefono|no aplica
    no sabe|rechazado|rehusó|prefiero no decir|prefiere no decir|se negó|no especificado
    sin especificar|no proporcionado
    """.replace("\n", "|").split("|")
)
_ABSENT_FOLDED = frozenset(" ".join(word.split()) for word in _ABSENT) - {""}


def clean(cell: str) -> str:
    """The cell as it was meant: no guard of an export, no format characters, dashes and wide forms folded, NFC."""
    if "'" in cell:
        cell = unguarded(cell)
    if cell.isascii():
        return cell
    cell = unicodedata.normalize("NFC", cell.translate(_FOLDED))
    if not cell.isprintable():  # spaces that do not break are not printable either
        cell = "".join([_seen(sign) for sign in cell])
    return cell


def _seen(sign: str) -> str:
    kind = unicodedata.category(sign)
    if kind == "Cf":
        return ""
    return " " if kind == "Zs" else sign


def digits_folded(cell: str) -> str:
    """The cell with the digits of other scripts as 0 to 9: for numbers, days and telephone numbers."""
    if cell.isascii():
        return cell
    return "".join([str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in cell])


def says_nothing(cell: str) -> bool:
    """Whether a cell says in words that there is no value: "N/A", "declined", a row of dashes."""
    word = " ".join(cell.casefold().split()).strip("()[]<>\"'!").rstrip(".") or cell.strip()
    return word in _ABSENT_FOLDED or not word.strip("-–—_/*. ")


_SHORTENED = re.compile(r"[+-]?\d+(?:[.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_POINT_NOTHING = re.compile(r"(\d+)\.0+")


def is_shortened(cell: str) -> bool:
    """Whether a spreadsheet wrote a long number in scientific form (``1.23457E+11``): its last digits are gone."""
    found = _SHORTENED.fullmatch(cell.strip())
    return found is not None and ("+" in cell or "." in cell)


def whole_number(cell: str) -> str:
    """The cell without the ``.0`` that a spreadsheet puts behind a number it took for a measure."""
    found = _POINT_NOTHING.fullmatch(cell)
    return found[1] if found else cell
