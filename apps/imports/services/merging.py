"""What imports remember of somebody whose record is merged: the kept record came by the same imports."""

from __future__ import annotations

from django.db import connection

from apps.contacts.merging import parts
from apps.contacts.merging.parts import Merging, Notes, Part


def merge(merging: Merging) -> Notes:
    """The kept person was changed by every import that made or changed the merged record.

    So they are found by "these people of an import", and an undo of it finds the events and visits it made.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE imports_people SET changed = array_append(changed, %(kept)s::bigint)"
            " WHERE (made && ARRAY[%(merged)s::bigint] OR changed && ARRAY[%(merged)s::bigint])"
            " AND NOT changed && ARRAY[%(kept)s::bigint] RETURNING id",
            {"kept": merging.kept.id, "merged": merging.merged.id},
        )
        chunks = sorted(row[0] for row in cursor.fetchall())
    return {"chunks": chunks} if chunks else {}


def undo(merging: Merging, notes: Notes) -> list[str]:
    """The kept person is no more of those imports."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE imports_people SET changed = array_remove(changed, %s::bigint) WHERE id = ANY(%s)",
            [merging.kept.id, notes["chunks"]],
        )
    return []


PARTS = (
    Part("imports", ("imports.ImportedPeople.made", "imports.ImportedPeople.changed"), merge, undo, order=46),
    parts.stays("imports.ImportBefore.person_id", why="What an import replaced, under the profile key of then."),
)
