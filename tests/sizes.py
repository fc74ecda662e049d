"""How large a proof is: a seeded sample in ``make test``, full size with a seed of its own in ``make proofs``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

# Set by tests/proofs.py: the seed of a proof at full size.
_SEED = os.environ.get("CARELANE_PROOF_SEED", "")
FULL = bool(_SEED)


def grown(sample: int, full: int) -> int:
    """``sample`` in ``make test``, ``full`` in ``make proofs``."""
    return full if FULL else sample


def examples(sample: int) -> int:
    """How many examples a property is tried on: a hundred times as many in ``make proofs``."""
    return grown(sample, sample * 100)


def seed(sample: int) -> int:
    """The seed of a proof's own dice: always the same in ``make test``, a new one in each ``make proofs``."""
    return int(_SEED) if FULL else sample


def some(names: Any, cases: Sequence[Any], *, sample: Sequence[int]) -> pytest.MarkDecorator:
    """``parametrize`` of a proof: the cases at the places of ``sample`` in ``make test``, all in ``make proofs``."""
    return pytest.mark.parametrize(names, list(cases) if FULL else [cases[place] for place in sample])
