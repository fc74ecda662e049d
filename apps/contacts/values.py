"""One cell becomes one clean value, or `BadValue` with a reason a person understands.

Reasons never quote the value: they are counted and shown outside the sealed file of rejected rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from email_validator import EmailNotValidError, validate_email

from apps.contacts.cell_text import UNDECODED, BadValue, digits_folded, is_shortened, says_nothing, whole_number
from apps.contacts.days import DATE_FORMATS, check_date_format, date_reader, guess_date_format
from apps.contacts.languages import code_of

_PLAIN_EMAIL = re.compile(
    r"[A-Za-z0-9_+%'-]+(?:\.[A-Za-z0-9_+%'-]+)*@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)
_PHONE = re.compile(r"[0-9+().\-/\s]+(?:\s*(?:x|ext\.?)\s*[0-9]{1,6})?", re.IGNORECASE)
_PLAIN_PHONE = re.compile(r"\+?[0-9]{5,15}")
_USUAL_PHONE = re.compile(r"\+?(?:1[-. ]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-. ]?)\d{3}[-. ]?\d{4}")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_SEX_WORDS = {
    "F": "f|female|woman|w|girl|fem|femenino|femenina|mujer|hembra|2|248152002|identifies as female|cisgender female"
    "|cis female|cisgender woman|cis woman|niña|feminine|femal",
    "M": "m|male|man|boy|masc|masculino|hombre|varón|varon|1|248153007|identifies as male|cisgender male|cis male"
    "|cisgender man|cis man|niño|masculine|h",
    "X": "x|nonbinary|non-binary|non binary|nb|enby|other|o|oth|diverse|otro|otra|another|intersex|i|indeterminate|a"
    "|amb|ambiguous|undifferentiated|un|genderqueer|gender queer|genderfluid|gender fluid|agender|two-spirit|two spirit"
    "|third gender|bigender|gender non-conforming|gender nonconforming|gender variant|transgender|trans|t|mtf|ftm"
    "|transgender female|transgender male|transgender man|transgender woman|trans man|trans woman|trans female"
    "|trans male|male-to-female|female-to-male|male to female|female to male|transexual|transsexual|intersexual"
    "|no binario|non-binario|no binaria|transgénero|transgenero|32570681000036106|33791000087105"
    "|additional gender category|something else|not listed|hermaphrodite|neither|questioning",
    "": "u|unknown|unk|0|9|n|nk|ni|na|asku|nask|d|c|ask|complex|asked but unknown|not known|not applicable"
    "|0 - not known|not specified|undisclosed|unspecified|not stated|z|v|undetermined"
    "|not determined|394743007|none|null",
}
"""ISO 5218 (0, 1, 2, 9), HL7 table 0001 (A, F, M, N, O, U, X, and C "not collected"), FHIR's administrative gender and
null flavors, SNOMED CT codes, and what records of patients write."""
SEX = {word: sex for sex, words in _SEX_WORDS.items() for word in words.split("|")}
TRUE = frozenset({"yes", "y", "true", "t", "1", "x", "on", "sí", "si"})
FALSE = frozenset({"no", "n", "false", "f", "0", "off", ""})
GRANTED = TRUE | {"granted", "opt-in", "optin", "opted in", "subscribed", "consented", "accepted", "agreed"}
DENIED = (FALSE - {""}) | {
    "denied", "withdrawn", "opt-out", "optout", "opted out", "unsubscribed", "declined", "refused", "revoked",
}  # fmt: skip
RELATIONS = {
    "patient": "patient", "member": "patient", "patient or member": "patient", "patients": "patient", "b2b": "b2b",
    "business": "b2b", "business contact": "b2b", "provider": "b2b", "partner": "b2b", "subscriber": "subscriber",
    "public": "subscriber",
}  # fmt: skip


def text(cell: str, longest: int = 200) -> str:
    """Text without control characters, runs of white space made one space."""
    value = " ".join(cell.split())
    if len(value) > longest:
        raise BadValue(f"has more than {longest} characters")
    if UNDECODED in value:
        raise BadValue("has characters that could not be read: choose another reading of the file")
    if not value.isprintable() and _CONTROL.search(value):
        raise BadValue("has control characters in it")
    return value


def email(cell: str) -> str:
    """An address, its domain in lower case. Syntax only (RFC 5321, 5322, 6531); nothing is looked up."""
    value = cell.strip()
    if not value:
        return ""
    if len(value) > 254:
        raise BadValue("is not an e-mail address: it is too long")
    if _PLAIN_EMAIL.fullmatch(value) and value.index("@") <= 64:
        local, _, domain = value.rpartition("@")
        return f"{local}@{domain.lower()}"
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise BadValue("is not an e-mail address") from None


def email_cell(cell: str) -> str:
    """The address in a cell of a list, however it was written there: ``Ann <a@b>``, ``mailto:``, a dot at its end.

    Raises `BadValue` for what is none; where some of it is one, ``rest`` is the first address.
    """
    if len(cell) <= 64 and _PLAIN_EMAIL.fullmatch(cell):
        local, _, domain = cell.rpartition("@")
        if local.lower() not in _PLACEHOLDERS:
            return cell if domain.islower() else f"{local}@{domain.lower()}"
    if says_nothing(cell):
        return ""
    found: list[str] = []
    odd = False
    for part in _addresses(cell):
        try:
            address = email(part)
        except BadValue:
            odd = True
            continue
        if address and is_placeholder(address):
            raise BadValue("is a placeholder, and nobody's address")
        if address and address.casefold() not in map(str.casefold, found):
            found.append(address)
    if not found:
        raise BadValue("is not an e-mail address")
    if len(found) > 1:
        raise BadValue("has several addresses: the first was taken", found[0])
    if odd:
        raise BadValue("has more than an address in it: the address was taken", found[0])
    return found[0]


_TYPED = {0xFF20: "@", **dict.fromkeys((0x201C, 0x201D, 0x201E, 0xAB, 0xBB, 0x2018, 0x2019), " ")}
"""Signs that word processors and other keyboards put into an address."""
_ANGLE = re.compile(r"<\s*([^<>\s]+@[^<>\s]+)\s*>")
_OF_ADDRESSES = re.compile(r"[;,|\s/]+|\\n")
_NOT_IN_ADDRESSES = frozenset(
    {"or", "and", "y", "o", "e-mail:", "email:", "e-mail", "email", "mail:", "home:", "work:"}
)


def _addresses(cell: str) -> list[str]:
    """The pieces of a cell that may be addresses; what is written around one (name, comment, mailto) is left out."""
    text = re.sub(r"mailto:", " ", cell.translate(_TYPED).strip().strip("\"'"), flags=re.IGNORECASE)
    if "<" in text and (angled := _ANGLE.findall(text)):
        return [_bared(each) for each in angled]
    if re.search(r'^"[^"]+"@', text):
        return [text]  # a quoted local part is one piece, taken or not
    text = re.sub(r"\([^()@]*\)", " ", text)
    whole = text.strip()
    if whole.count("@") == 1 and "." in whole.rpartition("@")[2] and _PLAIN_EMAIL.fullmatch(_bared(whole)):
        return [_bared(whole)]
    parts = [_bared(part) for part in _OF_ADDRESSES.split(text)]
    return [part for part in parts if part and part.casefold() not in _NOT_IN_ADDRESSES]


def _bared(part: str) -> str:
    """An address without what belongs to the sentence around it."""
    bare = re.sub(r"^(?:e-?mail|home|work|mail)\s*[:=]\s*", "", part.strip(), flags=re.IGNORECASE)
    bare = re.sub(r"[?].*$", "", bare) if "@" in bare.partition("?")[0] else bare
    return bare.strip("\"'<>()[]{},;:").rstrip(".").strip()


_PLACEHOLDERS = frozenset(
    "none no noemail no-email no.email nomail na n.a declined decline refused unknown "  # noqa: SIM905
    "test noone nobody donotemail "
    "notprovided not.provided noaddress".split()
)


def is_placeholder(address: str) -> bool:
    """Whether an address was only typed to fill a field: ``none@none.com``. Mail to it would reach a stranger."""
    local, _, domain = address.casefold().rpartition("@")
    first = domain.partition(".")[0]
    return local in _PLACEHOLDERS and first in (_PLACEHOLDERS | {local, "email", "mail", "example"})


def phone(cell: str) -> str:
    """A telephone number as it was typed, spaces tidied; five to fifteen digits (E.164) and an extension."""
    if _PLAIN_PHONE.fullmatch(cell):
        return cell
    value = " ".join(cell.split())
    if not value:
        return ""
    digits = sum(character.isdigit() for character in value)
    if not 5 <= digits <= 21 or not _PHONE.fullmatch(value):
        raise BadValue("is not a telephone number")
    return value


def phone_cell(cell: str) -> str:
    """The telephone number in a cell of a list, without the words around it.

    Raises `BadValue` for what is none; where there are several, ``rest`` is the first.
    """
    if _USUAL_PHONE.fullmatch(cell) and cell.count(cell[-1]) < 9:
        return cell
    if says_nothing(cell):
        return ""
    if is_shortened(cell):
        raise BadValue("lost its last digits in a spreadsheet: open the file with this column as text")
    text = whole_number(digits_folded(cell).strip())
    if len(set(text) & _DIGITS) == 1 and _PHONE.fullmatch(text):
        raise BadValue("is a placeholder, and nobody's number")
    text = re.sub(r",\s*(?=x|ext|#)", " ", re.sub(r"^tel:", "", text, flags=re.IGNORECASE), flags=re.IGNORECASE)
    found: list[str] = []
    for part in _OF_NUMBERS.split(_PHONE_WORDS.sub("  ", text)):
        bare = part.strip(" .,;:-()[]") if not part.strip().startswith("(") else part.strip(" .,;:-")
        bare = re.sub(r"\(\s*\)", " ", bare).replace("•", "-").replace("·", "-").replace("_", "-")
        bare = _EXTENSION.sub(r" ext. \1", bare) if _EXTENSION.search(bare) else bare
        if not any(map(str.isdigit, bare)):
            continue
        try:
            number = phone(bare)
        except BadValue:
            continue
        if number not in found:
            found.append(number)
    if not found:
        raise BadValue("is not a telephone number")
    if len(found) > 1:
        raise BadValue("has several telephone numbers: the first was taken", found[0])
    return found[0]


_DIGITS = frozenset("0123456789")
_OF_NUMBERS = re.compile(
    r"\s*[;|,&\n]\s*|\s+/\s*|\s*/\s+|\s+(?:or|and|y|o)\s+|(?<=\d{4})/(?=\d{3})"
    r"|(?<=\d{4})\s+(?=\(\d{3}\)|\+1|\d{3}-\d{3}-)|(?<=\d{4})\s{2,}(?=\d)|(?<=\d{7})\s+(?=\d{7})",
    re.IGNORECASE,
)
_PHONE_WORDS = re.compile(
    r"\(?\b(?:cell(?:ular|\s*phone)?|mobile|home|work|office|phone|telephone|tel|ph|hm|wk|cel|celular|casa|trabajo|móvil"
    r"|movil|landline|land\s*line|daytime|evening|day|night|primary|secondary|preferred|main|fax|text|sms|only|message"
    r"|emergency|mom|mother|dad|father|wife|husband|spouse|daughter|son|parent|guardian|sister|brother|call|text|ok|voice"
    r"|[hcwm])\b[.:#]?\)?",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"[,;\s]*\(?(?:x|ext(?:ension|n)?|#)\.?:?\s*(\d{1,6})\)?\s*$", re.IGNORECASE)


def zip_code(cell: str) -> str:
    """A postal code; a ZIP code gets the zeros back that a spreadsheet took (2139 is 02139, of Massachusetts)."""
    value = whole_number(text(digits_folded(cell)))
    if is_shortened(value):
        raise BadValue("lost its last digits in a spreadsheet: open the file with this column as text")
    if len(value) == 5 and value.isdigit():
        return value
    plain = value.replace(" ", "")
    if plain.isdigit() and plain.isascii():
        if len(plain) in (3, 4):
            return plain.zfill(5)
        if len(plain) in (7, 8, 9):
            return f"{plain.zfill(9)[:5]}-{plain[-4:]}"
    if found := _ZIP_PLUS.fullmatch(plain):
        return f"{found[1].zfill(5)}-{found[2]}"
    return value


_ZIP_PLUS = re.compile(r"(\d{3,5})-(\d{4})")


def postal_code(cell: str) -> str:
    """A postal code of any country: as it is written."""
    return whole_number(text(cell))


def record_number(cell: str) -> str:
    """A record number or id. Raises `BadValue` for one whose last digits a spreadsheet dropped."""
    value = text(cell)
    if is_shortened(value):
        raise BadValue("lost its last digits in a spreadsheet: open the file with this column as text")
    return value


def sex(cell: str) -> str:
    """F, M, X or nothing, from the words and codes of records (ISO 5218, HL7, FHIR)."""
    value = " ".join(cell.lower().split())
    if not value:
        return ""
    if value in SEX:
        return SEX[value]
    if says_nothing(value):
        return ""
    value = whole_number(value.strip(".\"'"))
    if value in SEX:
        return SEX[value]
    # "F - Female", "Male (finding)", "2 = female", "X (nonbinary)"
    parts = [part for part in re.split(r"\s*[/(),;:=|^]\s*|\s+[-–]\s+", value) if part]
    found = {SEX[part] for part in parts if part in SEX}
    if len(found) == 1:
        return found.pop()
    if found - {""} == {"X"}:
        return "X"
    raise BadValue("is none of female, male, other, unknown")


def language(cell: str) -> str:
    """The code of a language (ISO 639) from a code, a tag, or a name in English, Spanish or its own words."""
    return code_of(cell)


def relation(cell: str) -> str:
    """patient, b2b or subscriber."""
    value = cell.strip().lower()
    if not value:
        return ""
    try:
        return RELATIONS[value]
    except KeyError:
        raise BadValue("is none of patient, b2b, subscriber") from None


def number(cell: str) -> int | float | str:
    """A whole or decimal number; thousands separators of the US are understood."""
    value = cell.strip()
    if not value:
        return ""
    try:
        plain = value.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", value) else value
        found = float(plain)
    except ValueError:
        raise BadValue("is not a number") from None
    if found != found or found in (float("inf"), float("-inf")):
        raise BadValue("is not a number")
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def boolean(cell: str) -> bool | str:
    """Yes or no."""
    value = cell.strip().lower()
    if not value:
        return ""
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise BadValue("is neither yes nor no")


def choice_reader(choices: Sequence[str]) -> Callable[[str], str]:
    """A function from cell to one of ``choices``; case and spaces do not count."""
    known = {" ".join(choice.casefold().split()): choice for choice in choices}

    def read(cell: str) -> str:
        value = " ".join(cell.casefold().split())
        if not value:
            return ""
        try:
            return known[value]
        except KeyError:
            raise BadValue("is none of the choices of this attribute") from None

    return read


def consent_state(cell: str) -> str:
    """granted, denied or nothing."""
    value = " ".join(cell.lower().split())
    if not value or value in ("none", "unknown", "n/a", "-"):
        return ""
    if value in GRANTED:
        return "granted"
    if value in DENIED:
        return "denied"
    raise BadValue("says neither yes nor no")


__all__ = ["DATE_FORMATS", "BadValue", "check_date_format", "date_reader", "guess_date_format"]
