"""Files and addresses that others collected because programs broke on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.contacts.values import BadValue, email
from apps.imports.readers.tables import Unreadable, opener_of, recognize

pytestmark = pytest.mark.shared_data
#: What is no list at all.
NO_LISTS = {".xls", ".xlsx", ".json"}


def test_a_difficult_file_is_read_whole_or_refused_with_what_to_do(shared_data: Path) -> None:
    """csvkit's examples: Latin-1, UTF-16, marks, line ends in headers, rows that are too short."""
    read: dict[str, tuple[str, int, int]] = {}
    for path in sorted((shared_data / "csv" / "csvkit").iterdir()):
        opener = opener_of(path.read_bytes())
        if path.suffix in NO_LISTS or path.stem in ("empty", "null_byte"):
            with pytest.raises(Unreadable, match=r"\.$"):
                recognize(opener, path.name)
            continue
        table = recognize(opener, path.name)
        read[path.name] = (table.encoding, len(table.headers), len(list(table.rows())))
    assert read["test_latin1.csv"] == ("cp1252", 3, 2)
    assert read["test_utf16_little.csv"] == ("utf-16-le", 3, 2)
    assert read["test_utf8_bom.csv"] == ("utf-8-sig", 3, 2)
    assert read["test_header_newline.csv"] == ("utf-8", 3, 1)
    assert len(read) == 29


def accepted(address: str) -> bool:
    try:
        email(address)
    except BadValue:
        return False
    return True


def test_addresses_are_judged_as_their_collectors_do(shared_data: Path) -> None:
    """Blanks and line ends around a cell are not part of the address. Quoted local parts and comments are not taken."""
    isemail = json.loads((shared_data / "addresses/isemail/tests.json").read_text(encoding="utf-8"))
    wrong = []
    for case in isemail if isinstance(isemail, list) else next(iter(isemail.values())):
        # Control characters stand there as their pictures.
        address = "".join(
            chr(ord(char) - 0x2400) if 0x2400 <= ord(char) <= 0x2420 else char for char in case["address"]
        )
        broken = case["category"] in ("ISEMAIL_ERR", "ISEMAIL_RFC5322", "ISEMAIL_DEPREC")
        if broken and address == address.strip() and accepted(address):
            wrong.append(address)
        if case["category"] == "ISEMAIL_VALID_CATEGORY" and "." in address and not accepted(address):
            wrong.append(address)
    assert wrong == []

    cases = json.loads((shared_data / "addresses/email-validator/cases.json").read_text(encoding="utf-8"))
    first = {name: [each[0] if isinstance(each, list) else each for each in found] for name, found in cases.items()}
    refused = [each for each in first["email_invalid_syntax"] if isinstance(each, str) and each == each.strip()]
    assert len(refused) > 40
    # The two dashes are a reserved form of a label, which a server may have all the same.
    assert [each for each in refused if accepted(each)] == ["me@yy--0.tld"]
    assert all(accepted(each) for each in first["email_valid_intl_local_part"] if isinstance(each, str))
    assert not any(accepted(each) for each in first["email_valid_only_if_quoted_local_part"] if isinstance(each, str))
