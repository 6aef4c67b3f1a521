"""Bookings that are read once, to check many others against them in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any, Final
from uuid import UUID

from django.db import connections
from django.db.models import Q

from bookings.ledger.locked import fresh
from bookings.models import Booking
from bookings.models.conditions import matches

CONDITIONS_PER_QUERY: Final = 100
"""SQLite allows 1,000 levels in an expression."""


class LoadedBookings:
    """The stored bookings that match any of some filters, and those that a call adds or changes.

    The caller holds the locks that keep them as they are. It makes a query for each 100 filters.
    """

    def __init__(self, conditions: Iterable[Q], *, using: str) -> None:
        self._rows: dict[UUID, Booking] = {}
        bookings = Booking.objects.using(using).order_by("pk")
        if connections[using].vendor == "mysql":
            # PostgreSQL refuses the lock of the client to a transaction with an older snapshot.
            bookings = fresh(bookings)
        distinct = iter(dict.fromkeys(conditions))
        while chunk := list(islice(distinct, CONDITIONS_PER_QUERY)):
            for row in bookings.filter(reduce(or_, chunk)):
                self._rows[row.uuid] = row

    def put(self, booking: Booking) -> None:
        """Add a booking that will be stored, or replace the stored row."""
        self._rows[booking.uuid] = booking

    def select(self, condition: Q, *, other_than: Booking) -> Iterator[Any]:
        """Yield the bookings that match a filter, without one of them."""
        for row in self._rows.values():
            if row.uuid != other_than.uuid and matches(condition, row):
                yield row
