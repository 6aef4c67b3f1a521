"""Limits: how many bookings there may be, by service, provider and the whole project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from operator import attrgetter
from typing import Any, Final

from bookings.rules.validation import whole_number
from bookings.rules.zones import midnight

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)

WEEKDAYS: Final = {"MONDAY": 0, "SATURDAY": 5, "SUNDAY": 6}
"""The days that a week may begin with, as ``date.weekday()`` numbers them."""

Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest numbers of bookings; ``None`` for no limit.

    A client's bookings are counted within one tenant: those of the service, and all of them. A
    booking counts for the day and the week in which it starts. Cancelled and declined bookings do
    not count. Of a provider, occupied intervals are counted: the bookings of one session or of one
    shared slot are one.
    """

    max_active_bookings_per_client: int | None = None
    max_bookings_per_client_per_day: int | None = None
    max_bookings_per_client_per_week: int | None = None
    service_max_active_bookings_per_client: int | None = None
    service_max_bookings_per_client_per_day: int | None = None
    service_max_bookings_per_client_per_week: int | None = None
    provider_max_bookings_per_day: int | None = None
    prevent_client_overlap: bool = False
    """Whether a client's bookings must not overlap."""

    def __post_init__(self) -> None:
        for name in COUNT_LIMITS:
            value = getattr(self, name)
            if value is not None:
                whole_number(value, SOURCES[name], at_least=1)

    @classmethod
    def of(cls, service: Any, provider: Any, **project: Any) -> Limits:
        """Return the limits of a service and a provider, beside those of the whole ``project``.

        Raises ``InvalidBooking`` naming what is no positive whole number.
        """
        return cls(
            service_max_active_bookings_per_client=getattr(
                service, "max_active_bookings_per_client", None
            ),
            service_max_bookings_per_client_per_day=getattr(
                service, "max_bookings_per_client_per_day", None
            ),
            service_max_bookings_per_client_per_week=getattr(
                service, "max_bookings_per_client_per_week", None
            ),
            provider_max_bookings_per_day=getattr(provider, "max_bookings_per_day", None),
            **project,
        )

    @property
    def concern_clients(self) -> bool:
        return self.prevent_client_overlap or any(_client_counts(self))

    @property
    def count_days(self) -> bool:
        """Whether any of them counts the bookings of a day or a week."""
        return any(getattr(self, name) for name in DAY_COUNTS)

    @property
    def are_off(self) -> bool:
        return not (self.provider_max_bookings_per_day or self.concern_clients)


SOURCES: Final = {
    "max_active_bookings_per_client": "BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT",
    "max_bookings_per_client_per_day": "BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY",
    "max_bookings_per_client_per_week": "BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_WEEK",
    "service_max_active_bookings_per_client": "service.max_active_bookings_per_client",
    "service_max_bookings_per_client_per_day": "service.max_bookings_per_client_per_day",
    "service_max_bookings_per_client_per_week": "service.max_bookings_per_client_per_week",
    "provider_max_bookings_per_day": "provider.max_bookings_per_day",
}
COUNT_LIMITS: Final = SOURCES.keys()
_client_counts: Final = attrgetter(*(COUNT_LIMITS - {"provider_max_bookings_per_day"}))
DAY_COUNTS: Final = tuple(name for name in COUNT_LIMITS if name.endswith(("_day", "_week")))


def day_window(start_at: datetime, zone: tzinfo) -> Window:
    """Return the local day in which a booking starts: 23 to 25 hours."""
    day = start_at.astimezone(zone).date()
    return midnight(day, zone), midnight(day + DAY, zone)


def week_window(start_at: datetime, zone: tzinfo, first_day: str) -> Window:
    """Return the local week in which a booking starts, from the ``first_day`` of the week."""
    day = start_at.astimezone(zone).date()
    first = day - timedelta(days=(day.weekday() - WEEKDAYS[first_day]) % 7)
    return midnight(first, zone), midnight(first + WEEK, zone)


def exceeds_intervals(
    most: int, start_at: datetime, others: Iterable[datetime], before: datetime | None
) -> bool:
    """Return whether a provider would have more than ``most`` occupied intervals in a day.

    A provider's bookings that start together are seats of one interval. ``others`` are the starts
    of the other bookings of the day, and ``before`` is that of the stored booking that is moved, if
    it counts for the day already. A booking that adds no interval exceeds nothing, even if the
    limit is lower by now.
    """
    occupied = set(others)
    if start_at in occupied or (before is not None and before not in occupied):
        return False
    return len(occupied) >= most
