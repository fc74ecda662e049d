"""Who else uses a segment, and what campaigns are called: asked of higher layers without importing them.

Campaigns and journeys register here when Django starts; segments only calls what was registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Usage:
    """One use of a segment: ``kind`` as the menu says it ("Campaign"), its name, its page, and whether it blocks."""

    kind: str
    name: str
    url: str
    blocks: bool = True


UsageFinder = Callable[[int], Iterable[Usage]]
CampaignFinder = Callable[[], Mapping[str, int]]

_finders: dict[str, UsageFinder] = {}
_campaigns: dict[str, CampaignFinder] = {}


def register_usage(app: str, finder: UsageFinder) -> None:
    """``finder(segment_id)`` tells where ``app`` uses the segment."""
    _finders[app] = finder


def register_campaigns(app: str, finder: CampaignFinder) -> None:
    """``finder()`` gives the ids of all campaigns by name, for engagement conditions."""
    _campaigns[app] = finder


def uses_of(segment_id: int) -> list[Usage]:
    """Every use of the segment outside this app, in the order the apps were registered."""
    return [usage for finder in _finders.values() for usage in finder(segment_id)]


def campaign_ids() -> dict[str, int]:
    """Ids of campaigns by name."""
    return {name: number for finder in _campaigns.values() for name, number in finder().items()}
