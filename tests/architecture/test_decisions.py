"""Decisions say status, date and what was rejected; links and paths in documents lead somewhere, moved modules too."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "docs" / "decisions"
INDEX = (FOLDER / "README.md").read_text()
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("apps/*/README.md")])
MOVED = re.findall(
    r"^\| `(apps\S+|config\S+)` \| `(\S+)` \|$", (REPOSITORY / "docs/moved-modules.md").read_text(), re.M
)


def told(text: str, what: str) -> str:
    found = re.search(rf"^- {what}: (.+)$", text, re.M)
    return found[1] if found else ""


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_has_every_part_and_a_line_in_the_index(record: Path) -> None:
    text = record.read_text()
    head = re.match(r"# (\d+)\. (.+)\n", text)
    assert head, "its first line is not '# NUMBER. TITLE'"
    assert record.name.startswith(f"{int(head[1]):04d}-")
    status, day = told(text, "Status"), told(text, "Date")
    assert re.fullmatch(r"accepted|superseded by \d{4}", status), f"Status: {status!r}"
    assert date.fromisoformat(day), "Date: is a day"
    parts = dict(re.findall(r"^## (.+)\n\n([^#]+)", text, re.M))
    assert set(parts) >= {"Context", "Decision", "Rejected"}
    assert parts["Rejected"].startswith("- "), "what was rejected is a list, each with its reason"
    assert f"| [{record.name[:4]}]({record.name}) | {head[2]} | {status} | {day} |" in INDEX


def test_numbers_are_given_once_and_the_index_names_only_what_is_there() -> None:
    numbers = [path.name[:4] for path in RECORDS]
    assert len(numbers) == len(set(numbers)) >= 19
    assert set(re.findall(r"\]\((\d{4}-[^)]+)\)", INDEX)) <= {path.name for path in RECORDS}


def test_what_supersedes_a_record_is_there() -> None:
    for record in RECORDS:
        later = re.fullmatch(r"superseded by (\d{4})", told(record.read_text(), "Status"))
        assert later is None or any(path.name.startswith(later[1]) for path in RECORDS), record.name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_of_documents_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_files_that_contributing_names_are_there() -> None:
    named = set(
        re.findall(r"`(\w[\w./-]*/[\w./-]*(?:\.py|\.md|\.html|/))`", (REPOSITORY / "CONTRIBUTING.md").read_text())
    )
    assert len(named) > 15
    assert (
        sorted(name for name in named if not ((REPOSITORY / name).exists() or (REPOSITORY / "apps" / name).exists()))
        == []
    )


@pytest.mark.parametrize("module", sorted({new for _, new in MOVED}))
def test_a_moved_module_is_where_the_page_says(module: str) -> None:
    place = REPOSITORY / module.replace(".", "/")
    assert place.with_suffix(".py").is_file() or place.is_dir()


def test_the_page_of_moved_modules_was_read() -> None:
    assert len(MOVED) > 100
