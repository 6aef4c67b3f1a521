"""Change many bookings in chunks, a transaction each, in several processes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from django.db import connections, router
from django.db.models import Q

from bookings.ledger import locks
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Booking, BookingResource
from bookings.models.querysets import BookingQuerySet
from bookings.rules import validation
from bookings.services import references

MAX_LOOKUP: Final = 10_000
"""The largest number of bookings that one query looks up, because the database sorts them all."""

Progress: TypeAlias = Callable[[int], None]


class ChunkRow(NamedTuple):
    """A booking of a chunk, read under the lock of its calendar."""

    pk: Any
    provider_id: Any
    status: str
    busy_interval_id: int | None
    party_size: int
    requested_at: datetime | None
    resource_count: int


LOOKUP_COLUMNS: Final = ("pk", "provider_id", "resource_count")


class ChunkKey(NamedTuple):
    """A booking that is to be changed, read before the lock of its calendar."""

    pk: Any
    provider_id: Any
    resource_count: int


@dataclass(frozen=True, slots=True)
class ChunkedChange:
    """Which bookings to change, and how."""

    bookings: BookingQuerySet
    """A queryset with all bookings to change; it may have others, which ``is_due`` excludes."""
    write: Callable[[Sequence[ChunkRow]], None]
    """A function that changes the rows of a chunk, in a constant number of statements."""
    columns: tuple[str, ...] = ()
    """The columns to read for ``is_due``."""
    is_due: Callable[..., bool] = lambda: True
    """A function that returns whether to change a booking with these columns."""


@dataclass(frozen=True, slots=True)
class ChunkedRun:
    """One run over all chunks, with its options."""

    now: datetime
    using: str
    limit: int | None
    chunk_size: int
    dry_run: bool
    progress: Progress

    @classmethod
    def of(
        cls,
        now_dt: datetime | None,
        limit: int | None,
        chunk_size: int,
        dry_run: bool,
        progress: Progress | None,
    ) -> ChunkedRun:
        """Return a run with these options, or raise ``InvalidBooking`` for an invalid one."""
        if limit is not None:
            validation.whole_number(limit, "limit", at_least=1)
        validation.whole_number(chunk_size, "chunk_size", at_least=1)
        return cls(
            now=references.resolve_now(now_dt),
            using=router.db_for_write(Booking),
            limit=limit,
            chunk_size=chunk_size,
            dry_run=dry_run,
            progress=validation.optional_callable(progress, "progress") or (lambda _number: None),
        )

    def lock_all(self, *changes: ChunkedChange) -> None:
        """Inside a caller's transaction, lock all calendars at once, in order.

        That transaction keeps every lock until it ends, so two runs that lock chunk by chunk could
        wait for each other.
        """
        if not connections[self.using].in_atomic_block or self.dry_run:
            return
        providers: set[Any] = set()
        for change in changes:
            bookings = change.bookings.using(self.using).order_by()
            providers.update(bookings.values_list("provider_id", flat=True).distinct())
            resources = BookingResource.objects.using(self.using).filter(
                booking__in=bookings.filter(resource_count__gt=0).values("pk")
            )
            providers.update(resources.values_list("provider_id", flat=True).distinct())
        atomic_with_retry(
            partial(locks.lock_calendars, providers, using=self.using), using=self.using
        )

    def execute(self, change: ChunkedChange, *, done: int = 0) -> int:
        """Change the bookings, a transaction for each chunk, and return their number.

        ``done`` is how many this run has changed before; they count for the limit. Calendars that
        are locked come last, because another run may be changing their bookings.
        """
        before = done
        for keys in self._look_up(change) if self._next_size(done) else ():
            waiting = keys
            for lock in (locks.try_lock_calendars, locks.lock_calendars):
                queue, waiting = waiting, []
                while queue and (size := self._next_size(done)):
                    chunk, queue = queue[:size], queue[size:]
                    if self.dry_run:
                        done += len(chunk)
                        continue
                    write = partial(self._write, change, chunk, lock)
                    changed, skipped = atomic_with_retry(write, using=self.using)
                    done += changed
                    waiting += skipped
                    self.progress(done)
            if not self._next_size(done):
                break
        return done - before

    def _next_size(self, done: int) -> int:
        """Return the size of the next chunk; 0 at the limit."""
        remaining = self.chunk_size if self.limit is None else self.limit - done
        return min(self.chunk_size, remaining)

    def _look_up(self, change: ChunkedChange) -> Iterator[list[ChunkKey]]:
        """Yield lists of the bookings' keys with their providers' keys, by provider."""
        bookings = change.bookings.using(self.using).order_by("provider_id", "pk")
        remaining = bookings
        while True:
            rows = list(remaining.values_list(*LOOKUP_COLUMNS, *change.columns)[:MAX_LOOKUP])
            width = len(LOOKUP_COLUMNS)
            yield [ChunkKey(*row[:width]) for row in rows if change.is_due(*row[width:])]
            if len(rows) < MAX_LOOKUP:
                return
            pk, provider_id = rows[-1][:2]
            remaining = bookings.filter(
                Q(provider_id__gt=provider_id) | Q(provider_id=provider_id, pk__gt=pk)
            )

    def _write(
        self,
        change: ChunkedChange,
        chunk: list[ChunkKey],
        lock: Callable[..., dict[Any, int]],
    ) -> tuple[int, list[ChunkKey]]:
        """Lock and change a chunk; return the number changed, and the keys that ``lock`` skipped.

        A booking that another transaction has changed meanwhile is left out.
        """
        providers = self._providers_of(chunk)
        locked = lock(set().union(*providers.values()), using=self.using)
        skipped = [key for key in chunk if not providers[key.pk] <= locked.keys()]
        pks = [key.pk for key in chunk if providers[key.pk] <= locked.keys()]
        if not pks:
            return 0, skipped
        found = (
            fresh(change.bookings.using(self.using))
            .filter(pk__in=pks)
            .order_by("pk")
            .values_list(*ChunkRow._fields, *change.columns)
        )
        width = len(ChunkRow._fields)
        rows = [
            row
            for values in found
            if (row := ChunkRow(*values[:width])).provider_id in locked
            and change.is_due(*values[width:])
        ]
        now_held = self._providers_of(rows, lock=True)
        rows = [row for row in rows if now_held[row.pk] <= locked.keys()]
        if rows:
            change.write(rows)
        return len(rows), skipped

    def _providers_of(
        self, bookings: Sequence[ChunkKey | ChunkRow], *, lock: bool = False
    ) -> dict[Any, set[Any]]:
        """Return the keys of the provider and the resources of each booking, by its key.

        ``lock`` reads the resources as they are now, under the locks of the calendars.
        """
        providers = {booking.pk: {booking.provider_id} for booking in bookings}
        having = [booking.pk for booking in bookings if booking.resource_count]
        if having:
            rows = BookingResource.objects.using(self.using).filter(booking__in=having)
            for resource in fresh(rows) if lock else rows:
                providers[resource.booking_id].add(resource.provider_id)
        return providers
