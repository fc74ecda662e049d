"""The tables of imports are there since contacts held them (contacts 0003); only whose they are is new."""


import apps.core.clock
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('contacts', '0010_imports_leave'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='ImportJob',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('total', models.BigIntegerField(default=0)),
                        ('done', models.BigIntegerField(default=0)),
                        ('attempts', models.SmallIntegerField(default=0)),
                        ('worker', models.CharField(blank=True, max_length=40)),
                        ('lease_until', models.DateTimeField(null=True)),
                        ('actor_kind', models.CharField(max_length=10)),
                        ('actor_id', models.CharField(blank=True, max_length=40)),
                        ('actor_role', models.CharField(blank=True, max_length=20)),
                        ('created_at', models.DateTimeField(default=apps.core.clock.now)),
                        ('finished_at', models.DateTimeField(null=True)),
                        ('sealed', models.BinaryField()),
                        ('version', models.IntegerField(default=1)),
                        ('stop', models.BooleanField(default=False)),
                        ('kind', models.CharField(choices=[('synthea', 'Synthea tables'), ('list', 'List of people'), ('appointments', 'Appointments')], max_length=12)),
                        ('state', models.CharField(choices=[('draft', 'Not checked yet'), ('checking', 'Checking'), ('checked', 'Checked'), ('running', 'Importing'), ('done', 'Imported'), ('refused', 'Refused'), ('cancelled', 'Cancelled'), ('failed', 'Failed')], default='draft', max_length=10)),
                        ('new', models.BigIntegerField(default=0)),
                        ('changed', models.BigIntegerField(default=0)),
                        ('unchanged', models.BigIntegerField(default=0)),
                        ('rejected', models.BigIntegerField(default=0)),
                        ('files_gone', models.BooleanField(default=False)),
                        ('started_at', models.DateTimeField(null=True)),
                    ],
                    options={
                        'db_table': 'contacts_importjob',
                        'indexes': [models.Index(condition=models.Q(('state__in', ['checking', 'running'])), fields=['lease_until'], name='import_under_way')],
                    },
                ),
                migrations.CreateModel(
                    name='ImportRejection',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('sealed', models.BinaryField()),
                        ('count', models.IntegerField()),
                        ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rejections', to='imports.importjob')),
                    ],
                    options={
                        'db_table': 'contacts_importrejection',
                    },
                ),
            ],
        ),
    ]
