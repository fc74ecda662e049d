"""A review that was made stays as it was made."""

from django.conf import settings
from django.db import migrations


def set_rights(apps, schema_editor):
    app = settings.DATABASES["default"]["USER"]
    schema_editor.execute(f'REVOKE UPDATE, DELETE ON audit_auditreview FROM "{app}"')


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_reviews")]
    operations = [migrations.RunPython(set_rights, migrations.RunPython.noop)]
