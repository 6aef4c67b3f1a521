"""Create: a new booking of a service with a provider."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import router

from bookings import policies
from bookings.models import Booking
from bookings.protocols import ProviderLike, ServiceLike
from bookings.services import inputs
from bookings.services.book import book


def create_booking(
    *,
    service: ServiceLike,
    provider: ProviderLike,
    start_at: datetime,
    client_name: str,
    client_email: str = "",
    client_phone: str = "",
    client_user: Any = None,
    addon_ids: Iterable[Any] | None = None,
    party_size: int = 1,
    created_by: Any = None,
    tenant: Any = None,
    now_dt: datetime | None = None,
    notes_client: str = "",
    notes_internal: str = "",
    metadata: dict[str, Any] | None = None,
    idempotency_key: str | None = "",
    expires_at: datetime | None = None,
    allow_past: bool | None = None,
    skip_slot_validation: bool = False,
    override_policy: bool = False,
) -> Booking:
    """Book ``service`` with ``provider`` from ``start_at``; CONFIRMED, or PENDING if it needs
    approval.

    It ends ``service.duration_minutes`` and the add-ons' ``extra_duration_minutes`` later, in
    elapsed time. ``expires_at`` makes it a hold: PENDING, and free again at that instant unless
    confirmed. The same ``idempotency_key`` (per tenant) gives the same booking again, however often
    it is sent.

    Staff may lift rules: ``allow_past``, ``skip_slot_validation`` and ``override_policy`` (the
    window of booking, inactive services, and limits). Nothing lifts the guarantee that the time is
    free.

    Raises ``InvalidBooking``, ``MissingReference``, ``TenantMismatch``, ``PastStart``,
    ``NoticeWindow``, ``TooFarAhead``, ``SlotUnavailable``, ``DuplicateBooking``, ``LimitReached``,
    ``CapacityExceeded``, ``BookingConflict`` or ``BookingBusy``, all
    :class:`~bookings.exceptions.BookingError`.
    """
    now = inputs.moment(now_dt)
    using = router.db_for_write(Booking)
    if idempotency_key is not None:
        inputs.text("idempotency_key", idempotency_key)
    booking = Booking(
        service=inputs.stored(service, "SERVICE_MODEL", "service"),
        provider=inputs.stored(provider, "PROVIDER_MODEL", "provider"),
        tenant_id=inputs.tenant_id(tenant, service=service, provider=provider),
        start_at=policies.instant(start_at, "start_at"),
        expires_at=None if expires_at is None else policies.instant(expires_at, "expires_at"),
        party_size=party_size,
        capacity_consumed=party_size,
        client_name=client_name,
        client_email=client_email,
        client_phone=client_phone,
        client_user=inputs.user(client_user, "client_user"),
        created_by=inputs.user(created_by, "created_by"),
        notes_client=notes_client,
        notes_internal=notes_internal,
        metadata={} if metadata is None else metadata,
        idempotency_key=idempotency_key or None,
        created_at=now,
    )
    return book(
        booking,
        addon_ids=addon_ids,
        now=now,
        using=using,
        allow_past=allow_past,
        skip_slot_validation=skip_slot_validation,
        override_policy=override_policy,
    )
