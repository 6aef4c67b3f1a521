"""Generate: the business hours of a provider, filled with sessions of a service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final, TypeAlias

from django.db import router, transaction

from bookings import batches, claims, locks, policies, prices
from bookings.conf import app_settings
from bookings.constraints import MAX_SECOND
from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.business_hours import Timetable, hours_of
from bookings.contrib.group_sessions.dates import check_in_order
from bookings.contrib.group_sessions.locking import rows
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.rules import check_offer, check_offered, check_session
from bookings.contrib.group_sessions.storing import store
from bookings.exceptions import BookingConflict
from bookings.models import BusyInterval
from bookings.policies import ServiceRules
from bookings.protocols import ProviderLike, ServiceLike
from bookings.services import inputs
from bookings.services.expire import expire_stale_holds
from bookings.transactions import atomically

SHORTEST_MINUTES: Final = 15
LONGEST_MINUTES: Final = 480
CHUNK: Final = 500

Progress: TypeAlias = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class SlotConflict:
    """A slot that got no session, because the provider's time is taken."""

    start_at: datetime
    end_at: datetime
    kind: BusyInterval.Kind
    """What takes it: a booking, another session, time off, another calendar's event."""

    @property
    def reason(self) -> str:
        return str(self.kind.label)


@dataclass(frozen=True, slots=True)
class Generated:
    """What became of the slots."""

    created: int
    existing: int
    """Those that had their session already, also if that is cancelled or has been moved away."""
    conflicts: tuple[SlotConflict, ...]
    starts: tuple[datetime, ...] = ()
    """Of a dry run: when those would start that would be made."""

    def __add__(self, other: Generated) -> Generated:
        return Generated(
            self.created + other.created,
            self.existing + other.existing,
            self.conflicts + other.conflicts,
            self.starts + other.starts,
        )


def generate_sessions(
    *,
    provider: ProviderLike,
    service: ServiceLike,
    start_date: date,
    end_date: date,
    slot_duration_minutes: int,
    capacity: int,
    title: str = "",
    price_amount: Decimal | None = None,
    meeting_link: str = "",
    enable_waitlist: bool = False,
    waitlist_offer_minutes: int | None = None,
    tenant: Any = None,
    created_by: Any = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Generated:
    """Publish a session for every slot in the provider's business hours from ``start_date`` to
    ``end_date``, both included, by the dates on which shifts begin in the schedule's zone.

    Slots of ``slot_duration_minutes`` (15 to 480, of elapsed time) follow one another from the
    beginning of each shift, the service's buffers between them, as long as one fits in. Those that
    have begun are left out, and so are closures, public holidays and dates with other hours. The
    last date may lie 90 days ahead. Without ``price_amount``, a service that is priced by the hour
    is priced by the slot's length. The other arguments are those of :func:`create_session`.

    A slot whose session exists, even cancelled, is left as it is, and so is one whose session staff
    have moved away, so it may be called again at any time, and in several places at once. A slot
    whose time is taken is reported in ``conflicts``, and the others are made all the same. They are
    stored in chunks, each a transaction of its own, unless the caller has opened one. ``dry_run``
    counts and writes nothing (a hold that has run out is still in the way then); ``progress`` is
    called after each chunk with how many slots there have been.

    Raises ``InvalidSession``, ``InvalidBooking``, ``NotAllowed`` (also without
    ``bookings.contrib.schedule``), ``SlotUnavailable`` for a provider without a schedule,
    ``TenantMismatch``, ``MissingReference`` or ``BookingBusy``.
    """
    now = inputs.moment(now_dt)
    inputs.function(progress, "progress")
    using = router.db_for_write(Session)
    sold = inputs.stored(service, "SERVICE_MODEL", "service")
    teacher = inputs.stored(provider, "PROVIDER_MODEL", "provider")
    rules = ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY)
    policies.whole_number(
        slot_duration_minutes,
        "slot_duration_minutes",
        at_least=SHORTEST_MINUTES,
        at_most=LONGEST_MINUTES,
    )
    check_in_order(start_date, end_date, ("start_date", "end_date"))
    example = Session(
        tenant_id=inputs.tenant_id(tenant, service=service, provider=provider),
        service=sold,
        provider=teacher,
        title=title,
        buffer_before_minutes=rules.buffer_before_minutes,
        buffer_after_minutes=rules.buffer_after_minutes,
        capacity=capacity,
        price_amount=_price(price_amount, rules, timedelta(minutes=slot_duration_minutes)),
        meeting_link=meeting_link,
        enable_waitlist=bool(enable_waitlist),
        waitlist_offer_minutes=waitlist_offer_minutes,
        created_by=inputs.user(created_by, "created_by"),
        created_at=now,
    )
    work = _Work(example, 60 * slot_duration_minutes, using, now, dry_run)
    work.check()
    prices.check_payable(example.price_amount, rules.currency, "price_amount")
    check_offered(service, provider, override_policy=override_policy)
    hours, first, last = hours_of(
        provider, start_date, end_date, tenant_id=example.tenant_id, now=now
    )
    timetable = Timetable(
        hours=hours,
        first=first,
        last=last,
        length=work.length,
        step=work.length + 60 * (rules.buffer_before_minutes + rules.buffer_after_minutes),
        not_before=policies.ceil_second(now),
    )
    return work.do(timetable.starts(), progress or (lambda _done: None))


def _price(given: Decimal | None, rules: ServiceRules, length: timedelta) -> Decimal | None:
    is_by_the_hour = rules.pricing_type == policies.HOURLY
    return rules.price_of(length) if given is None and is_by_the_hour else given


@dataclass(frozen=True, slots=True)
class _Work:
    """Sessions that are as the example but for their time, stored chunk by chunk."""

    example: Session
    length: int
    using: str
    now: datetime
    dry_run: bool

    def check(self) -> None:
        """Refuse what no session can be, whether or not there is a slot for one."""
        start = policies.ceil_second(self.now)
        if not 0 <= start <= MAX_SECOND:
            raise policies.out_of_range()
        self.example.start_at, self.example.end_at = _instant(start), _instant(start + self.length)
        check_session(self.example)
        check_offer(self.example)

    def do(self, starts: Iterator[int], progress: Progress) -> Generated:
        done = Generated(0, 0, ())
        seen = 0
        while chunk := list(islice(starts, CHUNK)):
            done += self._publish(chunk)
            seen += len(chunk)
            progress(seen)
        return done

    def _publish(self, starts: Sequence[int]) -> Generated:
        window = self._claim(starts[0]).starts, self._claim(starts[-1]).ends
        if window[0] < 0 or window[1] > MAX_SECOND:
            raise policies.out_of_range()
        if not self.dry_run:
            provider_id = self.example.provider_id
            expire_stale_holds(provider_id, window, now=self.now, using=self.using)

        def write() -> Generated:
            return self._write(starts)

        try:
            return atomically(write, using=self.using)
        except BookingConflict:
            # Somebody who does not lock the calendar was quicker; by now what they wrote is seen.
            return atomically(write, using=self.using)

    def _write(self, starts: Sequence[int]) -> Generated:
        calendar_id = locks.lock_calendar(self.example.provider_id, using=self.using)
        known = self._known(calendar_id, starts)
        missing = [
            self._claim(start) for start in starts if (start, start + self.length) not in known
        ]
        free, refused = batches.part(calendar_id, missing, using=self.using)
        if self.dry_run:
            transaction.set_rollback(True, using=self.using)
        elif free:
            keys = batches.take_many(calendar_id, free, using=self.using)
            store(self.example, calendar_id, free, keys, using=self.using)
            self._announce(keys)
        return Generated(
            created=len(free),
            existing=len(starts) - len(missing),
            conflicts=tuple(self._conflict(*pair) for pair in refused),
            starts=tuple(self._start_of(claim) for claim in free) if self.dry_run else (),
        )

    def _claim(self, start: int) -> claims.Claim:
        example = self.example
        return claims.Claim(
            starts=start - 60 * example.buffer_before_minutes,
            ends=start + self.length + 60 * example.buffer_after_minutes,
            service_id=example.service_id,
            seats=0,
            capacity=example.capacity,
            kind=BusyInterval.Kind.SESSION,
        )

    def _conflict(self, claim: claims.Claim, kind: BusyInterval.Kind) -> SlotConflict:
        start = self._start_of(claim)
        return SlotConflict(start, start + timedelta(seconds=self.length), kind)

    def _start_of(self, claim: claims.Claim) -> datetime:
        return _instant(claim.starts + 60 * self.example.buffer_before_minutes)

    def _known(self, calendar_id: int, starts: Sequence[int]) -> set[tuple[int, int]]:
        """The slots in which there is a session, or for which there was one."""
        tenant_id: Any = self.example.tenant_id
        ours = rows(self.using).filter(tenant_id=tenant_id, service_id=self.example.service_id)
        # A plain read in a snapshot may be older than the lock.
        ours = ours.order_by().select_for_update()
        between = _instant(starts[0]), _instant(starts[-1])
        here = ours.filter(provider_id=self.example.provider_id, start_at__range=between)
        meant = ours.filter(slot_calendar=calendar_id, slot_start_at__range=between)
        found: list[tuple[Any, Any]] = [
            *here.values_list("start_at", "end_at"),
            *meant.values_list("slot_start_at", "slot_end_at"),
        ]
        return {(policies.floor_second(start), policies.floor_second(end)) for start, end in found}

    def _announce(self, keys: Sequence[int]) -> None:
        if not signals.session_created.has_listeners(Session):
            return
        for session in rows(self.using).filter(busy_interval__in=keys):
            signals.announce(signals.session_created, Session, using=self.using, session=session)


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
