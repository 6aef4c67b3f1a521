"""Add-ons of a booking that is moved: kept as they were, or replaced."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bookings.exceptions import BookingConflict, BookingError, TenantMismatch
from bookings.models import Booking, BookingAddon
from bookings.services import reschedule_booking
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import (
    last_event,
    nothing_done,
    nothing_written,
    only_interval,
    stored,
)


@pytest.fixture
def stones(make_addon: Make) -> Any:
    return make_addon(name="Stones", extra_duration_minutes=15, price_amount=Decimal("10.00"))


@pytest.fixture
def oil(make_addon: Make) -> Any:
    return make_addon(name="Oil", extra_duration_minutes=5, price_amount=Decimal("3.00"))


@pytest.fixture
def with_stones(book: Book, make_service: Make, stones: Any) -> Booking:
    service = make_service(price_amount=Decimal("40.00"))
    return book(service=service, addon_ids=[stones.pk])


def snapshots(booking: Booking) -> dict[str, tuple[int, Decimal | None]]:
    return {
        addon.name_snapshot: (addon.extra_duration_minutes_snapshot, addon.price_amount_snapshot)
        for addon in BookingAddon.objects.filter(booking=booking)
    }


def change_the_catalogue(addon: Any) -> None:
    type(addon).objects.filter(pk=addon.pk).update(
        name="Renamed", extra_duration_minutes=99, price_amount=Decimal(99)
    )


@pytest.mark.parametrize("replace", [False, True])
def test_those_that_stay_are_as_they_were_booked(
    with_stones: Booking, stones: Any, replace: bool
) -> None:
    change_the_catalogue(stones)

    reschedule_booking(
        with_stones,
        new_start_at=START + DAY,
        addon_ids=[stones.pk] if replace else None,
        now_dt=NOW,
    )

    assert snapshots(with_stones) == {"Stones": (15, Decimal("10.00"))}
    assert with_stones.end_at == START + DAY + minutes(75)
    assert with_stones.total_amount == Decimal("50.00")
    assert "new_addons" not in last_event(with_stones).data


def test_a_list_replaces_them(with_stones: Booking, oil: Any) -> None:
    reschedule_booking(with_stones, new_start_at=START, addon_ids=[oil.pk], now_dt=NOW)

    assert snapshots(with_stones) == {"Oil": (5, Decimal("3.00"))}
    booking = stored(with_stones)
    assert (booking.end_at, booking.total_amount) == (START + minutes(65), Decimal("43.00"))
    assert only_interval()["end_at"] == START + minutes(65)
    data = last_event(booking).data
    assert (data["old_addons"], data["new_addons"]) == (["Stones"], ["Oil"])
    assert (data["old_total_amount"], data["new_total_amount"]) == ("50.00", "43.00")


def test_one_can_be_added(with_stones: Booking, stones: Any, oil: Any) -> None:
    change_the_catalogue(stones)

    reschedule_booking(with_stones, new_start_at=START, addon_ids=[oil.pk, stones.pk], now_dt=NOW)

    assert snapshots(with_stones) == {
        "Stones": (15, Decimal("10.00")),
        "Oil": (5, Decimal("3.00")),
    }
    assert with_stones.end_at == START + minutes(80)


@pytest.mark.parametrize("none", [[], ()])
def test_an_empty_list_removes_them(with_stones: Booking, none: Any) -> None:
    reschedule_booking(with_stones, new_start_at=START, addon_ids=none, now_dt=NOW)

    assert snapshots(with_stones) == {}
    assert with_stones.end_at == START + HOUR
    assert with_stones.total_amount == Decimal("40.00")


def test_the_same_list_at_the_same_time_changes_nothing(with_stones: Booking, stones: Any) -> None:
    with nothing_done():
        reschedule_booking(with_stones, new_start_at=START, addon_ids=iter([stones.pk]), now_dt=NOW)


def test_one_of_the_same_name_and_price_is_another(
    with_stones: Booking, stones: Any, make_addon: Make
) -> None:
    twin = make_addon(name="Stones", extra_duration_minutes=15, price_amount=Decimal("10.00"))

    reschedule_booking(with_stones, new_start_at=START, addon_ids=[twin.pk], now_dt=NOW)

    assert BookingAddon.objects.get().addon_id == twin.pk


def test_a_longer_booking_has_to_fit(with_stones: Booking, book: Book, oil: Any) -> None:
    book(start_at=START + minutes(75))

    with nothing_written(), pytest.raises(BookingConflict):
        reschedule_booking(
            with_stones,
            new_start_at=START,
            addon_ids=[oil.pk, with_stones.addons.get().addon_id],
            now_dt=NOW,
        )


def test_a_wrong_list_changes_nothing(with_stones: Booking, oil: Any) -> None:
    for wrong in ([oil.pk, oil.pk], [oil.pk, 4711]):
        with nothing_written(), pytest.raises(BookingError):
            reschedule_booking(with_stones, new_start_at=START, addon_ids=wrong, now_dt=NOW)


def test_add_ons_that_another_change_brought_meanwhile_are_kept(
    with_stones: Booking, stones: Any, oil: Any
) -> None:
    stale = stored(with_stones)
    reschedule_booking(with_stones, new_start_at=START, addon_ids=[stones.pk, oil.pk], now_dt=NOW)

    reschedule_booking(stale, new_start_at=START + DAY, now_dt=NOW)

    assert stale.end_at == START + DAY + minutes(80)
    assert set(snapshots(stale)) == {"Stones", "Oil"}


def test_an_add_on_of_another_tenant_is_refused(
    book: Book, stones: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookings.models import Tenant

    settings.BOOKINGS_TENANT_MODEL = "bookings.Tenant"
    own, other = Tenant.objects.create(), Tenant.objects.create()
    booking = book(tenant=own)
    monkeypatch.setattr(type(stones), "tenant_id", other.pk, raising=False)

    with nothing_written(), pytest.raises(TenantMismatch):
        reschedule_booking(booking, new_start_at=START, addon_ids=[stones.pk], now_dt=NOW)
