"""``max_reschedules``: how often the client may move a booking."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import InvalidBooking, LimitReached, SlotUnavailable
from bookings.models import Booking
from bookings.services import (
    change_party_size,
    confirm_booking,
    reschedule_booking,
    update_booking,
)
from tests.services.clock import DAY, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_written, stored


@pytest.fixture
def twice(book: Book, make_service: Make) -> Booking:
    return book(service=make_service(max_reschedules=2))


def move(booking: Booking, days: int, **values: Any) -> Booking:
    return reschedule_booking(booking, new_start_at=START + days * DAY, now_dt=NOW, **values)


def test_the_client_may_move_it_so_often(twice: Booking) -> None:
    move(twice, 1)
    move(twice, 2)

    with nothing_written(), pytest.raises(LimitReached) as refused:
        move(twice, 3)

    assert (refused.value.limit, refused.value.most) == ("max_reschedules", 2)
    assert refused.value.messages == [
        "This booking can be moved 2 times, and has been. Ask staff to move it."
    ]


def test_none_is_no_limit(booking: Booking) -> None:
    assert booking.max_reschedules is None
    for day in range(1, 6):
        move(booking, day)


def test_zero_is_never(book: Book, make_service: Make) -> None:
    booking = book(service=make_service(max_reschedules=0))

    with nothing_written(), pytest.raises(LimitReached) as refused:
        move(booking, 1)
    assert refused.value.messages == ["This booking cannot be moved. Ask staff to move it."]


def test_it_is_the_number_when_the_booking_was_made(twice: Booking) -> None:
    twice.service.max_reschedules = 0
    twice.service.save()

    assert move(twice, 1).max_reschedules == 2


def test_staff_override_it_and_their_move_counts(twice: Booking) -> None:
    move(twice, 1)
    move(twice, 2, override_policy=True)
    move(twice, 3, override_policy=True)

    with nothing_written(), pytest.raises(LimitReached):
        move(twice, 4)


def test_a_move_of_the_provider_is_none_of_the_client_s(twice: Booking) -> None:
    for day in (1, 2, 3):
        move(twice, day, by="provider")
    move(twice, 4)
    move(twice, 5)
    move(twice, 6, by="provider")

    with nothing_written(), pytest.raises(LimitReached):
        move(twice, 7)


def test_another_provider_is_a_move_and_other_add_ons_are_none(
    twice: Booking, other_provider: Any, make_addon: Make
) -> None:
    addon = make_addon()
    move(twice, 0, new_provider=other_provider)
    move(twice, 0, addon_ids=[addon.pk])
    move(twice, 0, addon_ids=[])
    move(twice, 1)

    with nothing_written(), pytest.raises(LimitReached):
        move(twice, 2)
    move(twice, 1, addon_ids=[addon.pk])


def test_other_changes_do_not_count(twice: Booking) -> None:
    update_booking(twice, notes_client="Late.")
    move(twice, 0)
    move(twice, 1)
    move(twice, 2)


def test_a_move_to_where_it_is_is_none(twice: Booking) -> None:
    move(twice, 1)
    move(twice, 2)

    assert move(twice, 2).version == 3


def test_a_save_that_moves_it_counts(twice: Booking) -> None:
    for _ in range(2):
        twice.start_at += DAY
        twice.end_at += DAY
        twice.save()

    with nothing_written(), pytest.raises(LimitReached):
        move(twice, 5)


def test_the_slot_engine_is_not_asked_for_a_move_too_many(
    twice: Booking, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(twice, 1)
    move(twice, 2)
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.closed"

    with pytest.raises(LimitReached):
        move(twice, 3)
    with pytest.raises(SlotUnavailable):
        move(twice, 3, override_policy=True)


def closed(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> list[Any]:
    return []


def test_two_moves_at_once_are_counted_under_the_lock(
    twice: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first check passes, and another call moves it before the lock."""
    from bookings.services import reschedule

    other, late = stored(twice), []
    original = reschedule.LimitCheck

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        if not late:
            late.append(1)
            move(other, 1)
            move(other, 2)
        return original(*args, **kwargs)

    monkeypatch.setattr(reschedule, "LimitCheck", meanwhile)

    with pytest.raises(LimitReached):
        move(twice, 3)
    assert stored(twice).start_at == START + 2 * DAY


def test_the_adapter_has_the_last_word(
    book: Book, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def more_for_members(self: Any, booking: Booking) -> int | None:
        return 1 if booking.client_user is None else booking.max_reschedules

    monkeypatch.setattr(DefaultBookingAdapter, "max_reschedules", more_for_members)

    assert book().max_reschedules == 1
    assert book(client_user=user, start_at=START + DAY).max_reschedules is None


@pytest.mark.parametrize("wrong", [-1, 1.5, "2", True, 2**31])
def test_a_wrong_number_is_named(book: Book, make_service: Make, wrong: Any) -> None:
    service = make_service()
    service.max_reschedules = wrong

    with nothing_written(), pytest.raises(InvalidBooking, match=r"service\.max_reschedules"):
        book(service=service)


@pytest.mark.parametrize("wrong", [-1, 1.5, "2"])
def test_a_wrong_answer_of_the_adapter_is_named(
    book: Book, monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    monkeypatch.setattr(DefaultBookingAdapter, "max_reschedules", lambda self, booking: wrong)

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book()
    assert refused.value.field == "max_reschedules"


def test_seats_and_confirmations_do_not_count(book: Book, group: Any) -> None:
    group.max_reschedules, group.requires_approval = 1, True
    group.save()
    booking = book(service=group)
    change_party_size(booking, 2, now_dt=NOW)
    confirm_booking(booking, now_dt=NOW)

    move(booking, 1)
    with pytest.raises(LimitReached):
        move(booking, 2)
    assert booking.start_at == START + DAY
    assert booking.end_at == START + DAY + minutes(60)
