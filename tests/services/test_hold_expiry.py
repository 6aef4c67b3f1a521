"""Holds: time that is kept while somebody pays, and that nobody has to sweep to get back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    DuplicateBooking,
    InvalidTransition,
    NotAllowed,
)
from bookings.ledger import locks
from bookings.models import Booking, BusyInterval
from bookings.models.querysets import BookingQuerySet
from bookings.rules.instants import busy_bounds_of
from bookings.selectors import get_busy_intervals
from bookings.services import (
    cancel_booking,
    chunked_changes,
    confirm_booking,
    expire_booking,
    expire_bookings,
    lapsed_holds,
    reschedule_booking,
)
from tests.services.clock import DAY, HOUR, MICROSECOND, NOW, START, minutes
from tests.services.conftest import Book
from tests.services.storage import (
    every_row,
    history,
    intervals,
    last_event,
    nothing_written,
    only_interval,
    stored,
)

EXPIRY = NOW + minutes(15)


def test_a_hold_keeps_its_time(book: Book, hold: Booking) -> None:
    with nothing_written(), pytest.raises(BookingConflict):
        book(now_dt=EXPIRY - MICROSECOND)


def test_a_hold_that_has_run_out_makes_way(book: Book, hold: Booking) -> None:
    made = book(now_dt=EXPIRY, client_name="Martha")

    assert made.status == "CONFIRMED"
    gone = stored(hold)
    assert (gone.status, gone.auto_cancelled) == ("CANCELLED", True)
    assert (gone.cancelled_at, gone.cancellation_reason) == (EXPIRY, "expired")
    assert history(hold) == ["CREATED", "EXPIRED"]
    assert only_interval()["seats"] == (1, 1)


def test_several_holds_that_have_run_out_make_way(book: Book) -> None:
    for offset in (-30, 30):
        book(start_at=START + minutes(offset), expires_at=EXPIRY)

    assert book(now_dt=EXPIRY).pk
    assert Booking.objects.filter(auto_cancelled=True).count() == 2


def test_a_hold_that_makes_way_in_vain_has_expired_all_the_same(book: Book) -> None:
    hold = book(start_at=START - minutes(30), expires_at=EXPIRY)
    book(start_at=START + minutes(30))

    with pytest.raises(BookingConflict):
        book(now_dt=EXPIRY)

    assert stored(hold).status == "CANCELLED"
    assert Booking.objects.count() == 2


def test_a_hold_elsewhere_is_left_alone(book: Book, other_provider: Any) -> None:
    there = book(provider=other_provider, expires_at=EXPIRY)
    later = book(start_at=START + HOUR, expires_at=EXPIRY)
    book(expires_at=EXPIRY)

    book(now_dt=EXPIRY)

    assert [stored(hold).status for hold in (there, later)] == ["PENDING", "PENDING"]


def test_a_seat_that_was_held_is_free_again(book: Book, group: Any) -> None:
    book(service=group, party_size=2, expires_at=EXPIRY)
    staying = book(service=group)
    with nothing_written(), pytest.raises(CapacityExceeded):
        book(service=group, party_size=2)

    book(service=group, party_size=2, now_dt=EXPIRY)

    assert only_interval()["seats"] == (3, 3)
    assert stored(staying).status == "CONFIRMED"


def test_a_hold_makes_way_for_a_booking_that_is_moved(book: Book, hold: Booking) -> None:
    other = book(start_at=START + DAY)
    with nothing_written(), pytest.raises(BookingConflict):
        reschedule_booking(other, new_start_at=START, now_dt=NOW)

    reschedule_booking(other, new_start_at=START, now_dt=EXPIRY)

    assert stored(other).start_at == START
    assert stored(hold).status == "CANCELLED"


def test_a_hold_makes_way_for_a_booking_that_moves_to_its_provider(
    book: Book, hold: Booking, other_provider: Any
) -> None:
    other = book(provider=other_provider)

    reschedule_booking(other, new_start_at=START, new_provider=hold.provider, now_dt=EXPIRY)

    assert only_interval()["provider"] == hold.provider_id


def test_a_hold_makes_way_for_a_booking_that_is_saved(
    hold: Booking, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = book(start_at=START + DAY)
    other.start_at, other.end_at = START, START + HOUR
    monkeypatch.setattr(timezone, "now", lambda: EXPIRY - MICROSECOND)
    with nothing_written(), pytest.raises(BookingConflict):
        other.save()

    monkeypatch.setattr(timezone, "now", lambda: EXPIRY)
    other.save()

    assert stored(other).start_at == START
    assert stored(hold).status == "CANCELLED"


def test_a_hold_makes_way_for_a_new_booking_that_is_saved(
    hold: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: EXPIRY)

    Booking.objects.create(
        service=hold.service,
        provider=hold.provider,
        client_name="Martha",
        start_at=START,
        end_at=START + HOUR,
    )

    assert stored(hold).status == "CANCELLED"


@pytest.mark.parametrize(
    "end", [partial(cancel_booking, now_dt=NOW), Booking.delete], ids=["cancelled", "deleted"]
)
def test_a_hold_that_ends_by_itself_meanwhile_is_no_obstacle(
    book: Book, hold: Booking, monkeypatch: pytest.MonkeyPatch, end: Callable[..., Any]
) -> None:
    """Between finding it and expiring it, the client cancels it, or a host deletes it."""
    expire_it = lapsed_holds.expire_hold

    def overtaken(booking: Booking, **values: Any) -> Booking:
        end(stored(booking))
        return expire_it(booking, **values)

    monkeypatch.setattr(lapsed_holds, "expire_hold", overtaken)

    assert book(now_dt=EXPIRY).status == "CONFIRMED"


@pytest.fixture
def swept_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the refusal and the look at what is in the way, somebody sweeps."""
    expired = BookingQuerySet.expired

    def overtaken(bookings: BookingQuerySet, now: Any = None) -> BookingQuerySet:
        monkeypatch.setattr(BookingQuerySet, "expired", expired)
        expire_bookings(now_dt=EXPIRY)
        return expired(bookings, now)

    monkeypatch.setattr(BookingQuerySet, "expired", overtaken)


@pytest.mark.usefixtures("swept_meanwhile")
def test_a_hold_that_is_swept_meanwhile_is_no_obstacle(book: Book, hold: Booking) -> None:
    assert book(now_dt=EXPIRY).status == "CONFIRMED"
    assert history(hold) == ["CREATED", "EXPIRED"]


@pytest.mark.usefixtures("swept_meanwhile")
def test_a_hold_that_is_swept_meanwhile_takes_no_seat(book: Book, group: Any) -> None:
    book(service=group, party_size=2, expires_at=EXPIRY)
    book(service=group)

    book(service=group, party_size=2, now_dt=EXPIRY)

    assert only_interval()["seats"] == (3, 3)


@pytest.mark.usefixtures("swept_meanwhile")
def test_a_hold_that_is_swept_meanwhile_makes_way_for_a_booking_that_is_moved_a_little(
    book: Book, hold: Booking
) -> None:
    moved = book(start_at=START + minutes(60))

    reschedule_booking(moved, new_start_at=START + minutes(30), now_dt=EXPIRY)

    assert stored(moved).start_at == START + minutes(30)


@pytest.mark.usefixtures("swept_meanwhile")
def test_a_hold_that_is_swept_meanwhile_makes_way_for_a_booking_that_is_saved(
    book: Book, hold: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = book(start_at=START + minutes(60))
    saved.start_at, saved.end_at = START + minutes(30), START + minutes(90)
    monkeypatch.setattr(timezone, "now", lambda: EXPIRY)

    saved.save()

    assert stored(saved).start_at == START + minutes(30)


def test_a_hold_that_has_run_out_is_not_busy_even_before_it_is_swept(
    hold: Booking, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = (START - DAY, START + DAY)
    monkeypatch.setattr(timezone, "now", lambda: EXPIRY - minutes(1))
    assert get_busy_intervals(provider, *window) == [(START, START + HOUR)]

    monkeypatch.setattr(timezone, "now", lambda: EXPIRY)
    assert get_busy_intervals(provider, *window) == []


def test_a_hold_that_is_confirmed_is_busy_for_good(
    hold: Booking, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm_booking(hold, now_dt=NOW)

    monkeypatch.setattr(timezone, "now", lambda: EXPIRY + DAY)
    assert get_busy_intervals(provider, START - DAY, START + DAY) == [(START, START + HOUR)]


def test_a_hold_that_is_moved_still_runs_out(
    hold: Booking, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reschedule_booking(hold, new_start_at=START + DAY, now_dt=NOW)

    assert BusyInterval.objects.get().lapses == EXPIRY.timestamp()


# Expiring


def test_a_hold_expires_at_its_instant(hold: Booking) -> None:
    with nothing_written(), pytest.raises(InvalidTransition) as refused:
        expire_booking(hold, now_dt=EXPIRY - MICROSECOND)
    assert refused.value.code == "not_due"

    expire_booking(hold, now_dt=EXPIRY)

    assert (hold.status, hold.auto_cancelled, hold.cancelled_by) == ("CANCELLED", True, None)
    assert (hold.cancelled_at, hold.cancellation_reason) == (EXPIRY, "expired")
    assert last_event(hold).data == {
        "old_status": "PENDING",
        "new_status": "CANCELLED",
        "reason": "expired",
        "notify": False,
    }
    assert intervals() == []


def test_a_pending_booking_without_an_expiry_is_not_due_before_its_time(pending: Booking) -> None:
    with nothing_written(), pytest.raises(InvalidTransition):
        expire_booking(pending, now_dt=START)


def test_a_hold_that_was_cancelled_cannot_expire(hold: Booking) -> None:
    cancel_booking(hold, now_dt=NOW)

    with nothing_written(), pytest.raises(InvalidTransition):
        expire_booking(hold, now_dt=EXPIRY)


def test_a_sweep_expires_what_is_due(
    book: Book, booking: Booking, group: Any, other_provider: Any
) -> None:
    due = [book(start_at=START + number * HOUR, expires_at=EXPIRY) for number in range(1, 4)]
    due += [book(provider=other_provider, service=group, expires_at=EXPIRY) for _ in range(2)]
    sharing = book(provider=other_provider, service=group)
    not_due = book(start_at=START + DAY, expires_at=EXPIRY + MICROSECOND)

    assert expire_bookings(now_dt=EXPIRY) == 5

    for hold in due:
        gone = stored(hold)
        assert (gone.status, gone.auto_cancelled) == ("CANCELLED", True)
        assert (gone.cancelled_at, gone.cancellation_reason) == (EXPIRY, "expired")
        assert (gone.busy_interval_id, gone.version) == (None, 2)
        assert history(hold) == ["CREATED", "EXPIRED"]
        event = last_event(hold)
        assert event.created_at == EXPIRY
        assert event.data == {
            "old_status": "PENDING",
            "new_status": "CANCELLED",
            "reason": "expired",
            "notify": False,
        }
    for kept in (booking, sharing, not_due):
        assert stored(kept).holds_time
    assert sorted(interval["seats"] for interval in intervals()) == [(1, 1), (1, 1), (1, 3)]


def test_a_second_sweep_finds_nothing(hold: Booking) -> None:
    assert expire_bookings(now_dt=EXPIRY) == 1

    with nothing_written():
        assert expire_bookings(now_dt=EXPIRY) == 0


def test_a_sweep_of_nothing_writes_nothing(booking: Booking) -> None:
    with nothing_written():
        assert expire_bookings() == 0


@pytest.mark.parametrize(
    ("limit", "chunk_size", "expected"),
    [(None, 2, 5), (3, 2, 3), (4, 2, 4), (9, 500, 5), (1, 1, 1)],
)
def test_a_sweep_works_in_chunks_up_to_its_limit(
    book: Book, limit: int | None, chunk_size: int, expected: int
) -> None:
    for number in range(5):
        book(start_at=START + number * HOUR, expires_at=EXPIRY)

    swept = expire_bookings(now_dt=EXPIRY, limit=limit, chunk_size=chunk_size)

    assert swept == expected
    assert Booking.objects.expired(EXPIRY).count() == 5 - expected


@pytest.mark.parametrize("found_at_once", [1, 2, 5, 6])
def test_a_sweep_looks_again_until_nothing_is_due(
    book: Book, monkeypatch: pytest.MonkeyPatch, found_at_once: int
) -> None:
    monkeypatch.setattr(chunked_changes, "MAX_LOOKUP", found_at_once)
    for number in range(5):
        book(start_at=START + number * HOUR, expires_at=EXPIRY)

    assert expire_bookings(now_dt=EXPIRY, chunk_size=2) == 5
    assert not Booking.objects.expired(EXPIRY).exists()


def test_a_sweep_tells_of_each_hold(
    book: Book, sent_signals: Any, django_capture_on_commit_callbacks: Any
) -> None:
    holds = [book(start_at=START + number * HOUR, expires_at=EXPIRY) for number in range(2)]

    with django_capture_on_commit_callbacks(execute=True):
        expire_bookings(now_dt=EXPIRY)

    assert [name for name, *_ in sent_signals] == ["EXPIRED", "EXPIRED"]
    assert {booking for _, booking, *_ in sent_signals} == set(holds)
    for _, booking, event, using in sent_signals:
        assert (booking.status, event.booking, using) == ("CANCELLED", booking, "default")


def test_a_sweep_takes_as_many_queries_for_many_holds_as_for_one(
    book: Book, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        book(start_at=START + number * HOUR, expires_at=EXPIRY)

    with django_assert_max_num_queries(14):
        expire_bookings(now_dt=EXPIRY)


def test_a_hold_that_somebody_confirms_meanwhile_is_not_swept(
    hold: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locks.try_lock_calendars

    def overtaken(*args: Any, **kwargs: Any) -> dict[Any, int]:
        confirm_booking(hold, now_dt=NOW)
        return lock(*args, **kwargs)

    monkeypatch.setattr(locks, "try_lock_calendars", overtaken)

    assert expire_bookings(now_dt=EXPIRY) == 0
    assert stored(hold).status == "CONFIRMED"
    assert history(hold) == ["CREATED", "CONFIRMED"]


def test_a_duplicate_leaves_the_holds_alone(book: Book, hold: Booking, settings: Any) -> None:
    book(start_at=START + HOUR)
    settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 120

    with nothing_written(), pytest.raises(DuplicateBooking):
        book(now_dt=EXPIRY)


def test_a_hold_that_has_run_out_cannot_be_moved(hold: Booking) -> None:
    """Its time is no longer kept, so there is nothing to move."""
    with nothing_written(), pytest.raises(InvalidTransition) as refused:
        reschedule_booking(hold, new_start_at=START + DAY, now_dt=EXPIRY)

    assert refused.value.code == "hold_expired"
    assert every_row()["Booking"][0]["status"] == "PENDING"


def test_an_expiry_that_is_assigned_to_a_confirmed_booking_frees_nothing(
    booking: Booking, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking.expires_at = EXPIRY
    booking.save()

    monkeypatch.setattr(timezone, "now", lambda: EXPIRY + DAY)
    assert get_busy_intervals(provider, START - DAY, START + DAY) == [(START, START + HOUR)]
    reschedule_booking(booking, new_start_at=START + DAY, now_dt=EXPIRY)
    assert booking.start_at == START + DAY


def test_a_sweep_gets_over_a_hold_that_has_lost_its_claim(hold: Booking) -> None:
    Booking._base_manager.update(busy_interval=None)
    BusyInterval.objects.all().delete()

    assert expire_bookings(now_dt=EXPIRY) == 1
    assert stored(hold).status == "CANCELLED"


class _NamedActorsOnly(DefaultBookingAdapter):
    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        if actor is None:
            raise NotAllowed("Log in first.")


@override_settings(BOOKINGS_ADAPTER=f"{__name__}._NamedActorsOnly")
def test_nobody_needs_permission_for_an_abandoned_hold_to_get_out_of_the_way(
    book: Book, staff: Any
) -> None:
    hold = book(expires_at=NOW + minutes(15), created_by=staff)
    booking = book(now_dt=NOW + minutes(15), created_by=staff)
    assert (booking.status, stored(hold).status) == ("CONFIRMED", "CANCELLED")


@override_settings(BOOKINGS_ADAPTER=f"{__name__}._NamedActorsOnly")
def test_who_expires_a_hold_by_name_needs_permission(book: Book, staff: Any) -> None:
    hold = book(expires_at=NOW + minutes(15), created_by=staff)
    with pytest.raises(NotAllowed):
        expire_booking(hold, now_dt=NOW + minutes(15))


def test_several_windows_expire_the_holds_within_one_of_them(book: Book) -> None:
    holds = [
        book(start_at=START + number * 2 * HOUR, expires_at=EXPIRY, client_name=f"Client {number}")
        for number in range(3)
    ]
    windows = [busy_bounds_of(hold) for hold in holds]

    lapsed_holds.expire_lapsed_holds(
        holds[0].provider_id, windows[0], windows[2], now=EXPIRY, using="default"
    )

    assert [stored(hold).status for hold in holds] == ["CANCELLED", "PENDING", "CANCELLED"]
