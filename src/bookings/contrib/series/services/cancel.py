"""Cancel one booking of a series, it and those that follow, or all that are still to come."""

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


def cancel_series(
    occurrence: Occurrence,
    *,
    scope: str,
    actor: Any = None,
    now_dt: datetime | None = None,
    reason: str = "",
    override_policy: bool = False,
) -> SeriesResult:
    """Cancel the booking of ``occurrence`` (``scope="one"``), it and those that follow
    (``"following"``), or all of its series (``"all"``), each by
    :func:`~bookings.services.cancel_booking`; a session by ``cancel_session``.

    Of several, those that have begun stay as they are, and so do those that have ended already in
    whatever way. If one cannot be cancelled, as it is too late for it, nothing is cancelled, and
    :class:`~bookings.contrib.series.exceptions.SeriesConflict` has all such. The rule of the series
    stays: these starts are cancelled ones of it.

    Raises ``SeriesConflict``, ``InvalidBooking``, ``MissingReference`` and ``BookingBusy``; of one,
    what ``cancel_booking`` raises.
    """
    now = inputs.moment(now_dt)
    chosen = scope_of(scope)
    inputs.text("reason", reason)
    cancel = partial(
        things.cancel,
        actor=inputs.user(actor, "actor"),
        now_dt=now,
        reason=reason,
        override_policy=override_policy,
    )
    return under_lock(occurrence, lambda at: change_each(at, chosen, cancel), now=now)
