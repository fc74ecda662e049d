"""Which column of a list of events means what: MAPPING.json of events, its checks, and its guesses. Pure.

    {"kind": "observation", "match_on": "mrn",
     "columns": {"MRN": "mrn", "Test": "term", "LOINC": "code", "Drawn": "date", "Result": "value", "Units": "unit"},
     "date_format": "%m/%d/%Y", "system": "LOINC"}

``kind`` is that of every row, or left out where a column goes to ``kind``. ``system`` is the code system of rows that
name none (the usual one of the kind without it), ``source`` the system that ``external_id`` comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.contacts import values
from apps.contacts.timeline.results import KIND, LOINC
from apps.contacts.timeline.value_sets import CVX, RXNORM, SNOMED
from apps.imports.column_mapping import READING, BadMapping, reading_of

KINDS = {
    "condition": ("Conditions", SNOMED),
    "encounter": ("Visits", SNOMED),
    "medication": ("Medications", RXNORM),
    "procedure": ("Procedures", SNOMED),
    "immunization": ("Immunizations", CVX),
    KIND: ("Labs and vitals", LOINC),
}
"""Kind of event to (what a list of them is called, the usual code system)."""

_KIND_WORDS = {
    "condition": "condition conditions diagnosis diagnoses dx problem problems disorder",
    "encounter": "encounter encounters visit visits appointment admission stay",
    "medication": "medication medications medicine drug drugs prescription prescriptions rx medicationrequest",
    "procedure": "procedure procedures surgery operation",
    "immunization": "immunization immunizations immunisation vaccination vaccinations vaccine shot",
    KIND: "observation observations lab labs laboratory result results vital vitals vitalsigns test labresult",
}
KIND_OF = {word: kind for kind, words in _KIND_WORDS.items() for word in words.split()}

TARGETS = {
    "mrn": ("Medical record number", "Whose row it is"),
    "external_id": ("Id in another system", "Whose row it is"),
    "kind": ("Kind of event", "What happened"),
    "code": ("Code", "What happened"),
    "system": ("Code system", "What happened"),
    "term": ("Name or description", "What happened"),
    "class": ("Class of visit", "What happened"),
    "date": ("Date", "When"),
    "end": ("End date", "When"),
    "value": ("Result", "Labs and vitals"),
    "unit": ("Unit", "Labs and vitals"),
    "event_id": ("Id of the event there", "Identifiers"),
}
"""What a column can go to: name to (label, group)."""

MATCHABLE = ("mrn", "external_id")
"""By what people are found: only what nobody shares. A mailbox may be a household's."""

_SYNONYMS = {
    "mrn": "mrn medicalrecordnumber medicalrecord chartnumber chart patientnumber expediente",
    "external_id": "patientid patient personid contactid memberid externalid subjectid pid idpaciente paciente",
    "event_id": "id eventid resultid observationid orderid accession accessionnumber encounterid visitid conditionid",
    "kind": "kind type eventtype recordtype category resourcetype tipo",
    "code": "code loinc loinccode snomed snomedcode icd icd10 icd10code dxcode diagnosiscode cpt cptcode rxnorm cvx "
    "testcode procedurecode drugcode codigo",
    "system": "system codesystem codingsystem vocabulary sistema",
    "term": "term description text name display test testname component analyte diagnosis problem medication drug "
    "procedure vaccine condition descripcion nombre",
    "class": "class visitclass encounterclass visittype",
    "date": "date day on start startdate onset onsetdate datetime time drawn collected collectiondate resultdate "
    "observationdate effectivedate servicedate visitdate dateofservice performed administered fecha",
    "end": "end enddate stop stopdate resolved resolveddate abatement until fechafin",
    "value": "value result resultvalue numericvalue valor resultado reading measurement",
    "unit": "unit units uom unitofmeasure ucum unidad unidades",
}  # fmt: skip
_BY_HEADER = {word: name for name, words in _SYNONYMS.items() for word in words.split()}
_SYSTEM_OF_HEADER = {"loinc": LOINC, "snomed": SNOMED, "icd": "ICD-10-CM", "cpt": "CPT", "rxnorm": RXNORM, "cvx": CVX}
_SYSTEMS = {
    SNOMED: "snomed snomedct sct snomedctus httpsnomedinfosct 216840111388396",
    LOINC: "loinc ln lnc httploincorg 21684011138836 2168401113883661",
    RXNORM: "rxnorm rxn rxcui httpwwwnlmnihgovresearchumlsrxnorm 2168401113883688",
    CVX: "cvx httphl7orgfhirsidcvx 21684011138831292 216840111388312292",
    "ICD-10-CM": "icd10 icd10cm i10 i10c icd10us httphl7orgfhirsidicd10cm 2168401113883690",
    "ICD-9-CM": "icd9 icd9cm i9 i9c httphl7orgfhirsidicd9cm 21684011138836103",
    "CPT": "cpt cpt4 c4 httpwwwamaassnorggocpt 21684011138836 1221684011138836",
    "HCPCS": "hcpcs hcpcslevelii",
    "NDC": "ndc httphl7orgfhirsidndc 2168401113883669",
}
_SYSTEM_WORDS = {word: name for name, words in _SYSTEMS.items() for word in words.split()}


def code_system(text: str) -> str:
    """A code system as rules know it: names, abbreviations of HL7 and addresses of FHIR are understood."""
    squeezed = _squeezed(text.removeprefix("urn:oid:"))
    return _SYSTEM_WORDS.get(squeezed) or " ".join(text.upper().split())[:24]


def kind_of(text: str) -> str | None:
    """The kind of event that a cell names, in the words that systems use."""
    return KIND_OF.get(_squeezed(text))


def _squeezed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


@dataclass(frozen=True, slots=True)
class EventMapping:
    """A mapping that was checked for itself; ``bind`` checks it against a file's header. ``kind`` "" is a column's."""

    match_on: str
    columns: dict[str, str]
    kind: str = ""
    date_format: str = "%Y-%m-%d"
    system: str = ""
    source: str = "file"
    ignore: tuple[str, ...] = field(default=())
    reading: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, as the mapping page exports it."""
        document: dict[str, Any] = {
            "match_on": self.match_on,
            "columns": dict(self.columns),
            "date_format": self.date_format,
            "ignore": list(self.ignore),
        }
        optional = {"kind": self.kind, "system": self.system, "source": self.source if self.source != "file" else ""}
        return document | {name: value for name, value in optional.items() if value} | self.reading

    def bind(self, headers: Sequence[str]) -> None:
        """Raise ``BadMapping`` unless every column of the mapping stands in the file."""
        missing = [column for column in self.columns if column not in headers]
        if missing:
            names = ", ".join(f"“{column}”" for column in missing[:5])
            raise BadMapping(f"The file has no column {names}. Choose the right file, or correct the mapping.")


def parse(document: object) -> EventMapping:
    """Check a mapping document. Raises ``BadMapping`` naming the part."""
    if not isinstance(document, dict):
        raise BadMapping("The mapping is not a JSON object. Export one from the mapping page to see its form.")
    known = {"kind", "match_on", "columns", "date_format", "system", "source", "ignore", *READING}
    if strange := sorted(set(map(str, document)) - known):
        raise BadMapping(f"The mapping has an unknown key “{strange[0]}”. Known keys: {', '.join(sorted(known))}.")
    columns = document.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise BadMapping("The mapping has no “columns”: name at least one column and where it goes.")
    used: dict[str, str] = {}
    for column, name in columns.items():
        if name not in TARGETS:
            raise BadMapping(f"Column “{column}” goes to something that events do not have. Choose another.")
        if name in used:
            raise BadMapping(f"Columns “{used[name]}” and “{column}” go to the same. Choose one.")
        used[name] = str(column)
    match_on = document.get("match_on")
    if match_on not in MATCHABLE or match_on not in used:
        raise BadMapping("Say whose rows they are: let a column go to the medical record number or to an outside id.")
    kind = document.get("kind") or ""
    if kind and kind not in KINDS:
        raise BadMapping(f"“kind” must be one of {', '.join(KINDS)}.")
    if not kind and "kind" not in used:
        raise BadMapping("Say what the rows are: choose it for all of them, or let a column go to the kind of event.")
    if "date" not in used:
        raise BadMapping("Say when it happened: let a column go to the date.")
    if not {"code", "term"} & used.keys():
        raise BadMapping("Say what happened: let a column go to the code, or to the name or description.")
    if kind == KIND and "value" not in used:
        raise BadMapping("Labs and vitals need a column that goes to the result.")
    form = document.get("date_format", "%Y-%m-%d")
    try:
        values.check_date_format(form)
    except values.BadValue as error:
        raise BadMapping(f"“date_format” {error}. Use one such as %m/%d/%Y.") from None
    system = document.get("system") or ""
    if not isinstance(system, str) or len(system) > 40:
        raise BadMapping("“system” must be the name of a code system, such as LOINC or ICD-10-CM.")
    source = document.get("source", "file")
    if not isinstance(source, str) or not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", source):
        raise BadMapping("“source” must be a short name in lower case, such as epic or crm.")
    ignore = document.get("ignore", [])
    if not isinstance(ignore, list) or not all(isinstance(column, str) for column in ignore):
        raise BadMapping("“ignore” must be a list of column names.")
    found = {str(column): str(name) for column, name in columns.items()}
    system = code_system(system) if system else ""
    return EventMapping(str(match_on), found, kind, form, system, source, tuple(ignore), reading_of(document))


def suggest(headers: Sequence[str], sample: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A mapping document guessed from the headers, and from the values where they tell what the rows are."""
    columns: dict[str, str] = {}
    system = ""
    for header in headers:
        squeezed = _squeezed(header)
        name = _BY_HEADER.get(squeezed)
        if name and name not in columns.values():
            columns[header] = name
            if name == "code":
                system = next((each for word, each in _SYSTEM_OF_HEADER.items() if squeezed.startswith(word)), "")

    def cells(target: str) -> list[str]:
        at = next((headers.index(header) for header, name in columns.items() if name == target), None)
        return [] if at is None else [row[at].strip() for row in sample if len(row) > at and row[at].strip()]

    document: dict[str, Any] = {
        "match_on": next((name for name in MATCHABLE if name in columns.values()), ""),
        "columns": columns,
        "date_format": values.guess_date_format([_day(cell) for cell in cells("date")]) or "%Y-%m-%d",
        "ignore": [header for header in headers if header not in columns],
    }
    said = [kind_of(cell) for cell in cells("kind")]
    if not said or not all(said):
        if "kind" in columns.values():
            header = next(header for header, name in columns.items() if name == "kind")
            del columns[header]
            document["ignore"] = [each for each in headers if each not in columns]
        document["kind"] = _likely(headers, columns.values(), system)
    if system:
        document["system"] = system
    return document


def _day(cell: str) -> str:
    return re.split(r"[T ](?=\d{1,2}:\d\d)", cell, maxsplit=1)[0]


def _likely(headers: Iterable[str], targets: Iterable[str], system: str) -> str:
    if "value" in targets or system == LOINC:
        return KIND
    for header in headers:
        for part in re.split(r"[^a-z]+", header.lower()):
            if part in KIND_OF:
                return KIND_OF[part]
    return next((kind for kind, (_, usual) in KINDS.items() if system and usual == system), "condition")
