"""Every refusal has a code of the one list, and the list holds nothing else."""

from __future__ import annotations

import ast
import json
import pickle
import re
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from apps.core.errors import Refused
from apps.core.refusals import REFUSALS, Kind

REPOSITORY = Path(__file__).resolve().parents[2]


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted((REPOSITORY / "apps").rglob("*.py"))}


def refusing() -> dict[str, bool]:
    """``Refused``, what is made of it, and what makes one of a code it is given, by name: whether the caller says the
    code. Of two with one name, the one that asks for more is meant."""
    nodes = [node for tree in trees().values() for node in ast.walk(tree)]
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    found, size = {"Refused": True}, 0
    while len(found) > size:
        size = len(found)
        for made in classes:
            for base in (ast.unparse(base).rpartition(".")[2] for base in made.bases):
                if base in found:
                    found[made.name] = found.get(made.name, False) or says_the_code(made, found[base])
    makers = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name != "__init__"]
    for maker in makers:
        if "code" in [argument.arg for argument in maker.args.args[:2]] and any(
            isinstance(node, ast.Call) and found.get(called(node)) and given(node) == "code" for node in ast.walk(maker)
        ):
            found[maker.name] = True
    return found


def called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def given(node: ast.Call) -> str:
    return ast.unparse(node.args[0]) if node.args else ""


def says_the_code(made: ast.ClassDef, inherited: bool) -> bool:
    for each in made.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return [argument.arg for argument in each.args.args][1:2] == ["code"]
    return inherited


def codes_given() -> Iterator[tuple[str, ast.expr | None]]:
    """Where a refusal is made, and what stands where its code belongs."""
    classes = refusing()
    for path, tree in trees().items():
        for node in ast.walk(tree):
            calls = []
            if isinstance(node, ast.ClassDef) and node.name in classes and node.name != "Refused":
                made = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
                calls = [each for each in made if ast.unparse(each.func) == "super().__init__"]
            elif isinstance(node, ast.Call) and classes.get(called(node)):
                calls = [node]
            for call in calls:
                yield f"{path.relative_to(REPOSITORY)}:{call.lineno}", call.args[0] if call.args else None


def is_handed_on(code: ast.expr) -> bool:
    """``refusal.code``, or the ``code`` that a class or function was given: looked at where it was written."""
    return ast.unparse(code) == "code" or ast.unparse(code).endswith(".code")


def test_every_refusal_is_given_a_code_of_the_list() -> None:
    offenders = [
        f"{place} {ast.unparse(code) if code else 'no code'}"
        for place, code in codes_given()
        if not (code and (is_handed_on(code) or (isinstance(code, ast.Constant) and code.value in REFUSALS)))
    ]
    assert offenders == []


def test_every_code_of_the_list_is_given_somewhere() -> None:
    written = {
        node.value
        for path, tree in trees().items()
        if path.name != "refusals.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(set(REFUSALS) - written) == []


def test_codes_are_a_noun_and_what_is_wrong_and_the_list_is_in_order() -> None:
    grammar = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
    assert [code for code in REFUSALS if not grammar.fullmatch(code)] == []
    assert list(REFUSALS) == sorted(REFUSALS)


def test_every_code_has_a_meaning_of_its_own() -> None:
    titles = [meaning.title for meaning in REFUSALS.values()]
    assert [title for title in titles if not re.fullmatch(r"[A-Z“][^\n|]+[^\s.]\.", title)] == []
    assert sorted(title for title in set(titles) if titles.count(title) > 1) == []
    assert {meaning.kind for meaning in REFUSALS.values()} == set(Kind)


def test_the_page_of_codes_is_drawn_from_the_list() -> None:
    out = StringIO()
    call_command("error_codes", stdout=out)
    page = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    assert out.getvalue() == page, "docs/errors.md is not what the list says: run `make errors`"


def test_a_program_reads_the_list_as_json() -> None:
    out = StringIO()
    call_command("error_codes", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert list(found) == list(REFUSALS)
    assert found["campaign.not_approved"] == {
        "title": REFUSALS["campaign.not_approved"].title,
        "status": 409,
        "retry": "once what stands in the way has changed",
    }


def test_a_refusal_is_its_sentence_to_a_person_and_keeps_its_code_on_the_way_from_a_worker() -> None:
    refusal = Refused("person.unknown", "There is no such person any more.")
    assert (str(refusal), refusal.code) == ("There is no such person any more.", "person.unknown")
    came = pickle.loads(pickle.dumps(refusal))
    assert (str(came), came.code) == (str(refusal), refusal.code)
