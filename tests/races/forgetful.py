"""Racers who leave one step out, each of another guard: what that step is there for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from bookings.models import Booking
from bookings.services import changes, create
from tests.races import entrants
from tests.races.entrants import Run, handicapped
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


@contextmanager
def no_replay() -> Iterator[None]:
    with (
        patch.object(create, "replay", return_value=None),
        patch.object(create, "check_key", return_value=None),
    ):
        yield


@contextmanager
def no_second_look(as_read: Booking) -> Iterator[None]:
    def believe(row: Booking, _expected: int | None) -> None:
        row.take_over(as_read)

    with patch.object(changes, "check_version", believe):
        yield
