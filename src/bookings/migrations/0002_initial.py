"""The ledger, the bookings, their add-ons and their history.

A host's models are named by their settings, so this file is the same for every host.
"""

import uuid

import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
from django.db import migrations, models

import bookings.abstract
import bookings.models.client_identity
import bookings.models.constraints
import bookings.models.fields
from bookings.conf import app_settings


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("bookings", "0001_tenant"),
        app_settings.dependency("TENANT_MODEL"),
        app_settings.dependency("SERVICE_MODEL"),
        app_settings.dependency("PROVIDER_MODEL"),
        app_settings.dependency("ADDON_MODEL"),
        app_settings.dependency("USER_MODEL"),
    ]

    operations = [
        migrations.CreateModel(
            name="Calendar",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("revision", models.BigIntegerField(default=0, verbose_name="revision")),
                (
                    "provider",
                    bookings.models.fields.SettingOneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="booking_calendar",
                        setting="PROVIDER_MODEL",
                        verbose_name="provider",
                    ),
                ),
            ],
            options={
                "verbose_name": "calendar",
                "verbose_name_plural": "calendars",
            },
        ),
        migrations.CreateModel(
            name="BusyInterval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts", models.BigIntegerField(verbose_name="starts")),
                ("ends", models.BigIntegerField(verbose_name="ends")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("BOOKING", "Booking"),
                            ("SESSION", "Session"),
                            ("TIME_OFF", "Time off"),
                            ("EXTERNAL", "External"),
                        ],
                        default="BOOKING",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("capacity", models.PositiveIntegerField(default=1, verbose_name="capacity")),
                ("seats_taken", models.PositiveIntegerField(default=1, verbose_name="seats taken")),
                (
                    "lapses",
                    models.BigIntegerField(
                        blank=True,
                        help_text="The second at which the hold that made this claim ends; empty if it does not.",
                        null=True,
                        verbose_name="lapses",
                    ),
                ),
                (
                    "service",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="busy_intervals",
                        setting="SERVICE_MODEL",
                        verbose_name="service",
                    ),
                ),
                (
                    "calendar",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="busy_intervals",
                        to="bookings.calendar",
                        verbose_name="calendar",
                    ),
                ),
            ],
            options={
                "verbose_name": "busy interval",
                "verbose_name_plural": "busy intervals",
                "ordering": ["starts"],
                "indexes": [models.Index(fields=["calendar", "ends"], name="bookings_busy_ends")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends__gt", models.F("starts")),
                            ("ends__lte", 68719476735),
                            ("starts__gte", 0),
                        ),
                        name="bookings_busy_ends_after_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("seats_taken__gte", 0), ("seats_taken__lte", models.F("capacity"))
                        ),
                        name="bookings_busy_seats_within_capacity",
                    ),
                    bookings.models.constraints.NoOverlap(
                        ends="ends",
                        name="bookings_busy_no_overlap",
                        owner="calendar",
                        starts="starts",
                        violation_error_code="conflict",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Booking",
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
                (
                    "reference",
                    models.CharField(blank=True, max_length=32, verbose_name="reference"),
                ),
                (
                    "version",
                    models.PositiveIntegerField(default=0, editable=False, verbose_name="version"),
                ),
                ("client_name", models.CharField(max_length=255, verbose_name="client's name")),
                (
                    "client_email",
                    models.EmailField(blank=True, max_length=254, verbose_name="client's e-mail"),
                ),
                (
                    "client_phone",
                    models.CharField(blank=True, max_length=64, verbose_name="client's phone"),
                ),
                ("client_lookup", bookings.models.client_identity.ClientLookupField()),
                ("start_at", models.DateTimeField(verbose_name="start")),
                ("end_at", models.DateTimeField(verbose_name="end")),
                (
                    "buffer_before_minutes",
                    models.PositiveIntegerField(default=0, verbose_name="buffer before"),
                ),
                (
                    "buffer_after_minutes",
                    models.PositiveIntegerField(default=0, verbose_name="buffer after"),
                ),
                (
                    "status",
                    models.CharField(
                        default="PENDING", editable=False, max_length=12, verbose_name="status"
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When a pending booking gives its time back; empty for never.",
                        null=True,
                        verbose_name="expires at",
                    ),
                ),
                (
                    "confirmed_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="confirmed at"
                    ),
                ),
                (
                    "delivered_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="delivered at"
                    ),
                ),
                (
                    "completed_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="completed at"
                    ),
                ),
                (
                    "cancelled_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="cancelled at"
                    ),
                ),
                (
                    "cancellation_reason",
                    models.TextField(
                        blank=True, editable=False, verbose_name="cancellation reason"
                    ),
                ),
                (
                    "auto_cancelled",
                    models.BooleanField(
                        default=False, editable=False, verbose_name="cancelled automatically"
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
                    models.PositiveIntegerField(default=0, verbose_name="cancellation notice"),
                ),
                (
                    "reschedule_allowed",
                    models.BooleanField(default=True, verbose_name="rescheduling allowed"),
                ),
                (
                    "reschedule_notice_minutes",
                    models.PositiveIntegerField(default=0, verbose_name="rescheduling notice"),
                ),
                ("party_size", models.PositiveIntegerField(default=1, verbose_name="party size")),
                (
                    "capacity_consumed",
                    models.PositiveIntegerField(default=1, verbose_name="seats taken"),
                ),
                (
                    "pricing_type",
                    models.CharField(blank=True, max_length=50, verbose_name="pricing type"),
                ),
                (
                    "price_amount",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=10, null=True, verbose_name="price"
                    ),
                ),
                (
                    "total_amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="The price and the add-ons.",
                        max_digits=12,
                        null=True,
                        verbose_name="total",
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
                ("notes_internal", models.TextField(blank=True, verbose_name="internal notes")),
                ("notes_client", models.TextField(blank=True, verbose_name="client's notes")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "idempotency_key",
                    models.CharField(
                        blank=True,
                        default=None,
                        editable=False,
                        max_length=255,
                        null=True,
                        verbose_name="idempotency key",
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
                    "cancelled_by",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings_cancelled",
                        setting="USER_MODEL",
                        verbose_name="cancelled by",
                    ),
                ),
                (
                    "client_user",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings",
                        setting="USER_MODEL",
                        verbose_name="client's account",
                    ),
                ),
                (
                    "created_by",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings_created",
                        setting="USER_MODEL",
                        verbose_name="created by",
                    ),
                ),
                (
                    "provider",
                    bookings.models.fields.SettingForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings",
                        setting="PROVIDER_MODEL",
                        verbose_name="provider",
                    ),
                ),
                (
                    "service",
                    bookings.models.fields.SettingForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings",
                        setting="SERVICE_MODEL",
                        verbose_name="service",
                    ),
                ),
                (
                    "tenant",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings",
                        setting="TENANT_MODEL",
                        verbose_name="tenant",
                    ),
                ),
                (
                    "busy_interval",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="bookings",
                        to="bookings.busyinterval",
                        verbose_name="busy interval",
                    ),
                ),
            ],
            options={
                "verbose_name": "booking",
                "verbose_name_plural": "bookings",
                "ordering": ["start_at", "id"],
                "indexes": [
                    models.Index(fields=["provider", "start_at"], name="bookings_provider_start"),
                    models.Index(fields=["client_user", "start_at"], name="bookings_client_start"),
                    models.Index(fields=["tenant", "start_at"], name="bookings_tenant_start"),
                    models.Index(fields=["status", "end_at"], name="bookings_status_end"),
                    models.Index(fields=["start_at"], name="bookings_start"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("uuid",), name="bookings_uuid"),
                    models.UniqueConstraint(fields=("reference",), name="bookings_reference"),
                    models.UniqueConstraint(
                        fields=("idempotency_key", "tenant"), name="bookings_idempotency_key_tenant"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("tenant__isnull", True)),
                        fields=("idempotency_key",),
                        name="bookings_idempotency_key",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BookingAddon",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name_snapshot", models.CharField(max_length=255, verbose_name="name")),
                (
                    "extra_duration_minutes_snapshot",
                    models.PositiveIntegerField(default=0, verbose_name="extra duration"),
                ),
                (
                    "price_amount_snapshot",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=10, null=True, verbose_name="price"
                    ),
                ),
                (
                    "currency_snapshot",
                    models.CharField(
                        default=bookings.models.fields.default_currency,
                        max_length=3,
                        verbose_name="currency",
                    ),
                ),
                (
                    "created_at",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "addon",
                    bookings.models.fields.SettingForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="booking_addons",
                        setting="ADDON_MODEL",
                        verbose_name="add-on",
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="addons",
                        to="bookings.booking",
                        verbose_name="booking",
                    ),
                ),
            ],
            options={
                "verbose_name": "booking add-on",
                "verbose_name_plural": "booking add-ons",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("booking", "addon"), name="unique_booking_addon"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BookingEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "event_type",
                    models.CharField(
                        choices=[
                            ("CREATED", "Created"),
                            ("CONFIRMED", "Confirmed"),
                            ("DECLINED", "Declined"),
                            ("RESCHEDULED", "Rescheduled"),
                            ("UPDATED", "Updated"),
                            ("DELIVERED", "Delivered"),
                            ("COMPLETED", "Completed"),
                            ("CANCELLED", "Cancelled"),
                            ("EXPIRED", "Expired"),
                            ("NO_SHOW", "No show"),
                            ("NOTE_ADDED", "Note added"),
                        ],
                        max_length=20,
                        verbose_name="event",
                    ),
                ),
                ("message", models.TextField(blank=True, verbose_name="message")),
                ("data", models.JSONField(blank=True, default=dict, verbose_name="data")),
                (
                    "created_at",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "actor_user",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="booking_events",
                        setting="USER_MODEL",
                        verbose_name="actor",
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="bookings.booking",
                        verbose_name="booking",
                    ),
                ),
            ],
            options={
                "verbose_name": "booking event",
                "verbose_name_plural": "booking events",
                "ordering": ["-id"],
            },
        ),
    ]
