"""Overdue bookings: pending or confirmed, although their grace has passed since they ended.

The grace runs from the end of the booking, or from when it was made or last confirmed, if that was
later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.apps import apps
from django.db import DatabaseError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings import extensions
from bookings.adapters import get_adapter
from bookings.conf import PREFIX, app_settings
from bookings.exceptions import InvalidBooking
from bookings.models.querysets import BookingQuerySet
from bookings.models.read_alias import reading_from
from bookings.protocols import ProviderLike
from bookings.rules import instants, validation, working_days
from bookings.rules.instants import MAX_SECOND
from bookings.rules.working_days import WorkingDays

COLUMNS: Final = ("service_id", "provider_id", "end_at", "created_at", "confirmed_at")
"""The columns that decide whether a booking is overdue."""

LONGEST_CLOSED: Final = timedelta(days=366)
"""The largest extension of a grace by days on which the provider does not work."""

LAST_END: Final = instants.EPOCH + timedelta(seconds=MAX_SECOND)

Pair = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The deadlines at one instant, by service and provider."""

    now: datetime
    by_pair: Mapping[Pair, datetime]
    """By the keys of service and provider: a booking that has not changed since is overdue."""
    refusals: Collection[InvalidBooking]
    """Errors of services whose grace cannot be read; their bookings are left alone."""

    def is_overdue(
        self,
        service_id: Any,
        provider_id: Any,
        end_at: datetime,
        created_at: datetime,
        confirmed_at: datetime | None,
    ) -> bool:
        """Return whether an active booking with these values is overdue."""
        deadline = self.by_pair.get((service_id, provider_id))
        return deadline is not None and max(end_at, created_at, confirmed_at or end_at) <= deadline

    def prefilter(self, bookings: BookingQuerySet) -> BookingQuerySet:
        """Return a queryset with all overdue bookings and few others; check each row of it."""
        latest = max(self.by_pair.values(), default=None)
        if latest is None:
            return bookings.none()
        quiet = bookings.active().filter(
            Q(confirmed_at__isnull=True) | Q(confirmed_at__lte=latest),
            end_at__lte=latest,
            created_at__lte=latest,
        )
        # A hold that has lapsed expires as a hold.
        return quiet.exclude(status=bookings.model.Status.PENDING, expires_at__lte=self.now)


def deadlines(bookings: BookingQuerySet, now: datetime, *, using: str) -> Deadlines:
    """Return the deadlines of all services and providers of these bookings, in a few queries."""
    if not app_settings.AUTO_CANCEL_ENABLED:
        return Deadlines(now, {}, ())
    over = bookings.using(using).active().filter(end_at__lte=now).order_by()
    return deadlines_for_pairs(
        over.values_list("service_id", "provider_id").distinct(), now, using=using
    )


def deadlines_for_pairs(pairs: Iterable[Pair], now: datetime, *, using: str) -> Deadlines:
    """Return the deadlines of these pairs; none if automatic cancellation is off."""
    unique_pairs = list(pairs)
    if not unique_pairs or not app_settings.AUTO_CANCEL_ENABLED or now < instants.EPOCH:
        return Deadlines(now, {}, ())
    services = _load(
        "SERVICE_MODEL", {service_id for service_id, _provider_id in unique_pairs}, using
    )
    providers = _load(
        "PROVIDER_MODEL", {provider_id for _service_id, provider_id in unique_pairs}, using
    )
    hours: dict[Pair, int] = {}
    refusals: dict[tuple[Any, str], InvalidBooking] = {}
    for pair in unique_pairs:
        if pair[0] not in services or pair[1] not in providers:
            # It was deleted meanwhile, after its bookings.
            continue
        service = services[pair[0]]
        try:
            with reading_from(using):
                hours[pair] = _grace(service, providers[pair[1]])
        except DatabaseError:
            raise
        # A host's adapter may raise anything, and must not stop the bookings of other services.
        except Exception as error:  # noqa: BLE001
            message = " ".join(getattr(error, "messages", ())) or repr(error)
            refusals[pair[0], message] = InvalidBooking(
                _("Bookings of %(service)s cannot be cancelled automatically: %(error)s"),
                "invalid_grace",
                params={"service": str(service), "error": message},
            )
    with reading_from(using):
        by_pair = _earlier(hours, providers, now)
    return Deadlines(now, by_pair, list(refusals.values()))


def _load(setting: str, keys: Collection[Any], using: str) -> dict[Any, Any]:
    model: Any = apps.get_model(getattr(app_settings, setting))
    return model._base_manager.using(using).in_bulk(keys)  # type: ignore[no-any-return]


def _grace(service: Any, provider: Any) -> int:
    hours: Any = get_adapter().auto_cancel_grace_hours(service, provider)
    name = "auto_cancel_grace_hours"
    if hours is None:
        hours, name = app_settings.AUTO_CANCEL_GRACE_HOURS, f"{PREFIX}AUTO_CANCEL_GRACE_HOURS"
    return validation.whole_number(hours, name, at_least=0, at_most=validation.MAX_HOURS)


def _earlier(
    hours: Mapping[Pair, int], providers: Mapping[Any, Any], now: datetime
) -> dict[Pair, datetime]:
    if not hours or not app_settings.AUTO_CANCEL_BUSINESS_DAYS:
        return {pair: now - timedelta(hours=grace) for pair, grace in hours.items()}
    longest = timedelta(hours=max(hours.values())) + LONGEST_CLOSED
    # Every booking that can be stored has ended by then, and dates do not overflow.
    now = min(now, LAST_END + longest)
    since = (now - longest).date()
    by_key = {provider_id: providers[provider_id] for _service_id, provider_id in hours}
    # One more day on either side, because in the provider's zone it may be another day.
    known_days = _working_days(
        by_key.values(), since - working_days.ONE_DAY, now.date() + working_days.ONE_DAY
    )
    return {
        (service_id, provider_id): working_days.subtract_working_hours(
            now, grace, known_days.get(provider_id), since=since
        )
        for (service_id, provider_id), grace in hours.items()
    }


def _working_days(
    providers: Collection[ProviderLike], first: date, last: date
) -> dict[Any, WorkingDays]:
    """When these providers work, by their keys; those that no extension knows are left out."""
    known: dict[Any, WorkingDays] = {}
    for extension in extensions.registered():
        known = {**extension.working_days(providers, first, last), **known}
    return known
