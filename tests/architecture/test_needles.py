"""A short word is looked for in text without random tokens: in a token it would be found some day."""

from __future__ import annotations

import ast
import base64
import secrets
from pathlib import Path

import pytest

from tests.text import without_tokens

TESTS = Path(__file__).resolve().parents[1]
# Text with tokens of ours in it: whole pages and whole mails, by the names that tests give them.
WHOLE = {
    "page",
    "pages",
    "shown",
    "text",
    "body",
    "found",
    "whole",
    "content",
    "html",
    "raw",
    "letter",
    "answer",
    "form",
}
# Shorter ones would be found in a page's tokens once in some thousand runs, five letters once in a million.
SHORT = 4


@pytest.mark.parametrize(
    "text",
    [
        "Rosa Marín",
        "/contacts/imports/new/",
        "dana.quist@goodmail.test",
        "2026-11-20T12:00:00+00:00",
        "555-0117-859-555",
        "MammogramReminder",
        "internationalization",
        '<a href="/portal/messages/" class="button-primary-large">Rosa</a>',
        "=C3=B3digo",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert without_tokens(text) == text


def test_tokens_of_every_kind_go() -> None:
    for _ in range(200):
        raw = secrets.token_bytes(24)
        for token in (secrets.token_urlsafe(24), raw.hex(), base64.b64encode(raw).decode()):
            assert without_tokens(f"Rosa /p/m/{token}/ Marín").replace("/p/m/", "") in ("Rosa …/ Marín", "Rosa … Marín")


def short_needles(tree: ast.AST) -> list[ast.Compare]:
    """Each ``"word" not in page``, also in a loop over words, where a word is short and the page is whole."""
    found = []
    # The words of a loop are those of its own function.
    for scope in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)] or [tree]:
        loops = [node for node in ast.walk(scope) if isinstance(node, ast.For | ast.comprehension)]
        named = {loop.target.id: loop.iter for loop in loops if isinstance(loop.target, ast.Name)}
        for node in ast.walk(scope):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn) and is_whole(node.comparators[0]):
                words = named.get(node.left.id) if isinstance(node.left, ast.Name) else node.left
                if words is not None and any(map(is_short, ast.walk(words))):
                    found.append(node)
    return found


def is_short(node: ast.AST) -> bool:
    """A word of few letters and digits."""
    word = node.value if isinstance(node, ast.Constant) else None
    plain = word.decode("latin-1") if isinstance(word, bytes) else word
    return isinstance(plain, str) and 0 < len(plain) <= SHORT and plain.isalnum() and plain.isascii()


def is_whole(where: ast.expr) -> bool:
    """A page as it came: a name that tests give it, ``response.content``, or a call that gives its whole text."""
    while isinstance(where, ast.Call) and isinstance(where.func, ast.Attribute):
        where = where.func.value  # .lower(), .decode()
    if isinstance(where, ast.Call):
        return isinstance(where.func, ast.Name) and where.func.id == "text_of"
    if isinstance(where, ast.BinOp):
        return is_whole(where.left) or is_whole(where.right)
    if isinstance(where, ast.Attribute):
        return where.attr in WHOLE
    return isinstance(where, ast.Name) and where.id in WHOLE


def test_a_short_word_is_found_out() -> None:
    wrong = ['"Dana" not in page', 'b"osa" not in answer.content', '"flu" not in (letter.text + letter.html).lower()']
    wrong.append('for word in ("mammogram", "Rosa"):\n    assert word not in page')
    right = ['"Dana" not in without_tokens(page)', '"<b>" not in page', '"mammogram" not in page', '"id" not in row']
    assert [bool(short_needles(ast.parse(line))) for line in wrong + right] == [True] * 4 + [False] * 4


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_short_words_are_looked_for_in_text_without_tokens(path: Path) -> None:
    found = short_needles(ast.parse(path.read_text(encoding="utf-8")))
    assert [f"{path.name}:{node.lineno} {ast.unparse(node)}" for node in found] == []
