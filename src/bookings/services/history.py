"""Record events of bookings, and send their signals on commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from django.db import models

from bookings import consequences, signals
from bookings.ledger.transactions import send_on_commit
from bookings.models import Booking, BookingEvent
from bookings.models.bulk_rows import has_save_receivers, insert_rows
from bookings.rules import validation


def record_event(
    booking: Booking,
    event_type: str,
    *,
    using: str,
    now: datetime,
    actor: Any = None,
    message: str = "",
    data: dict[str, Any] | None = None,
) -> BookingEvent:
    """Store an event, apply its consequences, and send its signal on commit."""
    event = BookingEvent(
        booking=booking,
        event_type=event_type,
        actor_user=actor,
        message=message,
        data=data or {},
        created_at=now,
    )
    save_event(booking, event, using=using)
    consequences.apply_event([booking.pk], event_type, using=using, now=now)
    return event


def save_event(booking: Booking, event: BookingEvent, *, using: str) -> None:
    """Store an event and send its signal on commit."""
    event.save(using=using, force_insert=True)
    send_signal_on_commit(booking, event, using=using)
    after_events([booking.pk], event.event_type, using=using)


def save_events(events: Sequence[BookingEvent], *, using: str) -> None:
    """Store events in one statement and send their signals on commit.

    Each event has its booking, as it is stored now.
    """
    if has_save_receivers(BookingEvent):
        for event in events:
            event.save(using=using, force_insert=True)
    else:
        insert_rows(BookingEvent.objects.using(using), events)
    keys_by_type: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        keys_by_type[event.event_type].append(event.booking_id)
        if signals.BY_EVENT[event.event_type].has_listeners(Booking):
            send_signal_on_commit(event.booking, event, using=using)
    for event_type, keys in keys_by_type.items():
        after_events(keys, event_type, using=using)


def record_events(
    booking_ids: Sequence[Any],
    event_type: str,
    data: dict[str, Any],
    *,
    using: str,
    now: datetime,
    actor: Any = None,
    message: str = "",
) -> None:
    """Store an equal event of each booking, as :func:`record_event` does for one.

    The bookings are read only if the signal has receivers.
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
    consequences.apply_event(booking_ids, event_type, using=using, now=now)
    after_events(booking_ids, event_type, using=using)
    if not signals.BY_EVENT[event_type].has_listeners(Booking):
        return
    bookings = Booking._base_manager.using(using).in_bulk(booking_ids)
    for event in events:
        event.booking = bookings[event.booking_id]
        send_signal_on_commit(event.booking, event, using=using)


class Follower(Protocol):
    def __call__(self, booking_ids: Sequence[Any], event_type: str, *, using: str) -> None: ...


_followers: Final[list[Follower]] = []


def follow_events(follower: Follower) -> None:
    """Call a function of another module of this package after events have been stored.

    It imports this one, so this one cannot import it. It is called in the transaction.
    """
    _followers.append(follower)


def after_events(booking_ids: Sequence[Any], event_type: str, *, using: str) -> None:
    """Call the functions that follow events which have just been stored."""
    for follower in _followers:
        follower(booking_ids, event_type, using=using)


def send_signal_on_commit(booking: Booking, event: BookingEvent, *, using: str) -> None:
    """Send the signal of a stored event once the transaction has been committed."""
    signal = signals.BY_EVENT[event.event_type]
    send_on_commit(signal, Booking, using=using, booking=booking, event=event)


ON_BEHALF_OF: Final = ("client", "provider")
"""On whose behalf a booking is cancelled or moved."""


def on_behalf_data(by: str) -> dict[str, Any]:
    """Return event data that says who has caused the change: ``by`` is one of ``ON_BEHALF_OF``.

    The client is not named, because callers that do not say who it was mean the client.
    Raises ``InvalidBooking`` for another value.
    """
    on_behalf_of = validation.one_of(by, "by", ON_BEHALF_OF)
    return {"by": on_behalf_of} if on_behalf_of == "provider" else {}


def field_values(booking: Booking, names: Iterable[str]) -> dict[str, Any]:
    """Return values of a booking by the names of the fields; of a foreign key its key."""
    fields: list[Any] = [booking._meta.get_field(name) for name in names]
    return {field.name: getattr(booking, field.attname) for field in fields}


def old_and_new(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return ``{"old_start_at": …, "new_start_at": …}`` with values that JSON can hold."""
    return {f"old_{name}": to_json(value) for name, value in old.items()} | {
        f"new_{name}": to_json(value) for name, value in new.items()
    }


def to_json(value: Any) -> Any:
    """Return a value for JSON: datetimes in UTC as ISO 8601, keys and amounts as text."""
    if isinstance(value, models.Model):
        value = value.pk
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if value is None or isinstance(value, bool | int | float | dict | list):
        return value
    return str(value)
