"""What ``Booking.save()`` does: keep claim, version and history in step with the row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import claims, ledger, locks, money, policies, prices, terms
from bookings.conf import app_settings
from bookings.exceptions import InvalidBooking, MissingReference, TenantMismatch
from bookings.models import Booking, BookingEvent, BusyInterval
from bookings.services import book, inputs
from bookings.services.changes import check_version, gone, write_row
from bookings.services.expire import past_stale_holds
from bookings.services.history import old_and_new, record, store, values_of
from bookings.transactions import TryAgain, atomically

# A change of any of these changes what the booking claims.
CLAIMED: Final = {
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

CHECKED_FIELDS: Final = {
    *book.CHECKED_FIELDS,
    "reference",
    "cancellation_reason",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "cancellation_notice_minutes",
    "reschedule_notice_minutes",
    "party_size",
}

AMOUNTS: Final = ("price_amount", "total_amount")

BUFFERS: Final = {"buffer_before_minutes", "buffer_after_minutes"}

# Kept by this module; a caller's values for them do not count.
KEPT: Final = {"id", "version", "busy_interval", "updated_at"}

# When it came to a status that a new booking has from the beginning.
INSTANT_OF_STATUS: Final = {
    Booking.Status.CONFIRMED: "confirmed_at",
    Booking.Status.DECLINED: "cancelled_at",
    Booking.Status.CANCELLED: "cancelled_at",
}

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
    """Insert or update one booking that host code has built or changed by hand."""
    using = using or router.db_for_write(Booking, instance=booking)
    now = timezone.now()
    for name in ("start_at", "end_at", "expires_at"):
        if getattr(booking, name) is not None:
            setattr(booking, name, policies.instant(getattr(booking, name), name))
    _read_keys(booking)
    _check(booking)
    adding = booking._state.adding
    if adding:
        booking.capacity_consumed = booking.party_size
        instant = INSTANT_OF_STATUS.get(Booking.Status(booking.status))
        if instant is not None and getattr(booking, instant) is None:
            setattr(booking, instant, now)
        if booking.terms is None:
            booking.terms = terms.agree(booking, using=using)
    if adding:
        _check_prices(booking, AMOUNTS)
    inputs.check_fields(booking, CHECKED_FIELDS if adding else BUFFERS)
    if adding:
        _check_payable(booking)
    claim = _claim(booking, using=using) if adding and booking.holds_time else None

    def write() -> Booking:
        if adding:
            return _insert(booking, claim, now=now, using=using)
        return _update(booking, update_fields, now=now, using=using)

    def attempt() -> Booking:
        return atomically(write, using=using)

    if booking.holds_time:
        saved = past_stale_holds(
            attempt,
            booking.provider_id,
            claims.window_of(booking),
            now=now,
            using=using,
            own=booking.busy_interval_id,
        )
    else:
        saved = attempt()
    if saved is not booking:
        booking.take_over(saved)


def _read_keys(booking: Booking) -> None:
    """Turn keys that a form gave as text into what the rows are found and locked by."""
    for field in booking._meta.concrete_fields:
        key = booking.__dict__.get(field.attname)
        if field.is_relation and key is not None:
            try:
                setattr(booking, field.attname, field.to_python(key))
            except ValidationError as error:
                raise InvalidBooking({field.name: error.error_list}) from None


def _check(booking: Booking) -> None:
    """Refuse what no booking can be, before the database has to."""
    for name in ("service", "provider", "start_at", "end_at"):
        field: Any = Booking._meta.get_field(name)
        if getattr(booking, field.attname) is None:
            raise InvalidBooking({name: field.error_messages["null"]})
    if booking.status not in Booking.Status.values:
        error = ValidationError(
            Booking._meta.get_field("status").error_messages["invalid_choice"],
            params={"value": booking.status},
        )
        raise InvalidBooking({"status": error})
    if booking.end_at <= booking.start_at:
        raise InvalidBooking({"end_at": _("End time must be after start time.")})
    if errors := booking._tenant_errors():
        raise TenantMismatch(errors)


def _check_prices(booking: Booking, names: Iterable[str]) -> None:
    for name in names:
        prices.price(getattr(booking, name), name)


def _check_payable(booking: Booking) -> None:
    for name in AMOUNTS:
        prices.check_payable(getattr(booking, name), booking.currency, name)


def _claim(booking: Booking, *, using: str) -> claims.Claim:
    if not booking._state.adding and ledger.is_session(booking.busy_interval_id, using=using):
        return claims.Claim.of_seats(booking)
    try:
        inputs.load(booking, "service", using=using)
    except ObjectDoesNotExist:
        missing = _("The service does not exist. Choose another.")
        raise MissingReference(missing) from None
    rules = policies.ServiceRules.of(
        booking.service, default_currency=app_settings.DEFAULT_CURRENCY
    )
    return claims.Claim.of(booking, rules)


def _insert(booking: Booking, claim: claims.Claim | None, *, now: datetime, using: str) -> Booking:
    given_pk, given_reference = booking.pk, booking.reference
    if claim is not None:
        calendar_id = locks.lock_calendar(booking.provider_id, using=using)
        booking.busy_interval_id = ledger.take(calendar_id, claim, using=using)
    else:
        booking.busy_interval_id = None
    try:
        booking.version = 1
        booking.reference = given_reference or book.new_reference(booking, now)
        booking.save_row(using=using)
        store(booking, book.creation(booking, now), using=using)
    except BaseException:
        booking.pk, booking.reference, booking._state.adding = given_pk, given_reference, True
        raise
    return booking


def _update(
    booking: Booking,
    update_fields: Iterable[str] | None,
    *,
    now: datetime,
    using: str,
) -> Booking:
    manager = type(booking)._base_manager.using(using)
    stored_provider = manager.values_list("provider_id", flat=True).filter(pk=booking.pk).first()
    providers = {booking.provider_id, stored_provider} - {None}
    calendars = locks.lock_calendars(providers, using=using)
    row = manager.select_for_update().filter(pk=booking.pk).first()
    if row is None:
        raise gone()
    if row.provider_id not in calendars:
        raise TryAgain
    check_version(row, booking.version)
    changed = _changed_fields(booking, row, update_fields)
    if not changed:
        return row
    held = (row.busy_interval_id, row.party_size)
    old = values_of(row, changed)
    for name in changed:
        field: Any = row._meta.get_field(name)
        row.__dict__[field.attname] = booking.__dict__[field.attname]
        row._state.fields_cache.pop(field.name, None)
    if "party_size" in changed:
        row.capacity_consumed = row.party_size
        changed.add("capacity_consumed")
    _check_prices(row, changed & set(AMOUNTS))
    inputs.check_fields(row, changed & CHECKED_FIELDS)
    if changed & {*AMOUNTS, "currency"}:
        _check_payable(row)
    # By the row's status: the caller's may have changed and be left out by update_fields.
    if row.holds_time and changed & CLAIMED:
        claim = _claim(row, using=using)
        if claim.kind == BusyInterval.Kind.SESSION and not changed & {*AMOUNTS}:
            followed = _follow_seats(row, held[1])
            old |= followed
            changed |= followed.keys()
        calendar_id = calendars[row.provider_id]
        row.busy_interval_id = ledger.move(*held, calendar_id, claim, using=using)
    write_row(row, changed, held, using=using)
    record(
        row,
        _event_type(row, changed, old.get("status")),
        using=using,
        now=now,
        data=old_and_new(old, values_of(row, changed)),
    )
    return row


def _follow_seats(row: Booking, before: int) -> dict[str, Any]:
    """Let a seat cost what it did, of which there were so many; the amounts that followed, as they
    were.
    """
    if row.party_size == before or row.price_amount is None:
        return {}
    old = values_of(row, AMOUNTS)
    price = money.rounded(row.price_amount * row.party_size / before, row.currency)
    if row.total_amount is not None:
        row.total_amount += price - row.price_amount
    row.price_amount = price
    inputs.check_fields(row, AMOUNTS)
    return old


def _changed_fields(
    booking: Booking, row: Booking, update_fields: Iterable[str] | None
) -> set[str]:
    given = None if update_fields is None else set(update_fields)
    return {
        field.name
        for field in row._meta.concrete_fields
        if field.name not in KEPT
        and (given is None or field.name in given or field.attname in given)
        and field.attname in booking.__dict__
        and booking.__dict__[field.attname] != row.__dict__[field.attname]
    }


def _event_type(row: Booking, changed: set[str], old_status: str | None) -> str:
    if "status" in changed:
        if (old_status, row.status) == (Booking.Status.DELIVERED, Booking.Status.CONFIRMED):
            return BookingEvent.EventType.DISPUTED
        if row.auto_cancelled and row.status == Booking.Status.CANCELLED:
            return BookingEvent.EventType.EXPIRED
        return EVENT_OF_STATUS.get(Booking.Status(row.status), BookingEvent.EventType.UPDATED)
    if changed & {"start_at", "end_at", "provider"}:
        return BookingEvent.EventType.RESCHEDULED
    return BookingEvent.EventType.UPDATED
