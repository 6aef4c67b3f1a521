"""The adapter decides the booking types of a service and provider, and who approves."""

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
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Factory,
    MakeBooking,
    MakeSession,
    refused,
)

pytestmark = pytest.mark.django_db

TYPES: dict[str, tuple[BookingType, ...]] = {
    "group": (BookingType.GROUP_SESSION,),
    "alone": (BookingType.ONE_TO_ONE,),
    "none": (),
}


class ByProvider(DefaultBookingAdapter):
    """The provider's name decides the booking types; Grace approves."""

    def booking_types(self, service: Any, provider: Any) -> Any:
        return TYPES.get(provider.name) or (
            () if provider.name == "none" else super().booking_types(service, provider)
        )

    def requires_approval(self, booking: Booking) -> bool:
        return booking.provider.name == "Grace"


@pytest.fixture(autouse=True)
def _adapter(settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.ByProvider"


@pytest.fixture
def book(service: Any) -> Callable[..., Booking]:
    def make(provider: Any, **values: Any) -> Booking:
        given = {"service": service, "provider": provider, "start_at": START, "now_dt": NOW}
        return create_booking(**(given | {"client_name": "Ann"} | values))

    return make


def test_by_default_a_service_has_all_booking_types(service: Any, provider: Any) -> None:
    assert set(DefaultBookingAdapter().booking_types(service, provider)) == set(BookingType)


@pytest.mark.parametrize("name", ["group", "none"])
def test_a_service_that_is_not_booked_one_to_one(book: Any, make_provider: Any, name: str) -> None:
    with refused(NotAllowed, "booking_type"):
        book(make_provider(name=name))
    with refused(NotAllowed, "booking_type"):
        book(make_provider(name=name), override_policy=True)


def test_a_service_without_booking_types_cannot_be_booked(
    book: Any, make_session: MakeSession, make_provider: Any
) -> None:
    not_bookable = make_provider(name="none")
    for make in (book, lambda provider: make_session(provider=provider)):
        with pytest.raises(NotAllowed, match="This service cannot be booked"):
            make(not_bookable)


@pytest.mark.parametrize("name", ["alone", "none"])
def test_a_service_that_has_no_group_sessions(
    make_session: MakeSession,
    session: Session,
    make_booking: MakeBooking,
    make_provider: Any,
    name: str,
) -> None:
    other = make_provider(name=name)
    with refused(NotAllowed, "booking_type"):
        make_session(provider=other, start_at=START + HOUR)
    with refused(NotAllowed, "booking_type"):
        update_session(session, provider=other, now_dt=NOW)
    session.provider.name = name
    session.provider.save()
    with refused(NotAllowed, "booking_type"):
        make_booking(session)


def test_the_booking_type_of_each_provider_is_accepted(
    make_session: MakeSession, make_booking: MakeBooking, make_provider: Any, book: Any
) -> None:
    assert make_booking(make_session(provider=make_provider(name="group"))).status == "CONFIRMED"
    assert book(make_provider(name="alone")).status == "CONFIRMED"


def test_a_booking_is_not_moved_to_a_provider_without_its_type(
    book: Any, provider: Any, make_provider: Any
) -> None:
    booking = book(provider)
    with refused(NotAllowed, "booking_type"):
        reschedule_booking(
            booking, new_start_at=START, new_provider=make_provider(name="group"), now_dt=NOW
        )


def test_a_provider_approves_seats_of_own_sessions(
    make_session: MakeSession, make_booking: MakeBooking, other_provider: Any
) -> None:
    assert make_booking(make_session()).status == "CONFIRMED"
    assert make_booking(make_session(provider=other_provider)).status == "PENDING"


class OneToOne(DefaultBookingAdapter):
    def booking_types(self, service: Any, provider: Any) -> Any:
        return (BookingType.ONE_TO_ONE,)


def no_slots(
    service: Any, provider: Any, start_dt: Any, end_dt: Any, *, override_policy: bool
) -> Any:
    return ()


def test_confirming_a_seat_checks_the_session_and_not_the_slots(
    make_session: MakeSession, make_service: Factory, make_booking: MakeBooking, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = "bookings.adapters.DefaultBookingAdapter"
    session = make_session(service=make_service(requires_approval=True))
    request, other = make_booking(session, "Ann"), make_booking(session, "Bob")
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.no_slots"

    assert confirm_booking(request, now_dt=NOW).status == "CONFIRMED"

    settings.BOOKINGS_ADAPTER = f"{__name__}.OneToOne"
    with refused(NotAllowed, "booking_type"):
        confirm_booking(other, now_dt=NOW)
