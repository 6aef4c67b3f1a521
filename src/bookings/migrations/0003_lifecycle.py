"""What the lifecycle needs to know of a booking, and amounts with three decimals."""

from django.db import migrations, models

import bookings.models.deletion
import bookings.models.fields
import bookings.models.indexes


class Migration(migrations.Migration):
    dependencies = [("bookings", "0002_initial")]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="terms",
            field=models.JSONField(
                blank=True, default=None, editable=False, null=True, verbose_name="terms"
            ),
        ),
        migrations.CreateModel(
            name="ClientLock",
            fields=[
                (
                    "client",
                    models.CharField(
                        max_length=64, primary_key=True, serialize=False, verbose_name="client"
                    ),
                ),
                ("locked_at", models.DateTimeField(verbose_name="locked at")),
            ],
            options={
                "verbose_name": "client's lock",
                "verbose_name_plural": "clients' locks",
            },
        ),
        migrations.AddField(
            model_name="booking",
            name="requested_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="requested at"
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="two_sided_completion",
            field=models.BooleanField(
                default=False,
                help_text="The provider delivers, and the client confirms it.",
                verbose_name="two-sided completion",
            ),
        ),
        migrations.AlterField(
            model_name="booking",
            name="price_amount",
            field=models.DecimalField(
                blank=True, decimal_places=3, max_digits=11, null=True, verbose_name="price"
            ),
        ),
        migrations.AlterField(
            model_name="booking",
            name="total_amount",
            field=models.DecimalField(
                blank=True,
                decimal_places=3,
                help_text="The price and the add-ons.",
                max_digits=13,
                null=True,
                verbose_name="total",
            ),
        ),
        migrations.AlterField(
            model_name="bookingaddon",
            name="price_amount_snapshot",
            field=models.DecimalField(
                blank=True, decimal_places=3, max_digits=11, null=True, verbose_name="price"
            ),
        ),
        migrations.AlterField(
            model_name="bookingevent",
            name="event_type",
            field=models.CharField(
                choices=[
                    ("CREATED", "Created"),
                    ("CONFIRMED", "Confirmed"),
                    ("DECLINED", "Declined"),
                    ("RESCHEDULED", "Rescheduled"),
                    ("UPDATED", "Updated"),
                    ("DELIVERED", "Delivered"),
                    ("COMPLETED", "Completed"),
                    ("DISPUTED", "Disputed"),
                    ("CANCELLED", "Cancelled"),
                    ("AUTO_CANCELLED", "Cancelled automatically"),
                    ("EXPIRED", "Expired"),
                    ("NO_SHOW", "No show"),
                    ("NOTE_ADDED", "Note added"),
                ],
                max_length=20,
                verbose_name="event",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=bookings.models.indexes.CaseInsensitiveIndex(
                fields=["client_email"], name="bookings_client_email"
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["client_lookup"], name="bookings_client_lookup"),
        ),
        migrations.AddField(
            model_name="booking",
            name="created_by_name",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                max_length=255,
                verbose_name="name of who created it",
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="cancelled_by_name",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                max_length=255,
                verbose_name="name of who cancelled it",
            ),
        ),
        migrations.AddField(
            model_name="bookingevent",
            name="actor_name",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                max_length=255,
                verbose_name="name of the actor",
            ),
        ),
        migrations.AlterField(
            model_name="booking",
            name="created_by",
            field=bookings.models.fields.SettingForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=bookings.models.deletion.keep_name,
                related_name="bookings_created",
                setting="USER_MODEL",
                verbose_name="created by",
            ),
        ),
        migrations.AlterField(
            model_name="booking",
            name="cancelled_by",
            field=bookings.models.fields.SettingForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=bookings.models.deletion.keep_name,
                related_name="bookings_cancelled",
                setting="USER_MODEL",
                verbose_name="cancelled by",
            ),
        ),
        migrations.AlterField(
            model_name="booking",
            name="client_user",
            field=bookings.models.fields.SettingForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=bookings.models.deletion.protect_active_client,
                related_name="bookings",
                setting="USER_MODEL",
                verbose_name="client's account",
            ),
        ),
        migrations.AlterField(
            model_name="bookingevent",
            name="actor_user",
            field=bookings.models.fields.SettingForeignKey(
                blank=True,
                null=True,
                on_delete=bookings.models.deletion.keep_name,
                related_name="booking_events",
                setting="USER_MODEL",
                verbose_name="actor",
            ),
        ),
        migrations.AlterField(
            model_name="booking",
            name="reference",
            field=bookings.models.fields.ExactCharField(
                blank=True, max_length=32, verbose_name="reference"
            ),
        ),
        migrations.AlterField(
            model_name="booking",
            name="idempotency_key",
            field=bookings.models.fields.ExactCharField(
                blank=True,
                default=None,
                editable=False,
                max_length=255,
                null=True,
                verbose_name="idempotency key",
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="service_name",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                max_length=255,
                verbose_name="name of the service",
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="provider_name",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                max_length=255,
                verbose_name="name of the provider",
            ),
        ),
    ]
