"""The answers to the questions of a service."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0005_reschedules")]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="answers",
            field=models.JSONField(
                blank=True,
                default=list,
                editable=False,
                help_text="To the questions of the service, as they were asked.",
                verbose_name="answers",
            ),
        ),
    ]
