import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clinics", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Practitioner",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                (
                    "max_bookings_per_day",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="At most; empty for no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="bookings per day",
                    ),
                ),
                (
                    "buffer_before_minutes",
                    models.PositiveIntegerField(
                        default=0,
                        help_text=(
                            "Minutes kept free before a booking, if the service keeps fewer."
                        ),
                        verbose_name="buffer before",
                    ),
                ),
                (
                    "buffer_after_minutes",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Minutes kept free after a booking, if the service keeps fewer.",
                        verbose_name="buffer after",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="practitioners",
                        to="clinics.clinic",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "abstract": False,
            },
        ),
    ]
