"""Check that the busy intervals of time off take exactly its time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from operator import attrgetter

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services.time_off import (
    CLAIM_FIELDS,
    release_time,
    save_time_off,
)
from bookings.contrib.schedule.time_off_intervals import connect, is_within_interval
from bookings.integrity import Problem
from bookings.ledger import locks
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import BusyInterval


def find_problems(using: str) -> Iterator[Problem]:
    """Yield what is wrong with the app's rows, for :func:`bookings.integrity.find_problems`."""
    yield from find_misplaced_time_off(using)
    yield from find_orphaned_intervals(using)


def find_misplaced_time_off(using: str) -> Iterator[Problem]:
    """Yield the time off that holds other time than its own.

    Together, the rows that hold a busy interval have to take exactly its time. The repair claims
    the row's time anew, or fails if it is taken, and releases the rest.
    """
    rows: QuerySet[TimeOff] = QuerySet(TimeOff, using=using)
    related = rows.select_related("provider", "busy_interval__calendar")
    sorted_rows = related.order_by("busy_interval_id", "start_at", "pk").iterator()
    for _key, holders in groupby(sorted_rows, key=attrgetter("busy_interval_id")):
        for row in _misplaced(list(holders)):
            yield Problem(
                3,
                _("Time off %(key)s (%(time_off)s) holds other time than its own.")
                % {"key": row.pk, "time_off": row},
                partial(atomic_with_retry, partial(_claim_again, row, using), using=using),
            )


def _misplaced(holders: list[TimeOff]) -> list[TimeOff]:
    """Return the rows that do not belong into the interval that they hold.

    If all do, and it is not exactly their time, return one of them.
    """
    interval = holders[0].busy_interval
    misplaced = [
        row
        for row in holders
        if row.provider_id != interval.calendar.provider_id or not is_within_interval(row)
    ]
    groups = [(group.starts, group.ends) for group in connect(holders)]
    if misplaced or groups == [(interval.starts, interval.ends)]:
        return misplaced
    return holders[:1]


def _claim_again(row: TimeOff, using: str) -> None:
    interval = row.busy_interval
    providers = {row.provider_id, interval.calendar.provider_id}
    calendars = locks.lock_calendars(providers, using=using)
    rows: QuerySet[TimeOff] = QuerySet(TimeOff, using=using)
    for stored in fresh(rows.filter(pk=row.pk)):
        save_time_off(stored, using=using, update_fields=CLAIM_FIELDS)
    if interval.kind == BusyInterval.Kind.TIME_OFF:
        release_time([interval.pk], calendars, using=using)


def find_orphaned_intervals(using: str) -> Iterator[Problem]:
    """Yield the busy intervals of time off that no time off refers to.

    There is no repair: whose time off it was is not on record, and to release the interval would
    open time that somebody has closed.
    """
    intervals: QuerySet[BusyInterval] = QuerySet(BusyInterval, using=using)
    orphans = intervals.filter(time_off__isnull=True, kind=BusyInterval.Kind.TIME_OFF)
    for interval in orphans.select_related("calendar__provider").iterator():
        yield Problem(
            4,
            _("Busy interval %(key)s of %(provider)s is time off that is not on record: %(claim)s.")
            % {"key": interval.pk, "provider": interval.calendar, "claim": interval},
        )
