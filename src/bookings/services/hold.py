"""Hold: keep time for a client who is still choosing, filling in or paying."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bookings import policies
from bookings.models import Booking
from bookings.protocols import ProviderLike, ServiceLike
from bookings.services import inputs
from bookings.services.create import create_booking
from bookings.services.extend import length


def hold_booking(
    *,
    service: ServiceLike,
    provider: ProviderLike,
    start_at: datetime,
    hold_minutes: int | None = None,
    client_name: str = "",
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
    allow_past: bool | None = None,
    skip_slot_validation: bool = False,
    override_policy: bool = False,
) -> Booking:
    """Keep time for ``hold_minutes``, by default ``BOOKINGS_HOLD_MINUTES``; PENDING until then.

    It takes the time as any booking does, and gives it back when it runs out, at its start at the
    latest. Who the client is may be said when it is submitted or confirmed. All other arguments,
    and the errors, are those of :func:`create_booking`.
    """
    now = inputs.moment(now_dt)
    start_at = policies.instant(start_at, "start_at")
    expires_at = policies.elapsed_end(now, length(hold_minutes, "hold_minutes"))
    return create_booking(
        service=service,
        provider=provider,
        start_at=start_at,
        client_name=client_name,
        client_email=client_email,
        client_phone=client_phone,
        client_user=client_user,
        addon_ids=addon_ids,
        party_size=party_size,
        created_by=created_by,
        tenant=tenant,
        now_dt=now,
        notes_client=notes_client,
        notes_internal=notes_internal,
        metadata=metadata,
        idempotency_key=idempotency_key,
        expires_at=expires_at if start_at <= now else min(expires_at, start_at),
        allow_past=allow_past,
        skip_slot_validation=skip_slot_validation,
        override_policy=override_policy,
    )
