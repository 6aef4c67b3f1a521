"""The durations that clients may choose."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bookings_catalog", "0006_capacity_mode"),
    ]

    operations = [
        migrations.AddField(
            model_name="service",
            name="minimum_duration_minutes",
            field=models.PositiveIntegerField(
                blank=True,
                help_text=(
                    "In minutes, if the client chooses the duration; empty for the duration itself."
                ),
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="shortest duration",
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="maximum_duration_minutes",
            field=models.PositiveIntegerField(
                blank=True,
                help_text=(
                    "In minutes, if the client chooses the duration; empty for the duration itself."
                ),
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="longest duration",
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="duration_step_minutes",
            field=models.PositiveIntegerField(
                blank=True,
                help_text=(
                    "Minutes between the durations to choose from; empty for any number of minutes."
                ),
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="duration step",
            ),
        ),
    ]
