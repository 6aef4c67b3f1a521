"""The rules, as pure functions: no ORM, no clock, no settings.

Durations are whole minutes, instants are aware datetimes, and ``now`` is always an argument. A
boundary belongs to the client: a notice of 60 minutes is kept by someone who acts exactly 60
minutes before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils.timezone import is_naive
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings import money, prices
from bookings.constraints import MAX_SECOND
from bookings.exceptions import (
    CapacityExceeded,
    InvalidBooking,
    NoticeWindow,
    PastStart,
    TooFarAhead,
)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_MINUTES: Final = 60 * 24 * 366 * 10
"""Ten years: longer durations and buffers are slips of the keyboard."""

MAX_HOURS: Final = MAX_MINUTES // 60

DEFAULT_CURRENCY: Final = "BOOKINGS_DEFAULT_CURRENCY"
"""Where the currency of a service comes from that has none of its own."""

FIXED: Final = "FIXED"
HOURLY: Final = "HOURLY"
FREE: Final = "FREE"
MAKES_PRICES: Final = (HOURLY, FREE)
"""The pricing types that make something else of ``price_amount``; all others leave it alone."""


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """What the core reads from a host's service, with its defaults."""

    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    minimum_notice_minutes: int
    maximum_advance_days: int | None
    requires_approval: bool
    cancellation_allowed: bool
    cancellation_notice_minutes: int
    reschedule_allowed: bool
    reschedule_notice_minutes: int
    two_sided_completion: bool
    shared: bool
    capacity: int | None
    pricing_type: str
    price_amount: Decimal | None
    currency: str

    @classmethod
    def of(cls, service: Any, *, default_currency: str) -> ServiceRules:
        """Read and check a service's attributes; raises ``InvalidBooking`` naming the wrong one."""
        if getattr(service, "duration_minutes", None) is None:
            raise InvalidBooking(_("Service is missing duration_minutes."), "missing_duration")
        return cls(
            duration_minutes=_minutes(service, "duration_minutes", at_least=1),
            buffer_before_minutes=_minutes(service, "buffer_before_minutes"),
            buffer_after_minutes=_minutes(service, "buffer_after_minutes"),
            minimum_notice_minutes=_minutes(service, "minimum_notice_minutes"),
            maximum_advance_days=_optional(service, "maximum_advance_days"),
            requires_approval=bool(getattr(service, "requires_approval", False)),
            cancellation_allowed=bool(getattr(service, "cancellation_allowed", True)),
            cancellation_notice_minutes=_minutes(service, "cancellation_notice_minutes"),
            reschedule_allowed=bool(getattr(service, "reschedule_allowed", True)),
            reschedule_notice_minutes=_minutes(service, "reschedule_notice_minutes"),
            two_sided_completion=bool(getattr(service, "two_sided_completion", False)),
            shared=bool(getattr(service, "allow_multiple_clients_per_slot", False)),
            capacity=_optional(service, "capacity"),
            pricing_type=_text(service, "pricing_type"),
            price_amount=prices.price(
                getattr(service, "price_amount", None), "service.price_amount"
            ),
            currency=prices.currency(
                service, "service.currency", default=default_currency, of_default=DEFAULT_CURRENCY
            ),
        )

    @property
    def is_shared(self) -> bool:
        """Whether bookings may sit in one slot. Without a capacity a party has it to itself."""
        return self.shared and self.capacity is not None

    @property
    def price(self) -> Decimal | None:
        """What it costs without add-ons, by its pricing type; ``None`` where nothing has a price.

        An add-on's minutes are not charged by the hour: it has a price of its own.
        """
        return self.price_of(timedelta(minutes=self.duration_minutes))

    def price_of(self, length: timedelta) -> Decimal | None:
        """What it costs where it takes so long."""
        if self.pricing_type == FREE:
            return Decimal(0)
        if self.pricing_type == HOURLY and self.price_amount is not None:
            return money.by_the_hour(self.price_amount, length, self.currency)
        return self.price_amount

    def seats(self, party_size: int) -> int:
        """The capacity of the slot that a party of this size books.

        Raises ``InvalidBooking`` for a size that is no positive whole number, or above 1 where
        clients do not share, and ``CapacityExceeded`` for one that can never fit.
        """
        whole_number(party_size, "party_size", at_least=1)
        if not self.shared and party_size != 1:
            raise InvalidBooking(
                _("Party size must be 1 for services that do not allow multiple clients per slot."),
                "party_size",
            )
        if not self.is_shared:
            return party_size
        capacity: int = self.capacity  # type: ignore[assignment]
        if party_size > capacity:
            raise CapacityExceeded(
                _("A party of %(party)d does not fit: the service takes %(remaining)d at most."),
                params={"party": party_size, "remaining": capacity},
            )
        return capacity


def whole_number(value: Any, name: str, *, at_least: int, at_most: int = 2**31 - 1) -> int:
    """``value`` if it is an ``int`` within the bounds; else ``InvalidBooking`` with the name."""
    if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= at_most:
        raise InvalidBooking(
            _("%(name)s must be a whole number from %(least)d to %(most)d, not %(value)r."),
            params={"name": name, "least": at_least, "most": at_most, "value": value},
        )
    return value


def _minutes(service: Any, name: str, *, at_least: int = 0) -> int:
    value = getattr(service, name, 0)
    return whole_number(
        0 if value is None else value, f"service.{name}", at_least=at_least, at_most=MAX_MINUTES
    )


def _optional(service: Any, name: str) -> int | None:
    value = getattr(service, name, None)
    return None if value is None else whole_number(value, f"service.{name}", at_least=0)


def _text(service: Any, name: str) -> str:
    value = getattr(service, name, "") or ""
    if not isinstance(value, str):
        raise InvalidBooking(
            _("%(name)s must be text, not %(type)s."),
            params={"name": f"service.{name}", "type": type(value).__name__},
        )
    return value


def instant(value: Any, name: str) -> datetime:
    """An aware datetime, in UTC; a naive one is refused, for nobody can know what it means.

    In UTC, because Python compares and subtracts two datetimes of one other zone by the wall clock,
    which is off by an hour on the night of a DST change.
    """
    if not isinstance(value, datetime):
        raise InvalidBooking(
            _("%(name)s must be a timezone-aware datetime, not %(type)s."),
            params={"name": name, "type": type(value).__name__},
        )
    if is_naive(value):
        raise InvalidBooking(
            _("%(name)s must be timezone-aware."), "naive_datetime", params={"name": name}
        )
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise out_of_range() from None


def floor_second(value: datetime) -> int:
    """The Unix second that contains an instant, in integers: floats blur the microseconds."""
    since = value - EPOCH
    return since.days * 86400 + since.seconds


def ceil_second(value: datetime) -> int:
    """The first Unix second that is not before an instant."""
    return floor_second(value) + (1 if value.microsecond else 0)


def elapsed_end(start_at: datetime, length: timedelta) -> datetime:
    """``length`` of elapsed time after ``start_at``, which is in UTC."""
    try:
        return start_at + length
    except OverflowError:
        raise out_of_range() from None


def out_of_range() -> InvalidBooking:
    return InvalidBooking(
        _("The time must lie between the years 1970 and 4147, buffers included."), "out_of_range"
    )


def busy_seconds(
    start_at: datetime, end_at: datetime, buffer_before_minutes: int, buffer_after_minutes: int
) -> tuple[int, int]:
    """The half-open stretch ``[starts, ends)`` that a booking takes, in Unix seconds, outward."""
    if end_at <= start_at:
        raise InvalidBooking({"end_at": _("End time must be after start time.")})
    starts = floor_second(start_at) - 60 * buffer_before_minutes
    ends = ceil_second(end_at) + 60 * buffer_after_minutes
    if starts < 0 or ends > MAX_SECOND:
        raise out_of_range()
    return starts, ends


def check_start(
    start_at: datetime, *, now: datetime, rules: ServiceRules, allow_past: bool, override: bool
) -> None:
    """Hold a start to the clock and the service's window of booking."""
    if start_at < now:
        if allow_past:
            return
        raise PastStart(_("start_at has passed. Choose a later start."))
    if override:
        return
    ahead = start_at - now
    if ahead < timedelta(minutes=rules.minimum_notice_minutes):
        raise NoticeWindow(
            ngettext_lazy(
                "This service must be booked at least %(minutes)d minute ahead.",
                "This service must be booked at least %(minutes)d minutes ahead.",
                rules.minimum_notice_minutes,
            ),
            "minimum_notice",
            params={"minutes": rules.minimum_notice_minutes},
        )
    days = rules.maximum_advance_days
    # A column takes more days than a timedelta does.
    if days is not None and ahead > timedelta(days=min(days, timedelta.max.days)):
        raise TooFarAhead(
            ngettext_lazy(
                "This service can be booked at most %(days)d day ahead.",
                "This service can be booked at most %(days)d days ahead.",
                days,
            ),
            params={"days": days},
        )


def within_notice(start_at: datetime, *, now: datetime, notice_minutes: int) -> bool:
    """Whether it is too late: strictly less than the notice remains before the start."""
    return notice_minutes > 0 and start_at - now < timedelta(minutes=notice_minutes)
