"""What the history of a booking says about its refund.

The refund policy is for what the client does: a part that the client gives up follows the tier of
that moment, and so does an early start that the client gives up for a later one. What the provider
does costs the client nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bookings.contrib.payments.refund_rules import ZERO
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingEvent

EventType = BookingEvent.EventType

RELEVANT_EVENTS: Final = (
    EventType.CONFIRMED,
    EventType.RESCHEDULED,
    EventType.UPDATED,
    EventType.CANCELLED,
    EventType.REOPENED,
)


@dataclass(frozen=True, slots=True)
class Move:
    """The client has moved the booking away from a start."""

    moved_at: datetime
    old_start_at: datetime


@dataclass(slots=True)
class GivenUpPart:
    """The client has given up a part of a confirmed booking: add-ons, seats or length."""

    given_up_at: datetime
    start_at: datetime
    """The start to which the notice is counted then."""
    moves_before: int
    """How many of the moves came before."""
    amount: Decimal
    """By how much the total was lower afterwards; less where it has grown again since."""
    total_left: Decimal
    """The total without the part."""


@dataclass(slots=True)
class BookingHistory:
    """Moves by the client, and parts that the client has given up, both since the confirmation.

    Until a booking is confirmed, the client owes nothing for giving it up.
    """

    agreed_start_at: datetime
    """The start to which the notice of a cancellation is counted.

    It is the booking's, or a later one from which the provider has moved it.
    """
    moves: list[Move] = field(default_factory=list)
    parts: list[GivenUpPart] = field(default_factory=list)
    is_refunded_in_full: bool = False
    """Whether it was cancelled by the provider, or with everything to be refunded."""

    def notice_at(
        self, now: datetime, start_at: datetime, *, from_first_start: bool, moves_before: int
    ) -> timedelta:
        """Return how long before the start something happens at ``now``, for the refund policy.

        It is never longer than at any of the client's moves before: whoever leaves a start late
        cannot gain by moving far ahead first. With ``from_first_start`` it is not longer either
        than to the start that the client has moved away from first.
        """
        moves = self.moves[:moves_before]
        notices = [start_at - now, *(move.old_start_at - move.moved_at for move in moves)]
        if moves and from_first_start:
            notices.append(moves[0].old_start_at - now)
        return min(notices)


def read_histories(
    bookings: dict[Any, Booking], *, using: str, locked: bool
) -> dict[Any, BookingHistory]:
    """Return the history of each of these bookings, by its key; one query for all.

    ``locked`` reads what is stored now, where the transaction may have an older snapshot.
    """
    events = BookingEvent.objects.using(using).filter(
        booking_id__in=bookings.keys(), event_type__in=RELEVANT_EVENTS
    )
    events_of = defaultdict(list)
    for event in (fresh(events) if locked else events).order_by("pk"):
        events_of[event.booking_id].append(event)
    return {key: read_history(booking, events_of[key]) for key, booking in bookings.items()}


def read_history(booking: Booking, events: Iterable[BookingEvent]) -> BookingHistory:
    """Return what these events of a booking, oldest first, say about its refund."""
    events = list(events)
    first_starts = (event.data["old_start_at"] for event in events if "old_start_at" in event.data)
    start_at = next(map(datetime.fromisoformat, first_starts), booking.start_at)
    history = BookingHistory(start_at)
    for event in events:
        data = event.data
        is_by_client = data.get("by") != "provider"
        if event.event_type == EventType.CONFIRMED:
            history.moves.clear()
            history.parts.clear()
        elif event.event_type == EventType.CANCELLED:
            history.is_refunded_in_full = not is_by_client or data.get("refund") == "full"
        elif event.event_type == EventType.REOPENED:
            history.is_refunded_in_full = False
        else:
            if is_by_client and _is_about_parts(event):
                _add_part(history, event)
            if data.get("new_start_at") != data.get("old_start_at"):
                start_at = datetime.fromisoformat(data["new_start_at"])
                if is_by_client:
                    history.moves.append(Move(event.created_at, history.agreed_start_at))
                else:
                    start_at = max(start_at, history.agreed_start_at)
                history.agreed_start_at = start_at
    return history


def _is_about_parts(event: BookingEvent) -> bool:
    """Return whether the booking has other add-ons, seats or length, and not only another price."""
    return event.event_type == EventType.RESCHEDULED or "new_party_size" in event.data


def _add_part(history: BookingHistory, event: BookingEvent) -> None:
    """Add the part that was given up, or take back the latest ones where the total has grown."""
    old, new = (_amount(event.data.get(f"{side}_total_amount")) for side in ("old", "new"))
    if new < old:
        history.parts.append(
            GivenUpPart(
                event.created_at, history.agreed_start_at, len(history.moves), old - new, new
            )
        )
    growth = new - old
    while growth > ZERO and history.parts:
        part = history.parts[-1]
        taken_back = min(growth, part.amount)
        part.amount -= taken_back
        part.total_left += taken_back
        growth -= taken_back
        if not part.amount:
            history.parts.pop()


def _amount(value: Any) -> Decimal:
    return ZERO if value is None else Decimal(str(value))
