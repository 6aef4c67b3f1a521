from django.db import migrations

from bookings.operations import RetargetForeignKey


def give_all_to_the_first_organisation(apps, schema_editor):
    organisations = apps.get_model("orgs", "Organisation").objects
    bookings = apps.get_model("bookings", "Booking").objects
    if bookings.exists():
        bookings.update(tenant_id=organisations.create(name="The first").pk)


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0001_organisation"),
        ("bookings", "0002_initial"),
        ("bookings_schedule", "0001_schedule"),
        ("bookings_series", "0001_series"),
        ("bookings_group_sessions", "0001_group_sessions"),
        ("bookings_payments", "0001_payments"),
    ]

    operations = [
        # Before the rows are changed: the old foreign key would refuse the new values.
        RetargetForeignKey("Booking", "tenant"),
        RetargetForeignKey("bookings_schedule.Schedule", "tenant"),
        RetargetForeignKey("bookings_series.Series", "tenant"),
        RetargetForeignKey("bookings_group_sessions.Session", "tenant"),
        RetargetForeignKey("bookings_payments.RefundPolicy", "tenant"),
        migrations.RunPython(give_all_to_the_first_organisation, migrations.RunPython.noop),
    ]
