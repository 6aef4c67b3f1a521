"""The answers that are kept for requests which are sent again."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import bookings.models.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [("bookings", "0013_indexes_of_growth")]

    operations = [
        migrations.CreateModel(
            name="StoredResponse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "principal",
                    bookings.models.fields.ExactCharField(max_length=100, verbose_name="principal"),
                ),
                (
                    "key",
                    bookings.models.fields.ExactCharField(
                        max_length=255, verbose_name="idempotency key"
                    ),
                ),
                (
                    "fingerprint",
                    models.CharField(max_length=64, verbose_name="fingerprint of the request"),
                ),
                ("status_code", models.PositiveSmallIntegerField(verbose_name="status")),
                ("headers", models.JSONField(verbose_name="headers")),
                ("body", models.TextField(verbose_name="body")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_index=True,
                        default=django.utils.timezone.now,
                        verbose_name="created at",
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stored_responses",
                        to="bookings.booking",
                        verbose_name="booking",
                    ),
                ),
            ],
            options={
                "verbose_name": "stored response",
                "verbose_name_plural": "stored responses",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("principal", "key"), name="bookings_api_key")
                ],
            },
        )
    ]
