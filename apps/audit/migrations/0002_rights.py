"""Rights in the database itself: the application inserts and reads the trail; only the audit writer numbers it."""

from django.conf import settings
from django.db import migrations


def role(alias):
    return settings.DATABASES[alias]["USER"]


def set_rights(apps, schema_editor):
    app, writer, reader = role("default"), role("audit"), role("reader")
    for table in ("audit_auditentry", "audit_auditchain"):
        schema_editor.execute(f'REVOKE ALL ON {table} FROM "{app}", "{writer}"')
        schema_editor.execute(f'GRANT SELECT ON {table} TO "{app}", "{writer}", "{reader}"')
    schema_editor.execute(f'GRANT INSERT ON audit_auditentry TO "{app}", "{writer}"')
    schema_editor.execute(f'GRANT INSERT ON audit_auditchain TO "{writer}"')
    schema_editor.execute(f'GRANT USAGE, SELECT ON SEQUENCE audit_auditentry_id_seq TO "{app}", "{writer}"')


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(set_rights, migrations.RunPython.noop)]
