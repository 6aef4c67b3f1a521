"""Publish a session of a service with a provider."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import router

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.contrib.group_sessions import session_resources, signals
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_rules import (
    check_not_past,
    check_offer_has_waitlist,
    check_publishable,
    session_claim,
    validate_session,
)
from bookings.ledger import entries, locks
from bookings.ledger.transactions import atomic_with_retry, send_on_commit
from bookings.models import Booking, BookingResource
from bookings.models.read_alias import reading_from
from bookings.pools import AnyOf
from bookings.protocols import ProviderLike, ServiceLike
from bookings.rules import instants, prices, service_rules
from bookings.services import references
from bookings.services.lapsed_holds import retry_without_lapsed_holds
from bookings.services.provider_choice import with_any_provider
from bookings.services.resource_choice import ResourceChoice, with_resources
from bookings.services.resource_needs import parse_resources


def create_session(
    *,
    service: ServiceLike,
    provider: ProviderLike | AnyOf,
    start_at: datetime,
    end_at: datetime | None = None,
    capacity: int = 10,
    resources: Iterable[ProviderLike | AnyOf] | None = None,
    title: str = "",
    price_amount: Decimal | None = None,
    location: str = "",
    meeting_link: str = "",
    enable_waitlist: bool = False,
    waitlist_offer_minutes: int | None = None,
    tenant: Any = None,
    created_by: Any = None,
    now_dt: datetime | None = None,
    allow_past: bool | None = None,
    override_policy: bool = False,
) -> Session:
    """Publish a session.

    The session takes the provider's time, with the buffers that the service has now: no other
    booking or session can take it. It takes the time of its resources too, such as its room.

    :param service: the service.
    :param provider: the provider, or :class:`~bookings.pools.AnyOf` several: the first of them who
        can.
    :param start_at: when the session starts, as an aware datetime.
    :param end_at: when it ends; ``None`` for the service's duration after the start.
    :param capacity: the number of seats; 10 by default.
    :param resources: further providers whose time the session takes, each a saved instance or
        :class:`~bookings.pools.AnyOf` several; what the adapter's ``resources()`` names is taken in
        any case. It is asked about a draft of a booking without a client.
    :param title: a name for clients; without one, the session is shown as its service.
    :param price_amount: the price of a seat; ``None`` for the service's price. A service that is
        priced by the hour is then priced by the session's length.
    :param location: where it takes place, as text.
    :param meeting_link: an ``http`` or ``https`` URL.
    :param enable_waitlist: whether clients may join a waitlist once it is full.
    :param waitlist_offer_minutes: for how many minutes freed seats are held for a waiting client,
        who has to confirm; ``None`` to book them at once.
    :param tenant: the tenant, with tenancy on.
    :param created_by: the user who publishes it; ``None`` for nobody.
    :param now_dt: the current time; ``None`` for the clock's.
    :param allow_past: whether it may start in the past; ``None`` for the setting
        ``BOOKINGS_ALLOW_PAST_START``.
    :param override_policy: staff only: lifts that service and provider have to be active, and that
        the provider has to offer the service.
    :returns: the session, SCHEDULED.
    :raises InvalidSession: it does not end after its start (code ``ends_before_start``), or seats
        are offered without a waitlist (``offer_without_waitlist``).
    :raises InvalidBooking: another value is invalid.
    :raises NotAllowed: the service or provider is not active, or the service has no group sessions
        (code ``booking_type``).
    :raises ProviderNotOffered: the provider does not offer the service.
    :raises PastStart: the start has passed.
    :raises TenantMismatch: service or provider belong to another tenant, or the tenant is missing.
    :raises MissingReference: the provider or service has been deleted.
    :raises BookingConflict: the provider's time is taken.
    :raises ResourceTaken: the time of a resource is taken.
    :raises PoolExhausted: no provider of a pool can take the session.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    now = references.resolve_now(now_dt)
    using = router.db_for_write(Session)
    requested = parse_resources(resources)
    draft = partial(
        new_session,
        service=service,
        start_at=start_at,
        end_at=end_at,
        capacity=capacity,
        title=title,
        price_amount=price_amount,
        location=location,
        meeting_link=meeting_link,
        enable_waitlist=enable_waitlist,
        waitlist_offer_minutes=waitlist_offer_minutes,
        tenant=tenant,
        created_by=created_by,
        now=now,
    )

    def publish(one: Any, *, takes_turns: bool = False) -> Session:
        session, rules = draft(provider=one)
        check_new_session(session, rules)
        check_not_past(session, now, allow_past)
        with reading_from(using):
            check_publishable(service, one, override_policy=override_policy)
        choice = session_resources.choice_of_new(
            session, requested, now=now, using=using, override_policy=override_policy
        )
        return _store(session, choice, now=now, using=using, takes_turns=takes_turns)

    if not isinstance(provider, AnyOf):
        return publish(provider)
    # All of them, so that what is no provider is refused before one is asked.
    providers = references.saved_providers(provider)
    window = None
    if end_at is not None or not service_rules.is_by_days(service):
        # Otherwise each ends by the clocks of its provider. Each has buffers of its own.
        first, rules = draft(provider=providers[0])
        check_new_session(first, rules)
        window = instants.busy_bounds(first.start_at, first.end_at, 0, 0)
    return with_any_provider(
        provider,
        Booking(
            service=references.saved_instance(service, "SERVICE_MODEL", "service"),
            tenant_id=references.resolve_tenant_id_of_pool(
                tenant, service=service, providers=providers
            ),
            start_at=instants.aware_utc(start_at, "start_at"),
        ),
        partial(publish, takes_turns=provider.takes_turns),
        window=window,
        now=now,
        using=using,
        override_policy=override_policy,
    )


def _store(
    session: Session, choice: ResourceChoice, *, now: datetime, using: str, takes_turns: bool
) -> Session:
    claim = session_claim(session)

    def write(chosen: list[BookingResource]) -> Session:
        session.pk, session._state.adding = None, True
        providers = {session.provider_id, *(each.provider_id for each in chosen)}
        calendars = locks.lock_calendars(providers, using=using)
        calendar_id = calendars[session.provider_id]
        session.busy_interval_id = entries.add(calendar_id, claim, using=using)
        session.resource_count = len(chosen)
        session.save_row(using=using)
        session_resources.take(session, chosen, calendars, now=now, using=using)
        locks.mark_chosen([calendar_id] if takes_turns else [], now=now, using=using)
        send_on_commit(signals.session_created, Session, using=using, session=session)
        return session

    return retry_without_lapsed_holds(
        lambda: with_resources(
            choice, lambda chosen: atomic_with_retry(partial(write, chosen), using=using)
        ),
        session.provider_id,
        choice.bounds(),
        now=now,
        using=using,
        resource_ids=choice.candidates,
    )


def new_session(
    *,
    service: Any,
    provider: Any,
    start_at: datetime,
    end_at: datetime | None,
    tenant: Any,
    created_by: Any,
    now: datetime,
    capacity: int = 10,
    title: str = "",
    price_amount: Decimal | None = None,
    location: str = "",
    meeting_link: str = "",
    enable_waitlist: bool = False,
    waitlist_offer_minutes: int | None = None,
) -> tuple[Session, service_rules.ServiceRules]:
    """Return an unsaved session with these arguments of :func:`create_session`, and the rules of
    its service.
    """
    saved_service = references.saved_instance(service, "SERVICE_MODEL", "service")
    saved_provider = references.saved_instance(provider, "PROVIDER_MODEL", "provider")
    rules = service_rules.ServiceRules.of(
        service, default_currency=app_settings.DEFAULT_CURRENCY
    ).for_provider(provider)
    start_at = instants.aware_utc(start_at, "start_at")
    tenant_id = references.resolve_tenant_id(tenant, service=service, provider=provider)

    def zone() -> tzinfo:
        draft = Booking(service=saved_service, provider=saved_provider, tenant_id=tenant_id)
        return get_adapter().time_zone(draft)

    session = Session(
        tenant_id=tenant_id,
        service=saved_service,
        provider=saved_provider,
        title=title,
        start_at=start_at,
        end_at=(
            service_rules.end_of(start_at, rules.length, zone)
            if end_at is None
            else instants.aware_utc(end_at, "end_at")
        ),
        buffer_before_minutes=rules.buffer_before_minutes,
        buffer_after_minutes=rules.buffer_after_minutes,
        capacity=capacity,
        price_amount=price_amount,
        location=location,
        meeting_link=meeting_link,
        enable_waitlist=bool(enable_waitlist),
        waitlist_offer_minutes=waitlist_offer_minutes,
        created_by=references.saved_user(created_by, "created_by"),
        created_at=now,
    )
    return session, rules


def check_new_session(session: Session, rules: service_rules.ServiceRules) -> None:
    """Raise ``InvalidBooking`` for values that no session may have, whatever its start."""
    validate_session(session)
    check_offer_has_waitlist(session)
    prices.check_payable(session.price_amount, rules.currency, "price_amount")
