"""On which days a provider works, for a grace that is counted in business days.

The core knows no opening hours. An app that does registers a teller in its ``AppConfig.ready()``::

    working_days.register("bookings_schedule", working_days_of)

Hours of grace are then elapsed hours, except for those of the calendar days, by the clock of the
provider's zone, on which the provider does not work. What nobody tells of counts by the hour.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final, Protocol

from django.core.exceptions import ImproperlyConfigured

from bookings.protocols import ProviderLike

ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The dates in a zone on which a provider works, of those that were asked about."""

    zone: tzinfo
    dates: Collection[date]


class Teller(Protocol):
    """Says on which of the dates, both included, these providers work, by their keys.

    Whoever it knows nothing of is left out. There may be thousands: use a constant number of
    queries.
    """

    def __call__(
        self, providers: Collection[ProviderLike], first: date, last: date
    ) -> Mapping[Any, WorkingDays]: ...


_tellers: Final[dict[str, Teller]] = {}


def register(name: str, teller: Teller) -> None:
    """Ask ``teller`` about working days; by convention the name is an app's label."""
    if _tellers.setdefault(name, teller) is not teller:
        raise ImproperlyConfigured(f"{name!r} has registered its working days already.")


def is_known() -> bool:
    """Whether there is anybody to ask."""
    return bool(_tellers)


def of(providers: Collection[ProviderLike], first: date, last: date) -> dict[Any, WorkingDays]:
    """When these providers work, by their keys; those that nobody knows are left out."""
    told: dict[Any, WorkingDays] = {}
    for teller in _tellers.values():
        told = {**teller(providers, first, last), **told}
    return told


def hours_before(now: datetime, hours: int, days: WorkingDays | None, *, since: date) -> datetime:
    """The last instant from which, by ``now``, so many hours of working days have passed.

    Every day before ``since`` counts: nobody is waited for who never works.
    """
    left = timedelta(hours=hours)
    if days is None or not left:
        return now - left
    ends, day = now, now.astimezone(days.zone).date()
    while day >= since:
        begins = datetime.combine(day, time.min, days.zone).astimezone(UTC)
        if day in days.dates:
            if ends - begins >= left:
                break
            left -= ends - begins
        ends, day = begins, day - ONE_DAY
    return ends - left
