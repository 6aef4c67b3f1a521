import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Lesson",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("duration_minutes", models.PositiveIntegerField(default=45)),
            ],
        ),
        migrations.CreateModel(
            name="Rental",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("extra_duration_minutes", models.PositiveIntegerField(default=0)),
                ("price_amount", models.DecimalField(decimal_places=2, max_digits=10, null=True)),
                ("currency", models.CharField(default="EUR", max_length=3)),
            ],
        ),
        migrations.CreateModel(
            name="Room",
            fields=[
                ("slug", models.CharField(max_length=50, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
            ],
        ),
    ]
