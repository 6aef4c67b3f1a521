"""How often the client may move a booking."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0004_reopened")]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="max_reschedules",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How often the client may move it; empty for no limit.",
                null=True,
                verbose_name="reschedules allowed",
            ),
        ),
    ]
