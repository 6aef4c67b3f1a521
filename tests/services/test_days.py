"""How long a booking lasts by the wall clock: in days, and until a time of day."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bookings.abstract import PricingType
from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import (
    BookingConflict,
    IdempotencyKeyReused,
    InvalidBooking,
    PoolExhausted,
    SlotUnavailable,
)
from bookings.models import Booking
from bookings.pools import AnyOf
from bookings.selectors import get_busy_intervals, get_joinable_starts
from bookings.services import create_booking, hold_booking, reschedule_booking
from tests.services.clock import NOW
from tests.services.conftest import Book, Make
from tests.services.storage import last_event, nothing_done, nothing_written, stored

ZONES = {
    "Ada": ZoneInfo("Europe/Berlin"),
    "Ben": ZoneInfo("Europe/Berlin"),
    "Grace": ZoneInfo("America/New_York"),
}
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class ByName(DefaultBookingAdapter):
    """Ada and Ben work in Berlin, and Grace in New York."""

    def time_zone(self, booking: Booking) -> tzinfo:
        return ZONES[booking.provider.name]


@pytest.fixture(autouse=True)
def _zones(settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.ByName"


@pytest.fixture
def car(make_service: Make) -> Any:
    """A car by the day: one day, or up to ten."""
    return make_service(
        name="Car",
        duration_days=1,
        maximum_duration_days=10,
        pricing_type=PricingType.DAILY,
        price_amount=50,
    )


@pytest.fixture
def flat(make_service: Make) -> Any:
    """A flat until eleven o'clock: two nights, four or six."""
    return make_service(
        name="Flat",
        duration_days=2,
        ends_at_time=time(11),
        minimum_duration_days=2,
        maximum_duration_days=6,
        duration_step_days=2,
        pricing_type=PricingType.DAILY,
        price_amount=100,
    )


def berlin(day: str, at: str = "10:00", fold: int = 0) -> datetime:
    return datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=ZONES["Ada"], fold=fold)


def wall(at: datetime, zone: tzinfo = ZONES["Ada"]) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"


def lasts(booking: Booking) -> timedelta:
    """In UTC, because Python subtracts two datetimes of one other zone by the wall clock."""
    return booking.end_at.astimezone(UTC) - booking.start_at.astimezone(UTC)


def resize(booking: Booking, days: Any, **values: Any) -> Booking:
    given = {"new_start_at": booking.start_at, "now_dt": NOW} | values
    return reschedule_booking(booking, new_duration_days=days, **given)


def refusal(book: Book, **values: Any) -> InvalidBooking:
    with nothing_written(), pytest.raises(InvalidBooking) as caught:
        book(**values)
    assert caught.value.booking_code == "invalid_duration"
    return caught.value


@pytest.mark.parametrize(
    ("day", "hours"), [("2030-03-30", 23), ("2030-10-26", 25), ("2030-06-01", 24)]
)
def test_a_day_ends_at_the_same_time_of_day(book: Book, car: Any, day: str, hours: int) -> None:
    booking = stored(book(service=car, start_at=berlin(day)))

    assert lasts(booking) == hours * HOUR
    assert f"{booking.end_at.astimezone(ZONES['Ada']):%H:%M}" == "10:00"
    assert (booking.duration_days, booking.ends_at_time) == (1, None)
    assert booking.price_amount == 50
    with pytest.raises(BookingConflict):
        book(start_at=booking.end_at - timedelta(minutes=1))
    book(start_at=booking.end_at)


def test_the_clocks_are_those_of_the_provider(book: Book, car: Any, other_provider: Any) -> None:
    # In New York the clocks are put forward on March 10.
    start = datetime(2030, 3, 9, 15, tzinfo=UTC)

    assert book(service=car, start_at=start, provider=other_provider).end_at == start + 23 * HOUR
    assert book(service=car, start_at=start).end_at == start + DAY


def test_an_end_that_does_not_exist_is_where_the_clocks_are_put_forward(
    book: Book, car: Any
) -> None:
    booking = book(service=car, start_at=berlin("2030-03-30", "02:30"))

    assert wall(booking.end_at) == "03-31 03:00"
    assert booking.price_amount == 50


def test_of_an_end_that_exists_twice_it_is_the_second(book: Book, car: Any) -> None:
    booking = book(service=car, start_at=berlin("2030-10-26", "02:30"))

    assert booking.end_at == berlin("2030-10-27", "02:30", fold=1)
    assert lasts(booking) == 25 * HOUR


def test_it_lasts_until_a_time_of_day(book: Book, flat: Any) -> None:
    booking = stored(book(service=flat, start_at=berlin("2030-03-29", "16:00")))

    assert wall(booking.end_at) == "03-31 11:00"
    assert (booking.duration_days, booking.ends_at_time) == (2, time(11))
    assert booking.price_amount == 200


def test_without_days_it_ends_on_the_same_day(book: Book, make_service: Make) -> None:
    until_six = make_service(ends_at_time="18:00")

    booking = stored(book(service=until_six, start_at=berlin("2030-06-01", "15:30")))
    assert wall(booking.end_at) == "06-01 18:00"
    assert (booking.duration_days, booking.ends_at_time) == (0, time(18))
    for late in ("18:00", "19:00"):
        start = berlin("2030-06-01", late)
        with nothing_written(), pytest.raises(SlotUnavailable) as caught:
            book(service=until_six, start_at=start)
        error = caught.value
        assert str(error) == (
            "The service ends at 18:00, which is not after the start. Choose an earlier start."
        )
        assert (error.booking_code, error.field) == ("ends_before_start", "start_at")
        assert error.start_at == start
    assert "on the day on which it starts" in str(
        refusal(book, service=until_six, start_at=berlin("2030-06-01"), duration_days=1)
    )
    assert book(service=until_six, start_at=berlin("2030-06-02"), duration_days=0).pk


@pytest.mark.parametrize("days", [1, 3, 10])
def test_the_client_chooses_the_days(book: Book, car: Any, days: int) -> None:
    booking = stored(book(service=car, start_at=berlin("2030-10-25"), duration_days=days))

    assert wall(booking.end_at) == wall(berlin("2030-10-25") + days * DAY)
    assert booking.price_amount == 50 * days


def test_a_part_of_a_second_stays(book: Book, car: Any) -> None:
    start = berlin("2030-03-30") + timedelta(microseconds=7)

    assert book(service=car, start_at=start).end_at == start + DAY


@pytest.mark.parametrize("days", [0, -1, 11, 10**12, 10**400, "2", 2.0, 1.0, True, [1]])
def test_days_that_are_not_offered_are_refused(book: Book, car: Any, days: Any) -> None:
    error = refusal(book, service=car, duration_days=days)

    assert error.field == "duration_days"
    assert "duration_days must be a whole number from 1 to 10, not" in str(error)


def test_days_off_the_steps_are_refused(book: Book, flat: Any) -> None:
    assert str(refusal(book, service=flat, duration_days=3)) == (
        "Lengths of this service begin at 2 days and are 2 days apart. 3 days is none of them."
    )


def test_the_wrong_unit_is_refused(book: Book, car: Any, service: Any) -> None:
    error = refusal(book, service=car, duration_minutes=1440, override_policy=True)
    assert str(error) == (
        "This service is booked by the day. Choose a number of days, not of minutes."
    )
    assert error.field == "duration_minutes"
    error = refusal(book, service=service, duration_days=1, override_policy=True)
    assert str(error) == (
        "This service is not booked by the day. Choose a number of minutes, not of days."
    )
    assert error.field == "duration_days"
    error = refusal(book, service=car, duration_minutes=1440, duration_days=1)
    assert str(error) == "Choose a number of days or of minutes, not both."


def test_a_service_with_one_length_has_one(book: Book, make_service: Make) -> None:
    car = make_service(duration_days=3)

    assert str(refusal(book, service=car, duration_days=4)) == (
        "This service lasts 3 days. Its length cannot be chosen."
    )


def test_a_service_whose_bounds_are_the_wrong_way_round_is_refused(
    book: Book, make_service: Make
) -> None:
    car = make_service(duration_days=3, minimum_duration_days=4, maximum_duration_days=2)

    assert str(refusal(book, service=car, duration_days=2)) == (
        "The shortest length of the service, 4 days, is above the longest, 2 days. "
        "Correct the service."
    )


def test_staff_book_any_number_of_days(book: Book, flat: Any) -> None:
    booking = book(
        service=flat,
        start_at=berlin("2030-03-29", "16:00"),
        duration_days=3,
        override_policy=True,
    )

    assert wall(booking.end_at) == "04-01 11:00"
    error = refusal(book, service=flat, duration_days=10**12, override_policy=True)
    assert "from 1 to 3660" in str(error)


def test_too_far_ahead_to_be_stored(book: Book, car: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as caught:
        book(service=car, start_at=datetime(4147, 8, 20, tzinfo=UTC))
    assert caught.value.booking_code == "out_of_range"


def test_addons_come_after_the_end(book: Book, car: Any, make_addon: Make) -> None:
    cleaning = make_addon(price_amount=5)

    booking = book(service=car, start_at=berlin("2030-03-30"), addon_ids=[cleaning.pk])

    assert wall(booking.end_at) == "03-31 10:15"
    assert (booking.price_amount, booking.total_amount) == (50, 55)


def test_a_hold_has_the_days(car: Any, provider: Any) -> None:
    held = hold_booking(
        service=car,
        provider=provider,
        start_at=berlin("2030-03-30"),
        duration_days=2,
        now_dt=NOW,
    )

    assert wall(held.end_at) == "04-01 10:00"


def test_the_days_are_a_part_of_the_request(book: Book, car: Any) -> None:
    first = book(service=car, duration_days=2, idempotency_key="k")

    assert book(service=car, duration_days=2, idempotency_key="k") == first
    for other in (None, 1, 0):
        with pytest.raises(IdempotencyKeyReused):
            book(service=car, duration_days=other, idempotency_key="k")


def test_any_provider_who_is_free_by_their_own_clocks_takes_it(
    book: Book, car: Any, provider: Any, other_provider: Any
) -> None:
    start = berlin("2030-03-30")
    pool = AnyOf([provider, other_provider])
    book(start_at=start + 12 * HOUR)

    booking = book(service=car, provider=pool, start_at=start)

    assert (booking.provider, lasts(booking)) == (other_provider, DAY)
    with pytest.raises(PoolExhausted):
        book(service=car, provider=pool, start_at=start)
    moved = reschedule_booking(
        booking, new_start_at=start - DAY, new_provider=AnyOf([provider]), now_dt=NOW
    )
    assert (moved.provider, moved.end_at) == (provider, start)


def test_who_of_a_pool_is_busy_is_told_by_their_own_clocks(
    book: Book, car: Any, provider: Any, other_provider: Any, make_provider: Make
) -> None:
    """Where the clocks are put forward a car is back an hour earlier, when it is fetched again."""
    ben = make_provider(name="Ben")
    start = berlin("2030-03-30")
    back = start.astimezone(UTC) + 23 * HOUR
    for one in (other_provider, ben):
        book(provider=one, start_at=back)
    book(start_at=start + HOUR)

    booking = book(service=car, provider=AnyOf([provider, other_provider, ben]), start_at=start)
    assert (booking.provider, booking.end_at.astimezone(UTC)) == (ben, back)

    booking = book(service=car, provider=other_provider, start_at=start - 9 * DAY)
    moved = reschedule_booking(
        booking,
        new_start_at=start,
        new_provider=AnyOf([provider, make_provider(name="Ben"), other_provider]),
        now_dt=NOW,
    )
    assert (moved.provider.name, moved.end_at.astimezone(UTC)) == ("Ben", back)


def test_who_is_past_the_end_by_their_own_clocks_is_passed_over(
    book: Book, make_service: Make, provider: Any, other_provider: Any, make_provider: Make
) -> None:
    """At eight in the evening in Berlin it is two in the afternoon in New York."""
    until_six = make_service(ends_at_time=time(18))
    evening = berlin("2030-06-01", "20:00")
    ben = make_provider(name="Ben")

    booking = book(
        service=until_six, provider=AnyOf([provider, ben, other_provider]), start_at=evening
    )
    assert booking.provider == other_provider
    with nothing_written(), pytest.raises(PoolExhausted) as caught:
        book(service=until_six, provider=AnyOf([other_provider, ben]), start_at=evening)
    codes = [error.booking_code for _provider, error in caught.value.refusals]
    assert codes == ["conflict", "ends_before_start"]

    moved = reschedule_booking(
        book(service=until_six, start_at=berlin("2030-06-02")),
        new_start_at=evening + DAY,
        new_provider=AnyOf([provider, ben, other_provider]),
        now_dt=NOW,
    )
    assert moved.provider == other_provider
    with nothing_done(), pytest.raises(SlotUnavailable):
        reschedule_booking(moved, new_start_at=evening, new_provider=ben, now_dt=NOW)


def test_a_move_follows_the_clocks(book: Book, car: Any, other_provider: Any) -> None:
    booking = book(service=car, start_at=berlin("2030-03-29"), duration_days=2)
    assert lasts(booking) == 47 * HOUR

    moved = reschedule_booking(booking, new_start_at=berlin("2030-06-01"), now_dt=NOW)
    assert wall(moved.end_at) == "06-03 10:00"
    moved = reschedule_booking(
        booking,
        new_start_at=berlin("2030-03-29"),
        new_provider=other_provider,
        now_dt=NOW,
    )
    assert lasts(moved) == 48 * HOUR
    assert moved.price_amount == 100


def test_a_move_keeps_the_rule_of_when_it_was_booked(
    book: Book, flat: Any, make_addon: Make
) -> None:
    booking = book(
        service=flat, start_at=berlin("2030-06-01", "16:00"), addon_ids=[make_addon().pk]
    )
    flat.duration_days, flat.ends_at_time = None, None
    flat.save()

    moved = stored(
        reschedule_booking(booking, new_start_at=berlin("2030-07-01", "17:00"), now_dt=NOW)
    )

    assert wall(moved.end_at) == "07-03 11:15"
    assert (moved.duration_days, moved.ends_at_time) == (2, time(11))
    assert resize(moved, 2, new_start_at=berlin("2030-07-02")).pk
    with nothing_done(), pytest.raises(InvalidBooking, match="not booked by the day"):
        resize(moved, 4)


def test_a_move_may_change_the_days_and_the_price_follows(book: Book, flat: Any) -> None:
    booking = book(service=flat, start_at=berlin("2030-06-01", "16:00"))
    flat.ends_at_time = time(9)
    flat.price_amount = 500
    flat.save()

    booking = stored(resize(booking, 4))

    assert wall(booking.end_at) == "06-05 11:00"
    assert (booking.duration_days, booking.price_amount, booking.total_amount) == (4, 400, 400)
    data = last_event(booking).data
    assert [data[f"{side}_duration_days"] for side in ("old", "new")] == [2, 4]
    with pytest.raises(BookingConflict):
        book(start_at=booking.end_at - HOUR)


@pytest.mark.parametrize("days", [0, -2, 3, 8, 10**12, "4", 4.0, True])
def test_a_move_to_days_that_are_not_offered_is_refused(book: Book, flat: Any, days: Any) -> None:
    booking = book(service=flat, start_at=berlin("2030-06-01", "16:00"))

    with nothing_done(), pytest.raises(InvalidBooking) as caught:
        resize(booking, days)
    assert caught.value.booking_code == "invalid_duration"
    assert caught.value.field == "new_duration_days"


@pytest.mark.parametrize("length", [60, 60.0, True])
def test_a_move_in_the_wrong_unit_is_refused(book: Book, flat: Any, length: Any) -> None:
    by_days = book(service=flat, start_at=berlin("2030-06-01", "16:00"))
    by_minutes = book(start_at=berlin("2030-07-01", "16:00"))

    for booking, lengths in (
        (by_days, {"new_duration_minutes": length}),
        (by_minutes, {"new_duration_days": length}),
        (by_days, {"new_duration_days": 4, "new_duration_minutes": length}),
    ):
        with nothing_done(), pytest.raises(InvalidBooking) as caught:
            reschedule_booking(booking, new_start_at=booking.start_at, now_dt=NOW, **lengths)
        assert caught.value.booking_code == "invalid_duration"


def test_what_was_booked_in_minutes_may_become_days_once_the_service_has(
    book: Book, service: Any
) -> None:
    booking = book(start_at=berlin("2030-03-30"))
    service.duration_days = 1
    service.save()

    assert wall(resize(booking, 1).end_at) == "03-31 10:00"
    service.duration_days, service.maximum_duration_minutes = None, 90
    service.save()
    reschedule_booking(booking, new_start_at=booking.start_at, new_duration_minutes=90, now_dt=NOW)
    booking = stored(booking)
    assert wall(booking.end_at) == "03-30 11:30"
    assert (booking.duration_days, booking.ends_at_time) == (None, None)


@pytest.mark.parametrize(("minutes", "price"), [(30, 50), (1440, 50), (1441, 100), (3 * 1440, 150)])
def test_a_price_by_the_day_charges_days_that_have_begun(
    book: Book, make_service: Make, minutes: int, price: int
) -> None:
    van = make_service(duration_minutes=minutes, pricing_type="DAILY", price_amount=50)

    assert book(service=van, start_at=berlin("2030-06-01")).price_amount == price


def test_a_price_by_the_hour_charges_the_hours_that_pass(book: Book, make_service: Make) -> None:
    van = make_service(duration_days=1, pricing_type="HOURLY", price_amount=Decimal("1.50"))

    assert book(service=van, start_at=berlin("2030-03-30")).price_amount == Decimal("34.50")


def test_a_service_by_the_day_needs_no_minutes(provider: Any, car: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(car, "duration_minutes", None)

    booking = create_booking(
        service=car, provider=provider, start_at=berlin("2030-06-01"), client_name="M", now_dt=NOW
    )
    assert booking.duration_days == 1


def test_a_direct_save_keeps_the_rule_while_it_holds(book: Book, car: Any) -> None:
    booking = stored(book(service=car, start_at=berlin("2030-03-29")))
    booking.start_at, booking.end_at = berlin("2030-03-30"), berlin("2030-03-31")
    booking.save()
    booking.client_phone = "0123"
    booking.save()
    assert stored(booking).duration_days == 1

    booking.end_at += HOUR
    booking.save()
    booking = stored(booking)
    assert booking.duration_days is None
    moved = reschedule_booking(booking, new_start_at=berlin("2030-06-01"), now_dt=NOW)
    assert lasts(moved) == 24 * HOUR


def test_a_direct_save_forgets_a_rule_that_cannot_hold(book: Book, make_service: Make) -> None:
    until_six = make_service(ends_at_time="18:00")
    booking = stored(book(service=until_six, start_at=berlin("2030-06-01", "15:30")))
    booking.start_at, booking.end_at = (berlin("2030-06-01", at) for at in ("19:00", "20:00"))
    booking.save()

    assert (stored(booking).duration_days, stored(booking).ends_at_time) == (None, None)


def test_a_direct_save_keeps_no_rule_that_the_booking_does_not_have(
    book: Book, car: Any, provider: Any
) -> None:
    for values in (
        {"duration_days": 3},
        {"ends_at_time": time(11)},
        {"duration_days": None, "ends_at_time": time(10)},
    ):
        booking = book(service=car, start_at=berlin("2030-03-29"))
        for name, value in values.items():
            setattr(booking, name, value)
        booking.save()
        assert (stored(booking).duration_days, stored(booking).ends_at_time) == (None, None)
        booking.delete()

    for days, kept in ((2, None), (1, 1)):
        start = berlin("2030-03-30")
        end = berlin("2030-03-31")
        made = Booking(
            service=car, provider=provider, client_name="Kim", start_at=start, end_at=end
        )
        made.duration_days = days
        made.save()
        assert stored(made).duration_days == kept
        made.delete()


def test_what_can_be_joined_is_as_long(book: Book, make_service: Make, provider: Any) -> None:
    dorm = make_service(
        duration_days=1,
        maximum_duration_days=3,
        allow_multiple_clients_per_slot=True,
        capacity=2,
        buffer_before_minutes=15,
        buffer_after_minutes=30,
    )
    for day, days in (("2030-03-28", 1), ("2030-03-30", 1), ("2030-04-01", 2)):
        book(service=dorm, start_at=berlin(day), duration_days=days)
    month = berlin("2030-03-20"), berlin("2030-04-10")

    def joinable(**values: Any) -> list[str]:
        return [wall(start) for start in get_joinable_starts(dorm, provider, *month, **values)]

    assert joinable() == ["03-28 10:00", "03-30 10:00"]
    assert joinable(duration_days=2) == ["04-01 10:00"]
    assert joinable(duration_days=3) == []
    # Of a slot that can be joined, only the seconds around it are busy.
    busy = get_busy_intervals(provider, *month, service=dorm, duration_days=2)
    assert [ends - starts > HOUR for starts, ends in busy] == [True, True, False, False]
    busy = get_busy_intervals(provider.pk, *month, service=dorm, duration_days=3)
    assert len(busy) == 3
    for values in ({"duration_days": 4}, {"duration_minutes": 1440}):
        with pytest.raises(InvalidBooking):
            joinable(**values)
    with pytest.raises(InvalidBooking, match="Give the service too"):
        get_busy_intervals(provider, *month, duration_days=1)


def test_what_can_be_joined_is_as_many_minutes_long(
    book: Book, make_service: Make, provider: Any
) -> None:
    desk = make_service(
        maximum_duration_minutes=120, allow_multiple_clients_per_slot=True, capacity=2
    )
    book(service=desk, start_at=berlin("2030-06-01"), duration_minutes=90)
    day = berlin("2030-06-01", "00:00"), berlin("2030-06-02", "00:00")

    assert get_joinable_starts(desk, provider, *day) == []
    assert len(get_joinable_starts(desk, provider, *day, duration_minutes=90)) == 1
    assert len(get_busy_intervals(provider, *day, service=desk, duration_minutes=90)) == 2
    assert len(get_busy_intervals(provider, *day, service=desk, duration_minutes=60)) == 1
