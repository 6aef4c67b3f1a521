"""The worker of django-appointment: what its two views do with what a client posts.

Without what else the views do: HTTP, the session, the e-mails. It ships no migrations (a project
is told to make them), so its tables are made from its models; and so are all others, for those come
first.
"""

from __future__ import annotations

import logging

import django
from django.conf import settings

from tests.benchmarks.workers.worker import DURATION, Worker, count_doubled, database, serve

settings.configure(
    DATABASES={"default": database()},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "phonenumber_field",
        "appointment",
    ],
    MIGRATION_MODULES=dict.fromkeys(["auth", "contenttypes", "sessions", "messages"]),
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    TIME_ZONE="UTC",
)
# It writes several lines for each appointment.
logging.disable(logging.CRITICAL)
django.setup()

from datetime import datetime, time  # noqa: E402 - the apps have to be ready first

from appointment.forms import (  # noqa: E402
    AppointmentForm,
    AppointmentRequestForm,
    ClientDataForm,
)
from appointment.models import (  # noqa: E402
    Appointment,
    AppointmentRequest,
    Service,
    StaffMember,
    WorkingHours,
)
from appointment.services import get_available_slots_for_staff  # noqa: E402
from appointment.utils.db_helpers import (  # noqa: E402
    create_and_save_appointment,
    get_weekday_num_from_date,
    update_user_name,
)
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.shortcuts import get_object_or_404  # noqa: E402
from django.test import RequestFactory  # noqa: E402

from tests.benchmarks.workers import copying  # noqa: E402

CLIENT = {"name": "Ada Lovelace", "email": "ada@example.com"}
DETAILS = CLIENT | {"phone_0": "US", "phone_1": "2025550123", "payment_type": "full"}


class DjangoAppointment(Worker):
    refusals = ()
    tables = [Appointment._meta.db_table, AppointmentRequest._meta.db_table]

    def create_tables(self, *, providers: int) -> None:
        call_command("migrate", run_syncdb=True, verbosity=0)
        users = get_user_model().objects
        service = Service.objects.create(name="An hour", duration=DURATION, price=0)
        for number in range(providers):
            staff = StaffMember.objects.create(
                user=users.create(username=f"staff-{number}"),
                work_on_saturday=True,
                work_on_sunday=True,
            )
            staff.services_offered.add(service)
            WorkingHours.objects.bulk_create(
                WorkingHours(
                    staff_member=staff, day_of_week=day, start_time=time(8), end_time=time(23, 59)
                )
                for day in range(7)
            )
        users.create(username="ada", email=CLIENT["email"], first_name="Ada", last_name="Lovelace")

    def connect(self) -> None:
        self.service = Service.objects.get()
        self.staff = list(StaffMember.objects.order_by("pk"))
        self.ways = {"two forms": self.book_by_forms, "slots, then forms": self.look_and_book}
        self.request = RequestFactory().post("/")
        self.request.user = get_user_model().objects.get(username="ada")

    def book_by_forms(self, provider: int, start: datetime) -> Appointment:
        """``appointment_request_submit``, then ``appointment_client_information``."""
        form = AppointmentRequestForm(
            {
                "date": start.date().isoformat(),
                "start_time": start.time().isoformat(),
                "end_time": (start + DURATION).time().isoformat(),
                "service": self.service.pk,
                "staff_member": self.staff[provider].pk,
            }
        )
        assert form.is_valid(), form.errors
        assert StaffMember.objects.filter(id=form.cleaned_data["staff_member"].id).exists()
        wanted = form.save()

        wanted = get_object_or_404(AppointmentRequest, pk=wanted.pk)
        client_form = ClientDataForm(DETAILS, user=self.request.user)
        appointment_form = AppointmentForm(DETAILS)
        assert appointment_form.is_valid(), appointment_form.errors
        assert client_form.is_valid(), client_form.errors
        wanted.payment_type = DETAILS["payment_type"]
        wanted.save()
        update_user_name(self.request.user, client_form.cleaned_data["name"])
        return create_and_save_appointment(
            wanted, client_form.cleaned_data, appointment_form.cleaned_data, self.request
        )

    def look_and_book(self, provider: int, start: datetime) -> Appointment | bool:
        """``get_available_slots_ajax`` first, whose answer is all that a client can choose from."""
        day = start.date()
        offered = get_available_slots_for_staff(
            day, self.staff[provider], get_weekday_num_from_date(day), service=self.service
        )
        if start.replace(tzinfo=None) not in offered:
            return False
        return self.book_by_forms(provider, start)

    def store(self, *, past: range, ahead: range) -> None:
        template = self.book_by_forms(0, datetime.fromisoformat("2098-01-01T08:00:00+00:00"))
        request = template.appointment_request
        before = copying.newest(AppointmentRequest)
        day, hour = (f"(number / {len(self.staff)}) {part}" for part in ("/ 14", "% 14"))
        for wanted, first in ((past, copying.PAST), (ahead, copying.AHEAD)):
            copying.copy(
                request,
                copying.numbers(wanted),
                date=f"date '{first}' + {day}",
                start_time=f"time '08:00' + {hour} * interval '1 hour'",
                end_time=f"time '09:00' + {hour} * interval '1 hour'",
                staff_member_id=copying.taking_turns([each.pk for each in self.staff]),
                id_request=f"overlay(template.id_request PLACING {_unlike('number')} FROM 12)",
            )
        copying.copy(
            template,
            f"(SELECT id FROM {AppointmentRequest._meta.db_table} WHERE id > {before}) AS made",
            appointment_request_id="made.id",
            id_request=f"overlay(template.id_request PLACING {_unlike('made.id')} FROM 12)",
        )
        request.delete()

    def doubled(self) -> int:
        return count_doubled(
            AppointmentRequest._meta.db_table, "staff_member_id", "date", "start_time"
        )


def _unlike(number: str) -> str:
    return copying.SCATTERED.format(number=number)


if __name__ == "__main__":
    serve(DjangoAppointment)
