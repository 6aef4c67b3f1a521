"""Business hours of providers, if :mod:`bookings.contrib.schedule` is installed.

No other module of the app imports ``bookings.contrib.schedule``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.exceptions import NotAllowed
from bookings.protocols import ProviderLike
from bookings.rules.zones import zone_by_name

if TYPE_CHECKING:
    from bookings.contrib.schedule.engine import OpeningHours

SCHEDULE_APP: Final = "bookings.contrib.schedule"

MAX_DAYS_AHEAD: Final = 90

ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SlotGrid:
    """The slots that follow one another in each shift of a provider; times are Unix seconds."""

    hours: OpeningHours
    first_date: date
    last_date: date
    length: int
    """The length of a slot."""
    step: int
    """From the start of a slot to the start of the next one."""
    not_before: int
    """The earliest start."""

    def starts(self) -> Iterator[int]:
        """Yield the starts of the slots that fit into the shifts, in order."""
        from bookings.contrib.schedule import engine

        for opens, closes in engine.shifts(self.hours, self.first_date, self.last_date):
            for start in range(opens, closes - self.length + 1, self.step):
                if start >= self.not_before:
                    yield start


def load_opening_hours(
    provider: ProviderLike, first: date, last: date, *, tenant_id: Any, now: datetime
) -> tuple[OpeningHours, date, date]:
    """Return the provider's hours from ``first`` to ``last``, and these dates without past ones.

    Raises ``NotAllowed`` if schedules are not installed, ``SlotUnavailable`` for a provider without
    one, and ``InvalidSession`` for a ``last`` that is too far ahead.
    """
    _require_schedule_app()
    from bookings.contrib.schedule.schedule_rules import load_rules_by_provider
    from bookings.contrib.schedule.slots import refusals

    # The date differs by up to a day between time zones, and a shift of the day before may go on.
    earliest = now.date() - 2 * ONE_DAY
    first = max(first, earliest)
    latest = min(last, now.date() + (MAX_DAYS_AHEAD + 2) * ONE_DAY)
    by_provider = load_rules_by_provider([provider], first, latest, tenant_id=tenant_id)
    rules = by_provider.get(provider.pk)
    if rules is None:
        raise refusals.no_schedule_error(provider)
    today = now.astimezone(rules.hours.zone).date()
    if last > today + MAX_DAYS_AHEAD * ONE_DAY:
        raise InvalidSession(
            _("Sessions are generated for %(days)d days ahead at most. Choose an earlier end."),
            "too_far_ahead",
            params={"days": MAX_DAYS_AHEAD},
        )
    return rules.hours, first, last


def schedule_zone(provider: ProviderLike, *, tenant_id: Any = None) -> tzinfo:
    """Return the time zone of the provider's schedule; without one, the current time zone."""
    if is_schedule_installed():
        from bookings.contrib.schedule.schedule_rules import find_schedules

        schedule = find_schedules([provider], tenant_id).get(provider.pk)
        if schedule is not None:
            return zone_by_name(schedule.timezone)
    return timezone.get_current_timezone()


def is_schedule_installed() -> bool:
    return apps.is_installed(SCHEDULE_APP)


def _require_schedule_app() -> None:
    if not is_schedule_installed():
        raise NotAllowed(
            _(
                "Sessions are generated from business hours. Add %(app)s to INSTALLED_APPS, and "
                "run migrate."
            ),
            "schedule_not_installed",
            params={"app": f'"{SCHEDULE_APP}"'},
        )
