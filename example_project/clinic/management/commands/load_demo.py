"""Fill an empty database: two clinics, and the bookings of the last week and the next two."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import chain, count, cycle, islice
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.selectors import list_available_slots
from bookings.contrib.schedule.services import add_closures, create_schedule, take_time_off
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    complete_booking,
    confirm_booking,
    create_booking,
    decline_booking,
    deliver_booking,
    mark_no_show,
    reschedule_booking,
)
from clinic.demo import CLIENTS, CLINICS, NEW_COLLEAGUE, email_of
from clinic.models import Clinic, Extra, Practitioner, Treatment

LOGIN = PASSWORD = "demo"
DAYS_BEFORE, DAYS_AHEAD = 7, 14
HOUR = timedelta(hours=1)

# What becomes of the bookings, one after the other.
OVER = ("complete", "complete", "no_show", "complete", "cancel", "deliver", "complete")
AHEAD = ("keep", "hold", "keep", "move", "keep", "cancel", "keep")
REQUESTED = ("wait", "decline", "wait", "confirm")


class Command(BaseCommand):
    help = "Load the demo data into an empty database; change nothing in another."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            new = not Clinic.objects.exists()
            if new:
                load()
        counts = (
            f"{model.objects.count()} {model._meta.verbose_name_plural}"
            for model in (Clinic, Practitioner, Treatment, Booking)
        )
        self.stdout.write(f"Demo data {'loaded' if new else 'is there'}: {', '.join(counts)}.")


def load() -> None:
    get_user_model().objects.create_superuser(LOGIN, "demo@example.com", PASSWORD)
    for name, offer in CLINICS.items():
        clinic = Clinic.objects.create(name=name)
        for treatment in offer["treatments"]:
            clinic.treatments.create(**treatment)
        for extra in offer["extras"]:
            clinic.extras.create(**extra)
        load_schedules(clinic, offer)
    load_closures()
    load_bookings()
    clinic_name, colleague = NEW_COLLEAGUE
    Practitioner.objects.create(name=colleague, tenant=Clinic.objects.get(name=clinic_name))


def load_schedules(clinic: Clinic, offer: dict[str, Any]) -> None:
    """The clinic's hours, which are those of all who have none of their own."""
    step = offer["step"]
    create_schedule(tenant=clinic, hours=offer["hours"], slot_step_minutes=step)
    for name, shifts in offer["practitioners"].items():
        practitioner = clinic.practitioners.create(name=name)
        if shifts is not None:
            create_schedule(provider=practitioner, hours=shifts, slot_step_minutes=step)


def load_closures() -> None:
    """A day on which everything is closed, and a practitioner's few days off."""
    today = timezone.localdate()
    add_closures(
        schedules=Schedule.objects.all(),
        first_date=today + timedelta(days=12),
        reason="Company outing",
    )
    for clinic in Clinic.objects.all():
        first, last = (midnight(today + timedelta(days=days)) for days in (8, 10))
        take_time_off(
            provider=clinic.practitioners.earliest("pk"),
            start_at=first,
            end_at=last,
            reason="Training",
        )


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def load_bookings() -> None:
    """A few bookings on every working day, some more today, and a class each week."""
    now = timezone.now()
    today = timezone.localdate(now)
    wishes, clients, spread = treatments_in_turn(), cycle(CLIENTS), count(step=7)
    over, ahead, requested = cycle(OVER), cycle(AHEAD), cycle(REQUESTED)
    for day in (today + timedelta(days=n) for n in range(-DAYS_BEFORE, DAYS_AHEAD + 1)):
        for practitioner, treatment in islice(wishes, 8 if day == today else 3):
            starts = free_starts(practitioner, treatment, day)
            if not starts:
                continue
            start = starts[next(spread) % len(starts)]
            is_over = start + timedelta(minutes=treatment.duration_minutes) <= now - HOUR
            plans = over if is_over else requested if treatment.requires_approval else ahead
            plan = next(plans)
            booking = book((practitioner, treatment, start), next(clients), plan, now)
            fulfil(plan, booking)
    load_classes(now, clients)


def treatments_in_turn() -> Iterator[tuple[Practitioner, Treatment]]:
    """A practitioner of each clinic in turn, with each treatment for one client in turn."""
    per_clinic = []
    for clinic in Clinic.objects.order_by("pk"):
        single = clinic.treatments.filter(allow_multiple_clients_per_slot=False)
        per_clinic.append([(colleague, cycle(single)) for colleague in clinic.practitioners.all()])
    for practitioner, treatments in cycle(chain.from_iterable(zip(*per_clinic, strict=True))):
        yield practitioner, next(treatments)


def free_starts(practitioner: Practitioner, treatment: Treatment, day: date) -> list[datetime]:
    """As somebody saw them who asked three days before."""
    slots = list_available_slots(
        treatment,
        practitioner,
        start_date=day,
        end_date=day,
        now_dt=min(midnight(day), timezone.now()) - timedelta(days=3),
    )
    return [slot.start for slot in slots]


def book(
    wish: tuple[Practitioner, Treatment, datetime],
    client: str,
    plan: str,
    now: datetime,
    party_size: int = 1,
) -> Booking:
    """Book as it was done three days earlier: every service takes the time that counts as now."""
    practitioner, treatment, start = wish
    extras = Extra.objects.filter(tenant=practitioner.tenant, extra_duration_minutes=0)
    return create_booking(
        tenant=practitioner.tenant,
        service=treatment,
        provider=practitioner,
        start_at=start,
        client_name=client,
        client_email=email_of(client),
        addon_ids=[extra.pk for extra in extras] if plan in ("move", "deliver") else [],
        party_size=party_size,
        expires_at=now + timedelta(days=1) if plan == "hold" else None,
        now_dt=min(start, now) - timedelta(days=3),
    )


def fulfil(plan: str, booking: Booking) -> None:
    """Do with a booking what was planned, at the hour at which it would have been done."""
    answered_at = booking.created_at + HOUR
    match plan:
        case "wait" | "hold":
            return
        case "decline":
            decline_booking(booking, now_dt=answered_at, reason="Please see your GP first.")
            return
    confirm_booking(booking, now_dt=answered_at)
    match plan:
        case "complete":
            complete_booking(booking, now_dt=booking.end_at)
        case "deliver":
            deliver_booking(booking, now_dt=booking.end_at)
        case "no_show":
            mark_no_show(booking, now_dt=booking.end_at)
        case "cancel":
            cancel_booking(booking, now_dt=answered_at, reason="Travelling that week.")
        case "move":
            day = timezone.localdate(booking.start_at) + timedelta(days=3)
            for later in free_starts(booking.provider, booking.service, day)[:1]:
                reschedule_booking(booking, new_start_at=later, now_dt=answered_at)


def load_classes(now: datetime, clients: Iterator[str]) -> None:
    """Several bookings share the time of a class, up to its capacity."""
    back_class = Treatment.objects.get(allow_multiple_clients_per_slot=True)
    teacher = Practitioner.objects.filter(tenant=back_class.tenant).order_by("pk")[0]
    for weeks, plan in ((-1, "complete"), (1, "keep")):
        day = timezone.localdate(now) + timedelta(weeks=weeks)
        while not (starts := free_starts(teacher, back_class, day)):
            day -= timedelta(days=1)
        for party_size in (1, 2, 1):
            wish = (teacher, back_class, starts[-1])
            booking = book(wish, next(clients), plan, now, party_size)
            fulfil(plan, booking)
