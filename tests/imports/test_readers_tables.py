"""Files as clinics really send them: packed, in the wrong encoding, cut off, or no CSV at all."""

import gzip
import io
import json
import os
from pathlib import Path

import pytest

from apps.imports.readers import tables
from apps.imports.readers.tables import Unreadable, opener_of, recognize

DATA = Path(os.environ.get("CARELANE_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_data = pytest.mark.skipif(not (DATA / "csv").is_dir(), reason="the shared data folder is absent")


def table(data: bytes, name: str = "people.csv") -> tables.Table:
    return recognize(opener_of(data), name)


def read(data: bytes) -> list[list[str]]:
    found = table(data)
    return [list(found.headers), *[cells for _, cells in found.rows()]]


@pytest.mark.parametrize(
    "data",
    [
        b"name,city\nAna,Lugo\n",
        b"name,city\r\nAna,Lugo\r\n",
        b"name,city\rAna,Lugo\r",
        b"\n\nname,city\nAna,Lugo",
        b"\xef\xbb\xbfname;city\nAna;Lugo\n",
        "name\tcity\nAna\tLugo\n".encode("utf-16"),
        "name|city\nAna|Lugo\n".encode("utf-16-be"),
        gzip.compress(b"name,city\nAna,Lugo\n"),
        b'"name","city",\n"Ana","Lugo",\n',
    ],
    ids=[
        "lf",
        "crlf",
        "old mac",
        "blank lines",
        "bom",
        "utf-16",
        "utf-16 without mark",
        "gzip",
        "trailing comma",
    ],
)
def test_a_list_is_recognized_however_it_was_saved(data: bytes) -> None:
    rows = read(data)
    assert rows[0] == ["name", "city"]
    assert rows[1][:2] == ["Ana", "Lugo"]


def test_windows_latin_is_recognized_by_what_is_not_utf8() -> None:
    found = table("name,city\nJosé,A Coruña\n".encode("cp1252"))
    assert found.encoding == "cp1252"
    assert list(found.rows()) == [(2, ["José", "A Coruña"])]


def test_an_accent_far_below_the_sample_still_decides_the_encoding() -> None:
    body = b"name,city\n" + b"Ana,Lugo\n" * 40_000 + "José,Lugo\n".encode("cp1252")
    found = table(body)
    assert found.encoding == "cp1252"
    assert sum(1 for _ in found.rows()) == 40_001


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n\r\n", "empty"),
        (b"PK\x03\x04rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"<!DOCTYPE html><p>", "web page"),
        (b'{"a": 1}', "JSON"),
        (b"a,b\n\x00,2\n", "NUL byte"),
        (b"<table border=1>\n<tr><td>MRN</td></tr>\n</table>\n", "web page"),
        (b"<!-- saved -->\n<p>MRN</p>", "web page"),
        (b"# Patients\n\n| MRN | Name |\n|-----|------|\n| 1 | Ann |\n", "Markdown"),
        (b"MRN | Name\n:-- | --:\n1 | **Ann**\n", "Markdown"),
        (b"# Readme\n\nA text, with commas.\n\n- one\n- two\n", "Markdown"),
        (b"+----+------+\n| id | name |\n+----+------+\n| 1  | Ann  |\n+----+------+\n", "drawn with lines"),
        (b"| MRN | Name |\n|-----+------|\n| 1 | Ann |\n", "drawn with lines"),
        (b"INSERT INTO patients VALUES (1, 'Ann');\n", "SQL"),
        (b"{\\rtf1 MRN}", "RTF"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel workbook"),
        (b"MSH|^~\\&|EPIC|\rPID|1||17\r", "HL7"),
        (b"email,name,email\n1,2,3\n", "Columns 1 and 3"),
        (b",".join(b"c%d" % n for n in range(400)) + b"\n", "400 columns"),
        (gzip.compress(b"a,b\n1,2\n" * 999, mtime=0)[:-20], "cut off"),
        (b"\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f,b\n", "not a text file"),
    ],
)
def test_what_is_no_csv_is_refused_with_what_to_do(data: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        table(data)


def test_ten_megabytes_in_one_cell_end_in_a_sentence_with_the_line() -> None:
    data = b"name,note\nAna,short\nBo," + b"x" * 10_000_000 + b"\nCy,short\n"
    with pytest.raises(Unreadable, match=r"Line 3 has more than a million characters"):
        list(table(data).rows())


def test_a_quotation_mark_that_never_closes_does_not_swallow_the_file() -> None:
    data = b'name,note\nAna,"open\n' + b"Bo,fine\n" * 20_000
    with pytest.raises(Unreadable, match="quote is never closed"):
        list(table(data).rows())


def test_a_gzip_bomb_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_BYTES", 1_000_000)
    with pytest.raises(Unreadable, match="unpacks to more"):
        table(gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000))


def test_an_error_never_quotes_the_file() -> None:
    with pytest.raises(Unreadable) as caught:
        list(table(b"Guadalupe,mail\nx," + b"Guadalupe" * 20_000 + b"\n").rows())
    assert "Guadalupe" not in str(caught.value)


@needs_data
@pytest.mark.shared_data
def test_the_acid_test_files_read_as_their_authors_expect() -> None:
    for path in sorted((DATA / "csv/csv-spectrum/csvs").glob("*.csv")):
        expected = json.loads((DATA / "csv/csv-spectrum/json" / (path.stem + ".json")).read_text())
        found = recognize(lambda path=path: path.open("rb"), path.name)
        rows = [
            dict(zip(found.headers, (cell.replace("\r\n", "\n") for cell in cells), strict=True))
            for _, cells in found.rows()
        ]
        assert rows == [{k: v.replace("\r\n", "\n") for k, v in row.items()} for row in expected], path.name


@needs_data
@pytest.mark.shared_data
def test_every_file_of_the_corpus_is_read_or_refused_in_words() -> None:
    refused = {}
    for path in sorted((DATA / "csv").rglob("*.*")):
        try:
            found = recognize(lambda path=path: path.open("rb"), path.name)
            list(found.rows())
        except Unreadable as error:
            refused[path.name] = str(error)
    assert all(sentence.endswith(".") for sentence in refused.values())
    assert {"null_byte.csv", "sheets.xls", "sheets.xlsx", "empty.csv", "milk.csv"} <= set(refused)
    assert {"test_latin1.csv", "test_utf16_little.csv", "sniff_limit.csv", "imdb.csv"}.isdisjoint(refused)


def test_the_stream_is_closed_when_the_reader_stops_early() -> None:
    class Watched(io.BytesIO):
        closed_by_us = False

        def close(self) -> None:
            Watched.closed_by_us = True
            super().close()

    found = recognize(lambda: Watched(b"a,b\n" + b"1,2\n" * 100), "x.csv")
    Watched.closed_by_us = False
    assert len(found.sample(3)) == 3
    assert Watched.closed_by_us
