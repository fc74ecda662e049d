"""What docs/commands.md shows can be typed as it stands, in an installation where nobody did anything before."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, get_commands, load_command_class

from apps.core.commands import RoadCommand
from apps.segments import rules
from apps.segments.conditions import CONDITIONS
from apps.segments.conditions.base.documents import Document
from apps.segments.rules.parsing import MATCHES
from apps.users.models import User
from tests.segments.test_condition_kinds import FIELDS_HERE, KINDS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
RULES = PAGE.partition("## RULE.json")[2].partition("\n## ")[0]
EXAMPLES = dict(re.findall(r"```json (\w+)\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs a command with the example of that name as a file; returns its JSON."""
    for name, text in EXAMPLES.items():
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")

    def started(command: str, *arguments: str) -> dict[str, Any]:
        out = StringIO()
        files = [str(tmp_path / each) if (tmp_path / each).exists() else each for each in arguments]
        call_command(command, *files, "--json", stdout=out)
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    return started


@pytest.mark.django_db
def test_the_examples_walk_the_road_as_they_stand(run: Any, tmp_path: Path, noon: Any) -> None:
    (tmp_path / "people.csv").write_text(
        "Record,GivenName,Born,Mail,Newsletter,Since,Password\n7,Ana,04/12/1960,ana@goodmail.test,yes,11/02/2026,x\n"
    )
    read = run("import_contacts", "--mapping", "mapping.json", "people.csv")
    assert (read["read"], read["new"], read["rejected"]) == (1, 1, 0)
    assert run("segment_save", "Flu shot", "rule.json")["new"] is True
    assert run("segment_count", "Flu shot")["count"] == 0
    made = run("template_save", "Flu shot", "blocks.json")
    assert (made["version"], made["errors"]) == (1, [])
    # The same file again is the same content: the ids that its blocks were given stay.
    assert run("template_save", "Flu shot", "blocks.json")["version"] == 1
    assert run("campaign_save", "Flu shots", "spec.json")["missing"] == []
    assert run("campaign_plan", "Flu shots", "--no-measure")["audience"] == 0


class Noting(Document):
    """A document that notes what its reader takes: names of parts, and the words that a part may be."""

    def only(self, *known: str) -> None:
        self.taken = {*known}
        super().only(*known)

    def choice(self, name: str, known: Any) -> str:
        self.words = {*getattr(self, "words", ()), *known}
        return super().choice(name, known)


def words_of(name: str) -> set[str]:
    """The parts and words of a kind of condition, as its own ``parse`` asks for them in the document of its row."""
    document = Noting(KINDS[name].document, (), FIELDS_HERE)
    CONDITIONS[name].parse(document)
    return document.taken | getattr(document, "words", set())


@pytest.mark.django_db
def test_what_stands_in_the_tables_is_what_rules_know() -> None:
    """Every word of the vocabulary is on the page, and every field it lists can be asked for."""
    asked = {*MATCHES, *(word for name in CONDITIONS for word in words_of(name))}
    assert sorted(word for word in asked if not re.search(rf"\b{word}\b", RULES)) == []
    listed = re.search(r"^Fields: (.*?), and own attributes", PAGE, re.DOTALL | re.MULTILINE)
    assert listed is not None
    plain = re.sub(r"\([^)]*\)", "", listed[1].replace("`", ""))
    for name in (word.strip() for word in plain.replace("\n", " ").split(",")):
        node = {"field": name, "op": "at_least", "from": 1} if name == "age" else {"field": name, "op": "exists"}
        rules.parse({"match": "all", "rules": [node]})


def test_every_command_of_the_road_is_on_the_page() -> None:
    loaded = {
        name: load_command_class(app, name)
        for name, app in get_commands().items()
        if isinstance(app, str) and app.startswith("apps.")
    }
    road = [name for name, command in loaded.items() if isinstance(command, RoadCommand)]
    assert [name for name in road if f"`{name}" not in PAGE] == []


@pytest.mark.django_db
def test_an_administrator_made_by_the_documented_command_may_approve(run: Any) -> None:
    run("create_admin", "rita@clinic.example", "--name", "Rita")
    assert User.objects.by_email("rita@clinic.example") is not None
    assert run("journey_approve", "Appointment reminder", "--as", "rita@clinic.example")["state"] == "approved"
    assert run("journey_activate", "Appointment reminder")["state"] == "active"
