from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import (
    InvalidBooking,
    NotAllowed,
)
from bookings.models import Booking, BookingAddon
from tests.services.clock import HOUR, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import (
    nothing_written,
    only_interval,
    stored,
)


def test_the_rules_are_those_of_the_day_it_was_made(book: Book, make_service: Make) -> None:
    rules: dict[str, Any] = {
        "buffer_before_minutes": 5,
        "buffer_after_minutes": 10,
        "requires_approval": True,
        "cancellation_allowed": False,
        "cancellation_notice_minutes": 60,
        "reschedule_allowed": False,
        "reschedule_notice_minutes": 120,
        "pricing_type": "fixed",
        "price_amount": Decimal("49.90"),
        "currency": "EUR",
    }
    service = make_service(**rules)
    made = book(service=service)
    type(service).objects.update(
        duration_minutes=5,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        requires_approval=False,
        cancellation_allowed=True,
        cancellation_notice_minutes=0,
        reschedule_allowed=True,
        reschedule_notice_minutes=0,
        pricing_type="",
        price_amount=None,
        currency="USD",
    )

    read = stored(made)
    assert {name: getattr(read, name) for name in rules} == rules
    assert read.end_at == START + HOUR
    assert read.busy_window() == (START - minutes(5), START + minutes(70))


def test_a_service_without_currency_is_priced_in_the_default_one(
    book: Book, make_service: Make, settings: Any
) -> None:
    settings.BOOKINGS_DEFAULT_CURRENCY = "CHF"

    assert book(service=make_service(currency="")).currency == "CHF"


def test_add_ons_make_it_longer_and_dearer(
    book: Book, make_service: Make, make_addon: Make
) -> None:
    stones = make_addon(price_amount=Decimal("10.50"))
    oil = make_addon(name="Oil", extra_duration_minutes=0, price_amount=Decimal("5.25"))

    made = book(
        service=make_service(price_amount=Decimal("40.00")), addon_ids=[stones.pk, str(oil.pk)]
    )

    assert made.end_at == START + minutes(75)
    assert (made.price_amount, made.total_amount) == (Decimal("40.00"), Decimal("55.75"))
    assert only_interval()["end_at"] == START + minutes(75)


def test_an_add_on_is_kept_as_it_was(book: Book, make_addon: Make) -> None:
    addon = make_addon(price_amount=Decimal("10.50"))
    made = book(addon_ids=[addon.pk])
    type(addon).objects.update(name="Cold", extra_duration_minutes=5, price_amount=Decimal(1))

    snapshot = BookingAddon.objects.get()
    assert (snapshot.booking, snapshot.addon_id) == (made, addon.pk)
    assert snapshot.name_snapshot == "Hot stones"
    assert snapshot.extra_duration_minutes_snapshot == 15
    assert (snapshot.price_amount_snapshot, snapshot.currency_snapshot) == (
        Decimal("10.50"),
        "USD",
    )


def test_an_add_on_without_price_has_no_say_in_the_currency(book: Book, make_addon: Make) -> None:
    made = book(addon_ids=[make_addon(currency="EUR").pk])

    assert (made.currency, made.total_amount) == ("USD", None)


@pytest.mark.parametrize("addon_ids", [None, [], (), iter(())])
def test_add_ons_are_optional(book: Book, addon_ids: Any) -> None:
    assert book(addon_ids=addon_ids).addons.count() == 0


def test_add_ons_may_come_in_any_iterable(book: Book, make_addon: Make) -> None:
    first, second = make_addon(), make_addon(name="Oil")

    made = book(addon_ids=(addon.pk for addon in (second, first)))

    assert {snapshot.addon for snapshot in made.addons.all()} == {first, second}


def test_an_add_on_of_another_service_is_refused(
    book: Book, make_addon: Make, make_service: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    addon = make_addon()
    other = make_service()
    monkeypatch.setattr(type(addon), "service_id", other.pk, raising=False)

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(addon_ids=[addon.pk])

    assert refused.value.code == "wrong_addon"
    assert book(service=other, addon_ids=[addon.pk]).pk


def test_the_adapter_decides_on_price_and_approval(
    book: Book, make_addon: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    addon = make_addon(price_amount=Decimal(5))
    monkeypatch.setattr(
        DefaultBookingAdapter, "price", lambda self, booking, addons: 10 * len(addons)
    )
    monkeypatch.setattr(DefaultBookingAdapter, "requires_approval", lambda self, booking: True)

    made = book(addon_ids=[addon.pk])

    assert (made.price_amount, made.total_amount) == (Decimal(10), Decimal(15))
    assert (made.status, made.requires_approval) == ("PENDING", True)


def test_the_adapter_may_forbid_it(book: Book, staff: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(self: Any, actor: Any, verb: str, booking: Booking) -> None:
        raise NotAllowed(f"{actor} may not {verb} bookings of {booking.client_name}.")

    monkeypatch.setattr(DefaultBookingAdapter, "check_permission", forbid)

    with nothing_written(), pytest.raises(NotAllowed) as refused:
        book(created_by=staff)

    assert refused.value.messages == ["staff may not create bookings of Mary."]
