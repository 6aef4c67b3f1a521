"""Fill the business hours of a provider with sessions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import router

from bookings.conf import app_settings
from bookings.contrib.group_sessions.business_hours import SlotGrid, load_opening_hours
from bookings.contrib.group_sessions.date_ranges import check_date_range
from bookings.contrib.group_sessions.generated_sessions import (
    Generated,
    Progress,
    SessionGenerator,
)
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_rules import check_publishable
from bookings.models.read_alias import reading_from
from bookings.protocols import ProviderLike, ServiceLike
from bookings.rules import instants, prices, service_rules, validation
from bookings.rules.service_rules import ServiceRules
from bookings.services import references

MIN_SLOT_MINUTES: Final = 15
MAX_SLOT_MINUTES: Final = 480


def generate_sessions(
    *,
    provider: ProviderLike,
    service: ServiceLike,
    start_date: date,
    end_date: date,
    slot_duration_minutes: int,
    capacity: int,
    title: str = "",
    price_amount: Decimal | None = None,
    location: str = "",
    meeting_link: str = "",
    enable_waitlist: bool = False,
    waitlist_offer_minutes: int | None = None,
    tenant: Any = None,
    created_by: Any = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Generated:
    """Publish a session in every slot of a provider's business hours.

    Slots follow one another from the beginning of each shift, with the service's buffers between
    them, as long as another one fits in. Slots that have started are left out; closures, public
    holidays and date overrides count.

    Each session takes the resources that the service needs, such as a room; of a pool, any one.

    A slot that has its session already is left as it is, also if staff have cancelled or moved that
    session: the function can run at any time, again, and in several places at once. A slot whose
    time is taken is reported as a conflict, and does not keep the others from being filled.

    Sessions are stored in chunks of 500 slots, each in a transaction of its own; inside a
    transaction of yours, all or nothing is stored. ``bookings.contrib.schedule`` has to be
    installed.

    :param provider: the provider, who needs a schedule.
    :param service: the service.
    :param start_date: the first day on which shifts begin, in the zone of the schedule.
    :param end_date: the last such day, included; at most 90 days ahead.
    :param slot_duration_minutes: the length of a session in minutes of elapsed time, 15 to 480.
    :param capacity: the number of seats of each session.
    :param title: a name for clients; without one, the sessions are shown as their service.
    :param price_amount: the price of a seat; ``None`` for the service's price. A service that is
        priced by the hour is then priced by the length of the slot.
    :param location: where it takes place, as text.
    :param meeting_link: an ``http`` or ``https`` URL.
    :param enable_waitlist: whether clients may join a waitlist once a session is full.
    :param waitlist_offer_minutes: for how many minutes freed seats are held for a waiting client,
        who has to confirm; ``None`` to book them at once.
    :param tenant: the tenant, with tenancy on.
    :param created_by: the user who publishes them; ``None`` for nobody.
    :param now_dt: the current time; ``None`` for the clock's.
    :param override_policy: staff only: lifts that service and provider have to be active, and that
        the provider has to offer the service.
    :param dry_run: count, and write nothing. A hold that has expired, but still is PENDING, is then
        a conflict.
    :param progress: called after each chunk with the number of slots so far.
    :returns: how many sessions were created, how many existed, and the conflicts.
    :raises InvalidSession: a date is no date (code ``invalid_date``), ``end_date`` lies before
        ``start_date`` (``range_reversed``) or more than 90 days ahead (``too_far_ahead``), or seats
        are offered without a waitlist (``offer_without_waitlist``).
    :raises InvalidBooking: another value is invalid.
    :raises NotAllowed: the service or provider is not active, the service has no group sessions
        (code ``booking_type``), or ``bookings.contrib.schedule`` is not installed
        (``schedule_not_installed``).
    :raises ProviderNotOffered: the provider does not offer the service.
    :raises SlotUnavailable: the provider has no schedule (code ``no_schedule``).
    :raises TenantMismatch: service or provider belong to another tenant, or the tenant is missing.
    :raises MissingReference: the provider or service has been deleted.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    now = references.resolve_now(now_dt)
    validation.optional_callable(progress, "progress")
    saved_service = references.saved_instance(service, "SERVICE_MODEL", "service")
    saved_provider = references.saved_instance(provider, "PROVIDER_MODEL", "provider")
    rules = ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY).for_provider(
        provider
    )
    validation.whole_number(
        slot_duration_minutes,
        "slot_duration_minutes",
        at_least=MIN_SLOT_MINUTES,
        at_most=MAX_SLOT_MINUTES,
    )
    check_date_range(start_date, end_date, ("start_date", "end_date"))
    template = Session(
        tenant_id=references.resolve_tenant_id(tenant, service=service, provider=provider),
        service=saved_service,
        provider=saved_provider,
        title=title,
        buffer_before_minutes=rules.buffer_before_minutes,
        buffer_after_minutes=rules.buffer_after_minutes,
        capacity=capacity,
        price_amount=_seat_price(price_amount, rules, timedelta(minutes=slot_duration_minutes)),
        location=location,
        meeting_link=meeting_link,
        enable_waitlist=bool(enable_waitlist),
        waitlist_offer_minutes=waitlist_offer_minutes,
        created_by=references.saved_user(created_by, "created_by"),
        created_at=now,
    )
    generator = SessionGenerator(
        template,
        length=60 * slot_duration_minutes,
        using=router.db_for_write(Session),
        now=now,
        dry_run=dry_run,
        override_policy=override_policy,
    )
    generator.check_template()
    prices.check_payable(template.price_amount, rules.currency, "price_amount")
    with reading_from(generator.using):
        check_publishable(service, provider, override_policy=override_policy)
        hours, first_date, last_date = load_opening_hours(
            provider, start_date, end_date, tenant_id=template.tenant_id, now=now
        )
    grid = SlotGrid(
        hours=hours,
        first_date=first_date,
        last_date=last_date,
        length=generator.length,
        step=generator.length + 60 * (rules.buffer_before_minutes + rules.buffer_after_minutes),
        not_before=instants.ceil_second(now),
    )
    return generator.publish(grid.starts(), progress or (lambda _slots: None))


def _seat_price(given: Decimal | None, rules: ServiceRules, length: timedelta) -> Decimal | None:
    if given is not None or rules.pricing_type not in service_rules.PRICES_BY_LENGTH:
        return given
    # No session is as long as a day, so that the zone makes no difference.
    return rules.price_of(instants.EPOCH, instants.EPOCH + length, lambda: UTC)
