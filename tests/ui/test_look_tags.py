"""The tags of {% load look %}: what they write, and that they escape."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string
from django.utils import timezone

from apps.core.levels import Level
from apps.core.pages import Page
from apps.ui import words
from apps.ui.showcase import SampleForm

EVIL = '<b onmouseover="x">'


def draw(source: str, **values) -> str:
    with timezone.override(ZoneInfo("America/New_York")):
        return Template("{% load look %}" + source).render(Context(values)).strip()


@pytest.mark.parametrize(
    "source",
    [
        "{% badge evil %}",
        "{% status_badge evil %}",
        "{% person_chip evil '/x' %}",
        "{% figure evil evil note=evil url=evil %}",
        "{% alert 'info' title=evil %}{{ evil }}{% endalert %}",
        "{% page_header title=evil facts=evil %}{% endpage_header %}",
        "{% card title=evil %}{{ evil }}{% endcard %}",
        "{% empty_state title=evil text=evil %}{% endempty_state %}",
        "{% bar_chart evil rows %}",
        "{% line_chart evil labels series %}",
        "{% code_block evil 'one' %}",
        "{% diff changes %}",
        "{% masked evil evil %}",
        "{% menu id='m' label=evil %}{{ evil }}{% endmenu %}",
        "{% timeline_item title=evil %}{{ evil }}{% endtimeline_item %}",
        "{% steps_bar names 1 %}",
        "{% icon 'mail' 16 evil %}",
    ],
)
def test_everything_is_escaped(source) -> None:
    drawn = draw(
        source,
        evil=EVIL,
        rows=[{"label": EVIL, "value": 1, "url": EVIL, "note": EVIL}],
        labels=[EVIL],
        series=[(EVIL, [1])],
        changes=[(EVIL, EVIL, "new")],
        names=[EVIL, "Two"],
    )
    assert EVIL not in drawn
    assert "<b " not in drawn


def test_a_state_is_read_from_an_object_or_a_word() -> None:
    assert "Paused" in draw("{% status_badge it %}", it=SimpleNamespace(state="paused"))
    assert "Paused" in draw("{% status_badge 'paused' %}")
    assert "Very odd" in draw("{% status_badge 'very_odd' %}")
    assert draw("{% status_badge '' %}") == "—"


def test_every_word_has_an_icon_of_the_sprite_or_none() -> None:
    from pathlib import Path

    known = set((Path(__file__).parents[2] / "frontend/icons.txt").read_text().split())
    every = [*words.STATUS.values(), *words.PROTECTION.values(), *words.LEVELS]
    assert {word.icon for word in every if word.icon} <= known


def test_levels_have_words_and_strange_ones_fail() -> None:
    assert "Health information" in draw("{% level_mark 2 %}")
    with pytest.raises(IndexError):
        words.level(4)
    with pytest.raises(IndexError):
        words.level(-1)


def test_dates_are_the_clinics(noon) -> None:
    before = noon - timedelta(hours=2)
    assert 'title="Nov 20, 2026, 5:00 AM EST">2 hours ago</time>' in draw("{% when it %}", it=before)
    # 2 AM in London is still the evening before in New York.
    assert ">Nov 19, 2026</time>" in draw("{% day it %}", it=datetime(2026, 11, 20, 2, tzinfo=UTC))
    assert ">Nov 20, 2026</time>" in draw("{% day it %}", it=date(2026, 11, 20))
    assert draw("{% when it %}", it=None) == "—"


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("rosa.delgado@inbox.test", "r•••@•••.test"),
        ("(502) 555-0142", "••• 0142"),
        ("MRN77", "M•••"),
        ("", "—"),
        (None, "—"),
    ],
)
def test_masks_keep_the_ends_only(value, masked) -> None:
    assert draw("{{ it|mask }}", it=value) == masked


@pytest.mark.parametrize(("value", "shown"), [(2013, "2,013"), (None, "—"), (0, "0"), (12.0, "12"), (3.25, "3.2")])
def test_numbers(value, shown) -> None:
    assert draw("{{ it|number }}", it=value) == shown


def test_shares() -> None:
    assert draw("{% percent 1 8 %}") == "12.5%"
    assert draw("{% percent 3 3 %}") == "100%"
    assert draw("{% percent 0 0 %}") == "—"


def test_a_field_has_label_hint_and_error_that_the_input_names() -> None:
    form = SampleForm({"name": ""})
    drawn = draw("{% field form.name %}", form=form)
    assert '<label class="field-label" for="id_name">Name</label>' in drawn
    assert 'aria-describedby="id_name_helptext id_name_error"' in drawn
    assert 'aria-invalid="true"' in drawn
    assert 'id="id_name_error"' in drawn
    assert "(optional)" in draw("{% field form.note %}", form=form)


def test_the_summary_links_the_fields_and_is_silent_without_errors() -> None:
    drawn = draw("{% error_summary form %}", form=SampleForm({"name": ""}))
    assert 'href="#id_name"' in drawn
    assert "Nothing was saved yet" in drawn
    assert draw("{% error_summary form %}", form=SampleForm()) == ""


def test_a_moment_typed_in_the_form_is_in_the_clinics_zone() -> None:
    with timezone.override(ZoneInfo("America/New_York")):
        form = SampleForm({"start_date": "2026-12-02", "start_time": "09:00"})
        form.is_valid()
        assert form.cleaned_data["start"].astimezone(UTC) == datetime(2026, 12, 2, 14, tzinfo=UTC)
        skipped = SampleForm({"start_date": "2027-03-14", "start_time": "02:30"})
        assert "start" in skipped.errors


def test_plain_mail_alarms_only_where_there_was_something_to_protect() -> None:
    assert "Plain mail" in draw('{% protection_badge "none" level %}', level=Level.IDENTIFIER)
    assert "Not protected" in draw('{% protection_badge "none" level %}', level=Level.HEALTH)
    assert "Not protected" in draw('{% protection_badge "none" %}')


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (Page(items=[1, 2], next="", previous="", first=1, last=2), "1–2 of 2"),
        (Page(items=[1, 2], next="signed", previous="", first=1, last=2), "1–2"),
        (Page(items=[1, 2], next="signed", previous="", first=1, last=2, total=2013), "1–2 of 2,013"),
        (Page(items=[1], next="", previous="signed", first=51, last=51), "51–51 of 51"),
        (Page(items=[], next="", previous="", first=0, last=0), "Nothing to show"),
    ],
)
def test_the_pager_says_how_many_as_soon_as_that_is_known(rf, page, says) -> None:
    html = render_to_string("components/pager.html", {"page": page, "request": rf.get("/")})
    assert f"<span>{says}</span>" in html
