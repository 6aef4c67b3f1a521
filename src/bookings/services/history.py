"""Write the one event of a change, and tell the world on commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import models, transaction

from bookings import consequences, signals
from bookings.models import Booking, BookingEvent


def record(
    booking: Booking,
    event_type: str,
    *,
    using: str,
    now: datetime,
    actor: Any = None,
    message: str = "",
    data: dict[str, Any] | None = None,
) -> BookingEvent:
    event = BookingEvent(
        booking=booking,
        event_type=event_type,
        actor_user=actor,
        message=message,
        data=data or {},
        created_at=now,
    )
    store(booking, event, using=using)
    consequences.draw([booking.pk], event_type, using=using, now=now)
    return event


def store(booking: Booking, event: BookingEvent, *, using: str) -> None:
    event.save(using=using, force_insert=True)
    announce(booking, event, using=using)


def record_many(
    booking_ids: Sequence[Any],
    event_type: str,
    data: dict[str, Any],
    *,
    using: str,
    now: datetime,
    actor: Any = None,
    message: str = "",
) -> None:
    """One event for each booking, in one statement where the database can.

    The bookings are read if somebody listens, and not for nothing.
    """
    events = BookingEvent.objects.using(using).bulk_create(
        BookingEvent(
            booking_id=key,
            event_type=event_type,
            actor_user=actor,
            message=message,
            data=data,
            created_at=now,
        )
        for key in booking_ids
    )
    consequences.draw(booking_ids, event_type, using=using, now=now)
    if not signals.BY_EVENT[event_type].has_listeners(Booking):
        return
    bookings = Booking._base_manager.using(using).in_bulk(booking_ids)
    for event in events:
        event.booking = bookings[event.booking_id]
        announce(event.booking, event, using=using)


def announce(booking: Booking, event: BookingEvent, *, using: str) -> None:
    signal = signals.BY_EVENT[event.event_type]
    transaction.on_commit(
        partial(signal.send_robust, sender=Booking, booking=booking, event=event, using=using),
        using=using,
        robust=True,
    )


def values_of(booking: Booking, names: Iterable[str]) -> dict[str, Any]:
    """A booking's values by name; of a foreign key the key, which it takes no query to know."""
    fields: list[Any] = [booking._meta.get_field(name) for name in names]
    return {field.name: getattr(booking, field.attname) for field in fields}


def old_and_new(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """``{"old_start_at": …, "new_start_at": …}``, as values that JSON can hold."""
    return {f"old_{name}": plain(value) for name, value in old.items()} | {
        f"new_{name}": plain(value) for name, value in new.items()
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: instants in UTC as ISO 8601, keys and amounts as text."""
    if isinstance(value, models.Model):
        value = value.pk
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if value is None or isinstance(value, bool | int | float | dict | list):
        return value
    return str(value)
