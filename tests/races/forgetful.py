"""Racers who leave one step out, each of another guard: what that step is there for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from functools import partial
from time import sleep
from typing import Any
from unittest.mock import patch

from django.db import connection, transaction

from bookings import locks, services
from bookings.exceptions import BookingBusy
from bookings.models import Booking
from bookings.services import book, changes, expire, expire_many
from tests.races import entrants, referee
from tests.races.entrants import LATE, Run, handicapped
from tests.races.racer import RunAgain


def change_as_read(*, booking: Any, **values: Any) -> Run:
    """As ``change``, but what was read before the lock is believed under it."""
    as_read = Booking.objects.get(pk=booking)
    return handicapped(entrants.change(booking=booking, **values), partial(no_second_look, as_read))


def follow_naively(*, booking: Any, **values: Any) -> Run:
    """Look until ``booking`` is cancelled and its time is free, and insert afterwards."""
    run = entrants.book_naively(**values)
    before = Booking.objects.filter(pk=booking, status=Booking.Status.CANCELLED)

    def look_and_leap() -> Any:
        if not before.exists():
            raise RunAgain
        return run()

    return look_and_leap


def book_without_replay(**values: Any) -> Run:
    """As ``book``, but nobody looks whether the idempotency key has made a booking already."""
    return handicapped(entrants.book(**values), no_replay)


def book_beside_holds(**values: Any) -> Run:
    """As ``book``, but a hold that has run out is left where it is."""
    return handicapped(entrants.book(**values), no_expiry)


def book_past_holds_as_read(**values: Any) -> Run:
    """As ``book``, but what was read of a hold before the lock is believed under it."""
    return handicapped(entrants.book(**values), no_second_look_at_holds)


def sweep_as_read(**values: Any) -> Run:
    """Expire what is due, each as it was read before the start; how many there were."""
    due = list(Booking.objects.expired(values["now_dt"]))

    def expire_all() -> int:
        for hold in due:
            with no_second_look(copy(hold)):
                services.expire_booking(hold, **values)
        return len(due)

    return expire_all


def sweep_slowly(**values: Any) -> Run:
    """As ``sweep``, and each chunk takes its time under the lock."""
    run = entrants.sweep(**values)

    def sweep_and_dawdle() -> Any:
        with slow_chunks():
            return run()

    return sweep_and_dawdle


def sweep_in_line(**values: Any) -> Run:
    """As ``sweep_slowly``, but whoever meets a calendar that is locked waits for it."""
    return handicapped(sweep_slowly(**values), no_skipping)


def check_with_cursors() -> Run:
    """Check the whole database, with server-side cursors."""
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = False
    return referee.problems


def insist(**values: Any) -> Run:
    """As ``book`` and, told that the database is busy, call again and not run again."""
    run = entrants.book(**values)

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

    with patch.object(book, "past_stale_holds", write_once):
        yield


@contextmanager
def no_second_look_at_holds() -> Iterator[None]:
    expire_hold = expire._expire

    def expire_as_read(hold: Booking, **values: Any) -> Booking:
        # For the others, who are about to meet the hold too.
        sleep(LATE)
        with no_second_look(copy(hold)):
            return expire_hold(hold, **values)

    with patch.object(expire, "_expire", expire_as_read):
        yield


@contextmanager
def slow_chunks() -> Iterator[None]:
    expire_rows = expire_many._expire

    def dawdle(*args: Any, **values: Any) -> None:
        sleep(LATE)
        expire_rows(*args, **values)

    with patch.object(expire_many, "_expire", dawdle):
        yield


@contextmanager
def no_skipping() -> Iterator[None]:
    with patch.object(locks, "lock_free_calendars", locks.lock_calendars):
        yield


@contextmanager
def no_replay() -> Iterator[None]:
    with (
        patch.object(book, "replay", return_value=None),
        patch.object(book, "check_key", return_value=None),
    ):
        yield


@contextmanager
def no_second_look(as_read: Booking) -> Iterator[None]:
    def believe(row: Booking, _expected: int | None) -> None:
        row.take_over(as_read)

    with patch.object(changes, "check_version", believe):
        yield
