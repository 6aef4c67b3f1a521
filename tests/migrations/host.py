"""Migrate one host configuration on a new database, and use its tables.

A process of its own for every configuration, because the ``*_MODEL`` settings are read once::

    DJANGO_SETTINGS_MODULE=tests.settings.tenant python -m tests.migrations.host --back

With ``--back``, it is also migrated back to nothing and forward again. With ``--admin``, staff work
in the admin of the host afterwards.

Whatever is wrong ends the process with a traceback or a message and a status that is not 0.
"""

from __future__ import annotations

import datetime
import sys
from typing import TYPE_CHECKING, Any

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import setup_test_environment
from django.utils import timezone

from tests.new_database import new_database

if TYPE_CHECKING:
    from tests.hosts.samples import Host


def migrate_and_use(*, back: bool, admin: bool) -> None:
    with new_database():
        migrate()
        # Either of them exits with a status that is not 0 when there is something to say.
        call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)
        call_command("check", databases=["default"], fail_level="ERROR")
        put_to_use()
        if back:
            call_command("flush", interactive=False, verbosity=0)
            migrate_back_and_forth()
            put_to_use()
        if admin:
            from tests.admin.smoke import use_every_admin_site

            call_command("flush", interactive=False, verbosity=0)
            setup_test_environment()
            use_every_admin_site()


def migrate_back_and_forth() -> None:
    there = tables()
    for label in ("bookings", *host_apps()):
        migrate(label, "zero")
        expect(not tables_of(label), f"`migrate {label} zero` left {tables_of(label)}")
    migrate()
    expect(tables() == there, f"there and back again differ: {tables() ^ there}")


def migrate(*args: str) -> None:
    call_command("migrate", *args, verbosity=0)


def tables() -> set[str]:
    return set(connection.introspection.table_names())


def tables_of(label: str) -> set[str]:
    models = apps.get_app_config(label).get_models(include_auto_created=True)
    return tables() & {model._meta.db_table for model in models}


def host_apps() -> list[str]:
    """The apps with migrations that are neither ours nor Django's: the host's."""
    recorded = {label for label, _ in MigrationRecorder(connection).applied_migrations()}
    return sorted(
        label
        for label in recorded - {"bookings"}
        if not apps.get_app_config(label).name.startswith("django.")
    )


def put_to_use() -> None:
    """The tables are not only there: they hold what they are for."""
    from tests.hosts.samples import make_host

    host = make_host()
    book_and_be_refused(host)
    if apps.is_installed("bookings.contrib.schedule"):
        keep_hours_and_take_time_off(host)


def book_and_be_refused(host: Host) -> None:
    """A booking is taken, and a second one refused."""
    from bookings.exceptions import BookingConflict
    from bookings.services import create_booking

    details: dict[str, Any] = {
        "service": host.service,
        "provider": host.provider,
        "tenant": host.tenant,
        "addon_ids": [host.addon.pk],
        "start_at": timezone.now() + datetime.timedelta(days=1),
        "client_name": "Ada",
    }
    booking = create_booking(**details)
    stored = type(booking)._default_manager.get(pk=booking.pk)
    expect(stored.service == host.service, "the booking forgot its service")
    expect(stored.provider == host.provider, "the booking forgot its provider")
    expect(stored.tenant == host.tenant, "the booking forgot its tenant")
    expect(stored.addons.get().addon == host.addon, "the booking forgot its add-on")
    try:
        create_booking(**details)
    except BookingConflict:
        return
    sys.exit("Two bookings hold the same time.")


def keep_hours_and_take_time_off(host: Host) -> None:
    """A provider's hours, a default, closed days and time off; whatever the keys are."""
    from bookings.contrib.schedule import services
    from bookings.contrib.schedule.exceptions import ScheduleExists, TimeOffConflict
    from bookings.models import Booking

    (booking,) = Booking.objects.all()
    hours = {day: [("09:00", "24:00")] for day in range(7)}
    services.create_schedule(tenant=host.tenant, hours=hours)
    schedule = services.create_schedule(provider=host.provider, hours=hours)
    expect(schedule.hours.count() == 7, "the schedule forgot its hours")
    expect(host.provider.booking_schedule == schedule, "the schedule forgot its provider")
    day = booking.start_at.date()
    closed = services.add_closures(providers=[host.provider], first_date=day)
    expect(closed.bookings == [booking], "the closed day does not know its booking")
    time_off = services.take_time_off(
        provider=host.provider,
        # The next whole second is the first that the booking leaves.
        start_at=booking.end_at + datetime.timedelta(seconds=1),
        end_at=booking.end_at + datetime.timedelta(days=1),
    )
    try:
        services.move_time_off(time_off, start_at=booking.start_at, end_at=time_off.end_at)
        sys.exit("Time off lies over a booking.")
    except TimeOffConflict as refusal:
        expect(refusal.bookings == [booking], "the conflict does not know its booking")
    services.cancel_time_off(time_off)
    try:
        services.create_schedule(tenant=host.tenant)
        sys.exit("A tenant has two default schedules.")
    except ScheduleExists:
        return


def expect(truth: bool, otherwise: str) -> None:
    if not truth:
        sys.exit(f"{settings.SETTINGS_MODULE} on {connection.vendor}: {otherwise}")


if __name__ == "__main__":
    django.setup()
    migrate_and_use(back="--back" in sys.argv, admin="--admin" in sys.argv)
