"""The table that the tenant column points at where a host has no tenants.

On its own, so that a host's tenant, service or user model may itself refer to this app.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
            options={"verbose_name": "tenant", "verbose_name_plural": "tenants"},
        ),
    ]
