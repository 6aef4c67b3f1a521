"""Whole seconds and local days, computed by the database, alike on all databases.

MySQL and MariaDB know no time zones before somebody has loaded their tables, so the offsets of a
zone are part of the statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.db import connections
from django.db.models import Aggregate, BigIntegerField, Case, F, Func, QuerySet, Value, When

from bookings.contrib.reports.periods import DAY_SECONDS, ONE_DAY, Period, offset_spans
from bookings.rules.zones import midnight

WEEK_SECONDS: Final = 7 * DAY_SECONDS


class _Whole(Func):
    output_field: ClassVar[Any] = BigIntegerField()
    arity = 1


class Seconds(_Whole):
    """The Unix second that contains an instant."""

    # SQLite rounds 59.9995 seconds up. Without what follows the seconds, there is nothing to round.
    template = "CAST(strftime('%%%%s', substr(%(expressions)s, 1, 19)) AS INTEGER)"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # A float, which holds every whole second and is several times faster than a numeric.
        template = "date_part('epoch', date_trunc('second', %(expressions)s))::bigint"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "TIMESTAMPDIFF(SECOND, '1970-01-01', %(expressions)s)"
        return self.as_sql(compiler, connection, template=template, **context)


class Microseconds(_Whole):
    """The microseconds from the beginning of 1970 to an instant."""

    # SQLite has the text 2031-03-05 09:00:00.000001, without what follows the seconds if it is 0.
    template = (
        "(CAST(strftime('%%%%s', substr(%(expressions)s, 1, 19)) AS INTEGER) * 1000000"
        " + CAST(substr(%(expressions)s || '.000000', 21, 6) AS INTEGER))"
    )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        sql, parameters = self.as_sql(compiler, connection, **context)
        return sql, (*parameters, *parameters)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(EXTRACT(EPOCH FROM %(expressions)s) * 1000000)::bigint"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', %(expressions)s)"
        return self.as_sql(compiler, connection, template=template, **context)


class Quotient(_Whole):
    """A whole number, at least 0, divided by ``size`` and rounded down."""

    template = "(%(expressions)s) / %(size)s"

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(%(expressions)s) DIV %(size)s"
        return self.as_sql(compiler, connection, template=template, **context)


class _BoundOfCoveredTime(Aggregate):
    """The first or the last bounds of the time that intervals cover together, a row for each."""

    output_field: ClassVar[Any] = BigIntegerField()
    template = "%(function)s(UNNEST(RANGE_AGG(INT8RANGE(%(expressions)s))))"

    def __init__(self, function: str, starts: Any, ends: Any) -> None:
        super().__init__(starts, ends, function=function)


def covered_time(rows: QuerySet[Any], starts: Any, ends: Any) -> Iterable[tuple[Any, int, int]]:
    """Return the provider's key of each row, and the bounds of its interval, in Unix seconds.

    PostgreSQL returns the intervals of a provider that meet as one, which are far fewer where one
    booking follows the other.
    """
    rows = rows.order_by()
    if connections[rows.db].vendor == "postgresql":
        bounds = {
            "starts": _BoundOfCoveredTime("LOWER", starts, ends),
            "ends": _BoundOfCoveredTime("UPPER", starts, ends),
        }
        rows = rows.values("provider_id").annotate(**bounds)
    else:
        rows = rows.annotate(starts=starts, ends=ends)
    return rows.values_list("provider_id", "starts", "ends")


def local_seconds(path: str, period: Period) -> Any:
    """Return the seconds on the local clocks since the last Monday before 1970, of a datetime."""
    # A list of spans is as long as the years of the period: two or so a year.
    spans = offset_spans(period.start_at, period.end_at, period.zone)
    monday = 3 * DAY_SECONDS
    cases = [When(**{f"{path}__lt": ends}, then=Value(offset + monday)) for ends, offset in spans]
    *earlier, _last = cases
    default = Value(spans[-1][1] + monday)
    offset = Case(*earlier, default=default, output_field=BigIntegerField())
    return Seconds(F(path)) + (offset if earlier else default)


def local_day(path: str, period: Period) -> Any:
    """Return the number of the local day of a datetime, counted from 29 December 1969."""
    return Quotient(local_seconds(path, period), size=DAY_SECONDS)


def local_week(path: str, period: Period) -> Any:
    """Return the number of the local week of a datetime, whose first day is Monday."""
    return Quotient(local_seconds(path, period), size=WEEK_SECONDS)


def local_month(path: str, period: Period) -> Any:
    """Return the local month of a datetime, counted from year 0."""
    months = {day.year * 12 + day.month: day for day in period.days()}
    cases = [
        When(**{f"{path}__lt": midnight(last + ONE_DAY, period.zone)}, then=Value(number))
        for number, last in months.items()
    ]
    return Case(*cases[:-1], default=Value(list(months)[-1]), output_field=BigIntegerField())


def hour_of_week(path: str, period: Period) -> Any:
    """Return the hour on the local clocks, counted from Monday 00:00."""
    in_week = local_seconds(path, period) % Value(WEEK_SECONDS)
    return Quotient(in_week, size=3600)
