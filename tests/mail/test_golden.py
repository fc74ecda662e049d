"""Messages of past releases are rebuilt, byte for byte, by the code of today.

A file of `tests/data/content/golden` is written once and never changed: a skeleton, what was merged, the record that
was stored, and the hash of the message as it went out. When one of these tests fails, a frozen encoder was edited.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.content import blocks, compiling, merging
from apps.content.brands import SAMPLE
from apps.content.facts import invented_facts
from apps.content.presets import all_presets
from apps.mail.compiled import CompiledMessage, Envelope
from apps.mail.encoders import BY_NAME

DATA = Path(__file__).parent.parent / "data" / "content"
GOLDEN = sorted((DATA / "golden").glob("*.json"))


def envelope() -> Envelope:
    return Envelope(
        to_address="maría@example.test".replace("í", "i"),
        date=datetime(2026, 11, 22, 14, 30, tzinfo=UTC),
        message_id="1.golden@mail.clinic.test",
        to_name="María Álvarez-O'Neil",
        zone="America/New_York",
        list_unsubscribe_url="https://clinic.test/u/golden",
        portal_url="https://clinic.test/p/golden",
        link=lambda number, target: f"https://clinic.test/r/golden-{number}",
    )


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_message_of_the_past_comes_out_the_same(path: Path) -> None:
    kept = json.loads(path.read_text())
    compiled = CompiledMessage.load(kept["skeleton"].encode("ascii"))
    rebuilt = merging.rebuild(compiled, kept["record"])
    assert hashlib.sha256(rebuilt).hexdigest() == kept["sha256"]
    # The encoder makes the same texts from the same values, too.
    assert merging.merge(compiled, kept["facts"], envelope()).record == kept["record"]


def test_every_encoder_has_its_golden_messages() -> None:
    assert {json.loads(path.read_text())["record"]["v"] for path in GOLDEN} == set(BY_NAME)


EVERYTHING = blocks.parse(
    {
        "subject": "Everything",
        "preheader": "All blocks",
        "blocks": [
            {"id": "a", "type": "header", "show": "logo"},
            {"id": "b", "type": "heading", "text": "One & only", "align": "center"},
            {"id": "c", "type": "text", "html": "<p>Words <strong>bold</strong></p><ul><li>one</li></ul>"},
            {"id": "d", "type": "text", "html": "<blockquote>Said</blockquote>", "tone": "tint"},
            {"id": "e", "type": "image", "src": "asset:a.png", "alt": "A door", "href": "https://clinic.test/"},
            {"id": "f", "type": "image", "src": "asset:b.png", "decorative": True, "width": 120, "align": "left"},
            {"id": "g", "type": "button", "label": "Go", "url": "https://clinic.test/go", "align": "center"},
            {"id": "h", "type": "details", "rows": [["When", "{{ appointment.start }}"]]},
            {"id": "i", "type": "divider"},
            {"id": "j", "type": "spacer", "size": "large"},
            {"id": "k", "type": "columns", "layout": "1-2", "columns": [[{"id": "k1", "type": "text"}], []]},
            {"id": "l", "type": "condition", "then": [{"id": "l1", "type": "text"}]},
            {"id": "m", "type": "loop", "blocks": [{"id": "m1", "type": "text", "html": "<p>{{ visit.kind }}</p>"}]},
            {"id": "n", "type": "footer"},
        ],
    }
)
DESIGNS = {"everything": EVERYTHING, **{slug: starter.design for slug, starter in all_presets().items()}}


@pytest.mark.parametrize("name", DESIGNS)
def test_the_html_is_the_stored_one(name: str) -> None:
    """A change of the look of all mail is seen in review. To accept one: UPDATE_HTML=1 pytest this file."""
    brand = SAMPLE if name != "everything" else compiling.BrandFacts("Clinic", "Clinic", "a@c.test", logo="asset:l.png")
    compiled = compiling.compile_message(DESIGNS[name], brand)
    facts = {**invented_facts(), "first_name": "Maria"}
    html = merging.render(merging.merge(compiled, facts, envelope()).message).html
    text = html.replace("\r\n", "\n").replace("><", ">\n<").rstrip("\n") + "\n"
    path = DATA / "html" / f"{name}.html"
    if os.environ.get("UPDATE_HTML"):
        path.write_text(text)
    assert path.read_text() == text
