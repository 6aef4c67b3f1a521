"""Sessions, who sits in them, and who waits for one.

A host's models are named by their settings, so this file is the same for every host.
"""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
from django.db import migrations, models

import bookings.models.client_identity
import bookings.models.deletion
import bookings.models.fields
from bookings.conf import app_settings


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("bookings", "0003_lifecycle"),
        app_settings.dependency("SERVICE_MODEL"),
        app_settings.dependency("PROVIDER_MODEL"),
        app_settings.dependency("TENANT_MODEL"),
        app_settings.dependency("USER_MODEL"),
    ]

    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(blank=True, max_length=255, verbose_name="title")),
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
                ("capacity", models.PositiveIntegerField(default=10, verbose_name="capacity")),
                (
                    "price_amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        help_text="Of a booking; empty for the service's price.",
                        max_digits=11,
                        null=True,
                        verbose_name="price",
                    ),
                ),
                (
                    "meeting_link",
                    models.CharField(
                        blank=True,
                        max_length=500,
                        validators=[django.core.validators.URLValidator(["http", "https"])],
                        verbose_name="meeting link",
                    ),
                ),
                ("enable_waitlist", models.BooleanField(default=False, verbose_name="waitlist")),
                (
                    "waitlist_offer_minutes",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How many minutes a freed seat is held for a waiting client. Leave empty to book it at once.",
                        null=True,
                        verbose_name="waitlist offer",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        default="SCHEDULED", editable=False, max_length=14, verbose_name="status"
                    ),
                ),
                (
                    "closed_by_staff",
                    models.BooleanField(
                        default=False, editable=False, verbose_name="closed by staff"
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
                    "busy_interval",
                    models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="group_session",
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
                        related_name="group_sessions_created",
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
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="group_sessions",
                        setting="PROVIDER_MODEL",
                        verbose_name="provider",
                    ),
                ),
                (
                    "service",
                    bookings.models.fields.SettingForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="group_sessions",
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
                        related_name="group_sessions",
                        setting="TENANT_MODEL",
                        verbose_name="tenant",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["provider", "start_at"], name="bookings_sessions_provider"
                    ),
                    models.Index(fields=["service", "start_at"], name="bookings_sessions_service"),
                    models.Index(fields=["status", "end_at"], name="bookings_sessions_status_end"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end_at__gt", models.F("start_at"))),
                        name="bookings_sessions_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("capacity__gte", 1)), name="bookings_sessions_capacity"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("busy_interval__isnull", False),
                            ("status__in", ["CANCELLED", "FINISHED"]),
                            _connector="OR",
                        ),
                        name="bookings_sessions_coming_has_time",
                    ),
                ],
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "ordering": ["start_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Seat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "client_key",
                    models.CharField(blank=True, max_length=64, null=True, verbose_name="client"),
                ),
                (
                    "booking",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="seat",
                        to="bookings.booking",
                        verbose_name="booking",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="seats",
                        to="bookings_group_sessions.session",
                        verbose_name="session",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("session", "client_key"), name="bookings_sessions_one_per_client"
                    )
                ],
                "verbose_name": "seat",
                "verbose_name_plural": "seats",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="WaitlistEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
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
                (
                    "client_key",
                    models.CharField(
                        blank=True, editable=False, max_length=64, null=True, verbose_name="client"
                    ),
                ),
                ("party_size", models.PositiveIntegerField(default=1, verbose_name="party size")),
                (
                    "priority",
                    models.IntegerField(
                        default=0,
                        help_text="Higher priorities are served first.",
                        verbose_name="priority",
                    ),
                ),
                ("joined_at", models.DateTimeField(verbose_name="joined at")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("WAITING", "Waiting"),
                            ("OFFERED", "Offered"),
                            ("ACCEPTED", "Accepted"),
                            ("EXPIRED", "Expired"),
                            ("LEFT", "Left"),
                        ],
                        default="WAITING",
                        editable=False,
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                (
                    "refusal",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="The code of the error that kept the client from being booked.",
                        max_length=64,
                        verbose_name="refusal",
                    ),
                ),
                (
                    "booking",
                    models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="waitlist_entry",
                        to="bookings.booking",
                        verbose_name="booking",
                    ),
                ),
                (
                    "client_user",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        null=True,
                        on_delete=bookings.models.deletion.release_client,
                        related_name="waitlist_entries",
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
                        on_delete=bookings.models.deletion.keep_name,
                        related_name="waitlist_entries_created",
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
                    "session",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waitlist",
                        to="bookings_group_sessions.session",
                        verbose_name="session",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["session", "status", "joined_at"], name="bookings_sessions_waiting"
                    ),
                    models.Index(fields=["status", "refusal"], name="bookings_sessions_refused"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("session", "client_key"), name="bookings_sessions_one_place"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("party_size__gte", 1)),
                        name="bookings_sessions_party_waits",
                    ),
                ],
                "verbose_name": "waitlist entry",
                "verbose_name_plural": "waitlist entries",
                "ordering": ["session", "-priority", "joined_at", "id"],
            },
        ),
    ]
