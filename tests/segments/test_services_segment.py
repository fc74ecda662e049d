"""Segments are saved sealed, counted, renamed where they are used, and never look at themselves."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.core import actors
from apps.core.levels import Level
from apps.segments import counting, rules, selectors, services
from apps.segments.models import Segment, SegmentCount
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE

WOMEN = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}


def looks_at(name: str) -> dict:
    return {"match": "all", "rules": [{"segment": name, "op": "in"}]}


def people(*sexes: str) -> list[int]:
    made = contacts.contacts_create(actor=CLI, profiles=[{"first_name": "A", "sex": sex} for sex in sexes])
    return [record.id for record in made]


def test_a_segment_is_saved_sealed_and_audited(max_actor: actors.Actor) -> None:
    saved = services.segment_save(actor=max_actor, name=" Women  of Lexington", rule=WOMEN)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM segments_segment t")
        assert b"Lexington".hex() not in cursor.fetchone()[0]
    opened = selectors.by_name("women of lexington")
    assert (opened.id, opened.name, opened.sentence) == (saved.pk, "Women of Lexington", "Sex is female")
    assert opened.level == Level.IDENTIFIER
    entry = AuditEntry.objects.get(action="segment.create")
    assert (entry.subject, entry.codes) == (str(saved.pk), {"version": 1, "level": 1})
    assert "Women" not in repr(opened)


def test_two_segments_cannot_share_a_name() -> None:
    services.segment_save(actor=CLI, name="Women", rule=WOMEN)
    with refused("segment.name_taken"):
        services.segment_save(actor=CLI, name="wömen", rule=WOMEN)


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "segment.name_missing"), ("   ", "segment.name_missing"), ("x" * 121, "segment.name_too_long")],
)
def test_a_name_has_a_sensible_length(name: str, code: str) -> None:
    with refused(code):
        services.segment_save(actor=CLI, name=name, rule=WOMEN)


def test_what_a_stale_tab_saves_is_refused() -> None:
    saved = services.segment_save(actor=CLI, name="Women", rule=WOMEN)
    services.segment_save(actor=CLI, name="Women", rule=WOMEN, segment_id=saved.pk, version=1)
    with refused("segment.changed"):
        services.segment_save(actor=CLI, name="Women", rule=WOMEN, segment_id=saved.pk, version=1)


def test_counting_is_remembered_with_its_day(noon: datetime) -> None:
    people("F", "F", "M")
    saved = services.segment_save(actor=CLI, name="Women", rule=WOMEN)
    assert services.segment_count(actor=CLI, segment_id=saved.pk).count == 2
    people("F")
    assert services.segment_count(actor=CLI, segment_id=saved.pk).count == 3
    assert [row.count for row in SegmentCount.objects.all()] == [3]
    assert Segment.objects.get().count == 3
    assert AuditEntry.objects.filter(action="segment.count").count() == 2


def test_a_segment_of_segments_counts_what_the_other_says_now() -> None:
    people("F", "M", "M")
    women = services.segment_save(actor=CLI, name="Chosen", rule=WOMEN)
    both = services.segment_save(actor=CLI, name="Both", rule=looks_at("Chosen"))
    assert services.segment_count(actor=CLI, segment_id=both.pk).count == 1
    men = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "M"}]}
    services.segment_save(actor=CLI, name="Chosen", rule=men, segment_id=women.pk)
    assert services.segment_count(actor=CLI, segment_id=both.pk).count == 2


def test_no_way_leads_a_segment_back_to_itself() -> None:
    first = services.segment_save(actor=CLI, name="First", rule=WOMEN)
    services.segment_save(actor=CLI, name="Second", rule=looks_at("First"))
    services.segment_save(actor=CLI, name="Third", rule=looks_at("Second"))
    for name in ("First", "Second", "Third"):
        with refused("segment.looks_at_itself"):
            services.segment_save(actor=CLI, name="First", rule=looks_at(name), segment_id=first.pk)
    with refused("segment.unknown"):
        services.segment_save(actor=CLI, name="Fourth", rule=looks_at("Nowhere"))


def test_a_rename_and_a_higher_level_follow_to_the_segments_that_look_at_it() -> None:
    first = services.segment_save(actor=CLI, name="First", rule=WOMEN)
    second = services.segment_save(actor=CLI, name="Second", rule=looks_at("First"))
    third = services.segment_save(actor=CLI, name="Third", rule=looks_at("Second"))
    due = {"match": "all", "rules": [{"event": "encounter", "op": "never", "last_days": 365}]}
    services.segment_save(actor=CLI, name="Due", rule=due, segment_id=first.pk)
    assert rules.mentioned_segments(selectors.by_name("Second").rule) == ["Due"]
    levels = dict(Segment.objects.values_list("pk", "level"))
    assert levels == {first.pk: 2, second.pk: 2, third.pk: 2}


def test_a_segment_in_use_is_not_deleted_and_says_where() -> None:
    first = services.segment_save(actor=CLI, name="First", rule=WOMEN)
    second = services.segment_save(actor=CLI, name="Second", rule=looks_at("First"))
    with refused("segment.in_use", "used in one place") as caught:
        services.segment_delete(actor=CLI, segment_id=first.pk)
    assert [usage.name for usage in caught.value.usages] == ["Second"]
    services.segment_delete(actor=CLI, segment_id=second.pk)
    services.segment_delete(actor=CLI, segment_id=first.pk)
    assert not Segment.objects.exists()
    assert AuditEntry.objects.filter(action="segment.delete").count() == 2


def test_a_copy_gets_a_name_of_its_own() -> None:
    first = services.segment_save(actor=CLI, name="Women", rule=WOMEN)
    services.segment_duplicate(actor=CLI, segment_id=first.pk)
    services.segment_duplicate(actor=CLI, segment_id=first.pk)
    assert [each.name for each in selectors.everyone()] == ["Women", "Women (copy 2)", "Women (copy)"]


def test_a_count_that_takes_too_long_is_stopped_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "people", lambda rule, now: ("SELECT 1 WHERE pg_sleep(30) IS NULL", []))
    people("F")
    with refused("segment.too_slow"):
        counting.count(rules.parse(WOMEN), timeout_ms=50)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0"


@pytest.mark.django_db(transaction=True)
def test_a_newer_count_of_the_same_builder_stops_the_older(monkeypatch: pytest.MonkeyPatch) -> None:
    people("F")
    monkeypatch.setattr(selectors, "people", lambda rule, now: ("SELECT 1 WHERE pg_sleep(60) IS NULL", []))
    ended: list[str] = []

    def older() -> None:
        try:
            counting.count(rules.parse(WOMEN), ticket="0123456789abcdef")
        except counting.Superseded:
            ended.append("superseded")
        finally:
            connection.close()

    thread = threading.Thread(target=older)
    thread.start()
    for _ in range(2000):
        if counting.stop("0123456789abcdef"):
            break
        thread.join(0.01)
    thread.join(20)
    assert ended == ["superseded"]
    assert counting.stop("not a ticket") == 0


def test_the_commands_save_and_count(tmp_path: Path) -> None:
    people("F", "M")
    file = tmp_path / "rule.json"
    file.write_text(json.dumps(WOMEN))
    out = StringIO()
    call_command("segment_save", "Women", str(file), "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"segment": "Women", "level": 1, "version": 1, "new": True}
    out = StringIO()
    call_command("segment_count", "Women", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert found.pop("ms") >= 0
    assert found == {"segment": "Women", "level": 1, "count": 1}
    call_command("segment_count", "Women", stdout=out)
    assert "1 people are in “Women”" in out.getvalue()


def test_the_commands_refuse_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "rule.json"
    file.write_text('{"match": "all", "rules": [{"field": "shoe", "op": "is", "value": "9"}]}')
    errors = StringIO()
    for arguments, code, said in [
        (("segment_save", "Shoes", str(file)), 1, "Condition 1: there is no attribute"),
        (("segment_save", "Shoes", str(tmp_path / "no.json")), 2, "Cannot read"),
        (("segment_count", "Nothing"), 1, "There is no segment of that name"),
    ]:
        with pytest.raises(SystemExit) as ended:
            call_command(*arguments, stderr=errors)
        assert ended.value.code == code
        assert said in errors.getvalue()


@pytest.mark.parametrize("node", [{"op": "is", "value": "female"}, {"op": "not_in", "value": ["F", "woman"]}])
def test_a_value_that_no_record_has_is_refused_and_not_counted_as_nobody(node: dict[str, object]) -> None:
    rule = {"match": "all", "rules": [{"match": "any", "rules": [{"field": "sex", **node}]}]}
    with refused("condition.value_unknown", r"Condition 1\.1: “Sex” is one of F \(Female\), M \(Male\)"):
        services.segment_save(actor=CLI, name="Women", rule=rule)
    assert not Segment.objects.exists()
    # A rule that was stored before stays readable, and says what it always said.
    assert rules.parse(rule).to_document() == rule


def test_an_attribute_nobody_has_is_refused_with_those_there_are() -> None:
    with refused("attribute.unknown", "Known are age, first_name") as caught:
        services.segment_save(
            actor=CLI, name="Women", rule={"match": "all", "rules": [{"field": "gender", "op": "is", "value": "F"}]}
        )
    assert "zip" in caught.value.what
    assert "prefix" not in caught.value.what
