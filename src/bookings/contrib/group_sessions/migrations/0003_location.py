"""Where a session takes place."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings_group_sessions", "0002_slots")]

    operations = [
        migrations.AddField(
            model_name="session",
            name="location",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Where it takes place.",
                max_length=500,
                verbose_name="location",
            ),
        ),
    ]
