"""What ``check_bookings`` also verifies: sessions, their time, their seats and who waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import claims, clients, ledger, locks
from bookings.contrib.group_sessions.locking import Locked, rows, under_lock
from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.contrib.group_sessions.rules import check_coming, claim_of
from bookings.contrib.group_sessions.seating import blocks_the_others, is_in_time, settle
from bookings.exceptions import BookingError
from bookings.integrity import Problem, Repair, register, register_place
from bookings.models import Booking, BusyInterval
from bookings.transactions import atomically

INVARIANT: Final = 12
"""A session holds its time with its seats, who sits in it is known, and who fits does not wait."""

ELSEWHERE: Final = gettext_lazy(
    "The booking's times are not those of its session. Correct them, then try again."
)


@register_place
def place_in_session(booking: Booking, using: str) -> claims.Claim | None:
    """Where a booking with a seat belongs."""
    seats = Seat.objects.using(using).filter(booking=booking).select_related("session")
    seat = seats.first()
    if seat is None:
        return None
    if seat.session.status == Session.Status.FINISHED and seat.session.busy_interval_id is None:
        # Disputed when the session's time had been given back: it has its own.
        return None
    if seat.session.busy_interval_id is None:
        check_coming(seat.session)
    claim = claim_of(seat.session, booking.party_size)
    if claims.window_of(booking) != claim.window:
        raise BookingError(ELSEWHERE)
    return claim


@register
def sessions_hold_their_time(using: str) -> Iterator[Problem]:
    """Repaired by moving the time to where the session is, or fails if that is taken."""
    coming = rows(using).filter(status__in=Session.COMING_STATUSES)
    for session in coming.select_related("busy_interval__calendar").iterator():
        # The database refuses a coming session without one.
        interval: Any = session.busy_interval
        claim = claim_of(session)
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
                _mend(session, _reshape),
            )


@register
def time_of_sessions_has_one(using: str) -> Iterator[Problem]:
    """Repaired by giving it back, unless bookings sit in it."""
    leaked = BusyInterval.objects.using(using).filter(
        kind=BusyInterval.Kind.SESSION, group_session__isnull=True
    )
    for interval in leaked.select_related("calendar").iterator():
        yield Problem(
            INVARIANT,
            _("Busy interval %(key)s belongs to no session.") % {"key": interval.pk},
            partial(atomically, partial(_give_back, interval, using), using=using),
        )


@register
def seats_are_their_bookings(using: str) -> Iterator[Problem]:
    seats = Seat.objects.using(using).select_related("booking", "session")
    for seat in seats.iterator():
        booking, session = seat.booking, seat.session
        key = clients.key(booking) if booking.holds_time else None
        is_elsewhere = booking.busy_interval_id != session.busy_interval_id
        is_over = session.status == Session.Status.FINISHED and session.busy_interval_id is None
        if booking.holds_time and is_elsewhere and not is_over:
            yield Problem(
                INVARIANT,
                _("%(booking)s does not hold the time of its session %(session)s.")
                % {"booking": booking, "session": session},
            )
        if key != seat.client_key:
            yield Problem(
                INVARIANT,
                _("%(booking)s is not known by its client in %(session)s.")
                % {"booking": booking, "session": session},
                _mend(session, partial(_name_client, seat)),
            )


@register
def who_fits_does_not_wait(using: str) -> Iterator[Problem]:
    """Repaired by giving the free seats to those who wait.

    Whoever the rules have kept from being booked waits on, and so does everybody when it is too
    late to book.
    """
    now = timezone.now()
    free = F("session__capacity") - F("session__busy_interval__seats_taken")
    waiting = (
        WaitlistEntry.objects.using(using)
        .waiting()
        .filter(
            session__status__in=Session.COMING_STATUSES,
            session__closed_by_staff=False,
            session__start_at__gt=now,
        )
        .annotate(free=free)
        .filter(free__gt=0)
        .select_related("session__service")
        .order_by("session_id", *WaitlistEntry.ORDER)
    )
    for _key, entries in groupby(waiting.iterator(), key=attrgetter("session_id")):
        queue = list(entries)
        if entry := _next_in_turn(queue, now):
            yield Problem(
                INVARIANT,
                _("%(client)s waits for %(session)s, which has seats enough.")
                % {"client": entry.client_name, "session": entry.session},
                _mend(entry.session, _settle),
            )


def _next_in_turn(queue: list[Any], now: datetime) -> WaitlistEntry | None:
    session = queue[0].session
    for entry in queue if is_in_time(session, now) else ():
        if entry.party_size > entry.free:
            if blocks_the_others(entry, session):
                return None
        elif not entry.refusal:
            return entry  # type: ignore[no-any-return]
    return None


def _mend(session: Session, write: Callable[[Locked], None]) -> Repair:
    return partial(under_lock, session, write, now=timezone.now())


def _reshape(at: Locked) -> None:
    row = at.row
    calendar_id, claim = at.calendars[row.provider_id], claim_of(row)
    interval_id: Any = row.busy_interval_id
    ledger.reshape(interval_id, calendar_id, claim, using=at.using)


def _settle(at: Locked) -> None:
    settle([at.row.pk], using=at.using, now=at.now)


def _name_client(seat: Seat, at: Locked) -> None:
    row = Seat.objects.using(at.using).select_for_update().get(pk=seat.pk)
    row.client_key = clients.key(row.booking) if row.booking.holds_time else None
    row.save(using=at.using, update_fields=["client_key"])


def _give_back(interval: BusyInterval, using: str) -> None:
    locks.lock_calendar(interval.calendar.provider_id, using=using)
    if not Booking._base_manager.using(using).filter(busy_interval=interval).exists():
        ledger.give_back([interval.pk], using=using)
