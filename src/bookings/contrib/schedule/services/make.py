"""Make a schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, models, router
from django.utils.translation import gettext_lazy as _

from bookings import policies
from bookings.conf import app_settings
from bookings.contrib.schedule.exceptions import ScheduleExists
from bookings.contrib.schedule.hours import HoursLike
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.models.schedule import (
    DEFAULT_EXISTS,
    MINUTES_OF_A_DAY,
    default_timezone,
)
from bookings.contrib.schedule.public_holidays import check_region
from bookings.contrib.schedule.services.week import WEEK, read_week, write_week
from bookings.contrib.schedule.validators import check_timezone
from bookings.protocols import ProviderLike
from bookings.services import inputs
from bookings.transactions import atomically


def make_schedule(
    *,
    provider: ProviderLike | None = None,
    tenant: Any = None,
    timezone: str | None = None,
    slot_step_minutes: int = 15,
    alignment: str = Schedule.Alignment.OPENING,
    minimum_notice_minutes: int = 0,
    maximum_advance_days: int | None = None,
    holiday_country: str = "",
    holiday_subdivision: str = "",
    hours: Mapping[int, Sequence[HoursLike]] | None = None,
) -> Schedule:
    """A provider's schedule; without a provider, the default of the tenant or of the project.

    ``timezone`` is by default ``settings.TIME_ZONE``. ``hours`` are those of
    :func:`~bookings.contrib.schedule.services.set_week`; without them every day is closed.

    Raises ``ScheduleExists``, ``InvalidSchedule``, ``InvalidBooking``, ``TenantMismatch`` or
    ``HolidaysNotInstalled``.
    """
    values = {
        "provider": (
            None if provider is None else inputs.stored(provider, "PROVIDER_MODEL", "provider")
        ),
        "tenant_id": _tenant_id(tenant, provider),
        "timezone": default_timezone() if timezone is None else timezone,
        "slot_step_minutes": slot_step_minutes,
        "alignment": alignment,
        "minimum_notice_minutes": minimum_notice_minutes,
        "maximum_advance_days": maximum_advance_days,
        "holiday_country": holiday_country,
        "holiday_subdivision": holiday_subdivision,
    }
    draft = Schedule(**values)
    _check(draft)
    week = read_week({} if hours is None else hours)
    using = router.db_for_write(Schedule)

    def write() -> Schedule:
        schedules: models.QuerySet[Schedule] = models.QuerySet(Schedule, using=using)
        if schedules.filter(_owner(draft)).exists():
            raise _exists(draft)
        schedule = Schedule(**values)
        schedule.save(using=using)
        write_week(schedule.pk, week, WEEK, (None, None), using=using)
        schedule.refresh_from_db(using=using)
        return schedule

    try:
        return atomically(write, using=using)
    except IntegrityError as error:
        # Somebody else has made it since we looked.
        raise _exists(draft) from error


def _tenant_id(tenant: Any, provider: Any) -> Any:
    if tenant is None:
        return getattr(provider, "tenant_id", None) if app_settings.tenancy_enabled else None
    return inputs.tenant_id(tenant, **({} if provider is None else {"provider": provider}))


def _check(schedule: Schedule) -> None:
    for name in ("timezone", "holiday_country", "holiday_subdivision"):
        inputs.text(name, getattr(schedule, name))
    check_timezone(schedule.timezone)
    check_region(schedule.holiday_country, schedule.holiday_subdivision)
    policies.whole_number(
        schedule.slot_step_minutes, "slot_step_minutes", at_least=1, at_most=MINUTES_OF_A_DAY
    )
    policies.whole_number(
        schedule.minimum_notice_minutes,
        "minimum_notice_minutes",
        at_least=0,
        at_most=policies.MAX_MINUTES,
    )
    if schedule.maximum_advance_days is not None:
        policies.whole_number(schedule.maximum_advance_days, "maximum_advance_days", at_least=0)
    inputs.check_fields(schedule, ("alignment",))


def _owner(schedule: Schedule) -> models.Q:
    if schedule.provider_id is not None:
        return models.Q(provider=schedule.provider_id)
    if schedule.tenant_id is not None:
        return models.Q(provider__isnull=True, tenant=schedule.tenant_id)
    return models.Q(provider__isnull=True, tenant__isnull=True)


def _exists(schedule: Schedule) -> ScheduleExists:
    if schedule.provider_id is None:
        return ScheduleExists(DEFAULT_EXISTS)
    return ScheduleExists(
        _("There is a schedule of %(owner)s already. Change that one."),
        params={"owner": str(schedule.provider)},
    )
