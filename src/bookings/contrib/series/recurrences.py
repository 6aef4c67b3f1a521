"""The starts that a recurrence rule gives. Nothing here reads the database or the clock.

RFC 5545 on a local time that a change of the clocks leaves out: section 3.3.10 drops such a start,
section 3.8.5.3 takes it by section 3.3.5 with the offset before the gap, so that 02:30 becomes
03:30. Here it is taken, for a client who comes daily comes that day too. Of a local time that there
is twice, the first counts. https://www.rfc-editor.org/rfc/rfc5545#section-3.8.5.3
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.timezone import is_naive
from django.utils.translation import gettext_lazy as _

from bookings import policies
from bookings.contrib.series.exceptions import DateutilNotInstalled, InvalidRecurrence
from bookings.contrib.series.rules import RecurrenceRule, is_by_month, parse_rule
from bookings.zones import named_zone

MOST_STARTS: Final = 400
MOST_LIMIT: Final = 10_000
HORIZON_YEARS: Final = 100
YEARS: Final = (1970, 4147)
"""What the ledger holds."""

DAY: Final = timedelta(days=1)

# After 400 years of 146,097 days the calendar is the same again, weekdays included.
CYCLE_YEARS: Final = 400
CYCLE: Final = timedelta(days=146_097)
LAST_YEAR: Final = MAXYEAR - HORIZON_YEARS - 1


def list_starts(
    *,
    rrule: str,
    start: datetime,
    timezone: str,
    exdates: Iterable[datetime] = (),
    limit: int = MOST_STARTS,
) -> list[datetime]:
    """The instants at which a series starts, in UTC, soonest first.

    ``rrule`` is an RFC 5545 recurrence rule, followed by the clocks on the wall of ``timezone``, an
    IANA name: a series at 09:00 stays at 09:00 when the clocks change. ``start`` is the first
    start, and ``exdates`` are starts to leave out, which ``COUNT`` counts. Each is an instant, or,
    without a time zone, what the clocks of ``timezone`` show. A rule may give ``limit`` starts,
    those to leave out included. A ``start`` that the rule does not give has to be left out; the
    series then begins with the first one after it.

    Raises :class:`~bookings.contrib.series.exceptions.InvalidRecurrence` if the rule is none, never
    ends, gives more than ``limit`` starts, goes on for more than 100 years, does not give ``start``
    or one of the ``exdates``, or if no start is left.
    """
    return read_recurrence(
        rrule=rrule, start=start, timezone=timezone, exdates=exdates, limit=limit
    ).left()


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule with its first start and the starts that are left out, by the clocks of a zone."""

    rule: RecurrenceRule
    first: datetime
    """What the clocks show, without their zone."""
    zone: ZoneInfo
    exdates: frozenset[datetime]
    starts: dict[datetime, datetime]
    """Every start of the rule, soonest first: the instant in UTC, and what the clocks show."""

    def left(self) -> list[datetime]:
        """The starts, without those that are left out."""
        return [at for at in self.starts if at not in self.exdates]


def read_recurrence(
    *,
    rrule: str,
    start: datetime,
    timezone: str,
    exdates: Iterable[datetime] = (),
    limit: int = MOST_STARTS,
) -> Recurrence:
    """What :func:`list_starts` lists; the same arguments and errors."""
    limit = policies.whole_number(limit, "limit", at_least=1, at_most=MOST_LIMIT)
    zone = named_zone(timezone)
    rule = parse_rule(rrule)
    if rule.count is not None and rule.count > limit:
        raise _too_many(limit)
    shown, begins = read_start(start, "start", zone)
    starts = follow(rule, shown, zone, limit=limit)
    left_out = _exceptions(exdates, zone)
    if not starts:
        raise InvalidRecurrence(
            _("The rule gives no start: it never matches, or UNTIL is before the first start."),
            "no_starts",
        )
    first = next(iter(starts))
    if begins != first and begins not in left_out:
        raise InvalidRecurrence(
            _("The series does not begin with %(start)s, but with %(first)s. Begin there."),
            "start_not_in_rule",
            params={
                "start": begins.astimezone(zone).isoformat(sep=" "),
                "first": first.astimezone(zone).isoformat(sep=" "),
            },
        )
    if strangers := left_out - {begins, *starts}:
        raise InvalidRecurrence(
            _("The series does not start at %(exdate)s, so that start cannot be left out."),
            "exdate_not_in_rule",
            params={"exdate": min(strangers).astimezone(zone).isoformat(sep=" ")},
        )
    recurrence = Recurrence(rule, shown, zone, frozenset(left_out), starts)
    if not recurrence.left():
        raise InvalidRecurrence(_("Every start of the series is left out."), "no_starts")
    return recurrence


def follow(
    rule: RecurrenceRule, first: datetime, zone: ZoneInfo, *, limit: int
) -> dict[datetime, datetime]:
    """Every start of a rule from what the clocks show ``first``: see ``Recurrence.starts``."""
    found: dict[datetime, datetime] = {}
    for shown in _shown_starts(rule, first):
        at = instant_of(shown, zone)
        if rule.until is not None and at > rule.until:
            # What the clocks leave out may come after what they show later, by a day at most.
            if at - rule.until > DAY:
                break
            continue
        found.setdefault(at, shown)
        if len(found) == rule.count:
            break
        if len(found) > limit:
            raise _too_many(limit)
    else:
        last_year = first.year + HORIZON_YEARS
        if found and (rule.until is None or rule.until.year > last_year):
            raise InvalidRecurrence(
                _("The rule goes on beyond the year %(year)s. Lower COUNT, or write an UNTIL."),
                "beyond_horizon",
                params={"year": last_year},
            )
    return dict(sorted(found.items()))


def _shown_starts(rule: RecurrenceRule, first: datetime) -> Iterator[datetime]:
    """What the clocks show at each start, for 100 years.

    dateutil looks for the next start until the year 9999, which takes it ten seconds where there is
    none. So it is asked about the same years of a later cycle of the calendar, close to that end.
    """
    library = dateutil_rrule()
    cycles = (LAST_YEAR - first.year) // CYCLE_YEARS * CYCLE
    begins = first
    by_day = rule.by_day
    if rule.frequency == "WEEKLY":
        # dateutil would count BYSETPOS in the first week from its start on.
        begins -= (first.weekday() - rule.week_start) % 7 * DAY
        by_day = by_day or ((0, first.weekday()),)
    elif "BYWEEKNO" in rule.by and not rule.by.keys() & {"BYMONTHDAY", "BYYEARDAY"}:
        # dateutil would take every day of the week.
        by_day = by_day or ((0, first.weekday()),)
    every = library.rrule(
        freq=getattr(library, rule.frequency),
        dtstart=begins + cycles,
        interval=rule.interval,
        wkst=rule.week_start,
        **{name.lower(): numbers for name, numbers in rule.by.items()},
        byweekday=_weekdays(rule, by_day, library) or None,
    )
    for later in every:
        shown = later - cycles
        if shown.year > first.year + HORIZON_YEARS:
            return
        if shown >= first:
            yield shown


def _weekdays(rule: RecurrenceRule, by_day: Iterable[tuple[int, int]], library: Any) -> list[Any]:
    days = set(by_day)
    numbered = {day for day in days if day[0]}
    if numbered and numbered != days:
        # dateutil would take only what is both among the numbered days and among the others.
        most = 5 if is_by_month(rule) else 53
        days = numbered | {
            (n, weekday) for _, weekday in days - numbered for n in range(1, most + 1)
        }
    return [library.weekday(weekday, ordinal or None) for ordinal, weekday in days]


def _exceptions(exdates: Any, zone: ZoneInfo) -> set[datetime]:
    if isinstance(exdates, str | bytes) or not isinstance(exdates, Iterable):
        raise InvalidRecurrence(
            _("exdates must be a list of datetimes, not %(type)s."),
            params={"type": type(exdates).__name__},
        )
    return {read_start(exdate, "exdates", zone)[1] for exdate in exdates}


def read_start(value: Any, name: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """What the clocks show, without their zone, and the instant in UTC."""
    if isinstance(value, datetime) and not YEARS[0] <= value.year <= YEARS[1]:
        raise policies.out_of_range()
    if isinstance(value, datetime) and is_naive(value):
        shown = value.replace(fold=0)
        return shown, instant_of(shown, zone)
    at = policies.instant(value, name)
    return at.astimezone(zone).replace(tzinfo=None), at


def instant_of(shown: datetime, zone: ZoneInfo) -> datetime:
    """When, in UTC, the clocks of a zone show this; the first time if there are two."""
    return shown.replace(tzinfo=zone).astimezone(UTC)


def _too_many(limit: int) -> InvalidRecurrence:
    return InvalidRecurrence(
        _("The rule gives more than %(limit)d starts. Lower COUNT, or write an earlier UNTIL."),
        "too_many_starts",
        params={"limit": limit},
    )


def dateutil_rrule() -> Any:
    """The module of the library that knows the calendar."""
    try:
        from dateutil import rrule
    except ImportError:
        raise DateutilNotInstalled(
            _('Series need the library dateutil. Run: pip install "django-bookings[series]"')
        ) from None
    return rrule
