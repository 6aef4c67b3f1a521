"""Pools of resources, and which of them a service needs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bookings_catalog", "0004_questions"),
    ]

    operations = [
        migrations.AddField(
            model_name="service",
            name="has_pools",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.CreateModel(
            name="ResourcePool",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                (
                    "strategy",
                    models.CharField(
                        choices=[
                            ("first", "In the order of their names"),
                            ("least_busy", "The least busy first"),
                            ("round_robin", "In turn"),
                        ],
                        default="first",
                        max_length=20,
                        verbose_name="order",
                    ),
                ),
                (
                    "members",
                    models.ManyToManyField(
                        related_name="resource_pools",
                        to="bookings_catalog.provider",
                        verbose_name="members",
                    ),
                ),
            ],
            options={
                "verbose_name": "resource pool",
                "verbose_name_plural": "resource pools",
                "ordering": ["name", "id"],
            },
        ),
        migrations.AddField(
            model_name="service",
            name="pools",
            field=models.ManyToManyField(
                blank=True,
                help_text="A booking takes one member of each, besides its provider.",
                related_name="services",
                to="bookings_catalog.resourcepool",
                verbose_name="resource pools",
            ),
        ),
    ]
