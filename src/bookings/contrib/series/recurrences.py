"""The starts that a recurrence rule gives. Pure functions: no ORM, no clock.

A rule is expanded in local time: what the clocks of the series' time zone show. Where RFC 5545
contradicts itself about a local time that a change of the clocks skips, this module follows section
3.8.5.3: the start takes the offset from before the gap (section 3.3.5), so 02:30 becomes 03:30.
Section 3.3.10 would drop the start, and a daily client would lose that day. Of a local time that
occurs twice, the first counts. https://www.rfc-editor.org/rfc/rfc5545#section-3.8.5.3
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.timezone import is_naive
from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.exceptions import DateutilNotInstalled, InvalidRecurrence
from bookings.contrib.series.rrule import RecurrenceRule, counts_weekdays_by_month, parse_rrule
from bookings.rules import instants, validation
from bookings.rules.zones import zone_by_name

DEFAULT_LIMIT: Final = 400
"""How many starts a rule may have, unless the caller sets a ``limit``."""
MAX_LIMIT: Final = 10_000
"""The highest ``limit`` that a caller may set."""
HORIZON_YEARS: Final = 100
YEARS: Final = (1970, 4147)
"""The first and the last year that the ledger can store."""

DAY: Final = timedelta(days=1)

# After 400 years of 146,097 days the calendar repeats itself, weekdays included.
CYCLE_YEARS: Final = 400
CYCLE: Final = timedelta(days=146_097)
LAST_YEAR: Final = MAXYEAR - HORIZON_YEARS - 1


def list_starts(
    *,
    rrule: str,
    start: datetime,
    timezone: str,
    exdates: Iterable[datetime] = (),
    limit: int = DEFAULT_LIMIT,
) -> list[datetime]:
    """Return the instants at which a series starts, in UTC, soonest first.

    :param rrule: the recurrence rule, as ``FREQ=WEEKLY;COUNT=10``: see
        :func:`~bookings.contrib.series.rrule.parse_rrule`.
    :param start: the first start: an instant, or a naive datetime that the clocks of ``timezone``
        show. It must be a start of the rule, or be in ``exdates``; the series then begins with the
        first start after it.
    :param timezone: the IANA name of the time zone whose clocks the series follows: a series at
        09:00 stays at 09:00 when the clocks change.
    :param exdates: starts to leave out, each in either form that ``start`` can have. ``COUNT``
        counts them.
    :param limit: how many starts the rule may have, those to leave out included: from 1 to 10,000.
    :returns: the starts.
    :raises InvalidRecurrence: the rule is invalid, never ends, has more than ``limit`` starts, goes
        on for more than 100 years, lacks ``start`` or one of the ``exdates``, or no start is left.
    :raises InvalidBooking: a value has a wrong type, or there is no such time zone.
    :raises DateutilNotInstalled: python-dateutil is not installed.
    """
    return parse_recurrence(
        rrule=rrule, start=start, timezone=timezone, exdates=exdates, limit=limit
    ).starts()


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule that has been expanded from its first start in a time zone."""

    rule: RecurrenceRule
    dtstart: datetime
    """The local time of the first start, naive."""
    zone: ZoneInfo
    exdates: frozenset[datetime]
    """The starts that are left out, in UTC."""
    rule_starts: dict[datetime, datetime]
    """Every start of the rule, soonest first: from the instant in UTC to the naive local time."""
    rdates: frozenset[datetime] = frozenset()
    """The starts that were added to those of the rule, in UTC."""

    def starts(self) -> list[datetime]:
        """Return the starts of the series in UTC: those of the rule without ``exdates``, and
        ``rdates``.
        """
        return sorted((self.rule_starts.keys() - self.exdates) | self.rdates)

    def local_time(self, start: datetime) -> datetime | None:
        """Return the naive local time of a start; ``None`` for an instant that is no start."""
        if start in self.rdates:
            return start.astimezone(self.zone).replace(tzinfo=None)
        return self.rule_starts.get(start)


def parse_recurrence(
    *,
    rrule: str,
    start: datetime,
    timezone: str,
    exdates: Iterable[datetime] = (),
    limit: int = DEFAULT_LIMIT,
) -> Recurrence:
    """Return the recurrence that :func:`list_starts` lists; the parameters and errors are its."""
    limit = validation.whole_number(limit, "limit", at_least=1, at_most=MAX_LIMIT)
    zone = zone_by_name(timezone)
    rule = parse_rrule(rrule)
    if rule.count is not None and rule.count > limit:
        raise _too_many_starts_error(limit)
    dtstart, start_at = parse_start(start, "start", zone)
    rule_starts = expand_rule(rule, dtstart, zone, limit=limit)
    left_out = _parse_exdates(exdates, zone)
    if not rule_starts:
        raise InvalidRecurrence(
            _("The rule gives no start: it never matches, or UNTIL is before the first start."),
            "no_starts",
        )
    first = next(iter(rule_starts))
    if start_at != first and start_at not in left_out:
        raise InvalidRecurrence(
            _("The series does not begin with %(start)s, but with %(first)s. Begin there."),
            "start_not_in_rule",
            params={
                "start": start_at.astimezone(zone).isoformat(sep=" "),
                "first": first.astimezone(zone).isoformat(sep=" "),
            },
            first_start=first,
        )
    if unknown := left_out - {start_at, *rule_starts}:
        raise InvalidRecurrence(
            _("The series does not start at %(exdate)s, so that start cannot be left out."),
            "exdate_not_in_rule",
            params={"exdate": min(unknown).astimezone(zone).isoformat(sep=" ")},
        )
    recurrence = Recurrence(rule, dtstart, zone, frozenset(left_out), rule_starts)
    if not recurrence.starts():
        raise InvalidRecurrence(_("Every start of the series is left out."), "no_starts")
    return recurrence


def expand_rule(
    rule: RecurrenceRule, dtstart: datetime, zone: ZoneInfo, *, limit: int
) -> dict[datetime, datetime]:
    """Return every start of a rule as ``Recurrence.rule_starts``.

    Raise ``InvalidRecurrence`` if there are more than ``limit``, or if they go on for more than 100
    years.
    """
    found: dict[datetime, datetime] = {}
    for local in _local_starts(rule, dtstart):
        start = local_to_utc(local, zone)
        if rule.until is not None and start > rule.until:
            # A local time that the clocks skip can come after one that they show later, by a day
            # at most.
            if start - rule.until > DAY:
                break
            continue
        found.setdefault(start, local)
        if len(found) == rule.count:
            break
        if len(found) > limit:
            raise _too_many_starts_error(limit)
    else:
        last_year = dtstart.year + HORIZON_YEARS
        if found and (rule.until is None or rule.until.year > last_year):
            raise InvalidRecurrence(
                _("The rule goes on beyond the year %(year)s. Lower COUNT, or write an UNTIL."),
                "beyond_horizon",
                params={"year": last_year},
            )
    return dict(sorted(found.items()))


def _local_starts(rule: RecurrenceRule, dtstart: datetime) -> Iterator[datetime]:
    """Yield the local time of each start, for 100 years.

    dateutil looks for the next start until the year 9999, which takes ten seconds where there is
    none. So the rule is expanded in the same years of a later 400-year cycle, close to that end.
    """
    dateutil_rrule = load_dateutil_rrule()
    if (step := _step(rule, dtstart)) is not None:
        local = dtstart.replace(microsecond=0, fold=0)
        while local.year <= dtstart.year + HORIZON_YEARS:
            yield local
            local += step
        return
    shift = (LAST_YEAR - dtstart.year) // CYCLE_YEARS * CYCLE
    begin = dtstart
    by_day = rule.by_day
    if rule.frequency == "WEEKLY":
        # dateutil counts BYSETPOS in the first week from dtstart on, not from the week's start.
        begin -= (dtstart.weekday() - rule.week_start) % 7 * DAY
        by_day = by_day or ((0, dtstart.weekday()),)
    elif "BYWEEKNO" in rule.by_parts and not rule.by_parts.keys() & {"BYMONTHDAY", "BYYEARDAY"}:
        # dateutil takes every day of the week.
        by_day = by_day or ((0, dtstart.weekday()),)
    expansion = dateutil_rrule.rrule(
        freq=getattr(dateutil_rrule, rule.frequency),
        dtstart=begin + shift,
        interval=rule.interval,
        wkst=rule.week_start,
        **{name.lower(): numbers for name, numbers in rule.by_parts.items()},
        byweekday=_dateutil_weekdays(rule, by_day, dateutil_rrule) or None,
    )
    for shifted in expansion:
        local = shifted - shift
        if local.year > dtstart.year + HORIZON_YEARS:
            return
        if local >= dtstart:
            yield local


def _step(rule: RecurrenceRule, dtstart: datetime) -> timedelta | None:
    """Return what lies between two starts of a rule without parts; ``None`` for any other one.

    dateutil takes several times as long for the same starts.
    """
    if rule.by_parts or rule.by_day not in ((), ((0, dtstart.weekday()),)):
        return None
    if rule.interval > HORIZON_YEARS:
        # Such steps may lead to a year that no calendar has.
        return None
    if rule.frequency == "WEEKLY":
        return 7 * rule.interval * DAY
    return rule.interval * DAY if rule.frequency == "DAILY" and not rule.by_day else None


def _dateutil_weekdays(
    rule: RecurrenceRule, by_day: Iterable[tuple[int, int]], dateutil_rrule: Any
) -> list[Any]:
    days = set(by_day)
    numbered = {day for day in days if day[0]}
    if numbered and numbered != days:
        # dateutil takes only days that match both the numbered weekdays and the others; so each of
        # the others is written with every number that it can have.
        highest = 5 if counts_weekdays_by_month(rule) else 53
        days = numbered | {
            (ordinal, weekday)
            for _, weekday in days - numbered
            for ordinal in range(1, highest + 1)
        }
    return [dateutil_rrule.weekday(weekday, ordinal or None) for ordinal, weekday in days]


def _parse_exdates(exdates: Any, zone: ZoneInfo) -> set[datetime]:
    if isinstance(exdates, str | bytes) or not isinstance(exdates, Iterable):
        raise InvalidRecurrence(
            _("exdates must be a list of datetimes, not %(type)s."),
            params={"type": type(exdates).__name__},
        )
    return {parse_start(exdate, "exdates", zone)[1] for exdate in exdates}


def parse_start(value: Any, name: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the naive local time, and the instant in UTC, of a start in either form."""
    if isinstance(value, datetime) and not YEARS[0] <= value.year <= YEARS[1]:
        raise instants.out_of_range_error()
    if isinstance(value, datetime) and is_naive(value):
        local = value.replace(fold=0)
        return local, local_to_utc(local, zone)
    start = instants.aware_utc(value, name)
    return start.astimezone(zone).replace(tzinfo=None), start


def local_to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant at which the clocks of a zone show this; the first one if there are two.

    A time that they skip takes the offset from before the gap.
    """
    return local.replace(tzinfo=zone).astimezone(UTC)


def _too_many_starts_error(limit: int) -> InvalidRecurrence:
    return InvalidRecurrence(
        _("The rule gives more than %(limit)d starts. Lower COUNT, or write an earlier UNTIL."),
        "too_many_starts",
        params={"limit": limit},
        limit=limit,
    )


def load_dateutil_rrule() -> Any:
    """Return the module ``dateutil.rrule``; raise ``DateutilNotInstalled`` if there is none."""
    try:
        from dateutil import rrule
    except ImportError:
        raise DateutilNotInstalled(
            _('Series need the library dateutil. Run: pip install "django-bookings[series]"')
        ) from None
    return rrule
