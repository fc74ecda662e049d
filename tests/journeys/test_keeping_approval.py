"""Whoever opens the builder of an approved journey reads what a change would cost, and is asked before it does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from apps.core import actors
from apps.journeys import approvals, editing, presets, selectors, services
from apps.journeys.models import Journey
from apps.journeys.services import WouldVoid

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def staff(user: Any) -> actors.Actor:
    return actors.staff(user.pk, user.role)


@pytest.fixture
def approved(clinic: Any, cast: SimpleNamespace) -> Journey:
    journey = services.journey_from_preset(actor=staff(cast.max), preset=presets.APPOINTMENT_REMINDER_JOURNEY)
    services.journey_submit(actor=staff(cast.max), journey=journey)
    services.journey_approve(actor=staff(cast.rita), journey=journey)
    return journey


def state(journey: Journey) -> str:
    return approvals.standing(Journey.objects.get(pk=journey.pk)).state


def edit(client: Any, journey: Journey, do: str, **more: str) -> Any:
    revision = Journey.objects.get(pk=journey.pk).revision
    return client.post(f"/journeys/{journey.pk}/edit/change/", {"do": do, "revision": revision, **more}, headers=HTMX)


def test_the_builder_says_who_approved_and_when(approved: Journey, signed_in: Any) -> None:
    page = signed_in("max").get(f"/journeys/{approved.pk}/edit/").content.decode()
    assert "This draft is approved" in page
    assert "Approved by Rita" in page


def test_an_edit_is_asked_about_and_made_only_when_wanted(approved: Journey, signed_in: Any) -> None:
    client = signed_in("max")
    before = selectors.by_id(approved.pk).draft
    asked = edit(client, approved, "add wait main 0")
    assert asked.status_code == 422
    words = asked.content.decode()
    assert "Change it and give up the approval?" in words
    assert 'name="do" value="add wait main 0"' in words
    assert (state(approved), selectors.by_id(approved.pk).draft) == ("approved", before)
    edit(client, approved, "add wait main 0", void="yes")
    assert state(approved) == "changed"
    assert len(selectors.by_id(approved.pk).draft.steps) == len(before.steps) + 1
    again = edit(client, approved, "add wait main 0")
    assert again.status_code == 200  # there is nothing left to give up


def test_a_step_saved_as_it_is_voids_nothing_and_a_changed_one_keeps_what_was_typed(
    approved: Journey, signed_in: Any
) -> None:
    client = signed_in("max")
    edit(client, approved, "add wait main 0", void="yes")
    services.journey_submit(actor=actors.COMMAND_LINE, journey=approved)
    draft = selectors.by_id(approved.pk).draft
    added = draft.steps[0].id
    url = f"/journeys/{approved.pk}/edit/step/{added}/"
    row = Journey.objects.get(pk=approved.pk)
    same = client.post(url, {"revision": row.revision, "amount": "1", "unit": "days"}, headers=HTMX)
    assert (same.status_code, state(approved)) == (200, "waiting")
    changed = client.post(url, {"revision": row.revision, "amount": "7", "unit": "days"}, headers=HTMX)
    assert (changed.status_code, state(approved)) == (422, "waiting")
    assert 'name="amount" value="7"' in changed.content.decode()
    assert "This draft waits for approval" not in changed.content.decode()


def test_undo_is_asked_about_too(approved: Journey, signed_in: Any, cast: SimpleNamespace) -> None:
    client = signed_in("max")
    edit(client, approved, "add wait main 0", void="yes")
    services.journey_submit(actor=staff(cast.max), journey=approved)
    assert b"give up the approval" in edit(client, approved, "undo").content
    assert state(approved) == "waiting"


def test_what_runs_already_has_nothing_to_lose(approved: Journey, signed_in: Any, cast: SimpleNamespace) -> None:
    services.journey_activate(actor=staff(cast.max), journey=approved)
    client = signed_in("max")
    assert b"What you change here is a draft" in client.get(f"/journeys/{approved.pk}/edit/").content
    assert edit(client, approved, "add wait main 0").status_code == 200


def test_the_service_refuses_without_a_word(approved: Journey, cast: SimpleNamespace) -> None:
    draft = selectors.by_id(approved.pk).draft
    done = editing.add(draft, kind="wait", path="", index=0)
    with pytest.raises(WouldVoid):
        services.draft_save(
            actor=staff(cast.max),
            journey=approved,
            revision=Journey.objects.get(pk=approved.pk).revision,
            definition=done.definition,
            keep_approval=True,
        )
