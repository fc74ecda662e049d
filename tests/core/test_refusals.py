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
# Apps whose raises are still to be given codes. The list gets shorter; when it is empty, so does this test.
TO_DO = {"content": 37, "journeys": 43, "segments": 54}


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted((REPOSITORY / "apps").rglob("*.py"))}


def refusing_classes() -> dict[str, bool]:
    """``Refused`` and what is made of it, by name: whether the class puts its own code in."""
    found = {"Refused": False}
    while True:
        more = {
            node.name: found[base] or any(isinstance(each, ast.FunctionDef) for each in node.body)
            for tree in trees().values()
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            for base in (ast.unparse(base).rpartition(".")[2] for base in node.bases)
            if base in found
        }
        if set(more) <= set(found):
            return found
        found |= more


def codes_given() -> Iterator[tuple[str, ast.expr | None]]:
    """Where a refusal is made, and what it is given as its code (None: nothing, or the sentence alone)."""
    classes = refusing_classes()
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in classes and node.name != "Refused":
                made = [each for each in ast.walk(node) if ast.unparse(each).startswith("super().__init__(")]
                calls = [each for each in made if isinstance(each, ast.Call)]
            elif isinstance(node, ast.Call) and classes.get(ast.unparse(node.func).rpartition(".")[2]) is False:
                calls = [node]
            else:
                continue
            for call in calls:
                yield f"{path.relative_to(REPOSITORY)}:{call.lineno}", call.args[0] if len(call.args) > 1 else None


def is_handed_on(code: ast.expr) -> bool:
    """``refusal.code``, or the ``code`` that a class or function was given: looked at where it was written."""
    return ast.unparse(code) == "code" or ast.unparse(code).endswith(".code")


def test_every_refusal_is_given_a_code_of_the_list() -> None:
    offenders = [
        f"{place} {ast.unparse(code) if code else 'no code'}"
        for place, code in codes_given()
        if place.split("/")[1] not in TO_DO
        and not (code and (is_handed_on(code) or (isinstance(code, ast.Constant) and code.value in REFUSALS)))
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
