"""A list asks the database as often for fifty rows as for one: lists that no other test counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.campaigns.services import campaign_save
from apps.compliance.services import vendor_create
from apps.content.services import brand_save
from apps.core import actors
from apps.journeys.services import journey_create
from apps.segments.services import segment_save

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


def segment(number: int) -> None:
    rule = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
    segment_save(actor=CLI, name=f"Segment {number}", rule=rule)


def campaign(number: int) -> None:
    campaign_save(actor=CLI, name=f"Campaign {number}", spec={})


def journey(number: int) -> None:
    definition = {"trigger": {"kind": "manual"}, "steps": []}
    journey_create(actor=CLI, name=f"Journey {number}", definition=definition)


def brand(number: int) -> None:
    brand_save(actor=CLI, data={"name": f"Brand {number}", "from_address": f"b{number}@clinic.test"})


def vendor(number: int) -> None:
    vendor_create(actor=CLI, facts={"name": f"Vendor {number}", "service": "Relay"}, kind="other")


LISTS: dict[str, Callable[[int], None]] = {
    "/segments/": segment,
    "/campaigns/": campaign,
    "/journeys/": journey,
    "/templates/brands/": brand,
    "/compliance/": vendor,
}


@pytest.mark.parametrize("path", LISTS)
def test_fifty_rows_cost_as_many_questions_as_one(path: str, signed_in: Any, questions: Callable[..., int]) -> None:
    client, make = signed_in("ada"), LISTS[path]
    make(0)
    one = questions(client, path)
    for number in range(1, 50):
        make(number)
    assert questions(client, path) == one
