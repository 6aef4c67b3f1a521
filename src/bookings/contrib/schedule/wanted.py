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
        cls,
        service: ServiceLike,
        *,
        addons: Iterable[AddonLike] | None = None,
        party_size: int | None = None,
    ) -> Wanted:
        """As ``create_booking`` would make it."""
        rules = _rules_of(service)
        extra = sum(_extra_minutes(addon) for addon in addons or ())
        party_size = 1 if party_size is None else party_size
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
    def of(
        cls,
        booking: Booking,
        service: ServiceLike,
        *,
        addons: Iterable[AddonLike] | None = None,
        party_size: int | None = None,
    ) -> Wanted:
        """As ``reschedule_booking`` would move it: with its own length and buffers.

        Other ``addons`` change the length; those that it keeps last as long as they were booked.
        """
        if party_size is not None:
            raise TypeError("A booking's party_size is its own: pass it without booking=.")
        rules = _rules_of(service)
        length = booking.end_at - booking.start_at
        if addons is not None:
            length += timedelta(minutes=_more_minutes(booking, addons))
        return cls(
            service=service,
            rules=rules,
            duration=-(-length // timedelta(seconds=1)),
            before=60 * booking.buffer_before_minutes,
            after=60 * booking.buffer_after_minutes,
            party_size=booking.party_size,
            capacity=rules.seats(booking.party_size),
            leaving=booking.busy_interval_id,
        )


def _rules_of(service: ServiceLike) -> ServiceRules:
    return ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY)


def _more_minutes(booking: Booking, addons: Iterable[AddonLike]) -> int:
    kept = {addon.addon_id: addon.extra_duration_minutes_snapshot for addon in booking.addons.all()}
    after = sum(kept.get(addon.pk, _extra_minutes(addon)) for addon in addons)
    return after - sum(kept.values())


def _extra_minutes(addon: AddonLike) -> int:
    minutes = getattr(addon, "extra_duration_minutes", 0) or 0
    return whole_number(minutes, "addon.extra_duration_minutes", at_least=0, at_most=MAX_MINUTES)
