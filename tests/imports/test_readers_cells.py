"""Cells as lists really have them: what each kind becomes, in a row that comes in either way."""

from __future__ import annotations

from datetime import date

import pytest

from apps.core import cells
from apps.imports import column_mapping
from apps.imports.readers import people
from apps.imports.readers.rows import PersonRow, Rejection
from apps.imports.readers.tables import opener_of, recognize

TODAY = date(2026, 11, 30)
COLUMNS = {
    "MRN": "mrn",
    "Last": "last_name",
    "Mail": "email",
    "Phone": "phone",
    "Sex": "sex",
    "Lang": "language",
    "DOB": "birth_date",
    "ZIP": "zip",
    "Street": "address_line",
}


def row_of(form: str = "%m/%d/%Y", century: str = "", **given: str) -> PersonRow | Rejection:
    """A row of a list in which one cell is odd."""
    filled = {"MRN": "A-1", "Last": "Lee"} | given
    text = cells.line(COLUMNS) + cells.line(filled.get(column, "") for column in COLUMNS)
    mapping = column_mapping.parse({"match_on": "mrn", "columns": COLUMNS, "date_format": form, "century": century})
    (row,) = people.read(recognize(opener_of(text.encode()), "list.csv"), mapping, today=TODAY)
    return row


def read(field: str, form: str = "%m/%d/%Y", century: str = "", **given: str) -> tuple[object, int]:
    """The value of a field, and how many cells were listed as not read."""
    row = row_of(form, century, **given)
    assert isinstance(row, PersonRow)
    assert row.profile["last_name"] == "Lee"
    value = (row.profile.get("address") or {}).get({"zip": "zip", "address_line": "line"}.get(field, ""))
    return row.profile.get(field, value), len(row.unread)


@pytest.mark.parametrize(
    ("cell", "address", "listed"),
    [
        ("N/A", None, 0),
        ("none", None, 0),
        ("Declined", None, 0),
        ("-", None, 0),
        ("no tiene", None, 0),
        ("a@b.test; c@d.test", "a@b.test", 1),
        ("a@b.test\nc@d.test", "a@b.test", 1),
        ("a@b.test, A@B.test", "a@b.test", 0),
        ("Ann Lee <a@b.test>", "a@b.test", 0),
        ("mailto:a@b.test", "a@b.test", 0),
        ("“a@b.test”", "a@b.test", 0),
        ("pt has none", None, 0),
        ("a@b.test.", "a@b.test", 0),
        ("a@b.test (home)", "a@b.test", 0),
        ("a@b.test\u200b", "a@b.test", 0),
        ("\u00a0a@b.test", "a@b.test", 0),
        ("ａ＠b.test", "a@b.test", 0),
        ("ann at b.test", None, 1),
        ("noemail@noemail.com", None, 1),
    ],
)
def test_an_address_is_taken_out_of_what_stands_around_it(cell: str, address: str | None, listed: int) -> None:
    assert read("email", Mail=cell) == (address, listed)


@pytest.mark.parametrize(
    ("cell", "number", "listed"),
    [
        ("none", None, 0),
        ("N/A", None, 0),
        ("859-555-0145 (cell)", "859-555-0145", 0),
        ("Cell: (859) 555-0145", "(859) 555-0145", 0),
        ("859-555-0145 ext. 5", "859-555-0145 ext. 5", 0),
        ("859-555-0145 x5", "859-555-0145 ext. 5", 0),
        ("859-555-0145, ext 22", "859-555-0145 ext. 22", 0),
        ("859-555-0145 / 859-555-0146", "859-555-0145", 1),
        ("H: 859-555-0145 C: 859-555-0146", "859-555-0145", 1),
        ("8595550145.0", "8595550145", 0),
        ("8.59555E+09", None, 1),
        ("0000000000", None, 1),
        ("\u202d+18595550142\u202c", "+18595550142", 0),
        ("859\u2011555\u20130145", "859-555-0145", 0),
        ("８５９-555-0145", "859-555-0145", 0),
        ("call me", None, 1),
    ],
)
def test_a_telephone_number_is_taken_out_of_what_stands_around_it(cell: str, number: str | None, listed: int) -> None:
    assert read("phone", Phone=cell) == (number, listed)


@pytest.mark.parametrize(
    ("cell", "sex"),
    [
        ("Choose not to disclose", None), ("Decline to answer", None), ("UNK", None), ("0", None), ("9", None),
        ("N", None),
        ("1", "M"), ("2", "F"), ("M - Male", "M"), ("Female (finding)", "F"), ("1.0", "M"), ("Masculino", "M"),
        ("Intersex", "X"), ("Nonbinary", "X"), ("O", "X"), ("A", "X"), ("Another", "X"),
    ],
)  # fmt: skip
def test_sex_is_read_from_the_words_and_codes_of_records(cell: str, sex: str | None) -> None:
    assert read("sex", Sex=cell) == (sex, 0)


@pytest.mark.parametrize(
    ("cell", "day", "form"),
    [
        ("4/12/45", "1945-04-12", "%m/%d/%y"),
        ("12/31/26", "1926-12-31", "%m/%d/%y"),
        ("4/12/1945", "1945-04-12", "%m/%d/%y"),
        ("2/29/00", "2000-02-29", "%m/%d/%y"),
        ("12-APR-45", "1945-04-12", "%d-%b-%y"),
        ("4/12/1945 0:00", "1945-04-12", "%m/%d/%Y"),
        ("04/12/1945 12:00:00 AM", "1945-04-12", "%m/%d/%Y"),
        ("4/12/1945 14:35", "1945-04-12", "%m/%d/%Y"),
        ("1945-04-12T00:00:00.000+00:00", "1945-04-12", "%Y-%m-%d"),
        ("1945-04-12 00:00:00.000", "1945-04-12", "%Y-%m-%d"),
        ("1945-04-12T00:00:00Z", "1945-04-12", "%Y-%m-%d"),
        ("19450412000000", "1945-04-12", "%Y%m%d"),
        ("April 12, 1945", "1945-04-12", "%b %d, %Y"),
        ("N/A", None, "%m/%d/%Y"),
        ("0000-00-00", None, "%Y-%m-%d"),
    ],
)
def test_a_day_of_birth_never_lies_ahead_and_no_midnight_hides_it(cell: str, day: str | None, form: str) -> None:
    assert read("birth_date", form, DOB=cell) == (day, 0)


@pytest.mark.parametrize(("century", "born"), [("", None), ("19", "1920-04-12"), ("20", "2020-04-12")])
def test_a_birth_of_either_century_is_asked_for_and_never_guessed(century: str, born: str | None) -> None:
    assert read("birth_date", "%m/%d/%y", century, DOB="4/12/20") == (born, int(not century))


def test_only_the_centuries_that_can_be_may_be_chosen() -> None:
    with pytest.raises(column_mapping.BadMapping, match="century"):
        row_of(century="21")


@pytest.mark.parametrize(
    ("cell", "code"),
    [("2139", "02139"), ("2139-1234", "02139-1234"), ("21391234", "02139-1234"), ("2139.0", "02139"), ("501", "00501"),
     ("40502", "40502"), ("V6B 1A1", "V6B 1A1")],
)  # fmt: skip
def test_a_zip_code_gets_the_zeros_back_that_a_spreadsheet_took(cell: str, code: str) -> None:
    assert read("zip", ZIP=cell) == (code, 0)


def test_a_postal_code_of_another_country_keeps_its_four_digits() -> None:
    columns = {"MRN": "mrn", "ZIP": "zip", "Country": "country"}
    text = "MRN,ZIP,Country\nA,2139,\nB,2139,USA\nC,5003,Norway\n"
    mapping = column_mapping.parse({"match_on": "mrn", "columns": columns})
    rows = people.read(recognize(opener_of(text.encode()), "x"), mapping, today=TODAY)
    assert [row.profile["address"]["zip"] for row in rows] == ["02139", "02139", "5003"]


@pytest.mark.parametrize("value", ["-5 Hill; -6 Dale", "@Home", "=1+1", "'=quoted", "+1 Main", "%", "Elm St", "O'Hara"])
def test_what_an_export_guarded_comes_back_as_it_was(value: str) -> None:
    assert cells.unguarded(cells.guarded(value)) == value
    assert read("address_line", Street=value) == (value, 0)


def test_a_guarded_telephone_number_is_one() -> None:
    assert read("phone", Phone="+18595550142") == ("+18595550142", 0)


@pytest.mark.parametrize("cell", ["1.23457E+11", "1E+11"])
def test_a_key_in_scientific_form_is_refused_with_what_to_do(cell: str) -> None:
    row = row_of(MRN=cell)
    assert isinstance(row, Rejection)
    assert "open the file with this column as text" in row.reason


@pytest.mark.parametrize(
    "foot", ["Total: 2,,", "Total,2,", "-----,-----,-----", "End of report", "Page 1 of 3,,", "(2 rows affected)"]
)
def test_the_foot_of_a_list_is_nobody(foot: str) -> None:
    text = f"MRN,First,Last\n1,Ann,Lee\n2,Bo,Ray\n{foot}\n"
    columns = {"MRN": "mrn", "First": "first_name", "Last": "last_name"}
    mapping = column_mapping.parse({"match_on": "mrn", "columns": columns})
    rows = list(people.read(recognize(opener_of(text.encode()), "x"), mapping, today=TODAY))
    assert [type(row) for row in rows] == [PersonRow, PersonRow, Rejection]
    assert "foot of the list" in rows[2].reason


def test_somebody_called_total_is_somebody() -> None:
    assert isinstance(row_of(MRN="Total-7", DOB="4/12/1945"), PersonRow)


def test_invisible_signs_are_not_stored() -> None:
    assert read("address_line", Street="10\u201312 Main\u00a0St\u200b\ufeff") == ("10-12 Main St", 0)
