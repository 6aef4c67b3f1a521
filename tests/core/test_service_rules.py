"""What the core reads from a host's service, and what it says of one that makes no sense."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.exceptions import BookingError, CapacityExceeded, InvalidBooking
from bookings.protocols import AddonLike, ProviderLike, ServiceLike
from bookings.rules.lengths import MAX_DAYS, DayLengths, WallLength
from bookings.rules.prices import parse_amount
from bookings.rules.service_rules import ServiceRules
from bookings.rules.validation import MAX_MINUTES, whole_number

MINUTES = (
    "buffer_before_minutes",
    "buffer_after_minutes",
    "minimum_notice_minutes",
    "cancellation_notice_minutes",
    "reschedule_notice_minutes",
)


def rules(**attributes: Any) -> ServiceRules:
    service = SimpleNamespace(**({"duration_minutes": 60} | attributes))
    return ServiceRules.of(service, default_currency="CHF")


def test_a_service_needs_a_duration_and_nothing_else() -> None:
    assert rules() == ServiceRules(
        duration_minutes=60,
        minimum_duration_minutes=None,
        maximum_duration_minutes=None,
        duration_step_minutes=None,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        minimum_notice_minutes=0,
        maximum_advance_days=None,
        requires_approval=False,
        cancellation_allowed=True,
        cancellation_notice_minutes=0,
        reschedule_allowed=True,
        reschedule_notice_minutes=0,
        max_reschedules=None,
        two_sided_completion=False,
        shared=False,
        capacity=None,
        capacity_mode="SLOT",
        pricing_type="",
        price_amount=None,
        currency="CHF",
    )


def test_what_a_service_says_is_taken() -> None:
    assert rules(
        duration_minutes=45,
        minimum_duration_minutes=30,
        maximum_duration_minutes=60,
        duration_step_minutes=15,
        buffer_before_minutes=1,
        buffer_after_minutes=2,
        minimum_notice_minutes=3,
        maximum_advance_days=4,
        requires_approval=True,
        cancellation_allowed=False,
        cancellation_notice_minutes=5,
        reschedule_allowed=False,
        reschedule_notice_minutes=6,
        max_reschedules=8,
        two_sided_completion=True,
        allow_multiple_clients_per_slot=True,
        capacity=7,
        capacity_mode="CONCURRENT",
        pricing_type="FIXED",
        price_amount=Decimal("8.50"),
        currency="EUR",
    ) == ServiceRules(
        *(45, 30, 60, 15, 1, 2, 3, 4, True, False, 5, False, 6, 8, True, True, 7),
        *("CONCURRENT", "FIXED", Decimal("8.50"), "EUR"),
    )


@pytest.mark.parametrize("service", [SimpleNamespace(), SimpleNamespace(duration_minutes=None)])
def test_a_service_without_a_duration_is_refused(service: Any) -> None:
    with pytest.raises(InvalidBooking, match=r"Service is missing duration_minutes\.") as caught:
        ServiceRules.of(service, default_currency="USD")
    assert caught.value.code == "missing_duration"


@pytest.mark.parametrize("name", MINUTES)
def test_an_empty_number_of_minutes_is_none_at_all(name: str) -> None:
    assert getattr(rules(**{name: None}), name) == 0


def test_an_empty_text_is_the_default() -> None:
    assert (rules(pricing_type=None).pricing_type, rules(currency="").currency) == ("", "CHF")


NO_NUMBERS = [-1, True, "60", 60.0, Decimal(60), float("nan"), 10**30, [60]]


@pytest.mark.parametrize("value", [0, *NO_NUMBERS, MAX_MINUTES + 1], ids=repr)
def test_a_duration_is_a_positive_number_of_minutes(value: Any) -> None:
    with pytest.raises(InvalidBooking, match=r"service\.duration_minutes must be a whole number"):
        rules(duration_minutes=value)


@pytest.mark.parametrize("value", [0, *NO_NUMBERS, MAX_MINUTES + 1], ids=repr)
@pytest.mark.parametrize(
    "name", ["minimum_duration_minutes", "maximum_duration_minutes", "duration_step_minutes"]
)
def test_lengths_to_choose_from_are_positive_numbers_of_minutes(name: str, value: Any) -> None:
    with pytest.raises(InvalidBooking, match=rf"service\.{name} must be a whole number"):
        rules(**{name: value})


@pytest.mark.parametrize("value", [*NO_NUMBERS, MAX_MINUTES + 1], ids=repr)
@pytest.mark.parametrize("name", MINUTES)
def test_minutes_are_whole_and_not_negative(name: str, value: Any) -> None:
    with pytest.raises(InvalidBooking, match=rf"service\.{name}"):
        rules(**{name: value})


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("name", ["maximum_advance_days", "capacity"])
def test_an_optional_number_is_whole_and_not_negative(name: str, value: Any) -> None:
    with pytest.raises(InvalidBooking, match=rf"service\.{name}"):
        rules(**{name: value})


def test_the_longest_durations_are_ten_years() -> None:
    assert rules(duration_minutes=MAX_MINUTES).duration_minutes == MAX_MINUTES


@given(value=st.integers(), least=st.integers(-5, 5), most=st.integers(5, 10))
def test_a_whole_number_lies_within_its_bounds(value: int, least: int, most: int) -> None:
    if least <= value <= most:
        assert whole_number(value, "n", at_least=least, at_most=most) == value
    else:
        with pytest.raises(InvalidBooking):
            whole_number(value, "n", at_least=least, at_most=most)


@given(value=st.one_of(st.booleans(), st.floats(), st.text(), st.decimals(), st.none()))
def test_nothing_but_an_int_is_a_whole_number(value: Any) -> None:
    with pytest.raises(InvalidBooking) as caught:
        whole_number(value, "party_size", at_least=0)
    assert str(caught.value).startswith("party_size must be a whole number from 0 to 2147483647")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (5, Decimal(5)),
        ("7.25", Decimal("7.25")),
        (0.1, Decimal("0.1")),
        (Decimal("9.999"), Decimal("9.999")),
        (Decimal(-3), Decimal(-3)),
    ],
)
def test_an_amount_is_exact_whatever_its_type(value: Any, expected: Decimal | None) -> None:
    assert parse_amount(value, "price") == expected


@pytest.mark.parametrize(
    "value", ["free", "", True, float("nan"), float("inf"), Decimal("1e30"), ..., []], ids=repr
)
def test_what_is_no_amount_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidBooking, match=r"service\.price_amount must be an amount of money"):
        rules(price_amount=value)


@pytest.mark.parametrize("value", [978, b"EUR", ["EUR"]], ids=repr)
def test_what_is_no_text_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidBooking, match=r"service\.pricing_type must be text, not"):
        rules(pricing_type=value)


@pytest.mark.parametrize(
    ("pricing_type", "amount", "price"),
    [
        ("", 50, Decimal(50)),
        ("FIXED", 50, Decimal(50)),
        ("HOURLY", 50, Decimal("37.50")),
        ("HOURLY", None, None),
        ("DAILY", 50, Decimal(50)),
        ("DAILY", None, None),
        ("FREE", 50, Decimal(0)),
        ("FREE", None, Decimal(0)),
        ("per seat", 50, Decimal(50)),
    ],
)
def test_the_price_is_what_the_type_makes_of_the_amount(
    pricing_type: str, amount: Any, price: Decimal | None
) -> None:
    service = rules(pricing_type=pricing_type, price_amount=amount)
    start = datetime(2030, 1, 7, 9, tzinfo=UTC)
    assert service.price_of(start, start + timedelta(minutes=45), lambda: UTC) == price


DAYS = ["duration_days", "minimum_duration_days", "maximum_duration_days", "duration_step_days"]


@pytest.mark.parametrize("value", [0, *NO_NUMBERS, MAX_DAYS + 1], ids=repr)
@pytest.mark.parametrize("name", DAYS)
def test_days_are_positive_numbers(name: str, value: Any) -> None:
    with pytest.raises(InvalidBooking, match=rf"service\.{name} must be a whole number"):
        rules(**({"duration_days": 1} | {name: value}))


def test_a_service_by_the_day_says_how_many() -> None:
    service = rules(
        duration_days=2,
        ends_at_time="11:00",
        minimum_duration_days=1,
        maximum_duration_days=MAX_DAYS,
        duration_step_days=3,
    )
    assert service.by_days == DayLengths(WallLength(2, time(11)), 1, MAX_DAYS, 3)
    assert service.wall_length == service.length == WallLength(2, time(11))
    assert service.duration_minutes == 2 * 1440
    assert rules(ends_at_time=time(18)).length == WallLength(0, time(18))
    assert rules().wall_length is None


@pytest.mark.parametrize(
    "value",
    ["", "noon", "25:00", "24:00", "11:00:01", time(11, tzinfo=UTC), 11, b"11:00"],
    ids=repr,
)
def test_an_end_is_a_time_of_day_in_whole_minutes(value: Any) -> None:
    with pytest.raises(InvalidBooking, match=r"service\.ends_at_time must be a time of day"):
        rules(ends_at_time=value)


@pytest.mark.parametrize(
    ("shared", "capacity", "is_shared"),
    [(False, None, False), (False, 5, False), (True, None, False), (True, 5, True)],
)
def test_a_slot_is_shared_where_clients_may_and_seats_are_counted(
    shared: bool, capacity: int | None, is_shared: bool
) -> None:
    service = rules(allow_multiple_clients_per_slot=shared, capacity=capacity)
    assert service.is_shared == is_shared


def test_a_service_of_one_client_has_one_seat() -> None:
    assert rules(capacity=8).seats(1) == 1
    with pytest.raises(InvalidBooking, match="Party size must be 1") as caught:
        rules(capacity=8).seats(2)
    assert caught.value.code == "party_size"


def test_without_a_capacity_a_party_of_any_size_has_the_slot_to_itself() -> None:
    assert rules(allow_multiple_clients_per_slot=True).seats(12) == 12


@pytest.mark.parametrize("mode", [None, "", "SLOT"])
def test_by_default_the_capacity_is_that_of_a_slot(mode: str | None) -> None:
    assert not rules(capacity_mode=mode).is_concurrent


@pytest.mark.parametrize("mode", ["concurrent", "SLOTS", 1, True, ["SLOT"]], ids=repr)
def test_an_unknown_mode_is_refused(mode: Any) -> None:
    with pytest.raises(InvalidBooking, match=r"service\.capacity_mode must be"):
        rules(capacity_mode=mode)


@pytest.mark.parametrize("shared", [True, False])
def test_a_concurrent_service_shares_its_seats_but_no_slot(shared: bool) -> None:
    service = rules(capacity_mode="CONCURRENT", capacity=20, allow_multiple_clients_per_slot=shared)
    assert (service.is_concurrent, service.is_shared, service.seats(3)) == (True, False, 20)
    with pytest.raises(CapacityExceeded) as caught:
        service.seats(21)
    assert caught.value.remaining == 20


def test_a_concurrent_service_needs_a_capacity() -> None:
    with pytest.raises(InvalidBooking, match="needs a capacity") as caught:
        rules(capacity_mode="CONCURRENT").seats(1)
    assert caught.value.field == "service.capacity"


@given(party=st.integers(-3, 12), capacity=st.integers(0, 10))
def test_a_party_fits_up_to_the_capacity(party: int, capacity: int) -> None:
    service = rules(allow_multiple_clients_per_slot=True, capacity=capacity)
    if 0 < party <= capacity:
        assert service.seats(party) == capacity
        return
    with pytest.raises(BookingError) as caught:
        service.seats(party)
    assert isinstance(caught.value, InvalidBooking if party < 1 else CapacityExceeded)
    if party > capacity:
        assert isinstance(caught.value, CapacityExceeded)
        assert caught.value.remaining == capacity


@pytest.mark.parametrize("party", [True, 1.0, "1", None, 2**31], ids=repr)
def test_a_party_size_is_a_whole_number(party: Any) -> None:
    with pytest.raises(InvalidBooking, match="party_size must be a whole number"):
        rules(allow_multiple_clients_per_slot=True).seats(party)


def test_what_a_host_has_to_offer_can_be_asked_of_its_objects() -> None:
    service = SimpleNamespace(pk=1, duration_minutes=60)
    addon = SimpleNamespace(pk=1, name="Hot stones")
    assert isinstance(service, ServiceLike)
    assert not isinstance(addon, ServiceLike)
    assert isinstance(addon, AddonLike)
    assert not isinstance(service, AddonLike)
    assert isinstance(addon, ProviderLike)
    assert not isinstance(object(), ProviderLike)
