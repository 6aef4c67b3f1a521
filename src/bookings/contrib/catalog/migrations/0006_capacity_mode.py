"""What the capacity of a service counts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings_catalog", "0005_resource_pools")]

    operations = [
        migrations.AddField(
            model_name="service",
            name="capacity_mode",
            field=models.CharField(
                choices=[("SLOT", "Of a slot"), ("CONCURRENT", "At any time")],
                default="SLOT",
                help_text=(
                    "At any time: bookings with different starts share the seats, as of desks."
                ),
                max_length=10,
                verbose_name="what the capacity counts",
            ),
        ),
    ]
