"""Cancel one booking of a series, it and those that follow, or all that are still to come."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services.instances import cancel_instance, cancel_sessions
from bookings.contrib.series.services.results import SeriesResult
from bookings.contrib.series.services.series_change import (
    LockedSeries,
    change_instances,
    parse_scope,
    with_locked_series,
)
from bookings.models import Booking
from bookings.services import references
from bookings.services.bulk_change import change_bookings
from bookings.services.cancel import decide_cancellation


def cancel_series(
    occurrence: Occurrence,
    *,
    scope: str,
    actor: Any = None,
    now_dt: datetime | None = None,
    reason: str = "",
    by: str = "client",
    override_policy: bool = False,
) -> SeriesResult:
    """Cancel bookings of a series with :func:`~bookings.services.cancel_booking`, and sessions with
    :func:`~bookings.contrib.group_sessions.services.cancel_session`.

    With ``following`` and ``all``, what has begun stays as it is, and so does what has ended in any
    way. The rule of the series stays too: the starts belong to it, and their bookings are
    cancelled.

    :param occurrence: the occurrence from which the scope is counted. It is refreshed.
    :param scope: ``one``, ``following`` or ``all``: see :class:`Scope`.
    :param actor: the user who cancels; ``None`` for nobody.
    :param now_dt: the instant of the cancellation; the default is now.
    :param reason: stored with the event of each booking.
    :param by: on whose behalf they are cancelled, ``client`` or ``provider``. With the provider,
        everything that was paid is to be refunded, whatever the refund policy.
    :param override_policy: cancel also within the notice, what may not be cancelled, and with
        ``one`` what has begun. Only for staff.
    :returns: the series, and the bookings or sessions that were cancelled.
    :raises SeriesConflict: some of several cannot be cancelled; nothing was.
    :raises InvalidBooking: an argument is invalid.
    :raises MissingReference: the occurrence, or its booking, is not saved or has been deleted.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    :raises BookingError: with ``one``, what ``cancel_booking`` or ``cancel_session`` raises; for a
        session that has begun, ``SessionNotOpen`` (code ``session_started``).
    """
    now = references.resolve_now(now_dt)
    parsed_scope = parse_scope(scope)
    user = references.saved_user(actor, "actor")
    decide = decide_cancellation(reason=reason, by=by, override_policy=override_policy)
    cancel = partial(
        cancel_instance,
        actor=user,
        now_dt=now,
        reason=reason,
        by=by,
        override_policy=override_policy,
    )

    def act(locked: LockedSeries) -> SeriesResult:
        def cancel_bookings(bookings: list[Booking], refuse: Any) -> None:
            change_bookings(
                bookings,
                decide,
                verb="cancel",
                calendars=locked.calendars,
                using=locked.using,
                now=now,
                actor=user,
                refuse=refuse,
            )

        def cancel_all_sessions(sessions: list[Any], refuse: Any) -> None:
            cancel_sessions(locked, sessions, user, refuse, reason=reason, by=by)

        return change_instances(locked, parsed_scope, cancel, cancel_bookings, cancel_all_sessions)

    return with_locked_series(occurrence, act, now=now)
