"""Which user a provider is."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("bookings_catalog", "0009_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="provider",
            name="user",
            field=models.ForeignKey(
                blank=True,
                help_text="The account of the provider, who sees only their own bookings with it.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="booking_providers",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
    ]
