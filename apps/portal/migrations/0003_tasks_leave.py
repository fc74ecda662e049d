"""Tasks of staff live in the inbox; their table, and the name that seals are bound to, stay as they are."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0002_password_mailbox'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name='InboxTask'),
            ],
        ),
    ]
