"""The worker of this package, and beside it what it does, sent raw."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings.schedule_and_series")
django.setup()

from datetime import UTC, datetime, timedelta  # noqa: E402 - the apps have to be ready first
from functools import partial  # noqa: E402
from typing import Any, ClassVar, Final  # noqa: E402
from unittest.mock import patch  # noqa: E402

from django.apps import apps  # noqa: E402
from django.contrib.admin import site  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.utils import timezone  # noqa: E402

from bookings.conf import app_settings  # noqa: E402
from bookings.exceptions import BookingError  # noqa: E402
from bookings.ledger import postgres  # noqa: E402
from bookings.models import Booking, BookingEvent, BusyInterval, Calendar  # noqa: E402
from bookings.selectors import get_busy_intervals  # noqa: E402
from bookings.services import (  # noqa: E402
    cancel_booking,
    create_booking,
    reschedule_booking,
)
from tests.benchmarks.history import A_DAY, store_history  # noqa: E402
from tests.benchmarks.sample_data import fill  # noqa: E402
from tests.benchmarks.workers.copying import AHEAD  # noqa: E402
from tests.benchmarks.workers.raw import Raw  # noqa: E402
from tests.benchmarks.workers.worker import Worker, count_doubled, database, serve  # noqa: E402

MONTH: Final = timedelta(days=30)


class Ours(Worker):
    refusals = (BookingError,)
    tables: ClassVar = [
        model._meta.db_table for model in (Booking, BookingEvent, BusyInterval, Calendar)
    ]

    def create_tables(self, *, providers: int) -> None:
        call_command("migrate", verbosity=0)
        apps.get_model(app_settings.SERVICE_MODEL).objects.create(name="An hour")
        provider = apps.get_model(app_settings.PROVIDER_MODEL)
        provider.objects.bulk_create(provider(name=str(number)) for number in range(providers))
        Calendar.objects.bulk_create(Calendar(provider=each) for each in provider.objects.all())

    def connect(self) -> None:
        self.service = apps.get_model(app_settings.SERVICE_MODEL).objects.get()
        self.providers = list(apps.get_model(app_settings.PROVIDER_MODEL).objects.order_by("pk"))
        self.raw = Raw(database(), self.service.pk)
        self.ways = {
            "the same statements, raw": self.raw_in_steps,
            "one statement by hand, raw": self.raw_at_once,
            "create_booking": self.create,
            "create_booking, in steps": self.create_in_steps,
            "reschedule_booking": self.reschedule,
            "cancel_booking": self.cancel,
            "get_busy_intervals": self.read,
            "upcoming, of a provider": self.upcoming_of_provider,
            "upcoming, of a client": self.upcoming_of_client,
            "day calendar, tomorrow": partial(self.calendar, 1),
            "day calendar, halfway back": self.calendar_halfway,
        }

    def store(self, *, past: range, ahead: range) -> None:
        fill(self.service, self.providers, past=past, ahead=ahead)

    def store_history(self, *, past: int, ahead: int) -> None:
        store_history(self.service, self.providers, past=past, ahead=ahead)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        self.days_halfway = max(1, past // (2 * A_DAY * len(self.providers)))
        to_come = Booking.objects.upcoming()[:1_000]
        self.emails = list(to_come.values_list("client_email", flat=True))
        self.staff = get_user_model().objects.create_superuser("staff")

    def doubled(self) -> int:
        return count_doubled(Booking._meta.db_table, "provider_id", "start_at")

    def raw_in_steps(self, provider: int, start: datetime) -> None:
        self.raw.book_in_steps(self.providers[provider].pk, start)

    def raw_at_once(self, provider: int, start: datetime) -> None:
        self.raw.book_at_once(self.providers[provider].pk, start)

    def create(self, provider: int, start: datetime) -> None:
        self.latest = create_booking(
            service=self.service,
            provider=self.providers[provider],
            start_at=start,
            client_name="Ada",
        )

    def create_in_steps(self, provider: int, start: datetime) -> None:
        with patch.object(postgres, "can_insert", return_value=False):
            self.create(provider, start)

    def reschedule(self, _provider: int, start: datetime) -> None:
        """Move the booking that was made last."""
        reschedule_booking(self.latest, new_start_at=start)

    def cancel(self, _provider: int, _start: datetime) -> None:
        """Cancel the booking that was made last."""
        cancel_booking(self.latest)

    def read(self, provider: int, _start: datetime) -> Any:
        """The month in which the bookings of the fill that are still to come begin."""
        begin = datetime.fromisoformat(AHEAD).replace(tzinfo=UTC)
        return get_busy_intervals(self.providers[provider], begin, begin + MONTH) or None

    def upcoming_of_provider(self, provider: int, _start: datetime) -> Any:
        return list(Booking.objects.for_provider(self.providers[provider]).upcoming()[:20]) or None

    def upcoming_of_client(self, provider: int, _start: datetime) -> Any:
        """Those of the client of some booking that is still to come."""
        email = self.emails[provider % len(self.emails)]
        return list(Booking.objects.for_client(email=email).upcoming()) or None

    def calendar_halfway(self, provider: int, start: datetime) -> Any:
        """A day in the middle of the history."""
        return self.calendar(-self.days_halfway, provider, start)

    def calendar(self, days: int, _provider: int, _start: datetime) -> Any:
        """The page of a day in the admin, but for its HTML."""
        request = RequestFactory().get(
            "/calendar/", {"day": str(timezone.now().date() + timedelta(days=days))}
        )
        request.user = self.staff
        return site.get_model_admin(Booking).calendar_view(request)


if __name__ == "__main__":
    serve(Ours)
