"""The rules of a service, as the core reads them from a host's model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final, TypeAlias

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import (
    CapacityExceeded,
    InvalidBooking,
)
from bookings.rules import instants, lengths, money, prices
from bookings.rules.buffers import BUFFER_FIELDS, buffer_of
from bookings.rules.durations import MINUTES_PER_DAY
from bookings.rules.lengths import DayLengths, Length, WallLength
from bookings.rules.validation import MAX_MINUTES, one_of, whole_number

DEFAULT_CURRENCY_SETTING: Final = "BOOKINGS_DEFAULT_CURRENCY"
"""The setting that gives a service its currency if it has none."""

FIXED: Final = "FIXED"
HOURLY: Final = "HOURLY"
DAILY: Final = "DAILY"
FREE: Final = "FREE"
PRICES_BY_LENGTH: Final = (HOURLY, DAILY)
DERIVED_PRICES: Final = (*PRICES_BY_LENGTH, FREE)
"""The pricing types whose price is not ``price_amount`` itself."""
PRICES_OF_ANY_LENGTH: Final = (FIXED, "", FREE)
"""The pricing types whose price does not depend on the length."""

SLOT: Final = "SLOT"
CONCURRENT: Final = "CONCURRENT"
CAPACITY_MODES: Final = (SLOT, CONCURRENT)
"""What a service's capacity counts: the seats of one slot, or of all bookings at one instant."""

Zone: TypeAlias = Callable[[], tzinfo]
"""Returns the zone of the provider; it is asked only where a day matters."""


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """The attributes that the core reads from a host's service, with their defaults."""

    duration_minutes: int
    """Of a service by the day, 1440 for each day, and at least that."""
    minimum_duration_minutes: int | None
    maximum_duration_minutes: int | None
    duration_step_minutes: int | None
    buffer_before_minutes: int
    buffer_after_minutes: int
    minimum_notice_minutes: int
    maximum_advance_days: int | None
    requires_approval: bool
    cancellation_allowed: bool
    cancellation_notice_minutes: int
    reschedule_allowed: bool
    reschedule_notice_minutes: int
    max_reschedules: int | None
    two_sided_completion: bool
    shared: bool
    capacity: int | None
    capacity_mode: str
    pricing_type: str
    price_amount: Decimal | None
    currency: str
    by_days: DayLengths | None = None
    """The lengths of a service that is booked by the day; ``None`` for one in minutes."""

    @classmethod
    def of(cls, service: Any, *, default_currency: str) -> ServiceRules:
        """Read and validate a service's attributes.

        Raises ``InvalidBooking`` with the name of the wrong attribute.
        """
        by_days = DayLengths.of(service) if is_by_days(service) else None
        if by_days is not None:
            duration_minutes = _nominal_minutes(by_days.own)
        elif getattr(service, "duration_minutes", None) is None:
            raise InvalidBooking(_("Service is missing duration_minutes."), "missing_duration")
        else:
            duration_minutes = _minutes(service, "duration_minutes", at_least=1)
        return cls(
            duration_minutes=duration_minutes,
            minimum_duration_minutes=_optional_minutes(service, "minimum_duration_minutes"),
            maximum_duration_minutes=_optional_minutes(service, "maximum_duration_minutes"),
            duration_step_minutes=_optional_minutes(service, "duration_step_minutes"),
            buffer_before_minutes=_minutes(service, "buffer_before_minutes"),
            buffer_after_minutes=_minutes(service, "buffer_after_minutes"),
            minimum_notice_minutes=_minutes(service, "minimum_notice_minutes"),
            maximum_advance_days=_optional(service, "maximum_advance_days"),
            requires_approval=bool(getattr(service, "requires_approval", False)),
            cancellation_allowed=bool(getattr(service, "cancellation_allowed", True)),
            cancellation_notice_minutes=_minutes(service, "cancellation_notice_minutes"),
            reschedule_allowed=bool(getattr(service, "reschedule_allowed", True)),
            reschedule_notice_minutes=_minutes(service, "reschedule_notice_minutes"),
            max_reschedules=_optional(service, "max_reschedules"),
            two_sided_completion=bool(getattr(service, "two_sided_completion", False)),
            shared=bool(getattr(service, "allow_multiple_clients_per_slot", False)),
            capacity=_optional(service, "capacity"),
            capacity_mode=_capacity_mode(service),
            pricing_type=_text(service, "pricing_type"),
            price_amount=prices.parse_price(
                getattr(service, "price_amount", None), "service.price_amount"
            ),
            currency=prices.currency_of(
                service,
                "service.currency",
                default=default_currency,
                of_default=DEFAULT_CURRENCY_SETTING,
            ),
            by_days=by_days,
        )

    def for_provider(self, provider: Any) -> ServiceRules:
        """Return the rules with a provider's buffers where those are larger.

        Raises ``InvalidBooking`` with the name of a wrong attribute of the provider.
        """
        before, after = (
            max(getattr(self, name), buffer_of(provider, name, "provider"))
            for name in BUFFER_FIELDS
        )
        if (before, after) == (self.buffer_before_minutes, self.buffer_after_minutes):
            return self
        return replace(self, buffer_before_minutes=before, buffer_after_minutes=after)

    def of_length(
        self, minutes: Any = None, days: Any = None, *, prefix: str = "", override: bool = False
    ) -> ServiceRules:
        """Return the rules of a booking whose length the client has chosen; ``None`` for no choice.

        Raises ``InvalidBooking`` (``invalid_duration``) with the name of the argument, which may
        have a ``prefix``, for a length that the service does not offer. With ``override`` any
        positive length will do.
        """
        if minutes is None and days is None:
            return self
        if minutes is not None and days is not None:
            raise lengths.both_units_error(f"{prefix}duration_days")
        name = f"{prefix}duration_{'minutes' if days is None else 'days'}"
        if (days is None) is (self.by_days is not None):
            raise lengths.wrong_unit_error(name, is_by_days=days is None)
        if self.by_days is not None:
            by_days = self.by_days.choose(days, name, override=override)
            if by_days is self.by_days:
                return self
            return replace(self, by_days=by_days, duration_minutes=_nominal_minutes(by_days.own))
        minutes = lengths.chosen_minutes(
            minutes,
            name,
            own=self.duration_minutes,
            least=self.minimum_duration_minutes,
            most=self.maximum_duration_minutes,
            step=self.duration_step_minutes,
            override=override,
        )
        return self if minutes == self.duration_minutes else replace(self, duration_minutes=minutes)

    @property
    def length(self) -> Length:
        """How long a booking lasts without its add-ons."""
        if self.by_days is not None:
            return self.by_days.own
        return timedelta(minutes=self.duration_minutes)

    @property
    def wall_length(self) -> WallLength | None:
        """The length by the wall clock; ``None`` for one of elapsed time."""
        return None if self.by_days is None else self.by_days.own

    @property
    def is_concurrent(self) -> bool:
        """Whether bookings with different starts and lengths share the time of the provider."""
        return self.capacity_mode == CONCURRENT

    @property
    def is_shared(self) -> bool:
        """Whether several bookings share a slot: that takes a capacity as well."""
        return self.shared and self.capacity is not None and not self.is_concurrent

    def price_of(self, start_at: datetime, end_at: datetime, zone: Zone) -> Decimal | None:
        """Return the price of a booking between two instants, without add-ons, by the pricing type.

        The minutes of an add-on are not charged by the hour, because it has a price of its own.
        """
        return price_by_length(
            self.pricing_type,
            self.price_amount,
            self.currency,
            start_at=start_at,
            end_at=end_at,
            zone=zone,
        )

    @property
    def has_seats(self) -> bool:
        """Whether a booking may take several seats, beside others."""
        return self.shared or self.is_concurrent

    def seats(self, party_size: int) -> int:
        """Return the capacity of the interval that a party of this size books.

        Raises ``InvalidBooking`` for a size that is no positive whole number, or above 1 where
        clients do not share, or for a concurrent service without a capacity, and
        ``CapacityExceeded`` for a size that can never fit.
        """
        whole_number(party_size, "party_size", at_least=1)
        if not self.has_seats and party_size != 1:
            raise InvalidBooking(
                _("Party size must be 1 for services that do not allow multiple clients per slot."),
                "party_size",
                field="party_size",
            )
        if not (self.is_shared or self.is_concurrent):
            return party_size
        if self.capacity is None:
            raise InvalidBooking(
                _("A service with concurrent bookings needs a capacity. Set one."),
                field="service.capacity",
            )
        capacity = self.capacity
        if party_size > capacity:
            raise CapacityExceeded(
                _("A party of %(party)d does not fit: the service takes %(remaining)d at most."),
                params={"party": party_size},
                remaining=capacity,
            )
        return capacity


def has_seats(service: Any) -> bool:
    """Return whether a booking of a service may take several seats, whatever else is invalid."""
    shared = getattr(service, "allow_multiple_clients_per_slot", False)
    return bool(shared) or getattr(service, "capacity_mode", "") == CONCURRENT


def is_by_days(service: Any) -> bool:
    """Return whether bookings of a service end by the wall clock, whatever else is invalid."""
    return (
        getattr(service, "duration_days", None) is not None
        or getattr(service, "ends_at_time", None) is not None
    )


def spans_closures(service: Any) -> bool:
    """Return whether bookings of a service may last while the provider is closed."""
    return bool(getattr(service, "spans_closures", False))


def end_of(start_at: datetime, length: Length, zone: Zone) -> datetime:
    """Return the end of what lasts so long from ``start_at``, which is in UTC."""
    if isinstance(length, WallLength):
        return length.end_at(start_at, zone())
    return instants.add_elapsed(start_at, length)


def price_by_length(
    pricing_type: str,
    unit_price: Decimal | None,
    currency: str,
    *,
    start_at: datetime,
    end_at: datetime,
    zone: Zone,
) -> Decimal | None:
    """Return the price for the time between two instants in UTC, by a pricing type and a service's
    ``price_amount``.
    """
    if pricing_type == FREE:
        return Decimal(0)
    if unit_price is None or pricing_type not in PRICES_BY_LENGTH:
        return unit_price
    if pricing_type == HOURLY:
        return money.hourly_price(unit_price, end_at - start_at, currency)
    return money.round_amount(unit_price * lengths.started_days(start_at, end_at, zone()), currency)


def _nominal_minutes(length: WallLength) -> int:
    return MINUTES_PER_DAY * max(1, length.days)


def _minutes(service: Any, name: str, *, at_least: int = 0) -> int:
    value = getattr(service, name, 0)
    return whole_number(
        0 if value is None else value, f"service.{name}", at_least=at_least, at_most=MAX_MINUTES
    )


def _optional(service: Any, name: str) -> int | None:
    value = getattr(service, name, None)
    return None if value is None else whole_number(value, f"service.{name}", at_least=0)


def _capacity_mode(service: Any) -> str:
    """Return the mode; empty is the same as SLOT."""
    mode = _text(service, "capacity_mode") or SLOT
    return one_of(mode, "service.capacity_mode", CAPACITY_MODES)


def _optional_minutes(service: Any, name: str) -> int | None:
    value = getattr(service, name, None)
    if value is None:
        return None
    return whole_number(value, f"service.{name}", at_least=1, at_most=MAX_MINUTES)


def _text(service: Any, name: str) -> str:
    value = getattr(service, name, "") or ""
    if not isinstance(value, str):
        raise InvalidBooking(
            _("%(name)s must be text, not %(type)s."),
            params={"name": f"service.{name}", "type": type(value).__name__},
        )
    return value
