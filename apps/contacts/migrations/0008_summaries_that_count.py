"""Summaries of nothing go: a row says that something happened, so that "never" is read from the index alone."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_own_attributes")]
    operations = [
        migrations.RunSQL(
            "DELETE FROM contacts_timelinesummary WHERE count <= 0", migrations.RunSQL.noop
        ),
    ]
