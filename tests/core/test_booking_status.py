"""The lifecycle on the model: which steps there are, and that there is no way around them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django_fsm import TransitionNotAllowed

from bookings.models import Booking
from bookings.models.lifecycle import EXPIRED_REASON
from tests.core.conftest import Book
from tests.core.moments import NOW, at

Status = Booking.Status

STEPS: dict[str, tuple[Callable[[Booking], None], set[Status], Status]] = {
    "confirm": (lambda booking: booking.confirm(NOW), {Status.PENDING}, Status.CONFIRMED),
    "decline": (lambda booking: booking.decline(NOW), {Status.PENDING}, Status.DECLINED),
    "cancel": (
        lambda booking: booking.cancel(NOW),
        {Status.PENDING, Status.CONFIRMED},
        Status.CANCELLED,
    ),
    "expire": (
        lambda booking: booking.expire(NOW),
        {Status.PENDING},
        Status.CANCELLED,
    ),
    "auto_cancel": (
        lambda booking: booking.auto_cancel(NOW),
        {Status.PENDING, Status.CONFIRMED},
        Status.CANCELLED,
    ),
    "deliver": (lambda booking: booking.deliver(NOW), {Status.CONFIRMED}, Status.DELIVERED),
    "complete": (
        lambda booking: booking.complete(NOW),
        {Status.CONFIRMED, Status.DELIVERED, Status.NO_SHOW},
        Status.COMPLETED,
    ),
    "no_show": (
        lambda booking: booking.no_show(),
        {Status.CONFIRMED, Status.COMPLETED},
        Status.NO_SHOW,
    ),
}


@pytest.mark.parametrize("source", Status)
@pytest.mark.parametrize("name", STEPS)
def test_a_step_leads_on_from_its_own_statuses_only(name: str, source: Status) -> None:
    step, sources, target = STEPS[name]
    booking = Booking(status=source)
    if source in sources:
        step(booking)
        assert booking.status == target
    else:
        with pytest.raises(TransitionNotAllowed):
            step(booking)
        assert booking.status == source


def test_only_pending_and_confirmed_bookings_hold_time() -> None:
    assert {status for status in Status if Booking(status=status).holds_time} == {
        Status.PENDING,
        Status.CONFIRMED,
    }
    assert Booking.ACTIVE_STATUSES == (Status.PENDING, Status.CONFIRMED)


def test_a_confirmed_hold_does_not_run_out_any_more() -> None:
    booking = Booking(expires_at=at(9))
    booking.confirm(NOW)
    assert (booking.confirmed_at, booking.expires_at) == (NOW, None)


@pytest.mark.parametrize("step", [Booking.cancel, Booking.decline])
def test_an_end_is_recorded_with_who_and_why(step: Any, django_user_model: Any) -> None:
    somebody = django_user_model(username="desk")
    booking = Booking()
    step(booking, NOW, actor=somebody, reason="Ill.")
    assert (booking.cancelled_at, booking.cancelled_by) == (NOW, somebody)
    assert (booking.cancellation_reason, booking.auto_cancelled) == ("Ill.", False)


def test_an_expiry_is_a_cancellation_by_nobody() -> None:
    booking = Booking()
    booking.expire(NOW)
    assert (booking.cancelled_at, booking.cancelled_by) == (NOW, None)
    assert (booking.cancellation_reason, booking.auto_cancelled) == (EXPIRED_REASON, True)


def test_only_a_hold_that_expired_is_reinstated() -> None:
    hold, request, overdue, endless = (Booking(expires_at=at(9)) for _ in range(4))
    for booking in (hold, request, endless):
        booking.expire(NOW)
    overdue.auto_cancel(NOW)
    request.requested_at, endless.expires_at = NOW, None
    cancelled = Booking(expires_at=at(9))
    cancelled.cancel(NOW, reason=EXPIRED_REASON)
    for booking in (request, overdue, endless, cancelled):
        with pytest.raises(TransitionNotAllowed):
            booking.reinstate()
    hold.reinstate()
    assert hold.is_hold
    assert (hold.cancelled_at, hold.cancellation_reason, hold.auto_cancelled) == (None, "", False)


def test_a_correction_to_no_show_takes_the_completion_back() -> None:
    booking = Booking(status=Status.DELIVERED)
    booking.complete(NOW)
    assert booking.completed_at == NOW
    booking.no_show()
    assert booking.completed_at is None
    booking.complete(at(12))
    assert booking.completed_at == at(12)


def test_a_status_cannot_be_assigned() -> None:
    booking = Booking()
    with pytest.raises(AttributeError):
        booking.status = Status.CONFIRMED
    assert booking.status == Status.PENDING


def test_a_status_that_was_read_cannot_be_assigned(book: Book) -> None:
    booking = Booking.objects.get(pk=book().pk)
    with pytest.raises(AttributeError):
        booking.status = Status.COMPLETED
    assert booking.status == Status.CONFIRMED


def test_a_refresh_reads_the_status(book: Book) -> None:
    booking = book()
    same = Booking.objects.get(pk=booking.pk)
    Booking._base_manager.filter(pk=booking.pk).update(status=Status.DELIVERED)
    booking.refresh_from_db()
    same.refresh_from_db(fields=["status"])
    assert booking.status == same.status == Status.DELIVERED


def test_a_deferred_status_is_read_when_it_is_needed(book: Book) -> None:
    booking = Booking.objects.only("reference").get(pk=book().pk)
    assert booking.status == Status.CONFIRMED
    with pytest.raises(AttributeError):
        booking.status = Status.COMPLETED


def test_after_a_refresh_the_status_is_protected_again(book: Book) -> None:
    booking = book()
    booking.refresh_from_db()
    with pytest.raises(AttributeError):
        booking.status = Status.COMPLETED


def test_after_a_refresh_that_failed_the_status_is_protected_again(book: Book) -> None:
    booking = book()
    Booking.objects.all().delete()
    with pytest.raises(Booking.DoesNotExist):
        booking.refresh_from_db()
    with pytest.raises(AttributeError):
        booking.status = Status.COMPLETED


def test_a_refresh_opens_no_other_booking(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in this thread nor in another: the protection is lifted for one object."""
    booking, other = book(at(10)), book(at(12))
    refused: list[str] = []

    def assign_elsewhere() -> None:
        try:
            other.status = Status.COMPLETED
        except AttributeError:
            refused.append(threading.current_thread().name)

    def read(self: Any, *args: Any, **options: Any) -> None:
        thread = threading.Thread(target=assign_elsewhere, name="another thread")
        thread.start()
        thread.join()
        assign_elsewhere()

    monkeypatch.setattr("django.db.models.Model.refresh_from_db", read)
    booking.refresh_from_db()
    assert refused == ["another thread", threading.current_thread().name]


def test_the_column_is_plain_text(db: None) -> None:
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, "bookings_booking")
    status = next(column for column in columns if column.name == "status")
    assert connection.introspection.get_field_type(status.type_code, status) == "CharField"
