"""The next starts that are free after one that is not. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from itertools import islice
from typing import Any, Final

from bookings import policies, selectors, slots
from bookings.conf import app_settings
from bookings.exceptions import BookingBusy, BookingError
from bookings.models import Booking
from bookings.services.addons import chosen_addons

SEARCHED: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a booking or a session would be, wherever it starts."""

    service: Any
    provider: Any
    tenant: Any
    now: datetime
    using: str
    addon_ids: Iterable[Any] | None = None
    party_size: int = 1
    override_policy: bool = False
    skip_slot_validation: bool = False
    session_length: timedelta | None = None
    """Of a session, which no slot engine offers and which shares its time with nobody."""

    def engine(self) -> slots.Engine | None:
        """Who says which starts are on offer; ``None`` where any free one is."""
        is_held_to_slots = self.session_length is None and not self.skip_slot_validation
        return slots.load_engine() if is_held_to_slots else None

    def rules(self) -> policies.ServiceRules:
        return policies.ServiceRules.of(
            self.service, default_currency=app_settings.DEFAULT_CURRENCY
        )

    def at(self, start_at: datetime) -> Booking:
        """The booking, not stored, as a slot engine is told of it."""
        rules = self.rules()
        booking = Booking(
            service=self.service,
            provider=self.provider,
            tenant=self.tenant,
            start_at=start_at,
            party_size=self.party_size,
            buffer_before_minutes=rules.buffer_before_minutes,
            buffer_after_minutes=rules.buffer_after_minutes,
        )
        chosen = chosen_addons(
            self.addon_ids,
            service=self.service,
            tenant_key=booking.tenant_id,
            using=self.using,
        )
        extra = sum(getattr(addon, "extra_duration_minutes", 0) or 0 for addon in chosen)
        length = self.session_length or timedelta(minutes=rules.duration_minutes + extra)
        booking.end_at = policies.elapsed_end(start_at, length)
        return booking


def next_free(wish: Wish, start_at: datetime, most: int) -> tuple[datetime, ...]:
    """The next free starts after ``start_at``, within a week, in UTC; as many as ``most``.

    They are those that the slot engine offers, and none if it refuses to say any. Where there is no
    engine they are those that follow at the distance of the booking's length.
    """
    # A start that has passed is no alternative, however long ago the one was that was asked for.
    after = max(start_at, wish.now)
    booking = wish.at(start_at)
    engine = wish.engine()
    if engine is None:
        return tuple(islice(_between_the_busy(wish, booking, after), most))
    try:
        offered = engine(
            service=wish.service,
            provider=wish.provider,
            start_at=after,
            end_at=after + SEARCHED,
            tenant=wish.tenant,
            booking=booking,
            now_dt=wish.now,
            override_policy=wish.override_policy,
        )
    except BookingBusy:
        raise
    except BookingError:
        # A provider without hours, say: what the start itself was refused for.
        return ()
    later = {at for at in slots.starts_of(offered) if after < at < after + SEARCHED}
    return tuple(nsmallest(most, later))


def _between_the_busy(wish: Wish, booking: Booking, after: datetime) -> Iterator[datetime]:
    length = booking.end_at - booking.start_at
    before, behind = (
        timedelta(minutes=minutes)
        for minutes in (booking.buffer_before_minutes, booking.buffer_after_minutes)
    )
    rules = wish.rules()
    busy = selectors.get_busy_intervals(
        wish.provider,
        after - before,
        after + SEARCHED + length + behind,
        service=None if wish.session_length else wish.service,
    )
    at = booking.start_at + length * max(1, -(-(after - booking.start_at) // length))
    while at < after + SEARCHED:
        while busy and busy[0][1] <= at - before:
            busy.pop(0)
        is_free = not busy or busy[0][0] >= at + length + behind
        if is_free and _may_be_booked(wish, rules, at):
            yield at
        at += length


def _may_be_booked(wish: Wish, rules: policies.ServiceRules, at: datetime) -> bool:
    try:
        policies.check_start(
            at, now=wish.now, rules=rules, allow_past=False, override=wish.override_policy
        )
    except BookingError:
        return False
    return True
