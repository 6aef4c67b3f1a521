"""Which verb leads from which status to which, and what it says where it leads nowhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from bookings.exceptions import InvalidTransition
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    complete_booking,
    confirm_booking,
    decline_booking,
    deliver_booking,
    expire_booking,
    mark_no_show,
    reschedule_booking,
)
from tests.services.clock import DAY, MICROSECOND, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import intervals, nothing_done, nothing_written, stored
from tests.services.verbs import BY_NAME

SAME = "as it is"
STATUSES = tuple(Booking.Status.values)

LEADS_TO = {
    "confirm": {"PENDING": "CONFIRMED", "CONFIRMED": SAME},
    "decline": {"PENDING": "DECLINED", "DECLINED": SAME},
    "cancel": {"PENDING": "CANCELLED", "CONFIRMED": "CANCELLED", "CANCELLED": SAME},
    "deliver": {"CONFIRMED": "DELIVERED", "DELIVERED": SAME},
    "complete": {
        "CONFIRMED": "COMPLETED",
        "DELIVERED": "COMPLETED",
        "NO_SHOW": "COMPLETED",
        "COMPLETED": SAME,
    },
    "no_show": {"CONFIRMED": "NO_SHOW", "COMPLETED": "NO_SHOW", "NO_SHOW": SAME},
    "reschedule": {"PENDING": "PENDING", "CONFIRMED": "CONFIRMED"},
    "submit": {"PENDING": SAME, "CONFIRMED": SAME},
    "reopen": {"PENDING": SAME, "CONFIRMED": SAME, "CANCELLED": "PENDING", "DECLINED": "PENDING"},
    "extend": {},
    "expire": {},
    "add_note": {status: status for status in STATUSES},
    "update": {status: status for status in STATUSES},
}

SAYS = {
    "confirm": "Only pending bookings can be confirmed; this one is: {}.",
    "decline": "Only pending bookings can be declined; this one is: {}.",
    "cancel": "Only pending or confirmed bookings can be cancelled.",
    "deliver": "Only confirmed bookings can be delivered; this one is: {}.",
    "complete": "Only confirmed or delivered bookings can be completed; this one is: {}.",
    "no_show": "Only confirmed bookings can be marked as no-show; this one is: {}.",
    "reschedule": "Only pending or confirmed bookings can be rescheduled.",
    "reopen": "Only cancelled or declined bookings can be reopened; this one is: {}.",
    "expire": ("Only a hold or request that has run out can expire."),
    "submit": "Only a hold can be submitted; this booking is: {}.",
    "extend": "Only a hold can be extended, and this booking is none: {}.",
}

REACH: dict[str, tuple[Callable[..., Any], ...]] = {
    "PENDING": (),
    "CONFIRMED": (confirm_booking,),
    "DELIVERED": (confirm_booking, deliver_booking),
    "COMPLETED": (confirm_booking, complete_booking),
    "CANCELLED": (partial(cancel_booking, override_policy=True),),
    "DECLINED": (decline_booking,),
    "NO_SHOW": (confirm_booking, mark_no_show),
}


@pytest.fixture
def in_status(pending: Booking) -> Callable[[str], Booking]:
    def bring(status: str) -> Booking:
        for step in REACH[status]:
            step(pending, now_dt=START)
        assert pending.status == status
        return pending

    return bring


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", LEADS_TO)
def test_each_verb_leads_from_each_status_where_it_should(
    in_status: Callable[[str], Booking], name: str, status: str
) -> None:
    booking = in_status(status)
    verb = BY_NAME[name]
    leads_to = LEADS_TO[name].get(status)

    if leads_to is None:
        with nothing_written(), pytest.raises(InvalidTransition) as refused:
            verb(booking)
        assert refused.value.messages == [SAYS[name].format(Booking.Status(status).label)]
        assert booking.status == status
    elif leads_to == SAME:
        with nothing_done():
            verb(booking)
        assert booking.status == status
    else:
        verb(booking)
        assert booking.status == stored(booking).status == leads_to


@pytest.mark.parametrize("status", STATUSES)
def test_only_pending_and_confirmed_bookings_hold_time(
    in_status: Callable[[str], Booking], status: str
) -> None:
    booking = in_status(status)

    assert bool(intervals()) == (status in ("PENDING", "CONFIRMED"))
    assert (booking.busy_interval_id is not None) == booking.holds_time


@pytest.mark.parametrize("status", [key for key in STATUSES if key not in Booking.ACTIVE_STATUSES])
def test_time_that_is_given_back_can_be_booked_again(
    in_status: Callable[[str], Booking], book: Book, status: str
) -> None:
    in_status(status)

    assert book().status == "CONFIRMED"


TOO_EARLY = {
    deliver_booking: "A booking cannot be delivered before it starts.",
    complete_booking: "A booking cannot be completed before it starts.",
    mark_no_show: "Nobody can miss a booking before it starts.",
}


@pytest.mark.parametrize(("do", "message"), TOO_EARLY.items())
def test_what_has_not_begun_is_neither_done_nor_missed(
    booking: Booking, do: Callable[..., Booking], message: str
) -> None:
    with nothing_written(), pytest.raises(InvalidTransition) as refused:
        do(booking, now_dt=START - MICROSECOND)

    assert refused.value.messages == [message]
    assert refused.value.code == "too_early"
    assert do(booking, now_dt=START).pk


def test_a_correction_is_held_to_the_clock_too(booking: Booking) -> None:
    complete_booking(booking, now_dt=START)

    with nothing_written(), pytest.raises(InvalidTransition):
        mark_no_show(booking, now_dt=START - minutes(1))


def test_each_step_is_stamped_with_the_instant_it_was_taken_at(
    book: Book, make_service: Make, staff: Any
) -> None:
    booking = book(service=make_service(requires_approval=True))

    confirm_booking(booking, now_dt=NOW + minutes(1))
    deliver_booking(booking, now_dt=START + minutes(2))
    complete_booking(booking, now_dt=START + minutes(3))

    booking = stored(booking)
    assert booking.confirmed_at == NOW + minutes(1)
    assert booking.delivered_at == START + minutes(2)
    assert booking.completed_at == START + minutes(3)
    assert booking.cancelled_at is None


def test_a_no_show_that_is_corrected_was_completed_when_it_was_corrected(
    booking: Booking,
) -> None:
    mark_no_show(booking, now_dt=START)
    complete_booking(booking, now_dt=START + DAY)

    assert (booking.status, booking.completed_at) == ("COMPLETED", START + DAY)

    mark_no_show(booking, now_dt=START + DAY)

    assert (booking.status, booking.completed_at) == ("NO_SHOW", None)


def test_the_event_has_the_old_and_the_new_status(booking: Booking) -> None:
    mark_no_show(booking, now_dt=START)

    assert booking.events.first().data == {"old_status": "CONFIRMED", "new_status": "NO_SHOW"}


def test_a_decline_says_why(pending: Booking, staff: Any) -> None:
    decline_booking(pending, actor=staff, reason="On holiday.", now_dt=NOW)

    assert (pending.cancelled_by, pending.cancelled_at) == (staff, NOW)
    assert pending.cancellation_reason == "On holiday."
    assert not pending.auto_cancelled
    event = pending.events.first()
    assert event.message == "On holiday."
    assert event.data == {
        "old_status": "PENDING",
        "new_status": "DECLINED",
        "reason": "On holiday.",
    }


def test_a_hold_that_has_run_out_cannot_be_confirmed(hold: Booking) -> None:
    assert hold.expires_at is not None

    with nothing_written(), pytest.raises(InvalidTransition) as refused:
        confirm_booking(hold, now_dt=hold.expires_at)

    assert refused.value.code == "hold_expired"
    confirm_booking(hold, now_dt=hold.expires_at - MICROSECOND)
    assert (hold.status, hold.expires_at) == ("CONFIRMED", None)


def test_a_confirmed_hold_does_not_expire(hold: Booking) -> None:
    confirm_booking(hold, now_dt=NOW)

    with nothing_written(), pytest.raises(InvalidTransition) as refused:
        expire_booking(hold, now_dt=NOW + DAY)

    assert refused.value.code == "not_due"


def test_a_pending_booking_can_be_moved_and_stays_pending(pending: Booking) -> None:
    reschedule_booking(pending, new_start_at=START + DAY, now_dt=NOW)

    assert (pending.status, pending.start_at) == ("PENDING", START + DAY)
