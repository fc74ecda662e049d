"""What is known of a clinical event by its code: value sets, groups, the step of a result. Pure.

Every door through which such events come (lists, Synthea's tables) makes them here, so that rules find them alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.contacts.timeline import results, value_sets


def coded(kind: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Facts and groups of an event of ``kind``; ``given`` has its code, system, class, value and unit where it has any.

    The facts are what was given and the ``sets`` that the code belongs to.
    """
    facts = dict(given)
    groups: list[str] = []
    system, code = str(facts.get("system") or ""), str(facts.get("code") or "")
    if code:
        groups.append(f"code:{system}:{code}")
        if sets := value_sets.sets_of(system, code):
            facts["sets"] = list(sets)
            groups += [f"set:{name}" for name in sets]
    if facts.get("class"):
        groups.append(f"class:{facts['class']}")
    for lab in results.labs_of({**facts, "kind": kind}):
        step = results.event_step(lab, facts)
        if step is not None:
            groups.append(results.step_group(lab.name, step))
    return facts, tuple(groups)
