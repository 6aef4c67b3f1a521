"""``reopen_booking``: what it becomes again, what is in its way, and what staff may lift."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    DuplicateBooking,
    InvalidBooking,
    LimitReached,
    NotAllowed,
    ResourceTaken,
)
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import (
    auto_cancel_expired_bookings,
    cancel_booking,
    complete_booking,
    decline_booking,
    expire_booking,
    reopen_booking,
    submit_hold,
)
from tests.services.clock import DAY, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import (
    history,
    intervals,
    lapses,
    last_event,
    nothing_written,
    only_interval,
    stored,
)

LAPSED = NOW + minutes(15)


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert list(find_problems()) == []


def test_a_confirmed_booking_is_confirmed_again(booking: Booking, staff: Any) -> None:
    confirmed_at = booking.confirmed_at
    held = only_interval()
    cancel_booking(booking, actor=staff, reason="By mistake", now_dt=NOW)

    reopen_booking(booking, actor=staff, now_dt=NOW)

    row = stored(booking)
    assert (row.status, row.confirmed_at) == ("CONFIRMED", confirmed_at)
    assert (row.cancelled_at, row.cancelled_by, row.cancellation_reason) == (None, None, "")
    assert only_interval() == held
    assert last_event(booking).data == {"old_status": "CANCELLED", "new_status": "CONFIRMED"}


def test_a_request_that_was_declined_waits_again(pending: Booking) -> None:
    requested_at = pending.requested_at
    decline_booking(pending, reason="Full", now_dt=NOW)

    reopen_booking(pending, now_dt=NOW + minutes(60))

    assert (pending.status, pending.requested_at) == ("PENDING", requested_at)
    assert pending.cancellation_reason == ""
    assert history(pending) == ["CREATED", "DECLINED", "REOPENED"]


def test_a_hold_that_has_not_lapsed_keeps_its_expiry(hold: Booking) -> None:
    expires_at = hold.expires_at
    cancel_booking(hold, now_dt=NOW)

    reopen_booking(hold, now_dt=NOW)

    assert hold.is_hold
    assert hold.expires_at == expires_at
    assert lapses() == int(LAPSED.timestamp())


def test_a_hold_that_has_lapsed_gets_new_time(hold: Booking, settings: Any) -> None:
    settings.BOOKINGS_HOLD_MINUTES = 20
    expire_booking(hold, now_dt=LAPSED)

    reopen_booking(hold, now_dt=LAPSED + minutes(5))

    assert hold.is_hold
    assert not hold.auto_cancelled
    assert hold.expires_at == LAPSED + minutes(25)
    assert lapses() == int(hold.expires_at.timestamp())
    data = last_event(hold).data
    assert data["new_expires_at"] == hold.expires_at.isoformat()
    assert submit_hold(hold, now_dt=LAPSED + minutes(6)).status == "CONFIRMED"


def test_a_hold_lapses_at_its_start_at_the_latest(hold: Booking) -> None:
    expire_booking(hold, now_dt=LAPSED)

    reopen_booking(hold, now_dt=START - minutes(2))

    assert hold.expires_at == START


def test_a_wrong_setting_for_holds_is_named(cancelled: Booking, settings: Any) -> None:
    settings.BOOKINGS_HOLD_MINUTES = 0

    with nothing_written(), pytest.raises(InvalidBooking, match="BOOKINGS_HOLD_MINUTES"):
        reopen_booking(cancelled, now_dt=NOW)


def test_a_request_that_has_lapsed_is_made_anew(
    pending: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    Booking._base_manager.filter(pk=pending.pk).update(expires_at=LAPSED)
    expire_booking(pending, now_dt=LAPSED)
    monkeypatch.setattr(
        DefaultBookingAdapter, "approval_deadline", lambda self, booking, now: now + minutes(30)
    )

    reopen_booking(pending, now_dt=LAPSED)

    assert (pending.requested_at, pending.expires_at) == (LAPSED, LAPSED + minutes(30))
    assert not pending.is_hold
    assert {"old_requested_at", "new_requested_at"} <= last_event(pending).data.keys()


def test_a_booking_that_a_sweep_has_cancelled_is_reopened_after_its_end(booking: Booking) -> None:
    late = START + 3 * DAY
    assert auto_cancel_expired_bookings(now_dt=late) == 1

    reopen_booking(stored(booking), now_dt=late)

    booking = stored(booking)
    assert (booking.status, booking.auto_cancelled) == ("CONFIRMED", False)
    assert complete_booking(booking, now_dt=late).status == "COMPLETED"


def test_it_is_refused_where_the_time_is_taken(booking: Booking, book: Book) -> None:
    cancel_booking(booking, now_dt=NOW)
    book(client_name="Martha", start_at=START + minutes(30))

    with nothing_written(), pytest.raises(BookingConflict) as refused:
        reopen_booking(booking, now_dt=NOW)

    assert refused.value.messages == [
        (
            "The time has been taken since the booking ended, so it cannot be reopened. Make a new "
            "booking at another time."
        )
    ]
    assert stored(booking).status == "CANCELLED"


def test_a_lapsed_hold_makes_way(booking: Booking, book: Book) -> None:
    cancel_booking(booking, now_dt=NOW)
    other = book(client_name="", expires_at=LAPSED)

    reopen_booking(booking, now_dt=LAPSED)

    assert booking.status == "CONFIRMED"
    assert stored(other).status == "CANCELLED"


def test_seats_of_a_shared_slot_are_taken_again(group_booking: Booking, book: Book) -> None:
    cancel_booking(group_booking, now_dt=NOW)
    book(service=group_booking.service, client_name="Martha", party_size=2)

    reopen_booking(group_booking, now_dt=NOW)

    assert only_interval()["seats"] == (3, 3)


def test_seats_that_others_have_are_not(group_booking: Booking, book: Book) -> None:
    cancel_booking(group_booking, now_dt=NOW)
    book(service=group_booking.service, client_name="Martha", party_size=3)

    with nothing_written(), pytest.raises(CapacityExceeded):
        reopen_booking(group_booking, now_dt=NOW)


def test_a_client_who_has_booked_again_is_a_duplicate(
    booking: Booking, book: Book, settings: Any
) -> None:
    settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 120
    cancel_booking(booking, now_dt=NOW)
    book(start_at=START + minutes(60))

    with nothing_written(), pytest.raises(DuplicateBooking):
        reopen_booking(booking, override_policy=True, now_dt=NOW)


def test_limits_count_it_unless_staff_override(booking: Booking, book: Book, settings: Any) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    cancel_booking(booking, now_dt=NOW)
    book(start_at=START + DAY)

    with nothing_written(), pytest.raises(LimitReached):
        reopen_booking(booking, now_dt=NOW)
    assert reopen_booking(booking, override_policy=True, now_dt=NOW).status == "CONFIRMED"


def test_what_is_not_active_any_more_is_refused_unless_staff_override(booking: Booking) -> None:
    cancel_booking(booking, now_dt=NOW)
    booking.provider.is_active = False
    booking.provider.save()

    with nothing_written(), pytest.raises(NotAllowed):
        reopen_booking(booking, now_dt=NOW)
    assert reopen_booking(booking, override_policy=True, now_dt=NOW).status == "CONFIRMED"


def test_a_booking_of_a_deleted_canceller_forgets_the_name(booking: Booking) -> None:
    clerk = get_user_model().objects.create_user("clerk")
    cancel_booking(booking, actor=clerk, now_dt=NOW)
    clerk.delete()
    assert stored(booking).cancelled_by_name == "clerk"

    reopen_booking(booking, now_dt=NOW)

    assert stored(booking).cancelled_by_name == ""


def test_it_can_be_cancelled_and_reopened_again_and_again(booking: Booking) -> None:
    for _ in range(3):
        cancel_booking(booking, now_dt=NOW)
        assert intervals() == []
        reopen_booking(booking, now_dt=NOW)

    assert history(booking) == ["CREATED", *["CANCELLED", "REOPENED"] * 3]
    assert only_interval()["seats"] == (1, 1)


@pytest.mark.parametrize("verb", [cancel_booking, decline_booking])
def test_a_save_after_the_transition_does_the_same(pending: Booking, verb: Any) -> None:
    verb(pending, now_dt=NOW)

    pending.reopen()
    pending.save()

    assert stored(pending).status == "PENDING"
    assert history(pending)[-1] == "REOPENED"
    assert len(intervals()) == 1


def test_a_save_is_refused_where_the_time_is_taken(booking: Booking, book: Book) -> None:
    cancel_booking(booking, now_dt=NOW)
    book(client_name="Martha")
    booking.reopen()

    with nothing_written(), pytest.raises(BookingConflict):
        booking.save()


class TestResources:
    @pytest.fixture
    def room(self, make_provider: Make) -> Any:
        return make_provider(name="Room")

    def test_they_are_taken_again(self, book: Book, room: Any) -> None:
        booking = book(resources=[room])
        before = intervals()
        cancel_booking(booking, now_dt=NOW)
        assert intervals() == []

        reopen_booking(booking, now_dt=NOW)

        assert len(before) == 2
        assert intervals() == before

    def test_one_that_is_taken_by_now_is_named(
        self, book: Book, room: Any, other_provider: Any
    ) -> None:
        booking = book(resources=[room])
        cancel_booking(booking, now_dt=NOW)
        book(provider=other_provider, resources=[room], client_name="Martha")

        with nothing_written(), pytest.raises(ResourceTaken) as refused:
            reopen_booking(booking, now_dt=NOW)

        assert refused.value.resource == room

    def test_one_that_is_not_active_any_more_is_refused(self, book: Book, room: Any) -> None:
        booking = book(resources=[room])
        cancel_booking(booking, now_dt=NOW)
        room.is_active = False
        room.save()

        with nothing_written(), pytest.raises(NotAllowed) as refused:
            reopen_booking(booking, now_dt=NOW)

        assert refused.value.messages == ["The resource Room is not active. Choose another."]
        assert reopen_booking(booking, override_policy=True, now_dt=NOW).status == "CONFIRMED"
        assert reopen_booking(booking, now_dt=NOW).status == "CONFIRMED"

    def test_a_lapsed_hold_on_one_makes_way(
        self, book: Book, room: Any, other_provider: Any
    ) -> None:
        booking = book(resources=[room])
        cancel_booking(booking, now_dt=NOW)
        hold = book(provider=other_provider, resources=[room], client_name="", expires_at=LAPSED)

        assert reopen_booking(booking, now_dt=LAPSED).status == "CONFIRMED"
        assert stored(hold).status == "CANCELLED"
