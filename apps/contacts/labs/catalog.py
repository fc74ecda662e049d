"""The own labs of the installation, as every process knows them: read again every few seconds at most.

``timeline.results.LABS`` asks here for what is no preset. A lab that was declared elsewhere is known after
``LABS_KNOWN_FOR`` seconds; what was recorded meanwhile is caught by the renewal, which begins later than that.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.conf import settings

from apps.contacts.attributes.numbers import NumberRange
from apps.contacts.models import OwnLab
from apps.contacts.timeline.results import Lab, ucum
from apps.core.levels import Level

_known: tuple[float, Mapping[str, Lab]] | None = None


def own() -> Mapping[str, Lab]:
    """Name to own lab, by label."""
    global _known
    now = time.monotonic()
    if _known is None or now - _known[0] > settings.LABS_KNOWN_FOR:
        labs = sorted((opened(row) for row in OwnLab.objects.all()), key=lambda lab: lab.label.casefold())
        _known = (now, {lab.name: lab for lab in labs})
    return _known[1]


def forget() -> None:
    """Read them anew when they are asked for next: one was declared here."""
    global _known
    _known = None


def opened(row: OwnLab) -> Lab:
    """Open one declaration."""
    facts = row.opened()
    numbers = None if row.low is None or row.high is None else NumberRange(row.low, row.high, row.step, row.scale)
    return Lab(
        str(facts["name"]),
        str(facts["label"]),
        tuple(map(str, facts["codes"])),
        ucum(str(facts["unit"])),
        numbers,
        level=Level(row.level),
        system=str(facts["system"]),
    )
