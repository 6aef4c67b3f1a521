"""Overdue: over for longer than its grace, and nobody has said what became of it.

A pending or confirmed booking is overdue once its grace has passed since its end, and since it was
made and last confirmed, if that was later. This module is the one place that knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.apps import apps
from django.db import DatabaseError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings import policies, working_days
from bookings.adapters import get_adapter
from bookings.conf import PREFIX, app_settings
from bookings.constraints import MAX_SECOND
from bookings.exceptions import InvalidBooking
from bookings.querysets import BookingQuerySet

COLUMNS: Final = ("service_id", "provider_id", "end_at", "created_at", "confirmed_at")
"""What of a booking decides whether it is overdue."""

LONGEST_CLOSED: Final = timedelta(days=366)
"""How much longer a grace lasts at most because of days without work."""

LAST_END: Final = policies.EPOCH + timedelta(seconds=MAX_SECOND)

Pair = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What is overdue at one instant."""

    now: datetime
    by_pair: Mapping[Pair, datetime]
    """By the keys of service and provider: what has not changed since then is overdue."""
    refusals: Collection[InvalidBooking]
    """Of which services the bookings are left alone, because their grace is not to be had."""

    def is_overdue(
        self,
        service_id: Any,
        provider_id: Any,
        end_at: datetime,
        created_at: datetime,
        confirmed_at: datetime | None,
    ) -> bool:
        """Whether an active booking with these values is."""
        deadline = self.by_pair.get((service_id, provider_id))
        return deadline is not None and max(end_at, created_at, confirmed_at or end_at) <= deadline

    def narrow(self, bookings: BookingQuerySet) -> BookingQuerySet:
        """All that are overdue, and few others: what the database can say by itself."""
        latest = max(self.by_pair.values(), default=None)
        if latest is None:
            return bookings.none()
        quiet = bookings.active().filter(
            Q(confirmed_at__isnull=True) | Q(confirmed_at__lte=latest),
            end_at__lte=latest,
            created_at__lte=latest,
        )
        # A hold that has run out is no booking that anybody has to answer for.
        return quiet.exclude(status=bookings.model.Status.PENDING, expires_at__lte=self.now)


def deadlines(bookings: BookingQuerySet, now: datetime, *, using: str) -> Deadlines:
    """The deadlines of all services and providers of these bookings, in a few queries."""
    if not app_settings.AUTO_CANCEL_ENABLED:
        return Deadlines(now, {}, ())
    over = bookings.using(using).active().filter(end_at__lte=now).order_by()
    return deadlines_of(over.values_list("service_id", "provider_id").distinct(), now, using=using)


def deadlines_of(pairs: Iterable[Pair], now: datetime, *, using: str) -> Deadlines:
    """The deadlines of these services and providers; none where automatic cancellation is off."""
    wanted = list(pairs)
    if not wanted or not app_settings.AUTO_CANCEL_ENABLED or now < policies.EPOCH:
        return Deadlines(now, {}, ())
    services = _load("SERVICE_MODEL", {service_id for service_id, _provider_id in wanted}, using)
    providers = _load("PROVIDER_MODEL", {provider_id for _service_id, provider_id in wanted}, using)
    hours: dict[Pair, int] = {}
    refusals: dict[tuple[Any, str], InvalidBooking] = {}
    for pair in wanted:
        if pair[0] not in services or pair[1] not in providers:
            # Deleted meanwhile, and its bookings before it.
            continue
        service = services[pair[0]]
        try:
            hours[pair] = _grace(service, providers[pair[1]])
        except DatabaseError:
            raise
        # A host's adapter can fail in any way, and the bookings of other services have to end.
        except Exception as error:  # noqa: BLE001
            said = " ".join(getattr(error, "messages", ())) or repr(error)
            refusals[pair[0], said] = InvalidBooking(
                _("Bookings of %(service)s cannot be cancelled automatically: %(error)s"),
                "invalid_grace",
                params={"service": str(service), "error": said},
            )
    return Deadlines(now, _earlier(hours, providers, now), list(refusals.values()))


def _load(setting: str, keys: Collection[Any], using: str) -> dict[Any, Any]:
    model: Any = apps.get_model(getattr(app_settings, setting))
    return model._base_manager.using(using).in_bulk(keys)  # type: ignore[no-any-return]


def _grace(service: Any, provider: Any) -> int:
    hours: Any = get_adapter().auto_cancel_grace_hours(service, provider)
    name = "auto_cancel_grace_hours"
    if hours is None:
        hours, name = app_settings.AUTO_CANCEL_GRACE_HOURS, f"{PREFIX}AUTO_CANCEL_GRACE_HOURS"
    return policies.whole_number(hours, name, at_least=0, at_most=policies.MAX_HOURS)


def _earlier(
    hours: Mapping[Pair, int], providers: Mapping[Any, Any], now: datetime
) -> dict[Pair, datetime]:
    if not hours or not app_settings.AUTO_CANCEL_BUSINESS_DAYS:
        return {pair: now - timedelta(hours=grace) for pair, grace in hours.items()}
    longest = timedelta(hours=max(hours.values())) + LONGEST_CLOSED
    # By then every booking that can be stored is over, and no calendar ends before it.
    now = min(now, LAST_END + longest)
    since = (now - longest).date()
    whose = {provider_id: providers[provider_id] for _service_id, provider_id in hours}
    # One more on either side, for in its own zone it may be another day.
    told = working_days.of(
        whose.values(), since - working_days.ONE_DAY, now.date() + working_days.ONE_DAY
    )
    return {
        (service_id, provider_id): working_days.hours_before(
            now, grace, told.get(provider_id), since=since
        )
        for (service_id, provider_id), grace in hours.items()
    }
