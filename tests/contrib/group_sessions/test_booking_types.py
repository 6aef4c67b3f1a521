"""The host says which kinds of booking a service takes with whom, and who approves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import update_session
from bookings.exceptions import NotAllowed
from bookings.models import Booking
from bookings.protocols import BookingType
from bookings.services import confirm_booking, create_booking, reschedule_booking
from tests.contrib.group_sessions.conftest import HOUR, NOW, START, Make, Schedule, Sit, refused

pytestmark = pytest.mark.django_db

TYPES: dict[str, tuple[BookingType, ...]] = {
    "group": (BookingType.GROUP_SESSION,),
    "alone": (BookingType.ONE_TO_ONE,),
    "none": (),
}


class PerTeacher(DefaultBookingAdapter):
    """Says it by the provider's name, and lets Grace approve."""

    def booking_types(self, service: Any, provider: Any) -> Any:
        return TYPES.get(provider.name) or (
            () if provider.name == "none" else super().booking_types(service, provider)
        )

    def requires_approval(self, booking: Booking) -> bool:
        return booking.provider.name == "Grace"


@pytest.fixture(autouse=True)
def _adapter(settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.PerTeacher"


@pytest.fixture
def book(service: Any) -> Callable[..., Booking]:
    def make(provider: Any, **values: Any) -> Booking:
        given = {"service": service, "provider": provider, "start_at": START, "now_dt": NOW}
        return create_booking(**(given | {"client_name": "Ann"} | values))

    return make


def test_by_default_a_service_takes_all_kinds(service: Any, provider: Any) -> None:
    assert set(DefaultBookingAdapter().booking_types(service, provider)) == set(BookingType)


@pytest.mark.parametrize("name", ["group", "none"])
def test_a_service_that_is_not_booked_one_to_one(book: Any, make_provider: Any, name: str) -> None:
    with refused(NotAllowed, "booking_type"):
        book(make_provider(name=name))
    with refused(NotAllowed, "booking_type"):
        book(make_provider(name=name), override_policy=True)


def test_a_service_that_is_only_shown_is_said_not_to_be_booked(
    book: Any, schedule: Schedule, make_provider: Any
) -> None:
    nobody_s = make_provider(name="none")
    for make in (book, lambda provider: schedule(provider=provider)):
        with pytest.raises(NotAllowed, match="This service cannot be booked"):
            make(nobody_s)


@pytest.mark.parametrize("name", ["alone", "none"])
def test_a_service_that_has_no_group_sessions(
    schedule: Schedule, session: Session, sit: Sit, make_provider: Any, name: str
) -> None:
    other = make_provider(name=name)
    with refused(NotAllowed, "booking_type"):
        schedule(provider=other, start_at=START + HOUR)
    with refused(NotAllowed, "booking_type"):
        update_session(session, provider=other, now_dt=NOW)
    session.provider.name = name
    session.provider.save()
    with refused(NotAllowed, "booking_type"):
        sit(session)


def test_each_teacher_s_kind_is_taken(
    schedule: Schedule, sit: Sit, make_provider: Any, book: Any
) -> None:
    assert sit(schedule(provider=make_provider(name="group"))).status == "CONFIRMED"
    assert book(make_provider(name="alone")).status == "CONFIRMED"


def test_a_booking_is_not_moved_to_who_does_not_take_its_kind(
    book: Any, provider: Any, make_provider: Any
) -> None:
    booking = book(provider)
    with refused(NotAllowed, "booking_type"):
        reschedule_booking(
            booking, new_start_at=START, new_provider=make_provider(name="group"), now_dt=NOW
        )


def test_a_teacher_approves_who_sits_in_her_sessions(
    schedule: Schedule, sit: Sit, other_provider: Any
) -> None:
    assert sit(schedule()).status == "CONFIRMED"
    assert sit(schedule(provider=other_provider)).status == "PENDING"


class OneToOne(DefaultBookingAdapter):
    def booking_types(self, service: Any, provider: Any) -> Any:
        return (BookingType.ONE_TO_ONE,)


def nothing(
    service: Any, provider: Any, start_dt: Any, end_dt: Any, *, override_policy: bool
) -> Any:
    return ()


def test_a_requested_seat_is_held_to_its_session_and_not_to_the_slots(
    schedule: Schedule, make_service: Make, sit: Sit, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = "bookings.adapters.DefaultBookingAdapter"
    session = schedule(service=make_service(requires_approval=True))
    request, other = sit(session, "Ann"), sit(session, "Bob")
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.nothing"

    assert confirm_booking(request, now_dt=NOW).status == "CONFIRMED"

    settings.BOOKINGS_ADAPTER = f"{__name__}.OneToOne"
    with refused(NotAllowed, "booking_type"):
        confirm_booking(other, now_dt=NOW)
