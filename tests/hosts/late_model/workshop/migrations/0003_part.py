from django.db import migrations, models

import bookings.abstract


class Migration(migrations.Migration):
    dependencies = [
        ("workshop", "0002_repair"),
    ]

    operations = [
        migrations.CreateModel(
            name="Part",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                (
                    "extra_duration_minutes",
                    models.PositiveIntegerField(default=0, verbose_name="extra duration"),
                ),
                (
                    "price_amount",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=10, null=True, verbose_name="price"
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        default=bookings.models.fields.default_currency,
                        max_length=3,
                        verbose_name="currency",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
            ],
            options={
                "ordering": ["name"],
                "abstract": False,
            },
        ),
    ]
