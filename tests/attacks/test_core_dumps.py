"""A process of ours is made to crash: it leaves no picture of its memory, where keys and opened people are."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings

SAYS = "; import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"


@pytest.mark.parametrize("start", ["import config.wsgi", "import config.celery", "import config.settings"])
def test_no_part_leaves_a_dump(start: str) -> None:
    # As on a machine whose owner allows dumps to everybody, as far as this one lets us.
    allowed = f"import resource; high = resource.getrlimit(resource.RLIMIT_CORE)[1]; {LIFTED}; "
    done = subprocess.run(
        [sys.executable, "-c", allowed + start + SAYS],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "(0, 0)"


LIFTED = "resource.setrlimit(resource.RLIMIT_CORE, (high, high))"
