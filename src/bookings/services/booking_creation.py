"""Store a new booking, for :func:`~bookings.services.create_booking` and for sessions.

The rules are checked first, without a lock. A short transaction then claims the time, or takes the
seats of a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from copy import copy
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings import slots, terms
from bookings.adapters import DefaultBookingAdapter, get_adapter
from bookings.conf import app_settings
from bookings.exceptions import BookingError, InvalidBooking, PoolExhausted, SlotUnavailable
from bookings.ledger import claims, entries, locks, postgres, resource_claims
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Booking, BookingAddon, BookingEvent, BookingResource
from bookings.models.bulk_rows import copy_row
from bookings.models.read_alias import reading_from
from bookings.pools import AnyOf
from bookings.rules import instants
from bookings.rules.service_rules import ServiceRules, is_by_days
from bookings.services.addons import load_addons, parse_addon_ids
from bookings.services.day_zones import DayZones
from bookings.services.duplicates import check_duplicate
from bookings.services.history import after_events, save_event, send_signal_on_commit, to_json
from bookings.services.idempotency import (
    check_key_is_unique,
    find_replay,
    key_reused_error,
    request_data,
)
from bookings.services.lapsed_holds import retry_without_lapsed_holds
from bookings.services.new_booking import CheckCache, NewBooking, SessionTime
from bookings.services.pool_refusals import find_refusals
from bookings.services.provider_choice import with_any_provider
from bookings.services.resource_choice import ResourceChoice, with_resources
from bookings.services.resource_needs import KnownResources, needs_with_provider


def save_new_booking(
    booking: Booking,
    *,
    addon_ids: Iterable[Any] | None,
    now: datetime,
    using: str,
    allow_past: bool | None = None,
    skip_slot_validation: bool = False,
    override_policy: bool = False,
    session_time: SessionTime | None = None,
) -> Booking:
    """Store a draft that has its service, provider, start and client.

    The arguments are those of :func:`~bookings.services.create_booking`. If a booking with the
    draft's idempotency key is stored, return that one instead.
    """
    # An iterator can be read once.
    addon_ids = parse_addon_ids(addon_ids)
    session_key = None if session_time is None else session_time.key
    request = request_data(booking, addon_ids, session_key=session_key)
    replay = partial(find_replay, booking, request, now=now, using=using)
    if replayed := replay():
        return replayed

    addons = load_addons(
        addon_ids, service=booking.service, tenant_key=booking.tenant_id, using=using
    )
    new = check_new_booking(
        booking,
        addons,
        session_time,
        now=now,
        using=using,
        allow_past=allow_past,
        override_policy=override_policy,
    )
    if session_time is None and not skip_slot_validation:
        try:
            slots.validate_start(booking, now_dt=now, override_policy=override_policy)
        except BookingError:
            # Another call with the same key may have taken the time meanwhile.
            if replayed := replay():
                return replayed
            raise

    event_data = skipped_validation_data(skip_slot_validation) | request
    return store_new_booking(
        new,
        event_data,
        now=now,
        using=using,
        ignores_hours=skip_slot_validation,
        replay=replay,
    )


def save_with_any_provider(
    pool: AnyOf,
    draft: Booking,
    save: Callable[[Booking], Booking],
    addon_ids: list[Any],
    *,
    now: datetime,
    using: str,
    override_policy: bool,
) -> Booking:
    """Store a draft with the first provider of the pool that can take it.

    ``save`` is :func:`save_new_booking` with its other arguments.
    """
    draft.requested_provider = pool
    request = request_data(draft, addon_ids)
    replay = partial(find_replay, draft, request, now=now, using=using)
    if replayed := replay():
        return replayed

    def save_with(provider: Any) -> Booking:
        return save(_with_provider(draft, provider))

    def find_refusals_of_new(providers: Sequence[Any]) -> dict[Any, BookingError]:
        addons = load_addons(
            addon_ids, service=draft.service, tenant_key=draft.tenant_id, using=using
        )
        choices = []
        resources, zones = KnownResources(), DayZones()
        bookings = [_with_provider(draft, provider) for provider in providers]
        if is_by_days(draft.service):
            zones.load(bookings)
        for booking in bookings:
            # An attempt tells what is wrong with an attribute of the provider.
            with suppress(InvalidBooking, SlotUnavailable):
                new = NewBooking(booking, addons, override_policy=override_policy)
                new.apply_length(zones)
                choices.append(
                    ResourceChoice(
                        booking,
                        needs_with_provider(booking, resources),
                        claims.Claim.of(booking, new.rules),
                        now=now,
                        using=using,
                        override_policy=override_policy,
                    )
                )
        return find_refusals(choices)

    try:
        return with_any_provider(
            pool,
            draft,
            save_with,
            window=_shortest_window(draft, override_policy=override_policy),
            now=now,
            using=using,
            override_policy=override_policy,
            find_refusals=find_refusals_of_new,
        )
    except PoolExhausted:
        # Another call with the same key may have taken the time meanwhile.
        if replayed := replay():
            return replayed
        raise


def _with_provider(draft: Booking, provider: Any) -> Booking:
    booking = copy(draft)
    booking.provider = provider
    return booking


def _shortest_window(draft: Booking, *, override_policy: bool) -> tuple[int, int] | None:
    """Return the time that a draft needs at least.

    ``None`` if it may share that with others, or if it depends on the zone of the provider.
    """
    rules = ServiceRules.of(draft.service, default_currency=app_settings.DEFAULT_CURRENCY)
    if rules.has_seats:
        return None
    rules = rules.of_length(draft.requested_minutes, draft.requested_days, override=override_policy)
    if rules.by_days is not None:
        return None
    end_at = instants.add_elapsed(draft.start_at, timedelta(minutes=rules.duration_minutes))
    return instants.busy_bounds(draft.start_at, end_at, 0, 0)


def check_new_booking(
    booking: Booking,
    addons: Sequence[Any] = (),
    session_time: SessionTime | None = None,
    *,
    now: datetime,
    using: str,
    allow_past: bool | None = None,
    override_policy: bool = False,
) -> NewBooking:
    """Set the rules, the price and the terms on a draft, and check what can be told without a lock.

    It asks the adapter and the extensions, and not the slot engine.
    """
    new = NewBooking(booking, addons, session_time, override_policy=override_policy)
    cache = CheckCache()
    with reading_from(using):
        new.apply_rules(now, cache.zones)
        booking.terms = terms.collect(booking, using=using)
        new.check(now, cache=cache, allow_past=allow_past)
    return new


def store_new_booking(
    new: NewBooking,
    event_data: dict[str, Any],
    *,
    now: datetime,
    using: str,
    ignores_hours: bool = False,
    replay: Callable[..., Booking | None] = lambda **_options: None,
) -> Booking:
    """Lock the calendars, check what only the lock tells, and store a booking that was checked.

    ``event_data`` is added to the data of the CREATED event. With ``ignores_hours``, its resources
    may be closed. If ``replay`` finds the booking of an
    earlier call under the lock, return that one instead.
    """
    booking, session_time = new.booking, new.session_time
    claim, limit_check = new.claim, new.limit_check
    pool = booking.requested_provider
    takes_turns = pool is not None and pool.takes_turns
    choice = ResourceChoice(
        booking,
        new.needs,
        claim,
        now=now,
        using=using,
        ignores_hours=ignores_hours,
        override_policy=new.override_policy,
    )

    def write(resources: list[BookingResource]) -> Booking:
        providers = {booking.provider_id, *(resource.provider_id for resource in resources)}
        calendars = locks.lock_calendars(providers, using=using)
        if replayed := replay(lock=True):
            return replayed
        limit_check.lock(now=now, using=using)
        get_adapter().check_permission(booking.created_by, "create", booking)
        check_duplicate(booking, now=now, using=using)
        limit_check.check(booking, now=now, using=using)
        if session_time is not None:
            session_time.check_open(booking, now=now, using=using)
        prepare_insert(booking, now)
        booking.resource_count = len(resources)
        calendar_id = calendars[booking.provider_id]
        booking.busy_interval_id = entries.add(calendar_id, claim, using=using)
        resource_claims.take(booking, resources, claim, calendars, using=using)
        booking.save_row(using=using)
        resource_claims.insert(booking, resources, using=using)
        turns = [calendars[each.provider_id] for each in resources if each.takes_turns]
        locks.mark_chosen([*turns, *([calendar_id] if takes_turns else [])], now=now, using=using)
        check_key_is_unique(booking, using=using)
        for snapshot in new.snapshots:
            snapshot.booking = booking
        if new.snapshots:
            BookingAddon.objects.using(using).bulk_create(new.snapshots)
        if session_time is not None:
            session_time.record(booking, using=using)
        data = event_data | resource_data(resources)
        save_event(booking, created_event(booking, now, **data), using=using)
        return booking

    # Lookups under the lock need statements of their own.
    needs_lookups = (
        booking.idempotency_key or app_settings.DUPLICATE_GUARD_MINUTES or limit_check.is_limited
    )
    is_plain = not (new.snapshots or needs_lookups or session_time or new.needs or takes_turns)
    single_statement = is_plain and postgres.can_insert(claim, using=using)

    def attempt() -> Booking:
        if single_statement:
            insert = partial(
                _insert_by_one_statement, booking, claim, event_data, now=now, using=using
            )
            if inserted := atomic_with_retry(insert, using=using, single_statement=True):
                return inserted
        return with_resources(
            choice,
            lambda resources: atomic_with_retry(
                partial(write, resources), using=using, unique_error=key_reused_error
            ),
        )

    return retry_without_lapsed_holds(
        attempt,
        booking.provider_id,
        choice.bounds(),
        now=now,
        using=using,
        resource_ids=choice.candidates,
    )


def _insert_by_one_statement(
    booking: Booking, claim: claims.Claim, event_data: dict[str, Any], *, now: datetime, using: str
) -> Booking | None:
    """Insert booking, claim and event; return ``None`` if the provider has no calendar yet."""
    get_adapter().check_permission(booking.created_by, "create", booking)
    prepare_insert(booking, now)
    event = created_event(booking, now, **event_data)
    if not postgres.insert_booking(booking, event, claim, using=using):
        return None
    send_signal_on_commit(booking, event, using=using)
    after_events([booking.pk], event.event_type, using=using)
    return booking


def prepare_insert(booking: Booking, now: datetime) -> None:
    """Reset what a failed attempt has set, and set a new reference."""
    prepare_inserts([booking], now)


def prepare_inserts(bookings: Iterable[Booking], now: datetime) -> None:
    """Do what :func:`prepare_insert` does for many bookings."""
    # A setting takes longer to look up than a reference takes to make.
    adapter = get_adapter()
    for booking in bookings:
        booking.pk, booking._state.adding = None, True
        booking.version = 1
        booking.reference = new_reference(booking, now, adapter)


def new_reference(
    booking: Booking, now: datetime, adapter: DefaultBookingAdapter | None = None
) -> str:
    """Return the adapter's reference, or raise ``InvalidBooking`` if it is too long or empty."""
    reference = (adapter or get_adapter()).generate_reference(booking, now)
    max_length = Booking._meta.get_field("reference").max_length or 0
    if not 0 < len(reference) <= max_length:
        raise InvalidBooking(
            _("The adapter made a reference of %(length)d characters; it may have 1 to %(most)d."),
            params={"length": len(reference), "most": max_length},
        )
    return reference


def created_event(booking: Booking, now: datetime, **data: Any) -> BookingEvent:
    """Return the unsaved CREATED event of a booking; ``data`` is added to its data."""
    return BookingEvent(
        booking=booking,
        event_type=BookingEvent.EventType.CREATED,
        actor_user=booking.created_by,
        created_at=now,
        data=_created_data(booking, to_json(now), data),
    )


def created_events(
    data_by_booking: Iterable[tuple[Booking, dict[str, Any]]], now: datetime
) -> list[BookingEvent]:
    """Return what :func:`created_event` returns for each booking with its data."""
    created_at = to_json(now)
    blanks: dict[Any, BookingEvent] = {}
    events = []
    for booking, data in data_by_booking:
        actor = booking.created_by
        if actor not in blanks:
            blanks[actor] = BookingEvent(
                event_type=BookingEvent.EventType.CREATED, actor_user=actor, created_at=now
            )
        all_data = _created_data(booking, created_at, data)
        events.append(copy_row(blanks[actor], booking=booking, data=all_data))
    return events


def _created_data(booking: Booking, created_at: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": booking.status,
        "created_at": created_at,
        "start_at": to_json(booking.start_at),
        "end_at": to_json(booking.end_at),
        "service": to_json(booking.service_id),
        "provider": to_json(booking.provider_id),
        **data,
    }


def resource_data(resources: Iterable[BookingResource]) -> dict[str, Any]:
    """Return event data that names the resources of a booking, if there are any."""
    keys = [to_json(resource.provider_id) for resource in resources]
    return {"resources": keys} if keys else {}


def skipped_validation_data(skip_slot_validation: bool) -> dict[str, Any]:
    """Return event data for a start that was not validated, so that no one validates it later."""
    return {"skip_slot_validation": True} if skip_slot_validation else {}
