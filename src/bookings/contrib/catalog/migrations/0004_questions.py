"""The questions of services."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bookings_catalog", "0003_limits"),
    ]

    operations = [
        migrations.AddField(
            model_name="service",
            name="questions",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="What a booking of it asks: a list of questions, as JSON.",
                verbose_name="questions",
            ),
        ),
    ]
