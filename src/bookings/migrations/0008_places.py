"""Where a booking takes place, and what the client reads."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0007_resources")]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="location",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Where it takes place.",
                max_length=500,
                verbose_name="location",
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="meeting_link",
            field=models.CharField(
                blank=True, default="", max_length=500, verbose_name="meeting link"
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="client_language",
            field=models.CharField(
                blank=True,
                default="",
                help_text="For messages: a code such as en or pt-br.",
                max_length=35,
                verbose_name="client's language",
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="client_timezone",
            field=models.CharField(
                blank=True,
                default="",
                help_text="An IANA name such as Europe/Berlin.",
                max_length=64,
                verbose_name="client's time zone",
            ),
        ),
    ]
