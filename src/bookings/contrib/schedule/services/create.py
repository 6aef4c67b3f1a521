"""Create a schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, models, router
from django.utils.translation import gettext_lazy as _

from bookings.conf import app_settings
from bookings.contrib.schedule.exceptions import ScheduleExists
from bookings.contrib.schedule.hours import HoursLike
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.models.schedule import (
    DEFAULT_EXISTS,
    MINUTES_OF_A_DAY,
    default_timezone,
)
from bookings.contrib.schedule.public_holidays import validate_region
from bookings.contrib.schedule.services.weekly_hours import WEEK, parse_week, replace_week
from bookings.contrib.schedule.validators import validate_timezone
from bookings.ledger.transactions import atomic_with_retry
from bookings.ledger.unique_values import is_duplicate
from bookings.models import field_validation
from bookings.protocols import ProviderLike
from bookings.rules import validation
from bookings.services import references


def create_schedule(
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
    """Create a schedule for a provider, or a default schedule.

    A provider without a schedule of its own follows its tenant's default, else the project's.

    :param provider: the provider; ``None`` for a default schedule.
    :param tenant: the tenant of a default schedule; ``None`` for the project's default.
    :param timezone: the name of the zone in whose wall time the hours are, as ``"Europe/Berlin"``;
        by default ``settings.TIME_ZONE``.
    :param slot_step_minutes: the minutes from one start to the next, from 1 to 1440.
    :param alignment: whether the steps count from each opening (``"OPENING"``) or from midnight
        (``"CLOCK"``).
    :param minimum_notice_minutes: how many minutes before its start a booking is made at least.
    :param maximum_advance_days: how many days before its start a booking is made at most; ``None``
        for no limit.
    :param holiday_country: the country on whose public holidays it is closed, an ISO 3166-1 code of
        two letters; ``""`` for none.
    :param holiday_subdivision: the state or province, the part of an ISO 3166-2 code after the
        hyphen.
    :param hours: the weekly hours, as for
        :func:`~bookings.contrib.schedule.services.set_week`; by default every day is closed.
    :returns: the stored schedule.
    :raises ScheduleExists: there is one already for this provider, tenant or project.
    :raises InvalidSchedule: the zone, the region or the hours are not valid.
    :raises InvalidBooking: another value is not valid.
    :raises TenantMismatch: the provider belongs to another tenant, or tenancy is off.
    :raises HolidaysNotInstalled: a country is given, and the ``holidays`` library is missing.
    """
    values = {
        "provider": (
            None
            if provider is None
            else references.saved_instance(provider, "PROVIDER_MODEL", "provider")
        ),
        "tenant_id": _resolve_tenant_id(tenant, provider),
        "timezone": default_timezone() if timezone is None else timezone,
        "slot_step_minutes": slot_step_minutes,
        "alignment": alignment,
        "minimum_notice_minutes": minimum_notice_minutes,
        "maximum_advance_days": maximum_advance_days,
        "holiday_country": holiday_country,
        "holiday_subdivision": holiday_subdivision,
    }
    draft = Schedule(**values)
    _validate(draft)
    week = parse_week({} if hours is None else hours)
    using = router.db_for_write(Schedule)

    def write() -> Schedule:
        schedules: models.QuerySet[Schedule] = models.QuerySet(Schedule, using=using)
        if schedules.filter(_same_owner(draft)).exists():
            raise _exists_error(draft)
        schedule = Schedule(**values)
        schedule.save(using=using)
        replace_week(schedule.pk, week, WEEK, (None, None), using=using)
        schedule.refresh_from_db(using=using)
        return schedule

    try:
        return atomic_with_retry(write, using=using)
    except IntegrityError as error:
        if is_duplicate(draft, error, using=using):
            raise _exists_error(draft) from None
        raise


def _resolve_tenant_id(tenant: Any, provider: Any) -> Any:
    if tenant is None:
        return getattr(provider, "tenant_id", None) if app_settings.tenancy_enabled else None
    return references.resolve_tenant_id(
        tenant, **({} if provider is None else {"provider": provider})
    )


def _validate(schedule: Schedule) -> None:
    for name in ("timezone", "holiday_country", "holiday_subdivision"):
        validation.validate_text(name, getattr(schedule, name))
    validate_timezone(schedule.timezone)
    validate_region(schedule.holiday_country, schedule.holiday_subdivision)
    validation.whole_number(
        schedule.slot_step_minutes, "slot_step_minutes", at_least=1, at_most=MINUTES_OF_A_DAY
    )
    validation.whole_number(
        schedule.minimum_notice_minutes,
        "minimum_notice_minutes",
        at_least=0,
        at_most=validation.MAX_MINUTES,
    )
    if schedule.maximum_advance_days is not None:
        validation.whole_number(schedule.maximum_advance_days, "maximum_advance_days", at_least=0)
    field_validation.clean_fields(schedule, ("alignment",))


def _same_owner(schedule: Schedule) -> models.Q:
    """Select the schedules of the same provider, or the defaults of the same tenant."""
    if schedule.provider_id is not None:
        return models.Q(provider=schedule.provider_id)
    if schedule.tenant_id is not None:
        return models.Q(provider__isnull=True, tenant=schedule.tenant_id)
    return models.Q(provider__isnull=True, tenant__isnull=True)


def _exists_error(schedule: Schedule) -> ScheduleExists:
    if schedule.provider_id is None:
        return ScheduleExists(DEFAULT_EXISTS)
    return ScheduleExists(
        _("There is a schedule of %(owner)s already. Change that one."),
        params={"owner": str(schedule.provider)},
        providers=[schedule.provider],
    )
