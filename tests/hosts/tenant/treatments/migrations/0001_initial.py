import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import bookings.abstract


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clinics", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Extra",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                (
                    "extra_duration_minutes",
                    models.PositiveIntegerField(default=0, verbose_name="extra duration"),
                ),
                (
                    "price_amount",
                    models.DecimalField(
                        blank=True, decimal_places=3, max_digits=11, null=True, verbose_name="price"
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        default=bookings.models.fields.default_currency,
                        max_length=3,
                        verbose_name="currency",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="extras",
                        to="clinics.clinic",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Treatment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                (
                    "duration_minutes",
                    models.PositiveIntegerField(
                        default=60,
                        help_text="In minutes.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="duration",
                    ),
                ),
                (
                    "minimum_duration_minutes",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text=(
                            "In minutes, if the client chooses the duration; empty for the duration itself."
                        ),
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="shortest duration",
                    ),
                ),
                (
                    "maximum_duration_minutes",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text=(
                            "In minutes, if the client chooses the duration; empty for the duration itself."
                        ),
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="longest duration",
                    ),
                ),
                (
                    "duration_step_minutes",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text=(
                            "Minutes between the durations to choose from; empty for any number of minutes."
                        ),
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="duration step",
                    ),
                ),
                (
                    "duration_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text=(
                            "Until the same time of day, in place of minutes; empty for minutes."
                        ),
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                        verbose_name="duration in days",
                    ),
                ),
                (
                    "ends_at_time",
                    models.TimeField(
                        blank=True,
                        help_text=(
                            "In place of the time of the start, so many days later; without days, today."
                        ),
                        null=True,
                        verbose_name="time of the end",
                    ),
                ),
                (
                    "minimum_duration_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text=(
                            "If the client chooses the days; empty for the duration itself."
                        ),
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                        verbose_name="fewest days",
                    ),
                ),
                (
                    "maximum_duration_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text=(
                            "If the client chooses the days; empty for the duration itself."
                        ),
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                        verbose_name="most days",
                    ),
                ),
                (
                    "duration_step_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text=(
                            "Between the lengths to choose from; empty for any number of days."
                        ),
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                        verbose_name="days between",
                    ),
                ),
                (
                    "spans_closures",
                    models.BooleanField(
                        default=False,
                        help_text=(
                            "Only the start and the end have to be in business hours, as of a car."
                        ),
                        verbose_name="may be kept while closed",
                    ),
                ),
                (
                    "buffer_before_minutes",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Minutes kept free before a booking.",
                        verbose_name="buffer before",
                    ),
                ),
                (
                    "buffer_after_minutes",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Minutes kept free after a booking.",
                        verbose_name="buffer after",
                    ),
                ),
                (
                    "minimum_notice_minutes",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Minutes between booking and start, at least.",
                        verbose_name="minimum notice",
                    ),
                ),
                (
                    "maximum_advance_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Days ahead that can be booked, at most; empty for no limit.",
                        null=True,
                        verbose_name="maximum advance",
                    ),
                ),
                (
                    "requires_approval",
                    models.BooleanField(default=False, verbose_name="requires approval"),
                ),
                (
                    "cancellation_allowed",
                    models.BooleanField(default=True, verbose_name="cancellation allowed"),
                ),
                (
                    "cancellation_notice_minutes",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Minutes before the start.",
                        verbose_name="cancellation notice",
                    ),
                ),
                (
                    "reschedule_allowed",
                    models.BooleanField(default=True, verbose_name="rescheduling allowed"),
                ),
                (
                    "reschedule_notice_minutes",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Minutes before the start.",
                        verbose_name="rescheduling notice",
                    ),
                ),
                (
                    "max_reschedules",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How often a client may move a booking; empty for no limit.",
                        null=True,
                        verbose_name="reschedules allowed",
                    ),
                ),
                (
                    "allow_multiple_clients_per_slot",
                    models.BooleanField(default=False, verbose_name="several clients share a slot"),
                ),
                (
                    "capacity",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Seats of a shared slot.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="capacity",
                    ),
                ),
                (
                    "capacity_mode",
                    models.CharField(
                        choices=[("SLOT", "Of a slot"), ("CONCURRENT", "At any time")],
                        default="SLOT",
                        help_text=(
                            "At any time: bookings with different starts share the seats, as of desks."
                        ),
                        max_length=10,
                        verbose_name="what the capacity counts",
                    ),
                ),
                (
                    "two_sided_completion",
                    models.BooleanField(
                        default=False,
                        help_text="The provider delivers, and the client confirms it.",
                        verbose_name="two-sided completion",
                    ),
                ),
                (
                    "auto_cancel_grace_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Hours after the end; empty for BOOKINGS_AUTO_CANCEL_GRACE_HOURS.",
                        null=True,
                        verbose_name="grace before automatic cancellation",
                    ),
                ),
                (
                    "max_active_bookings_per_client",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="At most; empty for no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="active bookings per client",
                    ),
                ),
                (
                    "max_bookings_per_client_per_day",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="At most; empty for no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="bookings per client and day",
                    ),
                ),
                (
                    "max_bookings_per_client_per_week",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="At most; empty for no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="bookings per client and week",
                    ),
                ),
                (
                    "named_seats",
                    models.BooleanField(
                        default=False,
                        help_text="Clients with one e-mail address are told apart by their names.",
                        verbose_name="named seats",
                    ),
                ),
                (
                    "questions",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="What a booking of it asks: a list of questions, as JSON.",
                        verbose_name="questions",
                    ),
                ),
                (
                    "pricing_type",
                    models.CharField(
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
                (
                    "price_amount",
                    models.DecimalField(
                        blank=True, decimal_places=3, max_digits=11, null=True, verbose_name="price"
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        default=bookings.models.fields.default_currency,
                        max_length=3,
                        verbose_name="currency",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="treatments",
                        to="clinics.clinic",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "abstract": False,
            },
        ),
    ]
