"""Mark who attended a session and who missed it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.contrib.group_sessions.locked_session import LockedSession, with_locked_session
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.exceptions import MissingReference
from bookings.ledger.locked import fresh
from bookings.models import Booking
from bookings.models.arguments import saved_booking
from bookings.rules import validation
from bookings.services import complete, no_show, references
from bookings.services.bulk_change import change_bookings


def mark_attendance(
    session: Session,
    *,
    attended: Iterable[Booking] = (),
    missed: Iterable[Booking] = (),
    actor: Any = None,
    now_dt: datetime | None = None,
) -> list[Booking]:
    """Complete bookings of a session, and mark others as no-shows.

    All bookings are marked or none, in a constant number of statements. A booking that is marked
    already can be corrected; to mark it again in the same way does nothing.

    :param session: the session.
    :param attended: the bookings to complete, as :func:`~bookings.services.complete_booking` does.
    :param missed: the bookings to mark as :func:`~bookings.services.mark_no_show` does.
    :param actor: the user who marks them, recorded in the events; ``None`` for nobody.
    :param now_dt: the current time; ``None`` for the clock's.
    :returns: the same objects, refreshed: those that attended, then those that missed it.
    :raises InvalidSession: a booking is in both lists (code ``came_and_missed``).
    :raises MissingReference: a booking is in another session (code ``not_in_session``), or a
        booking or the session is not saved or has been deleted.
    :raises InvalidTransition: the session has not started (code ``too_early``), or a booking's
        status does not permit it.
    :raises NotAllowed: the adapter does not permit it to ``actor``.
    :raises InvalidBooking: ``actor`` or ``now_dt`` is invalid, or a list is none.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    now = references.resolve_now(now_dt)
    actor = references.saved_user(actor, "actor")
    attended = validation.as_list(attended, "attended")
    missed = validation.as_list(missed, "missed")
    bookings = [*attended, *missed]
    for booking in bookings:
        saved_booking(booking)
    if {booking.pk for booking in attended} & {booking.pk for booking in missed}:
        raise InvalidSession(
            _("A booking cannot both be attended and be missed. Take it out of one list."),
            "came_and_missed",
        )

    def act(locked: LockedSession) -> dict[Any, Booking]:
        keys = {booking.pk for booking in bookings}
        rows = _read_bookings(keys, locked)
        if len(rows) < len(keys):
            raise MissingReference(
                _("A booking is in another session. Mark it there."), "not_in_session"
            )
        for verb, decide, marked in (
            ("complete", complete.decide_completion, attended),
            ("no_show", no_show.decide_no_show, missed),
        ):
            change_bookings(
                [rows[key] for key in dict.fromkeys(booking.pk for booking in marked)],
                decide,
                verb=verb,
                calendars=locked.calendars,
                using=locked.using,
                now=now,
                actor=actor,
            )
        return rows

    stored = with_locked_session(session, act, now=now)
    for booking in bookings:
        booking.copy_from(stored[booking.pk])
    return bookings


def _read_bookings(keys: Collection[Any], locked: LockedSession) -> dict[Any, Booking]:
    """Return those of the bookings that have a seat in the session, by their keys."""
    seats = fresh(Seat.objects.using(locked.using).filter(session=locked.row, booking__in=keys))
    in_session = list(seats.order_by("pk").values_list("booking_id", flat=True))
    rows = fresh(Booking._base_manager.using(locked.using).filter(pk__in=in_session))
    return {row.pk: row for row in rows.order_by("pk")}
