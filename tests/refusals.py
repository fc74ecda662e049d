"""``with refused("campaign.not_approved"):`` what a scene expects to be refused, by its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from apps.core.errors import Refused
from apps.core.refusals import REFUSALS


@contextmanager
def refused(code: str, match: str | None = None) -> Iterator[pytest.ExceptionInfo[Refused]]:
    """What is done inside is refused with ``code``. ``match`` is for scenes that are about the words themselves."""
    assert code in REFUSALS, f"{code} is not in the list"
    with pytest.raises(Refused, match=match) as caught:
        yield caught
    assert caught.value.code == code
