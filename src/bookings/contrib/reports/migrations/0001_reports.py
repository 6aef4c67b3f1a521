"""The page of the reports, which has permissions and no table."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    initial = True

    dependencies = [("bookings", "0012_menu_pages")]

    operations = [
        migrations.CreateModel(
            name="ReportsPage",
            fields=[],
            options={
                "verbose_name": "reports",
                "verbose_name_plural": "reports",
                "default_permissions": (),
                "permissions": [
                    ("view_reports", "Can view reports"),
                    ("export_personal_data", "Can export personal data"),
                ],
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("bookings.calendar",),
        )
    ]
