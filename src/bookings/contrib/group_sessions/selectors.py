"""Read sessions, their bookings and their waitlists."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from bookings.conf import app_settings
from bookings.contrib.group_sessions import date_ranges
from bookings.contrib.group_sessions.bookable_sessions import bookable_sessions
from bookings.contrib.group_sessions.business_hours import schedule_zone
from bookings.contrib.group_sessions.locked_session import saved_session
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.waitlist import saved_entry, without_precedence
from bookings.models import Booking, arguments
from bookings.protocols import ProviderLike
from bookings.rules import validation
from bookings.services import references
from bookings.services.client_details import known_client


def list_sessions(
    *,
    service: Any = None,
    provider: Any = None,
    tenant: Any = None,
    now_dt: datetime | None = None,
) -> QuerySet[Session]:
    """Return upcoming sessions, full ones included, soonest first, with their seats read along.

    :param service: only sessions of this service; ``None`` for all.
    :param provider: only sessions of this provider; ``None`` for all.
    :param tenant: whose sessions, with tenancy on; may be left out if the service or the provider
        belongs to a tenant.
    :param now_dt: the current time; ``None`` for the clock's.
    :returns: a queryset of sessions that have not started and are not cancelled.
    :raises InvalidBooking: ``now_dt`` is no aware datetime, or an object is not saved.
    :raises TenantMismatch: the tenant is not known, or service or provider belong to another.
    """
    sessions = Session.objects.upcoming(references.resolve_now(now_dt)).with_seats()
    if service is not None:
        arguments.saved_service(service)
    if provider is not None:
        arguments.saved_provider(provider)
    tenant_id = _resolve_tenant_id(tenant, service=service, provider=provider)
    filters = {"service": service, "provider": provider, "tenant": tenant_id}
    return sessions.filter(**{name: value for name, value in filters.items() if value is not None})


def available_sessions(
    provider: ProviderLike,
    date_from: date,
    date_to: date,
    *,
    service: Any = None,
    party_size: int = 1,
    tenant: Any = None,
    client_name: str = "",
    client_email: str = "",
    client_phone: str = "",
    client_user: Any = None,
    now_dt: datetime | None = None,
) -> dict[date, list[Session]]:
    """Return the sessions of a provider that can be booked, by day; six queries at most.

    A session can be booked if it is open, has not started, is within the service's booking window,
    has ``party_size`` free seats for which nobody waits in strict order, if the client has not
    booked it, and if neither the adapter nor a limit would refuse the booking.

    :param provider: whose sessions.
    :param date_from: the first day, in the zone of the provider's schedule; in the current time
        zone if there is no schedule.
    :param date_to: the last day, included; at most 400 days are listed.
    :param service: only sessions of this service; ``None`` for all.
    :param party_size: how many seats have to be free; 1 by default.
    :param tenant: whose sessions, with tenancy on; may be left out if the service or the provider
        belongs to a tenant.
    :param client_name: the client, as far as known: with a client, sessions that the client has
        booked, or that a limit on clients would refuse, are left out.
    :param client_email: the client's e-mail address.
    :param client_phone: the client's phone number.
    :param client_user: the client's user account.
    :param now_dt: the current time; ``None`` for the clock's.
    :returns: every day, also a day without sessions, with its sessions in order. Each session has
        the attribute ``available_capacity``, the number of its free seats.
    :raises InvalidSession: a date is no date (code ``invalid_date``), ``date_to`` lies before
        ``date_from`` (``range_reversed``), or these are more than 400 days (``range_too_long``).
    :raises InvalidBooking: an object is not saved, a date is out of range, or another argument is
        invalid.
    :raises TenantMismatch: the tenant is not known, or service or provider belong to another.
    """
    now = references.resolve_now(now_dt)
    arguments.saved_provider(provider)
    if service is not None:
        arguments.saved_service(service)
    validation.whole_number(party_size, "party_size", at_least=1)
    days = date_ranges.dates_in_range(date_from, date_to, ("date_from", "date_to"))
    tenant_id = _resolve_tenant_id(tenant, service=service, provider=provider)
    zone = schedule_zone(provider, tenant_id=tenant_id)
    by_day: dict[date, list[Session]] = {day: [] for day in days}
    begins, ends = date_ranges.range_bounds(date_from, date_to, zone)
    free = F("busy_interval__capacity") - F("busy_interval__seats_taken")
    sessions = Session.objects.with_seats().annotate(available_capacity=free)
    open_sessions = sessions.filter(
        provider=provider.pk,
        status=Session.Status.SCHEDULED,
        start_at__gt=now,
        start_at__gte=begins,
        start_at__lt=ends,
        available_capacity__gte=party_size,
    )
    if service is not None:
        open_sessions = open_sessions.filter(service=service)
    if tenant_id is not None:
        open_sessions = open_sessions.filter(tenant=tenant_id)
    client = known_client(client_name, client_email, client_phone, client_user)
    found = list(without_precedence(open_sessions).select_related("service"))
    for session in bookable_sessions(found, provider, party_size, client, now=now):
        day = session.start_at.astimezone(zone).date()
        # Where clocks go back at midnight, the day before the first one may come again.
        if day in by_day:
            by_day[day].append(session)
    return by_day


def _resolve_tenant_id(tenant: Any, **belongings: Any) -> Any:
    """Return the key of ``tenant``, else of the tenant that a belonging names.

    Without tenancy, return ``None``.
    """
    tenant_ids = [getattr(belonging, "tenant_id", None) for belonging in belongings.values()]
    implied = next((key for key in tenant_ids if key is not None), None)
    if tenant is None and app_settings.tenancy_enabled and implied is not None:
        references.check_same_tenant(implied, **belongings)
        return implied
    return references.resolve_tenant_id(tenant, **belongings)


def position(entry: WaitlistEntry) -> int | None:
    """Return the position of an entry in its waitlist.

    :param entry: the entry.
    :returns: 1 for the entry whose turn is next; ``None`` if the entry does not wait any more.
    :raises MissingReference: the entry is not saved, or has been deleted.
    """
    saved_entry(entry)
    up_to_entry = (
        Q(priority__gt=entry.priority)
        | Q(priority=entry.priority, joined_at__lt=entry.joined_at)
        | Q(priority=entry.priority, joined_at=entry.joined_at, pk__lte=entry.pk)
    )
    waiting = WaitlistEntry.objects.waiting().filter(session=entry.session_id)
    if not waiting.filter(pk=entry.pk).exists():
        return None
    return waiting.filter(up_to_entry).count()


def bookings_of(session: Session) -> QuerySet[Booking]:
    """Return the active bookings of a session.

    :param session: the session.
    :returns: a queryset of pending and confirmed bookings, in the order in which they were made.
    :raises MissingReference: the session is not saved, or has been deleted.
    """
    saved_session(session)
    return Booking.objects.active().filter(seat__session=session).order_by("pk")
