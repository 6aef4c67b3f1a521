"""What a booking costs: by its service's pricing type, in amounts that can be paid."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError

from bookings.abstract import PricingType
from bookings.adapters import DefaultBookingAdapter
from bookings.conf import app_settings
from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.services import hold_booking, reschedule_booking
from tests.services.clock import DAY, HOUR, NOW, START
from tests.services.conftest import Book, Make
from tests.services.storage import last_event, nothing_written, stored


def amounts(booking: Booking) -> tuple[Any, ...]:
    read = stored(booking)
    return read.pricing_type, read.price_amount, read.total_amount


@pytest.mark.parametrize(
    ("pricing_type", "price"),
    [
        ("", Decimal(40)),
        (PricingType.FIXED, Decimal(40)),
        (PricingType.HOURLY, Decimal(60)),
        (PricingType.FREE, Decimal(0)),
        ("SLIDING", Decimal(40)),
        ("hourly", Decimal(40)),
    ],
)
def test_a_pricing_type_says_what_the_amount_is(
    book: Book, make_service: Make, pricing_type: str, price: Decimal
) -> None:
    service = make_service(pricing_type=pricing_type, price_amount=40, duration_minutes=90)

    assert amounts(book(service=service)) == (pricing_type, price, price)


@pytest.mark.parametrize("pricing_type", ["", PricingType.FIXED, PricingType.HOURLY])
def test_what_has_no_amount_has_no_price(book: Book, make_service: Make, pricing_type: str) -> None:
    assert amounts(book(service=make_service(pricing_type=pricing_type))) == (
        pricing_type,
        None,
        None,
    )


def test_what_is_free_costs_nothing_and_needs_no_amount(book: Book, make_service: Make) -> None:
    made = book(service=make_service(pricing_type=PricingType.FREE))

    assert amounts(made) == ("FREE", Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    ("pricing_type", "total"), [(PricingType.FREE, "7.50"), (PricingType.HOURLY, "47.50")]
)
def test_add_ons_have_prices_of_their_own(
    book: Book, make_service: Make, make_addon: Make, pricing_type: str, total: str
) -> None:
    """Their minutes are not charged by the hour, and what is free does not give them away."""
    addon = make_addon(price_amount=Decimal("7.50"), extra_duration_minutes=30)

    made = book(
        service=make_service(pricing_type=pricing_type, price_amount=40), addon_ids=[addon.pk]
    )

    assert made.end_at - made.start_at == 1.5 * HOUR
    assert made.total_amount == Decimal(total)


@pytest.mark.parametrize(("currency", "price"), [("USD", "8.33"), ("JPY", "8"), ("KWD", "8.333")])
def test_an_hour_is_rounded_to_what_its_currency_can_be_paid_in(
    book: Book, make_service: Make, currency: str, price: str
) -> None:
    service = make_service(
        pricing_type=PricingType.HOURLY,
        price_amount=Decimal("25.00"),
        duration_minutes=20,
        currency=currency,
    )

    assert book(service=service).price_amount == Decimal(price)


def test_a_rate_may_be_finer_than_what_can_be_paid(book: Book, make_service: Make) -> None:
    service = make_service(
        pricing_type=PricingType.HOURLY, price_amount=Decimal("0.333"), duration_minutes=180
    )

    assert book(service=service).price_amount == Decimal("1.00")


def test_other_add_ons_leave_the_price_alone(
    book: Book, make_service: Make, make_addon: Make
) -> None:
    """Agreed is agreed: neither the rate of today nor the length of the add-ons counts."""
    service = make_service(pricing_type=PricingType.HOURLY, price_amount=40)
    booking = book(service=service)
    type(service).objects.update(price_amount=99, pricing_type="")
    addon = make_addon(price_amount=Decimal(5), extra_duration_minutes=60)

    reschedule_booking(booking, new_start_at=START + DAY, addon_ids=[addon.pk], now_dt=NOW)

    assert amounts(booking) == ("HOURLY", Decimal(40), Decimal(45))
    assert last_event(booking).data["new_total_amount"] == "45.00"


class Doubling(DefaultBookingAdapter):
    def price(self, booking: Booking, addons: Any) -> Decimal | None:
        price = super().price(booking, addons)
        return None if price is None else 2 * price


def test_an_adapter_goes_on_from_what_the_type_says(
    book: Book, make_service: Make, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.Doubling"
    service = make_service(pricing_type=PricingType.HOURLY, price_amount=40, duration_minutes=30)

    assert book(service=service).price_amount == Decimal(40)


TOO_FINE = [("USD", "1.005", "2 decimals"), ("JPY", "10.5", "0 decimals")]


@pytest.mark.parametrize(("currency", "amount", "said"), TOO_FINE)
def test_an_amount_that_nobody_can_pay_is_refused(
    book: Book, make_service: Make, currency: str, amount: str, said: str
) -> None:
    service = make_service(price_amount=Decimal(amount), currency=currency)

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=service)

    assert refused.value.code == "amount_too_fine"
    assert str(refused.value) == (
        f"price_amount is {amount}, but amounts in {currency} have at most {said}. Round it."
    )


@pytest.mark.parametrize(("currency", "amount", "said"), TOO_FINE)
def test_so_is_an_add_on_s(
    book: Book, make_service: Make, make_addon: Make, currency: str, amount: str, said: str
) -> None:
    service = make_service(price_amount=10, currency=currency)
    addon = make_addon(price_amount=Decimal(amount), currency=currency)

    with nothing_written(), pytest.raises(InvalidBooking, match=said) as refused:
        book(service=service, addon_ids=[addon.pk])

    assert refused.value.params["name"] == "addon.price_amount"


def test_so_is_an_adapter_s(book: Book, service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        DefaultBookingAdapter, "price", lambda self, booking, addons: Decimal(10) / 3
    )

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book()

    assert refused.value.code == "amount_too_fine"


def test_three_decimals_are_paid_where_the_currency_has_them(
    book: Book, make_service: Make
) -> None:
    service = make_service(price_amount=Decimal("1.005"), currency="KWD")

    assert stored(book(service=service)).total_amount == Decimal("1.005")


@pytest.mark.parametrize("name", ["price_amount", "total_amount"])
def test_save_refuses_an_amount_that_nobody_can_pay(booking: Booking, name: str) -> None:
    setattr(booking, name, Decimal("1.005"))

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        booking.save()

    assert refused.value.code == "amount_too_fine"


def test_save_refuses_a_currency_in_which_the_amount_cannot_be_paid(
    book: Book, make_service: Make
) -> None:
    booking = book(service=make_service(price_amount=Decimal("1.50")))
    booking.currency = "JPY"

    with nothing_written(), pytest.raises(InvalidBooking, match="amounts in JPY"):
        booking.save()


def test_save_refuses_a_new_booking_that_nobody_can_pay(booking: Booking) -> None:
    new = Booking(
        service=booking.service,
        provider=booking.provider,
        start_at=START + DAY,
        end_at=START + DAY + HOUR,
        client_name="Mary",
        price_amount=Decimal("1.005"),
    )

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        new.save()

    assert refused.value.code == "amount_too_fine"


class BelowZero(DefaultBookingAdapter):
    def price(self, booking: Booking, addons: Any) -> Decimal | None:
        return Decimal(-1)


def check_below_zero(error: InvalidBooking, name: str) -> None:
    assert (error.code, error.params["name"]) == ("negative_amount", name)
    assert str(error) == (
        f"{name} is {error.params['amount']}, but an amount cannot be below zero. "
        "Write 0 or more, or leave it empty."
    )


@pytest.mark.parametrize("pricing_type", list(PricingType))
@pytest.mark.parametrize("price", [Decimal(-1), Decimal("-0.01"), -1, "-1"])
def test_a_price_below_zero_is_refused(
    book: Book, service: Any, pricing_type: str, price: Any
) -> None:
    service.price_amount, service.pricing_type = price, pricing_type

    for keep in (book, partial(hold, service)):
        with nothing_written(), pytest.raises(InvalidBooking) as refused:
            keep()
        check_below_zero(refused.value, "service.price_amount")


def hold(service: Any) -> Booking:
    provider = apps.get_model(app_settings.PROVIDER_MODEL)._default_manager.get()
    return hold_booking(service=service, provider=provider, start_at=START, now_dt=NOW)


def test_so_is_an_add_on_s_below_zero(book: Book, booking: Booking, make_addon: Make) -> None:
    """Else it would take more off than the service costs."""
    addon = make_addon(price_amount=-1)

    for take in (
        lambda: book(start_at=START + DAY, addon_ids=[addon.pk]),
        lambda: reschedule_booking(
            booking, new_start_at=START + DAY, addon_ids=[addon.pk], now_dt=NOW
        ),
    ):
        with nothing_written(), pytest.raises(InvalidBooking) as refused:
            take()
        check_below_zero(refused.value, "addon.price_amount")


def test_so_is_an_adapter_s_below_zero(book: Book, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.BelowZero"

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book()

    check_below_zero(refused.value, "price_amount")


def test_nothing_of_a_service_below_zero_is_moved(booking: Booking) -> None:
    type(booking.service).objects.update(price_amount=-1)

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        reschedule_booking(stored(booking), new_start_at=START + DAY, now_dt=NOW)

    check_below_zero(refused.value, "service.price_amount")


@pytest.mark.parametrize("name", ["price_amount", "total_amount"])
def test_save_refuses_an_amount_below_zero(booking: Booking, name: str) -> None:
    setattr(booking, name, Decimal(-1))
    new = Booking(
        service=booking.service,
        provider=booking.provider,
        client_name="Mary",
        start_at=START + DAY,
        end_at=START + DAY + HOUR,
        **{name: -1},
    )

    for save in (booking.save, new.save):
        with nothing_written(), pytest.raises(InvalidBooking) as refused:
            save()
        check_below_zero(refused.value, name)


@pytest.mark.parametrize("setting", ["SERVICE_MODEL", "ADDON_MODEL"])
def test_a_form_of_a_service_or_add_on_asks_for_no_price_below_zero(setting: str) -> None:
    made = apps.get_model(app_settings.model_label(setting))(name="Massage", price_amount=-1)

    with pytest.raises(ValidationError) as refused:
        made.full_clean()

    assert refused.value.message_dict == {
        "price_amount": ["Ensure this value is greater than or equal to 0."]
    }
