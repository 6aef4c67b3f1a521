"""Change a stored booking: lock, read again, decide, write, record the event."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from django.db import router
from django.utils.translation import gettext_lazy as _
from django_fsm import TransitionNotAllowed

from bookings.adapters import get_adapter
from bookings.exceptions import InvalidTransition, StaleBooking
from bookings.ledger import entries, resource_claims
from bookings.ledger.locked import Locked, act_under_lock, fresh
from bookings.models import Booking, BookingResource
from bookings.models.arguments import missing_booking_error, saved_booking
from bookings.rules import validation
from bookings.services import references
from bookings.services.history import old_and_new, record_event
from bookings.services.limit_check import LimitCheck

T = TypeVar("T")
LockedBooking: TypeAlias = Locked[Booking]

# The columns that a transition may set.
LIFECYCLE_FIELDS: Final = (
    "status",
    "expires_at",
    "requested_at",
    "confirmed_at",
    "delivered_at",
    "completed_at",
    "cancelled_at",
    "cancelled_by",
    "cancelled_by_name",
    "cancellation_reason",
    "auto_cancelled",
    "notes_internal",
    "metadata",
)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a row: the event to record, and the columns that were set on the row."""

    event_type: str
    fields: Collection[str] = LIFECYCLE_FIELDS
    message: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def change_booking(
    booking: Booking,
    decide: Callable[[LockedBooking], Change | None],
    *,
    verb: str | None,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
    also_lock: Iterable[Any] = (),
    limit_check: LimitCheck | None = None,
) -> Booking:
    """Lock and read the booking, let ``decide`` change the row, and write the change.

    ``decide`` sets attributes of the row and returns the change, or ``None`` for none. ``verb`` is
    what the adapter's ``check_permission`` is asked for; with ``None`` it is not asked.
    """
    now = references.resolve_now(now_dt)
    actor = references.saved_user(actor, "actor")
    validation.expected_version(expected_version)

    def act(locked: LockedBooking) -> Booking:
        row = locked.row
        check_version(row, expected_version)
        if verb is not None:
            get_adapter().check_permission(actor, verb, row)
        before, held = row.status, (row.busy_interval_id, row.party_size)
        change = decide(locked)
        if change is None:
            return row
        write_row(row, change.fields, held, using=locked.using)
        record_event(
            row,
            change.event_type,
            using=locked.using,
            now=now,
            actor=actor,
            message=change.message,
            data=with_status(change.data, before, row.status),
        )
        return row

    row = with_locked_booking(
        booking, act, now=now, actor=actor, also_lock=also_lock, limit_check=limit_check
    )
    booking.copy_from(row)
    return booking


def with_locked_booking(
    booking: Booking,
    act: Callable[[LockedBooking], T],
    *,
    now: datetime,
    actor: Any = None,
    also_lock: Iterable[Any] = (),
    limit_check: LimitCheck | None = None,
) -> T:
    """Lock the booking's calendars, read its row, and return what ``act`` returns of it.

    They are those of its provider and of its resources, and ``also_lock`` has the keys of further
    providers. It is one transaction. With a ``limit_check`` the client is locked too, so that
    ``act`` can check the limits.
    """
    saved_booking(booking)
    using = router.db_for_write(Booking, instance=booking)

    def read() -> Booking:
        row = fresh(Booking._base_manager.using(using).filter(pk=booking.pk)).first()
        if row is None:
            raise missing_booking_error()
        return row

    return act_under_lock(
        act,
        expected=provider_ids([booking], using=using),
        also_lock=also_lock,
        read=read,
        providers_of=lambda row: provider_ids([row], using=using, lock=True),
        using=using,
        now=now,
        actor=actor,
        lock_client=None
        if limit_check is None
        else partial(limit_check.lock, now=now, using=using),
    )


def with_status(data: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return an event's data, with the old and new status if they differ."""
    return data if new == old else old_and_new({"status": old}, {"status": new}) | data


def write_row(row: Booking, fields: Collection[str], held: tuple[Any, int], *, using: str) -> None:
    """Save these columns and the next version, and release a claim that the row has given up.

    ``held`` is the busy interval and the party size before the change.
    """
    interval_id, seats = held
    if not row.holds_time:
        row.busy_interval_id = None
    row.version += 1
    row.save_row(using=using, update_fields={*fields, "busy_interval", "version", "updated_at"})
    if interval_id is not None and interval_id != row.busy_interval_id:
        entries.release(interval_id, seats, using=using)
    if not row.holds_time:
        release_resources([row], using=using)


def provider_ids(bookings: Iterable[Booking], *, using: str, lock: bool = False) -> set[Any]:
    """Return the keys of the providers and of the resources of bookings.

    It makes no query for bookings without resources. ``lock`` reads the resources as they are now,
    under the locks of the calendars.
    """
    bookings = list(bookings)
    keys = {booking.provider_id for booking in bookings}
    having = [booking.pk for booking in bookings if booking.resource_count]
    if not having:
        return keys
    resources = BookingResource.objects.using(using).filter(booking__in=having)
    rows = fresh(resources) if lock else resources
    return keys.union(rows.values_list("provider_id", flat=True))


def release_resources(bookings: Iterable[Booking], *, using: str) -> None:
    """Release the time of the resources of bookings that hold no time any more."""
    resource_claims.give_up(resource_claims.read(bookings, using=using), using=using)


def apply_transition(
    transition: Callable[..., None], row: Booking, message: Any, **kwargs: Any
) -> None:
    """Apply a transition of the lifecycle, or raise ``InvalidTransition`` with the message.

    ``%(status)s`` in the message is the status of the row.
    """
    try:
        transition(row, **kwargs)
    except TransitionNotAllowed:
        raise InvalidTransition(
            message, params={"status": Booking.Status(row.status).label}
        ) from None


def has_lapsed(row: Booking, now: datetime) -> bool:
    """Return whether the row is a hold or request whose ``expires_at`` has passed."""
    is_pending = row.status == Booking.Status.PENDING
    return is_pending and row.expires_at is not None and row.expires_at <= now


def check_not_lapsed(row: Booking, now: datetime) -> None:
    """Raise ``InvalidTransition`` for a hold or request that has lapsed."""
    if has_lapsed(row, now):
        message = _("The hold has expired. Make a new booking.")
        if row.requested_at is not None:
            message = _("Nobody answered this request in time. Make a new booking.")
        raise InvalidTransition(message, "hold_expired")


def check_started(row: Booking, now: datetime, message: Any) -> None:
    """Raise ``InvalidTransition`` with the message before the start of the booking."""
    if now < row.start_at:
        raise InvalidTransition(
            message, "too_early", params={"status": Booking.Status(row.status).label}
        )


def check_version(row: Booking, expected: int | None) -> None:
    """Raise ``StaleBooking`` if another version is expected than the row has."""
    if expected is not None and row.version != expected:
        raise stale_error()


def stale_error() -> StaleBooking:
    return StaleBooking(_("The booking has changed since it was read. Read it again."))
