"""Save a booking on behalf of ``Booking.save()``, with its claim, version and event."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from copy import copy
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.core.exceptions import ObjectDoesNotExist
from django.db import router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import terms
from bookings.adapters import get_adapter
from bookings.exceptions import InvalidBooking, MissingReference, SlotUnavailable
from bookings.ledger import claims, entries, locks, resource_claims
from bookings.ledger.locked import act_under_lock, fresh
from bookings.ledger.transactions import atomic_with_retry, missing_reference_error
from bookings.models import (
    Booking,
    BookingAddon,
    BookingEvent,
    BookingResource,
    field_validation,
    name_snapshots,
)
from bookings.models.arguments import missing_booking_error
from bookings.models.lifecycle import was_overdue
from bookings.models.read_alias import reading_from
from bookings.rules.value_comparison import differs
from bookings.services import booking_creation, new_booking, party_size, references
from bookings.services.booking_change import (
    LockedBooking,
    check_version,
    provider_ids,
    write_row,
)
from bookings.services.booking_claim import moved_claim, own_claim
from bookings.services.booking_move import LENGTH_FIELDS
from bookings.services.direct_save_values import (
    AMOUNTS,
    PRICES,
    check_payable,
    check_prices,
    convert_keys,
    times_in_utc,
    validate,
)
from bookings.services.history import field_values, old_and_new, record_event, save_event
from bookings.services.lapsed_holds import retry_claim_of, retry_without_lapsed_holds
from bookings.services.limit_check import LimitCheck
from bookings.services.resource_choice import ResourceChoice, with_resources
from bookings.services.resource_needs import needs_of_new, resource_is_provider_error

# A change of one of these fields changes the claim.
CLAIM_FIELDS: Final = {
    "provider",
    "service",
    "start_at",
    "end_at",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "party_size",
    "expires_at",
    "status",
}

# If ``update_fields`` names only these, the last writer wins, as with any model: no rule rests on
# them, and the event keeps the old value.
NOTE_FIELDS: Final = {"notes_client", "notes_internal", "metadata"}

BUFFERS: Final = {"buffer_before_minutes", "buffer_after_minutes"}

# The fields that this module sets; a caller's values are ignored.
MANAGED_FIELDS: Final = {
    "id",
    "version",
    "busy_interval",
    "resource_count",
    "client_lookup",
    "updated_at",
}

# The fields that are cleaned, so that no database has to refuse them, or stores what it cannot read
# again. ``validate()`` and ``times_in_utc()`` have checked the others.
CHECKED_FIELDS: Final = {
    field.name for field in Booking._meta.concrete_fields if not field.is_relation
} - {*MANAGED_FIELDS, "status", "start_at", "end_at", "expires_at"}

# The timestamp to set on a new booking that is inserted with this status.
TIMESTAMP_OF_STATUS: Final = {
    Booking.Status.CONFIRMED: "confirmed_at",
    Booking.Status.DECLINED: "cancelled_at",
    Booking.Status.CANCELLED: "cancelled_at",
}

# A booking that holds time after one of these has been reopened.
ENDED_STATUSES: Final = {Booking.Status.CANCELLED, Booking.Status.DECLINED}

EVENT_OF_STATUS: Final = {
    Booking.Status.CONFIRMED: BookingEvent.EventType.CONFIRMED,
    Booking.Status.DECLINED: BookingEvent.EventType.DECLINED,
    Booking.Status.DELIVERED: BookingEvent.EventType.DELIVERED,
    Booking.Status.COMPLETED: BookingEvent.EventType.COMPLETED,
    Booking.Status.CANCELLED: BookingEvent.EventType.CANCELLED,
    Booking.Status.NO_SHOW: BookingEvent.EventType.NO_SHOW,
}


def save_booking(
    booking: Booking, *, using: str | None = None, update_fields: Iterable[str] | None = None
) -> None:
    """Insert or update a booking that host code has built or changed without a service.

    Raises ``InvalidBooking``, ``TenantMismatch``, ``MissingReference``, ``BookingConflict``,
    ``CapacityExceeded``, ``StaleBooking`` or ``BookingBusy``.
    """
    using = using or router.db_for_write(Booking, instance=booking)
    with reading_from(using), times_in_utc(booking):
        _save(booking, update_fields, now=timezone.now(), using=using)


def _save(
    booking: Booking, update_fields: Iterable[str] | None, *, now: datetime, using: str
) -> None:
    convert_keys(booking)
    validate(booking)
    names = None if update_fields is None else set(update_fields)
    adding = booking._state.adding
    if adding:
        booking.capacity_consumed = booking.party_size
        timestamp = TIMESTAMP_OF_STATUS.get(Booking.Status(booking.status))
        if timestamp is not None and getattr(booking, timestamp) is None:
            setattr(booking, timestamp, now)
        if booking.terms is None:
            booking.terms = terms.collect(booking, using=using)
        check_prices(booking, PRICES)
        name_snapshots.fill_names([booking], using=using)
    field_validation.clean_fields(booking, CHECKED_FIELDS if adding else BUFFERS)
    if adding:
        check_payable(booking)
        if booking.created_by_id is not None:
            # The event names the user.
            try:
                references.load_related(booking, "created_by", using=using)
            except ObjectDoesNotExist:
                raise missing_reference_error() from None
        # Only a rule that it has.
        with suppress(ObjectDoesNotExist):
            _drop_wrong_wall_length(booking, {"start_at"}, using=using)
    choice = _choose_for(booking, now=now, using=using) if adding and booking.holds_time else None

    original_pk, original_reference = booking.pk, booking.reference

    def restore() -> None:
        booking.pk, booking.reference = original_pk, original_reference
        booking._state.adding = True

    def insert(resources: Sequence[BookingResource] = ()) -> Booking:
        # The transaction may run again after its commit has failed.
        restore()
        claim = None if choice is None else choice.claim
        return _insert(booking, claim, resources, now=now, using=using)

    def insert_with(resources: Sequence[BookingResource]) -> Booking:
        return atomic_with_retry(partial(insert, resources), using=using)

    def write() -> Booking:
        if not adding:
            return _update(booking, names, now=now, using=using)
        try:
            return insert_with(()) if choice is None else with_resources(choice, insert_with)
        except BaseException:
            restore()
            raise

    if choice is not None:
        saved = retry_without_lapsed_holds(
            write,
            booking.provider_id,
            choice.bounds(),
            now=now,
            using=using,
            resource_ids=choice.candidates,
        )
    elif booking.holds_time:
        saved = retry_claim_of(booking, write, now=now, using=using, own=booking.busy_interval_id)
    else:
        saved = write()
    if saved is not booking:
        booking.copy_from(saved)


def _choose_for(booking: Booking, *, now: datetime, using: str) -> ResourceChoice:
    """Return the choice of the resources of a new booking, with its claim."""
    claim = _claim(booking, using=using)
    try:
        references.load_related(booking, "provider", using=using)
    except ObjectDoesNotExist:
        missing = _("The provider does not exist. Choose another.")
        raise MissingReference(missing) from None
    return ResourceChoice(
        booking,
        needs_of_new(booking),
        claim,
        now=now,
        using=using,
        ignores_hours=True,
        override_policy=True,
    )


def _claim(booking: Booking, *, using: str) -> claims.Claim:
    try:
        if booking._state.adding:
            return own_claim(booking, using=using)
        return moved_claim(booking, using=using)
    except ObjectDoesNotExist:
        missing = _("The service does not exist. Choose another.")
        raise MissingReference(missing) from None


def _insert(
    booking: Booking,
    claim: claims.Claim | None,
    resources: Sequence[BookingResource],
    *,
    now: datetime,
    using: str,
) -> Booking:
    if claim is not None:
        providers = {booking.provider_id, *(each.provider_id for each in resources)}
        calendars = locks.lock_calendars(providers, using=using)
        calendar_id = calendars[booking.provider_id]
        booking.busy_interval_id = entries.add(calendar_id, claim, using=using)
        resource_claims.take(booking, resources, claim, calendars, using=using)
    else:
        booking.busy_interval_id = None
    booking.resource_count = len(resources)
    booking.version = 1
    booking.reference = booking.reference or booking_creation.new_reference(booking, now)
    booking.save_row(using=using)
    resource_claims.insert(booking, resources, using=using)
    data = booking_creation.resource_data(resources)
    save_event(booking, booking_creation.created_event(booking, now, **data), using=using)
    return booking


def _update(
    booking: Booking,
    update_fields: Collection[str] | None,
    *,
    now: datetime,
    using: str,
) -> Booking:
    rows = type(booking)._base_manager.using(using).filter(pk=booking.pk)
    stored = rows.first()
    expected = set() if stored is None else provider_ids([stored], using=using)
    held_seats = booking.party_size if stored is None else stored.party_size
    limit_check = None
    if booking.party_size != held_seats and _is_selected("party_size", update_fields):
        limit_check = _prepare_party_size(booking, held_seats, using=using)

    def read() -> Booking:
        row = fresh(rows).first()
        if row is None:
            raise missing_booking_error()
        return row

    return act_under_lock(
        partial(_write_changes, booking, update_fields, limit_check),
        expected=expected,
        also_lock=[booking.provider_id],
        read=read,
        providers_of=lambda row: provider_ids([row], using=using, lock=True),
        using=using,
        now=now,
        lock_client=None
        if limit_check is None
        else partial(limit_check.lock, now=now, using=using),
    )


def _prepare_party_size(booking: Booking, held_seats: int, *, using: str) -> LimitCheck:
    try:
        return party_size.prepare(booking, held_seats, using=using)
    except ObjectDoesNotExist:
        missing = _("The service or the provider does not exist. Choose another.")
        raise MissingReference(missing) from None


def _write_changes(
    booking: Booking,
    update_fields: Collection[str] | None,
    limit_check: LimitCheck | None,
    locked: LockedBooking,
) -> Booking:
    """Copy the changed fields to the locked row, move its claim, and write it with an event.

    With a ``limit_check``, the party size differs, and has to keep the rules of the service that
    changes it.
    """
    row, using = locked.row, locked.using
    changed = _changed_fields(booking, row, update_fields)
    if update_fields is None or not changed <= NOTE_FIELDS:
        check_version(row, booking.version)
    if not changed:
        return row
    held, before = (row.busy_interval_id, row.party_size), copy(row)
    for name in changed:
        field: Any = row._meta.get_field(name)
        row.__dict__[field.attname] = booking.__dict__[field.attname]
        row._state.fields_cache.pop(field.name, None)
    if "party_size" in changed:
        row.capacity_consumed = row.party_size
        changed.add("capacity_consumed")
    renamed = [n for n in name_snapshots.RELATIONS if {n, f"{n}_name"} & changed]
    for name in renamed:
        if f"{name}_name" not in changed:
            setattr(row, f"{name}_name", "")
    name_snapshots.fill_names([row], using=using, relations=renamed)
    check_prices(row, changed & set(PRICES))
    field_validation.clean_fields(row, changed & CHECKED_FIELDS)
    if changed & {*AMOUNTS, "currency"}:
        check_payable(row)
    changed |= _drop_wrong_wall_length(row, changed, using=using)
    # The status of the row, because update_fields may leave out the status of the booking.
    if row.holds_time and changed & CLAIM_FIELDS:
        if limit_check is not None:
            get_adapter().check_permission(None, party_size.VERB, before)
            party_size.check_seats(row, before, limit_check, now=locked.now, using=using)
        if changed & CLAIM_FIELDS == {"party_size"}:
            party_size.claim_seats(locked, before.party_size)
        else:
            calendar_id, claim = locked.calendars[row.provider_id], _claim(row, using=using)
            resources = resource_claims.read([row], using=using)
            _check_not_own_resource(row, resources)
            row.busy_interval_id = entries.move(*held, calendar_id, claim, using=using)
            resource_claims.replace_all(
                row, resources, resources, claim, locked.calendars, using=using
            )
        if not changed & set(AMOUNTS):
            changed |= party_size.scale_amounts(row, before.party_size, using=using)
    write_row(row, {*changed, *(f"{name}_name" for name in renamed)}, held, using=using)
    old = field_values(before, changed)
    record_event(
        row,
        _event_type(row, changed, old.get("status")),
        using=using,
        now=locked.now,
        data=old_and_new(old, field_values(row, changed)),
    )
    return row


def _drop_wrong_wall_length(row: Booking, changed: set[str], *, using: str) -> set[str]:
    """Forget the length by the wall clock if the booking does not have it any more.

    Returns the names of the fields that it has changed.
    """
    length = row.wall_length
    if length is None:
        row.set_wall_length(None)
        return changed & {"ends_at_time"}
    if not changed & {"start_at", "end_at", "provider", *LENGTH_FIELDS}:
        return set()
    references.load_related(row, "provider", using=using)
    # A booking that is new has none.
    addons = BookingAddon.objects.using(using).filter(booking=row.pk)
    try:
        ends_at = length.end_at(row.start_at, get_adapter().time_zone(row))
    except (InvalidBooking, SlotUnavailable):
        ends_at = row.start_at
    if ends_at + new_booking.addon_duration(addons) == row.end_at:
        return set()
    row.set_wall_length(None)
    return set(LENGTH_FIELDS)


def _check_not_own_resource(row: Booking, resources: Sequence[BookingResource]) -> None:
    if any(resource.provider_id == row.provider_id for resource in resources):
        raise resource_is_provider_error()


def _changed_fields(
    booking: Booking, row: Booking, update_fields: Collection[str] | None
) -> set[str]:
    return {
        field.name
        for field in row._meta.concrete_fields
        if field.name not in MANAGED_FIELDS
        and (_is_selected(field.name, update_fields) or _is_selected(field.attname, update_fields))
        and field.attname in booking.__dict__
        and differs(booking.__dict__[field.attname], row.__dict__[field.attname])
    }


def _is_selected(name: str, update_fields: Collection[str] | None) -> bool:
    return update_fields is None or name in update_fields


def _event_type(row: Booking, changed: set[str], old_status: str | None) -> str:
    if "status" in changed:
        if (old_status, row.status) == (Booking.Status.DELIVERED, Booking.Status.CONFIRMED):
            return BookingEvent.EventType.DISPUTED
        if old_status in ENDED_STATUSES and row.holds_time:
            return BookingEvent.EventType.REOPENED
        if row.auto_cancelled and row.status == Booking.Status.CANCELLED:
            return (
                BookingEvent.EventType.AUTO_CANCELLED
                if was_overdue(row)
                else BookingEvent.EventType.EXPIRED
            )
        return EVENT_OF_STATUS.get(Booking.Status(row.status), BookingEvent.EventType.UPDATED)
    if changed & {"start_at", "end_at", "provider"}:
        return BookingEvent.EventType.RESCHEDULED
    return BookingEvent.EventType.UPDATED
