"""What django-bookings does, as a story that checks itself: it fails if anything goes otherwise.

It is played on a working day that is over, by a clock of its own: every service takes the time that
counts as now, as ``now_dt``. In the end nothing is left that holds time, so it can be told again.
"""

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from bookings.contrib.schedule.models import DateOverride
from bookings.contrib.schedule.selectors import list_available_slots
from bookings.exceptions import (
    BookingConflict,
    BookingError,
    NoticeWindow,
    SlotUnavailable,
)
from bookings.models import Booking, BookingEvent
from bookings.selectors import get_busy_intervals
from bookings.services import (
    cancel_booking,
    complete_booking,
    create_booking,
    reschedule_booking,
)
from clinic.demo import NEW_COLLEAGUE
from clinic.management.commands.load_demo import LOGIN
from clinic.models import Clinic, Extra, Practitioner, Treatment
from clinic.race import book_at_once

DAY = timedelta(days=1)
FRIDAY = 5
START_ANEW = "Has the demo data been changed? Delete the database to start anew."
RIVALS = ("Dilek", "Emil", "Frida", "Georg")


@dataclass(frozen=True)
class Scene:
    """Who plays, and on which day."""

    day: date
    tenant: Clinic
    practitioner: Practitioner
    physiotherapy: Treatment
    back_class: Treatment
    heat_pack: Extra
    receptionist: User

    @classmethod
    def prepare(cls) -> "Scene":
        clinic, colleague = NEW_COLLEAGUE
        practitioner = Practitioner.objects.get(name=colleague, tenant__name=clinic)
        tenant = practitioner.tenant
        return cls(
            day=last_free_day(practitioner),
            tenant=tenant,
            practitioner=practitioner,
            physiotherapy=tenant.treatments.get(name="Physiotherapy"),
            back_class=tenant.treatments.get(name="Back class"),
            heat_pack=tenant.extras.get(name="Heat pack"),
            receptionist=get_user_model().objects.get(username=LOGIN),
        )

    def at(self, clock: str, *, days_before: int = 0) -> datetime:
        """An instant of the story: a time of its day, or of a day before."""
        day = self.day - days_before * DAY
        return timezone.make_aware(datetime.combine(day, time.fromisoformat(clock)))

    def book(self, treatment: Treatment, start: str, client: str, **details: Any) -> Booking:
        """Book the day before."""
        return create_booking(client_name=client, **self.wish(treatment, start), **details)

    def wish(self, treatment: Treatment, start: str) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "service": treatment,
            "provider": self.practitioner,
            "start_at": self.at(start),
            "now_dt": self.at("09:00", days_before=1),
        }

    def starts(self) -> list[datetime]:
        """When physiotherapy can be booked on that day, as they see it the day before."""
        slots = list_available_slots(
            self.physiotherapy,
            self.practitioner,
            start_date=self.day,
            end_date=self.day,
            now_dt=self.at("09:00", days_before=1),
        )
        return [slot.start for slot in slots]

    def busy(self) -> list[tuple[datetime, datetime]]:
        return get_busy_intervals(self.practitioner, self.at("00:00"), self.at("23:59"))


def last_free_day(practitioner: Practitioner) -> date:
    """The latest working day before today on which the practitioner has never been booked."""
    bookings = Booking.objects.for_provider(practitioner)
    overrides = DateOverride.objects.filter(schedule__tenant=practitioner.tenant)
    day = timezone.localdate() - DAY
    while (
        day.isoweekday() > FRIDAY
        or overrides.filter(date=day).exists()
        or bookings.filter(start_at__date=day).exists()
    ):
        day -= DAY
    return day


class Command(BaseCommand):
    help = "Play one day at the clinic; exit with an error if it does not go as it is told."

    def handle(self, *args: Any, **options: Any) -> None:
        self.numbers = count(1)
        try:
            scene = Scene.prepare()
        except ObjectDoesNotExist as missing:
            raise CommandError(f"{missing} {START_ANEW}") from missing
        self.stdout.write(f"\n{scene.day:%A, %d %B %Y}: {scene.practitioner} at {scene.tenant}")
        self.offer(scene)
        anna = self.book_and_refuse(scene)
        self.move(scene, anna)
        winner = self.race(scene)
        family = self.share_a_class(scene)
        self.show_busy_time(scene)
        self.cancel_too_late(scene, anna)
        self.complete(scene, winner, family)
        self.show_history(anna)

    def offer(self, scene: Scene) -> None:
        self.step(f"It is {scene.day - DAY:%A}, 09:00. When is there physiotherapy tomorrow?")
        starts, noon = scene.starts(), scene.at("12:00")
        self.outcome("FREE", clocks(start for start in starts if start < noon))
        self.outcome("", clocks(start for start in starts if start >= noon))
        self.expect(
            {scene.at("10:00"), scene.at("14:00")} < set(starts), "tomorrow is not free enough"
        )

        self.step("Ben would like to come in the lunch break, and is told why he cannot.")
        self.refused(SlotUnavailable, lambda: scene.book(scene.physiotherapy, "12:30", "Ben"))

    def book_and_refuse(self, scene: Scene) -> Booking:
        self.step("Anna books physiotherapy with a heat pack.")
        anna = scene.book(scene.physiotherapy, "10:00", "Anna", addon_ids=[scene.heat_pack.pk])
        self.show(anna, Booking.Status.CONFIRMED)

        self.step("Ben wants the same time. It is not on offer any more.")
        self.refused(SlotUnavailable, lambda: scene.book(scene.physiotherapy, "10:00", "Ben"))

        self.step("Staff book him without asking the slot engine. The database still says no.")
        self.refused(
            BookingConflict,
            lambda: scene.book(scene.physiotherapy, "10:00", "Ben", skip_slot_validation=True),
        )
        return anna

    def move(self, scene: Scene, booking: Booking) -> None:
        self.step("Anna moves to half an hour later. Her own old time is not in her way.")
        reschedule_booking(
            booking,
            new_start_at=scene.at("10:30"),
            now_dt=scene.at("09:30", days_before=1),
        )
        self.show(booking, Booking.Status.CONFIRMED)
        self.expect(booking.start_at == scene.at("10:30"), "the booking did not move")

    def race(self, scene: Scene) -> Booking:
        self.step(
            f"{len(RIVALS)} clients, each a process of its own, book 14:00 at the same moment."
        )
        results = book_at_once(
            RIVALS, **scene.wish(scene.physiotherapy, "14:00"), skip_slot_validation=True
        )
        won = [result for result in results if isinstance(result, Booking)]
        lost = [result for result in results if isinstance(result, BookingConflict)]
        self.expect(
            len(won) == 1 and len(lost) == len(RIVALS) - 1,
            f"not exactly one of them got it: {results}",
        )
        self.show(won[0], Booking.Status.CONFIRMED)
        self.outcome("REFUSED", f"{len(lost)} x BookingConflict")
        return won[0]

    def share_a_class(self, scene: Scene) -> Booking:
        seats = scene.back_class.capacity
        self.step(
            f"A family of five joins the back class, which has {seats} seats. A couple is late."
        )
        family = scene.book(scene.back_class, "16:00", "The Hoffmanns", party_size=5)
        self.show(family, Booking.Status.CONFIRMED)
        self.refused(
            SlotUnavailable,
            lambda: scene.book(scene.back_class, "16:00", "The Meiers", party_size=2),
        )
        return family

    def show_busy_time(self, scene: Scene) -> None:
        self.step("When she is busy that day: bookings with their buffers.")
        busy = scene.busy()
        self.outcome("BUSY", ", ".join(span(*interval) for interval in busy))
        self.expect(
            [span(*interval) for interval in busy] == ["10:30-11:45", "14:00-15:00", "16:00-17:00"],
            "this is not the time that was booked",
        )

    def cancel_too_late(self, scene: Scene, booking: Booking) -> None:
        two_hours_before = scene.at("08:30")
        self.step("Two hours before, Anna cancels. Her booking says: 24 hours' notice.")
        self.refused(NoticeWindow, lambda: cancel_booking(booking, now_dt=two_hours_before))

        self.step("The receptionist may: staff override the rules, never the ledger.")
        cancel_booking(
            booking,
            actor=scene.receptionist,
            reason="Called in ill.",
            now_dt=two_hours_before,
            override_policy=True,
        )
        self.show(booking, Booking.Status.CANCELLED)

    def complete(self, scene: Scene, *kept: Booking) -> None:
        self.step("The others came. What is over or cancelled holds no time.")
        for booking in kept:
            complete_booking(booking, actor=scene.receptionist, now_dt=booking.end_at)
            self.show(booking, Booking.Status.COMPLETED)
        self.expect(not scene.busy(), "some of the day is still taken")

    def show_history(self, booking: Booking) -> None:
        self.step("The history of Anna's booking: one event for each change.")
        events = booking.events.select_related("actor_user").order_by("pk")
        for event in events:
            when = timezone.localtime(event.created_at)
            by = f", by {event.actor_user}: {event.message}" if event.actor_user else ""
            self.outcome(f"{when:%a %H:%M}", f"{event.get_event_type_display()}{by}")
        kinds = BookingEvent.EventType
        self.expect(
            [event.event_type for event in events]
            == [kinds.CREATED, kinds.RESCHEDULED, kinds.CANCELLED],
            "this is not what happened",
        )

    def step(self, sentence: str) -> None:
        self.stdout.write(f"\n{next(self.numbers):>3}. {sentence}")

    def outcome(self, label: str, details: str) -> None:
        self.stdout.write(f"     {label:<10} {details}")

    def show(self, booking: Booking, status: str) -> None:
        price = f"{booking.total_amount} {booking.currency}"
        times = span(booking.start_at, booking.end_at)
        self.outcome(
            booking.status, f"{booking.reference}  {times}  {price}  {booking.client_name}"
        )
        self.expect(booking.status == status, f"it should be {status}")

    def refused(self, error: type[BookingError], attempt: Callable[[], Booking]) -> None:
        try:
            booking = attempt()
        except error as refusal:
            self.outcome("REFUSED", f"{error.__name__} ({refusal.booking_code})")
            # Not every terminal knows the dash between two times.
            for line in textwrap.wrap(str(refusal).replace("\N{EN DASH}", "-"), 80):
                self.outcome("", line)
        except BookingError as other:
            self.expect(False, f"{error.__name__} was due, not {type(other).__name__}: {other}")
        else:
            self.expect(False, f"{error.__name__} was due, but {booking} went through")

    def expect(self, condition: bool, otherwise: str) -> None:
        if not condition:
            raise CommandError(f"The story went wrong: {otherwise}. {START_ANEW}")


def span(start: datetime, end: datetime) -> str:
    return f"{timezone.localtime(start):%H:%M}-{timezone.localtime(end):%H:%M}"


def clocks(instants: Iterable[datetime]) -> str:
    return " ".join(f"{timezone.localtime(instant):%H:%M}" for instant in instants)
