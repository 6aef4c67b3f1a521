"""The worker of mroudai-django-bookings 0.1.0: its ``create_booking``, as its README says.

Its migrations do not run on an empty database, for they depend on nothing that makes a host's
models, so its tables are made from its models; and so are all others, for those come first.
"""

from __future__ import annotations

import django
from django.conf import settings

from tests.benchmarks.workers.worker import Worker, count_doubled, database, serve

HOST = "tests.benchmarks.workers.mroudai_host"

settings.configure(
    DATABASES={"default": database()},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", HOST, "bookings"],
    MIGRATION_MODULES={"auth": None, "contenttypes": None, "bookings": None},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    BOOKINGS_SERVICE_MODEL="mroudai_host.Service",
    BOOKINGS_PROVIDER_MODEL="mroudai_host.Provider",
    BOOKINGS_ADDON_MODEL="mroudai_host.ServiceAddon",
    BOOKINGS_SLOT_VALIDATION_MODE="NONE",
)
django.setup()

from datetime import datetime  # noqa: E402 - the apps have to be ready first

from django.core.exceptions import ValidationError  # noqa: E402
from django.core.management import call_command  # noqa: E402

from bookings.models import Booking, BookingEvent  # noqa: E402
from bookings.services import create_booking  # noqa: E402
from tests.benchmarks.workers import copying  # noqa: E402
from tests.benchmarks.workers.mroudai_host.models import Provider, Service  # noqa: E402


class Mroudai(Worker):
    refusals = (ValidationError,)
    tables = [Booking._meta.db_table, BookingEvent._meta.db_table]

    def create_tables(self, *, providers: int) -> None:
        call_command("migrate", run_syncdb=True, verbosity=0)
        Service.objects.create(name="An hour")
        Provider.objects.bulk_create(Provider(name=str(number)) for number in range(providers))

    def connect(self) -> None:
        self.service = Service.objects.get()
        self.providers = list(Provider.objects.order_by("pk"))
        self.ways = {"create_booking": self.create}

    def create(self, provider: int, start: datetime) -> Booking:
        return create_booking(
            service=self.service,
            provider=self.providers[provider],
            start_at=start,
            client_name="Ada",
        )

    def store(self, *, past: range, ahead: range) -> None:
        template = self.create(0, datetime.fromisoformat("2098-01-01T00:00:00+00:00"))
        event = template.events.get()
        before = copying.newest(Booking)
        for wanted, first, status in (
            (past, copying.PAST, "COMPLETED"),
            (ahead, copying.AHEAD, "CONFIRMED"),
        ):
            hours = f"(number / {len(self.providers)}) * interval '1 hour'"
            copying.copy(
                template,
                copying.numbers(wanted),
                reference=f"'BK-{first[:4]}-' || {copying.SCATTERED.format(number='number')}",
                provider_id=copying.taking_turns([each.pk for each in self.providers]),
                status=f"'{status}'",
                start_at=f"timestamptz '{first}' + {hours}",
                end_at=f"timestamptz '{first}' + {hours} + interval '1 hour'",
            )
        made = f"(SELECT id FROM {Booking._meta.db_table} WHERE id > {before}) AS made"
        copying.copy(event, made, booking_id="made.id")
        template.delete()

    def doubled(self) -> int:
        return count_doubled(Booking._meta.db_table, "provider_id", "start_at")


if __name__ == "__main__":
    serve(Mroudai)
