"""Which programs the tests need; says in one line what to install."""

from __future__ import annotations

import os
import shutil
import sys

NEEDED = {
    "chromium": "browser tests (Debian: chromium)",
    "gpg": "OpenPGP interop tests (Debian: gnupg)",
    "openssl": "S/MIME and DKIM interop tests (Debian: openssl)",
}


def main() -> int:
    missing = [f"{name}: {why}" for name, why in NEEDED.items() if shutil.which(name) is None]
    if missing:
        sys.stderr.write("Please install what is missing: " + "; ".join(missing) + "\n")
        return 1
    from tests.conftest import SHARED_DATA

    if not SHARED_DATA.is_dir():
        if os.environ.get("CI"):
            sys.stderr.write(f"CARELANE_DATA ({SHARED_DATA}) is absent: in CI nothing is left out.\n")
            return 1
        sys.stdout.write(f"CARELANE_DATA ({SHARED_DATA}) is absent: tests on shared data are left out.\n")
    if os.geteuid() != 0:
        sys.stdout.write("Postfix starts for root only: the scene with a running Postfix is left out.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
