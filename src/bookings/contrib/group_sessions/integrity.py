"""What ``check_bookings`` verifies of sessions: their time, their seats and their waitlists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from django.db.models import Count, F
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.contrib.group_sessions import session_resources
from bookings.contrib.group_sessions.locked_session import (
    LockedSession,
    unguarded_sessions,
    with_locked_session,
)
from bookings.contrib.group_sessions.models import Seat, Session, SessionResource, WaitlistEntry
from bookings.contrib.group_sessions.session_reconciliation import reconcile_sessions
from bookings.contrib.group_sessions.session_rules import session_claim
from bookings.contrib.group_sessions.session_seats import seat_key
from bookings.contrib.group_sessions.waitlist import blocks_others
from bookings.contrib.group_sessions.waitlist_promotion import is_within_booking_window
from bookings.integrity import Problem
from bookings.ledger import entries, locks
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Booking, BusyInterval
from bookings.services import integrity_repairs, references
from bookings.services.integrity_repairs import Repair

INVARIANT: Final = 12
"""A session holds its time and its seats, each seat has the key of its client, and no client waits
while seats are free.
"""


def find_problems(using: str) -> Iterator[Problem]:
    """Yield what is wrong with the app's rows, for :func:`bookings.integrity.find_problems`."""
    yield from find_wrong_session_time(using)
    yield from find_wrong_resources(using)
    yield from find_time_without_session(using)
    yield from find_wrong_seats(using)
    yield from find_missed_promotions(using)


def find_wrong_session_time(using: str) -> Iterator[Problem]:
    """Yield sessions whose busy interval is another one than they claim.

    The repair moves the interval to the session, and fails if that time is taken.
    """
    active = unguarded_sessions(using).filter(status__in=Session.ACTIVE_STATUSES)
    for session in active.select_related("busy_interval__calendar").iterator():
        # A database constraint demands that an active session has a busy interval.
        interval: Any = session.busy_interval
        claim = session_claim(session)
        if (
            interval.kind,
            interval.calendar.provider_id,
            (interval.starts, interval.ends),
            interval.capacity,
        ) != (claim.kind, session.provider_id, claim.window, claim.capacity):
            yield Problem(
                INVARIANT,
                _("Session %(key)s (%(session)s) holds other time or seats than its own.")
                % {"key": session.pk, "session": session},
                integrity_repairs.name_holders(
                    _repair_locked(session, _move_interval),
                    session.provider_id,
                    claim.window,
                    own=interval.pk,
                    using=using,
                ),
            )


def find_wrong_resources(using: str) -> Iterator[Problem]:
    """Yield sessions whose resources hold another time than theirs, or are counted wrongly.

    The repair claims the time of the resources again, and fails if it is taken; of a session that
    is not active, it releases that time.
    """
    counted = unguarded_sessions(using).annotate(number=Count("resources"))
    wrong = set(counted.exclude(number=F("resource_count")).values_list("pk", flat=True))
    rows = SessionResource.objects.using(using).select_related(
        "session__service", "busy_interval__calendar"
    )
    wrong |= {row.session_id for row in rows.iterator() if _holds_wrong_time(row)}
    for session in unguarded_sessions(using).filter(pk__in=wrong).order_by("pk"):
        # Its calendars are locked by what it has, and not by what was counted.
        session.resource_count = (
            SessionResource.objects.using(using).filter(session=session).count()
        )
        yield Problem(
            INVARIANT,
            _("Session %(key)s (%(session)s) does not hold the time of its resources.")
            % {"key": session.pk, "session": session},
            _repair_locked(session, _claim_resources),
        )


def _holds_wrong_time(row: SessionResource) -> bool:
    session, interval = row.session, row.busy_interval
    if not session.is_active or interval is None:
        return session.is_active or interval is not None
    held = interval.kind, interval.calendar.provider_id, (interval.starts, interval.ends)
    claim = session_resources.claim_of(session, row)
    return held != (claim.kind, row.provider_id, claim.window)


def find_time_without_session(using: str) -> Iterator[Problem]:
    """Yield busy intervals of kind SESSION that no session refers to.

    The repair deletes them, unless bookings refer to them.
    """
    orphaned = BusyInterval.objects.using(using).filter(
        kind=BusyInterval.Kind.SESSION,
        group_session__isnull=True,
        session_resources__isnull=True,
    )
    for interval in orphaned.select_related("calendar").iterator():
        yield Problem(
            INVARIANT,
            _("Busy interval %(key)s belongs to no session.") % {"key": interval.pk},
            partial(atomic_with_retry, partial(_delete_interval, interval, using), using=using),
        )


def find_wrong_seats(using: str) -> Iterator[Problem]:
    """Yield seats whose booking is not in the session's time, or whose client key is wrong.

    The repair moves the seats into the session, and fails if they are not free or if the session
    has other times; or it sets the client key.
    """
    seats = Seat.objects.using(using).select_related("booking__service", "session")
    for seat in seats.iterator():
        booking, session = seat.booking, seat.session
        if booking.holds_time and _is_elsewhere(booking, session):
            yield Problem(
                INVARIANT,
                _("%(booking)s does not hold the time of its session %(session)s.")
                % {"booking": booking, "session": session},
                integrity_repairs.reclaim(
                    booking, using, is_wrong=partial(_is_still_elsewhere, seat.pk, using)
                ),
            )
        if seat_key(booking) != seat.client_key:
            yield Problem(
                INVARIANT,
                _("The seat of %(booking)s in %(session)s has a wrong client key.")
                % {"booking": booking, "session": session},
                _repair_locked(session, partial(_set_client_key, seat)),
            )


def find_missed_promotions(using: str) -> Iterator[Problem]:
    """Yield waiting entries that should have been promoted: their seats are free.

    The repair promotes them. Entries with a ``refusal`` are left out, and so are all entries of a
    session that can no longer be booked.
    """
    now = timezone.now()
    free = F("session__capacity") - F("session__busy_interval__seats_taken")
    waiting = (
        WaitlistEntry.objects.using(using)
        .waiting()
        .filter(
            session__status__in=Session.ACTIVE_STATUSES,
            session__closed_by_staff=False,
            session__start_at__gt=now,
        )
        .annotate(free=free)
        .filter(free__gt=0)
        .select_related("session__service")
        .order_by("session_id", *WaitlistEntry.ORDER)
    )
    for _key, session_entries in groupby(waiting.iterator(), key=attrgetter("session_id")):
        queue = list(session_entries)
        if entry := _next_to_promote(queue, now):
            yield Problem(
                INVARIANT,
                _("%(client)s waits for %(session)s, which has enough free seats.")
                % {"client": entry.client_name, "session": entry.session},
                _repair_locked(entry.session, _reconcile),
            )


def _next_to_promote(queue: list[Any], now: datetime) -> WaitlistEntry | None:
    session = queue[0].session
    for entry in queue if is_within_booking_window(session, now) else ():
        if entry.party_size > entry.free:
            if blocks_others(entry, session):
                return None
        elif not entry.refusal:
            return entry  # type: ignore[no-any-return]
    return None


def _repair_locked(session: Session, write: Callable[[LockedSession], None]) -> Repair:
    return partial(with_locked_session, session, write, now=timezone.now())


def _move_interval(locked: LockedSession) -> None:
    row = locked.row
    calendar_id, claim = locked.calendars[row.provider_id], session_claim(row)
    interval_id: Any = row.busy_interval_id
    entries.resize(interval_id, calendar_id, claim, using=locked.using)


def _claim_resources(locked: LockedSession) -> None:
    row, using = locked.row, locked.using
    stored = SessionResource.objects.using(using).filter(session=row.pk).order_by("pk")
    resources = list(fresh(stored))
    session_resources.release(resources, using=using)
    if row.is_active:
        session_resources.claim_again(row, resources, locked.calendars, using=using)
    row.resource_count = len(resources)
    row.save_row(using=using, update_fields=["resource_count"])


def _reconcile(locked: LockedSession) -> None:
    reconcile_sessions([locked.row.pk], using=locked.using, now=locked.now)


def _is_elsewhere(booking: Booking, session: Session) -> bool:
    return booking.busy_interval_id is None or booking.busy_interval_id != session.busy_interval_id


def _is_still_elsewhere(seat_id: Any, using: str, row: Booking) -> bool:
    seat = fresh(Seat.objects.using(using)).get(pk=seat_id)
    return _is_elsewhere(row, seat.session)


def _set_client_key(seat: Seat, locked: LockedSession) -> None:
    row = fresh(Seat.objects.using(locked.using)).get(pk=seat.pk)
    references.load_related(row.booking, "service", using=locked.using)
    row.client_key = seat_key(row.booking)
    row.save(using=locked.using, update_fields=["client_key"])


def _delete_interval(interval: BusyInterval, using: str) -> None:
    locks.lock_calendar(interval.calendar.provider_id, using=using)
    if not Booking._base_manager.using(using).filter(busy_interval=interval).exists():
        entries.delete([interval.pk], using=using)
