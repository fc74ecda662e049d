"""One process that runs command after command of an installation, each as ``manage.py`` does.

A start of the product takes a second and more of computing, and the road has twenty commands. Every line of standard
input is the words of one command; the answer is a line too: exit code, standard output, standard error.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import manage


def run(words: list[str]) -> tuple[int, str, str]:
    """Exit code and what was said of ``manage.py WORDS``."""
    said, complained = io.StringIO(), io.StringIO()
    sys.argv = ["manage.py", *words]
    code = 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        try:
            manage.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                complained.write(end.code)
        except Exception:  # noqa: BLE001 - as an interpreter ends: the trace is told, and the code is 1
            traceback.print_exc()
            code = 1
    from django.db import connections

    connections.close_all()
    return code, said.getvalue(), complained.getvalue()


def main() -> None:
    # What a server or a worker process prints does not stand among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
