"""The price of seats: the session's price for each, else the service's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import move_seat, update_session
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.selectors import amount_due, amount_paid
from bookings.contrib.payments.services import record_payment
from bookings.contrib.schedule.models import Schedule
from bookings.exceptions import InvalidBooking
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import cancel_booking, create_booking
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Factory,
    MakeBooking,
    MakeEntry,
    MakeSession,
    refused,
)
from tests.hosts.samples import make
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert audit() == []
    assert list(find_problems()) == []


@pytest.fixture
def addon() -> Any:
    return make("ADDON_MODEL", price_amount=Decimal("3.00"))


def amounts(booking: Booking) -> tuple[str, Decimal | None, Decimal | None]:
    booking.refresh_from_db()
    return booking.pricing_type, booking.price_amount, booking.total_amount


# At booking


@pytest.mark.parametrize(("price", "total"), [(None, 60), (12, 36), (0, 0)])
def test_each_seat_costs_the_session_s_price_else_the_service_s(
    make_session: MakeSession, make_booking: MakeBooking, price: int | None, total: int
) -> None:
    booking = make_booking(make_session(price_amount=price), seats=3)
    assert amounts(booking) == ("", total, total)


def test_seats_of_a_service_without_a_price_have_none(
    make_session: MakeSession, make_service: Factory, make_booking: MakeBooking
) -> None:
    booking = make_booking(make_session(service=make_service(price_amount=None)), seats=3)
    assert amounts(booking) == ("", None, None)


def test_an_add_on_is_charged_once(session: Session, make_booking: MakeBooking, addon: Any) -> None:
    assert amounts(make_booking(session, seats=3, addon_ids=[addon.pk])) == ("", 60, 63)


def test_a_promoted_client_pays_for_each_seat(full_session: Session, make_entry: MakeEntry) -> None:
    make_entry(full_session, "Bob", 2)
    cancel_booking(Booking.objects.get(), now_dt=NOW)
    assert amounts(Booking.objects.get(client_name="Bob")) == ("", 40, 40)


def test_a_price_that_is_too_large_is_refused(
    make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session(price_amount=99_999_999)
    with refused(InvalidBooking, None):
        make_booking(session, seats=3)


@pytest.mark.parametrize(
    ("pricing", "price", "kept"),
    [
        # An hourly service is priced by the length of the session.
        ("HOURLY", None, ("HOURLY", 240)),
        ("HOURLY", 120, ("HOURLY", 240)),
        ("HOURLY", 5, ("FIXED", 10)),
        ("DAILY", None, ("DAILY", 120)),
        ("DAILY", 5, ("FIXED", 10)),
        ("FREE", None, ("FREE", 0)),
        ("FREE", 0, ("FREE", 0)),
        ("FREE", 5, ("FIXED", 10)),
        ("FIXED", None, ("FIXED", 120)),
        ("FIXED", 5, ("FIXED", 10)),
        ("DONATION", 5, ("DONATION", 10)),
    ],
)
def test_the_pricing_type_is_that_of_the_price(
    make_session: MakeSession,
    make_service: Factory,
    make_booking: MakeBooking,
    pricing: str,
    price: int | None,
    kept: tuple[str, int],
) -> None:
    service = make_service(pricing_type=pricing, price_amount=60)
    session = make_session(service=service, end_at=START + 2 * HOUR, price_amount=price)
    assert amounts(make_booking(session, seats=2))[:2] == kept


def test_an_hourly_price_counts_seconds_and_is_rounded_for_each_seat(
    make_session: MakeSession, make_service: Factory, make_booking: MakeBooking
) -> None:
    service = make_service(pricing_type="HOURLY", price_amount=50)
    session = make_session(service=service, end_at=START + timedelta(minutes=10, seconds=1))
    assert amounts(make_booking(session, seats=3)) == ("HOURLY", Decimal("25.05"), Decimal("25.05"))


def test_a_session_of_a_service_by_the_day_ends_by_the_clocks_of_its_provider(
    make_session: MakeSession, make_service: Factory, make_booking: MakeBooking, provider: Any
) -> None:
    Schedule.objects.create(provider=provider, timezone="Europe/Berlin")
    camp = make_service(duration_days=3, pricing_type="DAILY", price_amount=50)
    start = datetime(2131, 3, 24, 9, tzinfo=UTC)

    session = make_session(service=camp, start_at=start)
    booking = make_booking(session, seats=2)

    assert session.end_at == booking.end_at == start + 71 * HOUR
    assert booking.duration_days is None
    assert amounts(booking) == ("DAILY", 300, 300)


class Group(DefaultBookingAdapter):
    """Three seats cost as much as two."""

    def price(self, booking: Booking, addons: Sequence[Any]) -> Decimal | None:
        price = super().price(booking, addons)
        assert price is not None
        assert booking.end_at - booking.start_at == 2 * HOUR
        return price * 2 / 3 if booking.party_size == 3 else price


def test_the_adapter_has_the_last_word(
    make_session: MakeSession, make_booking: MakeBooking, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.Group"
    session = make_session(price_amount=12, capacity=9, end_at=START + 2 * HOUR)
    assert amounts(make_booking(session, "Ann", 3)) == ("", 24, 24)
    assert amounts(make_booking(session, "Bob", 2)) == ("", 24, 24)


# When the number of seats changes


@pytest.fixture
def booking(make_session: MakeSession, make_booking: MakeBooking, addon: Any) -> Booking:
    return make_booking(make_session(capacity=9), seats=2, addon_ids=[addon.pk])


@pytest.mark.parametrize("update_fields", [None, ["party_size"]])
@pytest.mark.parametrize("seats", [5, 1])
def test_the_price_follows_the_number_of_seats(
    booking: Booking, seats: int, update_fields: list[str] | None
) -> None:
    booking.party_size = seats
    booking.save(update_fields=update_fields)
    assert (booking.price_amount, booking.total_amount) == (20 * seats, 20 * seats + 3)
    assert amounts(booking) == ("", 20 * seats, 20 * seats + 3)
    data = booking.events.latest("id").data
    said = [Decimal(data[name]) for name in ("old_total_amount", "new_total_amount")]
    assert said == [43, 20 * seats + 3]


def test_a_price_that_is_saved_along_is_kept(booking: Booking) -> None:
    booking.party_size, booking.price_amount = 3, Decimal(50)
    booking.save()
    assert amounts(booking) == ("", 50, 43)
    booking.party_size, booking.total_amount = 4, Decimal(44)
    booking.save()
    assert amounts(booking) == ("", 50, 44)


def test_a_total_price_is_divided_by_the_seats(booking: Booking) -> None:
    booking.price_amount, booking.total_amount = Decimal("10.01"), None
    booking.save()
    booking.party_size = 3
    booking.save()
    assert amounts(booking) == ("", Decimal("15.02"), None)


def test_a_booking_without_a_price_gets_none(
    make_session: MakeSession, make_service: Factory, make_booking: MakeBooking
) -> None:
    booking = make_booking(make_session(service=make_service(price_amount=None)))
    booking.party_size = 2
    booking.save()
    assert amounts(booking) == ("", None, None)


def test_other_changes_keep_the_price(session: Session, make_booking: MakeBooking) -> None:
    booking = make_booking(session, seats=2, expires_at=NOW + HOUR)
    booking.expires_at = NOW + 2 * HOUR
    booking.save()
    assert amounts(booking) == ("", 40, 40)
    assert "new_price_amount" not in booking.events.latest("id").data


def test_more_seats_at_a_price_that_is_too_large_are_refused(
    make_session: MakeSession, make_booking: MakeBooking
) -> None:
    booking = make_booking(make_session(price_amount=99_999_999))
    booking.party_size = 2
    with refused(InvalidBooking, None):
        booking.save()


def test_a_payment_for_seats_that_are_given_up_is_due_back(booking: Booking) -> None:
    record_payment(booking, amount=43, external_id="pay_1", now_dt=NOW)
    booking.party_size = 1
    booking.save()
    assert (amount_paid(booking), amount_due(booking)) == (43, 0)
    assert RefundDue.objects.get().outstanding == 20
    booking.party_size = 3
    booking.save()
    assert (amount_due(booking), RefundDue.objects.get().outstanding) == (20, 0)


def test_a_cancelled_booking_keeps_its_price(booking: Booking) -> None:
    cancel_booking(booking, now_dt=NOW)
    booking.party_size = 1
    booking.save()
    assert amounts(booking) == ("", 40, 43)


def test_an_ordinary_booking_s_price_is_the_party_s(make_service: Factory, provider: Any) -> None:
    service = make_service(allow_multiple_clients_per_slot=True, capacity=5)
    booking = create_booking(
        service=service, provider=provider, start_at=START, client_name="Ann", now_dt=NOW
    )
    booking.party_size = 3
    booking.save()
    assert amounts(booking) == ("", 20, 20)


def test_a_booking_keeps_the_price_of_a_seat_that_it_was_made_at(
    booking: Booking, make_session: MakeSession
) -> None:
    update_session(booking.seat.session, price_amount=99, now_dt=NOW)
    cheaper = make_session(start_at=START + 5 * HOUR, capacity=9, price_amount=7)
    move_seat(booking, cheaper, now_dt=NOW)
    assert amounts(booking) == ("", 40, 43)
    booking.party_size = 3
    booking.save()
    assert amounts(booking) == ("", 60, 63)


@pytest.mark.parametrize("seats", [1, 2, 3])
def test_the_price_of_a_single_seat_has_to_be_payable(
    make_session: MakeSession, service: Any, make_booking: MakeBooking, seats: int
) -> None:
    """A price of 10.50 yen is refused even if the total of two seats is whole."""
    session = make_session(price_amount=Decimal("10.50"))
    type(service)._default_manager.update(currency="JPY")
    session.refresh_from_db()
    with refused(InvalidBooking, "amount_too_fine"):
        make_booking(session, seats=seats)
