"""What the sessions know of ``bookings.contrib.schedule``: the one door to it, and that it may be
absent.
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
from bookings.zones import named_zone

if TYPE_CHECKING:
    from bookings.contrib.schedule.engine import OpeningHours

SCHEDULE: Final = "bookings.contrib.schedule"

MOST_DAYS_AHEAD: Final = 90

ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """Slots one after the other in a provider's shifts; lengths are seconds."""

    hours: OpeningHours
    first: date
    last: date
    length: int
    step: int
    not_before: int
    """The second before which nothing starts."""

    def starts(self) -> Iterator[int]:
        """Unix seconds, in order, from the beginning of each shift as long as one fits in."""
        from bookings.contrib.schedule import engine

        for opens, closes in engine.shifts(self.hours, self.first, self.last):
            for start in range(opens, closes - self.length + 1, self.step):
                if start >= self.not_before:
                    yield start


def hours_of(
    provider: ProviderLike, first: date, last: date, *, tenant_id: Any, now: datetime
) -> tuple[OpeningHours, date, date]:
    """A provider's hours between two dates, both included, as far as they are not over.

    Raises ``NotAllowed`` where there are no schedules, ``SlotUnavailable`` for a provider who has
    none, and ``InvalidSession`` for dates that are too far ahead.
    """
    _require_schedule()
    from bookings.contrib.schedule import refusals
    from bookings.contrib.schedule.rules import load_rules

    # The date is another one in a zone that is ahead, and a shift of yesterday may go on.
    earliest = now.date() - 2 * ONE_DAY
    first = max(first, earliest)
    known_until = min(last, now.date() + (MOST_DAYS_AHEAD + 2) * ONE_DAY)
    rules = load_rules([provider], first, known_until, tenant_id=tenant_id).get(provider.pk)
    if rules is None:
        raise refusals.no_schedule(provider)
    today = now.astimezone(rules.hours.zone).date()
    if last > today + MOST_DAYS_AHEAD * ONE_DAY:
        raise InvalidSession(
            _("Sessions are generated for %(days)d days ahead at most. Choose an earlier end."),
            "too_far_ahead",
            params={"days": MOST_DAYS_AHEAD},
        )
    return rules.hours, first, last


def zone_of(provider: ProviderLike, *, tenant_id: Any = None) -> tzinfo:
    """The zone of the provider's schedule; the current one where there is none."""
    if is_installed():
        from bookings.contrib.schedule.rules import schedules_of

        schedule = schedules_of([provider], tenant_id).get(provider.pk)
        if schedule is not None:
            return named_zone(schedule.timezone)
    return timezone.get_current_timezone()


def is_installed() -> bool:
    return apps.is_installed(SCHEDULE)


def _require_schedule() -> None:
    if not is_installed():
        raise NotAllowed(
            _(
                "Sessions are generated from business hours. Add %(app)s to INSTALLED_APPS, and "
                "run migrate."
            ),
            "schedule_not_installed",
            params={"app": f'"{SCHEDULE}"'},
        )
