"""The product's settings, with keys and data that are never those of the checkout's demo."""

import os
import tempfile
from pathlib import Path

_ROOT = Path(os.environ.get("CARELANE_TEST_HOME", Path(__file__).resolve().parent.parent / ".home" / "tests"))
os.environ["CARELANE_HOME"] = str(_ROOT / "data")
os.environ["CARELANE_KEYS"] = str(_ROOT / "keys")
os.environ["CARELANE_CHECKPOINTS"] = tempfile.mkdtemp(prefix="carelane-checkpoints-")
os.environ["CARELANE_MODE"] = "demo"
for _variable in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(_variable, None)

from config.settings import *  # noqa: E402, F403

# A slow hash protects passwords, and would make every scene of five people wait for seconds.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
