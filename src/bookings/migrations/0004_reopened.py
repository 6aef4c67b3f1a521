"""The event of a booking that is reopened."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0003_lifecycle")]

    operations = [
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
                    ("REOPENED", "Reopened"),
                    ("NOTE_ADDED", "Note added"),
                ],
                max_length=20,
                verbose_name="event",
            ),
        ),
    ]
