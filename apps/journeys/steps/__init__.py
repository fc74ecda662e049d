"""The kinds of steps a journey is made of: one file and one entry of ``KINDS`` for each. Pure.

``docs/adding-a-step.md`` walks through adding one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from apps.journeys.protocol import Step
from apps.journeys.steps.condition import Condition
from apps.journeys.steps.exit import Exit
from apps.journeys.steps.send import Send
from apps.journeys.steps.tag import Tag
from apps.journeys.steps.update_attribute import UpdateAttribute
from apps.journeys.steps.wait import Wait
from apps.journeys.steps.wait_for import WaitFor
from apps.journeys.steps.wait_until import WaitUntil

# In the order of the builder's palette.
KINDS: Mapping[str, type[Step]] = MappingProxyType(
    {kind.kind: kind for kind in (Send, Wait, WaitUntil, WaitFor, Condition, UpdateAttribute, Tag, Exit)}
)
