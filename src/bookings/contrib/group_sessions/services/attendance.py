"""Mark who came to a session, and who did not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.contrib.group_sessions.locking import Locked, under_lock
from bookings.contrib.group_sessions.models import Session
from bookings.exceptions import MissingReference
from bookings.models import Booking
from bookings.services import complete_booking, inputs, mark_no_show
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
    no-shows; all of them or none.

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

    def act(at: Locked) -> None:
        keys = {booking.pk for booking in (*came, *missing)}
        bookings = Booking.objects.using(at.using).filter(pk__in=keys, seat__session=at.row)
        if bookings.count() < len(keys):
            raise MissingReference(
                _("A booking is in another session. Mark it there."), "not_in_session"
            )
        for booking in came:
            complete_booking(booking, actor=actor, now_dt=now)
        for booking in missing:
            mark_no_show(booking, actor=actor, now_dt=now)

    under_lock(session, act, now=now)
    return came + missing
