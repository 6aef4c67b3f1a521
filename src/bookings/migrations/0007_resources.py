"""Further providers whose time a booking takes, and the turns of the providers of a pool."""

import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
from django.db import migrations, models

import bookings.models.fields


class Migration(migrations.Migration):
    dependencies = [("bookings", "0006_answers")]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="resource_count",
            field=models.PositiveSmallIntegerField(
                default=0, editable=False, verbose_name="number of resources"
            ),
        ),
        migrations.AddField(
            model_name="calendar",
            name="chosen_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When a pool that takes turns has last chosen this provider.",
                null=True,
                verbose_name="chosen at",
            ),
        ),
        migrations.AlterField(
            model_name="busyinterval",
            name="kind",
            field=models.CharField(
                choices=[
                    ("BOOKING", "Booking"),
                    ("RESOURCE", "Resource of a booking"),
                    ("SESSION", "Session"),
                    ("TIME_OFF", "Time off"),
                    ("EXTERNAL", "External"),
                ],
                default="BOOKING",
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.CreateModel(
            name="BookingResource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "provider_name",
                    models.CharField(
                        blank=True,
                        default="",
                        editable=False,
                        max_length=255,
                        verbose_name="name of the resource",
                    ),
                ),
                (
                    "buffer_before_minutes",
                    models.PositiveIntegerField(default=0, verbose_name="buffer before"),
                ),
                (
                    "buffer_after_minutes",
                    models.PositiveIntegerField(default=0, verbose_name="buffer after"),
                ),
                (
                    "pool",
                    models.JSONField(
                        blank=True,
                        default=None,
                        editable=False,
                        help_text="The keys of the providers of which any one will do, and the strategy; empty if it has to be this one.",
                        null=True,
                        verbose_name="pool",
                    ),
                ),
                (
                    "created_at",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resources",
                        to="bookings.booking",
                        verbose_name="booking",
                    ),
                ),
                (
                    "busy_interval",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="resources",
                        to="bookings.busyinterval",
                        verbose_name="busy interval",
                    ),
                ),
                (
                    "provider",
                    bookings.models.fields.SettingForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resource_bookings",
                        setting="PROVIDER_MODEL",
                        verbose_name="resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "booking resource",
                "verbose_name_plural": "booking resources",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("booking", "provider"), name="bookings_unique_booking_resource"
                    )
                ],
            },
        ),
    ]
