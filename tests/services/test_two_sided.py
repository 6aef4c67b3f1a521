"""Two-sided completion: the provider delivers, and the client completes or disputes."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    InvalidBooking,
    InvalidTransition,
    MissingReference,
    StaleBooking,
)
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    complete_booking,
    confirm_booking,
    deliver_booking,
    dispute_booking,
    mark_no_show,
)
from bookings.testing import assert_bookings_are_sound
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make, SentSignals
from tests.services.storage import (
    history,
    intervals,
    last_event,
    nothing_done,
    nothing_written,
    only_interval,
    stored,
)

DONE = START + HOUR


@pytest.fixture
def two_sided(make_service: Make) -> Any:
    return make_service(name="Cleaning", two_sided_completion=True)


@pytest.fixture
def confirmed(book: Book, two_sided: Any) -> Booking:
    """Confirmed, of a service with two sides."""
    return book(service=two_sided)


@pytest.fixture
def delivered(confirmed: Booking) -> Booking:
    return deliver_booking(confirmed, now_dt=DONE)


def test_the_provider_says_what_was_done(book: Book, two_sided: Any, staff: Any) -> None:
    booking = book(service=two_sided, metadata={"rooms": 2, "draft": True})

    deliver_booking(
        booking,
        actor=staff,
        now_dt=DONE,
        message="Three rooms.",
        metadata={"rooms": 3, "draft": None},
    )

    row = stored(booking)
    assert (row.status, row.delivered_at, row.metadata) == ("DELIVERED", DONE, {"rooms": 3})
    event = last_event(row)
    assert (event.event_type, event.message, event.actor_user) == (
        "DELIVERED",
        "Three rooms.",
        staff,
    )
    assert event.data == {
        "old_status": "CONFIRMED",
        "new_status": "DELIVERED",
        "old_metadata": {"rooms": 2, "draft": True},
        "new_metadata": {"rooms": 3},
    }
    assert intervals() == []
    assert list(Booking.objects.awaiting_confirmation()) == [row]


@pytest.mark.parametrize(
    "wrong", [{"message": 7}, {"message": "\x00"}, {"metadata": "x"}, {"metadata": {"x": object()}}]
)
def test_what_cannot_be_stored_delivers_nothing(confirmed: Booking, wrong: dict[str, Any]) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        deliver_booking(confirmed, now_dt=DONE, **wrong)


def test_the_client_completes_what_was_delivered(delivered: Booking, user: Any) -> None:
    complete_booking(delivered, actor=user, now_dt=DONE + HOUR)
    assert history(delivered) == ["CREATED", "DELIVERED", "COMPLETED"]


def test_what_is_not_delivered_is_not_completed_unless_staff_say_so(confirmed: Booking) -> None:
    with nothing_written(), pytest.raises(InvalidTransition) as refused:
        complete_booking(confirmed, now_dt=DONE)
    assert refused.value.code == "not_delivered"

    assert complete_booking(confirmed, now_dt=DONE, override_policy=True).status == "COMPLETED"


def test_a_no_show_of_two_sides_can_be_corrected(confirmed: Booking) -> None:
    mark_no_show(confirmed, now_dt=DONE)
    assert complete_booking(confirmed, now_dt=DONE).status == "COMPLETED"


def test_a_booking_keeps_the_sides_that_its_service_had(confirmed: Booking) -> None:
    confirmed.service.two_sided_completion = False
    confirmed.service.save()
    with nothing_written(), pytest.raises(InvalidTransition):
        complete_booking(confirmed, now_dt=DONE)


@pytest.fixture
def booking(book: Book, other_provider: Any) -> Booking:
    return book(provider=other_provider)


def test_one_side_is_enough_by_default(booking: Booking) -> None:
    assert not booking.two_sided_completion
    assert complete_booking(booking, now_dt=DONE).status == "COMPLETED"


# Dispute


def test_a_dispute_takes_the_time_again(
    delivered: Booking,
    user: Any,
    sent_signals: SentSignals,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        disputed = dispute_booking(
            delivered, reason="One room was left out.", actor=user, now_dt=DONE + HOUR
        )

    assert disputed is delivered
    row = stored(delivered)
    assert (row.status, row.delivered_at, row.confirmed_at) == ("CONFIRMED", None, DONE + HOUR)
    assert history(row) == ["CREATED", "DELIVERED", "DISPUTED"]
    event = last_event(row)
    assert (event.message, event.actor_user) == ("One room was left out.", user)
    assert event.data == {
        "old_status": "DELIVERED",
        "new_status": "CONFIRMED",
        "reason": "One room was left out.",
    }
    assert only_interval() == {
        "provider": row.provider_id,
        "start_at": START,
        "end_at": DONE,
        "seats": (1, 1),
    }
    assert [name for name, *_ in sent_signals] == ["DISPUTED"]
    assert_bookings_are_sound()


def test_what_is_disputed_is_delivered_once_more_or_cancelled(delivered: Booking) -> None:
    for _ in range(2):
        dispute_booking(delivered, reason="Again!", now_dt=DONE)
        deliver_booking(delivered, now_dt=DONE)
    dispute_booking(delivered, reason="Enough.", now_dt=DONE)
    cancel_booking(delivered, now_dt=DONE, override_policy=True)

    assert delivered.status == "CANCELLED"
    assert intervals() == []


def test_a_second_click_disputes_once(delivered: Booking) -> None:
    dispute_booking(delivered, reason="Left out.", now_dt=DONE)
    with nothing_done():
        assert dispute_booking(delivered, reason="Left out.", now_dt=DONE) is delivered


def test_the_adapter_is_asked_whether_one_may(delivered: Booking, monkeypatch: Any) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "bookings.adapters.DefaultBookingAdapter.check_permission",
        lambda self, actor, verb, booking: asked.append(verb),
    )
    dispute_booking(delivered, reason="Left out.", now_dt=DONE)
    assert asked == ["dispute"]


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_dispute_needs_a_reason(delivered: Booking, reason: str) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        dispute_booking(delivered, reason=reason, now_dt=DONE)
    assert refused.value.code == "no_reason"


@pytest.mark.parametrize("reason", [None, 7, "\x00"])
def test_a_reason_is_text(delivered: Booking, reason: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        dispute_booking(delivered, reason=reason, now_dt=DONE)


@pytest.mark.parametrize(
    "reach", [(), (complete_booking,), (mark_no_show,), (deliver_booking, complete_booking)]
)
def test_only_what_is_delivered_is_disputed(booking: Booking, reach: Any) -> None:
    for step in reach:
        step(booking, now_dt=DONE)

    with nothing_written(), pytest.raises(InvalidTransition, match="Only delivered bookings"):
        dispute_booking(booking, reason="Why not.", now_dt=DONE)


@pytest.mark.parametrize("end", [cancel_booking, confirm_booking])
def test_what_is_pending_or_cancelled_is_not_disputed(pending: Booking, end: Any) -> None:
    with nothing_written(), pytest.raises(InvalidTransition):
        dispute_booking(pending, reason="Why not.", now_dt=NOW)
    end(pending, now_dt=NOW)
    with nothing_written(), pytest.raises(InvalidTransition):
        dispute_booking(pending, reason="Why not.", now_dt=NOW)


def test_an_old_version_is_refused(delivered: Booking) -> None:
    with nothing_written(), pytest.raises(StaleBooking):
        dispute_booking(delivered, reason="Why not.", now_dt=DONE, expected_version=1)


@pytest.mark.parametrize("other", [None, 1, Booking])
def test_anything_but_a_booking_is_refused(other: Any) -> None:
    with pytest.raises(MissingReference):
        dispute_booking(other, reason="Why not.")


def test_what_is_deleted_is_refused(delivered: Booking) -> None:
    stored(delivered).delete()
    with nothing_written(), pytest.raises(MissingReference):
        dispute_booking(delivered, reason="Why not.", now_dt=DONE)


def test_a_dispute_whose_time_is_somebody_else_s_says_so(delivered: Booking, book: Book) -> None:
    book(start_at=START + minutes(30), allow_past=True, now_dt=DONE)

    with nothing_written(), pytest.raises(BookingConflict) as refused:
        dispute_booking(delivered, reason="Left out.", now_dt=DONE)

    assert "since it was delivered" in refused.value.messages[0]
    assert delivered.status == "DELIVERED"


def test_a_hold_that_has_run_out_is_not_in_a_dispute_s_way(delivered: Booking, book: Book) -> None:
    hold = book(allow_past=True, now_dt=DONE, expires_at=DONE + minutes(5))

    dispute_booking(delivered, reason="Left out.", now_dt=DONE + minutes(5))

    assert (delivered.status, stored(hold).status) == ("CONFIRMED", "CANCELLED")


def test_a_seat_that_is_disputed_is_taken_again(book: Book, group: Any) -> None:
    seat = book(service=group, party_size=2)
    other = book(service=group)
    deliver_booking(seat, now_dt=DONE)
    assert only_interval()["seats"] == (1, 3)

    dispute_booking(seat, reason="No mats.", now_dt=DONE)
    assert only_interval()["seats"] == (3, 3)
    assert seat.busy_interval_id == stored(other).busy_interval_id

    deliver_booking(seat, now_dt=DONE)
    book(service=group, party_size=2, allow_past=True, now_dt=DONE)
    with nothing_written(), pytest.raises(CapacityExceeded):
        dispute_booking(seat, reason="No mats.", now_dt=DONE)


def test_a_dispute_by_the_model_s_own_step_is_one_too(delivered: Booking) -> None:
    delivered.dispute(DONE + DAY)
    delivered.save()

    assert history(delivered) == ["CREATED", "DELIVERED", "DISPUTED"]
    assert only_interval()["start_at"] == START
    assert_bookings_are_sound()
