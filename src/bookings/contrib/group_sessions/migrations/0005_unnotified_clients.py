"""Since when a client who was promoted from a waitlist has not been told."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings_group_sessions", "0004_resources")]

    operations = [
        migrations.AddField(
            model_name="waitlistentry",
            name="unnotified_since",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the client was promoted, until somebody has told them.",
                null=True,
                verbose_name="not notified since",
            ),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(fields=["unnotified_since"], name="bookings_sessions_unnotified"),
        ),
    ]
