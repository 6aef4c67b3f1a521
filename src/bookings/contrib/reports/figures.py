"""The numbers of a report, as values. Pure: no ORM, no clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar

from bookings.contrib.reports.periods import Period
from bookings.rules.money import round_amount


class Rate(NamedTuple):
    """A part of a whole."""

    numerator: int
    denominator: int

    @property
    def value(self) -> Fraction | None:
        """The part as a fraction from 0 to 1; ``None`` of nothing."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None


@dataclass(slots=True)
class Amounts:
    """Amounts in one currency."""

    booked: Decimal = Decimal(0)
    """The totals of the bookings that stand."""
    priced: int = 0
    """How many of these have a total."""
    realised: Decimal = Decimal(0)
    """The totals of the completed bookings."""
    paid: Decimal = Decimal(0)
    """What was paid for the bookings, in this currency, whatever became of them."""
    refunded: Decimal = Decimal(0)
    """How much of that was refunded."""

    def add(self, other: Amounts) -> None:
        _add_fields(self, other)

    def average(self, currency: str) -> Decimal | None:
        """Return the average total of a booking that stands; ``None`` if none has a total."""
        return round_amount(self.booked / self.priced, currency) if self.priced else None


@dataclass(slots=True)
class Figures:
    """How many bookings there were, what became of them, and what they are worth."""

    bookings: int = 0
    pending: int = 0
    confirmed: int = 0
    delivered: int = 0
    completed: int = 0
    no_show: int = 0
    declined: int = 0
    lapsed: int = 0
    overdue: int = 0
    cancelled_by_person: int = 0
    cancelled_late: int = 0
    cancelled_by_provider: int = 0
    provider_late: int = 0
    rescheduled: int = 0
    reschedules: int = 0
    booked_ahead: int = 0
    lead_seconds: int = 0
    values: dict[str, Amounts] = field(default_factory=dict)
    """The amounts by currency. Amounts in two currencies are never added up."""

    def add(self, other: Figures) -> None:
        _add_fields(self, other, but=("values",))
        for currency, value in other.values.items():
            self.values.setdefault(currency, Amounts()).add(value)

    @property
    def decided(self) -> int:
        """The bookings of which is known whether they took place."""
        return self.completed + self.no_show

    @property
    def cancelled_by_client(self) -> int:
        return self.cancelled_by_person - self.cancelled_by_provider

    @property
    def late(self) -> int:
        """Those that the client has cancelled late."""
        return self.cancelled_late - self.provider_late

    @property
    def in_time(self) -> int:
        """Those that the client has cancelled in time, or at an unknown instant."""
        return self.cancelled_by_client - self.late

    def rate(self, numerator: str, denominator: str) -> Rate:
        return Rate(getattr(self, numerator), getattr(self, denominator))

    @property
    def lead_time(self) -> timedelta | None:
        """How long before their start the bookings were made, on average."""
        if not self.booked_ahead:
            return None
        return timedelta(seconds=self.lead_seconds // self.booked_ahead)


@dataclass(slots=True)
class Responses:
    """How requests for approval were answered."""

    requests: int = 0
    answered: int = 0
    """Confirmed or declined, with the event of it."""
    within_target: int = 0
    unanswered: int = 0
    """They wait still."""
    unanswered_too_long: int = 0
    """They wait for longer than the target."""
    lapsed: int = 0
    """They expired before they were answered."""
    withdrawn: int = 0
    """They were cancelled before they were answered."""
    median: timedelta | None = None
    """The shortest response time that at least half of the answers keep."""
    p90: timedelta | None = None
    """The shortest response time that at least nine in ten answers keep."""

    def add(self, other: Responses) -> None:
        """Add the numbers of another group. What follows from single times stays as it is."""
        _add_fields(self, other, but=("median", "p90"))

    @property
    def in_target(self) -> Rate:
        """The share that was answered within the target, of all whose answer is known or due."""
        return Rate(self.within_target, self.answered + self.lapsed + self.unanswered_too_long)


@dataclass(slots=True)
class Utilisation:
    """How much of their time providers work, in seconds.

    The properties that say *open* are ``None`` where no app knows opening hours.
    """

    open: int | None = None
    """The opening hours, without time off and external time."""
    service: int = 0
    """The part of it in which there is a service."""
    buffers: int = 0
    """The part of it that only the buffers of bookings take."""
    overtime: int = 0
    """The time of services outside of it."""

    @property
    def rate(self) -> Rate:
        """The part of the open time in which there is a service."""
        return Rate(self.service, self.open) if self.open is not None else Rate(0, 0)

    def add(self, other: Utilisation) -> None:
        """Add another provider, or another period. One without opening hours adds only overtime."""
        if other.open is not None:
            self.open = (self.open or 0) + other.open
        self.service += other.service
        self.buffers += other.buffers
        self.overtime += other.overtime


@dataclass(slots=True)
class Sessions:
    """How full sessions were, and what became of those who waited."""

    sessions: int = 0
    capacity: int = 0
    seats: int = 0
    """The seats of the bookings that stand."""
    accepted: int = 0
    """Entries of the waitlist that became bookings."""
    ended: int = 0
    """Entries that wait no more, whatever became of them."""
    waiting: int = 0
    """Entries that wait, or have an offer."""

    @property
    def seat_rate(self) -> Rate:
        return Rate(self.seats, self.capacity)

    @property
    def waitlist_conversion(self) -> Rate:
        return Rate(self.accepted, self.ended)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """The numbers of one service, provider, tenant, day or other group."""

    key: Any
    label: str
    figures: T


@dataclass(frozen=True, slots=True)
class Report(Generic[T]):
    """A report: its total, and the same numbers for each group."""

    period: Period
    group_by: str
    total: T
    groups: Sequence[Group[T]] = ()

    def by_key(self) -> Mapping[Any, T]:
        return {group.key: group.figures for group in self.groups}


def _add_fields(to: Any, other: Any, but: Collection[str] = ()) -> None:
    for each in fields(to):
        if each.name not in but:
            setattr(to, each.name, getattr(to, each.name) + getattr(other, each.name))
