"""What happened, how often and when: shared by the kinds that look at the timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from apps.contacts import sql as contacts_sql
from apps.core.bulk import int8_array
from apps.segments.conditions.base import tokens
from apps.segments.conditions.base.attributes import day_of
from apps.segments.conditions.base.controls import Part, Posted, number, together, words
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import Fragment, Search
from apps.segments.conditions.base.windows import Window

REPEAT_OPERATORS = ("at_least", "never")
REPEAT_WORDS = {"at_least": "at least", "never": "never"}
WHEN_WORDS = {
    "ever": "at any time",
    "since": "on or after",
    "until": "on or before",
    "between": "between",
    "last": "in the last",
}
MOST_TIMES = 1000


def read_repeat(document: Document) -> tuple[bool, int]:
    """Whether it never happened, and at least how often it did."""
    operator = "at_least" if document.get("op") is None else document.choice("op", REPEAT_OPERATORS)
    if operator == "never" or document.get("times") is None:
        return operator == "never", 1
    return False, document.whole("times", 1, MOST_TIMES)


def repeat_part(never: bool, times: int) -> Json:
    """The part of a document that says how often."""
    return {"op": "never"} if never else {"op": "at_least", "times": times}


def posted_repeat(form: Posted) -> Json:
    """How often, as the form says it."""
    return {"op": "never"} if form.get("op") == "never" else {"op": "at_least", "times": form.whole("times", 1)}


def times_control(document: Json) -> Part:
    """How many times, with the right word behind the number."""
    times = document.get("times")
    return together(
        number("times", "Number of times", times, 4),
        words("time" if times == 1 else "times"),
    )


def happened(
    events: Sequence[Mapping[str, Any]] | None,
    fits: Callable[[Mapping[str, Any]], bool],
    window: Window | None,
    *,
    never: bool,
    times: int,
) -> bool:
    """Whether enough of the events fit within the window, or none when it must be ``never``."""
    days = (day_of(event.get("on")) for event in events or () if fits(event))
    if window is None:
        count = sum(1 for _ in days)
    else:
        count = sum(1 for day in days if day is not None and window[0] <= day <= window[1])
    return count == 0 if never else count >= times


def happened_sql(
    search: Search,
    every: Iterable[str],
    any_of: Sequence[str],
    window: Window | None,
    *,
    never: bool,
    times: int,
) -> Fragment:
    """The same over the timeline: in all groups of ``every``, in one of ``any_of``, in the window.

    One group without dates is answered by the summary (one row for a person and a group), from its index alone.
    """
    no, times = ("NOT ", 1) if never else ("", times)
    groups = [tokens.group(name) for name in every]
    if window is None and len(groups) == 1 and not any_of:
        # Once needs no figure: a row stands only for what happened, and the index alone answers.
        often = " AND t.count >= %s" if times > 1 else ""
        return Fragment(
            f"{no}EXISTS (SELECT 1 FROM {contacts_sql.timeline_summary()} WHERE t.person_id = s.person_id "  # noqa: S608
            f'AND t."group" = %s{often})',
            (groups[0], times) if often else (groups[0],),
        )
    parts: list[str] = ["e.groups @> %s::bigint[]"] if groups else []
    params: list[Any] = [sorted(groups)] if groups else []
    if any_of:
        parts.append("e.groups && %s::bigint[]")
        params.append(sorted(tokens.group(name) for name in any_of))
    if window is not None:
        parts.append("e.day = ANY(%s::bigint[])")
        params.append(int8_array(tokens.event_days(window)))
    where = " AND ".join(parts)
    counted = ""
    if times > 1:
        counted = " GROUP BY e.person_id HAVING count(*) >= %s"
        params.append(times)
    if search.joins or search.one:
        if not counted:
            found = f"EXISTS (SELECT 1 FROM {contacts_sql.timeline()} WHERE e.person_id = s.person_id AND {where})"  # noqa: S608
            return Fragment(f"{no}{found}", tuple(params))
        end = ""
    else:
        # IS TRUE keeps the planner from turning this into a join: how many people have two groups at once it
        # guesses wrong by a thousand, and loops. One scan of the index fills a hash that every person is asked in.
        end = " IS TRUE"
    found = f"(s.person_id IN (SELECT e.person_id FROM {contacts_sql.timeline()} WHERE {where}{counted}))"  # noqa: S608
    return Fragment(f"{no}{found}{end}", tuple(params))
