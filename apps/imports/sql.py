"""Pieces of SQL about imports, for statements of the apps above."""

from __future__ import annotations


def people(which: str) -> str:
    """Ids of the people of an import; takes its id as often as there are lists. ``which``: made, changed or any."""
    lists = ("made", "changed") if which == "any" else (which,)
    found = [f"SELECT unnest(ip.{each}) FROM imports_people ip WHERE ip.job_id = %s" for each in lists]
    return " UNION ALL ".join(found)


def came_with(which: str, person: str) -> str:
    """Whether one person (SQL of the statement around it) is among them; takes the import's id."""
    lists = ("made", "changed") if which == "any" else (which,)
    among = " OR ".join(f"{person} = ANY(ip.{each})" for each in lists)
    return f"EXISTS (SELECT 1 FROM imports_people ip WHERE ip.job_id = %s AND ({among}))"
