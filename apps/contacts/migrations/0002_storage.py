"""Room on each page of the search table, so that changing one value stays a HOT update."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE contacts_personsearch SET (fillfactor = 85)",
            "ALTER TABLE contacts_personsearch RESET (fillfactor)",
        ),
    ]
