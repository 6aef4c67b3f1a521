"""Sweep: change what is due, many bookings in one transaction, beside others who do the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from django.db import connections, router
from django.db.models import Q

from bookings import locks, policies
from bookings.models import Booking
from bookings.querysets import BookingQuerySet
from bookings.services import inputs
from bookings.transactions import atomically

LONGEST_LOOK: Final = 10_000
"""How many bookings are looked for at once: to find the first ones, all of them are sorted."""

Progress: TypeAlias = Callable[[int], None]


class Row(NamedTuple):
    """A booking that is due, read under the lock."""

    pk: Any
    provider_id: Any
    status: str
    busy_interval_id: int | None
    party_size: int
    requested_at: datetime | None


LOOK: Final = ("pk", "provider_id")


@dataclass(frozen=True, slots=True)
class Due:
    """Which bookings a sweep is to change, and how."""

    bookings: BookingQuerySet
    """All that are due, and perhaps others."""
    change: Callable[[Sequence[Row]], None]
    """Writes a chunk, in a constant number of statements."""
    columns: tuple[str, ...] = ()
    is_due: Callable[..., bool] = lambda: True
    """Whether a booking with these columns is."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far a sweep goes, in which steps."""

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
    ) -> Sweep:
        """Checked, or ``InvalidBooking``."""
        if limit is not None:
            policies.whole_number(limit, "limit", at_least=1)
        policies.whole_number(chunk_size, "chunk_size", at_least=1)
        return cls(
            now=inputs.moment(now_dt),
            using=router.db_for_write(Booking),
            limit=limit,
            chunk_size=chunk_size,
            dry_run=dry_run,
            progress=inputs.function(progress, "progress") or (lambda _done: None),
        )

    def prepare(self, *due: Due) -> None:
        """In a caller's transaction, lock all calendars at once, in their one order.

        It keeps every lock to its end, so two that skip each other's would wait for each other.
        """
        if not connections[self.using].in_atomic_block or self.dry_run:
            return
        providers = {
            provider_id
            for each in due
            for provider_id in each.bookings.using(self.using)
            .order_by()
            .values_list("provider_id", flat=True)
            .distinct()
        }
        atomically(partial(locks.lock_calendars, providers, using=self.using), using=self.using)

    def run(self, due: Due, *, done: int = 0) -> int:
        """Change what is due, a transaction for each chunk; how many there were.

        What others have locked comes last: they may be sweeping too, and by then it is done.
        """
        before = done
        for keys in self._look(due) if self._most(done) else ():
            waiting = keys
            for lock in (locks.lock_free_calendars, locks.lock_calendars):
                queue, waiting = waiting, []
                while queue and (most := self._most(done)):
                    chunk, queue = queue[:most], queue[most:]
                    if self.dry_run:
                        done += len(chunk)
                        continue
                    write = partial(self._change, due, chunk, lock)
                    changed, busy = atomically(write, using=self.using)
                    done += changed
                    waiting += busy
                    self.progress(done)
            if not self._most(done):
                break
        return done - before

    def _most(self, done: int) -> int:
        left = self.chunk_size if self.limit is None else self.limit - done
        return min(self.chunk_size, left)

    def _look(self, due: Due) -> Iterator[list[tuple[Any, Any]]]:
        """The keys of what is due, and of their providers, provider by provider."""
        rest = due.bookings.using(self.using).order_by("provider_id", "pk")
        unseen = rest
        while True:
            rows = list(unseen.values_list(*LOOK, *due.columns)[:LONGEST_LOOK])
            yield [row[:2] for row in rows if due.is_due(*row[2:])]
            if len(rows) < LONGEST_LOOK:
                return
            pk, provider_id = rows[-1][:2]
            unseen = rest.filter(
                Q(provider_id__gt=provider_id) | Q(provider_id=provider_id, pk__gt=pk)
            )

    def _change(
        self, due: Due, chunk: list[tuple[Any, Any]], lock: Callable[..., dict[Any, int]]
    ) -> tuple[int, list[tuple[Any, Any]]]:
        """Change what still is due; how many that were, and those that others have locked."""
        locked = lock({provider_id for _pk, provider_id in chunk}, using=self.using)
        busy = [key for key in chunk if key[1] not in locked]
        wanted = [pk for pk, provider_id in chunk if provider_id in locked]
        if not wanted:
            return 0, busy
        found = (
            due.bookings.using(self.using)
            .select_for_update()
            .filter(pk__in=wanted)
            .order_by("pk")
            .values_list(*Row._fields, *due.columns)
        )
        width = len(Row._fields)
        rows = [
            row
            for values in found
            if (row := Row(*values[:width])).provider_id in locked and due.is_due(*values[width:])
        ]
        if rows:
            due.change(rows)
        return len(rows), busy
