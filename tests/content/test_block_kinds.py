"""One row for each kind of block: how it looks in JSON, in the mail, in the text part, in the editor, when it is wrong.

The tests below go through the registry. A kind without a row here fails, and so does one that somebody names outside
its own file.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from apps.content import blocks, compiling, kinds, lint, merging, plaintext, variants
from apps.content.brands import SAMPLE
from apps.content.editor.forms import read_settings, settings_of
from apps.content.editor.structure import tree
from apps.content.facts import invented_facts
from apps.content.kinds import KINDS
from apps.content.kinds.protocol import Place
from tests.content import readers
from tests.mail.test_golden import envelope

APP = Path(kinds.__file__).parent.parent
ICONS = (APP.parents[1] / "frontend" / "icons.txt").read_text().split()
COMMANDS = (APP.parents[1] / "docs" / "commands.md").read_text().partition("## BLOCKS.json")[2].partition("\n## ")[0]
OWN_HOSTS = ("https://portal.clinic.example.test/", "https://clinic.test/")


@dataclass(frozen=True)
class Row:
    """What is true of one kind. `block` is an example with something in every setting."""

    block: dict[str, Any]
    html: tuple[str, ...]
    """What stands in the mail, as its source."""
    text: str
    """The text part of a mail with this block alone."""
    draft: str
    """The same to begin editing from."""
    summary: str
    """Its words in the structure list."""
    translated: tuple[str, ...] = ()
    """The settings that wait for words in a further language."""
    wrong: tuple[tuple[dict[str, Any], str], ...] = ()
    """Other settings, and the rule that notices them."""
    refused: tuple[tuple[dict[str, Any], str], ...] = ()
    """Settings that are no such block, and what is said."""


ROWS: dict[str, Row] = {
    "header": Row(
        {"show": "name", "align": "center"},
        html=(">Carelane Clinic</div>", "text-align:center"),
        text="Carelane Clinic",
        draft="{{ clinic.name }}",
        summary="",
        refused=(({"show": "face"}, "“Show” must be one of name, logo."),),
    ),
    "heading": Row(
        {"text": "Flu & you, {{ first_name|friend }}", "level": "1", "align": "left"},
        html=("<h1 ", ">Flu &amp; you, Maria</h1>"),
        text="Flu & you, Maria",
        draft="Flu & you, {{ first_name|friend }}",
        summary="Flu & you, {{ first_name|friend }}",
        translated=("text",),
        wrong=(({"text": ""}, "empty"), ({"level": "2"}, "heading-order")),
        refused=(({"level": "9"}, "“Level” must be one of 1, 2, 3."),),
    ),
    "text": Row(
        {
            "html": '<p>We <strong>open</strong>.</p><p><a href="https://clinic.test/map">Our map</a></p>',
            "tone": "tint",
        },
        html=("<strong>open</strong>", 'class="tint"', 'href="https://clinic.test/r/golden-0" class="link"'),
        text="We open.\n\nOur map (https://clinic.test/r/golden-0)",
        draft="We open.\n\nOur map (https://clinic.test/map)",
        summary="We open. Our map (https://clinic.test/map)",
        translated=("html",),
        wrong=(
            ({"html": "<p></p>"}, "empty"),
            ({"html": '<p><a href="https://clinic.test/">Here</a></p>'}, "link-vague"),
            ({"html": '<p><a href="https://clinic.test/?e={{ email }}">Your page</a></p>'}, "link-field"),
        ),
        refused=(({"html": "<b>" * 200}, "nested too deeply"),),
    ),
    "image": Row(
        {
            "src": "asset:a.png",
            "alt": "The door",
            "decorative": False,
            "width": 300,
            "href": "https://clinic.test/door",
            "align": "center",
        },
        html=('src="https://portal.clinic.example.test/i/a.png"', 'alt="The door"', 'width="300"'),
        text="[The door] https://clinic.test/r/golden-0",
        draft="[The door]",
        summary="The door",
        translated=("alt",),
        wrong=(
            ({"alt": ""}, "alt"),
            ({"decorative": True}, "alt-link"),
            ({"src": "https://cdn.test/a.png"}, "image-host"),
            ({"src": "ftp://cdn.test/a.png"}, "compiles"),
            ({"src": ""}, "compiles"),
        ),
        refused=(({"width": 9000}, "“Width in pixels” must be a whole number from 16 to 600."),),
    ),
    "button": Row(
        {"label": "Plan a visit", "url": "https://clinic.test/go", "align": "left"},
        html=('href="https://clinic.test/r/golden-0"', "Plan a visit", "#0b5cad"),
        text="Plan a visit:\nhttps://clinic.test/r/golden-0",
        draft="Plan a visit:\nhttps://clinic.test/go",
        summary="Plan a visit",
        translated=("label",),
        wrong=(
            ({"url": ""}, "compiles"),
            ({"url": "javascript:x"}, "compiles"),
            ({"url": "http://clinic.test/"}, "link-http"),
            ({"label": ""}, "link-empty"),
        ),
        refused=(({"label": 5}, "“Label” must be text."),),
    ),
    "details": Row(
        {"rows": [["When", "{{ appointment.start }}"], ["Where", "Elm Street"]]},
        html=('<th scope="row"', ">When</th>", ">Elm Street</td>"),
        text="When: Wednesday, December 2, 2026 at 9:00\u00a0AM\nWhere: Elm Street",
        draft="When: {{ appointment.start }}\nWhere: Elm Street",
        summary="When, Where",
        translated=("rows",),
        wrong=(({"rows": [["When", "{{ apointment.start }}"]]}, "compiles"),),
        refused=(({"rows": [["When"]]}, "at most 20 rows of a label and a value"),),
    ),
    "social": Row(
        {
            "words": "Follow us",
            "links": [
                ["facebook", "https://www.facebook.com/lexington.clinic"],
                ["youtube", "https://www.youtube.com/@lexingtonclinic"],
                ["website", "https://lexington.clinic.test/"],
            ],
            "align": "center",
        },
        html=(
            '<a href="https://www.facebook.com/lexington.clinic" class="link"',
            ">YouTube</a>",
            ">lexington.clinic.test</a>",
            "Follow us<br>",
        ),
        text="Follow us\nFacebook: https://www.facebook.com/lexington.clinic\n"
        "YouTube: https://www.youtube.com/@lexingtonclinic\nhttps://lexington.clinic.test/",
        draft="Follow us\nFacebook: https://www.facebook.com/lexington.clinic\n"
        "YouTube: https://www.youtube.com/@lexingtonclinic\nhttps://lexington.clinic.test/",
        summary="Facebook, YouTube, lexington.clinic.test",
        translated=("words",),
        wrong=(
            ({"links": []}, "compiles"),
            ({"links": [["facebook", ""]]}, "compiles"),
            ({"links": [["website", "http://clinic.test/"]]}, "compiles"),
            ({"links": [["website", "https://clinic.test/?for={{ email }}"]]}, "link-field"),
            ({"links": [["website", "https://clinic.test/{{ clinic.name }}"]]}, "compiles"),
            ({"links": [["website", "https://clinic.test/?for=maria%40example.test"]]}, "compiles"),
            ({"links": [["website", "https://someone@clinic.test/"]]}, "compiles"),
            ({"links": [["website", "https://[clinic"]]}, "compiles"),
            ({"links": [["facebook", "https://facebook.com.evil.test/clinic"]]}, "compiles"),
        ),
        refused=(
            ({"links": [["x", "https://x.com/clinic"]] * 9}, "at most 8 rows of a network and an address"),
            ({"links": [["fax", "https://clinic.test/"]]}, "“Network” must be one of facebook, "),
        ),
    ),
    "divider": Row({}, html=("border-top:solid 1px #dde3ea",), text="- - -", draft="- - -", summary=""),
    "spacer": Row(
        {"size": "large"},
        html=("height:48px",),
        text="",
        draft="",
        summary="",
        refused=(({"size": "vast"}, "“Height” must be one of small, medium, large."),),
    ),
    "columns": Row(
        {
            "layout": "1-2",
            "columns": [
                [{"id": "x2", "type": "text", "html": "<p>Left</p>"}],
                [{"id": "x3", "type": "heading", "text": "Right"}],
            ],
        },
        html=("mj-column-per-33-3333", "mj-column-per-66-6667", "Left", "Right"),
        text="Left\n\nRight",
        draft="Left\n\nRight",
        summary="",
        refused=(
            ({"columns": []}, "Columns need two or three lists of blocks."),
            ({"columns": [[{"id": "x2", "type": "columns"}], []]}, "Columns cannot stand inside columns."),
        ),
    ),
    "condition": Row(
        {
            "field": "city",
            "op": "in",
            "values": ["Lexington", "Paris"],
            "then": [{"id": "x2", "type": "text", "html": "<p>Near</p>"}],
            "otherwise": [{"id": "x3", "type": "heading", "text": "Far"}],
        },
        html=("Near",),
        text="Near",
        draft="Near\n\nFar",
        summary="City is one of",
        wrong=(({"values": []}, "compiles"), ({"field": "shoe_size"}, "compiles")),
        refused=(({"field": "9"}, "must be the name of a field"), ({"values": "Lexington"}, "at most 50 words")),
    ),
    "loop": Row(
        {
            "field": "appointments",
            "name": "visit",
            "blocks": [{"id": "x2", "type": "text", "html": "<p>{{ visit.kind }}</p>"}],
        },
        html=("Annual checkup", "Lab visit"),
        text="Annual checkup\n\nLab visit",
        draft="",
        summary="Upcoming appointments (for a repeat block)",
        wrong=(({"field": "first_name"}, "compiles"),),
        refused=(({"name": "The Visit"}, "one word of lower-case letters"),),
    ),
    "footer": Row(
        {"reason": "You asked for it.", "unsubscribe": True},
        html=("You asked for it.", "1 Main Street, Lexington, KY 40507", 'href="https://clinic.test/u/golden"'),
        text="- - -\nYou asked for it.\nCarelane Clinic\n1 Main Street, Lexington, KY 40507\n555-0100\n"
        "Unsubscribe or choose what we send you:\nhttps://clinic.test/u/golden",
        draft="- - -\nYou asked for it.\n{{ clinic.name }}\n{{ clinic.postal_address }}\n{{ unsubscribe.url }}",
        summary="",
        translated=("reason",),
        wrong=(({"reason": ""}, "reason"), ({"unsubscribe": False}, "unsubscribe")),
        refused=(({"unsubscribe": "yes"}, "“Unsubscribe link” must be yes or no."),),
    ),
}


def example(kind: str) -> dict[str, Any]:
    """The example of that kind as JSON; its id is x1, that of blocks inside x2 and x3."""
    return {"id": "x1", "type": kind, **copy.deepcopy(ROWS[kind].block)}


def design(*items: dict[str, Any], **more: Any) -> blocks.Design:
    return blocks.parse({"subject": "A note", "preheader": "From us", "blocks": list(items), **more})


def read(made: blocks.Design) -> merging.Rendered:
    compiled = compiling.compile_message(made, SAMPLE)
    return merging.render(merging.merge(compiled, {**invented_facts(), "first_name": "Maria"}, envelope()).message)


def noticed(*items: dict[str, Any]) -> set[str]:
    found = lint.check(design(*items), SAMPLE, purpose="marketing")
    return {finding.rule for finding in found if finding.block == "x1"}


def test_every_file_is_registered_and_every_kind_has_its_row() -> None:
    files = {path.stem for path in (APP / "kinds").glob("*.py")} - {"__init__", "protocol"}
    assert files == {type(kind).__module__.rpartition(".")[2] for kind in KINDS.values()}
    assert set(ROWS) == set(KINDS)
    assert all(name == kind.name for name, kind in KINDS.items())


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_fills_every_setting_and_survives_its_json(kind: str) -> None:
    block = example(kind)
    assert set(block) == {"id", "type", *(one.name for one in KINDS[kind].settings), *KINDS[kind].lists}
    (dumped,) = blocks.dump(design(block))["blocks"]
    assert list(dumped)[:2] == ["id", "type"]
    assert {name: value for name, value in dumped.items() if name not in KINDS[kind].lists} == {
        name: value for name, value in block.items() if name not in KINDS[kind].lists
    }
    assert design(dumped) == design(block)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_one_is_a_block_already(kind: str) -> None:
    fresh = KINDS[kind].new("x1")
    (block,) = design(fresh).blocks
    assert blocks.dump_block(block) == fresh
    assert len(block.lists) == len(KINDS[kind].lists_of(fresh)) <= len(KINDS[kind].list_labels)


@pytest.mark.parametrize("kind", KINDS)
def test_how_it_stands_in_the_mail(kind: str) -> None:
    shown = read(design(example(kind)))
    for piece in ROWS[kind].html:
        assert piece in shown.html
    for element in readers.html_tree(shown.html).iter():
        for name in ("src", "background", "srcset", "poster", "data"):
            assert element.get(name, OWN_HOSTS[0]).startswith(OWN_HOSTS), "mail loads nothing from another host"
        assert element.tag != "link"
    assert "url(" not in shown.html


@pytest.mark.parametrize("kind", KINDS)
def test_how_it_reads_as_text(kind: str) -> None:
    made = design(example(kind))
    assert read(made).text.replace("\r\n", "\n").strip("\n") == ROWS[kind].text
    assert plaintext.skeleton(made).strip("\n") == ROWS[kind].draft


@pytest.mark.parametrize("kind", KINDS)
def test_how_the_structure_list_names_it(kind: str) -> None:
    (row,) = tree(design(example(kind)).blocks, [], SAMPLE.catalog())
    assert row["words"] == ROWS[kind].summary[:60]
    assert row["fixed"] is (KINDS[kind].place is Place.END)
    assert KINDS[kind].icon in ICONS
    assert KINDS[kind].label


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_commands_has_its_settings(kind: str) -> None:
    lines = [line.split("|") for line in COMMANDS.splitlines() if line.startswith("| `")]
    (settings,) = [cells[2] for cells in lines if f"`{kind}`" in cells[1]]
    names = [*(one.name for one in KINDS[kind].settings), *KINDS[kind].lists]
    assert [name for name in names if f"`{name}`" not in settings] == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_noticed_when_it_is_wrong(kind: str) -> None:
    assert noticed(example(kind)) == set()
    for settings, rule in ROWS[kind].wrong:
        assert rule in noticed({**example(kind), **settings}), settings


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_such_block(kind: str) -> None:
    for settings, words in (*ROWS[kind].refused, ({"colour": "red"}, "has no setting “colour”")):
        with pytest.raises(blocks.BadTemplate, match=words):
            design({**example(kind), **settings})


@pytest.mark.parametrize("kind", KINDS)
def test_which_of_its_words_a_translation_needs(kind: str) -> None:
    made = design(example(kind), variants={"es": {"subject": "Una nota", "preheader": "De nosotros"}})
    gaps = [gap.setting for gap in variants.missing(made, "es") if gap.block == "x1"]
    assert tuple(gaps) == ROWS[kind].translated
    alone = {**example(kind), **{name: [] for name in KINDS[kind].lists if name != "columns"}}
    words = {name: alone[name] for name in ROWS[kind].translated}
    whole = design(alone, variants={"es": {"subject": "Una", "preheader": "De", "blocks": {"x1": words}}})
    assert [gap for gap in variants.missing(whole, "es") if gap.block == "x1"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_its_form_gives_back_what_it_shows(kind: str) -> None:
    """Every setting can be seen and changed: what the browser would post is the block again."""
    (block,) = design(example(kind)).blocks
    rows = settings_of(block, SAMPLE.catalog())
    assert [row["setting"] for row in rows] == list(KINDS[kind].settings)
    html = "".join(render_to_string("content/_setting.html", {"row": row}) for row in rows)
    form = QueryDict(mutable=True)
    for name, value in posted(html):
        form.appendlist(name, value)
    shown = {name: value for name, value in example(kind).items() if name not in ("id", "type", *KINDS[kind].lists)}
    assert read_settings(kind, form) == shown


def posted(html: str) -> Iterator[tuple[str, str]]:
    """The fields of a form as a browser sends them."""
    page = readers.html_tree(f"<form>{html}</form>")
    labels = {label.get("for") for label in page.iter("label")}
    for element in page.iter():
        name = element.get("name")
        if element.tag == "textarea" and name:
            yield name, element.text or ""
        elif element.tag == "select":
            chosen = [option for option in element.iter("option") if option.get("selected") is not None]
            yield name, (chosen or list(element.iter("option")))[0].get("value")
        elif element.tag == "input" and name and element.get("data-trix-input") is None:
            if element.get("type") != "checkbox":
                yield name, element.get("value", "")
            elif element.get("checked") is not None:
                yield name, "1"
        if element.tag in ("select", "textarea") or element.get("type") in ("text", "number"):
            assert element.get("aria-label") or element.get("id") in labels, f"{name} has no label"


def test_nothing_outside_its_file_knows_a_kind_by_name() -> None:
    """Compiler, text part, checks, variants, editor: none compares a block's type with a word."""
    found = []
    for path in APP.rglob("*.py"):
        if "kinds" not in path.parts and "migrations" not in path.parts:
            found += [f"{path.name}:{line}" for line in kinds_named(path.read_text())]
    assert found == []
    for breach in (
        'block.type == "footer"',
        'raw["type"] in ("text", "image")',
        'post.get("kind") == "footer"',
        'kind.name != "columns"',
        'match block.type:\n    case "heading":\n        pass',
    ):
        assert kinds_named(breach), breach


def kinds_named(source: str) -> list[int]:
    """The lines that compare a block's type, or the name of a kind, with the name of a kind of block."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            words = {one.value for side in node.comparators for one in ast.walk(side) if isinstance(one, ast.Constant)}
            if TYPES.search(ast.unparse(node.left)) and words & set(KINDS):
                lines.append(node.lineno)
        elif isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Constant) and node.value.value in KINDS:
            lines.append(node.value.lineno)
    return sorted(lines)


TYPES = re.compile(r"""\.type$|\['type'\]$|\('(?:type|kind)'.*\)$|^(?:kind|block_type)$|\bkind\.name$""")
"""What a block's type is called: ``block.type``, ``raw["type"]``, ``post.get("kind")``, ``kind``, ``kind.name``."""
