import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workshop", "0003_part"),
    ]

    operations = [
        migrations.AddField(
            model_name="mechanic",
            name="max_bookings_per_day",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="At most; empty for no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="bookings per day",
            ),
        ),
        migrations.AddField(
            model_name="repair",
            name="auto_cancel_grace_hours",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Hours after the end; empty for BOOKINGS_AUTO_CANCEL_GRACE_HOURS.",
                null=True,
                verbose_name="grace before automatic cancellation",
            ),
        ),
        migrations.AddField(
            model_name="repair",
            name="max_active_bookings_per_client",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="At most; empty for no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="active bookings per client",
            ),
        ),
        migrations.AddField(
            model_name="repair",
            name="max_bookings_per_client_per_day",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="At most; empty for no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="bookings per client and day",
            ),
        ),
        migrations.AddField(
            model_name="repair",
            name="max_bookings_per_client_per_week",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="At most; empty for no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="bookings per client and week",
            ),
        ),
        migrations.AddField(
            model_name="repair",
            name="named_seats",
            field=models.BooleanField(
                default=False,
                help_text="Clients with one e-mail address are told apart by their names.",
                verbose_name="named seats",
            ),
        ),
        migrations.AddField(
            model_name="repair",
            name="two_sided_completion",
            field=models.BooleanField(
                default=False,
                help_text="The provider delivers, and the client confirms it.",
                verbose_name="two-sided completion",
            ),
        ),
        migrations.AlterField(
            model_name="part",
            name="price_amount",
            field=models.DecimalField(
                blank=True, decimal_places=3, max_digits=11, null=True, verbose_name="price"
            ),
        ),
        migrations.AlterField(
            model_name="repair",
            name="price_amount",
            field=models.DecimalField(
                blank=True, decimal_places=3, max_digits=11, null=True, verbose_name="price"
            ),
        ),
        migrations.AlterField(
            model_name="repair",
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
        migrations.AddField(
            model_name="repair",
            name="max_reschedules",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How often a client may move a booking; empty for no limit.",
                null=True,
                verbose_name="reschedules allowed",
            ),
        ),
        migrations.AddField(
            model_name="mechanic",
            name="buffer_before_minutes",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Minutes kept free before a booking, if the service keeps fewer.",
                verbose_name="buffer before",
            ),
        ),
        migrations.AddField(
            model_name="mechanic",
            name="buffer_after_minutes",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Minutes kept free after a booking, if the service keeps fewer.",
                verbose_name="buffer after",
            ),
        ),
        migrations.AddField(
            model_name="repair",
            name="questions",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="What a booking of it asks: a list of questions, as JSON.",
                verbose_name="questions",
            ),
        ),
        migrations.AddField(
            model_name="repair",
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
            model_name="repair",
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
            model_name="repair",
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
        migrations.AddField(
            model_name="repair",
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
            model_name="repair",
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
            model_name="repair",
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
            model_name="repair",
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
            model_name="repair",
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
            model_name="repair",
            name="spans_closures",
            field=models.BooleanField(
                default=False,
                help_text=("Only the start and the end have to be in business hours, as of a car."),
                verbose_name="may be kept while closed",
            ),
        ),
    ]
