"""Schedules, their hours and overrides, and time off.

A host's models are named by their settings, so this file is the same for every host.
"""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.utils.timezone
import model_utils.fields
from django.db import migrations, models

import bookings.contrib.schedule.models.schedule
import bookings.contrib.schedule.validators
import bookings.models.deletion
import bookings.models.fields
from bookings.conf import app_settings


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("bookings", "0002_initial"),
        app_settings.dependency("PROVIDER_MODEL"),
        app_settings.dependency("TENANT_MODEL"),
        app_settings.dependency("USER_MODEL"),
    ]

    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        default=bookings.contrib.schedule.models.schedule.default_timezone,
                        help_text="The zone of the wall clock that the hours are told by, as Europe/Berlin.",
                        max_length=64,
                        validators=[bookings.contrib.schedule.validators.validate_timezone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "slot_step_minutes",
                    models.PositiveSmallIntegerField(
                        default=15,
                        help_text="Minutes from one start to the next.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1440),
                        ],
                        verbose_name="step",
                    ),
                ),
                (
                    "alignment",
                    models.CharField(
                        choices=[("OPENING", "From each opening"), ("CLOCK", "By the clock")],
                        default="OPENING",
                        help_text="Whether starts count from each opening or from midnight.",
                        max_length=7,
                        verbose_name="alignment",
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
                    "holiday_country",
                    models.CharField(
                        blank=True,
                        help_text="Closed on its public holidays; a code of two letters, as DE.",
                        max_length=2,
                        verbose_name="country of public holidays",
                    ),
                ),
                (
                    "holiday_subdivision",
                    models.CharField(
                        blank=True,
                        help_text="For the holidays of a state or province, as BY.",
                        max_length=64,
                        verbose_name="subdivision of that country",
                    ),
                ),
                (
                    "revision",
                    models.BigIntegerField(default=0, editable=False, verbose_name="revision"),
                ),
                (
                    "created_at",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "updated_at",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="updated at"
                    ),
                ),
                (
                    "default_of",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                provider__isnull=True,
                                then=django.db.models.functions.comparison.Coalesce(
                                    django.db.models.functions.comparison.Cast(
                                        "tenant",
                                        bookings.models.fields.ExactCharField(
                                            max_length=191, null=True
                                        ),
                                    ),
                                    models.Value(""),
                                ),
                            )
                        ),
                        output_field=bookings.models.fields.ExactCharField(
                            max_length=191, null=True
                        ),
                    ),
                ),
                (
                    "provider",
                    bookings.models.fields.SettingOneToOneField(
                        blank=True,
                        help_text="Empty for the default of those who have no schedule of their own.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="booking_schedule",
                        setting="PROVIDER_MODEL",
                        verbose_name="provider",
                    ),
                ),
                (
                    "tenant",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schedules",
                        setting="TENANT_MODEL",
                        verbose_name="tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "schedule",
                "verbose_name_plural": "schedules",
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("slot_step_minutes__gte", 1), ("slot_step_minutes__lte", 1440)
                        ),
                        name="bookings_schedule_step",
                    ),
                    models.UniqueConstraint(
                        fields=("default_of",),
                        name="bookings_schedule_one_default",
                        violation_error_code="schedule_exists",
                        violation_error_message="There is a default schedule already. Change that one.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DateOverride",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("open_time", models.TimeField(blank=True, null=True, verbose_name="opens")),
                ("close_time", models.TimeField(blank=True, null=True, verbose_name="closes")),
                (
                    "closes_next_day",
                    models.BooleanField(
                        default=False,
                        help_text="For a shift that crosses midnight, or ends then.",
                        verbose_name="closes on the next day",
                    ),
                ),
                ("is_closed", models.BooleanField(default=False, verbose_name="closed")),
                ("date", models.DateField(verbose_name="date")),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        help_text="Clients may be shown it.",
                        max_length=255,
                        verbose_name="reason",
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="overrides",
                        to="bookings_schedule.schedule",
                        verbose_name="schedule",
                    ),
                ),
            ],
            options={
                "verbose_name": "date override",
                "verbose_name_plural": "date overrides",
                "ordering": ["date", "open_time", "id"],
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("close_time__isnull", True),
                                ("closes_next_day", False),
                                ("is_closed", True),
                                ("open_time__isnull", True),
                            ),
                            models.Q(
                                ("close_time__isnull", False),
                                ("is_closed", False),
                                ("open_time__isnull", False),
                                ("close_time__gt", models.F("open_time")),
                                ("closes_next_day", False),
                            ),
                            models.Q(
                                ("close_time__isnull", False),
                                ("is_closed", False),
                                ("open_time__isnull", False),
                                ("close_time__lte", models.F("open_time")),
                                ("closes_next_day", True),
                            ),
                            _connector="OR",
                        ),
                        name="bookings_schedule_dateoverride_shift",
                    ),
                    models.UniqueConstraint(
                        fields=("schedule", "date", "open_time"),
                        name="bookings_schedule_one_opening_of_date",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BusinessHours",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("open_time", models.TimeField(blank=True, null=True, verbose_name="opens")),
                ("close_time", models.TimeField(blank=True, null=True, verbose_name="closes")),
                (
                    "closes_next_day",
                    models.BooleanField(
                        default=False,
                        help_text="For a shift that crosses midnight, or ends then.",
                        verbose_name="closes on the next day",
                    ),
                ),
                ("is_closed", models.BooleanField(default=False, verbose_name="closed")),
                (
                    "day_of_week",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ],
                        validators=[django.core.validators.MaxValueValidator(6)],
                        verbose_name="day",
                    ),
                ),
                (
                    "valid_from",
                    models.DateField(
                        blank=True,
                        help_text="The first day; empty for always.",
                        null=True,
                        verbose_name="valid from",
                    ),
                ),
                (
                    "valid_until",
                    models.DateField(
                        blank=True,
                        help_text="The last day; empty for always.",
                        null=True,
                        verbose_name="valid until",
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hours",
                        to="bookings_schedule.schedule",
                        verbose_name="schedule",
                    ),
                ),
            ],
            options={
                "verbose_name": "business hours",
                "verbose_name_plural": "business hours",
                "ordering": ["day_of_week", "open_time", "id"],
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("close_time__isnull", True),
                                ("closes_next_day", False),
                                ("is_closed", True),
                                ("open_time__isnull", True),
                            ),
                            models.Q(
                                ("close_time__isnull", False),
                                ("is_closed", False),
                                ("open_time__isnull", False),
                                ("close_time__gt", models.F("open_time")),
                                ("closes_next_day", False),
                            ),
                            models.Q(
                                ("close_time__isnull", False),
                                ("is_closed", False),
                                ("open_time__isnull", False),
                                ("close_time__lte", models.F("open_time")),
                                ("closes_next_day", True),
                            ),
                            _connector="OR",
                        ),
                        name="bookings_schedule_businesshours_shift",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("day_of_week__gte", 0), ("day_of_week__lte", 6)),
                        name="bookings_schedule_day_of_week",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_from__isnull", True),
                            ("valid_until__isnull", True),
                            ("valid_until__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="bookings_schedule_validity",
                    ),
                    models.UniqueConstraint(
                        fields=("schedule", "day_of_week", "open_time", "valid_from"),
                        name="bookings_schedule_one_opening",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("valid_from__isnull", True)),
                        fields=("schedule", "day_of_week", "open_time"),
                        name="bookings_schedule_one_opening_always",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TimeOff",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("start_at", models.DateTimeField(verbose_name="start")),
                ("end_at", models.DateTimeField(verbose_name="end")),
                ("reason", models.CharField(blank=True, max_length=255, verbose_name="reason")),
                (
                    "created_at",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "busy_interval",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="time_off",
                        to="bookings.busyinterval",
                        verbose_name="busy interval",
                    ),
                ),
                (
                    "created_by",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=bookings.models.deletion.keep_name,
                        related_name="time_off_created",
                        setting="USER_MODEL",
                        verbose_name="created by",
                    ),
                ),
                (
                    "created_by_name",
                    models.CharField(
                        blank=True,
                        default="",
                        editable=False,
                        max_length=255,
                        verbose_name="name of who created it",
                    ),
                ),
                (
                    "provider",
                    bookings.models.fields.SettingForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="time_off",
                        setting="PROVIDER_MODEL",
                        verbose_name="provider",
                    ),
                ),
            ],
            options={
                "verbose_name": "time off",
                "verbose_name_plural": "time off",
                "ordering": ["start_at", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end_at__gt", models.F("start_at"))),
                        name="bookings_schedule_time_off_ends",
                    ),
                ],
            },
        ),
    ]
