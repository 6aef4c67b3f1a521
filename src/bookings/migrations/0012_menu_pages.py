"""Pages of the admin's menu, which have no table."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("bookings", "0011_wall_lengths")]

    operations = [
        migrations.CreateModel(
            name=name,
            fields=[],
            options={
                "verbose_name": label,
                "verbose_name_plural": label,
                "default_permissions": (),
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("bookings.calendar",),
        )
        for name, label in (
            ("CalendarPage", "calendar"),
            ("AttentionPage", "needs attention"),
            ("TodayPage", "today"),
        )
    ]
