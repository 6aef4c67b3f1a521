"""Set the weekly hours of a schedule."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.db import models, router
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule import time_ranges
from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.contrib.schedule.hours import Hours, HoursLike, parse_shifts
from bookings.contrib.schedule.models import BusinessHours, Schedule
from bookings.contrib.schedule.models.business_hours import valid_between
from bookings.contrib.schedule.models.schedule import bump_revisions
from bookings.contrib.schedule.services import references
from bookings.contrib.schedule.time_ranges import ONE_DAY
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import atomic_with_retry
from bookings.rules.validation import Readable

WEEK: Final = range(7)


def set_week(
    *,
    schedule: Schedule,
    hours: Mapping[int, Sequence[HoursLike]],
    merge: bool = False,
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> Schedule:
    """Set all weekly hours in one call::

        set_week(schedule=schedule, hours={0: [("09:00", "12:00"), ("13:00", "17:00")]})

    With ``valid_from`` or ``valid_until``, the hours replace what applies on these dates. What
    applies on other dates does not change.

    :param schedule: the schedule; it is refreshed from the database.
    :param hours: the shifts that begin on each day, 0 for Monday to 6 for Sunday. A shift is a
        tuple or :class:`~bookings.contrib.schedule.hours.Hours`.
    :param merge: whether the days that are not given stay as they are. By default they are closed.
    :param valid_from: the first date on which the hours apply; by default there is none.
    :param valid_until: the last date, included; by default there is none.
    :returns: the same schedule.
    :raises InvalidSchedule: a day, a shift or a date is not valid, or two shifts of a day overlap.
    :raises MissingReference: the schedule is not saved, or has been deleted.
    """
    references.saved_schedule(schedule)
    week = parse_week(hours)
    bounds = time_ranges.validate_dates(valid_from, valid_until, ("valid_from", "valid_until"))
    using = router.db_for_write(Schedule, instance=schedule)

    def write() -> None:
        if not bump_revisions({schedule.pk}, using=using):
            raise references.missing_schedule_error()
        replace_week(schedule.pk, week, week if merge else WEEK, bounds, using=using)

    atomic_with_retry(write, using=using)
    schedule.refresh_from_db(using=using)
    return schedule


def parse_week(hours: Mapping[int, Sequence[HoursLike]]) -> dict[int, list[Hours]]:
    if not isinstance(hours, Mapping):
        raise InvalidSchedule(
            _("Give the hours as a dict from days, 0 for Monday to 6 for Sunday, to shifts.")
        )
    if invalid := [day for day in hours if isinstance(day, bool) or day not in WEEK]:
        raise InvalidSchedule(
            _("A day of the week is a number from 0 for Monday to 6 for Sunday, not %(day)s."),
            "invalid_day",
            params={"day": Readable(invalid[0])},
        )
    return {day: parse_shifts(shifts) for day, shifts in hours.items()}


def replace_week(
    schedule_id: Any,
    week: Mapping[int, Sequence[Hours]],
    days: Collection[int],
    bounds: tuple[date | None, date | None],
    *,
    using: str,
) -> None:
    """Replace the hours of these days of the week within the bounds. The schedule is locked."""
    rows: models.QuerySet[BusinessHours] = models.QuerySet(BusinessHours, using=using)
    replaced = list(
        fresh(rows).filter(valid_between(*bounds), schedule=schedule_id, day_of_week__in=list(days))
    )
    rows.filter(pk__in=[row.pk for row in replaced]).delete()
    remainders = [remainder for row in replaced for remainder in _outside(row, *bounds)]
    valid_from, valid_until = bounds
    new = [
        BusinessHours(
            schedule_id=schedule_id, day_of_week=day, valid_from=valid_from, valid_until=valid_until
        ).set_hours(shift)
        for day, shifts in week.items()
        for shift in shifts
    ]
    rows.bulk_create(remainders + new)


def _outside(row: BusinessHours, first: date | None, last: date | None) -> Iterator[BusinessHours]:
    """Yield copies of a row for the part of its validity before ``first`` and after ``last``."""
    if first is not None and (row.valid_from or date.min) < first:
        yield _copy_with_validity(row, row.valid_from, first - ONE_DAY)
    if last is not None and last < (row.valid_until or date.max):
        yield _copy_with_validity(row, last + ONE_DAY, row.valid_until)


def _copy_with_validity(row: BusinessHours, first: date | None, last: date | None) -> BusinessHours:
    return BusinessHours(
        schedule_id=row.schedule_id,
        day_of_week=row.day_of_week,
        open_time=row.open_time,
        close_time=row.close_time,
        closes_next_day=row.closes_next_day,
        is_closed=row.is_closed,
        valid_from=first,
        valid_until=last,
    )
