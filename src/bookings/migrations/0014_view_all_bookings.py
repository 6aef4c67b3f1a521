"""The permission with which a provider sees the bookings of other providers."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("bookings", "0013_indexes_of_growth")]

    operations = [
        migrations.AlterModelOptions(
            name="booking",
            options={
                "ordering": ["start_at", "id"],
                "permissions": [("view_all_bookings", "Can see the bookings of every provider")],
                "verbose_name": "booking",
                "verbose_name_plural": "bookings",
            },
        ),
    ]
