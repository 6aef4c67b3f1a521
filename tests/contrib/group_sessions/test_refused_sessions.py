"""Sessions that the adapter, a limit or the booking window would refuse are not available."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.selectors import available_sessions, list_sessions
from bookings.contrib.group_sessions.services import (
    book_seat,
    cancel_session,
    close_session,
    create_session,
    reopen_session,
)
from bookings.exceptions import BookingError, InvalidBooking, NotAllowed
from bookings.models import Booking
from bookings.protocols import BookingType
from bookings.services import cancel_booking
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Factory,
    MakeBooking,
    MakeEntry,
    MakeSession,
)

pytestmark = pytest.mark.django_db

DAY: Final = timedelta(days=1)


def found(provider: Any, **values: Any) -> list[Session]:
    first = START.date()
    by_day = available_sessions(provider, first, first + DAY, **({"now_dt": NOW} | values))
    return [session for sessions in by_day.values() for session in sessions]


def assert_refused(session: Session, error: type[BookingError], code: str, **values: Any) -> None:
    """Assert that it is not available, and that booking it is refused by this error."""
    client = {"client_name": "Ann"} | values
    assert session not in found(session.provider, **client)
    with pytest.raises(error) as refusal:
        book_seat(session, now_dt=NOW, **client)
    assert refusal.value.code == code


def test_a_session_on_a_day_with_as_many_as_the_provider_takes(
    make_session: MakeSession, make_booking: MakeBooking, provider: Any
) -> None:
    provider.max_bookings_per_day = 1
    provider.save()
    first, second = make_session(), make_session(start_at=START + 2 * HOUR)
    next_day = make_session(start_at=START + DAY)
    assert found(provider) == [first, second, next_day]
    make_booking(first, "Bob")
    assert next_day in found(provider)
    assert second not in found(provider)
    with pytest.raises(BookingError):
        book_seat(second, client_name="Ann", now_dt=NOW)


def test_a_client_who_has_as_many_bookings_as_a_limit_allows(
    make_session: MakeSession, make_booking: MakeBooking, provider: Any, settings: Any
) -> None:
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
    first, second = make_session(), make_session(start_at=START + 2 * HOUR)
    next_day = make_session(start_at=START + DAY)
    make_booking(first, "Ann")
    assert_refused(second, BookingError, "limit_reached")
    assert found(provider, client_name="Ann") == [next_day]
    assert found(provider, client_name="Bob") == [first, second, next_day]
    assert found(provider) == [first, second, next_day]


@pytest.mark.parametrize("named", [False, True])
def test_a_session_that_the_client_has_booked(
    make_session: MakeSession,
    make_service: Factory,
    make_booking: MakeBooking,
    provider: Any,
    monkeypatch: pytest.MonkeyPatch,
    *,
    named: bool,
) -> None:
    monkeypatch.setattr(DefaultBookingAdapter, "named_seats", lambda *_: named)
    booked, other = make_session(), make_session(start_at=START + 2 * HOUR)
    family = {"client_email": "family@example.com"}
    booking = make_booking(booked, "Ann", **family)
    assert_refused(booked, BookingError, "already_booked", **family)
    assert_refused(booked, BookingError, "already_booked", client_email="FAMILY@example.com")
    assert found(provider) == [booked, other]
    assert found(provider, client_name="Ann") == [booked, other]
    others = [booked, other] if named else [other]
    assert found(provider, client_name="Bob", **family) == others
    cancel_booking(booking, now_dt=NOW)
    assert found(provider, client_name="Ann", **family) == [booked, other]


def test_a_session_of_which_the_client_had_a_hold(
    session: Session, make_booking: MakeBooking, provider: Any
) -> None:
    make_booking(session, "Ann", expires_at=NOW + HOUR)
    assert found(provider, client_name="Ann") == []
    assert found(provider, client_name="Ann", now_dt=NOW + HOUR) == [session]


def test_a_client_who_is_somewhere_else_then(
    make_session: MakeSession, make_booking: MakeBooking, settings: Any, other_provider: Any
) -> None:
    settings.BOOKINGS_PREVENT_CLIENT_OVERLAP = True
    make_booking(make_session(provider=other_provider), "Ann")
    assert_refused(make_session(), BookingError, "client_overlap")


def test_the_service_s_booking_window(
    make_session: MakeSession, make_service: Factory, provider: Any
) -> None:
    late = make_session(service=make_service(minimum_notice_minutes=60 * 24 * 3))
    assert_refused(late, BookingError, "minimum_notice")
    far = make_session(service=make_service(maximum_advance_days=1), start_at=START + HOUR)
    assert_refused(far, BookingError, "too_far_ahead")
    assert found(provider) == []


def test_a_price_that_cannot_be_paid_any_more(
    make_session: MakeSession, service: Any, provider: Any
) -> None:
    session = make_session(price_amount=Decimal("9.50"))
    service.currency = "JPY"
    service.save()
    assert found(provider) == []
    with pytest.raises(BookingError):
        book_seat(session, client_name="Ann", now_dt=NOW)


@pytest.mark.parametrize("what", ["service", "provider"])
def test_an_inactive_service_or_provider(
    session: Session, service: Any, provider: Any, what: str
) -> None:
    idle = {"service": service, "provider": provider}[what]
    idle.is_active = False
    idle.save()
    session.refresh_from_db()
    assert found(provider) == []
    assert_refused(session, NotAllowed, "not_allowed")


class Decides(DefaultBookingAdapter):
    """No sessions of dance; nobody begins at noon; Kim has to call."""

    def booking_types(self, service: Any, provider: Any) -> Any:
        return (BookingType.ONE_TO_ONE,) if service.name == "Dance" else tuple(BookingType)

    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        assert booking.end_at - booking.start_at == HOUR
        if booking.client_name == "Kim":
            raise NotAllowed("Please call us.", "blocked")
        if booking.start_at.hour == 12:
            raise NotAllowed("Not at noon.", "noon")


def test_the_adapter_decides(
    make_session: MakeSession, make_service: Factory, provider: Any, settings: Any
) -> None:
    dance = make_session(service=make_service(name="Dance"))
    noon, later = (make_session(start_at=START + hours * HOUR) for hours in (2, 3))
    settings.BOOKINGS_ADAPTER = f"{__name__}.Decides"
    assert found(provider) == [later]
    assert found(provider, client_name="Kim") == []
    assert_refused(dance, NotAllowed, "booking_type")
    assert_refused(noon, NotAllowed, "noon")
    assert_refused(later, NotAllowed, "blocked", client_name="Kim")


def test_seats_for_which_others_wait(
    full_session: Session,
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    provider: Any,
    settings: Any,
) -> None:
    """Two seats are free, a party of three waits, and of another session one too large waits."""
    other = make_session(start_at=START + 2 * HOUR, enable_waitlist=True, capacity=4)
    make_booking(other, "Bob", 2)
    make_entry(other, "Carl", 4)
    assert found(provider) == [other]
    settings.BOOKINGS_WAITLIST_ORDER = "strict"
    assert_refused(other, BookingError, "others_wait")
    assert found(provider) == []


@pytest.mark.parametrize("name", ["client_name", "client_email", "client_phone", "client_user"])
def test_a_client_who_cannot_be_stored(provider: Any, name: str) -> None:
    with pytest.raises(InvalidBooking):
        found(provider, **{name: 5})


@pytest.mark.parametrize("order", ["best_fit", "strict"])
def test_the_number_of_queries_does_not_depend_on_the_sessions(
    make_session: MakeSession,
    make_service: Factory,
    provider: Any,
    settings: Any,
    order: str,
) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = order
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 5
    provider.max_bookings_per_day = 5
    provider.save()
    for number in range(6):
        make_session(start_at=START + number * 2 * HOUR, service=make_service(name=str(number)))
        with CaptureQueriesContext(connection) as captured:
            assert len(found(provider, client_name="Ann")) == number + 1
        # The schedule, the sessions, for the limits the zone and what the two count, and what the
        # client has booked.
        assert len(captured) == 6


def test_no_seat_of_a_closed_session_remains(
    session: Session, make_booking: MakeBooking, provider: Any
) -> None:
    make_booking(session, "Bob")
    close_session(session, now_dt=NOW)
    session.refresh_from_db()
    assert (session.remaining_seats, session.free_seats) == (0, 2)
    assert not session.is_full
    assert_refused(session, BookingError, "booking_closed")
    [listed] = list_sessions(now_dt=NOW)
    assert listed.remaining_seats == 0
    reopen_session(session, now_dt=NOW)
    session.refresh_from_db()
    assert (session.remaining_seats, session.booking_open) == (2, True)
    cancel_session(session, now_dt=NOW)
    assert (session.remaining_seats, session.free_seats) == (0, 0)


def test_no_seat_remains_once_the_session_has_begun(service: Any, provider: Any) -> None:
    start = timezone.now() - HOUR
    session = create_session(
        service=service, provider=provider, start_at=start, capacity=3, allow_past=True
    )
    assert (session.remaining_seats, session.free_seats, session.booking_open) == (0, 3, False)
