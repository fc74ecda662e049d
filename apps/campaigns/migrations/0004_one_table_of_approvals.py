"""The history of approvals moves to ``approvals``, whole."""

from django.db import migrations

from apps.approvals.migrations._moving import moving


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_staff_copies"), ("approvals", "0001_initial")]
    operations = [
        moving(app="campaigns", model="CampaignReview", kind="campaign"),
        migrations.DeleteModel(name="CampaignReview"),
    ]
