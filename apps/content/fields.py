"""Merge fields: the catalogue a template may use, and the syntax in which it uses them.

``{{ first_name }}`` · ``{{ first_name|there }}`` (fallback) · ``{{ appointment.start|date:"long" }}`` ·
``{{ last_name|name|"friend" }}``. A word after the bar that is no format is the fallback; quotes make it one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from apps.contacts.languages import name_of
from apps.contacts.person.fields import FIELDS as PEOPLE
from apps.contacts.timeline.results import LABS, Lab, spoken
from apps.content.formats import FORMATS
from apps.mail.compiled import Field


@dataclass(frozen=True, slots=True)
class MergeField:
    """One field of the catalogue. `type`: text, date, moment, money, list, url, items (for loops).

    `level` is a `core.levels.Level`; `sample` is what an invented person shows in previews.
    """

    name: str
    label: str
    type: str = "text"
    level: int = 1
    sample: object = ""
    group: str = "Person"

    @property
    def path(self) -> tuple[str, ...]:
        """The name as steps."""
        return tuple(self.name.split("."))


_ITEM_FIELDS = ("start", "kind", "location", "provider")

_SAMPLES = {
    "first_name": "Maria",
    "middle_name": "Elena",
    "last_name": "Alvarez",
    "prefix": "Ms.",
    "email": "maria.alvarez@example.test",
    "phone": "555-0142",
    "mrn": "000123",
    "birth_date": "1968-04-12",
    "city": "Lexington",
    "state": "KY",
    "zip": "40507",
    "language": "en",
    "sex": "F",
}

PERSON_FIELDS = (
    MergeField("full_name", "Full name", sample="Maria Alvarez"),
    *(
        MergeField(
            spec.name,
            spec.label,
            "date" if spec.type == "date" else "text",
            int(spec.level),
            _SAMPLES.get(spec.name, ""),
        )
        for spec in PEOPLE.values()
        if spec.merge
    ),
)

_VISIT = {
    "start": "2026-12-02T09:00:00-05:00",
    "kind": "Annual checkup",
    "location": "Main Street office",
    "provider": "Dr. Lee",
}

SPOKEN = "language"
"""The field whose value is a code of ISO 639."""
LAB = "lab"
"""Fields under this name are last results: ``lab.hba1c`` with its unit, ``lab.hba1c_date`` its day."""
DAY_OF = "_date"
LABS_GROUP = "Labs and vitals"


def lab_fields(labs: Iterable[Lab]) -> Iterator[MergeField]:
    """The last result of each lab, with its unit, and its day: of the level of the lab."""
    for lab in labs:
        sample, numbers = "Negative", lab.numbers
        if numbers is not None:
            sample = spoken(numbers.spoken((numbers.low + numbers.high) // 3), lab.unit)
        yield MergeField(f"{LAB}.{lab.name}", f"Last result: {lab.label}", "text", int(lab.level), sample, LABS_GROUP)
        day = f"Day of the last result: {lab.label}"
        yield MergeField(f"{LAB}.{lab.name}{DAY_OF}", day, "date", int(lab.level), "2026-11-02", LABS_GROUP)


FIXED_FIELDS = (
    MergeField("appointment.start", "Appointment: day and time", "moment", 2, _VISIT["start"], "Appointment"),
    MergeField("appointment.kind", "Appointment: kind of visit", "text", 2, _VISIT["kind"], "Appointment"),
    MergeField("appointment.location", "Appointment: place", "text", 2, _VISIT["location"], "Appointment"),
    MergeField("appointment.provider", "Appointment: clinician", "text", 2, _VISIT["provider"], "Appointment"),
    MergeField(
        "appointments",
        "Upcoming appointments (for a repeat block)",
        "items",
        2,
        (_VISIT, {**_VISIT, "start": "2027-01-14T14:30:00-05:00", "kind": "Lab visit"}),
        "Appointment",
    ),
    *lab_fields(LABS.presets.values()),
    MergeField("clinic.name", "Clinic name", "text", 0, "Carelane Clinic", "Clinic"),
    MergeField("clinic.phone", "Clinic phone", "text", 0, "555-0100", "Clinic"),
    MergeField("clinic.postal_address", "Clinic postal address", "text", 0, "1 Main Street", "Clinic"),
    MergeField("clinic.portal", "Portal address to type", "text", 0, "portal.example.test", "Clinic"),
    MergeField(
        "clinic.portal_url", "Link to the portal's front door", "url", 0, "https://portal.example.test/", "Links"
    ),
    MergeField("portal.url", "Link to the message in the portal", "url", 0, "", "Links"),
    MergeField("unsubscribe.url", "Unsubscribe link", "url", 0, "", "Links"),
    MergeField("account.url", "Account link (invitation, password)", "url", 1, "", "Links"),
    MergeField("account.code", "One-time code", "text", 1, "482 915", "Links"),
    MergeField("account.expires", "When the account link ends", "moment", 0, _VISIT["start"], "Links"),
)

CATALOG: dict[str, MergeField] = {f.name: f for f in (*PERSON_FIELDS, *FIXED_FIELDS)}
"""What every installation has. `apps.content.selectors.catalog` adds the attributes the organization defined.
"""

CONSTANT = "clinic"
"""Fields under this name are the same for everybody: they become literals when a template is compiled."""
FROM_ENVELOPE = {("portal", "url"), ("unsubscribe", "url")}
"""Fields that belong to one copy, not to the person."""


class BadField(ValueError):
    """A merge field is misspelt or unknown. `str()` says which and what to do."""


_FIELD = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_EXPRESSION = re.compile(r"\s*([A-Za-z_][\w.]*)\s*((?:\|.*)?)", re.DOTALL)
# Word processors and languages write quotation marks in their own ways: whichever begins, any of its kind ends.
_DOUBLE, _SINGLE = '"“”„‟«»″〝〞＂', "'‘’‚‛‹›′＇"
_QUOTED = (
    rf'(?:"([^"]*)"|[{_DOUBLE}]([^{_DOUBLE}]*)[{_DOUBLE}]'
    rf"|[{_SINGLE}]([^{_SINGLE}|]*)[{_SINGLE}](?=\s*(?:\||$)))"
)
_PIPE = re.compile(rf'\|\s*(?:{_QUOTED}|([a-z]+)\s*:\s*{_QUOTED}|([^|"]*))\s*')
_LIKE_A_FORMAT = re.compile(r"([A-Za-z]+)\s*:")


def parse(text: str, catalog: Mapping[str, MergeField], scope: Mapping[str, str]) -> Iterator[str | Field]:
    """`text` cut into literal text and fields.

    `scope` maps the names of the loops around it to their list field. Raises `BadField`.
    """
    position = 0
    for found in _FIELD.finditer(text):
        if found.start() > position:
            yield _literal(text[position : found.start()])
        yield parse_field(found[1], catalog, scope)
        position = found.end()
    if position < len(text):
        yield _literal(text[position:])


def sample_words(text: str, own: Mapping[str, str]) -> str:
    """`text` with its merge fields filled in for a list: from `own` by name, or with the catalogue's sample.

    A field nobody knows stays as its name in brackets, as in a preview. Never raises.
    """

    def filled(found: re.Match[str]) -> str:
        expression = _EXPRESSION.fullmatch(found[1])
        name = expression[1] if expression else found[1].strip()
        known = CATALOG.get(name)
        value = own.get(name) or (str(known.sample) if known and known.sample else f"[{name}]")
        return name_of(value) if name == SPOKEN else value

    return _FIELD.sub(filled, text)


def _literal(text: str) -> str:
    for braces in ("{{", "}}", "{%", "%}"):
        if braces in text:
            at = text.index(braces)
            raise BadField(
                f"“{text[max(0, at - 10) : at + 20].strip()}” is not a complete merge field. "
                "Write it like {{ first_name }}, with two braces on each side."
            )
    return text


def parse_field(expression: str, catalog: Mapping[str, MergeField], scope: Mapping[str, str] | None = None) -> Field:
    """What stands between the braces, as a `Field`. Raises `BadField`."""
    text = expression.replace("\u00a0", " ").strip()
    found = _EXPRESSION.fullmatch(text)
    if found is None:
        raise BadField(f"“{{{{ {text[:40]} }}}}” is not a merge field. Write it like {{{{ first_name }}}}.")
    name, pipes = found[1], found[2]
    level, type_ = look_up(name, catalog, scope or {})
    format_, argument, fallback = _pipes(name, pipes, type_)
    if name == SPOKEN:
        # A record holds the code; what people read is its name, whatever else was asked for.
        format_, argument = "language", ""
    if not format_ and type_ in ("date", "moment"):
        format_, argument = "date", "datetime" if type_ == "moment" else "long"
    elif not format_ and type_ in ("money", "list"):
        format_ = type_
    return Field(tuple(name.split(".")), format_, argument, fallback, level)


def look_up(name: str, catalog: Mapping[str, MergeField], scope: Mapping[str, str]) -> tuple[int, str]:
    """Level and type of a field, also of a field of the item of a surrounding loop. Raises `BadField`."""
    first, _, rest = name.partition(".")
    if first in scope:
        source = catalog.get(scope[first])
        if rest in _ITEM_FIELDS and source is not None:
            return source.level, "moment" if rest == "start" else "text"
        raise BadField(
            f"“{name}” is not a field of a repeated item. Use one of: "
            + ", ".join(f"{first}.{known}" for known in _ITEM_FIELDS)
            + "."
        )
    field = catalog.get(name)
    if field is None:
        near = difflib.get_close_matches(name, catalog, n=1, cutoff=0.6)
        hint = f" Did you mean {{{{ {near[0]} }}}}?" if near else " Choose one from the list of merge fields."
        raise BadField(f"There is no merge field “{name}”.{hint}")
    if field.type == "items":
        raise BadField(f"“{name}” is a list: use it in a repeat block.")
    return field.level, field.type


def _first(found: re.Match[str], group: int) -> str | None:
    """What stands between quotation marks of whichever kind; the blanks inside French ones do not count."""
    straight, *others = found.group(group, group + 1, group + 2)
    return straight if straight is not None else next((each.strip() for each in others if each is not None), None)


def _refuse_half_written(name: str, fallback: str) -> None:
    """Raise `BadField` for words that were meant as something else and would be printed as they stand."""
    if fallback[0] in _DOUBLE:
        raise BadField(f"A quotation mark in “{name}” is not closed. Write {{{{ {name}|fallback }}}}.")
    like = _LIKE_A_FORMAT.match(fallback)
    if like is not None and like[1].lower() in FORMATS:
        word = like[1].lower()
        example = next((argument for argument in FORMATS[word] if argument), "")
        raise BadField(
            f"“{fallback[:40]}” looks like a format and would be printed as it stands. Write "
            + (f'{{{{ {name}|{word}:"{example}" }}}}.' if example else f"{{{{ {name}|{word} }}}}.")
        )


def _pipes(name: str, pipes: str, type_: str) -> tuple[str, str, str | None]:
    format_, argument, fallback = "", "", None
    position = 0
    while position < len(pipes):
        found = _PIPE.match(pipes, position)
        if found is None or found.end() == position:
            raise BadField(f"The part after the bar in “{name}” cannot be read. Write {{{{ {name}|fallback }}}}.")
        position = found.end()
        quoted, word, word_argument, bare = _first(found, 1), found[4], _first(found, 5), found[8]
        bare = bare.strip() if bare is not None else None
        if bare:
            _refuse_half_written(name, bare)
        if word is None and bare in FORMATS:
            word, word_argument = bare, ""
        if word is not None:
            if word not in FORMATS:
                raise BadField(f"“{word}” is not a format. Use one of: {', '.join(FORMATS)}.")
            if word_argument and word_argument not in FORMATS[word]:
                known = ", ".join(FORMATS[word]) or word
                raise BadField(f"“{word}:{word_argument}” is not a format. Use one of: {known}.")
            if word == "date" and type_ not in ("date", "moment"):
                raise BadField(f"“{name}” is not a date. Take the date format away.")
            format_, argument = word, word_argument or ""
        else:
            fallback = quoted if quoted is not None else bare
    return format_, argument, fallback
