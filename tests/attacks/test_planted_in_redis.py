"""Somebody who can write to Redis plants an object: nothing here builds it, and a page goes on."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache

from apps.campaigns import planning, plans, selectors, services
from apps.core import actors
from apps.core.levels import Level
from apps.core.plaincache import JsonSerializer
from tests.campaigns.conftest import SPEC, clinic, template  # noqa: F401 - fixtures

built: list[str] = []


class Planted:
    """Calls a function of the attacker's choice when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return built.append, ("ran",)


@pytest.fixture
def planted() -> Any:
    key = "campaign-plan:planted"
    cache._cache.get_client(None, write=True).set(cache.make_key(key), pickle.dumps(Planted()))  # type: ignore[attr-defined]
    built.clear()
    yield key
    cache.delete(key)


def test_what_is_planted_in_redis_is_not_built(planted: str) -> None:
    assert cache.get(planted) is None
    assert cache.get_many([planted]) in ({}, {planted: None})
    assert not built


@pytest.mark.django_db
def test_a_planted_plan_is_drawn_anew(
    clinic: Any,  # noqa: F811
    cast: Any,
    signed_in: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = services.campaign_save(actor=actors.staff(cast.max.pk, "marketer"), name="Flu", spec=SPEC)
    monkeypatch.setattr(plans, "MANY", 0)
    key = cache.make_key(f"campaign-plan:{made.pk}")
    cache._cache.get_client(None, write=True).set(key, pickle.dumps(Planted()))  # type: ignore[attr-defined]
    built.clear()
    plans.draw_in_background(actor=actors.COMMAND_LINE, campaign=selectors.opened(made))
    assert "How will it be protected?" in signed_in("max").get(f"/campaigns/{made.pk}/plan/").content.decode()
    assert not built
    plans.forget_plan(made.pk)


VALUES = [0, 7, True, False, None, 1.5, "words", "Zoë", "\ud800", "17", [1.5, 2.5], {"a": [1]}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    cache.set("plain", value)
    found = cache.get("plain")
    assert (found, type(found)) == (value, type(value))
    cache.delete("plain")


def test_redis_still_counts() -> None:
    cache.set("count", 1)
    assert cache.incr("count", 2) == cache.get("count") == 3
    cache.delete("count")


def test_an_object_is_not_written() -> None:
    with pytest.raises(TypeError):
        JsonSerializer().dumps(Planted())


def test_a_plan_comes_back_whole() -> None:
    line = planning.Line(planning.Combination("", True, 2, False, True, False), 12, "tls", "", "because", Level.HEALTH)
    plan = planning.Plan((line, line), datetime(2026, 11, 22, 9, tzinfo=UTC), 3, {"es": 4, "": 8})
    serializer = JsonSerializer()
    kept = serializer.dumps(plan.kept())
    assert isinstance(kept, bytes)
    assert planning.Plan.of_kept(serializer.loads(kept)) == plan
