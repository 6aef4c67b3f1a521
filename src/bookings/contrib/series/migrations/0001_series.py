"""Series and their occurrences.

A host's models are named by their settings, so this file is the same for every host.
"""

import uuid

import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
from django.db import migrations, models

import bookings.models.deletion
import bookings.models.fields
from bookings.conf import app_settings


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("bookings", "0003_lifecycle"),
        app_settings.dependency("PROVIDER_MODEL"),
        app_settings.dependency("SERVICE_MODEL"),
        app_settings.dependency("TENANT_MODEL"),
        app_settings.dependency("USER_MODEL"),
    ]

    operations = [
        migrations.CreateModel(
            name="Series",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "uuid",
                    models.UUIDField(default=uuid.uuid4, editable=False, verbose_name="UUID"),
                ),
                ("rrule", models.CharField(max_length=1000, verbose_name="rule")),
                ("timezone", models.CharField(max_length=64, verbose_name="time zone")),
                ("first_date", models.DateField(verbose_name="first date")),
                (
                    "first_time",
                    models.TimeField(
                        help_text="What the clocks of the time zone show.",
                        verbose_name="first time",
                    ),
                ),
                (
                    "exdates",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Starts of the rule that have no booking.",
                        verbose_name="left out",
                    ),
                ),
                (
                    "rdates",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Starts that the rule does not give.",
                        verbose_name="added",
                    ),
                ),
                (
                    "idempotency_key",
                    models.CharField(
                        default=None,
                        editable=False,
                        max_length=64,
                        null=True,
                        verbose_name="idempotency key",
                    ),
                ),
                (
                    "request",
                    models.CharField(
                        blank=True, editable=False, max_length=64, verbose_name="request"
                    ),
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
                    "continues",
                    models.ForeignKey(
                        blank=True,
                        help_text="The series from which this one was split off.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="continued_by",
                        to="bookings_series.series",
                        verbose_name="continues",
                    ),
                ),
                (
                    "created_by",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=bookings.models.deletion.keep_name,
                        related_name="booking_series_created",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="booking_series",
                        setting="PROVIDER_MODEL",
                        verbose_name="provider",
                    ),
                ),
                (
                    "service",
                    bookings.models.fields.SettingForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="booking_series",
                        setting="SERVICE_MODEL",
                        verbose_name="service",
                    ),
                ),
                (
                    "tenant",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="booking_series",
                        setting="TENANT_MODEL",
                        verbose_name="tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "series",
                "verbose_name_plural": "series",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("uuid",), name="bookings_series_uuid"),
                    models.UniqueConstraint(
                        fields=("idempotency_key",), name="bookings_series_idempotency_key"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Occurrence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("original_start_at", models.DateTimeField(verbose_name="original start")),
                (
                    "session_key",
                    models.BigIntegerField(
                        blank=True, editable=False, null=True, unique=True, verbose_name="session"
                    ),
                ),
                (
                    "booking",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="occurrence",
                        to="bookings.booking",
                        verbose_name="booking",
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="occurrences",
                        to="bookings_series.series",
                        verbose_name="series",
                    ),
                ),
            ],
            options={
                "verbose_name": "occurrence",
                "verbose_name_plural": "occurrences",
                "ordering": ["original_start_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("series", "original_start_at"),
                        name="bookings_series_occurrence_start",
                    )
                ],
            },
        ),
    ]
