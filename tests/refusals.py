"""``with refused("campaign.not_approved"):`` what a scene expects to be refused, by its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from apps.core.errors import Refused
from apps.core.refusals import REFUSALS

R = TypeVar("R", bound=Refused)


@contextmanager
def refused(
    code: str,
    match: str | None = None,
    kind: type[R] = Refused,  # type: ignore[assignment]
) -> Iterator[pytest.ExceptionInfo[R]]:
    """What is done inside is refused with ``code``; ``match`` only where the scene is about the words."""
    assert code in REFUSALS, f"{code} is not in the list"
    with pytest.raises(kind, match=match) as caught:
        yield caught
    assert caught.value.code == code
