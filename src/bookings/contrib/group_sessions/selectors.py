"""What sessions there are, and where somebody stands in a waitlist; nothing here writes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from bookings import policies
from bookings.conf import app_settings
from bookings.contrib.group_sessions import dates
from bookings.contrib.group_sessions.business_hours import zone_of
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.models import Booking
from bookings.protocols import ProviderLike
from bookings.services import inputs


def list_sessions(
    *,
    service: Any = None,
    provider: Any = None,
    tenant: Any = None,
    now_dt: datetime | None = None,
) -> QuerySet[Session]:
    """Sessions that are still to come, soonest first, with their seats; full ones as well."""
    sessions = Session.objects.upcoming(inputs.moment(now_dt)).with_seats()
    wanted = {"service": service, "provider": provider, "tenant": tenant}
    return sessions.filter(**{name: value for name, value in wanted.items() if value is not None})


def available_sessions(
    provider: ProviderLike,
    date_from: date,
    date_to: date,
    *,
    service: Any = None,
    party_size: int = 1,
    tenant: Any = None,
    now_dt: datetime | None = None,
) -> dict[date, list[Session]]:
    """Every day from ``date_from`` to ``date_to``, both included, with its sessions that can be
    booked: open, not begun, and with ``party_size`` seats left.

    Each has ``available_capacity``, the seats that are free. Days are those of the zone of the
    provider's schedule, else of the current one. Three queries at most. With tenancy they are the
    sessions of ``tenant``, which may be left out where the service or the provider has one.

    Raises ``InvalidSession`` for dates that are none, reversed, or more than 400 days, and
    ``TenantMismatch`` where it is not known whose sessions are asked for.
    """
    now = inputs.moment(now_dt)
    policies.whole_number(party_size, "party_size", at_least=1)
    days = dates.days_between(date_from, date_to, ("date_from", "date_to"))
    tenant_id = _tenant_of(tenant, service=service, provider=provider)
    zone = zone_of(provider, tenant_id=tenant_id)
    by_day: dict[date, list[Session]] = {day: [] for day in days}
    first, after_last = dates.bounds(date_from, date_to, zone)
    free = F("busy_interval__capacity") - F("busy_interval__seats_taken")
    sessions = Session.objects.with_seats().annotate(available_capacity=free)
    bookable = sessions.filter(
        provider=provider.pk,
        status=Session.Status.SCHEDULED,
        start_at__gt=now,
        start_at__gte=first,
        start_at__lt=after_last,
        available_capacity__gte=party_size,
    )
    if service is not None:
        bookable = bookable.filter(service=service)
    for session in bookable if tenant_id is None else bookable.filter(tenant=tenant_id):
        day = session.start_at.astimezone(zone).date()
        # Where clocks are put back from after midnight, the day before goes on after it.
        if day in by_day:
            by_day[day].append(session)
    return by_day


def _tenant_of(tenant: Any, **belongings: Any) -> Any:
    """The key of the tenant, or of the first who is known to have one; ``None`` without tenancy."""
    keys = [getattr(belonging, "tenant_id", None) for belonging in belongings.values()]
    known = next((key for key in keys if key is not None), None)
    if tenant is None and app_settings.tenancy_enabled and known is not None:
        inputs.same_tenant(known, **belongings)
        return known
    return inputs.tenant_id(tenant, **belongings)


def position(entry: WaitlistEntry) -> int | None:
    """The place in the queue, from 1; ``None`` for who does not wait any more."""
    ahead = (
        Q(priority__gt=entry.priority)
        | Q(priority=entry.priority, joined_at__lt=entry.joined_at)
        | Q(priority=entry.priority, joined_at=entry.joined_at, pk__lte=entry.pk)
    )
    waiting = WaitlistEntry.objects.waiting().filter(session=entry.session_id)
    if not waiting.filter(pk=entry.pk).exists():
        return None
    return waiting.filter(ahead).count()


def bookings_of(session: Session) -> QuerySet[Booking]:
    """Who comes: the session's active bookings, in the order in which they were made."""
    return Booking.objects.active().filter(seat__session=session).order_by("pk")
