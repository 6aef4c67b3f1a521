"""The slots of a month as django-appointment's page has them, day by day."""

from __future__ import annotations

from tests.benchmarks.workers.django_appointment import DjangoAppointment

# isort: split
# That has set Django up.

from datetime import UTC, datetime, time

from appointment.models import Appointment, AppointmentRequest, WorkingHours
from appointment.services import get_available_slots_for_staff
from appointment.utils.db_helpers import get_weekday_num_from_date

from tests.benchmarks.workers.month import CLOSES, DAYS, OPENS, STEP_MINUTES, MonthWorker, moment
from tests.benchmarks.workers.worker import serve


class DjangoAppointmentMonthWorker(DjangoAppointment, MonthWorker):
    def connect(self) -> None:
        super().connect()
        self.listings = {"get_available_slots_for_staff": self.day_by_day}

    def claim(self, *, claims: list[tuple[int, int]]) -> None:
        WorkingHours.objects.update(start_time=time(OPENS), end_time=time(CLOSES))
        self.staff[0].slot_duration = STEP_MINUTES
        self.staff[0].save()
        for starts, ends in claims:
            request = AppointmentRequest.objects.create(
                date=moment(starts).date(),
                start_time=moment(starts).time(),
                end_time=moment(ends).time(),
                service=self.service,
                staff_member=self.staff[0],
            )
            Appointment.objects.create(client=self.request.user, appointment_request=request)

    def day_by_day(self) -> list[datetime]:
        return [
            start.replace(tzinfo=UTC)
            for day in DAYS
            for start in get_available_slots_for_staff(
                day, self.staff[0], get_weekday_num_from_date(day), service=self.service
            )
        ]


if __name__ == "__main__":
    serve(DjangoAppointmentMonthWorker)
