"""What django-auditlog wrote is neither altered nor deleted by the application; the reader may read it."""

from django.conf import settings
from django.db import migrations

TABLE = "auditlog_logentry"


def role(alias):
    return settings.DATABASES[alias]["USER"]


def set_rights(apps, schema_editor):
    app, writer, reader = role("default"), role("audit"), role("reader")
    schema_editor.execute(f'REVOKE ALL ON {TABLE} FROM "{app}", "{writer}"')
    schema_editor.execute(f'GRANT SELECT, INSERT ON {TABLE} TO "{app}"')
    schema_editor.execute(f'GRANT SELECT ON {TABLE} TO "{reader}"')


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_environment_setting"),
        ("auditlog", "0017_add_actor_email"),
    ]
    operations = [migrations.RunPython(set_rights, migrations.RunPython.noop)]
