"""What the lifecycle needs to know of a booking. Nullable columns: no stored row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0002_initial")]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="terms",
            field=models.JSONField(
                blank=True, default=None, editable=False, null=True, verbose_name="terms"
            ),
        ),
    ]
