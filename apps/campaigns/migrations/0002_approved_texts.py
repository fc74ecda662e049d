"""What campaigns were approved with before approvals were noted at the texts themselves."""

from django.db import migrations

NOTE = """
UPDATE content_templateversion v SET approved_at = c.approved_at
  FROM (SELECT template_version, max(approved_at) AS approved_at FROM campaigns_campaign
         WHERE approved_at IS NOT NULL AND template_version IS NOT NULL GROUP BY template_version) c
 WHERE v.id = c.template_version
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial"), ("content", "0002_approved_versions")]
    operations = [migrations.RunSQL(NOTE, migrations.RunSQL.noop)]
