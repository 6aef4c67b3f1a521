"""How many bookings there may be: the limits of a service, a provider and the whole project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.timezone import get_default_timezone
from django.utils.translation import gettext_lazy as _

from bookings.conf import app_settings
from bookings.exceptions import InvalidBooking
from bookings.policies import whole_number

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)

Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most bookings that there may be; ``None`` for any number.

    A client's bookings are counted within one tenant: those of the service, and all of them. A
    booking counts where it starts, for the day and for the week from Monday; cancelled and declined
    ones do not count.
    """

    max_active_bookings_per_client: int | None = None
    max_bookings_per_client_per_day: int | None = None
    max_bookings_per_client_per_week: int | None = None
    service_max_active_bookings_per_client: int | None = None
    service_max_bookings_per_client_per_day: int | None = None
    service_max_bookings_per_client_per_week: int | None = None
    provider_max_bookings_per_day: int | None = None
    prevent_client_overlap: bool = False
    """Whether a client can be in one place only at a time."""

    def __post_init__(self) -> None:
        for name in COUNTED:
            value = getattr(self, name)
            if value is not None:
                whole_number(value, READ_FROM[name], at_least=1)

    @classmethod
    def of(cls, service: Any, provider: Any) -> Limits:
        """What the service, the provider and the settings say.

        Raises ``InvalidBooking`` naming what is no positive whole number.
        """
        return cls(
            max_active_bookings_per_client=app_settings.MAX_ACTIVE_BOOKINGS_PER_CLIENT,
            max_bookings_per_client_per_day=app_settings.MAX_BOOKINGS_PER_CLIENT_PER_DAY,
            max_bookings_per_client_per_week=app_settings.MAX_BOOKINGS_PER_CLIENT_PER_WEEK,
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
            prevent_client_overlap=app_settings.PREVENT_CLIENT_OVERLAP,
        )

    @property
    def concern_clients(self) -> bool:
        counted = COUNTED - {"provider_max_bookings_per_day"}
        return self.prevent_client_overlap or any(getattr(self, name) for name in counted)

    @property
    def are_off(self) -> bool:
        return not (self.provider_max_bookings_per_day or self.concern_clients)


READ_FROM: Final = {
    "max_active_bookings_per_client": "BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT",
    "max_bookings_per_client_per_day": "BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY",
    "max_bookings_per_client_per_week": "BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_WEEK",
    "service_max_active_bookings_per_client": "service.max_active_bookings_per_client",
    "service_max_bookings_per_client_per_day": "service.max_bookings_per_client_per_day",
    "service_max_bookings_per_client_per_week": "service.max_bookings_per_client_per_week",
    "provider_max_bookings_per_day": "provider.max_bookings_per_day",
}
COUNTED: Final = READ_FROM.keys()


def day_of(start_at: datetime, zone: tzinfo) -> Window:
    """The day, by the clocks of the zone, in which a booking starts: 23 to 25 hours."""
    day = start_at.astimezone(zone).date()
    return _midnight(day, zone), _midnight(day + DAY, zone)


def week_of(start_at: datetime, zone: tzinfo) -> Window:
    """The week in which a booking starts, from Monday, as ISO 8601 has it."""
    day = start_at.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    return _midnight(monday, zone), _midnight(monday + WEEK, zone)


def named_zone(zone: Any) -> tzinfo:
    """A provider's ``timezone``, which may be an IANA name; without one, Django's default."""
    if not zone:
        return get_default_timezone()
    if isinstance(zone, tzinfo):
        return zone
    try:
        return ZoneInfo(zone)
    # Whatever it is, ZoneInfo takes it for a key of its cache and for a path.
    except (TypeError, ValueError, OSError, LookupError):
        raise InvalidBooking(
            _('provider.timezone must be a time zone such as "Europe/Paris", not %(value)r.'),
            params={"name": "provider.timezone", "value": zone},
        ) from None


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
