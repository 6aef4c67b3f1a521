"""What somebody wants to book: how long it takes, and how many seats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from bookings.conf import app_settings
from bookings.models import Booking
from bookings.policies import MAX_MINUTES, ServiceRules, whole_number
from bookings.protocols import AddonLike, ServiceLike


@dataclass(frozen=True, slots=True)
class Wanted:
    """A booking that is not made yet, or one to be moved. Lengths of time are seconds."""

    service: ServiceLike
    rules: ServiceRules
    duration: int
    before: int
    after: int
    party_size: int
    capacity: int
    """The seats of the slot that it would have."""
    leaving: int | None = None
    """The busy interval of a booking to be moved, which gives up ``party_size`` seats there."""

    @classmethod
    def new(
        cls, service: ServiceLike, *, addons: Iterable[AddonLike] = (), party_size: int = 1
    ) -> Wanted:
        """As ``create_booking`` would make it."""
        rules = _rules_of(service)
        extra = sum(_extra_minutes(addon) for addon in addons)
        return cls(
            service=service,
            rules=rules,
            duration=60 * (rules.duration_minutes + extra),
            before=60 * rules.buffer_before_minutes,
            after=60 * rules.buffer_after_minutes,
            party_size=party_size,
            capacity=rules.seats(party_size),
        )

    @classmethod
    def of(cls, booking: Booking, service: ServiceLike) -> Wanted:
        """As ``reschedule_booking`` would move it: with its own length and buffers."""
        rules = _rules_of(service)
        return cls(
            service=service,
            rules=rules,
            duration=-((booking.start_at - booking.end_at) // timedelta(seconds=1)),
            before=60 * booking.buffer_before_minutes,
            after=60 * booking.buffer_after_minutes,
            party_size=booking.party_size,
            capacity=rules.seats(booking.party_size),
            leaving=booking.busy_interval_id,
        )


def _rules_of(service: ServiceLike) -> ServiceRules:
    return ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY)


def _extra_minutes(addon: AddonLike) -> int:
    minutes = getattr(addon, "extra_duration_minutes", 0) or 0
    return whole_number(minutes, "addon.extra_duration_minutes", at_least=0, at_most=MAX_MINUTES)
