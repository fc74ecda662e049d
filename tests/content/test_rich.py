"""Rich text from the editor and the clipboard: cleaned to a small allow-list, whatever it was."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.content import rich
from tests.content import readers

ALLOWED = {"html", "head", "body"} | rich.TAGS


def check(source: str) -> None:
    """Cleaned text has allowed tags only, no attribute but a safe href, and is left alone by a second
    cleaning.
    """
    try:
        cleaned = rich.clean(source)
    except rich.TooDeep:
        return
    for tag, attributes in readers.shape(cleaned):
        assert tag in ALLOWED, source
        assert set(attributes) <= ({"href"} if tag == "a" else set()), source
    for link in readers.html_tree(cleaned).iter("a"):
        href = link.get("href")
        if href and ":" in href and not href.startswith("{{"):
            assert href.split(":")[0].strip().lower() in ("http", "https", "mailto", "tel"), source
    assert rich.clean(cleaned) == cleaned, source
    rich.to_html(cleaned, lambda text: "", lambda url: "", {})
    rich.plain(cleaned)


@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(
                [
                    "<p>",
                    "</p>",
                    "<a href='x'>",
                    "<b>",
                    "<li>",
                    "<ul>",
                    "<br>",
                    "t",
                    "<div>",
                    "&lt;",
                    "<script>",
                    "{{ x }}",
                ]
            )
        ).map("".join),
    )
)
def test_any_text_is_cleaned_to_the_allow_list(source: str) -> None:
    check(source)


@pytest.mark.shared_data
def test_published_attacks_are_cleaned(shared_data: Path) -> None:
    folder = shared_data / "sanitiser"
    attacks = [vector["payload"] for vector in json.loads((folder / "dompurify" / "vectors.json").read_text())]
    attacks += [vector["input"] for vector in json.loads((folder / "loofah" / "sanitizer_tests.json").read_text())]
    attacks += [path.read_text().partition("--\n")[0] for path in (folder / "bleach").glob("*.test")]
    attacks.append((folder / "loofah" / "msword.html").read_text(errors="replace"))
    for path in sorted((folder / "payloads" / "xss").rglob("*.*")):
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        attacks += raw.decode("utf-8", "replace").splitlines()
    attacks += (folder / "owasp" / "XSS_Filter_Evasion_Cheat_Sheet.md").read_text().splitlines()
    assert len(attacks) > 3000
    for attack in attacks:
        check(attack)


@pytest.mark.parametrize(
    ("source", "cleaned"),
    [
        ("<div>one<br><br>two</div>", "<p>one</p><p>two</p>"),
        ("<h1>big</h1><pre>code</pre>", "<p>big</p><p>code</p>"),
        ("<b>x</b><i>y</i>", "<strong>x</strong><em>y</em>"),
        ('<p style="color:red" class="x">a</p>', "<p>a</p>"),
        ('<a href="{{ portal.url }}">go</a>', '<a href="{{ portal.url }}">go</a>'),
        ('<a href="javascript:alert(1)">go</a>', "<a>go</a>"),
        ("<p>a</p><script>alert(1)</script><style>b{}</style>", "<p>a</p>"),
        ("<p><br></p><p>a<br></p>", "<p>a</p>"),
        ('<p>{{ first_name|"you" }}</p>', '<p>{{ first_name|"you" }}</p>'),
    ],
)
def test_what_the_editor_writes(source: str, cleaned: str) -> None:
    assert rich.clean(source) == cleaned


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(rich.TooDeep):
        rich.clean("<div>" * 20_000)
    with pytest.raises(rich.TooDeep):
        rich.clean("<b><i>" * 60 + "x")
    assert rich.clean("<p>x</p>" * 500) == "<p>x</p>" * 500


def test_plain_text_of_rich_text() -> None:
    html = '<p>Hello <strong>you</strong></p><ul><li>one</li><li>two</li></ul><ol><li>a</li></ol><p>See <a href="https://a.test/">this</a>.</p>'
    assert rich.plain(html) == "Hello you\n\n- one\n- two\n\n1. a\n\nSee this (https://a.test/)."
