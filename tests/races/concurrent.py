"""Racers who want a desk, with something out of action that keeps them within the capacity."""

from __future__ import annotations

from copy import deepcopy
from time import sleep
from typing import Any
from unittest.mock import patch

from django.db import transaction

from bookings.ledger import segments
from bookings.ledger.segments import Segments
from bookings.models import Booking, BusyInterval
from tests.hosts.samples import make
from tests.races import actions
from tests.races.actions import Run, no_lock, without_guards


def add_exclusive_service() -> Any:
    """A service whose bookings need the provider alone; its key."""
    return make("SERVICE_MODEL").pk


def meetings() -> list[str]:
    """Bookings that need the provider alone, and those beside them."""
    active = list(Booking.objects.active().select_related("service"))
    return [
        f"{alone} and {other}"
        for alone in active
        if alone.service.capacity_mode != "CONCURRENT"
        for other in active
        if other.pk != alone.pk and alone.start_at < other.end_at and other.start_at < alone.end_at
    ]


def book_without_lock(**values: Any) -> Run:
    """As ``book``, but the calendar is not locked."""
    return without_guards(actions.book(**values), no_lock)


def book_by_what_was_read(**values: Any) -> Run:
    """Count before the lock, and write the number that was counted, with one's own added."""
    run = actions.book(**values)
    starts = int(values["start_at"].timestamp())

    def write(self: Segments) -> None:
        for intervals in self._by_calendar.values():
            for segment in intervals:
                stored = BusyInterval.objects.filter(pk=segment.pk)
                stored.update(seats_taken=segment.seats_taken)

    def count_and_book() -> Any:
        calendar_id = BusyInterval.objects.filter(kind="SEGMENT").get().calendar_id
        windows = {calendar_id: [(starts, starts + 3600)]}
        with transaction.atomic():
            counted = segments.read_segments(windows, using="default")
        # For the others, who are counting too.
        sleep(0.05)
        with (
            patch.object(segments, "read_segments", lambda *_args, **_values: deepcopy(counted)),
            patch.object(Segments, "write", write),
        ):
            return run()

    return count_and_book
