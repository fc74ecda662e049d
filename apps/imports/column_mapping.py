"""Which column means what: MAPPING.json, its checks, and the guesses of the mapping page.

    {"match_on": "mrn", "columns": {"GivenName": "first_name"}, "date_format": "%m/%d/%Y",
     "ignore": ["Password"]}

A consent may have columns beside its own: `consent.marketing.date` (needed), `.until` (the last day it holds; empty or
year 9999 for no end), `.method`, `.wording`, `.by`.

Optional keys: `relation` (default "patient"), `mode` (update, fill, skip), `consent` (defaults for `method`,
`wording`, `by` where a file has no such column), `source` (name of the system that `external_id` comes from).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.contacts import values
from apps.contacts.attributes.numbers import NumberRange, wide
from apps.contacts.person.fields import FIELDS
from apps.contacts.person.reach import OTHERS
from apps.imports.diff import MODES, UPDATE

CONSENT_PURPOSES = ("treatment", "operations", "payment", "marketing", "fundraising", "b2b")
CONSENT_PARTS = ("", "date", "until", "method", "wording", "by")
_CONSENT = re.compile(r"consent\.([a-z0-9_]+)(?:\.(date|until|method|wording|by))?")
_ATTRIBUTE = re.compile(r"attributes\.[a-z][a-z0-9_]{0,39}")


class BadMapping(Exception):
    """The mapping cannot be used; `str()` says which part and what to do."""


class NotJson(BadMapping):
    """The text of a mapping is no JSON at all."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a column can be mapped to. `path` is its place in the profile; `kind` says how it is read."""

    name: str
    label: str
    kind: str
    path: tuple[str, ...]
    group: str = "Person"
    longest: int = 200


_GROUPS = {
    "Name": "first_name middle_name last_name prefix suffix",
    "Person": "birth_date death_date sex language relation race ethnicity marital_status",
    "Identifiers": "mrn",
    "Reach": "email phone",
    "Address": "address_line city county state zip country",
    "Work": "organization job_title",
}
_READERS = {"sex": "sex", "language": "language", "relation": "relation"}
_ATTRIBUTE_READERS = {"date": "date", "number": "number", "yes_no": "boolean"}


def _targets() -> dict[str, Target]:
    found: dict[str, Target] = {}
    for group, names in _GROUPS.items():
        for name in names.split():
            spec = FIELDS[name]
            kind = _READERS.get(name) or (spec.type if spec.type in ("date", "email", "phone") else "text")
            found[name] = Target(name, spec.label, kind, spec.path, group)
    found["full_name"] = Target("full_name", "Full name", "text", ("full_name",), "Name")
    found["full_name_two_families"] = Target(
        "full_name_two_families", "Full name (two family names, as in Spanish)", "text", ("full_name",), "Name"
    )
    for number in ("", "_2", "_3"):
        for name, label in (("email", "Another e-mail"), ("phone", "Another phone")):
            path = (OTHERS[name], f"other_{name}{number}")
            said = f"{label}{number.replace('_', ' ')}"
            found[f"other_{name}{number}"] = Target(f"other_{name}{number}", said, name, path, "Reach")
    found["external_id"] = Target("external_id", "Id in another system", "text", ("external_id",), "Identifiers")
    found["guardian"] = Target("guardian", "Guardian (their match value)", "text", ("guardian",), "Identifiers")
    words = {
        "": "",
        "date": ": date",
        "until": ": until",
        "method": ": how",
        "wording": ": wording version",
        "by": ": who recorded it",
    }
    for purpose in CONSENT_PURPOSES:
        for part in CONSENT_PARTS:
            name = f"consent.{purpose}" + (f".{part}" if part else "")
            kind = {"": "consent", "date": "date", "until": "date"}.get(part, "text")
            label = f"Consent to {purpose.upper() if purpose == 'b2b' else purpose}{words[part]}"
            found[name] = Target(name, label, kind, ("consent", purpose, part), "Consent")
    return found


TARGETS = _targets()
"""Everything a column can be mapped to by name; beside these, `attributes.NAME` (see `target_of`)."""

MATCHABLE = ("mrn", "external_id", "email", "phone")


def target_of(name: str, attributes: Mapping[str, str] | None = None) -> Target | None:
    """The target called `name`; `attributes` are the organization's own ones, name to type."""
    if name in TARGETS:
        return TARGETS[name]
    if _ATTRIBUTE.fullmatch(name):
        own = name.removeprefix("attributes.")
        kind = _ATTRIBUTE_READERS.get((attributes or {}).get(own, ""), "text")
        return Target(name, own.replace("_", " ").capitalize(), kind, ("attributes", own), "Attributes", 1000)
    return None


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A mapping that was checked for itself; `bind` checks it against a file's header."""

    match_on: str
    columns: dict[str, str]
    date_format: str = "%Y-%m-%d"
    ignore: tuple[str, ...] = ()
    relation: str = "patient"
    mode: str = UPDATE
    source: str = "file"
    consent: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, as the mapping page exports it."""
        document: dict[str, Any] = {
            "match_on": self.match_on,
            "columns": dict(self.columns),
            "date_format": self.date_format,
            "ignore": list(self.ignore),
        }
        if self.relation != "patient":
            document["relation"] = self.relation
        if self.mode != UPDATE:
            document["mode"] = self.mode
        if self.source != "file":
            document["source"] = self.source
        if self.consent:
            document["consent"] = dict(self.consent)
        return document

    def as_json(self) -> str:
        """Indented JSON text."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"

    def bind(self, headers: tuple[str, ...]) -> None:
        """Raise `BadMapping` unless every column of the mapping stands in the file."""
        missing = [column for column in self.columns if column not in headers]
        if missing:
            names = ", ".join(f"“{column}”" for column in missing[:5])
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise BadMapping(f"The file has no column {names}{more}. Choose the right file, or correct the mapping.")


def parse(document: object, attributes: Mapping[str, str] | None = None) -> ColumnMapping:
    """Check a mapping document. Raises `BadMapping` naming the part."""
    if not isinstance(document, dict):
        raise BadMapping("The mapping is not a JSON object. Export one from the mapping page to see its form.")
    known = {"match_on", "columns", "date_format", "ignore", "relation", "mode", "consent", "source"}
    if strange := sorted(set(map(str, document)) - known):
        raise BadMapping(f"The mapping has an unknown key “{strange[0]}”. Known keys: {', '.join(sorted(known))}.")
    columns = document.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise BadMapping("The mapping has no “columns”: name at least one column and its field.")
    _check_columns(columns, attributes)
    match_on = document.get("match_on")
    if not isinstance(match_on, str) or match_on not in MATCHABLE:
        named = ", ".join(f"{TARGETS[name].label.lower()} ({name})" for name in MATCHABLE)
        raise BadMapping(f"Choose what people are matched by (“match_on” in a mapping file): {named}.")
    if match_on not in columns.values():
        raise BadMapping(f"People are matched by “{TARGETS[match_on].label}”, but no column is mapped to it.")
    form = document.get("date_format", "%Y-%m-%d")
    try:
        values.check_date_format(form)
    except values.BadValue as error:
        raise BadMapping(f"“date_format” {error}. Use one such as %m/%d/%Y.") from None
    ignore = document.get("ignore", [])
    if not isinstance(ignore, list) or not all(isinstance(column, str) for column in ignore):
        raise BadMapping("“ignore” must be a list of column names.")
    if both := [column for column in ignore if column in columns]:
        raise BadMapping(f"Column “{both[0]}” is mapped and ignored at once. Choose one.")
    relation = document.get("relation", "patient")
    if not isinstance(relation, str) or relation not in set(values.RELATIONS.values()):
        raise BadMapping("“relation” must be one of patient, b2b, subscriber.")
    mode = document.get("mode", UPDATE)
    if not isinstance(mode, str) or mode not in MODES:
        raise BadMapping(f"“mode” must be one of {', '.join(MODES)}.")
    source = document.get("source", "file")
    if not isinstance(source, str) or not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", source):
        raise BadMapping("“source” must be a short name in lower case, such as epic or crm.")
    consent = document.get("consent", {})
    if not isinstance(consent, dict) or not set(consent) <= {"method", "wording", "by"}:
        raise BadMapping("“consent” may hold method, wording and by.")
    if not all(isinstance(value, str) for value in consent.values()):
        raise BadMapping("The values of “consent” must be text.")
    return ColumnMapping(match_on, dict(columns), form, tuple(ignore), relation, mode, source, dict(consent))


def _check_columns(columns: dict[Any, Any], attributes: Mapping[str, str] | None) -> None:
    used: dict[str, str] = {}
    for column, name in columns.items():
        if not isinstance(name, str) or target_of(name, attributes) is None:
            raise BadMapping(f"Column “{column}” is mapped to a field that does not exist. Choose another.")
        if name in used:
            raise BadMapping(f"Columns “{used[name]}” and “{column}” are mapped to the same field. Choose one.")
        used[name] = str(column)
    for name in used:
        found = _CONSENT.fullmatch(name)
        if found and found[2] and f"consent.{found[1]}" not in used:
            whole = TARGETS[f"consent.{found[1]}"].label
            raise BadMapping(f"“{TARGETS[name].label}” needs a column for “{whole}” beside it.")
        if found and not found[2] and f"{name}.date" not in used:
            day = TARGETS[f"{name}.date"].label
            raise BadMapping(f"Consent to {found[1]} needs the day it was given: let a column go to “{day}”.")
    names = {"full_name", "full_name_two_families"} & set(used)
    if len(names) == 2 or (names and {"first_name", "last_name"} & set(used)):
        raise BadMapping("Map either the full name or first and last name, not both.")


def parse_json(text: str, attributes: Mapping[str, str] | None = None) -> ColumnMapping:
    """`parse` for the text of a MAPPING.json. Raises ``NotJson`` for a text that is none, else as `parse` does."""
    if len(text) > 200_000:
        raise BadMapping("The mapping is larger than 200 kB; that is not a mapping.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise NotJson("The mapping is not JSON. Export one from the mapping page to see its form.") from None
    return parse(document, attributes)


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """What a column seems to be: `type` in words, `target` or None, and the first values as they stand."""

    header: str
    type: str
    target: str | None
    samples: tuple[str, ...]
    sensitive: bool = False
    numbers: NumberRange = field(default_factory=lambda: wide(()))
    """Bounds for an attribute made of the column, should it hold numbers."""

    def __repr__(self) -> str:
        return f"<ColumnGuess of {self.type}>"


_SYNONYMS = {
    "first_name": "first firstname given givenname forename fname nombre",
    "last_name": "last lastname surname family familyname lname apellido apellidos",
    "middle_name": "middle middlename middleinitial mi secondname",
    "full_name": "name fullname patientname contactname",
    "full_name_two_families": "nombrecompleto nombreyapellidos nombresyapellidos",
    "prefix": "title prefix salutation honorific",
    "suffix": "suffix namesuffix",
    "birth_date": "birthdate dateofbirth dob birthday born fechadenacimiento birthdt",
    "death_date": "deathdate dateofdeath dod deceased deceaseddate",
    "sex": "sex gender sexo administrativesex",
    "language": "language preferredlanguage lang idioma",
    "race": "race",
    "ethnicity": "ethnicity ethnicgroup",
    "marital_status": "marital maritalstatus",
    "relation": "relation relationship contacttype",
    "mrn": "mrn medicalrecordnumber medicalrecord chartnumber chart patientnumber",
    "external_id": "id externalid patientid contactid personid number no guid uuid accountnumber memberid",
    "guardian": "guardian guardianid guarantor responsibleparty parent",
    "email": "email emailaddress mail mailaddress correo correoelectronico",
    "phone": "phone telephone telephonenumber phonenumber mobile cell cellphone mobilephone tel telefono phone1 "
             "homephone",
    "other_email": "otheremails email2 secondaryemail alternateemail otheremail workemail emailaddress2",
    "other_phone": "otherphones phone2 secondaryphone alternatephone otherphone workphone businessphone",
    "address_line": "street address streetaddress address1 addressline1 addressline line1 direccion",
    "city": "city town ciudad municipality",
    "county": "county",
    "state": "state province region estado statecode",
    "zip": "zip zipcode postalcode postcode postal",
    "country": "country pais countrycode",
    "organization": "organization organisation company employer practice",
    "job_title": "jobtitle position role",
}  # fmt: skip
_BY_HEADER = {word: name for name, words in _SYNONYMS.items() for word in words.split()}
_FOREIGN_SECRETS = re.compile(
    r"password|passwd|pwd|ssn|socialsecurity|nationalid|cvv|ccnumber|ccexpires|cctype|creditcard|cardnumber|"
    r"iban|routing|passport|drivers|mothersmaiden|securityanswer|^pin$"
)
_ENDS = r"(?:holds|valid)?(?:until|ends?|enddate|expires|expiry|expirydate|expirationdate|expiration)"
SEXES = frozenset(values.SEX)


def guess(headers: Iterable[str], sample: list[list[str]]) -> list[ColumnGuess]:
    """A guess for each column, by its header first and by its values second; no field is given twice."""
    found: list[ColumnGuess] = []
    taken: set[str] = set()
    for index, header in enumerate(headers):
        cells = [row[index].strip() for row in sample if index < len(row)]
        present = [cell for cell in cells if cell]
        squeezed = re.sub(r"[^a-z0-9]", "", header.lower())
        type_ = _type_of(present)
        secret = bool(_FOREIGN_SECRETS.search(squeezed))
        target = None if secret else _target_for(squeezed, type_, header)
        if target in taken and target in OTHERS:
            # A second column of addresses or telephones keeps its values beside the first.
            more = (f"other_{target}{number}" for number in ("", "_2", "_3"))
            target = next((name for name in more if name not in taken), None)
        if target in taken:
            target = None
        if target:
            taken.add(target)
        found.append(ColumnGuess(header, type_, target, tuple(dict.fromkeys(present))[:3], secret, wide(present)))
    return found


def suggest(guesses: list[ColumnGuess], sample: list[list[str]]) -> dict[str, Any]:
    """A mapping document from the guesses: what the mapping page starts with.

    `match_on` falls back from MRN to an outside id to e-mail to telephone; empty when there is none of them.
    """
    columns = {item.header: item.target for item in guesses if item.target}
    dates = [index for index, item in enumerate(guesses) if item.target and _is_date(item.target)]
    texts = [row[index] for row in sample for index in dates if index < len(row)]
    return {
        "match_on": next((name for name in MATCHABLE if name in columns.values()), ""),
        "columns": columns,
        "date_format": values.guess_date_format(texts) or "%Y-%m-%d",
        "ignore": [item.header for item in guesses if not item.target],
    }


def _is_date(name: str) -> bool:
    target = target_of(name)
    return target is not None and target.kind == "date"


def _target_for(squeezed: str, type_: str, header: str) -> str | None:
    consent = re.fullmatch(r"(?:consent|optin|permission)?(" + "|".join(CONSENT_PURPOSES) + r")"
                           r"(?:consent|optin)?(date|method|wording|by|" + _ENDS + r")?", squeezed)  # fmt: skip
    if consent and ("consent" in squeezed or "optin" in squeezed or "permission" in squeezed):
        part = "until" if consent[2] and re.fullmatch(_ENDS, consent[2]) else consent[2]
        return f"consent.{consent[1]}" + (f".{part}" if part else "")
    name = _BY_HEADER.get(squeezed)
    if name and _fits(name, type_):
        return name
    if type_ == "e-mail":
        return "email"
    if header.lower() in TARGETS:
        return header.lower()
    return None


def _fits(name: str, type_: str) -> bool:
    """Whether values of this type may go to that field; an empty column may go anywhere."""
    kind = TARGETS[name].kind
    if type_ == "empty":
        return True
    if name.startswith("other_"):
        # Several in one cell are no address of their own.
        return type_ in ("e-mail", "telephone", "number", "text")
    if kind == "date":
        return type_ == "date"
    if kind == "email":
        return type_ == "e-mail"
    if kind == "sex":
        return type_ in ("sex", "yes or no")
    if kind == "phone":
        return type_ in ("telephone", "number", "text")
    if name in ("first_name", "last_name", "full_name", "full_name_two_families", "city"):
        return type_ not in ("number", "date", "e-mail")
    return True


def _type_of(present: list[str]) -> str:
    """The narrowest type that holds for the values, as a word for people."""
    if not present:
        return "empty"
    if _most(present, _is_email):
        return "e-mail"
    if all(cell.lower() in SEXES for cell in present):
        return "sex"
    if all(cell.lower() in values.TRUE | values.FALSE for cell in present):
        return "yes or no"
    if values.guess_date_format(present):
        return "date"
    if _most(present, lambda cell: len(cell) >= 10 and _reads(values.date_reader("%Y-%m-%d"), cell)):
        return "date"
    if _most(present, lambda cell: _reads(values.number, cell)):
        return "number"
    if _most(present, lambda cell: sum(map(str.isdigit, cell)) >= 7 and _reads(values.phone, cell)):
        return "telephone"
    return "text"


def _is_email(cell: str) -> bool:
    return "@" in cell and _reads(values.email, cell)


def _most(present: list[str], test: Any) -> bool:
    return sum(1 for cell in present if test(cell)) >= 0.8 * len(present)


def _reads(reader: Any, cell: str) -> bool:
    try:
        reader(cell)
    except values.BadValue:
        return False
    return True
