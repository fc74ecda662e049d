"""The table of tasks is there since the portal held it (portal 0001); only whose it is is new."""

import apps.core.clock
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('contacts', '0011_pending_changes'),
        ('portal', '0003_tasks_leave'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='StaffTask',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(max_length=12)),
                        ('sealed', models.BinaryField()),
                        ('state', models.CharField(choices=[('open', 'Open'), ('done', 'Done')], default='open', max_length=8)),
                        ('created_at', models.DateTimeField(default=apps.core.clock.now)),
                        ('done_at', models.DateTimeField(null=True)),
                        ('done_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='staff_tasks', to='contacts.person')),
                    ],
                    options={
                        'db_table': 'portal_inboxtask',
                        'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('person', 'kind'), name='one_open_task_of_a_kind'), models.CheckConstraint(condition=models.Q(models.Q(('done_at__isnull', True), ('done_by__isnull', True), ('state', 'open')), models.Q(('done_at__isnull', False), ('done_by__isnull', False), ('state', 'done')), _connector='OR'), name='inbox_task_done_by_somebody')],
                    },
                ),
            ],
        ),
    ]
