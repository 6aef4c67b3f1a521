"""Move a booking to another time, another provider or other add-ons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import router
from django.db.models import QuerySet

from bookings import slots
from bookings.adapters import is_overridden
from bookings.exceptions import BookingError, InvalidBooking, SlotUnavailable
from bookings.ledger import entries, locks, resource_claims
from bookings.ledger.claims import Claim
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingAddon, BookingEvent, BookingResource
from bookings.models.arguments import missing_booking_error, saved_booking
from bookings.models.read_alias import reading_from
from bookings.pools import AnyOf
from bookings.protocols import ProviderLike
from bookings.rules import instants
from bookings.rules.buffers import set_buffers_of_move
from bookings.rules.service_rules import has_seats
from bookings.services import references
from bookings.services.addons import parse_addon_ids
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    change_booking,
    check_version,
    stale_error,
)
from bookings.services.booking_creation import skipped_validation_data
from bookings.services.booking_move import (
    DEPENDENT_FIELDS,
    MOVED_FIELDS,
    Move,
    NewLength,
    apply_move,
    resource_changes,
)
from bookings.services.day_zones import DayZones
from bookings.services.duplicates import check_duplicate
from bookings.services.history import on_behalf_data
from bookings.services.lapsed_holds import retry_without_lapsed_holds
from bookings.services.limit_check import LimitCheck
from bookings.services.offered_providers import OfferedProviders
from bookings.services.pool_refusals import find_refusals
from bookings.services.provider_choice import with_any_provider
from bookings.services.reschedule_count import check_reschedules_left
from bookings.services.resource_choice import ResourceChoice, with_resources
from bookings.services.resource_needs import (
    needs_of_moved,
    needs_of_moved_with_provider,
    needs_with_provider,
    parse_resources,
)

ATTEMPTS: Final = 3
"""How often a booking is read again whose resources another call has changed."""


def reschedule_booking(
    booking: Booking,
    *,
    new_start_at: datetime,
    new_provider: ProviderLike | AnyOf | None = None,
    new_resources: Iterable[ProviderLike | AnyOf] | None = None,
    actor: Any = None,
    addon_ids: Iterable[Any] | None = None,
    new_duration_minutes: int | None = None,
    new_duration_days: int | None = None,
    now_dt: datetime | None = None,
    by: str = "client",
    override_policy: bool = False,
    skip_slot_validation: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Move a booking to another start, provider or length, other resources, or other add-ons.

    The booking must be PENDING or CONFIRMED and keeps its status, its reference, its rules and its
    price. With another length, a price by the hour or the day is computed anew, from the service's
    price that the booking keeps. A booking by the day keeps its days, and the time of day at which
    it ends, by the clocks of its provider. It keeps each resource that is free at the new time, and
    takes another one of the same pool for one that is not. ``total_amount`` follows the price and
    the add-ons, and a hold or a request lapses at its new start at the latest. It records one
    RESCHEDULED event, unless nothing differs.

    The client may move it ``max_reschedules`` times to another start or provider; what is moved on
    the provider's behalf does not count. With another provider, its own buffers apply where they
    are larger than the service's.

    ``override_policy`` lifts the booking's ``reschedule_allowed``, its ``max_reschedules``, its
    reschedule notice, which is measured from the old start, and that it must not have begun; for
    the new time it lifts the service's booking window and the lengths that it offers, the limits,
    and that the start must not have passed, the service and the provider be active, and another
    provider offer the service.

    :param booking: the booking to change; it is refreshed and returned.
    :param new_start_at: the new start, an aware datetime.
    :param new_provider: the new provider, a saved instance of ``BOOKINGS_PROVIDER_MODEL``, or
        :class:`~bookings.pools.AnyOf` several; ``None`` keeps the provider.
    :param new_resources: other resources, as the ``resources`` of :func:`create_booking`; ``None``
        keeps them.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param addon_ids: the keys of the new add-ons; ``None`` keeps the add-ons, and an empty list
        removes them. An add-on that stays keeps its duration and price.
    :param new_duration_minutes: how long it lasts without its add-ons, where the service lets the
        client choose; ``None`` keeps the length.
    :param new_duration_days: how many days it lasts, where the service is booked by the day and
        lets the client choose; ``None`` keeps the length.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param by: on whose behalf the booking is moved, ``client`` or ``provider``; the history records
        the provider. The refund policy counts what the client moves and gives up.
    :param override_policy: staff only; lift the rules that the description names.
    :param skip_slot_validation: staff only; do not ask the slot engine whether it offers the start.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed; its start and its end are in the time zone of
        ``new_start_at``.
    :raises InvalidTransition: the booking has another status, or has lapsed (code
        ``hold_expired``).
    :raises NotAllowed: ``reschedule_allowed`` of the booking is false, the service or the provider
        is not active, the service is not booked one to one with the new provider, the booking is a
        seat of a session (code ``in_session``), or the adapter does not permit the actor to do
        this.
    :raises ProviderNotOffered: the new provider does not offer the service.
    :raises NoticeWindow: less than the reschedule notice remains before the old start, the booking
        has begun (code ``booking_started``), or the new start is nearer than the service's minimum
        notice (code ``minimum_notice``).
    :raises PastStart: the new start has passed.
    :raises TooFarAhead: the new start is further ahead than the service's ``maximum_advance_days``.
    :raises SlotUnavailable: the slot engine does not offer the new start.
    :raises DuplicateBooking: the client has a similar booking.
    :raises LimitReached: the client or the provider has as many bookings as a limit allows, or the
        client has moved the booking as often as ``max_reschedules`` (its ``limit`` then) allows.
    :raises CapacityExceeded: too few seats of the shared slot are free.
    :raises BookingConflict: the time is taken.
    :raises ResourceTaken: the time of a resource is taken.
    :raises PoolExhausted: no provider of a pool can take the booking.
    :raises TenantMismatch: the new provider or an add-on belongs to another tenant.
    :raises InvalidBooking: an argument is invalid or cannot be stored; with the code
        ``invalid_duration`` for a length that the service does not offer.
    :raises MissingReference: the booking is not saved, or has been deleted, or an add-on does not
        exist.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    zone = getattr(new_start_at, "tzinfo", None)
    start_at = instants.aware_utc(new_start_at, "new_start_at")
    event_data = on_behalf_data(by) | skipped_validation_data(skip_slot_validation)
    if new_provider is not None:
        references.saved_providers(new_provider)
    saved_booking(booking)
    target = MoveTarget(
        booking=booking,
        start_at=start_at,
        resources=parse_resources(new_resources, "new_resources"),
        addon_keys=None if addon_ids is None else parse_addon_ids(addon_ids),
        new_length=NewLength.of(new_duration_minutes, new_duration_days),
        actor=actor,
        now=references.resolve_now(now_dt),
        using=router.db_for_write(Booking, instance=booking),
        by=by,
        event_data=event_data,
        override_policy=override_policy,
        skip_slot_validation=skip_slot_validation,
        expected_version=expected_version,
    )
    if isinstance(new_provider, AnyOf):
        booking = target.reschedule_with_any(new_provider)
    else:
        booking = target.reschedule(new_provider)
    booking.convert_to_zone(zone)
    return booking


class ResourcesChanged(Exception):
    """Another call has given the booking other resources since it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTarget:
    """Where to move a booking, but for its provider, and the caller's other arguments."""

    booking: Booking
    start_at: datetime
    resources: Sequence[Any] | None
    addon_keys: list[Any] | None
    new_length: NewLength | None
    actor: Any
    now: datetime
    using: str
    by: str
    event_data: dict[str, Any]
    override_policy: bool
    skip_slot_validation: bool
    expected_version: int | None
    zones: DayZones = field(default_factory=DayZones)
    offered: OfferedProviders = field(default_factory=OfferedProviders)

    def reschedule_with_any(self, pool: AnyOf) -> Booking:
        """Move the booking to the first provider of the pool that can take it."""
        draft = self._read_draft()
        for provider in pool.providers:
            references.check_same_tenant(draft.tenant_id, provider=provider)
        length = draft.end_at - draft.start_at
        old_resources = self._read_resources(draft)
        freed = _seats_of(draft, old_resources)
        draft.start_at = self.start_at
        draft.end_at = instants.add_elapsed(self.start_at, length)
        references.load_related(draft, "service", using=self.using)
        # It may become shorter, also by the clocks of another provider, and it may share its time.
        # Another provider may have smaller buffers.
        has_same_length = (
            self.addon_keys is None and self.new_length is None and draft.duration_days is None
        )
        is_exclusive = has_same_length and not has_seats(draft.service)
        window = instants.busy_bounds(draft.start_at, draft.end_at, 0, 0) if is_exclusive else None
        return with_any_provider(
            pool,
            draft,
            lambda provider: self.reschedule(provider, takes_turns=pool.takes_turns),
            window=window,
            now=self.now,
            using=self.using,
            freed=freed,
            override_policy=self.override_policy,
            find_refusals=partial(self._find_refusals, old_resources),
        )

    def _find_refusals(
        self, old_resources: Sequence[BookingResource], providers: Sequence[Any]
    ) -> dict[Any, BookingError]:
        """Return which providers of a pool cannot take the booking, by key, and why."""
        draft = self._read_draft()
        with reading_from(self.using):
            references.load_related(draft, "provider", using=self.using)
            before = copy(draft)
            addons = list(_addons_of(draft, self.using))
            # The length is that of a move to any of them.
            try:
                rules = Move(
                    draft,
                    addons,
                    self.start_at,
                    providers[0],
                    self.addon_keys,
                    new_length=self.new_length,
                    now=self.now,
                    using=self.using,
                    zones=self.zones,
                    override_policy=self.override_policy,
                ).rules
            except SlotUnavailable:
                # By the clocks of the first, it would end before it starts. Each attempt tells.
                return {}
            asks_each = self.resources is not None and is_overridden("resources")
            needs = needs_of_moved_with_provider(draft, using=self.using)
            wall_length = draft.wall_length
            if wall_length is not None:
                self.zones.load([_with_provider(before, provider) for provider in providers])
        choices = []
        for provider in providers:
            row = copy(before)
            row.start_at, row.end_at = draft.start_at, draft.end_at
            # An attempt tells what is wrong with an attribute of the provider.
            with suppress(InvalidBooking, SlotUnavailable):
                if provider.pk != before.provider_id:
                    set_buffers_of_move(
                        row,
                        service=draft.service,
                        old_provider=before.provider,
                        new_provider=provider,
                    )
                row.provider = provider
                if wall_length is not None:
                    ends_at = wall_length.end_at(row.start_at, self.zones.of(row))
                    row.end_at = ends_at + (draft.addon_length or timedelta(0))
                choice = ResourceChoice(
                    row,
                    needs_with_provider(row) if asks_each else needs,
                    Claim.of(row, rules),
                    now=self.now,
                    using=self.using,
                    override_policy=self.override_policy,
                    freed=_seats_of(row, old_resources),
                    buffers={each.provider_id: each.buffers for each in old_resources},
                )
                choices.append(choice)
        return find_refusals(choices)

    def reschedule(self, provider: Any, *, takes_turns: bool = False) -> Booking:
        """Move the booking to this provider; ``None`` keeps its provider."""
        for _attempt in range(ATTEMPTS):
            try:
                return self._reschedule(provider, takes_turns)
            except ResourcesChanged:
                continue
        raise stale_error()

    def _reschedule(self, provider: Any, takes_turns: bool) -> Booking:
        now, using = self.now, self.using
        # The slot engine may be slow, so it is asked before the lock, about a draft.
        draft = self._read_draft()
        old_resources = self._read_resources(draft)
        with reading_from(using):
            addons = list(_addons_of(draft, using))
            before = copy(draft)
            claim = self._apply(draft, addons, provider, is_locked=False).claim
            needs = needs_of_moved(draft, using=using)
        self._check_count(draft, before, lock=False)
        limit_check = LimitCheck(draft, zones=self.zones, override_policy=self.override_policy)
        if not self.skip_slot_validation:
            slots.validate_start(draft, now_dt=now, override_policy=self.override_policy)
        freed = _seats_of(draft, old_resources)
        choice = ResourceChoice(
            draft,
            needs,
            claim,
            now=now,
            using=using,
            ignores_hours=self.skip_slot_validation,
            override_policy=self.override_policy,
            freed=freed,
            buffers={each.provider_id: each.buffers for each in old_resources},
        )

        def write(resources: list[BookingResource]) -> Booking:
            def decide(locked: LockedBooking) -> Change | None:
                return self._decide(
                    locked,
                    provider,
                    resources,
                    expected=old_resources,
                    limit_check=limit_check,
                    takes_turns=takes_turns,
                )

            locked_too = [each.provider_id for each in resources]
            if provider is not None:
                locked_too.append(provider.pk)
            return change_booking(
                self.booking,
                decide,
                verb="reschedule",
                actor=self.actor,
                now_dt=now,
                expected_version=self.expected_version,
                also_lock=locked_too,
                limit_check=limit_check,
            )

        return retry_without_lapsed_holds(
            lambda: with_resources(choice, write),
            draft.provider_id,
            choice.bounds(),
            now=now,
            using=using,
            own=draft.busy_interval_id,
            resource_ids=choice.candidates,
        )

    def _read_draft(self) -> Booking:
        """Return the booking as it is stored, to be moved without a lock."""
        drafts = Booking.objects.using(self.using).select_related("busy_interval")
        draft = drafts.filter(pk=self.booking.pk).first()
        if draft is None:
            raise missing_booking_error()
        check_version(draft, self.expected_version)
        if draft.is_in_session:
            raise entries.in_session_error()
        draft.requested_resources = self.resources
        return draft

    def _read_resources(self, draft: Booking) -> list[BookingResource]:
        if not draft.resource_count:
            return []
        return list(BookingResource.objects.using(self.using).filter(booking=draft))

    def _apply(
        self, row: Booking, addons: list[BookingAddon], provider: Any, *, is_locked: bool
    ) -> Move:
        return apply_move(
            row,
            addons,
            is_locked=is_locked,
            start_at=self.start_at,
            provider=provider,
            addon_keys=self.addon_keys,
            new_length=self.new_length,
            now=self.now,
            using=self.using,
            zones=self.zones,
            offered=self.offered,
            override_policy=self.override_policy,
        )

    def _check_count(self, row: Booking, before: Booking, *, lock: bool) -> None:
        check_reschedules_left(
            row,
            before,
            lock=lock,
            using=self.using,
            by=self.by,
            override_policy=self.override_policy,
        )

    def _decide(
        self,
        locked: LockedBooking,
        provider: Any,
        resources: Sequence[BookingResource],
        *,
        expected: Sequence[BookingResource],
        limit_check: LimitCheck,
        takes_turns: bool,
    ) -> Change | None:
        row, now, using = locked.row, self.now, self.using
        before = copy(row)
        stored = resource_claims.read([row], using=using)
        if {each.pk for each in stored} != {each.pk for each in expected}:
            raise ResourcesChanged
        moved = self._apply(row, list(fresh(_addons_of(row, using))), provider, is_locked=True)
        data = moved.event_data(before) | resource_changes(stored, resources)
        if not data:
            return None
        self._check_count(row, before, lock=True)
        check_duplicate(row, now=now, using=using)
        limit_check.check(row, now=now, using=using, before=before)
        # The new provider may be one of the resources that it gives up.
        resource_claims.give_up(stored, using=using)
        row.busy_interval_id = entries.move(
            row.busy_interval_id,
            row.party_size,
            locked.calendars[row.provider_id],
            moved.claim,
            using=using,
        )
        resource_claims.replace_all(
            row, stored, resources, moved.claim, locked.calendars, using=using
        )
        turns = {each.provider_id for each in resources if each.takes_turns}
        turns -= {each.provider_id for each in stored}
        if takes_turns:
            turns.add(row.provider_id)
        locks.mark_chosen([locked.calendars[key] for key in turns], now=now, using=using)
        moved.save_addons()
        return Change(
            BookingEvent.EventType.RESCHEDULED,
            fields=(*MOVED_FIELDS, *DEPENDENT_FIELDS),
            data=data | self.event_data,
        )


def _with_provider(row: Booking, provider: Any) -> Booking:
    other = copy(row)
    other.provider = provider
    return other


def _seats_of(row: Booking, resources: Iterable[BookingResource]) -> dict[int, int]:
    """Return the seats that a stored booking and its resources hold, by busy interval."""
    seats = {row.busy_interval_id: row.party_size}
    seats |= dict.fromkeys((each.busy_interval_id for each in resources), 1)
    return {key: number for key, number in seats.items() if key is not None}


def _addons_of(row: Booking, using: str) -> QuerySet[BookingAddon]:
    return BookingAddon.objects.using(using).filter(booking=row)
