"""Edits of a draft, as the buttons, keys and drags of the builder make them."""

from __future__ import annotations

from apps.journeys import editing, presets
from apps.journeys.definition import to_json, walk
from apps.journeys.parse import parse
from apps.journeys.steps.send import Send
from apps.journeys.steps.wait_for import WaitFor
from tests.refusals import refused

REMINDER = parse(presets.APPOINTMENT_REMINDER_JOURNEY.definition)


def ids(definition) -> list[str]:
    return [place.step.id for place in walk(definition)]


def test_a_step_is_added_where_the_plus_was_and_the_page_says_so():
    edit = editing.add(REMINDER, kind="wait", path="", index=2)
    assert ids(edit.definition) == ["s1", "s2", "s5", "s3", "s4"]
    assert edit.step == "s5"
    assert edit.said == "Added Wait at position 3 of 4 on the main path."


def test_a_step_is_added_inside_a_branch():
    edit = editing.add(REMINDER, kind="exit", path="s3.then", index=0)
    assert editing.locate(edit.definition, "s5").path == "s3.then"
    assert edit.said == "Added Exit at position 1 of 1 on the yes path."


def test_a_new_send_in_an_appointment_journey_never_comes_after_it():
    edit = editing.add(REMINDER, kind="send", path="", index=0)
    step = editing.locate(edit.definition, "s5").step
    assert isinstance(step, Send)
    assert step.before == "appointment.start"


def test_up_and_down_say_where_the_step_went():
    edit = editing.shift(REMINDER, step_id="s2", by=1)
    assert ids(edit.definition) == ["s1", "s3", "s4", "s2"]
    assert edit.said == "Moved Send to position 3 of 3 on the main path."
    with refused("step.at_the_end"):
        editing.shift(REMINDER, step_id="s1", by=-1)


def test_a_drag_into_another_path_is_the_same_edit():
    edit = editing.move(REMINDER, step_id="s2", path="s3.then", index=5)
    assert editing.locate(edit.definition, "s2").path == "s3.then"


def test_a_step_cannot_move_into_itself():
    with refused("step.into_itself"):
        editing.move(REMINDER, step_id="s3", path="s3.then", index=0)


def test_deleting_a_branch_says_how_much_goes_and_where_the_focus_goes():
    edit = editing.delete(REMINDER, step_id="s3")
    assert ids(edit.definition) == ["s1", "s2"]
    assert edit.said == "Deleted Wait for an answer and 1 under it."
    assert edit.step == "s2"


def test_a_wait_for_a_deleted_message_watches_the_nearest_one():
    edit = editing.delete(REMINDER, step_id="s2")
    step = editing.locate(edit.definition, "s3").step
    assert isinstance(step, WaitFor)
    assert step.of == ""


def test_values_change_and_the_rest_stays():
    edit = editing.change(REMINDER, step_id="s1", values={"days": 2, "at": "10:30", "id": "x", "evil": 1})
    data = to_json(edit.definition)["steps"][0]
    assert (data["days"], data["at"], data["id"]) == (2, "10:30", "s1")
    assert "evil" not in data
    with refused("journey.unusable", "0 to 730"):
        editing.change(REMINDER, step_id="s1", values={"days": 900})


def test_a_gone_step_is_told_kindly():
    with refused("step.unknown"):
        editing.delete(REMINDER, step_id="s77")


def test_settings_change_what_ends_a_journey():
    edit = editing.settings(REMINDER, values={"exit_on": ["appointment.cancelled", "appointment.kept"]})
    assert edit.definition.exit_on == ("appointment.cancelled", "appointment.kept")
    assert edit.definition.steps == REMINDER.steps
