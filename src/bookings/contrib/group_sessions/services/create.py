"""Create: a new session of a service with a provider."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import router

from bookings import ledger, locks, policies, prices
from bookings.conf import app_settings
from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.rules import (
    check_offer,
    check_offered,
    check_session,
    check_start,
    claim_of,
)
from bookings.protocols import ProviderLike, ServiceLike
from bookings.services import inputs
from bookings.services.expire import past_stale_holds
from bookings.transactions import atomically


def create_session(
    *,
    service: ServiceLike,
    provider: ProviderLike,
    start_at: datetime,
    end_at: datetime | None = None,
    capacity: int = 10,
    title: str = "",
    price_amount: Decimal | None = None,
    meeting_link: str = "",
    enable_waitlist: bool = False,
    waitlist_offer_minutes: int | None = None,
    tenant: Any = None,
    created_by: Any = None,
    now_dt: datetime | None = None,
    allow_past: bool | None = None,
    override_policy: bool = False,
) -> Session:
    """Publish a session with ``capacity`` seats; it ends after the service's duration if
    ``end_at`` is not given.

    Its time, with the service's buffers of now, is the provider's time: nothing else can be booked
    in it. A seat costs ``price_amount``, else what the service costs, by the hour for the session's
    length. Whoever waits is booked when seats are freed, or with ``waitlist_offer_minutes`` has
    them held for so long. ``override_policy`` (staff) lifts that service and provider be active.

    Raises ``InvalidSession``, ``InvalidBooking``, ``NotAllowed`` for a service or provider that is
    not active and for a service that takes no group sessions, ``PastStart``, ``TenantMismatch``,
    ``BookingConflict`` or ``BookingBusy``.
    """
    now = inputs.moment(now_dt)
    using = router.db_for_write(Session)
    sold = inputs.stored(service, "SERVICE_MODEL", "service")
    teacher = inputs.stored(provider, "PROVIDER_MODEL", "provider")
    rules = policies.ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY)
    start_at = policies.instant(start_at, "start_at")
    length = timedelta(minutes=rules.duration_minutes)
    session = Session(
        tenant_id=inputs.tenant_id(tenant, service=service, provider=provider),
        service=sold,
        provider=teacher,
        title=title,
        start_at=start_at,
        end_at=(
            policies.elapsed_end(start_at, length)
            if end_at is None
            else policies.instant(end_at, "end_at")
        ),
        buffer_before_minutes=rules.buffer_before_minutes,
        buffer_after_minutes=rules.buffer_after_minutes,
        capacity=capacity,
        price_amount=price_amount,
        meeting_link=meeting_link,
        enable_waitlist=bool(enable_waitlist),
        waitlist_offer_minutes=waitlist_offer_minutes,
        created_by=inputs.user(created_by, "created_by"),
        created_at=now,
    )
    check_session(session)
    check_offer(session)
    prices.check_payable(session.price_amount, rules.currency, "price_amount")
    check_start(session, now, allow_past)
    check_offered(service, provider, override_policy=override_policy)
    claim = claim_of(session)

    def write() -> Session:
        session.pk, session._state.adding = None, True
        calendar_id = locks.lock_calendar(session.provider_id, using=using)
        session.busy_interval_id = ledger.take(calendar_id, claim, using=using)
        session.save_row(using=using)
        signals.announce(signals.session_created, Session, using=using, session=session)
        return session

    return past_stale_holds(
        lambda: atomically(write, using=using),
        session.provider_id,
        claim.window,
        now=now,
        using=using,
    )
