"""Move a booking to another time, another provider or other add-ons."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import datetime
from functools import partial
from typing import Any

from django.db import router
from django.db.models import QuerySet

from bookings import slots
from bookings.ledger import entries
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingAddon, BookingEvent
from bookings.models.arguments import missing_booking_error, saved_booking
from bookings.models.read_alias import reading_from
from bookings.protocols import ProviderLike
from bookings.rules import instants
from bookings.services import references
from bookings.services.addons import parse_addon_ids
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    change_booking,
    check_version,
)
from bookings.services.booking_creation import skipped_validation_data
from bookings.services.booking_move import DEPENDENT_FIELDS, MOVED_FIELDS, Move, apply_move
from bookings.services.day_zones import DayZones
from bookings.services.duplicates import check_duplicate
from bookings.services.history import on_behalf_data
from bookings.services.lapsed_holds import retry_without_lapsed_holds
from bookings.services.limit_check import LimitCheck
from bookings.services.reschedule_count import check_reschedules_left


def reschedule_booking(
    booking: Booking,
    *,
    new_start_at: datetime,
    new_provider: ProviderLike | None = None,
    actor: Any = None,
    addon_ids: Iterable[Any] | None = None,
    now_dt: datetime | None = None,
    by: str = "client",
    override_policy: bool = False,
    skip_slot_validation: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Move a booking to another start, another provider, or other add-ons.

    The booking must be PENDING or CONFIRMED and keeps its status, its reference, its rules and its
    price. ``total_amount`` follows the add-ons, and a hold or a request lapses at its new start at
    the latest. It records one RESCHEDULED event, unless nothing differs.

    The client may move it ``max_reschedules`` times to another start or provider; what is moved on
    the provider's behalf does not count. With another provider, its own buffers apply where they
    are larger than the service's.

    ``override_policy`` lifts the booking's ``reschedule_allowed``, its ``max_reschedules``, its
    reschedule notice, which is measured from the old start, and that it must not have begun; for
    the new start it lifts the service's booking window, the limits, and that the start must not
    have passed, and the service and the provider be active.

    :param booking: the booking to change; it is refreshed and returned.
    :param new_start_at: the new start, an aware datetime.
    :param new_provider: the new provider, a saved instance of ``BOOKINGS_PROVIDER_MODEL``; ``None``
        keeps the provider.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param addon_ids: the keys of the new add-ons; ``None`` keeps the add-ons, and an empty list
        removes them. An add-on that stays keeps its duration and price.
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
    :raises TenantMismatch: the new provider or an add-on belongs to another tenant.
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises MissingReference: the booking is not saved, or has been deleted, or an add-on does not
        exist.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    zone = getattr(new_start_at, "tzinfo", None)
    new_start_at = instants.aware_utc(new_start_at, "new_start_at")
    now = references.resolve_now(now_dt)
    event_data = on_behalf_data(by) | skipped_validation_data(skip_slot_validation)
    if new_provider is not None:
        references.saved_instance(new_provider, "PROVIDER_MODEL", "provider")
    addon_keys = None if addon_ids is None else parse_addon_ids(addon_ids)
    saved_booking(booking)
    using = router.db_for_write(Booking, instance=booking)

    zones = DayZones()

    def move(row: Booking, addons: list[BookingAddon], *, is_locked: bool) -> Move:
        return apply_move(
            row,
            addons,
            is_locked=is_locked,
            start_at=new_start_at,
            provider=new_provider,
            addon_keys=addon_keys,
            now=now,
            using=using,
            zones=zones,
            override_policy=override_policy,
        )

    check_count = partial(
        check_reschedules_left, using=using, by=by, override_policy=override_policy
    )

    def decide(locked: LockedBooking) -> Change | None:
        row = locked.row
        before = copy(row)
        moved = move(row, list(fresh(_addons_of(row, using))), is_locked=True)
        data = moved.event_data(before)
        if not data:
            return None
        check_count(row, before, lock=True)
        check_duplicate(row, now=now, using=using)
        limit_check.check(row, now=now, using=using, before=before)
        row.busy_interval_id = entries.move(
            row.busy_interval_id,
            row.party_size,
            locked.calendars[row.provider_id],
            moved.claim,
            using=using,
        )
        moved.save_addons()
        return Change(
            BookingEvent.EventType.RESCHEDULED,
            fields=(*MOVED_FIELDS, *DEPENDENT_FIELDS),
            data=data | event_data,
        )

    # The slot engine may be slow, so it is asked before the lock, about a draft.
    drafts = Booking.objects.using(using).select_related("busy_interval")
    draft = drafts.filter(pk=booking.pk).first()
    if draft is None:
        raise missing_booking_error()
    check_version(draft, expected_version)
    if draft.is_in_session:
        raise entries.in_session_error()
    before_move = copy(draft)
    with reading_from(using):
        claim = move(draft, list(_addons_of(draft, using)), is_locked=False).claim
    check_count(draft, before_move, lock=False)
    limit_check = LimitCheck(draft, zones=zones, override_policy=override_policy)
    if not skip_slot_validation:
        slots.validate_start(draft, now_dt=now, override_policy=override_policy)
    booking = retry_without_lapsed_holds(
        lambda: change_booking(
            booking,
            decide,
            verb="reschedule",
            actor=actor,
            now_dt=now,
            expected_version=expected_version,
            also_lock=None if new_provider is None else new_provider.pk,
            limit_check=limit_check,
        ),
        draft.provider_id,
        claim.window,
        now=now,
        using=using,
        own=draft.busy_interval_id,
    )
    booking.convert_to_zone(zone)
    return booking


def _addons_of(row: Booking, using: str) -> QuerySet[BookingAddon]:
    return BookingAddon.objects.using(using).filter(booking=row)
