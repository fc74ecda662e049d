"""Ciphertext does not compress, and the queue's rows die young."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial")]
    operations = [
        migrations.RunSQL(
            """
            ALTER TABLE delivery_outboxmessage ALTER COLUMN content SET STORAGE EXTERNAL;
            ALTER TABLE delivery_outboxmessage ALTER COLUMN record SET STORAGE EXTERNAL;
            ALTER TABLE delivery_outboxmessage ALTER COLUMN evidence SET STORAGE EXTERNAL;
            ALTER TABLE delivery_readymessage SET (autovacuum_vacuum_scale_factor = 0.02);
            ALTER TABLE delivery_attempt SET (autovacuum_vacuum_scale_factor = 0.02);
            """,
            migrations.RunSQL.noop,
        ),
    ]
