"""Update details of one booking of a series, of it and those that follow, or of all to come."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services.instances import update_instance, update_sessions
from bookings.contrib.series.services.results import SeriesResult
from bookings.contrib.series.services.series_change import (
    LockedSeries,
    PlanOutdated,
    Scope,
    SeriesRows,
    change_instances,
    parse_scope,
    with_prepared_series,
    write_alias,
)
from bookings.models import Booking
from bookings.services import references
from bookings.services.bulk_change import Refuse
from bookings.services.bulk_update import BulkUpdate


def update_series(
    occurrence: Occurrence,
    *,
    scope: str,
    actor: Any = None,
    now_dt: datetime | None = None,
    **details: Any,
) -> SeriesResult:
    """Update bookings of a series with :func:`~bookings.services.update_booking`, and sessions with
    :func:`~bookings.contrib.group_sessions.services.update_session`.

    With ``following`` and ``all``, what has begun stays as it is, and so does what has ended in any
    way. :func:`reschedule_series` changes times and providers.

    :param occurrence: the occurrence from which the scope is counted. It is refreshed.
    :param scope: ``one``, ``following`` or ``all``: see :class:`Scope`.
    :param actor: the user who makes the change; ``None`` for nobody.
    :param now_dt: the instant of the change; the default is now.
    :param details: what ``update_booking`` takes: the client's details, the notes, ``metadata``. Of
        a session what ``update_session`` takes: title, capacity, price, meeting link, waitlist.
    :returns: the series, and the bookings or sessions that were updated.
    :raises SeriesConflict: some of several cannot be updated, such as a capacity below the seats
        that are taken; nothing was.
    :raises InvalidBooking: an argument is invalid.
    :raises MissingReference: the occurrence, or its booking, is not saved or has been deleted.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    :raises BookingError: with ``one``, what ``update_booking`` or ``update_session`` raises.
    :raises TypeError: there is no such detail.
    """
    now = references.resolve_now(now_dt)
    parsed_scope = parse_scope(scope)
    user = references.saved_user(actor, "actor")
    update = partial(update_instance, actor=user, now_dt=now, details=details)

    def prepare(rows: SeriesRows) -> BulkUpdate | None:
        selected = [] if parsed_scope is Scope.ONE else rows.select(parsed_scope, now)
        drafts = [instance for _row, instance in selected if isinstance(instance, Booking)]
        if not drafts:
            return None
        return BulkUpdate(drafts, now=now, using=write_alias(occurrence), **details)

    def act(locked: LockedSeries, bulk: BulkUpdate | None) -> SeriesResult:
        def update_bookings(bookings: list[Booking], refuse: Refuse) -> None:
            if bulk is None:
                raise PlanOutdated
            bulk.write(bookings, locked.calendars, actor=user, refuse=refuse)

        def update_all_sessions(sessions: list[Any], refuse: Any) -> None:
            update_sessions(locked, sessions, user, refuse, details)

        return change_instances(locked, parsed_scope, update, update_bookings, update_all_sessions)

    return with_prepared_series(
        occurrence,
        prepare,
        act,
        now=now,
        lock_clients=lambda bulk: None if bulk is None else bulk.lock_clients(),
    )
