"""Correct what is known of one booking of a series, it and those that follow, or all to come."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services import things
from bookings.contrib.series.services.each import change_each
from bookings.contrib.series.services.result import SeriesResult
from bookings.contrib.series.services.scope import scope_of, under_lock
from bookings.services import inputs


def update_series(
    occurrence: Occurrence,
    *,
    scope: str,
    actor: Any = None,
    now_dt: datetime | None = None,
    **details: Any,
) -> SeriesResult:
    """Set details of the booking of ``occurrence`` (``scope="one"``), with it of those that follow
    (``"following"``), or of all of its series (``"all"``), each by
    :func:`~bookings.services.update_booking`: the client's, the notes, ``metadata``. Of a session
    by ``update_session``: its title, capacity, price, link and waitlist.

    What has begun or has ended stays as it is. If one cannot be changed, as a capacity cannot go
    below the seats that are taken, nothing is, and
    :class:`~bookings.contrib.series.exceptions.SeriesConflict` has all such. Times and providers
    are changed by :func:`reschedule_series`.

    Raises ``SeriesConflict``, ``InvalidBooking``, ``MissingReference`` and ``BookingBusy``, and
    ``TypeError`` for a name that is no such detail; of one, what ``update_booking`` raises.
    """
    now = inputs.moment(now_dt)
    chosen = scope_of(scope)
    update = partial(things.update, actor=inputs.user(actor, "actor"), now_dt=now, details=details)
    return under_lock(occurrence, lambda at: change_each(at, chosen, update), now=now)
