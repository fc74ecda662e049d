"""Imports live in an app of their own; their tables, and the names that seals are bound to, stay as they are."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0009_contact_exports'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name='ImportRejection'),
                migrations.DeleteModel(name='ImportJob'),
            ],
        ),
    ]
