"""Make a series of whatever is made at each of its starts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings import locks, policies
from bookings.contrib.series.alternatives import Wish, next_free
from bookings.contrib.series.exceptions import SeriesConflict, Skipped
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.recurrences import Recurrence, read_recurrence
from bookings.contrib.series.services.each import for_each
from bookings.contrib.series.services.result import SeriesResult
from bookings.contrib.series.services.things import Thing, lock_things
from bookings.exceptions import BookingError, IdempotencyKeyReused, InvalidBooking
from bookings.models import Booking
from bookings.services import inputs
from bookings.services.history import plain
from bookings.transactions import atomically

MOST_ALTERNATIVES: Final = 20


class OnConflict(StrEnum):
    """What to do if a start cannot be booked."""

    REFUSE = "refuse"
    """Write nothing, and name every such start."""
    SKIP = "skip"
    """Book the others, and report it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A series that is wanted, and what to do where it cannot be."""

    series: Series
    recurrence: Recurrence
    policy: OnConflict
    alternatives: int
    now: datetime
    using: str


def read(
    *,
    kind: str,
    rrule: str,
    timezone: str,
    start_at: datetime,
    exdates: Iterable[datetime],
    limit: int,
    service: Any,
    provider: Any,
    tenant: Any,
    created_by: Any,
    on_conflict: str,
    alternatives: int,
    idempotency_key: str,
    now_dt: datetime | None,
) -> Asked:
    """What a caller asks for, or what is wrong with it; nothing is read but the arguments."""
    now = inputs.moment(now_dt)
    policy = policy_of(on_conflict)
    policies.whole_number(alternatives, "alternatives", at_least=0, at_most=MOST_ALTERNATIVES)
    inputs.text("idempotency_key", idempotency_key)
    recurrence = read_recurrence(
        rrule=rrule, start=start_at, timezone=timezone, exdates=exdates, limit=limit
    )
    series = Series(
        tenant_id=inputs.tenant_id(tenant, service=service, provider=provider),
        service=inputs.stored(service, "SERVICE_MODEL", "service"),
        provider=inputs.stored(provider, "PROVIDER_MODEL", "provider"),
        created_by=inputs.user(created_by, "created_by"),
        created_at=now,
    )
    series.take(recurrence)
    if idempotency_key:
        series.idempotency_key = _digest(plain(series.tenant_id), idempotency_key)
        series.request = _request(kind, series)
    using = router.db_for_write(Booking)
    return Asked(series, recurrence, policy, alternatives, now, using)


def make(asked: Asked, create: Callable[[datetime], Thing], wish: Wish) -> SeriesResult:
    """Have ``create`` make one at every start, all in one transaction."""
    using = asked.using

    def write() -> SeriesResult:
        locks.lock_calendar(asked.series.provider_id, using=using)
        if made := _made_before(asked.series, using=using):
            return made
        starts = asked.recurrence.left()
        things, skipped = for_each(((at, at) for at in starts), create)
        if asked.alternatives:
            skipped = [
                replace(item, alternatives=next_free(wish, item.start_at, asked.alternatives))
                for item in skipped
            ]
        if skipped and (asked.policy is OnConflict.REFUSE or not things):
            raise SeriesConflict(skipped, of=len(starts), zone=asked.recurrence.zone)
        return SeriesResult.of(_store(asked, things, skipped), things, skipped)

    return atomically(write, using=using, taken=_taken)


def policy_of(value: Any) -> OnConflict:
    try:
        return OnConflict(value)
    except ValueError:
        raise InvalidBooking(
            _("%(name)s must be one of %(known)s."),
            params={"name": "on_conflict", "known": ", ".join(OnConflict)},
        ) from None


def _store(asked: Asked, things: list[Thing], skipped: list[Skipped]) -> Series:
    series, recurrence, using = asked.series, asked.recurrence, asked.using
    series.pk, series._state.adding = None, True
    left_out = recurrence.exdates.union(item.start_at for item in skipped)
    series.take(replace(recurrence, exdates=left_out))
    series.save(using=using, force_insert=True)
    Occurrence.objects.using(using).bulk_create(
        Occurrence(
            series=series,
            original_start_at=thing.start_at,
            booking=thing if isinstance(thing, Booking) else None,
            session_key=None if isinstance(thing, Booking) else thing.pk,
        )
        for thing in things
    )
    return series


def _made_before(asked: Series, *, using: str) -> SeriesResult | None:
    """What this idempotency key has made already."""
    if asked.idempotency_key is None:
        return None
    # With a lock, as every read that decides: in a snapshot there may be none yet.
    rows = Series.objects.using(using).select_for_update()
    made = rows.filter(idempotency_key=asked.idempotency_key).first()
    if made is None:
        return None
    if made.request != asked.request:
        raise _reused()
    occurrences = Occurrence.objects.using(using).select_for_update().filter(series=made)
    things = lock_things(occurrences, using=using).values()
    return SeriesResult.of(made, sorted(things, key=lambda thing: thing.start_at))


def _taken(_violated: str) -> BookingError:
    """What a series hears whose key another provider's has, in a newer snapshot than this one."""
    return _reused()


def _reused() -> IdempotencyKeyReused:
    return IdempotencyKeyReused(
        _("This idempotency key belongs to another series. Make a new key for a new series.")
    )


def _request(kind: str, asked: Series) -> str:
    return _digest(
        kind,
        plain(asked.service_id),
        plain(asked.provider_id),
        asked.rrule,
        asked.timezone,
        asked.first_shown.isoformat(),
        asked.exdates,
    )


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
