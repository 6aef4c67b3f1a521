"""What a host may decide differently, and what is decided where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from bookings import adapters
from bookings.adapters import DefaultBookingAdapter, get_adapter
from bookings.exceptions import InvalidBooking, NotAllowed
from bookings.models import Booking
from tests.core.conftest import Book
from tests.core.moments import NOW, at


class Numbered(DefaultBookingAdapter):
    """References that count, everything for half the price, and a word with each newcomer."""

    def generate_reference(self, booking: Booking, now_dt: Any) -> str:
        return f"NO-{now_dt.year}-{Booking.objects.count() + 1}"

    def requires_approval(self, booking: Booking) -> bool:
        return booking.client_name == "Newcomer"

    def price(self, booking: Booking, addons: Any) -> Decimal | None:
        return Decimal("49.50")


@pytest.fixture
def numbered(settings: Any) -> Iterator[None]:
    settings.BOOKINGS_ADAPTER = f"{__name__}.Numbered"
    yield
    adapters._adapter.cache_clear()


@pytest.fixture
def adapter() -> DefaultBookingAdapter:
    return DefaultBookingAdapter()


def test_the_adapter_is_the_one_that_the_setting_names(numbered: None) -> None:
    assert type(get_adapter()).__name__ == "Numbered"


def test_without_the_setting_the_default_decides() -> None:
    assert type(get_adapter()) is DefaultBookingAdapter


def test_one_adapter_serves_every_call(numbered: None) -> None:
    assert get_adapter() is get_adapter()


def test_an_adapter_that_is_not_there_is_said_so(settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = "nowhere.Adapter"
    with pytest.raises(ImportError):
        get_adapter()


def test_a_host_s_adapter_makes_references_prices_and_approvals(numbered: None, book: Book) -> None:
    booking = book(client_name="Newcomer")
    assert booking.reference == "NO-2131-1"
    assert booking.price_amount == booking.total_amount == Decimal("49.50")
    assert (booking.status, booking.requires_approval) == (Booking.Status.PENDING, True)
    assert book(at(12)).status == Booking.Status.CONFIRMED


def test_by_default_a_reference_is_the_booking_s_own(adapter: DefaultBookingAdapter) -> None:
    assert adapter.generate_reference(Booking(), NOW).startswith("BK-2131-")


@pytest.mark.parametrize("approval", [True, False])
def test_by_default_the_service_s_rules_stand(
    adapter: DefaultBookingAdapter, approval: bool
) -> None:
    booking = Booking(requires_approval=approval, price_amount=Decimal(5))
    assert adapter.requires_approval(booking) is approval
    assert adapter.price(booking, []) == Decimal(5)


@pytest.mark.parametrize(
    "addon", [SimpleNamespace(), SimpleNamespace(service_id=None), SimpleNamespace(service_id=1)]
)
def test_by_default_an_addon_goes_with_its_own_service_or_with_all(
    adapter: DefaultBookingAdapter, addon: Any
) -> None:
    adapter.check_addon(SimpleNamespace(pk=1), addon)


def test_by_default_another_service_s_addon_is_refused(adapter: DefaultBookingAdapter) -> None:
    with pytest.raises(InvalidBooking, match="belongs to another service") as caught:
        adapter.check_addon(SimpleNamespace(pk=1), SimpleNamespace(service_id=2))
    assert caught.value.code == "wrong_addon"


@pytest.mark.parametrize("name", ["service", "provider"])
def test_by_default_what_is_not_active_is_for_staff_alone(
    adapter: DefaultBookingAdapter, name: str
) -> None:
    parts = {"service": SimpleNamespace(), "provider": SimpleNamespace(is_active=True)}
    booking: Any = SimpleNamespace(**(parts | {name: SimpleNamespace(is_active=False)}))
    with pytest.raises(NotAllowed, match=f"The {name} is not active"):
        adapter.check_bookable(booking, override_policy=False)
    adapter.check_bookable(booking, override_policy=True)


def test_by_default_anybody_may_do_anything(adapter: DefaultBookingAdapter) -> None:
    adapter.check_permission(None, "cancel", Booking())
