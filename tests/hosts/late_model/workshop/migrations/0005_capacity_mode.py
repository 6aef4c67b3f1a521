from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workshop", "0004_lifecycle")]

    operations = [
        migrations.AddField(
            model_name="repair",
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
