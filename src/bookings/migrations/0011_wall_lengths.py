"""How long a booking lasts by the wall clock, so that it does wherever it is moved."""

from django.db import migrations, models

import bookings.models.fields


class Migration(migrations.Migration):
    dependencies = [("bookings", "0010_unit_price")]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="duration_days",
            field=models.PositiveIntegerField(
                blank=True,
                editable=False,
                help_text="By the wall clock; empty if it was booked in minutes.",
                null=True,
                verbose_name="days",
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="ends_at_time",
            field=models.TimeField(
                blank=True,
                editable=False,
                help_text="Empty for the time of the start, or if it was booked in minutes.",
                null=True,
                verbose_name="time of the end",
            ),
        ),
        migrations.AlterField(
            model_name="booking",
            name="unit_price",
            field=bookings.models.fields.AmountField(
                blank=True,
                decimal_places=3,
                editable=False,
                help_text="By the hour or the day, if that is how it is priced.",
                max_digits=11,
                null=True,
                verbose_name="price of the service",
            ),
        ),
    ]
