"""Durations by the wall clock, in days that clients may choose, and prices by the day."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bookings_catalog", "0008_providers"),
    ]

    operations = [
        migrations.AddField(
            model_name="service",
            name="duration_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text=("Until the same time of day, in place of minutes; empty for minutes."),
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3660),
                ],
                verbose_name="duration in days",
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="ends_at_time",
            field=models.TimeField(
                blank=True,
                help_text=(
                    "In place of the time of the start, so many days later; without days, today."
                ),
                null=True,
                verbose_name="time of the end",
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="minimum_duration_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text=("If the client chooses the days; empty for the duration itself."),
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3660),
                ],
                verbose_name="fewest days",
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="maximum_duration_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text=("If the client chooses the days; empty for the duration itself."),
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3660),
                ],
                verbose_name="most days",
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="duration_step_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text=("Between the lengths to choose from; empty for any number of days."),
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3660),
                ],
                verbose_name="days between",
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="spans_closures",
            field=models.BooleanField(
                default=False,
                help_text=("Only the start and the end have to be in business hours, as of a car."),
                verbose_name="may be kept while closed",
            ),
        ),
        migrations.AlterField(
            model_name="service",
            name="pricing_type",
            field=models.CharField(
                blank=True,
                choices=[
                    ("FIXED", "Fixed"),
                    ("HOURLY", "By the hour"),
                    ("DAILY", "By the day"),
                    ("FREE", "Free"),
                ],
                max_length=50,
                verbose_name="pricing type",
            ),
        ),
    ]
