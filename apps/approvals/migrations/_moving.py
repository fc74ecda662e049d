"""Carries the history of approvals over from the tables that campaigns and journeys had until 0.3."""

from __future__ import annotations

from typing import Any

from django.db import migrations

# Sealed values are bound to table and row, so they are opened where they stood and sealed where they go.
from apps.vault import sealing

NEW_TABLE = "approvals_approvalentry"


def moving(*, app: str, model: str, kind: str) -> migrations.RunPython:
    """The operation that moves every row of ``model``, whose foreign key is called as ``kind``, oldest first."""
    old_table = f"{app}_{model}".lower()

    def move(apps: Any, schema_editor: Any) -> None:
        alias = schema_editor.connection.alias
        entries = apps.get_model("approvals", "ApprovalEntry").objects.using(alias)
        for row in apps.get_model(app, model).objects.using(alias).order_by("pk"):
            entry = entries.create(
                kind=kind,
                subject=getattr(row, f"{kind}_id"),
                at=row.at,
                actor=row.actor,
                decision=row.decision,
                fingerprint=row.approval,
                audience=getattr(row, "audience", None),
            )
            if row.sealed is not None:
                comment = sealing.open_service(row.sealed, table=old_table, row=row.pk)
                entry.sealed = sealing.seal_service(comment, table=NEW_TABLE, row=entry.pk)
                entry.save(using=alias, update_fields=["sealed"])

    return migrations.RunPython(move, migrations.RunPython.noop)
