"""Files that are small on the wire and large in memory."""

from __future__ import annotations

import gzip

import pytest

from apps.imports.readers import tables
from apps.imports.readers.tables import Unreadable


def test_a_bomb_of_one_line_again_and_again_is_refused_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_LARGE", 1024 * 1024)
    bomb = gzip.compress(b"first_name,last_name\n" + b"Dana,Quist\n" * 2_000_000, 9)
    assert len(bomb) < 100_000
    with pytest.raises(Unreadable, match="a hundred times"):
        tables.recognize(tables.opener_of(bomb), "list.csv.gz")


def test_an_honest_list_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_LARGE", 1024 * 1024)
    lines = b"".join(b"Name%d,Quist%d,p%d@goodmail.test\n" % (n, n * 7, n) for n in range(80_000))
    table = tables.recognize(tables.opener_of(gzip.compress(b"first,last,email\n" + lines)), "list.csv.gz")
    assert sum(1 for _ in table.rows()) == 80_000
