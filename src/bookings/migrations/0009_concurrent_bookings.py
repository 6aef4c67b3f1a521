"""Concurrent bookings: their claims overlap, and segments store what they take together."""

from django.db import migrations, models

import bookings.models.constraints


class Migration(migrations.Migration):
    dependencies = [("bookings", "0008_places")]

    operations = [
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
                    ("CONCURRENT", "Concurrent booking"),
                    ("SEGMENT", "Concurrent bookings"),
                ],
                default="BOOKING",
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="busyinterval",
            name="bookings_busy_no_overlap",
        ),
        migrations.AddConstraint(
            model_name="busyinterval",
            constraint=bookings.models.constraints.NoOverlap(
                ends="ends",
                name="bookings_busy_no_overlap",
                owner="calendar",
                starts="starts",
                unless=("kind", "CONCURRENT"),
            ),
        ),
    ]
