"""Update many bookings in a constant number of statements for each 100; ``update`` updates one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from bookings.models import Booking
from bookings.services import references
from bookings.services.booking_change import Change, LockedBooking, check_version
from bookings.services.bulk_change import Refuse, change_bookings
from bookings.services.duplicates import similar_bookings
from bookings.services.limit_check import LimitCheck, lock_clients
from bookings.services.loaded_bookings import LoadedBookings
from bookings.services.update import BookingUpdate


class BulkUpdate:
    """An update of bookings that were read without a lock; ``values`` are as for one."""

    def __init__(
        self,
        drafts: Iterable[Booking],
        *,
        now: datetime,
        using: str,
        override_policy: bool = False,
        expected_version: int | None = None,
        **values: Any,
    ) -> None:
        self._now = now
        self._using = using
        self._expected_version = expected_version
        self._update = BookingUpdate(values, override_policy=override_policy)
        checks = {draft.pk: self._update.limit_check(draft) for draft in drafts}
        self._limit_checks: dict[Any, LimitCheck] = {
            key: check for key, check in checks.items() if check is not None
        }

    def lock_clients(self) -> None:
        """Lock the clients; after the calendars."""
        lock_clients(self._limit_checks.values(), now=self._now, using=self._using)

    def write(
        self, rows: Sequence[Booking], calendars: dict[Any, int], *, actor: Any, refuse: Refuse
    ) -> None:
        """Update the rows, which were read under the lock."""
        checked = [row for row in rows if row.pk in self._limit_checks]
        references.load_related_of_all(checked, "service", "provider", using=self._using)
        conditions = (condition for row in checked for condition in self._conditions(row))
        loaded = LoadedBookings(conditions, using=self._using)

        def decide(locked: LockedBooking) -> Change | None:
            row = locked.row
            check_version(row, self._expected_version)
            change = self._update.decide(
                locked, limit_check=self._limit_checks.get(row.pk), among=loaded
            )
            loaded.put(row)
            return change

        change_bookings(
            rows,
            decide,
            verb="update",
            calendars=calendars,
            using=self._using,
            now=self._now,
            actor=actor,
            refuse=refuse,
        )

    def _conditions(self, row: Booking) -> Iterable[Q]:
        draft = self._update.draft(row)
        similar = similar_bookings(draft, self._now)
        if similar is not None:
            yield similar
        yield from self._limit_checks[row.pk].conditions(draft, now=self._now, before=row)
