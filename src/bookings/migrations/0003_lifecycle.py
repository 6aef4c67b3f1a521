"""What the lifecycle needs to know of a booking, and amounts with three decimals."""

from django.db import migrations, models

import bookings.indexes


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
            index=bookings.indexes.CaselessIndex(
                fields=["client_email"], name="bookings_client_email"
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["client_phone"], name="bookings_client_phone"),
        ),
    ]
