"""Columns told by their headers and by their values, in English and Spanish; a guess is never given twice."""

from __future__ import annotations

import pytest

from apps.imports import column_mapping
from apps.imports.readers import synthea

DAY, MAIL, CALL, NAME = "4/12/1985", "ann@goodmail.test", "859-555-0145", "Ann"
HEADERS = [
    ("Patient ID", "17", "external_id"),
    ("Member ID", "17", "external_id"),
    ("MRN #", "A-1", "mrn"),
    ("PAT_MRN_ID", "A-1", "mrn"),
    ("Medical Record No.", "A-1", "mrn"),
    ("Chart #", "17", "mrn"),
    ("Número de expediente", "17", "mrn"),
    ("Nº de historia", "17", "mrn"),
    ("Pt Name", "Ann Lee", "full_name"),
    ("Nombre completo", "Ana Lee Soto", "full_name_two_families"),
    ("Nombre y apellidos", "Ana Lee Soto", "full_name_two_families"),
    ("Patient First Name", NAME, "first_name"),
    ("GivenName", NAME, "first_name"),
    ("Nombre", NAME, "first_name"),
    ("Patient Last Name", "Lee", "last_name"),
    ("Apellidos", "Lee", "last_name"),
    ("LAST_NAME", "Lee", "last_name"),
    ("DOB", DAY, "birth_date"),
    ("PatientDOB", DAY, "birth_date"),
    ("Date of Birth (MM/DD/YYYY)", DAY, "birth_date"),
    ("F. Nacimiento", DAY, "birth_date"),
    ("Fecha de nacimiento", "12/4/1985", "birth_date"),
    ("Birth Date", "4/12/85", "birth_date"),
    ("Correo electrónico", MAIL, "email"),
    ("E-Mail Address", MAIL, "email"),
    ("Patient Primary Email", MAIL, "email"),
    ("Teléfono", CALL, "phone"),
    ("Celular", "8595550145", "phone"),
    ("Cell Phone #", CALL, "phone"),
    ("Home Phone", CALL, "phone"),
    ("Idioma", "Español", "language"),
    ("Pref. Language", "Somali", "language"),
    ("Language Spoken", "Farsi", "language"),
    ("Código postal", "40502", "zip"),
    ("C.P.", "40502", "zip"),
    ("ZIP", "2139", "zip"),
    ("Sexo", "F", "sex"),
    ("Género", "Femenino", "sex"),
    ("Legal Sex", "Female", "sex"),
    ("Sex Assigned at Birth", "2", "sex"),
    ("Estado civil", "S", "marital_status"),
    ("Estado", "KY", "state"),
    ("St", "KY", "state"),
    ("Ciudad", "Lexington", "city"),
    ("Municipio", "Lexington", "city"),
    ("Domicilio", "1 Main St", "address_line"),
    ("Address Line 1", "1 Main St", "address_line"),
    ("País", "US", "country"),
    ("Segundo nombre", "J", "middle_name"),
]
OTHERS = [
    ("Provider Email", MAIL),
    ("Emergency Contact Phone", CALL),
    ("PCP Name", "Ann Lee"),
    ("Last Visit", DAY),
    ("Next appointment", DAY),
    ("Mother's Maiden Name", "Lee"),
    ("SSN", "400-55-0145"),
    ("Password", "hunter2"),
    ("Insurance Plan", "Gold"),
    ("Consent date", DAY),
]


@pytest.mark.parametrize(("header", "cell", "field"), HEADERS, ids=[header for header, *_ in HEADERS])
def test_a_header_is_known_as_people_write_it(header: str, cell: str, field: str) -> None:
    (found,) = column_mapping.guess([header], [[cell]])
    assert (found.target, found.by) == (field, "its name")


@pytest.mark.parametrize(("header", "cell"), OTHERS, ids=[header for header, _ in OTHERS])
def test_a_column_about_somebody_else_is_left_to_the_person_who_maps(header: str, cell: str) -> None:
    (found,) = column_mapping.guess([header], [[cell]])
    assert found.target is None


def test_columns_without_a_telling_header_are_known_by_their_values() -> None:
    rows = [
        ["a@goodmail.test", CALL, "40502", "1/2/1945", "KY", "Spanish", "Female", "red"],
        ["N/A", "(859) 555-0146", "40503-1234", "3/4/1980", "OH", "Somali", "M", "blue"],
        ["c@goodmail.test", "none", "40504", "5/6/2001", "Kentucky", "American Sign Language", "Unknown", "red"],
    ]
    found = column_mapping.guess([f"Column {number}" for number in range(1, 9)], rows)
    assert [each.target for each in found] == ["email", "phone", "zip", "birth_date", "state", "language", "sex", None]
    assert {each.by for each in found[:7]} == {"its values"}
    suggestion = column_mapping.suggest(found, rows)
    assert suggestion["date_format"] == "%m/%d/%Y"


def test_no_field_is_guessed_twice_and_the_column_that_is_named_wins() -> None:
    headers = ["Contact", "E-mail", "Email 2", "Name", "First name", "Last name", "Home phone", "Cell phone"]
    rows = [["x@goodmail.test", MAIL, "b@goodmail.test", "Ann Lee", "Ann", "Lee", "", CALL]]
    found = [each.target for each in column_mapping.guess(headers, rows)]
    assert found == [None, "email", "other_emails", None, "first_name", "last_name", "other_phones", "phone"]


def test_five_digits_are_no_zip_code_where_nothing_speaks_of_a_place() -> None:
    (found,) = column_mapping.guess(["Column 1"], [["40502"], ["40503"]])
    assert found.target is None


def test_the_expenses_of_patients_are_a_table_of_synthea() -> None:
    headers = ("PATIENT_ID", "YEAR", "PAYER_ID", "HEALTHCARE_EXPENSES", "INSURANCE_COSTS", "COVERED_COSTS")
    assert synthea.table_name(headers) == "patient_expenses"
