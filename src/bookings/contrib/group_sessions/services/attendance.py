"""Mark who came to a session, and who did not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.contrib.group_sessions.locking import Locked, under_lock
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.exceptions import MissingReference
from bookings.models import Booking
from bookings.services import complete, inputs, no_show
from bookings.services.change_many import change_many
from bookings.services.changes import check_saved


def mark_attendance(
    session: Session,
    *,
    attended: Iterable[Booking] = (),
    missed: Iterable[Booking] = (),
    actor: Any = None,
    now_dt: datetime | None = None,
) -> list[Booking]:
    """Complete the bookings of those who ``attended``, and mark those who ``missed`` it as
    no-shows; all of them or none, in a constant number of statements.

    Marking somebody again, or the other way round as a correction, is as with
    :func:`~bookings.services.complete_booking` and :func:`~bookings.services.mark_no_show`. Raises
    what these raise, ``MissingReference`` for a booking of another session, and
    ``InvalidSession`` (code ``came_and_missed``) for one that is in both lists.
    """
    now = inputs.moment(now_dt)
    actor = inputs.user(actor, "actor")
    came, missing = inputs.listed(attended, "attended"), inputs.listed(missed, "missed")
    for booking in (*came, *missing):
        check_saved(booking)
    if {booking.pk for booking in came} & {booking.pk for booking in missing}:
        raise InvalidSession(
            _("A booking cannot both be attended and be missed. Take it out of one list."),
            "came_and_missed",
        )

    def act(at: Locked) -> dict[Any, Booking]:
        keys = {booking.pk for booking in (*came, *missing)}
        rows = _lock_bookings(keys, at)
        if len(rows) < len(keys):
            raise MissingReference(
                _("A booking is in another session. Mark it there."), "not_in_session"
            )
        for verb, decide, marked in (
            ("complete", complete.decide, came),
            ("no_show", no_show.decide, missing),
        ):
            change_many(
                [rows[key] for key in dict.fromkeys(booking.pk for booking in marked)],
                decide,
                verb=verb,
                calendars=at.calendars,
                using=at.using,
                now=now,
                actor=actor,
            )
        return rows

    fresh = under_lock(session, act, now=now)
    for booking in (*came, *missing):
        booking.take_over(fresh[booking.pk])
    return came + missing


def _lock_bookings(keys: Collection[Any], at: Locked) -> dict[Any, Booking]:
    """Those that sit in the session: a plain read in a snapshot may be older than the lock."""
    seats = Seat.objects.using(at.using).select_for_update()
    seated = seats.filter(session=at.row, booking__in=keys).order_by("pk")
    rows = Booking._base_manager.using(at.using).select_for_update()
    found = rows.filter(pk__in=list(seated.values_list("booking_id", flat=True)))
    return {row.pk: row for row in found.order_by("pk")}
