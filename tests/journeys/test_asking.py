"""What a condition asks: about the person in the segment builder's words, or about this run's message and visit."""

from __future__ import annotations

import pytest

from apps.contacts.appointments.services import GivenAppointment, appointments_take_over
from apps.contacts.attributes.services import Wanted, attribute_create, attribute_retire, range_for
from apps.contacts.person import selectors as selected
from apps.content import services as content
from apps.journeys import selectors, services
from apps.journeys.checks import check
from apps.journeys.conditions.message import AboutMessage
from apps.journeys.conditions.visit import AboutVisit
from apps.journeys.definition import DefinitionBroken
from apps.journeys.engine import Facts, decide, prepare
from apps.journeys.fields import Known
from apps.journeys.parse import parse
from apps.journeys.protocol import Labels
from tests.content.test_variants import MAIN
from tests.journeys.conftest import CLI, LOUISVILLE, activate, local, outbox, person, tick
from tests.refusals import refused

NOW = local("2026-11-22T12:00")


def journey(rule: dict, before: tuple[dict, ...] = ({"id": "s1", "type": "send", "template": "News"},), **changes):
    ask = {
        "id": "s9",
        "type": "condition",
        "rule": rule,
        "then": [{"id": "s10", "type": "exit"}],
        "otherwise": [{"id": "s11", "type": "send", "template": "Again"}],
    }
    return {"format": 1, "trigger": {"kind": "appointment"}, "steps": [*before, ask], **changes}


@pytest.mark.parametrize(
    ("signal", "signals", "answer"),
    [
        ("clicked", {("clicked", "s1")}, "yes"),
        ("clicked", {("read", "s1")}, "no"),
        ("any", {("replied", "s1")}, "yes"),
        ("any", {("clicked", "s7")}, "no"),
        ("read", set(), "no"),
    ],
)
@pytest.mark.parametrize("of", ["", "s1"])
def test_a_question_about_a_message_is_answered_by_this_runs_own_signals(signal, signals, answer, of):
    plan = prepare(parse(journey({"message": of, "signal": signal})))
    facts = Facts(run=1, zone=LOUISVILLE, step="s9", sent=frozenset({"s1"}), signals=frozenset(signals))
    assert next(visit.outcome for visit in decide(plan, facts, NOW).visits if visit.step == "s9") == answer


@pytest.mark.parametrize("state", ["booked", "kept", "missed", "cancelled"])
def test_a_question_about_the_visit_looks_at_the_appointment_of_the_run(state):
    plan = prepare(parse(journey({"visit": "kept"})))
    facts = Facts(run=1, zone=LOUISVILLE, step="s9", visit=state)
    (visit, *_) = decide(plan, facts, NOW).visits
    assert visit.outcome == ("yes" if state == "kept" else "no")


def test_a_wrongly_written_question_is_refused_with_the_words_it_may_use():
    for rule, words in (
        ({"message": "s1", "signal": "opened"}, "any, clicked, read, replied"),
        ({"visit": "soon"}, "booked, kept, missed, cancelled"),
        ({"visit": "kept", "rules": []}, "booked"),
    ):
        with pytest.raises(DefinitionBroken, match=words):
            parse(journey(rule))


def test_what_cannot_be_asked_here_is_said_before_activation():
    known = Known(templates=frozenset({"News", "Again"}))

    def said(data: dict) -> str:
        return " ".join(problem.text for problem in check(parse(data), known))

    assert "nothing is sent before" in said(journey({"message": "", "signal": "any"}, before=()))
    assert "not sent before it" in said(journey({"message": "s11", "signal": "any"}))
    manual = journey({"visit": "kept"}, trigger={"kind": "manual"}, key="person")
    assert "does not walk per appointment" in said(manual)
    assert said(journey({"visit": "kept"})) == ""


def test_the_tree_says_the_question_in_a_sentence():
    labels = Labels(messages={"s1": "News"})
    assert AboutMessage("s1", "clicked").words(labels) == "Did the person click in “News”?"
    assert AboutMessage("", "any").words(labels) == "Did the person answer the message before?"
    assert AboutVisit("missed").words(labels) == "Was the appointment missed?"


def _active(rule: dict, **changes):
    for name in ("News", "Again"):
        template = content.template_create(actor=CLI, name=name, data={**MAIN, "subject": name})
        content.template_publish(actor=CLI, template_id=template.pk)
    wait = {"id": "s2", "type": "wait", "amount": 1, "unit": "days"}
    before = ({"id": "s1", "type": "send", "template": "News"}, wait)
    made = services.journey_create(actor=CLI, name="Ask", definition=journey(rule, before, **changes))
    activate(made)
    return made


def told(states: dict[int, str]) -> None:
    """Another system tells how these people's visits stand."""
    people = selected.open_people(actor=CLI, purpose="scene", ids=list(states))
    selected.load_appointments(people)
    given = {
        who: GivenAppointment(who, f"visit-{who}", local("2026-11-22T15:00"), LOUISVILLE.key, state=state)
        for who, state in states.items()
    }
    known = {who: (record.appointments or [None])[0] for who, record in people.items()}
    appointments_take_over(
        actor=CLI,
        new=[given[who] for who, before in known.items() if before is None],
        changed={before["id"]: (given[who], before) for who, before in known.items() if before is not None},
        profile_keys={who: record.profile_key for who, record in people.items()},
    )


@pytest.mark.django_db(transaction=True)
def test_a_visit_that_was_missed_takes_its_path(clinic, at):
    with at("2026-11-22T12:00"):
        _active({"visit": "missed"})
        states = {person("Ann"): "kept", person("Bo"): "missed"}
        told(dict.fromkeys(states, "booked"))
    tick("2026-11-22T12:01")
    with at("2026-11-22T16:00"):
        told(states)
    tick("2026-11-23T12:01")
    assert [message.node for message in outbox()] == ["s1", "s1", "s11"], "only the kept one goes on to the message"


@pytest.mark.django_db(transaction=True)
def test_a_marketer_builds_a_rule_in_the_step_and_the_tree_says_it(clinic, at, signed_in):
    with at("2026-11-22T12:00"):
        made = _active({"visit": "missed"})
        client = signed_in("max")
        base = f"/journeys/{made.pk}/edit/"
        page = client.get(f"{base}?step=s9").content.decode()
        assert "Was the appointment missed?" in page
        rows = client.post(
            f"{base}step/s9/rows/", {"shape": "[0]", "n.match": "all", "n0.what": "consent:marketing", "do": "add:n"}
        ).content.decode()
        assert 'name="n1.what"' in rows
        given = {
            "revision": selectors.by_id(made.pk).row.revision,
            "ask": "person",
            "of": "-",
            "signal": "any",
            "visit": "booked",
            "shape": "[0,0]",
            "n.match": "any",
            "n0.what": "field:age",
            "n0.op": "at_least",
            "n0.from": "65",
            "n1.what": "consent:marketing",
            "n1.op": "granted",
        }
        wrong = client.post(f"{base}step/s9/", {**given, "n0.from": "old"})
        assert wrong.status_code == 422
        assert b"Condition 1" in wrong.content
        client.post(f"{base}step/s9/", given)
        draft = selectors.by_id(made.pk).draft
        assert draft.steps[2].rule["match"] == "any"
        title = selectors.nodes(draft)[2].title
        assert "65" in title
        assert title.endswith("?")
        given["revision"] += 1
        client.post(f"{base}step/s9/", {**given, "ask": "message", "of": "s1", "signal": "clicked"})
        assert selectors.nodes(selectors.by_id(made.pk).draft)[2].title == "Did the person click in “News”?"
        empty = client.post(f"{base}step/s9/", {**given, "revision": given["revision"] + 1, "shape": "[]"})
        assert b"with none, everybody would take the first path" in empty.content


@pytest.mark.django_db(transaction=True)
def test_a_journey_asks_for_an_attribute_of_the_clinics_own(clinic, at, signed_in):
    a1c = Wanted("Last A1c", "number", numbers=range_for("3.0", "15", "0.1"))
    defined = attribute_create(actor=CLI, wanted=a1c)
    with at("2026-11-22T12:00"):
        made = _active({"visit": "missed"})
        given = {
            "revision": selectors.by_id(made.pk).row.revision,
            "ask": "person",
            "of": "-",
            "signal": "any",
            "visit": "booked",
            "shape": "[0]",
            "n.match": "all",
            "n0.what": "field:attribute.last_a1c",
            "n0.op": "at_least",
            "n0.from": "7.5",
        }
        client = signed_in("max")
        base = f"/journeys/{made.pk}/edit/"
        rows = client.post(f"{base}step/s9/rows/", given).content.decode()
        assert 'value="7.5"' in rows
        assert 'aria-label="Lowest number"' in rows
        client.post(f"{base}step/s9/", given)
        draft = selectors.by_id(made.pk).draft
        title = selectors.nodes(draft)[2].title
        assert "Last A1c" in title
        assert "7.5" in title
        activate(made)
        with refused("attribute.in_use", "used in one place"):
            attribute_retire(actor=CLI, attribute_id=defined.id)
        high = person("Ann", attributes={"last_a1c": 9.1})
        low = person("Bo", attributes={"last_a1c": 6})
        told({high: "booked", low: "booked"})
    tick("2026-11-22T12:01")
    tick("2026-11-23T12:01")
    later = [message.person_id for message in outbox() if message.node == "s11"]
    assert later == [low], "who is above goes the other way"
