"""Copy a schedule to other providers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db import IntegrityError, models, router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.conf import app_settings
from bookings.contrib.schedule.exceptions import InvalidSchedule, ScheduleExists
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule
from bookings.contrib.schedule.models.opening import Opening
from bookings.contrib.schedule.models.revision import bump
from bookings.contrib.schedule.services import inputs
from bookings.exceptions import TenantMismatch
from bookings.protocols import ProviderLike
from bookings.transactions import TryAgain, atomically, judge

RULES: Final = (
    "timezone",
    "slot_step_minutes",
    "alignment",
    "minimum_notice_minutes",
    "maximum_advance_days",
    "holiday_country",
    "holiday_subdivision",
)
PARTS: Final[tuple[type[Opening], ...]] = (BusinessHours, DateOverride)


def copy_schedule(
    *, schedule: Schedule, providers: Iterable[ProviderLike], replace: bool = False
) -> list[Schedule]:
    """Give other providers the same rules, hours and overrides; their schedules, in this order.

    The copies are their own from then on. With ``replace`` a provider who has a schedule gets this
    one instead, overrides included; without it that raises ``ScheduleExists``, and nothing is
    copied to anyone. Takes a constant number of queries.
    """
    inputs.stored_schedule(schedule)
    wanted = {provider.pk: provider for provider in inputs.stored_providers(providers)}
    using = router.db_for_write(Schedule, instance=schedule)

    def write() -> list[Schedule]:
        schedules: models.QuerySet[Schedule] = models.QuerySet(Schedule, using=using)
        taken = schedules.filter(provider__in=list(wanted))
        bump({schedule.pk, *taken.values_list("pk", flat=True)}, using=using)
        # With a lock, because a snapshot may show what they were before.
        source = schedules.select_for_update().filter(pk=schedule.pk).first()
        if source is None:
            raise inputs.gone()
        _refuse_others(source, wanted.values())
        existing = list(taken.select_for_update())
        if existing and not replace:
            raise ScheduleExists(
                _("There is a schedule of %(owner)s already. Pass replace=True to replace it."),
                params={"owner": inputs.named(wanted[row.provider_id] for row in existing)},
            )
        rules = {name: getattr(source, name) for name in RULES}
        taken.update(**rules, updated_at=timezone.now())
        for part in PARTS:
            models.QuerySet(part, using=using).filter(schedule__in=existing).delete()
        known = {row.provider_id for row in existing}
        try:
            schedules.bulk_create(
                Schedule(provider=provider, tenant_id=_tenant_of(provider, source), **rules)
                for key, provider in wanted.items()
                if key not in known
            )
        except IntegrityError as error:
            if judge(error) is not None:
                raise
            # Somebody else has made one since we looked.
            raise TryAgain from error
        # Read again, for MySQL does not say which keys it gave them.
        copies = {row.provider_id: row for row in taken.select_for_update()}
        for part in PARTS:
            _copy_rows(part, source, copies.values(), using)
        return [copies[key] for key in wanted]

    return atomically(write, using=using)


def _refuse_others(source: Schedule, providers: Iterable[Any]) -> None:
    owner = source.tenant_id
    if source.provider is not None:
        owner = _tenant_of(source.provider, source)
    for provider in providers:
        if provider.pk == source.provider_id:
            raise InvalidSchedule(
                _("A schedule cannot be copied to its own provider. Leave %(provider)s out."),
                "copy_to_itself",
                params={"provider": str(provider)},
            )
        if app_settings.tenancy_enabled and owner not in {None, _tenant_of(provider, source)}:
            raise TenantMismatch(
                _("%(provider)s belongs to another tenant than the schedule. Make it a new one."),
                params={"provider": str(provider)},
            )


def _tenant_of(provider: Any, source: Schedule) -> Any:
    if not app_settings.tenancy_enabled:
        return None
    return getattr(provider, "tenant_id", source.tenant_id)


def _copy_rows(part: type[Any], source: Schedule, copies: Iterable[Schedule], using: str) -> None:
    rows: models.QuerySet[Any] = models.QuerySet(part, using=using)
    columns = [
        field.attname
        for field in part._meta.concrete_fields
        if not field.primary_key and field.name != "schedule"
    ]
    originals = list(rows.select_for_update().filter(schedule=source).values(*columns))
    rows.bulk_create(part(schedule_id=copy.pk, **values) for copy in copies for values in originals)
