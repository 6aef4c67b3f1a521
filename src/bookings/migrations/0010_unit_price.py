"""The price of the service that a booking keeps, by which another length is priced."""

from django.db import migrations

import bookings.models.fields


class Migration(migrations.Migration):
    dependencies = [("bookings", "0009_concurrent_bookings")]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="unit_price",
            field=bookings.models.fields.AmountField(
                blank=True,
                decimal_places=3,
                editable=False,
                help_text="By the hour, if that is how it is priced.",
                max_digits=11,
                null=True,
                verbose_name="price of the service",
            ),
        ),
    ]
