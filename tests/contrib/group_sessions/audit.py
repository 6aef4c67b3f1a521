"""A second opinion on sessions: plain Python over every row, sharing no code with the app."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bookings.contrib.group_sessions.models import Session
from bookings.models import Booking, BusyInterval

ACTIVE = {"PENDING", "CONFIRMED"}


def audit_sessions(now: datetime, *, is_strict: bool) -> list[str]:
    """Everything that is wrong with what is stored."""
    sessions = list(Session.objects.all())
    return [
        text
        for session in sessions
        for text in (
            *_seats(session),
            *_resources(session),
            *_status(session, now),
            *_queue(session, now, is_strict),
        )
    ] + list(_leaks(sessions))


def _bookings(session: Session) -> list[Booking]:
    return [seat.booking for seat in session.seats.all() if seat.booking.status in ACTIVE]


def _free(session: Session) -> int:
    return session.capacity - sum(booking.party_size for booking in _bookings(session))


def _seats(session: Session) -> Iterator[str]:
    if _free(session) < 0:
        yield f"{session} has {session.capacity} seats, and more are taken."
    for booking in _bookings(session):
        if (booking.start_at, booking.end_at) != (session.start_at, session.end_at):
            yield f"{booking} is at another time than {session}."
        if booking.busy_interval_id != session.busy_interval_id:
            yield f"{booking} holds other time than {session}."
        if session.status == "CANCELLED":
            yield f"{booking} is in {session}, which is cancelled."
    keys = [seat.client_key for seat in session.seats.all() if seat.booking.status in ACTIVE]
    if None in keys or len(set(keys)) < len(keys):
        yield f"{session} does not know who is in it."


def _resources(session: Session) -> Iterator[str]:
    rows = list(session.resources.select_related("busy_interval__calendar"))
    if len(rows) != session.resource_count:
        yield f"{session} has {len(rows)} resources, and counts {session.resource_count}."
    for row in rows:
        interval = row.busy_interval
        if (interval is not None) != (session.status in {"SCHEDULED", "BOOKING_CLOSED"}):
            yield f"{row} holds {interval}, and the session is {session.status}."
        elif interval is not None:
            starts = session.start_at - timedelta(minutes=row.buffer_before_minutes)
            ends = session.end_at + timedelta(minutes=row.buffer_after_minutes)
            held = interval.calendar.provider_id, interval.start_at, interval.end_at
            if held != (row.provider_id, starts, ends):
                yield f"{row} holds {interval}."


def _status(session: Session, now: datetime) -> Iterator[str]:
    if session.status not in {"SCHEDULED", "BOOKING_CLOSED"} or session.start_at <= now:
        return
    is_full = _free(session) == 0 and not session.enable_waitlist
    expected = session.closed_by_staff or is_full
    if (session.status == "BOOKING_CLOSED") != expected:
        yield f"{session} is {session.status}, with {_free(session)} seats left."


def _queue(session: Session, now: datetime, is_strict: bool) -> Iterator[str]:
    entries = list(session.waitlist.all())
    waiting = [entry for entry in entries if entry.status == "WAITING"]
    waiting.sort(key=lambda entry: (-entry.priority, entry.joined_at, entry.pk))
    for entry in entries:
        if (entry.client_key is not None) != (entry.status == "WAITING"):
            yield f"{entry} is {entry.status} and known as {entry.client_key}."
        offered = entry.booking if entry.status == "OFFERED" else None
        if entry.status == "OFFERED" and (offered is None or offered.status != "PENDING"):
            yield f"{entry} is offered nothing."
    if session.status in {"CANCELLED", "FINISHED"}:
        yield from (f"{entry} waits in vain." for entry in waiting)
        return
    if session.closed_by_staff or session.start_at <= now:
        return
    free = _free(session)
    for entry in waiting:
        if entry.party_size <= free:
            yield f"{entry} waits, and {free} seats are free."
        if is_strict and entry.party_size <= session.capacity:
            break


def _leaks(sessions: list[Session]) -> Iterator[str]:
    held = {session.busy_interval_id for session in sessions}
    held |= {row.busy_interval_id for session in sessions for row in session.resources.all()}
    for interval in BusyInterval.objects.filter(kind="SESSION"):
        if interval.pk not in held:
            yield f"{interval} belongs to no session."
