"""Every block and every shipped template compiles; the compiler's known traps stay shut."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from apps.content import blocks, compiling, fields, merging, mjml
from apps.content.blocks import BadTemplate
from apps.content.brands import SAMPLE, BrandFacts, contrast, ink_on
from apps.content.facts import invented_facts
from apps.content.kinds import KINDS
from apps.content.kinds.protocol import Place
from apps.content.presets import all_presets, notice
from apps.mail.compiled import CompiledMessage, Envelope, Literal
from tests.content import readers
from tests.content.test_block_kinds import example

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


def envelope() -> Envelope:
    return Envelope(
        "maria@example.test",
        AT,
        "1@mail.clinic.test",
        "Maria",
        "America/New_York",
        "https://clinic.test/u/1",
        "https://clinic.test/p/1",
    )


def design(*items: dict, **more: object) -> blocks.Design:
    return blocks.parse({"subject": "A note", "preheader": "From us", "language": "en", "blocks": list(items), **more})


def mail(made: blocks.Design, facts: dict | None = None) -> merging.Rendered:
    compiled = compiling.compile_message(made, SAMPLE)
    return merging.render(merging.merge(compiled, facts or invented_facts(), envelope()).message)


def well_formed(html: str) -> None:
    """Accessible and self-contained, as a browser reads it."""
    tree = readers.html_tree(html)
    assert tree.get("lang") in ("en", "es")
    assert tree.findtext(".//title")
    assert all("alt" in image.attrib for image in tree.iter("img"))
    for table in tree.iter("table"):
        assert table.get("role") == "presentation" or list(table.iter("th")), table.attrib
    assert "fonts.googleapis" not in html
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]+"|XHTML 1.0[^>]+|http://www.w3.org/\S+', "", html)
    levels = [int(element.tag[1]) for element in tree.iter() if re.fullmatch(r"h[1-6]", str(element.tag))]
    assert levels == sorted(levels) or levels[0] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_block_compiles_alone_and_in_a_column(kind: str) -> None:
    shown = mail(design(example(kind)))
    well_formed(shown.html)
    if KINDS[kind].place is Place.COLUMN:
        well_formed(mail(design({"id": "c", "type": "columns", "columns": [[example(kind)], []]})).html)


@pytest.mark.parametrize("slug", all_presets())
def test_every_shipped_template_compiles(slug: str) -> None:
    starter = all_presets()[slug]
    compiled = compiling.compile_message(starter.design, SAMPLE)
    assert CompiledMessage.load(compiled.dump()) == compiled
    assert compiling.compile_message(starter.design, SAMPLE).digest == compiled.digest
    merged = merging.merge(compiled, invented_facts(), envelope())
    shown = merging.render(merged.message)
    well_formed(shown.html)
    assert merging.rebuild(compiled, merged.record) == merged.message
    assert "{{" not in shown.html + shown.text + shown.subject
    assert SAMPLE.name in shown.text
    assert len(shown.text) > 100


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_a_notice_says_nothing_about_health(language: str) -> None:
    starter = notice(language)
    compiled = compiling.compile_message(starter.design, SAMPLE, automatic=True)
    assert compiled.highest_level() == 0
    merged = merging.merge(compiled, {}, envelope())
    shown = merging.render(merged.message)
    words = (shown.subject + shown.text).lower().replace("clinic.test/", "").replace("example.test", "example")
    for telling in ("appointment", "test", "result", "doctor", "health", "cita", "médic", "maria"):
        assert telling not in words
    assert SAMPLE.phone in words
    assert SAMPLE.portal.removesuffix(".test") in words
    assert b"Auto-Submitted: auto-generated\r\n" in merged.head
    assert starter.design.language == ("es" if language == "es" else "en")


def test_columns_keep_their_outlook_width() -> None:
    shown = mail(design(example("columns") | {"layout": "1-1"}))
    assert re.findall(r'<td style="vertical-align:top;width:(\d+)px;">', shown.html)[-2:] in (
        ["300", "300"],
        ["600", "600"],
    )
    assert "width:300px" in shown.html


def test_conditions_around_columns_stay_out_of_outlook_comments() -> None:
    """The markers of a branch must not land inside a conditional comment: Outlook alone would see the branch."""
    item = {
        "id": "c",
        "type": "condition",
        "field": "city",
        "op": "is",
        "values": ["Lexington"],
        "then": [example("columns")],
        "otherwise": [{"id": "o", "type": "text", "html": "<p>Elsewhere</p>"}],
    }
    made = design({"id": "t", "type": "text"}, item, {"id": "f", "type": "footer"})
    for city, there in (("LEXINGTON", True), ("Paris", False)):
        html = mail(made, {**invented_facts(), "city": city}).html
        assert ("Elsewhere" in html) is not there
        assert html.count("<!--[if") == html.count("<![endif]-->")
        for comment in re.findall(r"<!--\[if [^\]]*\]>(?!<!-->)(.*?)<!\[endif\]-->", html, re.DOTALL):
            assert "Elsewhere" not in comment
        well_formed(html)


def compiled(column: str) -> str:
    """MJML of a mail with that in its one column, compiled."""
    return mjml.compile_mjml(
        f"<mjml><mj-body><mj-section><mj-column>{column}</mj-column></mj-section></mj-body></mjml>"
    )


def test_the_engine_s_traps() -> None:
    # unitless zero in a shorthand counts as no padding: rewritten
    assert 'padding="0px 20px"' in mjml.prepare('<mj-section padding="0 20px">')
    assert 'padding="10px 0px 0px"' in mjml.prepare('<mj-text padding="10px 0 0" />')
    assert 'padding="1.0px 100px"' in mjml.prepare('<mj-text padding="1.0px 100px" />')
    # a line break inside an attribute would come out as two characters
    assert "\n" not in mjml.prepare('<mj-text\n color="red"\n font-family="A,\n B">x</mj-text>').partition(">")[0]
    html = compiled('<mj-text color="#111"\n padding="0 4px">x</mj-text>')
    assert "\\n" not in html
    # no public font host, no social icons of the vendor
    assert "fonts.googleapis.com" not in compiled('<mj-text font-family="Roboto">x</mj-text>')
    element = '<mj-social-element name="facebook">x</mj-social-element>'
    assert "mailjet" not in compiled(f"<mj-social>{element}</mj-social>")


def test_deep_and_large_sources_are_refused_before_the_engine_sees_them() -> None:
    with pytest.raises(BadTemplate, match="nested more than 100"):
        mjml.compile_mjml("<mjml>" + "<mj-wrapper>" * 16_000)
    with pytest.raises(BadTemplate, match="512 KB"):
        mjml.compile_mjml("<mjml>" + "x" * 600_000)
    with pytest.raises(BadTemplate, match="does not compile"):
        mjml.compile_mjml("<mjml><mj-body><mj-column></mj-body></mjml>")
    # In a process of its own: a crash would take the tests with it.
    code = (
        "from apps.content import mjml\n"
        "try: mjml.compile_mjml('<mjml>' + '<div>' * 20000)\n"
        "except Exception as e: print(type(e).__name__)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "BadTemplate"


def test_text_of_an_author_is_never_markup() -> None:
    nasty = '<b>&amp;</b> <script>alert(1)</script> "quoted" <mj-raw>qk0xs0z'
    shown = mail(
        design(
            {"id": "h", "type": "heading", "text": nasty},
            {"id": "b", "type": "button", "label": nasty, "url": "https://a.test/"},
            {"id": "i", "type": "image", "src": "asset:x", "alt": nasty},
            {"id": "d", "type": "details", "rows": [[nasty, nasty]]},
        )
    )
    assert "<script" not in shown.html
    assert readers.html_tree(shown.html).findtext(".//h1") == nasty
    assert next(readers.html_tree(shown.html).iter("img")).get("alt") == nasty
    assert shown.text.count(nasty) == 5


def test_literals_are_runs_of_their_own() -> None:
    """Before each slot a literal ends a line, so that runs can be put side by side."""
    compiled = compiling.compile_message(all_presets()["appointment_reminder"].design, SAMPLE)

    def check(nodes: tuple) -> None:
        for node in nodes:
            if isinstance(node, Literal):
                assert node.data.endswith(b"\r\n")
                assert all(len(line) <= 76 for line in node.data.split(b"\r\n"))

    check(compiled.entity)


def test_faults_name_the_block_and_say_what_to_do() -> None:
    made = design(
        {"id": "a", "type": "text", "html": "<p>{{ frist_name }}</p>"},
        {"id": "b", "type": "heading", "text": "Hello {{ first_name"},
        {"id": "c", "type": "button", "label": "x", "url": "javascript:alert(1)"},
        {"id": "d", "type": "condition", "field": "shoe_size"},
        {"id": "e", "type": "loop", "field": "first_name", "name": "x"},
    )
    with pytest.raises(BadTemplate) as refused:
        compiling.compile_message(made, SAMPLE)
    found = {problem.block: problem.message for problem in refused.value.problems}
    assert "Did you mean {{ first_name }}?" in found["a"]
    assert "two braces on each side" in found["b"]
    assert "https://" in found["c"]
    assert "shoe_size" in found["d"]
    assert "is not a list" in found["e"]
    with pytest.raises(BadTemplate, match="no subject"):
        compiling.compile_message(design(subject=""), SAMPLE)


def test_a_pale_brand_stays_readable() -> None:
    brand = BrandFacts("Pale", "Pale", "a@pale.test", primary="#ffe08a", page="#202020", postal_address="1 Road")
    compiled = compiling.compile_message(
        design(example("header"), example("button") | {"id": "x8"}, example("footer") | {"id": "x9"}), brand
    )
    html = merging.render(merging.merge(compiled, invented_facts(), envelope()).message).html
    assert ink_on("#ffe08a") == "#1b2430"
    assert "color:#ffe08a" not in html.replace("background-color:#ffe08a", "")
    assert contrast("#ffffff", "#000000") == pytest.approx(21)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "JSON object"),
        ({"blocks": "x"}, "list of blocks"),
        ({"blocks": [{"type": "video"}]}, "“video” is not a kind of block"),
        ({"blocks": [{"type": "text"}]}, "no proper id"),
        ({"blocks": [{"id": "a", "type": "text"}, {"id": "a", "type": "text"}]}, "Two blocks have the id"),
        ({"blocks": [{"id": "a", "type": "text", "html": 5}]}, "at most 20,000"),
        ({"blocks": [{"id": "a", "type": "text", "html": "<b>" * 200}]}, "nested too deeply"),
        ({"blocks": [{"id": "a", "type": "heading", "level": "9"}]}, "must be one of 1, 2, 3"),
        ({"blocks": [{"id": "a", "type": "heading", "size": "9"}]}, "has no setting “size”"),
        ({"blocks": [{"id": "a", "type": "footer"}, {"id": "b", "type": "text"}]}, "once and last"),
        ({"language": "xx", "blocks": []}, "language must be one of"),
        ({"blocks": [], "colour": 1}, "“colour” is not part"),
        ({"subject": "x" * 501, "blocks": []}, "longer than 500"),
    ],
)
def test_json_that_is_no_template(data: object, words: str) -> None:
    with pytest.raises(BadTemplate, match=words):
        blocks.parse(data)


def test_nesting_has_a_limit_and_columns_stay_apart() -> None:
    deep: dict = {"id": "z", "type": "text"}
    for number in range(8):
        deep = {"id": f"c{number}", "type": "condition", "then": [deep]}
    with pytest.raises(BadTemplate, match="nested too deeply"):
        design(deep)
    inner = {"id": "q", "type": "condition", "then": [{"id": "i", "type": "columns", "columns": [[], []]}]}
    with pytest.raises(BadTemplate, match="inside columns"):
        design({"id": "o", "type": "columns", "columns": [[inner], []]})


def test_a_design_survives_its_json() -> None:
    for starter in all_presets().values():
        assert blocks.parse(blocks.dump(starter.design)) == starter.design


def test_campaign_mail_says_that_it_is_automatic_and_of_a_list_and_not_why() -> None:
    """RFC 3834 section 5, RFC 2919: absence notes of a whole list would go to a mailbox that people read."""
    starter = all_presets()["appointment_reminder"]
    head = merging.merge(
        compiling.compile_message(starter.design, SAMPLE, listed=True), invented_facts(), envelope()
    ).head
    domain = SAMPLE.from_address.rpartition("@")[2]
    for line in (
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        f"List-Id: <mailings.{domain}>",
        "Precedence: bulk",
    ):
        assert head.count(f"\r\n{line}\r\n".encode()) == 1
    personal = merging.merge(
        compiling.compile_message(starter.design, SAMPLE, automatic=True), invented_facts(), envelope()
    ).head
    assert b"Auto-Submitted: auto-generated\r\n" in personal
    assert b"List-Id" not in personal
    assert b"Precedence" not in personal, "a reminder is for one person"
    plain = merging.merge(compiling.compile_message(starter.design, SAMPLE), invented_facts(), envelope()).head
    assert b"Auto-Submitted" not in plain


def test_every_language_of_a_campaign_has_them_and_a_stored_one_stays_as_it_was() -> None:
    starter = all_presets()["appointment_reminder"]
    compiled = compiling.compile_message(starter.design, SAMPLE, listed=True)
    for each in (compiled, *compiled.variants):
        assert b"List-Id: " in merging.merge(each, invented_facts(), envelope()).head
    stored = compiling.compile_message(starter.design, SAMPLE)
    record = merging.merge(stored, invented_facts(), envelope())
    assert merging.rebuild(type(stored).load(stored.dump()), record.record) == record.message


# -- Quotation marks of word processors ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        '{{ first_name|"friend" }}',
        "{{ first_name|“friend” }}",
        "{{ first_name|”friend” }}",
        "{{ first_name|„friend“ }}",
        "{{ first_name|«friend» }}",
        "{{ first_name|«\u00a0friend\u00a0» }}",
        "{{ first_name|»friend« }}",
        '{{ first_name|“friend" }}',
        "{{ first_name|‘friend’ }}",
        "{{ first_name|'friend' }}",
        "{{ first_name|‚friend‘ }}",
        "{{ first_name | friend }}",
    ],
)
def test_any_quotation_marks_mean_quotes(written: str) -> None:
    (field,) = fields.parse(written, fields.CATALOG, {})
    assert field.fallback == "friend"


@pytest.mark.parametrize("written", ['date:"long"', "date:“long”", "date:„long“", "date:«long»", "date: ‘long’"])
def test_any_quotation_marks_hold_the_argument_of_a_format(written: str) -> None:
    (field,) = fields.parse(f"{{{{ appointment.start|{written} }}}}", fields.CATALOG, {})
    assert (field.format, field.argument, field.fallback) == ("date", "long", None)


@pytest.mark.parametrize(
    "written",
    ["date:long", "date: long", "Date:long", "date:“long", "date:long”", "“friend", "„friend"],
)
def test_what_looks_like_a_format_is_not_printed_as_a_fallback(written: str) -> None:
    with pytest.raises(fields.BadField):
        list(fields.parse(f"{{{{ appointment.start|{written} }}}}", fields.CATALOG, {}))


@pytest.mark.parametrize(
    ("written", "fallback"),
    [
        ('"the “best” friend"', "the “best” friend"),
        ("“it’s you”", "it’s you"),
        ("O’Brien", "O’Brien"),
        ("Note: call us", "Note: call us"),
        ("‘tis you", "‘tis you"),
        ('"date:long"', "date:long"),
    ],
)
def test_words_that_only_have_quotation_marks_in_them_stay(written: str, fallback: str) -> None:
    (field,) = fields.parse(f"{{{{ first_name|{written} }}}}", fields.CATALOG, {})
    assert field.fallback == fallback
