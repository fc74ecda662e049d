"""What is read right of the collections in ``CARELANE_DATA``, here and in another checkout.

    python -m benchmarks.corpora [OTHER_CHECKOUT]

Prints a table: for each collection how many of its items come out as its labels, or plain sense, say. The other
checkout runs this very file on its own code; what it has no code for stands as "-". Nothing is stored and nothing is
sent.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("CARELANE_DATA", HERE.parent / "shared" / "data"))
TODAY = date(2026, 11, 30)
NOT_SET_APART = {".gz", ".json"}
Right = tuple[int, int]


def main() -> int:
    arguments = sys.argv[1:]
    if arguments == ["--figures"]:
        print(json.dumps(figures()))
        return 0
    if not DATA.is_dir():
        print(f"CARELANE_DATA ({DATA}) is absent.", file=sys.stderr)
        return 2
    now = _of(HERE)
    before = _of(Path(arguments[0]).resolve()) if arguments else {}
    print(f"| collection | {'before | ' if before else ''}now |\n|---|{'---|' if before else ''}---|")
    for name, found in now.items():
        cells = [_cell(before.get(name))] if before else []
        print(f"| {name} | {' | '.join([*cells, _cell(found)])} |")
    print(json.dumps({"now": now, "before": before}))
    return 0


def _of(checkout: Path) -> dict[str, Right | None]:
    # "-P": this folder must not stand before the standard library.
    words = [sys.executable, "-P", __file__, "--figures"]
    place = {**os.environ, "PYTHONPATH": str(checkout), "CARELANE_DATA": str(DATA)}
    done = subprocess.run(words, cwd=checkout, env=place, check=True, capture_output=True, text=True)
    found: dict[str, Right | None] = json.loads(done.stdout.splitlines()[-1])
    return found


def _cell(found: Right | None) -> str:
    return "-" if not found else f"{found[0]:,} of {found[1]:,} ({found[0] / max(found[1], 1):.1%})"


def figures() -> dict[str, Right | None]:
    """Collection to (right, of), or None where the code is not there."""
    found: dict[str, Right | None] = {}
    for name, measure in MEASURES.items():
        try:
            found[name] = measure()
        except (ImportError, AttributeError):
            found[name] = None
    return found


def _tally(outcomes: Iterator[bool]) -> Right:
    seen = list(outcomes)
    return sum(seen), len(seen)


# -- Mail that comes back ----------------------------------------------------------------------------------------


def _report(raw: bytes) -> Any:
    return import_module("apps.mail.reports.bounces").parse(raw)


def _named(folder: Path, name: str) -> bytes:
    for part in ("bsd", "dos", "mac", "not", "err", "."):
        if (folder / part / name).exists():
            return (folder / part / name).read_bytes()
    raise FileNotFoundError(name)


def sisimai() -> Right:
    """A mailbox is called dead exactly where the label says so of everybody named."""
    folder = DATA / "bounces" / "sisimai"
    labels = json.loads((folder / "expected.json").read_text())
    return _tally(
        (_report(_named(folder, name)).verdict.name == "HARD") == all(person["hardbounce"] for person in people)
        for name, people in labels.items()
    )


def flufl() -> Right:
    """A failure is told from a delay as Mailman's authors tell them."""
    folder = DATA / "bounces" / "flufl"
    labels = json.loads((folder / "expected.json").read_text())
    return _tally(
        _report((folder / name).read_bytes()).verdict.is_failure != any(person["temporary"] for person in people)
        for name, people in labels.items()
    )


def auto_replies() -> Right:
    """Notices of absence are told from people who write about one."""
    folder = DATA / "inbound" / "auto-replies"
    labels = json.loads((folder / "labels.json").read_text())
    return _tally(
        (_report((folder / name).read_bytes()).verdict.name == "AUTO_REPLY") == label["auto_reply"]
        for name, label in labels.items()
    )


def letters_kept() -> Right:
    """Mail of people, newsletters included, ends nobody's mail and is no report: it is shown to staff."""
    judged = (
        _report(path.read_bytes()).verdict.name == "NOT_A_BOUNCE"
        for folder in ("spamassassin", "talon-replies/standard_replies")
        for path in sorted((DATA / "inbound" / folder).rglob("*"))
        if path.is_file() and path.suffix not in NOT_SET_APART
    )
    return _tally(judged)


def letters_read() -> Right:
    """Every long word of a mail of simple ASCII text stands in what staff read."""
    return _tally(_letters())


def _letters() -> Iterator[bool]:
    read = import_module("apps.mail.reply_text").read
    for path in sorted((DATA / "inbound").rglob("*")):
        raw = path.read_bytes() if path.is_file() and path.suffix not in NOT_SET_APART else b""
        head, _, body = re.sub(rb"\r\n?", b"\n", raw).partition(b"\n\n")
        lines = re.sub(rb"\n[ \t]+", b" ", head).lower()
        coded = rb"(?m)^content-(?:type: (?!text/plain)|transfer-encoding: (?:base64|quoted)|disposition)"
        if not re.match(rb"(?:from |[\w-]+:)", lines) or re.search(coded, lines) or not body.isascii():
            continue
        found = read(raw)
        if getattr(found, "is_cut", False):
            continue
        words = set(re.findall(r"[a-z]{7,}", body.decode().lower())) - {"message", "subject", "forwarded"}
        yield all(word in str(found.text).lower() for word in words)


# -- Lists -------------------------------------------------------------------------------------------------------


def _table(path: Path) -> Any:
    tables = import_module("apps.imports.readers.tables")
    return tables.recognize(tables.opener_of(path.read_bytes()), path.name)


def csv_spectrum() -> Right:
    """Header and cells come out as the collection's JSON has them."""
    folder = DATA / "csv" / "csv-spectrum"
    return _tally(_spectrum(folder))


def _spectrum(folder: Path) -> Iterator[bool]:
    unreadable = import_module("apps.imports.readers.tables").Unreadable
    for path in sorted((folder / "csvs").glob("*.csv")):
        wanted = json.loads((folder / "json" / f"{path.stem}.json").read_text("utf-8"))
        try:
            table = _table(path)
            found = [dict(zip(table.headers, cells, strict=False)) for _, cells in table.rows()]
        except unreadable:
            found = []
        # The collection lost the carriage returns of its files, not those of its answers.
        yield json.loads(json.dumps(found).replace(r"\r\n", r"\n")) == json.loads(
            json.dumps(wanted).replace(r"\r\n", r"\n")
        )


def csvkit() -> Right:
    """Whole tables are read, and what is none (workbooks of old Excel, JSON, null bytes) is refused with a sentence."""
    return _tally(_csvkit())


def _csvkit() -> Iterator[bool]:
    unreadable = import_module("apps.imports.readers.tables").Unreadable
    for path in sorted((DATA / "csv" / "csvkit").iterdir()):
        no_list = path.suffix in {".xls", ".xlsx", ".json"} or path.stem in ("empty", "null_byte")
        try:
            yield bool(list(_table(path).rows())) or no_list is False
        except unreadable as error:
            yield no_list and str(error).endswith(".")


def synthea() -> Right:
    """Rows of all Synthea tables that are taken, of those in tables that are used."""
    readers = import_module("apps.imports.readers.synthea")
    rejection = import_module("apps.imports.readers.rows").Rejection
    right = of = 0
    for path in sorted((DATA / "patients").glob("synthea-csv-*/*.csv*")):
        try:
            table = _table(path)
            name = readers.recognized(table)
        except ValueError:
            continue
        if name not in readers.USED or name == "patients":
            continue
        for row in readers.read(table, name, today=TODAY):
            of += 1
            right += not isinstance(row, rejection)
    return right, of


def contact_list() -> Right:
    """Rows of an invented list of many countries whose address, telephone and birthday are all read."""
    values = import_module("apps.contacts.values")
    with (DATA / "patients" / "contacts-csv").joinpath(*_only(DATA / "patients" / "contacts-csv")).open("rb") as file:
        text = file.read()
    rows = csv.DictReader(io.StringIO(_plain(text)))
    return _tally(_read(values, row) for row in rows)


def _only(folder: Path) -> tuple[str]:
    return (next(path.name for path in sorted(folder.iterdir()) if ".csv" in path.name),)


def _plain(raw: bytes) -> str:
    import gzip

    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")


def _read(values: Any, row: dict[str, str]) -> bool:
    try:
        return bool(
            values.email(row["EmailAddress"])
            and values.phone(row["TelephoneNumber"])
            and values.date_reader("%m/%d/%Y")(row["Birthday"])
        )
    except ValueError:
        return False


def addresses() -> Right:
    """Addresses of the validators' own tests, taken or refused as they are."""
    cases = json.loads((DATA / "addresses/email-validator/cases.json").read_text("utf-8"))
    return _tally(_addresses(cases))


def _addresses(cases: dict[str, list[Any]]) -> Iterator[bool]:
    email = import_module("apps.contacts.values").email
    for name, good in (("email_invalid_syntax", False), ("email_valid_intl_local_part", True)):
        for each in cases[name]:
            address = each[0] if isinstance(each, list) else each
            if not isinstance(address, str) or address != address.strip():
                continue
            try:
                taken = bool(email(address))
            except ValueError:
                taken = False
            yield taken == good


MEASURES: dict[str, Callable[[], Right]] = {
    "bounces/sisimai: dead or alive": sisimai,
    "bounces/flufl: failed or only delayed": flufl,
    "inbound/auto-replies: a machine or a person": auto_replies,
    "inbound: letters that are kept as letters": letters_kept,
    "inbound: letters of which every word is shown": letters_read,
    "csv/csv-spectrum: cells as expected": csv_spectrum,
    "csv/csvkit: read whole, or refused with a sentence": csvkit,
    "patients/synthea-csv-*: rows taken": synthea,
    "patients/contacts-csv: address, telephone and birthday read": contact_list,
    "addresses/email-validator: as its authors judge": addresses,
}

if __name__ == "__main__":
    raise SystemExit(main())
