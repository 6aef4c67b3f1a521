"""How long a booking lasts where the service lets the client choose."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bookings.abstract import PricingType
from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import BookingConflict, IdempotencyKeyReused, InvalidBooking
from bookings.models import Booking
from bookings.pools import AnyOf
from bookings.services import create_booking, hold_booking, reschedule_booking
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import last_event, nothing_done, nothing_written, stored


@pytest.fixture
def room(make_service: Make) -> Any:
    """A room by the hour: from one hour to eight, in steps of half an hour."""
    return make_service(
        name="Room",
        duration_minutes=60,
        minimum_duration_minutes=60,
        maximum_duration_minutes=480,
        duration_step_minutes=30,
        pricing_type=PricingType.HOURLY,
        price_amount=20,
    )


def resize(booking: Booking, length: Any, **values: Any) -> Booking:
    given = {"new_start_at": booking.start_at, "now_dt": NOW} | values
    return reschedule_booking(booking, new_duration_minutes=length, **given)


def refusal(book: Book, **values: Any) -> InvalidBooking:
    with nothing_written(), pytest.raises(InvalidBooking) as caught:
        book(**values)
    assert caught.value.booking_code == "invalid_duration"
    return caught.value


@pytest.mark.parametrize("length", [60, 90, 480])
def test_the_client_chooses_the_length(book: Book, room: Any, length: int) -> None:
    booking = stored(book(service=room, duration_minutes=length))

    assert booking.end_at - booking.start_at == minutes(length)
    assert booking.busy_window() == (START, START + minutes(length))
    assert booking.price_amount == Decimal(20) * length / 60


def test_without_a_choice_it_is_the_service_s(book: Book, room: Any) -> None:
    assert book(service=room).end_at == START + HOUR


def test_what_follows_is_free(book: Book, room: Any) -> None:
    book(service=room, duration_minutes=90)

    with pytest.raises(BookingConflict):
        book(service=room, start_at=START + minutes(89))
    book(service=room, start_at=START + minutes(90))


@pytest.mark.parametrize("length", [0, -60, 59, 481, "90", 90.0, True, None.__class__, [90]])
def test_a_length_that_is_not_offered_is_refused(book: Book, room: Any, length: Any) -> None:
    error = refusal(book, service=room, duration_minutes=length)

    assert error.field == "duration_minutes"
    assert "duration_minutes must be a whole number from 60 to 480, not" in str(error)


def test_a_length_off_the_steps_is_refused(book: Book, room: Any) -> None:
    error = refusal(book, service=room, duration_minutes=100)

    assert str(error) == (
        "Lengths of this service begin at 1 hour and are 30 minutes apart. "
        "1 hour 40 minutes is none of them."
    )


def test_a_service_that_says_nothing_has_one_length(book: Book, service: Any) -> None:
    error = refusal(book, duration_minutes=90)

    assert str(error) == "This service lasts 1 hour. Its length cannot be chosen."
    assert book(duration_minutes=60).end_at == START + HOUR


def test_staff_book_any_length(book: Book, service: Any) -> None:
    booking = book(duration_minutes=25, override_policy=True)

    assert booking.end_at == START + minutes(25)
    assert "from 1 to" in str(refusal(book, duration_minutes=0, override_policy=True))


def test_addons_come_on_top(book: Book, room: Any, make_addon: Make) -> None:
    booking = book(service=room, duration_minutes=90, addon_ids=[make_addon(price_amount=5).pk])

    assert booking.end_at == START + minutes(105)
    assert (booking.price_amount, booking.total_amount) == (30, 35)


def test_a_hold_has_the_length(room: Any, provider: Any) -> None:
    held = hold_booking(
        service=room, provider=provider, start_at=START, duration_minutes=120, now_dt=NOW
    )

    assert held.end_at == START + 2 * HOUR


def test_the_length_is_a_part_of_the_request(book: Book, room: Any) -> None:
    first = book(service=room, duration_minutes=90, idempotency_key="k")

    assert book(service=room, duration_minutes=90, idempotency_key="k") == first
    for other in (None, 60, 0):
        with pytest.raises(IdempotencyKeyReused):
            book(service=room, duration_minutes=other, idempotency_key="k")


def test_any_provider_who_is_free_as_long_takes_it(
    book: Book, room: Any, provider: Any, other_provider: Any
) -> None:
    book(start_at=START + HOUR)
    pool = AnyOf([provider, other_provider])

    assert book(service=room, provider=pool, duration_minutes=60).provider == provider
    assert book(service=room, provider=pool, duration_minutes=90).provider == other_provider
    with pytest.raises(InvalidBooking, match="from 60 to 480"):
        book(service=room, provider=pool, duration_minutes=30)
    booked = book(
        service=room,
        provider=AnyOf([provider]),
        start_at=START + 2 * HOUR,
        duration_minutes=30,
        override_policy=True,
    )
    assert booked.end_at == START + 2 * HOUR + minutes(30)


def test_a_shared_slot_has_one_length(book: Book, make_service: Make) -> None:
    yoga = make_service(
        allow_multiple_clients_per_slot=True, capacity=3, maximum_duration_minutes=120
    )
    book(service=yoga, duration_minutes=90)
    book(service=yoga, duration_minutes=90)

    with pytest.raises(BookingConflict):
        book(service=yoga, duration_minutes=60)


def test_a_move_keeps_the_length(book: Book, room: Any) -> None:
    booking = book(service=room, duration_minutes=90)

    moved = reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)

    assert moved.end_at == START + DAY + minutes(90)
    assert moved.price_amount == 30


def test_a_move_may_change_the_length_and_the_price_follows(book: Book, room: Any) -> None:
    booking = stored(resize(book(service=room), 150, new_start_at=START + DAY))

    assert (booking.start_at, booking.end_at) == (START + DAY, START + DAY + minutes(150))
    assert (booking.price_amount, booking.total_amount) == (50, 50)
    data = last_event(booking).data
    assert [data[f"{side}_price_amount"] for side in ("old", "new")] == ["20.00", "50.00"]
    assert [data[f"{side}_total_amount"] for side in ("old", "new")] == ["20.00", "50.00"]
    with pytest.raises(BookingConflict):
        book(start_at=booking.end_at - minutes(1))


def test_addons_stay_on_top_of_a_new_length(book: Book, room: Any, make_addon: Make) -> None:
    stones, oil = make_addon(price_amount=5), make_addon(name="Oil", price_amount=7)
    booking = book(service=room, addon_ids=[stones.pk])

    resize(booking, 90)
    assert (booking.end_at, booking.total_amount) == (START + minutes(105), 35)

    resize(booking, 60, addon_ids=[stones.pk, oil.pk])
    assert (booking.end_at, booking.total_amount) == (START + minutes(90), 32)


def test_the_price_of_the_service_is_the_one_when_it_was_booked(book: Book, room: Any) -> None:
    booking = book(service=room)
    room.price_amount = 90
    room.save()

    assert resize(booking, 120).price_amount == 40


def test_a_booking_that_knows_no_price_of_its_service_takes_today_s(book: Book, room: Any) -> None:
    booking = book(service=room)
    Booking._base_manager.filter(pk=booking.pk).update(unit_price=None)

    assert resize(booking, 120).price_amount == 40


@pytest.mark.parametrize("pricing_type", ["", "FIXED", "FREE"])
def test_a_price_of_any_length_stays(book: Book, room: Any, pricing_type: str) -> None:
    room.pricing_type = pricing_type
    room.save()
    booking = book(service=room)
    Booking._base_manager.filter(pk=booking.pk).update(price_amount=15)

    assert resize(booking, 120).price_amount == 15


class HalfPrice(DefaultBookingAdapter):
    asked: list[Any] = []

    def price(self, booking: Any, addons: Any) -> Any:
        self.asked.append((booking.price_amount, booking.end_at - booking.start_at, list(addons)))
        return booking.price_amount / 2


def test_the_adapter_prices_the_new_length_once(
    settings: Any, book: Book, room: Any, make_addon: Make
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.HalfPrice"
    HalfPrice.asked.clear()
    addon = make_addon()
    booking = book(service=room, addon_ids=[addon.pk])

    assert resize(booking, 120).price_amount == 20
    assert HalfPrice.asked == [(20, minutes(75), [addon]), (40, minutes(135), [addon])]

    reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)
    assert len(HalfPrice.asked) == 2


class FineHalf(DefaultBookingAdapter):
    def price(self, booking: Any, addons: Any) -> Any:
        return booking.price_amount / (1 if booking.price_amount == 20 else 7)


def test_an_adapter_s_price_must_be_payable(settings: Any, book: Book, room: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.FineHalf"
    booking = book(service=room)

    with nothing_written(), pytest.raises(InvalidBooking) as caught:
        resize(booking, 120)
    assert caught.value.booking_code == "amount_too_fine"


def test_each_provider_of_a_pool_has_a_price(
    settings: Any, book: Book, room: Any, provider: Any, other_provider: Any
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.ByProvider"
    booking = book(service=room)
    book(start_at=START + HOUR)

    moved = resize(booking, 120, new_provider=AnyOf([provider, other_provider]))

    assert (moved.provider, moved.price_amount) == (other_provider, 41)


class ByProvider(DefaultBookingAdapter):
    def price(self, booking: Any, addons: Any) -> Any:
        assert booking.provider.name in {"Ada", "Grace"}
        return (
            None
            if booking.price_amount is None
            else booking.price_amount + (booking.provider.name == "Grace")
        )


@pytest.mark.parametrize("length", [0, 30, 500, 100, "90", True])
def test_a_move_to_a_length_that_is_not_offered_is_refused(
    book: Book, room: Any, length: Any
) -> None:
    booking = book(service=room)

    with nothing_written(), pytest.raises(InvalidBooking) as caught:
        resize(booking, length)

    assert caught.value.booking_code == "invalid_duration"
    assert caught.value.field == "new_duration_minutes"


def test_staff_give_it_any_length(book: Book, room: Any) -> None:
    assert resize(book(service=room), 25, override_policy=True).end_at == START + minutes(25)


def test_a_booking_keeps_a_length_that_is_not_offered_any_more(book: Book, room: Any) -> None:
    booking = book(service=room, duration_minutes=90)
    room.maximum_duration_minutes = 60
    room.save()

    assert resize(booking, 90, new_start_at=START + DAY).end_at == START + DAY + minutes(90)
    assert resize(booking, 60).end_at == START + DAY + HOUR


def test_the_same_length_changes_nothing(book: Book, room: Any) -> None:
    booking = book(service=room, duration_minutes=90)

    with nothing_done():
        resize(booking, 90)


def test_another_length_is_no_move_of_the_client(book: Book, room: Any) -> None:
    room.max_reschedules = 0
    room.save()

    assert resize(book(service=room), 90).end_at == START + minutes(90)


def test_an_extension_needs_the_time(book: Book, room: Any) -> None:
    booking = book(service=room)
    book(start_at=START + 2 * HOUR)

    resize(booking, 120)
    with nothing_written(), pytest.raises(BookingConflict):
        resize(booking, 150)


def test_a_service_whose_shortest_length_is_above_its_longest_is_refused(
    book: Book, make_service: Make
) -> None:
    service = make_service(minimum_duration_minutes=120, maximum_duration_minutes=90)

    error = refusal(book, service=service, duration_minutes=100)
    assert error.field == "service.minimum_duration_minutes"
    assert "is above the longest" in str(error)
    assert book(service=service).end_at == START + HOUR


def test_one_bound_is_enough(book: Book, make_service: Make) -> None:
    longer = make_service(name="Longer", maximum_duration_minutes=120)
    shorter = make_service(name="Shorter", minimum_duration_minutes=30)

    assert book(service=longer, duration_minutes=75).end_at == START + minutes(75)
    assert "from 60 to 120" in str(refusal(book, service=longer, duration_minutes=59))
    day = START + DAY
    assert book(service=shorter, duration_minutes=31, start_at=day).end_at == day + minutes(31)
    assert "from 30 to 60" in str(refusal(book, service=shorter, duration_minutes=61))


def test_a_length_that_was_saved_may_be_no_whole_number_of_minutes(book: Book, room: Any) -> None:
    booking = book(service=room)
    booking.end_at += minutes(1) / 2
    booking.save()

    assert resize(booking, 60).end_at == START + HOUR


def test_create_booking_names_what_it_takes(room: Any, provider: Any) -> None:
    booking = create_booking(
        service=room,
        provider=provider,
        start_at=START,
        client_name="Mary",
        duration_minutes=120,
        now_dt=NOW,
    )

    assert booking.unit_price == 20
