"""Names: what stands in one cell taken apart, and names in capitals written as people write them."""

import pytest

from apps.contacts.person.names import name_case, split_name, without_suffix
from apps.content import formats
from apps.imports import column_mapping
from apps.imports.column_mapping import BadMapping
from apps.imports.readers import people
from apps.imports.readers.tables import opener_of, recognize
from tests.imports.test_readers_people import TODAY

WHOLE = [
    # First, middle, last, prefix, suffix
    ("John Smith, Jr.", "John||Smith||Jr."),
    ("Jane Doe, MD", "Jane||Doe||MD"),
    ("Maria de la Cruz", "Maria||de la Cruz||"),
    ("Robert Downey III", "Robert||Downey||III"),
    ("Smith, John Q.", "John|Q.|Smith||"),
    ("Smith Jr., John", "John||Smith||Jr."),
    ("Smith, John, Jr.", "John||Smith||Jr."),
    ("Smith, MD, John", "John||Smith||MD"),
    ("Doe, Jane RN", "Jane||Doe||RN"),
    ("Jane Doe, RN, MSN", "Jane||Doe||RN, MSN"),
    ("John Smith 2nd", "John||Smith||2nd"),
    ("John Smith V", "John||Smith||V"),
    ("V. Smith", "V.||Smith||"),
    ("JOHN SMITH JR", "JOHN||SMITH||JR"),
    ("Dr. Maria van der Berg", "Maria||van der Berg|Dr.|"),
    ("Rev. Martin Luther King, Jr.", "Martin|Luther|King|Rev.|Jr."),
    ("Sra. Ana Ruiz", "Ana||Ruiz|Sra.|"),
    ("Mrs. Jones", "||Jones|Mrs.|"),
    ("Ludwig von Beethoven", "Ludwig||von Beethoven||"),
    ("Khalid bin Walid", "Khalid||bin Walid||"),
    ("Ahmed al-Sayed", "Ahmed||al-Sayed||"),
    ("St. James, Mary", "Mary||St. James||"),
    ("Saint James, Mary", "Mary||Saint James||"),
    ("João da Silva", "João||da Silva||"),
    ("Mary Ann St. John", "Mary|Ann|St. John||"),
    ("Smith,John", "John||Smith||"),
    ("John Smith,, Jr.", "John||Smith||Jr."),
    ("John O'Brien-Smith", "John||O'Brien-Smith||"),
    # Words that are a name here and something else there.
    ("Van Johnson", "Van||Johnson||"),
    ("Anna Do", "Anna||Do||"),
    ("Do, Anna", "Anna||Do||"),
    ("Jack MA", "Jack||MA||"),
    ("Jane Smith, MA", "Jane||Smith||MA"),
    ("Nguyen, Vi", "Vi||Nguyen||"),
    ("Dean Martin", "Dean||Martin||"),
    ("Ma. Teresa Santos", "Ma. Teresa||Santos||"),
    # Nothing is lost, and nobody is greeted by a word that may be no given name.
    ('John "Jack" Kennedy', "John|(Jack)|Kennedy||"),
    ("Cher", "||Cher||"),
    ("Prince", "||Prince||"),
]


@pytest.mark.parametrize(("cell", "parts"), WHOLE, ids=[cell for cell, _ in WHOLE])
def test_a_whole_name_comes_apart(cell: str, parts: str) -> None:
    found = split_name(cell)
    assert "|".join((found.first, found.middle, found.last, found.prefix, found.suffix)) == parts


@pytest.mark.parametrize(
    ("cell", "first", "middle", "last"),
    [
        ("Gabriel García Márquez", "Gabriel", "", "García Márquez"),
        ("Juan Carlos Garcia Lopez", "Juan", "Carlos", "Garcia Lopez"),
        ("Ana Lopez", "Ana", "", "Lopez"),
        ("Garcia Lopez, Ana", "Ana", "", "Garcia Lopez"),
    ],
)
def test_two_family_names_where_the_column_says_so(cell: str, first: str, middle: str, last: str) -> None:
    found = split_name(cell, two_families=True)
    assert (found.first, found.middle, found.last) == (first, middle, last)


def test_a_list_of_whole_names_is_greeted_by_given_names() -> None:
    text = 'MRN,Patient Name\n1,"John Smith, Jr."\n2,"Jane Doe, MD"\n3,Maria de la Cruz\n4,\n'
    table = recognize(opener_of(text.encode()), "list.csv")
    guesses = column_mapping.guess(table.headers, [["1", "John Smith, Jr."]])
    assert guesses[1].target == "full_name"
    document = column_mapping.suggest(guesses, [])
    rows = list(people.read(table, column_mapping.parse(document), today=TODAY))
    assert [row.profile.get("first_name") for row in rows] == ["John", "Jane", "Maria", None]
    assert [row.profile.get("last_name") for row in rows] == ["Smith", "Doe", "de la Cruz", None]
    assert [row.profile.get("suffix") for row in rows] == ["Jr.", "MD", None, None]


def test_a_spanish_heading_means_two_family_names() -> None:
    [guess] = column_mapping.guess(["Nombre completo"], [["Gabriel García Márquez"]])
    assert guess.target == "full_name_two_families"
    for other in ("full_name", "last_name"):
        columns = {"A": "full_name_two_families", "B": other, "M": "mrn"}
        with pytest.raises(BadMapping):
            column_mapping.parse({"match_on": "mrn", "columns": columns})


CAPITALS = [
    "TJ > TJ", "JD > JD", "III > III", "MCDONALD > McDonald", "mcdonald > McDonald", "DESHAWN > Deshawn",
    "O'BRIEN > O'Brien", "O’NEIL-SMITH > O’Neil-Smith", "D'ANGELO > D'Angelo", "KAʻAHUMANU > Kaʻahumanu",
    "ʻAKAKA > ʻAkaka", "KA'AHUMANU > Ka'ahumanu", "JOHN SMITH III > John Smith III", "john smith iv > John Smith IV",
    "VI NGUYEN > Vi Nguyen", "TJ SMITH > TJ Smith", "MARY JO > Mary Jo", "DAVID NG > David Ng", "ANNA DO > Anna Do",
    "MARIA DE LA CRUZ > Maria de la Cruz", "OSAMA BIN LADEN > Osama bin Laden", "JANE DOE, MD > Jane Doe, MD",
    "JANE DOE, PHD > Jane Doe, PhD", "JOHN SMITH JR. > John Smith Jr.", "J.D. > J.D.", "ŁUKASZ > Łukasz",
    "JOSÉ ORTEGA Y GASSET > José Ortega y Gasset", "ed > Ed", "JEAN-LUC > Jean-Luc",
    # Somebody chose these capitals.
    "DeShawn > DeShawn", "de la Cruz > de la Cruz", "van der Berg > van der Berg", "JoAnn > JoAnn",
]  # fmt: skip


@pytest.mark.parametrize("line", CAPITALS)
def test_capitals_are_those_that_people_use(line: str) -> None:
    written, _, shown = line.partition(" > ")
    assert name_case(written) == formats.format_name(written) == shown


@pytest.mark.parametrize(
    ("cell", "family", "suffix"),
    [
        ("Smith Jr.", "Smith", "Jr."), ("Smith, Jr", "Smith", "Jr"), ("SMITH III", "SMITH", "III"),
        ("Smith", "Smith", ""), ("de la Cruz Sr", "de la Cruz", "Sr"), ("Doe, MD", "Doe", "MD"),
        ("Doe MD", "Doe", "MD"), ("Doe Jr. PhD", "Doe", "Jr. PhD"), ("Silva Junior", "Silva Junior", ""),
        ("Ma", "Ma", ""), ("Yo Ma", "Yo Ma", ""), ("Do", "Do", ""), ("Van Do", "Van Do", ""), ("Jr.", "Jr.", ""),
        ("Smith, Anna", "Smith, Anna", ""), ("García, Márquez", "García, Márquez", ""),
        ("Smith 3rd", "Smith", "3rd"), ("", "", ""), (",", ",", ""), ("Smith,", "Smith,", ""),
    ],
)  # fmt: skip
def test_a_suffix_behind_a_family_name(cell: str, family: str, suffix: str) -> None:
    assert without_suffix(cell) == (family, suffix)
