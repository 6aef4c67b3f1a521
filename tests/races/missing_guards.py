"""Actions with one guard each left out: the controls that show what the guard is there for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from functools import partial
from time import sleep
from typing import Any
from unittest.mock import patch

from django.db import connection, transaction

from bookings import services
from bookings.exceptions import BookingBusy
from bookings.ledger import locks
from bookings.models import Booking
from bookings.services import auto_cancel, booking_change, booking_creation, lapsed_holds
from tests.races import actions, race_database
from tests.races.actions import LATE, Run, without_guards
from tests.races.racer import RunAgain


def change_as_read(*, booking: Any, **values: Any) -> Run:
    """As ``change``, but what was read before the lock is believed under it."""
    as_read = Booking.objects.get(pk=booking)
    return without_guards(
        actions.change(booking=booking, **values), partial(no_version_check, as_read)
    )


def book_freed_time_naively(*, booking: Any, **values: Any) -> Run:
    """Look until ``booking`` is cancelled and its time is free, and insert afterwards."""
    run = actions.book_naively(**values)
    before = Booking.objects.filter(pk=booking, status=Booking.Status.CANCELLED)

    def check_then_run() -> Any:
        if not before.exists():
            raise RunAgain
        return run()

    return check_then_run


def book_without_replay(**values: Any) -> Run:
    """As ``book``, but nobody looks whether the idempotency key has made a booking already."""
    return without_guards(actions.book(**values), no_replay)


def book_beside_holds(**values: Any) -> Run:
    """As ``book``, but a hold that has run out is left where it is."""
    return without_guards(actions.book(**values), no_expiry)


def book_past_holds_as_read(**values: Any) -> Run:
    """As ``book``, but what was read of a hold before the lock is believed under it."""
    return without_guards(actions.book(**values), no_version_check_of_holds)


def sweep_as_read(**values: Any) -> Run:
    """Expire what is due, each as it was read before the start; how many there were."""
    due = list(Booking.objects.expired(values["now_dt"]))

    def expire_all() -> int:
        for hold in due:
            with no_version_check(copy(hold)):
                services.expire_booking(hold, **values)
        return len(due)

    return expire_all


def sweep_slowly(**values: Any) -> Run:
    """As ``cancel_overdue``, and each chunk takes its time under the lock."""
    run = actions.cancel_overdue(**values)

    def sweep_and_dawdle() -> Any:
        with slow_chunks():
            return run()

    return sweep_and_dawdle


def sweep_in_line(**values: Any) -> Run:
    """As ``sweep_slowly``, but whoever meets a calendar that is locked waits for it."""
    return without_guards(sweep_slowly(**values), no_skipping)


def check_with_cursors() -> Run:
    """Check the whole database, with server-side cursors."""
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = False
    return race_database.problems


def book_with_retries(**values: Any) -> Run:
    """As ``book`` and, told that the database is busy, call again and not run again."""
    run = actions.book(**values)

    def call_again() -> Any:
        for _ in range(5):
            with suppress(BookingBusy), transaction.atomic():
                return run()
            sleep(LATE)
        return run()

    return call_again


@contextmanager
def no_expiry() -> Iterator[None]:
    def write_once(write: Callable[[], Any], *_args: Any, **_kwargs: Any) -> Any:
        return write()

    with patch.object(booking_creation, "retry_without_lapsed_holds", write_once):
        yield


@contextmanager
def no_version_check_of_holds() -> Iterator[None]:
    expire_hold = lapsed_holds.expire_hold

    def expire_as_read(hold: Booking, **values: Any) -> Booking:
        # For the others, who are about to meet the hold too.
        sleep(LATE)
        with no_version_check(copy(hold)):
            return expire_hold(hold, **values)

    with patch.object(lapsed_holds, "expire_hold", expire_as_read):
        yield


@contextmanager
def slow_chunks() -> Iterator[None]:
    cancel_rows = auto_cancel._cancel

    def dawdle(*args: Any, **values: Any) -> None:
        sleep(LATE)
        cancel_rows(*args, **values)

    with patch.object(auto_cancel, "_cancel", dawdle):
        yield


@contextmanager
def no_skipping() -> Iterator[None]:
    with patch.object(locks, "try_lock_calendars", locks.lock_calendars):
        yield


@contextmanager
def no_replay() -> Iterator[None]:
    with (
        patch.object(booking_creation, "find_replay", return_value=None),
        patch.object(booking_creation, "check_key_is_unique", return_value=None),
    ):
        yield


@contextmanager
def no_version_check(as_read: Booking) -> Iterator[None]:
    def believe(row: Booking, _expected: int | None) -> None:
        row.copy_from(as_read)

    with patch.object(booking_change, "check_version", believe):
        yield
