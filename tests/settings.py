"""The product's settings, with keys and data that are never those of the checkout's demo.

``make test`` runs the tests in two processes (pytest-xdist). Each has servers, keys and files of its own: one database
server for both would not do, because a transaction that is open in one database delays the audit trail's numbering in
every other (its entries are numbered when nothing older is open on the server).
"""

import atexit
import os
import secrets
import shutil
from pathlib import Path

_ROOT = Path(os.environ.get("CARELANE_TEST_HOME", Path(__file__).resolve().parent.parent / ".home" / "tests"))
# "gw0", "gw1"; without xdist there is none. Programs that a test starts inherit it.
if _worker := os.environ.get("PYTEST_XDIST_WORKER"):
    _ROOT /= _worker
# Every run has a new database, and the checkpoints of another run would be those of another trail.
_CHECKPOINTS = _ROOT / "checkpoints" / secrets.token_hex(8)
atexit.register(shutil.rmtree, _CHECKPOINTS, ignore_errors=True)

os.environ["CARELANE_HOME"] = str(_ROOT / "data")
os.environ["CARELANE_KEYS"] = str(_ROOT / "keys")
os.environ["CARELANE_CHECKPOINTS"] = str(_CHECKPOINTS)
os.environ["CARELANE_MODE"] = "demo"
for _variable in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(_variable, None)

from config.settings import *  # noqa: E402, F403

# Whoever declares a lab knows it at once; a page asks for them as often the first time as the next.
LABS_KNOWN_FOR = float("inf")
# A slow hash protects passwords, and would make every scene of five people wait for seconds.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
