"""Which providers offer a service."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings_catalog", "0007_durations")]

    operations = [
        migrations.AddField(
            model_name="service",
            name="has_providers",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="service",
            name="providers",
            field=models.ManyToManyField(
                blank=True,
                help_text="Who offers the service. Empty if everybody does.",
                related_name="services",
                to="bookings_catalog.provider",
                verbose_name="providers",
            ),
        ),
    ]
