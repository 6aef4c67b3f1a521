"""Sessions remember the slot that they were generated for."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bookings_group_sessions", "0001_group_sessions"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="slot_start_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="start of the slot"
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="slot_end_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="end of the slot"
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="slot_calendar",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="group_sessions_of_slots",
                to="bookings.calendar",
                verbose_name="calendar of the slot",
            ),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                fields=["slot_calendar", "slot_start_at"], name="bookings_sessions_slot"
            ),
        ),
        migrations.AlterField(
            model_name="session",
            name="price_amount",
            field=models.DecimalField(
                blank=True,
                decimal_places=3,
                help_text="The price of a seat. Leave empty for the service's price.",
                max_digits=11,
                null=True,
                verbose_name="price",
            ),
        ),
    ]
