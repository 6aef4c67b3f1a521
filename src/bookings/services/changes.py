"""How every verb changes a booking that exists: lock, read again, decide, write, record."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import router
from django.utils.translation import gettext_lazy as _
from django_fsm import TransitionNotAllowed

from bookings import ledger, locks
from bookings.adapters import get_adapter
from bookings.exceptions import InvalidTransition, MissingReference, StaleBooking
from bookings.models import Booking
from bookings.services import inputs
from bookings.services.allowance import Allowance
from bookings.services.history import old_and_new, record
from bookings.transactions import TryAgain, atomically

T = TypeVar("T")

# What a transition may set on the row.
LIFECYCLE_FIELDS: Final = (
    "status",
    "expires_at",
    "requested_at",
    "confirmed_at",
    "delivered_at",
    "completed_at",
    "cancelled_at",
    "cancelled_by",
    "cancellation_reason",
    "auto_cancelled",
    "notes_internal",
    "metadata",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What a verb decided: the event to record, and which columns it set on the row."""

    event_type: str
    fields: Collection[str] = LIFECYCLE_FIELDS
    message: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Locked:
    """A booking's row, read under the lock of its calendar, and who acts on it when."""

    row: Booking
    calendars: dict[Any, int]
    using: str
    now: datetime
    actor: Any


def change_booking(
    booking: Booking,
    decide: Callable[[Locked], Change | None],
    *,
    verb: str | None,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
    also_lock: Any = None,
    allowance: Allowance | None = None,
) -> Booking:
    """Apply what ``decide`` makes of the row under the lock; ``None`` means nothing to do.

    Without a ``verb`` nobody does it, so nobody's permission is asked for.
    """
    now = inputs.moment(now_dt)
    actor = inputs.user(actor, "actor")
    inputs.version(expected_version)

    def write(at: Locked) -> Booking:
        row = at.row
        check_version(row, expected_version)
        if verb is not None:
            get_adapter().check_permission(actor, verb, row)
        before, held = row.status, (row.busy_interval_id, row.party_size)
        change = decide(at)
        if change is None:
            return row
        write_row(row, change.fields, held, using=at.using)
        record(
            row,
            change.event_type,
            using=at.using,
            now=now,
            actor=actor,
            message=change.message,
            data=with_status(change.data, before, row.status),
        )
        return row

    fresh = under_lock(
        booking, write, now=now, actor=actor, also_lock=also_lock, allowance=allowance
    )
    booking.take_over(fresh)
    return booking


def under_lock(
    booking: Booking,
    act: Callable[[Locked], T],
    *,
    now: datetime,
    actor: Any = None,
    also_lock: Any = None,
    allowance: Allowance | None = None,
) -> T:
    """Lock the booking's calendar, then its row, and ``act`` on what is stored, all or nothing.

    ``also_lock`` is the key of another provider. Of an ``allowance`` the client is locked, for
    ``act`` to check it.
    """
    check_saved(booking)
    using = router.db_for_write(Booking, instance=booking)
    provider_id = booking.provider_id

    def write() -> T:
        nonlocal provider_id
        providers = {provider_id} if also_lock is None else {provider_id, also_lock}
        calendars = locks.lock_calendars(providers, using=using)
        if allowance is not None:
            allowance.lock(now=now, using=using)
        rows = Booking._base_manager.using(using).select_for_update()
        row = rows.filter(pk=booking.pk).first()
        if row is None:
            raise gone()
        if row.provider_id != provider_id:
            provider_id = row.provider_id
            raise TryAgain
        return act(Locked(row, calendars, using, now, actor))

    return atomically(write, using=using)


def with_status(data: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """An event's data, with the statuses where they differ."""
    return data if new == old else old_and_new({"status": old}, {"status": new}) | data


def write_row(row: Booking, fields: Collection[str], held: tuple[Any, int], *, using: str) -> None:
    """Write the columns, the next version, and let go of the claim that the row no longer has."""
    interval_id, seats = held
    if not row.holds_time:
        row.busy_interval_id = None
    row.version += 1
    row.save_row(using=using, update_fields={*fields, "busy_interval", "version", "updated_at"})
    if interval_id is not None and interval_id != row.busy_interval_id:
        ledger.release(interval_id, seats, using=using)


def step(transition: Callable[..., None], row: Booking, message: Any, **kwargs: Any) -> None:
    """Take a transition, or raise ``InvalidTransition`` with ``message``."""
    try:
        transition(row, **kwargs)
    except TransitionNotAllowed:
        raise InvalidTransition(
            message, params={"status": Booking.Status(row.status).label}
        ) from None


def has_run_out(row: Booking, now: datetime) -> bool:
    """Whether it is a hold, or a request, that nobody confirmed by its ``expires_at``."""
    is_pending = row.status == Booking.Status.PENDING
    return is_pending and row.expires_at is not None and row.expires_at <= now


def check_hold(row: Booking, now: datetime) -> None:
    """What has run out keeps no time any more, so it can be neither confirmed nor moved."""
    if has_run_out(row, now):
        why = _("The hold has expired. Make a new booking.")
        if row.requested_at is not None:
            why = _("Nobody answered this request in time. Make a new booking.")
        raise InvalidTransition(why, "hold_expired")


def not_before_start(row: Booking, now: datetime, message: Any) -> None:
    if now < row.start_at:
        raise InvalidTransition(
            message, "too_early", params={"status": Booking.Status(row.status).label}
        )


def check_saved(booking: Any) -> None:
    if not isinstance(booking, Booking) or booking._state.adding or booking._get_pk_val() is None:
        raise gone()


def check_version(row: Booking, expected: int | None) -> None:
    if expected is not None and row.version != expected:
        raise StaleBooking(_("The booking has changed since it was read. Read it again."))


def gone() -> MissingReference:
    return MissingReference(_("The booking is not saved, or has been deleted."))
