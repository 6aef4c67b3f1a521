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
from bookings.contrib.schedule.models.hours_entry import HoursEntry
from bookings.contrib.schedule.models.schedule import bump_revisions
from bookings.contrib.schedule.schedule_rules import tenant_id_of
from bookings.contrib.schedule.services import references
from bookings.exceptions import TenantMismatch
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import RetryTransaction, atomic_with_retry, translate_error
from bookings.protocols import ProviderLike

COPIED_FIELDS: Final = (
    "timezone",
    "slot_step_minutes",
    "alignment",
    "minimum_notice_minutes",
    "maximum_advance_days",
    "holiday_country",
    "holiday_subdivision",
)
ENTRY_MODELS: Final[tuple[type[HoursEntry], ...]] = (BusinessHours, DateOverride)


def copy_schedule(
    *, schedule: Schedule, providers: Iterable[ProviderLike], replace: bool = False
) -> list[Schedule]:
    """Give other providers a schedule with the same fields, weekly hours and overrides.

    A later change of the original does not change the copies. It takes a constant number of
    queries.

    :param schedule: the schedule to copy.
    :param providers: the providers who get a copy.
    :param replace: whether to replace the schedules that providers have, overrides included.
    :returns: the copies, in the order of the providers.
    :raises ScheduleExists: a provider has a schedule, and ``replace`` is false; nothing is copied.
    :raises MissingReference: the schedule or a provider is not saved, or has been deleted.
    :raises InvalidSchedule: the schedule is the provider's own (``copy_to_itself``), or
        ``providers`` is not a list.
    :raises InvalidBooking: a provider is not valid.
    :raises TenantMismatch: a provider belongs to another tenant than the schedule.
    """
    references.saved_schedule(schedule)
    owners = {provider.pk: provider for provider in references.saved_providers(providers)}
    using = router.db_for_write(Schedule, instance=schedule)

    def write() -> list[Schedule]:
        schedules: models.QuerySet[Schedule] = models.QuerySet(Schedule, using=using)
        owned = schedules.filter(provider__in=list(owners))
        bump_revisions({schedule.pk, *owned.values_list("pk", flat=True)}, using=using)
        source = fresh(schedules).filter(pk=schedule.pk).first()
        if source is None:
            raise references.missing_schedule_error()
        _check_providers(source, owners.values())
        existing = list(fresh(owned))
        if existing and not replace:
            raise _exists_error([owners[row.provider_id] for row in existing])
        values = {name: getattr(source, name) for name in COPIED_FIELDS}
        owned.update(**values, updated_at=timezone.now())
        for model in ENTRY_MODELS:
            models.QuerySet(model, using=using).filter(schedule__in=existing).delete()
        known = {row.provider_id for row in existing}
        try:
            schedules.bulk_create(
                Schedule(
                    provider=provider, tenant_id=tenant_id_of(provider, source.tenant_id), **values
                )
                for key, provider in owners.items()
                if key not in known
            )
        except IntegrityError as error:
            if translate_error(error) is not None:
                raise
            # Another transaction has made one of them since they were read. There are no receivers
            # whose error it could be.
            raise RetryTransaction from error
        # Read them again, because MySQL does not return the keys of the new rows.
        copies = {row.provider_id: row for row in fresh(owned)}
        for model in ENTRY_MODELS:
            _copy_entries(model, source, copies.values(), using)
        return [copies[key] for key in owners]

    return atomic_with_retry(write, using=using)


def _exists_error(providers: list[Any]) -> ScheduleExists:
    return ScheduleExists(
        _("There is a schedule of %(owner)s already. Pass replace=True to replace it."),
        params={"owner": references.join_names(providers)},
        providers=providers,
    )


def _check_providers(source: Schedule, providers: Iterable[Any]) -> None:
    tenant_id = source.tenant_id
    if source.provider is not None:
        tenant_id = tenant_id_of(source.provider, source.tenant_id)
    for provider in providers:
        if provider.pk == source.provider_id:
            raise InvalidSchedule(
                _("A schedule cannot be copied to its own provider. Leave %(provider)s out."),
                "copy_to_itself",
                params={"provider": str(provider)},
            )
        if app_settings.tenancy_enabled and tenant_id not in {
            None,
            tenant_id_of(provider, source.tenant_id),
        }:
            raise TenantMismatch(
                _("%(provider)s belongs to another tenant than the schedule. Make it a new one."),
                params={"provider": str(provider)},
            )


def _copy_entries(
    model: type[Any], source: Schedule, copies: Iterable[Schedule], using: str
) -> None:
    rows: models.QuerySet[Any] = models.QuerySet(model, using=using)
    columns = [
        field.attname
        for field in model._meta.concrete_fields
        if not field.primary_key and field.name != "schedule"
    ]
    originals = list(fresh(rows).filter(schedule=source).values(*columns))
    rows.bulk_create(
        model(schedule_id=copy.pk, **values) for copy in copies for values in originals
    )
