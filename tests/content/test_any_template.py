"""Any JSON is a template or a refusal; any template compiles or says why; whatever compiles rebuilds."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.content import blocks, compiling, lint, merging, plaintext, previewing
from apps.content.blocks import BadTemplate
from apps.content.brands import SAMPLE
from apps.content.facts import invented_facts
from apps.content.kinds import KINDS
from apps.content.kinds.protocol import Place
from apps.core.errors import Refused
from tests.content import readers
from tests.mail.test_golden import envelope
from tests.sizes import examples

RELAXED = settings(max_examples=examples(120), deadline=None, suppress_health_check=list(HealthCheck))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.one_of(
    st.sampled_from(
        [
            "{{ first_name|x }}",
            "{{ nobody }}",
            "{{ first_name",
            '{{ appointment.start|date:"long"|x }}',
            "{{ visit.kind|x }}",
            "{% x %}",
            "<p>{{ city|x }} <strong>b</strong></p>",
            "<ul><li>one</li></ul>",
            "https://a.test/{{ city|x }}",
            "https://a.test/",
            "javascript:x",
            "mailto:a@b.test",
            "asset:x.png",
            "{{ portal.url }}",
            "{{ clinic.name }}",
            "qk0xs0z qk0xt0z qk1x",
            "]]><![endif]--><!--",
        ]
    ),
    st.text(st.characters(), max_size=30),
)


def proper(kind: str, inner: st.SearchStrategy[list]) -> st.SearchStrategy[dict]:
    """A block of that kind whose text settings hold anything."""
    spec = KINDS[kind]
    free: dict[str, Any] = {s.name: WORDS for s in spec.settings if s.kind in ("line", "rich", "link", "image")}
    free.pop("name", None)
    for setting in spec.settings:
        if setting.kind == "choice":
            free[setting.name] = st.sampled_from([code for code, _ in setting.choices])
        elif setting.kind == "rows":
            cells = [st.sampled_from([code for code, _ in c.choices]) if c.choices else WORDS for c in setting.columns]
            free[setting.name] = st.lists(st.tuples(*cells).map(list), max_size=3)
        elif setting.kind == "words":
            free[setting.name] = st.lists(WORDS, max_size=2)
    if kind == "columns":
        free["columns"] = st.lists(inner, min_size=2, max_size=3)
    elif spec.lists:
        free.update(dict.fromkeys(spec.lists, inner))
    if kind == "condition":
        free["field"] = st.sampled_from(["city", "appointment.start", "visit.kind", "appointments", "nobody"])
    return st.fixed_dictionaries({"type": st.just(kind)}, optional=free)


LEAVES = sorted(name for name, kind in KINDS.items() if kind.place is Place.COLUMN and not kind.lists)
LEAF = st.sampled_from(LEAVES).flatmap(lambda kind: proper(kind, st.just([])))
BLOCK = st.recursive(
    LEAF,
    lambda inner: st.sampled_from(["columns", "condition", "loop"]).flatmap(
        lambda kind: proper(kind, st.lists(inner, max_size=3))
    ),
    max_leaves=8,
)


def numbered(items: list[dict]) -> list[dict]:
    """The blocks with an id each."""
    counter = itertools.count(1)

    def walk(blocks_: list[dict]) -> None:
        for block in blocks_:
            block["id"] = f"b{next(counter)}"
            for key in ("then", "otherwise", "blocks"):
                walk(block.get(key, []))
            for column in block.get("columns", []):
                walk(column)

    walk(items)
    return items


@RELAXED
@given(JSON | st.fixed_dictionaries({"blocks": st.lists(JSON | st.fixed_dictionaries({"type": JSON, "id": JSON}))}))
def test_any_json_is_a_template_or_a_refusal(data: Any) -> None:
    problems: list[blocks.Problem] = []
    try:
        design = blocks.parse(data)
    except BadTemplate as refusal:
        problems = refusal.problems
    if problems:
        assert all(problem.message.endswith(".") for problem in problems)
    else:
        assert blocks.parse(blocks.dump(design)) == design


@RELAXED
@given(WORDS, WORDS, st.lists(BLOCK, max_size=4).map(numbered), st.booleans(), st.none() | WORDS)
def test_any_template_compiles_or_says_why(
    subject: str, preheader: str, items: list[dict], footer: bool, text: str | None
) -> None:
    data: dict[str, Any] = {"subject": subject, "preheader": preheader, "blocks": items}
    if footer:
        data["blocks"] = [*items, {"id": "foot", "type": "footer"}]
    if text is not None:
        data["text"] = text
    try:
        design = blocks.parse(data)
    except BadTemplate:
        return
    assert blocks.parse(blocks.dump(design)) == design
    findings = lint.check(design, SAMPLE)
    plaintext.skeleton(design)
    previewing.preview(design, SAMPLE, {})
    try:
        compiled = compiling.compile_message(design, SAMPLE)
    except Refused:
        assert any(finding.error for finding in findings)
        return
    try:
        merged = merging.merge(compiled, invented_facts(), envelope())
    except Refused:
        return
    assert merging.rebuild(compiled, merged.record) == merged.message
    mail = readers.read(merged.message)
    tags = {tag for tag, _ in readers.shape(mail.bodies["text/html"])}
    assert not tags & {"script", "iframe", "object", "form", "svg", "link", "base"}
    assert all(
        element.get("href", "https:").split(":")[0] in ("https", "http", "mailto", "tel", "#")
        for element in readers.html_tree(mail.bodies["text/html"]).iter("a")
    )
