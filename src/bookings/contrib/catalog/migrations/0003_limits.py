"""How often clients may move bookings, and buffers of providers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bookings_catalog", "0002_lifecycle"),
    ]

    operations = [
        migrations.AddField(
            model_name="service",
            name="max_reschedules",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How often a client may move a booking; empty for no limit.",
                null=True,
                verbose_name="reschedules allowed",
            ),
        ),
        migrations.AddField(
            model_name="provider",
            name="buffer_before_minutes",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Minutes kept free before a booking, if the service keeps fewer.",
                verbose_name="buffer before",
            ),
        ),
        migrations.AddField(
            model_name="provider",
            name="buffer_after_minutes",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Minutes kept free after a booking, if the service keeps fewer.",
                verbose_name="buffer after",
            ),
        ),
    ]
