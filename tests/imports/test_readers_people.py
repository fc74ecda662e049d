"""Lists of people by mapping: what a row becomes, what is rejected and why, what a second look changes."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from apps.contacts import values
from apps.imports import column_mapping, diff
from apps.imports.column_mapping import BadMapping
from apps.imports.readers import people
from apps.imports.readers.rows import PersonRow, Rejection
from apps.imports.readers.tables import opener_of, recognize
from tests.text import without_tokens

TODAY = date(2026, 11, 22)
HEADER = "MRN,Given,Family,DOB,Sex,Mail,Phone,Opt in,Since\n"
DOCUMENT = {
    "match_on": "mrn",
    "columns": {
        "MRN": "mrn",
        "Given": "first_name",
        "Family": "last_name",
        "DOB": "birth_date",
        "Sex": "sex",
        "Mail": "email",
        "Phone": "phone",
        "Opt in": "consent.marketing",
        "Since": "consent.marketing.date",
    },
    "date_format": "%m/%d/%Y",
}


def rows_of(text: str, document: dict = DOCUMENT) -> list:
    table = recognize(opener_of(text.encode()), "list.csv")
    return list(people.read(table, column_mapping.parse(document), today=TODAY))


def test_a_row_becomes_a_profile_in_our_words() -> None:
    [row] = rows_of(HEADER + "A-1, Rosa ,Vega,4/12/1985,Female,Rosa.Vega@Goodmail.TEST,(555) 010-7788,yes,1/2/2026\n")
    assert isinstance(row, PersonRow)
    assert row.key == "A-1"
    assert row.profile == {
        "mrn": "A-1",
        "first_name": "Rosa",
        "last_name": "Vega",
        "birth_date": "1985-04-12",
        "sex": "F",
        "email": "Rosa.Vega@goodmail.test",
        "phone": "(555) 010-7788",
        "relation": "patient",
    }
    [consent] = row.consents
    assert (consent.purpose, consent.state, consent.on) == ("marketing", "granted", date(2026, 1, 2))
    assert "Rosa" not in without_tokens(repr(row) + repr(consent))


def consent_rows(*endings: str, zone: str = "America/New_York") -> list:
    document = {
        "match_on": "mrn",
        "columns": {
            "MRN": "mrn", "Opt in": "consent.marketing", "Since": "consent.marketing.date",
            "Holds until": "consent.marketing.until",
        },
        "date_format": "%m/%d/%Y",
    }  # fmt: skip
    text = "MRN,Opt in,Since,Holds until\n" + "".join(f"A-{n},{each}\n" for n, each in enumerate(endings))
    table = recognize(opener_of(text.encode()), "list.csv")
    return list(people.read(table, column_mapping.parse(document), today=TODAY, zone=ZoneInfo(zone)))


def test_a_consent_holds_to_the_end_of_its_last_day_in_the_clinics_zone() -> None:
    rows = consent_rows("yes,1/2/2026,3/31/2027", "yes,1/2/2026,", "yes,1/2/2026,12/31/9999", "no,1/2/2026,3/31/2027")
    ends = [row.consents[0].expires for row in rows]
    assert ends == [datetime(2027, 4, 1, 4, tzinfo=UTC), None, None, None], "no end, and a refusal runs out never"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("yes,1/2/2026,2/30/2027", "Holds until is not a date (month/day/year, as 4/12/1985)"),
        ("yes,1/2/2026,soon", "Holds until is not a date (month/day/year, as 4/12/1985)"),
        ("yes,1/2/2026,1/1/2026", "the consent to marketing ends before it was given"),
    ],
)
def test_an_end_that_cannot_be_is_rejected_with_its_reason(row: str, reason: str) -> None:
    (rejected,) = consent_rows(row)
    assert isinstance(rejected, Rejection)
    assert rejected.reason == reason


@pytest.mark.parametrize(
    "header",
    [
        "marketing consent until",
        "Consent marketing: holds until",
        "marketing_consent_expires",
        "ConsentMarketingEndDate",
    ],
)
def test_the_end_of_a_consent_is_found_by_its_header(header: str) -> None:
    (found,) = column_mapping.guess([header], [["2027-03-31"]])
    assert found.target == "consent.marketing.until"
    assert column_mapping.target_of("consent.marketing.until").label == "Consent to marketing: until"
    with pytest.raises(
        column_mapping.BadMapping, match="“Consent to marketing: until” needs a column for “Consent to marketing”"
    ):
        column_mapping.parse({"match_on": "mrn", "columns": {"MRN": "mrn", header: "consent.marketing.until"}})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",Rosa,Vega,,F,,,,", "MRN is empty"),
        (
            "1.23457E+11,Rosa,Vega,,F,,,,",
            "MRN lost its last digits in a spreadsheet: open the file with this column as",
        ),
        ("A-1,Rosa,Vega,,F,,,perhaps,1/1/2026", "Opt in says neither"),
        ("A-1,Rosa,Vega,,F,,,yes,", "consent to marketing has no date"),
        ("A-1,Rosa,Vega,,F,,,yes,2/30/2026", "Since is not a date"),
        ("A-1,Rosa,Vega,,F", "5 cells where the header has 9"),
        ("A-1,Rosa,Vega,,F,,,,,too,many", "11 cells where the header has 9"),
    ],
)
def test_a_row_without_key_or_with_a_doubtful_consent_is_rejected_in_words_that_do_not_quote_it(
    line: str, reason: str
) -> None:
    [row] = rows_of(HEADER + line + "\n")
    assert isinstance(row, Rejection)
    assert reason in row.reason
    assert "Rosa" not in row.reason
    assert row.line == 2


@pytest.mark.parametrize(
    ("line", "column", "reason", "field"),
    [
        ("A-1,Rosa,Vega,02/30/1985,F,,,,", "DOB", "is not a date", "birth_date"),
        ("A-1,Rosa,Vega,4/12/2031,F,,,,", "DOB", "is in the future", "birth_date"),
        ("A-1,Rosa,Vega,4/12/1785,F,,,,", "DOB", "is before 1880", "birth_date"),
        ("A-1,Rosa,Vega,,F,rosa at goodmail,,,", "Mail", "is not an e-mail address", "email"),
        ("A-1,Rosa,Vega,,F,none@none.com,,,", "Mail", "is a placeholder", "email"),
        ("A-1,Rosa,Vega,,sometimes,,,,", "Sex", "is none of", "sex"),
        ("A-1,Rosa,Vega,,F,,call me,,", "Phone", "is not a telephone number", "phone"),
        ("A-1,Rosa,Vega,,F,,8.59555E+09,,", "Phone", "lost its last digits", "phone"),
        ("A-1,Ro\x07sa,Vega,,F,,,,", "Given", "has control characters", "first_name"),
        ("A-1," + "R" * 300 + ",Vega,,F,,,,", "Given", "has more than 200 characters", "first_name"),
    ],
)
def test_a_cell_that_cannot_be_read_costs_the_cell_and_not_the_patient(
    line: str, column: str, reason: str, field: str
) -> None:
    [row] = rows_of(HEADER + line + "\n")
    assert isinstance(row, PersonRow)
    assert row.key == "A-1"
    assert row.profile["last_name"] == "Vega"
    assert field not in row.profile
    [(where, why, cell)] = row.unread
    assert where == column
    assert reason in why
    assert cell in line


def test_the_second_row_with_a_key_is_rejected_so_that_a_second_import_changes_nothing() -> None:
    first, second = rows_of(HEADER + "A-1,Rosa,Vega,,F,,,,\na-1,Rosa,Vega-Luna,,F,,,,\n")
    assert isinstance(first, PersonRow)
    assert isinstance(second, Rejection)
    assert "earlier row" in second.reason


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"match_on": "email_address"}, "match_on"),
        ({"match_on": "external_id"}, "no column is mapped"),
        ({"columns": {}}, "columns"),
        ({"columns": {"MRN": "mrn", "x": "favorite_color"}}, "does not exist"),
        ({"columns": {"MRN": "mrn", "x": "phone", "y": "phone"}}, "same field"),
        ({"columns": {"MRN": "mrn", "x": "consent.marketing"}}, "let a column go to “Consent to marketing: date”"),
        ({"date_format": "%Y"}, "date_format"),
        ({"ignore": ["MRN"]}, "at once"),
        ({"colums": {}}, "unknown key"),
        ({"mode": "overwrite"}, "mode"),
    ],
)
def test_a_wrong_mapping_says_which_part(change: dict, says: str) -> None:
    with pytest.raises(BadMapping, match=says):
        column_mapping.parse({**DOCUMENT, **change})


def test_a_missing_column_is_named_before_any_row_is_read() -> None:
    with pytest.raises(BadMapping, match="“Since”"):
        rows_of("MRN,Given,Family,DOB,Sex,Mail,Phone,Opt in\nA-1,Rosa,Vega,,F,,,\n")


def test_a_mapping_survives_export_and_import() -> None:
    one = column_mapping.parse({**DOCUMENT, "mode": "fill", "relation": "b2b", "consent": {"method": "paper form"}})
    assert column_mapping.parse_json(one.as_json()) == one


def test_columns_are_guessed_from_headers_and_values_and_secrets_are_left_out() -> None:
    text = (
        "Chart Number,Nombre,Apellido,Fecha de nacimiento,Correo,Contraseña / Password,Opt-in marketing\n"
        "77,Luz,Ibarra,21.03.1990,luz@goodmail.test,hunter2,yes\n"
        "78,Max,Ibarra,02.11.1988,max@goodmail.test,hunter3,no\n"
    )
    table = recognize(opener_of(text.encode()), "x.csv")
    sample = table.sample()
    guesses = column_mapping.guess(table.headers, sample)
    assert [item.target for item in guesses] == [
        "mrn", "first_name", "last_name", "birth_date", "email", None, "consent.marketing",
    ]  # fmt: skip
    assert guesses[5].sensitive
    suggestion = column_mapping.suggest(guesses, sample)
    assert suggestion["date_format"] == "%d.%m.%Y"
    assert suggestion["match_on"] == "mrn"


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["4/12/1985", "11/30/2001"], "%m/%d/%Y"),
        (["30/11/2001"], "%d/%m/%Y"),
        (["2001-11-30", "1985-04-12T10:00:00Z"], "%Y-%m-%d"),
        (["12 Apr 1985"], "%d %b %Y"),
        (["4/12/1985", "11/30/2001", "2/30/1970", "1/1/2000", "1/2/2000"], "%m/%d/%Y"),
        (["20010431"], None),
    ],
)
def test_date_formats_are_guessed_when_nearly_every_value_fits(cells: list[str], form: str | None) -> None:
    assert values.guess_date_format(cells) == form


def test_empty_cells_never_erase_what_is_known() -> None:
    known = {"first_name": "Rosa", "phone": "555 0107788", "address": {"city": "Lugo", "zip": "27001"}}
    merged, changed = diff.merge_profile(known, {"first_name": "Rosalía", "address": {"city": "Vigo"}})
    assert merged == {
        "first_name": "Rosalía",
        "phone": "555 0107788",
        "address": {"city": "Vigo", "zip": "27001"},
    }
    assert changed == ("first_name", "address.city")
    assert diff.merge_profile(known, {"first_name": "X", "sex": "F"}, diff.FILL)[1] == ("sex",)
    assert diff.merge_profile(known, {"first_name": "X"}, diff.SKIP) == (known, ())
    assert known["address"]["city"] == "Lugo"


def test_a_sorted_column_trips_the_guard_and_a_few_weddings_do_not() -> None:
    people_known = [{"first_name": f"N{n}", "last_name": f"L{n}", "birth_date": f"19{n:02}-01-01"} for n in range(60)]
    calm = diff.ShiftGuard()
    for number, person in enumerate(people_known):
        calm.see(person, {**person, "last_name": "Married"} if number % 3 == 0 else person)
    assert not calm.tripped
    shifted = diff.ShiftGuard()
    for person, other in zip(people_known, people_known[1:] + people_known[:1], strict=True):
        shifted.see(person, other)
    assert shifted.tripped
    assert "60 of 60" in shifted.sentence()
