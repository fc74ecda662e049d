"""Files that are written for the one person who asked."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def open_private(path: str | Path) -> int:
    """A descriptor that writes ``path`` anew, readable by its owner alone, also where a file lay that others read.

    What is no plain file (a terminal, a pipe) is written as it is. Raises ``OSError``, also for somebody else's file.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            # First closed, then emptied and written: nobody opens it in between.
            os.fchmod(descriptor, 0o600)
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
