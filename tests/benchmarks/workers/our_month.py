"""Our slots of a month, and those of mroudai-django-slots, which asks us what is busy."""

from __future__ import annotations

from tests.benchmarks.workers.ours import Ours

# isort: split
# That has set Django up.

from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from django.apps import apps
from django.conf import settings
from slots.selectors import list_available_slots as list_mroudai_slots

from bookings.conf import app_settings
from bookings.contrib.schedule.selectors import list_available_slots
from bookings.contrib.schedule.services import create_schedule
from bookings.services import create_booking
from tests.benchmarks.workers.month import CLOSES, DAYS, OPENS, STEP_MINUTES, MonthWorker, moment
from tests.benchmarks.workers.worker import serve

settings.SLOTS_GET_BUSY_INTERVALS_FUNC = "bookings.selectors.get_busy_intervals"
settings.SLOTS_GET_WORKING_WINDOWS_FUNC = f"{__name__}.get_working_windows"
settings.SLOTS_DEFAULT_INTERVAL_MINUTES = STEP_MINUTES


def get_working_windows(
    provider: Any, date: date, tz: tzinfo | None = None, tenant: Any = None
) -> list[tuple[datetime, datetime]]:
    return [(datetime.combine(date, time(OPENS), UTC), datetime.combine(date, time(CLOSES), UTC))]


class OurMonthWorker(Ours, MonthWorker):
    def connect(self) -> None:
        super().connect()
        self.listings = {"list_available_slots": self.ours, "mroudai-django-slots": self.mroudai}

    def claim(self, *, claims: list[tuple[int, int]]) -> None:
        create_schedule(
            provider=self.providers[0],
            timezone="UTC",
            slot_step_minutes=STEP_MINUTES,
            hours={day: [(f"{OPENS:02}:00", f"{CLOSES:02}:00")] for day in range(7)},
        )
        service = apps.get_model(app_settings.SERVICE_MODEL)
        half_an_hour = service.objects.create(name="Half an hour", duration_minutes=30)
        for starts, _ends in claims:
            create_booking(
                service=half_an_hour,
                provider=self.providers[0],
                start_at=moment(starts),
                client_name="Ada",
                skip_slot_validation=True,
            )

    def ours(self) -> list[datetime]:
        found = list_available_slots(
            self.service, self.providers[0], start_date=DAYS[0], end_date=DAYS[-1], tz=UTC
        )
        return [slot.start for slot in found]

    def mroudai(self) -> list[datetime]:
        found = list_mroudai_slots(
            service=self.service,
            provider=self.providers[0],
            start_date=DAYS[0],
            end_date=DAYS[-1],
            tz=UTC,
        )
        return [slot.start for day in found.values() for slot in day]


if __name__ == "__main__":
    serve(OurMonthWorker)
