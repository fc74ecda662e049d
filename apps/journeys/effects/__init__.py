"""What steps do to the world: one file and one entry of ``KINDS`` for each kind of effect.

A step decides an effect as data (``protocol.Effect``); the tick gives all effects of a kind to its ``apply`` at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from apps.journeys.effects import send_mail, tag, update_attribute
from apps.journeys.effects.protocol import EffectKind

# In the order in which they are applied.
KINDS: Mapping[str, EffectKind] = MappingProxyType(
    {"send_mail": send_mail, "update_attribute": update_attribute, "tag": tag}
)
