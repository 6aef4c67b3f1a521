"""Publish sessions in a sequence of slots, in chunks, and report what became of each slot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final, TypeAlias

from django.db import transaction

from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.bulk_creation import BulkSessions
from bookings.contrib.group_sessions.locked_session import unguarded_sessions
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_rules import (
    check_offer_has_waitlist,
    validate_session,
)
from bookings.contrib.group_sessions.template_insert import insert_copies
from bookings.exceptions import BookingConflict, BookingError, PoolExhausted, ResourceTaken
from bookings.ledger import bulk, claims, locks
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import atomic_with_retry, send_on_commit
from bookings.models import BusyInterval, Calendar
from bookings.rules import instants
from bookings.services.lapsed_holds import expire_lapsed_holds

CHUNK_SIZE: Final = 500
"""How many slots one transaction handles."""

Progress: TypeAlias = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class SlotConflict:
    """A slot that got no session, because the time of the provider or a resource is taken."""

    start_at: datetime
    end_at: datetime
    kind: BusyInterval.Kind
    """What takes the time: a booking, another session, time off, or an external event. It is
    RESOURCE if a resource that the session needs is taken."""

    @property
    def reason(self) -> str:
        """The label of :attr:`kind`, for people."""
        return str(self.kind.label)


@dataclass(frozen=True, slots=True)
class Generated:
    """What became of the slots."""

    created: int
    """How many sessions were published; with ``dry_run``, how many would be."""
    existing: int
    """How many slots had their session already, even if it is cancelled or has been moved."""
    conflicts: tuple[SlotConflict, ...]
    """The slots whose time is taken."""
    starts: tuple[datetime, ...] = ()
    """With ``dry_run``, the starts of the sessions that would be published."""

    def __add__(self, other: Generated) -> Generated:
        return Generated(
            self.created + other.created,
            self.existing + other.existing,
            self.conflicts + other.conflicts,
            self.starts + other.starts,
        )


@dataclass(frozen=True, slots=True)
class SessionGenerator:
    """Publishes sessions that equal a template in everything but their time."""

    template: Session
    length: int
    """The length of a session in seconds."""
    using: str
    now: datetime
    dry_run: bool
    override_policy: bool = False

    def check_template(self) -> None:
        """Raise ``InvalidBooking`` for values that no session can have, even without any slot."""
        start = instants.ceil_second(self.now)
        if not 0 <= start <= instants.MAX_SECOND:
            raise instants.out_of_range_error()
        template = self.template
        template.start_at, template.end_at = from_second(start), from_second(start + self.length)
        validate_session(template)
        check_offer_has_waitlist(template)

    def publish(self, starts: Iterator[int], progress: Progress) -> Generated:
        """Publish a session at each start (Unix seconds, ascending), a transaction for each chunk.

        ``progress`` is called after each chunk with the number of slots so far.
        """
        result = Generated(0, 0, ())
        slots = 0
        while chunk := list(islice(starts, CHUNK_SIZE)):
            result += self._publish_chunk(chunk)
            slots += len(chunk)
            progress(slots)
        return result

    def _publish_chunk(self, starts: Sequence[int]) -> Generated:
        window = self._claim(starts[0]).starts, self._claim(starts[-1]).ends
        if window[0] < 0 or window[1] > instants.MAX_SECOND:
            raise instants.out_of_range_error()

        sessions = BulkSessions(
            self.template,
            now=self.now,
            using=self.using,
            override_policy=self.override_policy,
            are_slots=True,
        )
        refused = self._prepare(sessions, starts) if sessions.take_resources else None

        def write() -> Generated:
            if refused is not None:
                return self._write_with_resources(sessions, starts, refused)
            return self._write_chunk(starts, window)

        try:
            return atomic_with_retry(write, using=self.using)
        except BookingConflict:
            # Something was written without the calendar's lock; the second attempt sees it.
            return atomic_with_retry(write, using=self.using)

    def _write_chunk(self, starts: Sequence[int], window: tuple[int, int]) -> Generated:
        provider_id = self.template.provider_id
        calendar_id = locks.lock_calendar(provider_id, using=self.using)
        if not self.dry_run:
            expire_lapsed_holds(provider_id, window, now=self.now, using=self.using)
        existing = self._existing_slots(calendar_id, starts)
        missing = [
            self._claim(start) for start in starts if (start, start + self.length) not in existing
        ]
        free, refused = bulk.partition_free(calendar_id, missing, using=self.using)
        if self.dry_run:
            transaction.set_rollback(True, using=self.using)
        elif free:
            interval_ids = bulk.add_many(calendar_id, free, using=self.using)
            insert_copies(self.template, calendar_id, free, interval_ids, using=self.using)
            self._send_signals(interval_ids)
        return Generated(
            created=len(free),
            existing=len(starts) - len(missing),
            conflicts=tuple(self._conflict(claim, kind) for claim, kind in refused),
            starts=tuple(self._start_of(claim) for claim in free) if self.dry_run else (),
        )

    def _prepare(
        self, sessions: BulkSessions, starts: Sequence[int]
    ) -> dict[datetime, BookingConflict]:
        """Choose the resources without a lock; return the starts at which some are taken."""
        calendar = Calendar.objects.using(self.using).filter(provider=self.template.provider_id)
        calendar_id = calendar.values_list("pk", flat=True).first()
        existing = self._existing_slots(calendar_id, starts, lock=False)
        refused: dict[datetime, BookingConflict] = {}
        wanted = [start for start in starts if (start, start + self.length) not in existing]
        sessions.prepare(map(from_second, wanted), partial(_note, refused), allow_past=True)
        return refused

    def _write_with_resources(
        self,
        sessions: BulkSessions,
        starts: Sequence[int],
        refused_before: dict[datetime, BookingConflict],
    ) -> Generated:
        provider_id, using = self.template.provider_id, self.using
        calendars = locks.lock_calendars({provider_id, *sessions.resource_ids}, using=using)
        slots = self._existing_slots(calendars[provider_id], starts)
        existing = {from_second(start) for start in starts if (start, start + self.length) in slots}
        refused = {at: error for at, error in refused_before.items() if at not in existing}
        free = sessions.check(calendars, partial(_note, refused), without=existing)
        if self.dry_run:
            transaction.set_rollback(True, using=using)
        elif free:
            sessions.write()
        length = timedelta(seconds=self.length)
        return Generated(
            created=len(free),
            existing=len(existing),
            conflicts=tuple(
                SlotConflict(
                    start_at,
                    start_at + length,
                    BusyInterval.Kind.RESOURCE
                    if isinstance(error, ResourceTaken | PoolExhausted)
                    else sessions.kind_in_the_way(start_at),
                )
                for start_at, error in sorted(refused.items())
            ),
            starts=tuple(session.start_at for session in free) if self.dry_run else (),
        )

    def _claim(self, start: int) -> claims.Claim:
        template = self.template
        return claims.Claim(
            starts=start - 60 * template.buffer_before_minutes,
            ends=start + self.length + 60 * template.buffer_after_minutes,
            service_id=template.service_id,
            seats=0,
            capacity=template.capacity,
            kind=BusyInterval.Kind.SESSION,
        )

    def _conflict(self, claim: claims.Claim, kind: BusyInterval.Kind) -> SlotConflict:
        start = self._start_of(claim)
        return SlotConflict(start, start + timedelta(seconds=self.length), kind)

    def _start_of(self, claim: claims.Claim) -> datetime:
        return from_second(claim.starts + 60 * self.template.buffer_before_minutes)

    def _existing_slots(
        self, calendar_id: int | None, starts: Sequence[int], *, lock: bool = True
    ) -> set[tuple[int, int]]:
        """Return the slots that have a session, or for which one was generated."""
        tenant_id: Any = self.template.tenant_id
        sessions = (
            unguarded_sessions(self.using)
            .filter(tenant_id=tenant_id, service_id=self.template.service_id)
            .order_by()
        )
        if lock:
            sessions = fresh(sessions)
        between = from_second(starts[0]), from_second(starts[-1])
        in_slots = sessions.filter(provider_id=self.template.provider_id, start_at__range=between)
        for_slots = sessions.filter(slot_calendar=calendar_id, slot_start_at__range=between)
        slots: list[tuple[Any, Any]] = [
            *in_slots.values_list("start_at", "end_at"),
            *for_slots.values_list("slot_start_at", "slot_end_at"),
        ]
        return {(instants.floor_second(start), instants.floor_second(end)) for start, end in slots}

    def _send_signals(self, interval_ids: Sequence[int]) -> None:
        if not signals.session_created.has_listeners(Session):
            return
        for session in unguarded_sessions(self.using).filter(busy_interval__in=interval_ids):
            send_on_commit(signals.session_created, Session, using=self.using, session=session)


def _note(
    refused: dict[datetime, BookingConflict], start_at: datetime, error: BookingError
) -> None:
    """Keep a conflict by its start, and raise any other error, which concerns all of them."""
    if not isinstance(error, BookingConflict):
        raise error
    refused[start_at] = error


def from_second(second: int) -> datetime:
    """Return a Unix second as a datetime in UTC."""
    return datetime.fromtimestamp(second, UTC)
