"""Specs, definitions and rules hold ids instead of names; the table of references is filled; approvals go on."""

from django.db import migrations

from apps.journeys.migrations._ids_inside import ids_inside

TABLE, TRIGGER = "journeys_journeyversion", "journeys_version_is_immutable"
OPEN, SHUT = (f"ALTER TABLE {TABLE} {word} TRIGGER {TRIGGER}" for word in ("DISABLE", "ENABLE"))


class Migration(migrations.Migration):
    dependencies = [
        ("journeys", "0004_one_table_of_approvals"),
        ("campaigns", "0004_one_table_of_approvals"),
        ("segments", "0002_approved_versions"),
        ("content", "0002_approved_versions"),
        ("contacts", "0010_imports_leave"),
        ("organizations", "0004_auditlog_rights"),
        ("approvals", "0002_former_fingerprints"),
        ("references", "0001_initial"),
        ("audit", "0004_review_rights"),
    ]
    # What was activated is for ever as it was: its words change here, not what it says.
    operations = [
        migrations.RunSQL(OPEN, SHUT),
        migrations.RunPython(ids_inside, migrations.RunPython.noop),
        migrations.RunSQL(SHUT, OPEN),
    ]
