"""A held change is called a pending change; its table, and the name that its seals are bound to, stay as they are."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0010_imports_leave'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterModelTable(name='heldchange', table='contacts_heldchange'),
                migrations.RenameModel(old_name='HeldChange', new_name='PendingChange'),
                migrations.AlterField(
                    model_name='pendingchange',
                    name='person',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pending_changes', to='contacts.person'),
                ),
            ],
        ),
    ]
