"""The rules of booking in plain Python, without a database: what should happen, and which error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bookings import exceptions as errors

PENDING, CONFIRMED, CANCELLED = "PENDING", "CONFIRMED", "CANCELLED"
ACTIVE = (PENDING, CONFIRMED)


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


class Refused(Exception):
    """The rules predict an error."""

    def __init__(self, error: type[errors.BookingError]) -> None:
        self.error = error


@dataclass(frozen=True)
class Offer:
    """A service as the rules know it."""

    duration: int
    before: int = 0
    after: int = 0
    approval: bool = False
    two_sided: bool = False
    cancellable: bool = True
    cancel_notice: int = 0
    movable: bool = True
    move_notice: int = 0
    earliest: int = 0
    latest_days: int | None = None
    seats: int = 1
    price: Decimal | None = None
    grace: int = 1


@dataclass(frozen=True)
class Extra:
    """An add-on as the rules know it."""

    duration: int
    price: Decimal | None


@dataclass
class Record:
    """A booking as the rules know it. ``service``, ``provider`` and ``extras`` are names."""

    service: str
    provider: str
    start: datetime
    name: str
    email: str
    party: int
    offer: Offer
    extras: dict[str, Extra]
    expires: datetime | None
    asked: tuple[Any, ...]
    key: str | None = None
    status: str = CONFIRMED
    confirmed: datetime | None = None
    made: datetime | None = None
    requested: datetime | None = None
    metadata: dict[str, int] = field(default_factory=dict)
    auto_cancelled: bool = False
    history: list[str] = field(default_factory=lambda: ["CREATED"])

    @property
    def end(self) -> datetime:
        extra = sum(extra.duration for extra in self.extras.values())
        return self.start + minutes(self.offer.duration + extra)

    @property
    def total(self) -> Decimal | None:
        prices = [self.offer.price, *(extra.price for extra in self.extras.values())]
        known = [price for price in prices if price is not None]
        return sum(known, Decimal(0)) if known else None

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.start - minutes(self.offer.before), self.end + minutes(self.offer.after)

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_hold(self) -> bool:
        return self.status == PENDING and self.expires is not None and self.requested is None

    @property
    def was_past(self) -> bool:
        """Moved to before it was even made, as only staff can."""
        return self.made is not None and self.start < self.made

    def is_due(self, now: datetime) -> bool:
        return self.status == PENDING and self.expires is not None and self.expires <= now

    @property
    def was_overdue(self) -> bool:
        return self.auto_cancelled and self.ended_by == "AUTO_CANCELLED"

    @property
    def ended_by(self) -> str | None:
        ends = {"CANCELLED", "AUTO_CANCELLED", "EXPIRED", "DECLINED"}
        return next((event for event in reversed(self.history) if event in ends), None)

    def is_overdue(self, now: datetime) -> bool:
        since = max(self.end, self.made or self.end, self.confirmed or self.end)
        return self.is_active and since + minutes(60 * self.offer.grace) <= now

    def overlaps(self, other: Record) -> bool:
        return (
            self.provider == other.provider
            and self.window[0] < other.window[1]
            and self.window[1] > other.window[0]
        )

    def end_as(self, status: str, event: str) -> None:
        self.status = status
        self.history.append(event)


class Rules:
    """All bookings, and what each verb makes of them. A verb that is refused changes nothing."""

    def __init__(
        self, offers: dict[str, Offer], extras: dict[str, Extra], now: datetime, guard: int
    ) -> None:
        self.offers = offers
        self.extras = extras
        self.now = now
        self.guard = guard
        self.records: dict[int, Record] = {}

    # Create

    def create(
        self, number: int, wanted: Record, *, override: bool, allow_past: bool = False
    ) -> int:
        """The number of the booking that is made, or was made with the same key."""
        freed = None
        for earlier, record in self.records.items():
            if wanted.key is not None and record.key == wanted.key:
                if record.asked != wanted.asked:
                    raise Refused(errors.IdempotencyKeyReused)
                if not record.is_due(self.now) and "EXPIRED" not in record.history:
                    return earlier
                freed = record
        offer = wanted.offer
        if offer.seats == 1 and wanted.party != 1:
            raise Refused(errors.InvalidBooking)
        if wanted.party > offer.seats:
            raise Refused(errors.CapacityExceeded)
        self._check_start(wanted.start, offer, allow_past=allow_past, override=override)
        self._check_duplicate(wanted, besides=None)
        self._claim(wanted, besides=None)
        if wanted.expires is not None and wanted.start > self.now:
            wanted.expires = min(wanted.expires, wanted.start)
        held = wanted.expires is not None or offer.approval
        wanted.status = PENDING if held else CONFIRMED
        wanted.confirmed = None if held else self.now
        wanted.made = self.now
        if offer.approval and wanted.expires is None:
            wanted.requested = self.now
        if freed is not None:
            # An expired hold gives its key to the same request.
            freed.key = None
        self.records[number] = wanted
        return number

    def _check_start(
        self, start: datetime, offer: Offer, *, allow_past: bool, override: bool
    ) -> None:
        if start < self.now:
            if not allow_past:
                raise Refused(errors.PastStart)
            return
        if override:
            return
        if start - self.now < minutes(offer.earliest):
            raise Refused(errors.NoticeWindow)
        days_ahead = (start.date() - self.now.date()).days
        if offer.latest_days is not None and days_ahead > offer.latest_days:
            raise Refused(errors.TooFarAhead)

    def _check_duplicate(self, wanted: Record, besides: int | None) -> None:
        for number, record in self.records.items():
            if (
                self.guard
                and number != besides
                and record.is_active
                and not record.is_due(self.now)
                and (record.provider, record.service) == (wanted.provider, wanted.service)
                and abs(record.start - wanted.start) <= minutes(self.guard)
                and self._same_client(wanted, record)
            ):
                raise Refused(errors.DuplicateBooking)

    @staticmethod
    def _same_client(wanted: Record, record: Record) -> bool:
        if wanted.email or record.email:
            return record.email == wanted.email
        return record.name == wanted.name

    def _claim(self, wanted: Record, besides: int | None) -> None:
        """The time is free, or becomes so when holds that have run out make way."""
        error = self._judge(wanted, besides)
        if error is None:
            return
        stale = [
            record
            for record in self.records.values()
            if record.is_due(self.now) and record.overlaps(wanted)
        ]
        for record in stale:
            self._expire(record)
        if besides is not None and not self.records[besides].is_active:
            raise Refused(errors.StaleBooking)
        if not stale:
            raise Refused(error)
        error = self._judge(wanted, besides)
        if error is not None:
            raise Refused(error)

    def _judge(self, wanted: Record, besides: int | None) -> type[errors.BookingError] | None:
        seated = wanted.party
        for number, record in self.records.items():
            if number == besides or not record.is_active or not record.overlaps(wanted):
                continue
            together = (
                wanted.offer.seats > 1
                and record.service == wanted.service
                and record.window == wanted.window
            )
            if not together:
                return errors.BookingConflict
            seated += record.party
        return errors.CapacityExceeded if seated > wanted.offer.seats else None

    # Change

    def _get(self, number: int, expected_version: int | None = None) -> Record:
        if number not in self.records:
            raise Refused(errors.MissingReference)
        record = self.records[number]
        if expected_version is not None and expected_version != len(record.history):
            raise Refused(errors.StaleBooking)
        return record

    def reschedule(
        self,
        number: int,
        *,
        start: datetime,
        provider: str | None,
        extras: list[str] | None,
        override: bool,
        expected_version: int | None,
    ) -> None:
        record = self._get(number, expected_version)
        if not record.is_active or record.is_due(self.now):
            raise Refused(errors.InvalidTransition)
        if not override:
            if not record.offer.movable:
                raise Refused(errors.NotAllowed)
            self._check_notice(record, record.offer.move_notice)
        chosen = record.extras
        if extras is not None:
            chosen = {name: record.extras.get(name, self.extras[name]) for name in extras}
        moved = replace(record, start=start, provider=provider or record.provider, extras=chosen)
        self._check_start(start, record.offer, allow_past=override, override=override)
        if (moved.start, moved.provider, moved.extras) == (
            record.start,
            record.provider,
            record.extras,
        ):
            return
        self._check_duplicate(moved, besides=number)
        self._claim(moved, besides=number)
        moved.history.append("RESCHEDULED")
        self.records[number] = moved

    def move(self, number: int, by: timedelta, *, read: int) -> None:
        """What ``save()`` makes of a booking whose version was ``read`` when it was loaded."""
        record = self._get(number, read)
        moved = replace(record, start=record.start + by)
        if moved.is_active:
            self._claim(moved, besides=number)
        moved.history.append("RESCHEDULED")
        self.records[number] = moved

    def _check_notice(self, record: Record, notice: int) -> None:
        if record.start <= self.now or record.start - self.now < minutes(notice):
            raise Refused(errors.NoticeWindow)

    def cancel(self, number: int, *, override: bool, expected_version: int | None) -> None:
        record = self._get(number, expected_version)
        if record.status == CANCELLED:
            return
        if not record.is_active:
            raise Refused(errors.InvalidTransition)
        if not override:
            if not record.offer.cancellable:
                raise Refused(errors.NotAllowed)
            self._check_notice(record, record.offer.cancel_notice)
        record.end_as(CANCELLED, "CANCELLED")

    def confirm(self, number: int, *, expected_version: int | None) -> None:
        record = self._get(number, expected_version)
        if record.status == CONFIRMED:
            return
        if record.status != PENDING or record.is_due(self.now):
            raise Refused(errors.InvalidTransition)
        self._check_begun(record)
        record.expires = None
        record.confirmed = self.now
        record.end_as(CONFIRMED, "CONFIRMED")

    def _check_begun(self, record: Record) -> None:
        if record.start < self.now and not record.was_past:
            raise Refused(errors.PastStart)

    def submit(self, number: int, name: str | None, *, expected_version: int | None) -> None:
        record = self._get(number, expected_version)
        if record.is_active and not record.is_hold:
            return
        if not record.is_hold or record.is_due(self.now):
            raise Refused(errors.InvalidTransition)
        self._check_begun(record)
        named = replace(record, name=name or record.name)
        if named.name != record.name:
            self._check_duplicate(named, besides=number)
        named.expires = None
        if record.offer.approval:
            named.requested = self.now
            named.history.append("UPDATED")
        else:
            named.confirmed = self.now
            named.end_as(CONFIRMED, "CONFIRMED")
        self.records[number] = named

    def extend(self, number: int, by: int, *, expected_version: int | None) -> None:
        record = self._get(number, expected_version)
        if not record.is_hold or record.is_due(self.now):
            raise Refused(errors.InvalidTransition)
        until = self.now + minutes(by)
        if not record.was_past:
            until = min(until, record.start)
        if record.expires is not None and until > record.expires:
            record.expires = until
            record.history.append("UPDATED")

    def dispute(self, number: int, *, expected_version: int | None) -> None:
        record = self._get(number, expected_version)
        if record.status == CONFIRMED and "DISPUTED" in record.history:
            return
        if record.status != "DELIVERED":
            raise Refused(errors.InvalidTransition)
        self._claim(record, besides=None)
        record.confirmed = self.now
        record.end_as(CONFIRMED, "DISPUTED")

    def reopen(self, number: int, *, expected_version: int | None) -> None:
        record = self._get(number, expected_version)
        if record.is_active:
            return
        if record.status not in (CANCELLED, "DECLINED"):
            raise Refused(errors.InvalidTransition)
        status = PENDING if record.confirmed is None else CONFIRMED
        reopened = replace(record, status=status, auto_cancelled=False)
        self._check_duplicate(reopened, besides=number)
        if reopened.is_due(self.now):
            if reopened.requested is not None:
                reopened.requested, reopened.expires = self.now, None
            else:
                until = self.now + minutes(15)
                is_ahead = reopened.start > self.now
                reopened.expires = min(until, reopened.start) if is_ahead else until
        self._claim(reopened, besides=None)
        reopened.history.append("REOPENED")
        self.records[number] = reopened

    def merge(
        self, number: int, patch: dict[str, int | None], *, expected_version: int | None
    ) -> None:
        record = self._get(number, expected_version)
        after = {key: value for key, value in (record.metadata | patch).items() if value}
        if after != record.metadata:
            record.metadata = after
            record.history.append("UPDATED")

    def decline(self, number: int, *, expected_version: int | None) -> None:
        self._step(number, "DECLINED", (PENDING,), expected_version)

    def deliver(self, number: int, *, expected_version: int | None) -> None:
        self._step(number, "DELIVERED", (CONFIRMED,), expected_version, begun=True)

    def complete(self, number: int, *, expected_version: int | None) -> None:
        sources: tuple[str, ...] = (CONFIRMED, "DELIVERED", "NO_SHOW")
        if number in self.records and self.records[number].offer.two_sided:
            sources = sources[1:]
        self._close(number, "COMPLETED", sources, expected_version)

    def no_show(self, number: int, *, expected_version: int | None) -> None:
        self._close(number, "NO_SHOW", (CONFIRMED, "COMPLETED"), expected_version)

    def _close(
        self, number: int, target: str, sources: tuple[str, ...], expected_version: int | None
    ) -> None:
        """Say what became of it, also after it was cancelled because it was overdue."""
        if number in self.records and self.records[number].was_overdue:
            sources = (*sources, CANCELLED)
        self._step(number, target, sources, expected_version, begun=True)
        self.records[number].auto_cancelled = False

    def _step(
        self,
        number: int,
        target: str,
        sources: tuple[str, ...],
        expected_version: int | None,
        *,
        begun: bool = False,
    ) -> None:
        record = self._get(number, expected_version)
        if record.status == target:
            return
        if record.status not in sources or (begun and self.now < record.start):
            raise Refused(errors.InvalidTransition)
        record.end_as(target, target)

    def expire(self, number: int, *, expected_version: int | None) -> None:
        record = self._get(number, expected_version)
        if record.status == CANCELLED and record.ended_by == "EXPIRED":
            return
        if not record.is_due(self.now):
            raise Refused(errors.InvalidTransition)
        self._expire(record)

    def _expire(self, record: Record) -> None:
        record.auto_cancelled = True
        record.end_as(CANCELLED, "EXPIRED")

    def expire_all(self) -> int:
        """How many holds and requests had expired."""
        due = [record for record in self.records.values() if record.is_due(self.now)]
        for record in due:
            self._expire(record)
        return len(due)

    def cancel_overdue(self) -> int:
        """How many bookings were overdue."""
        overdue = [
            record
            for record in self.records.values()
            if record.is_overdue(self.now) and not record.is_due(self.now)
        ]
        for record in overdue:
            record.auto_cancelled = True
            record.end_as(CANCELLED, "AUTO_CANCELLED")
        return len(overdue)

    def update(self, number: int, name: str, *, expected_version: int | None) -> None:
        record = self._get(number, expected_version)
        if record.name != name:
            record.name = name
            record.history.append("UPDATED")

    def note(self, number: int, *, expected_version: int | None) -> None:
        self._get(number, expected_version).history.append("NOTE_ADDED")

    def delete(self, number: int) -> None:
        self.records.pop(number, None)


def summary(record: Record) -> dict[str, Any]:
    """What the database has to say about the same booking."""
    return {
        "service": record.service,
        "provider": record.provider,
        "start": record.start,
        "end": record.end,
        "name": record.name,
        "party": record.party,
        "status": record.status,
        "expires": record.expires,
        "requested": record.requested,
        "metadata": record.metadata,
        "auto_cancelled": record.auto_cancelled,
        "total": record.total,
        "version": len(record.history),
        "history": record.history,
        "extras": {name: (extra.duration, extra.price) for name, extra in record.extras.items()},
    }
