"""The resources of sessions, such as their rooms."""

import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
from django.db import migrations, models

import bookings.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0007_resources"),
        ("bookings_group_sessions", "0003_location"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="resource_count",
            field=models.PositiveSmallIntegerField(
                default=0, editable=False, verbose_name="number of resources"
            ),
        ),
        migrations.CreateModel(
            name="SessionResource",
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
                    "busy_interval",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="session_resources",
                        to="bookings.busyinterval",
                        verbose_name="busy interval",
                    ),
                ),
                (
                    "provider",
                    bookings.models.fields.SettingForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resource_sessions",
                        setting="PROVIDER_MODEL",
                        verbose_name="resource",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resources",
                        to="bookings_group_sessions.session",
                        verbose_name="session",
                    ),
                ),
            ],
            options={
                "verbose_name": "session resource",
                "verbose_name_plural": "session resources",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("session", "provider"), name="bookings_sessions_unique_resource"
                    )
                ],
            },
        ),
    ]
