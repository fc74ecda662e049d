"""Encoders of slot values, one frozen module per version.

A message names the version that encoded it, and messages are kept for years: a published module is never
edited. What must change goes into a new module (`v2`), and `BY_NAME` learns it.
"""

from __future__ import annotations

from types import ModuleType

from apps.mail.encoders import quick, v1

BY_NAME: dict[str, ModuleType] = {"v1": v1}
CURRENT = "v1"
# For each version, the same encoding in one pass for the values that nearly all are.
QUICK: dict[str, ModuleType] = {"v1": quick}
