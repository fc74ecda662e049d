"""The history of approvals moves to ``approvals``, whole."""

from django.db import migrations

from apps.approvals.migrations._moving import moving


class Migration(migrations.Migration):
    dependencies = [("journeys", "0003_approvals"), ("approvals", "0001_initial")]
    operations = [
        moving(app="journeys", model="JourneyReview", kind="journey"),
        migrations.DeleteModel(name="JourneyReview"),
    ]
