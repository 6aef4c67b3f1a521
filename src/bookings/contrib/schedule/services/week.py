"""Set the weekly hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.db import models, router
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule import dates
from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.contrib.schedule.hours import Hours, HoursLike, shifts_of_a_day
from bookings.contrib.schedule.models import BusinessHours, Schedule
from bookings.contrib.schedule.models.hours import valid_between
from bookings.contrib.schedule.models.revision import bump
from bookings.contrib.schedule.services import inputs
from bookings.transactions import atomically

WEEK: Final = range(7)
A_DAY: Final = timedelta(days=1)


def set_week(
    *,
    schedule: Schedule,
    hours: Mapping[int, Sequence[HoursLike]],
    merge: bool = False,
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> Schedule:
    """Set the whole week in one call; the schedule, refreshed.

    ``hours`` maps a day, 0 for Monday to 6 for Sunday, to the shifts that begin on it::

        set_week(schedule=schedule, hours={0: [("09:00", "12:00"), ("13:00", "17:00")]})

    Days that are not given are closed; with ``merge`` they stay as they are. Hours from
    ``valid_from`` to ``valid_until``, both included, hold on these dates instead of what held on
    them before; outside of them nothing changes.

    Raises ``InvalidSchedule`` for a shift that makes no sense or overlaps another of its day, and
    ``MissingReference`` for a schedule that is gone.
    """
    inputs.stored_schedule(schedule)
    week = read_week(hours)
    bounds = dates.in_order(valid_from, valid_until, ("valid_from", "valid_until"))
    using = router.db_for_write(Schedule, instance=schedule)

    def write() -> None:
        if not bump({schedule.pk}, using=using):
            raise inputs.gone()
        write_week(schedule.pk, week, week if merge else WEEK, bounds, using=using)

    atomically(write, using=using)
    schedule.refresh_from_db(using=using)
    return schedule


def read_week(hours: Mapping[int, Sequence[HoursLike]]) -> dict[int, list[Hours]]:
    if not isinstance(hours, Mapping):
        raise InvalidSchedule(
            _("Give the hours as a dict from days, 0 for Monday to 6 for Sunday, to shifts.")
        )
    if unknown := [day for day in hours if isinstance(day, bool) or day not in WEEK]:
        raise InvalidSchedule(
            _("A day of the week is a number from 0 for Monday to 6 for Sunday, not %(day)s."),
            "invalid_day",
            params={"day": f"{unknown[0]!r:.80}"},
        )
    return {day: shifts_of_a_day(shifts) for day, shifts in hours.items()}


def write_week(
    schedule_id: Any,
    week: Mapping[int, Sequence[Hours]],
    days: Sequence[int] | Mapping[int, Any],
    bounds: tuple[date | None, date | None],
    *,
    using: str,
) -> None:
    """Replace what is valid on these days within the bounds, with the schedule locked."""
    rows: models.QuerySet[BusinessHours] = models.QuerySet(BusinessHours, using=using)
    # With a lock, because a snapshot may show the hours as they were before.
    replaced = list(
        rows.select_for_update().filter(
            valid_between(*bounds), schedule=schedule_id, day_of_week__in=list(days)
        )
    )
    rows.filter(pk__in=[row.pk for row in replaced]).delete()
    kept = [rest for row in replaced for rest in _outside(row, *bounds)]
    valid_from, valid_until = bounds
    new = [
        BusinessHours(
            schedule_id=schedule_id, day_of_week=day, valid_from=valid_from, valid_until=valid_until
        ).set_hours(shift)
        for day, shifts in week.items()
        for shift in shifts
    ]
    rows.bulk_create(kept + new)


def _outside(row: BusinessHours, first: date | None, last: date | None) -> Iterator[BusinessHours]:
    """What is left of a row's validity before ``first`` and after ``last``."""
    if first is not None and (row.valid_from or date.min) < first:
        yield _valid(row, row.valid_from, first - A_DAY)
    if last is not None and last < (row.valid_until or date.max):
        yield _valid(row, last + A_DAY, row.valid_until)


def _valid(row: BusinessHours, first: date | None, last: date | None) -> BusinessHours:
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
