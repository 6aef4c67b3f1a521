"""Time off over bookings: what becomes of them is decided in the same call, all or nothing."""

from __future__ import annotations

import pickle
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.exceptions import BookingChangesRefused, TimeOffConflict
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import (
    CancelBooking,
    MoveBooking,
    booking_changes,
    create_schedule,
    move_time_off,
    take_time_off,
)
from bookings.exceptions import BookingBusy, InvalidBooking, MissingReference, StaleBooking
from bookings.ledger import locks
from bookings.models import Booking, BookingEvent, Calendar
from bookings.services import hold_booking
from bookings.services.bulk_reschedule import BulkReschedule
from tests.contrib.schedule.hours.conftest import NOW, Book, Make, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def grace(make_provider: Make) -> Any:
    return make_provider("Grace")


def take(provider: Any, *changes: Any, **values: Any) -> TimeOff:
    given = {"start_at": at(9), "end_at": at(13), "now_dt": NOW, "changes": changes}
    return take_time_off(provider=provider, **(given | values))


def last_event(booking: Booking) -> BookingEvent:
    event = booking.events.order_by("pk").last()
    assert event is not None
    return event


def test_each_booking_is_moved_given_away_or_cancelled(
    provider: Any, grace: Any, book: Book
) -> None:
    later, given, gone = book(at(9)), book(at(10)), book(at(11))
    taken = take(
        provider,
        MoveBooking(booking=later, start_at=at(14)),
        MoveBooking(booking=given, provider=grace),
        CancelBooking(booking=gone, reason="Ada is ill"),
    )
    assert TimeOff.objects.get() == taken
    for booking in (later, given, gone):
        assert booking.version == Booking.objects.get(pk=booking.pk).version
        assert last_event(booking).data["by"] == "provider"
    assert (later.start_at, later.provider_id) == (at(14), provider.pk)
    assert (given.start_at, given.provider_id) == (at(10), grace.pk)
    assert (gone.status, gone.cancellation_reason) == (Booking.Status.CANCELLED, "Ada is ill")


def test_a_booking_may_move_to_where_another_one_was_cancelled(provider: Any, book: Book) -> None:
    kept, gone = book(at(12)), book(at(14))
    take(provider, MoveBooking(booking=kept, start_at=at(14)), CancelBooking(booking=gone))
    assert kept.start_at == at(14)


def test_a_booking_that_nobody_has_decided_about_undoes_everything(
    provider: Any, book: Book
) -> None:
    moved, left = book(at(9)), book(at(11))
    with pytest.raises(TimeOffConflict) as refused:
        take(provider, MoveBooking(booking=moved, start_at=at(14)))
    assert refused.value.bookings == [left]
    assert not TimeOff.objects.exists()
    stored = Booking.objects.get(pk=moved.pk)
    assert (stored.start_at, stored.version, moved.version) == (at(9), 1, 1)


def test_every_refusal_is_told_and_nothing_is_written(
    provider: Any, grace: Any, book: Book
) -> None:
    late = book(at(9))
    Booking.objects.filter(pk=late.pk).update(cancellation_notice_minutes=60 * 24 * 7)
    book(at(10), provider=grace)
    given = book(at(10))
    cancelled = book(at(11))
    with pytest.raises(BookingChangesRefused) as refused:
        take(
            provider,
            CancelBooking(booking=late),
            MoveBooking(booking=given, provider=grace),
            CancelBooking(booking=cancelled),
        )
    told = {booking: error.booking_code for booking, error in refused.value.refusals}
    assert told == {late: "notice_window", given: "conflict"}
    assert str(refused.value).startswith("2 bookings cannot be changed so. ")
    assert f"{late.reference}: Cannot cancel within" in str(refused.value)
    assert pickle.loads(pickle.dumps(refused.value)).refusals  # noqa: S301
    assert not TimeOff.objects.exists()
    assert Booking.objects.active().count() == 4


def test_staff_lift_the_rules(provider: Any, book: Book) -> None:
    late = book(at(9))
    Booking.objects.filter(pk=late.pk).update(cancellation_notice_minutes=60 * 24 * 7)
    take(provider, CancelBooking(booking=late), override_policy=True)
    assert late.status == Booking.Status.CANCELLED


def test_a_long_list_of_refusals_is_cut(provider: Any, book: Book) -> None:
    bookings = [book(at(9 + number, day=6 + day)) for day in range(2) for number in range(3)]
    changes = [CancelBooking(booking=booking, expected_version=9) for booking in bookings]
    with pytest.raises(BookingChangesRefused) as refused:
        take(provider, *changes)
    assert str(refused.value).endswith(" …")
    assert {type(error) for _booking, error in refused.value.refusals} == {StaleBooking}


def test_a_repeated_call_returns_the_stored_time_off(provider: Any, book: Book) -> None:
    booking = book(at(9))
    change = MoveBooking(booking=booking, start_at=at(14), expected_version=1)
    first = take(provider, change)
    booking.version = 1
    with pytest.raises(BookingChangesRefused):
        take(provider, change, end_at=at(12))
    with patch.object(booking_changes, "check_version"):
        assert take(provider, change) == first
    assert TimeOff.objects.count() == 1


def test_time_off_that_grows_over_bookings(provider: Any, book: Book) -> None:
    booking = book(at(11))
    taken = take(provider, end_at=at(10))
    move_time_off(
        taken,
        start_at=at(9),
        end_at=at(13),
        changes=[CancelBooking(booking=booking)],
        now_dt=NOW,
    )
    assert (taken.end_at, booking.status) == (at(13), Booking.Status.CANCELLED)


def test_expired_holds_are_no_bookings_in_the_way(provider: Any, service: Any, book: Book) -> None:
    hold_booking(service=service, provider=provider, start_at=at(9), now_dt=NOW.replace(hour=6))
    booking = book(at(11))
    take(provider, CancelBooking(booking=booking))
    assert not Booking.objects.active().exists()


def test_the_slot_engine_is_asked_about_a_move(provider: Any, book: Book, settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = (
        "bookings.contrib.schedule.selectors.list_available_slots"
    )
    create_schedule(provider=provider, timezone="UTC", hours={1: [("09:00", "17:00")]})
    booking = book(at(9))
    with pytest.raises(BookingChangesRefused) as refused:
        take(provider, MoveBooking(booking=booking, start_at=at(18)))
    [(_booking, error)] = refused.value.refusals
    assert error.booking_code == "outside_hours"
    take(provider, MoveBooking(booking=booking, start_at=at(14)))


def test_all_calendars_are_locked_at_once_and_first(
    provider: Any, grace: Any, book: Book, make_provider: Make
) -> None:
    room, other_room = make_provider("Room"), make_provider("Other room")
    booking = book(at(9), resources=[room])
    with patch.object(locks, "lock_calendars", wraps=locks.lock_calendars) as lock:
        take(provider, MoveBooking(booking=booking, provider=grace))
    first = set(lock.call_args_list[0].args[0])
    assert first == {provider.pk, grace.pk, room.pk}
    assert other_room.pk not in first


def test_the_statements_do_not_grow_with_the_bookings(
    provider: Any, grace: Any, book: Book
) -> None:
    def statements(*hours: int) -> int:
        changes: list[Any] = []
        for hour in hours:
            changes.append(MoveBooking(booking=book(at(hour)), start_at=at(hour, day=8)))
            changes.append(CancelBooking(booking=book(at(hour, day=7))))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            take(provider, *changes, end_at=at(13, day=7), start_at=at(hours[0]))
        TimeOff.objects.all().delete()
        Booking.objects.all().delete()
        return len(queries)

    # Both calendars are there.
    Calendar.objects.create(provider=grace)
    statements(9)
    assert statements(9, 10) == statements(9, 10, 11, 12)


def test_a_booking_that_changes_meanwhile_is_prepared_again(
    provider: Any, grace: Any, book: Book
) -> None:
    booking = book(at(9))
    before = BulkReschedule.prepare
    calls = 0

    def prepare_and_move(self: Any, drafts: Any, targets: Any, refuse: Any) -> None:
        nonlocal calls
        calls += 1
        before(self, drafts, targets, refuse)
        if calls == 1:
            Booking.objects.get(pk=booking.pk).save()
            stored = Booking.objects.get(pk=booking.pk)
            stored.start_at, stored.end_at = at(10), at(11)
            stored.save()

    with patch.object(BulkReschedule, "prepare", prepare_and_move):
        take(provider, MoveBooking(booking=booking, provider=grace))
    assert calls == 2
    assert (booking.start_at, booking.provider_id) == (at(10), grace.pk)


def test_bookings_that_keep_changing_are_left_alone(provider: Any, book: Book) -> None:
    booking = book(at(9))
    with (
        patch.object(BulkReschedule, "covers", return_value=False),
        pytest.raises(BookingBusy),
    ):
        take(provider, MoveBooking(booking=booking, start_at=at(14)))


@pytest.mark.parametrize(
    "values",
    [
        {"booking": None},
        {"start_at": at(14).replace(tzinfo=None)},
        {"provider": "Grace"},
        {"expected_version": -1},
    ],
)
def test_a_change_that_is_not_valid(provider: Any, book: Book, values: dict[str, Any]) -> None:
    given = {"booking": book(at(9)), "start_at": at(14)} | values
    with pytest.raises((InvalidBooking, MissingReference)):
        take(provider, MoveBooking(**given))


def test_changes_that_cannot_be_made_together(
    provider: Any, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = book(at(9))
    change = CancelBooking(booking=booking)
    for changes, code in (
        ([change, change], "duplicate_change"),
        ([booking], "invalid"),
        ("cancel", "invalid"),
    ):
        with pytest.raises(InvalidBooking) as refused:
            take(provider, changes=changes)
        assert refused.value.booking_code == code
    monkeypatch.setattr(booking_changes, "MAX_CHANGES", 1)
    with pytest.raises(InvalidBooking, match="2 bookings are too many"):
        take(provider, change, CancelBooking(booking=book(at(10))))
    Booking.objects.get(pk=booking.pk).delete()
    with pytest.raises(MissingReference):
        take(provider, change)
