"""Create a series: a booking at every start of a rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypedDict, Unpack

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings import locks, policies
from bookings.contrib.series.alternatives import Wish, next_free
from bookings.contrib.series.exceptions import SeriesConflict, Skipped
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.recurrences import MOST_STARTS, Recurrence, read_recurrence
from bookings.contrib.series.services.each import for_each
from bookings.contrib.series.services.result import SeriesResult
from bookings.exceptions import BookingError, IdempotencyKeyReused, InvalidBooking
from bookings.models import Booking
from bookings.protocols import ProviderLike, ServiceLike
from bookings.services import create_booking, inputs
from bookings.services.history import plain
from bookings.transactions import atomically

MOST_ALTERNATIVES: Final = 20


class OnConflict(StrEnum):
    """What to do if a start cannot be booked."""

    REFUSE = "refuse"
    """Write nothing, and name every such start."""
    SKIP = "skip"
    """Book the others, and report it."""


class BookingOptions(TypedDict, total=False):
    """What every booking of a series gets: see :func:`~bookings.services.create_booking`."""

    client_email: str
    client_phone: str
    client_user: Any
    addon_ids: Iterable[Any] | None
    party_size: int
    notes_client: str
    notes_internal: str
    metadata: dict[str, Any] | None
    expires_at: datetime | None
    allow_past: bool | None
    skip_slot_validation: bool
    override_policy: bool


def create_series(
    *,
    rrule: str,
    timezone: str,
    start_at: datetime,
    service: ServiceLike,
    provider: ProviderLike,
    client_name: str,
    exdates: Iterable[datetime] = (),
    on_conflict: str = OnConflict.REFUSE,
    alternatives: int = 0,
    limit: int = MOST_STARTS,
    idempotency_key: str = "",
    created_by: Any = None,
    tenant: Any = None,
    now_dt: datetime | None = None,
    **options: Unpack[BookingOptions],
) -> SeriesResult:
    """Book ``service`` with ``provider`` at every start of a rule, all in one transaction.

    ``rrule``, ``timezone``, ``exdates`` and ``limit`` are those of
    :func:`~bookings.contrib.series.recurrences.list_starts`, whose ``start`` is ``start_at``: an
    instant, or what the clocks show. The rest are those of
    :func:`~bookings.services.create_booking`, for each booking.

    If a start cannot be booked, ``on_conflict="refuse"`` raises
    :class:`~bookings.contrib.series.exceptions.SeriesConflict`, which has all such starts, and
    nothing is written. ``"skip"`` books the others and leaves these out of the series; if none is
    left, it raises the same. With ``alternatives`` each of them comes with as many of the next free
    starts, at most 20, of the week after it.

    The same ``idempotency_key`` (per tenant) gives the same series again, with the bookings that it
    has by then.

    Raises ``InvalidRecurrence``, ``SeriesConflict``, ``IdempotencyKeyReused``, and what is wrong
    with every start alike: ``InvalidBooking``, ``MissingReference``, ``TenantMismatch`` or
    ``BookingBusy``.
    """
    now = inputs.moment(now_dt)
    policy = _policy(on_conflict)
    policies.whole_number(alternatives, "alternatives", at_least=0, at_most=MOST_ALTERNATIVES)
    inputs.text("idempotency_key", idempotency_key)
    recurrence = read_recurrence(
        rrule=rrule, start=start_at, timezone=timezone, exdates=exdates, limit=limit
    )
    using = router.db_for_write(Booking)
    asked = Series(
        tenant_id=inputs.tenant_id(tenant, service=service, provider=provider),
        service=inputs.stored(service, "SERVICE_MODEL", "service"),
        provider=inputs.stored(provider, "PROVIDER_MODEL", "provider"),
        created_by=inputs.user(created_by, "created_by"),
        created_at=now,
    )
    asked.take(recurrence)
    if idempotency_key:
        asked.idempotency_key = _digest(plain(asked.tenant_id), idempotency_key)
        asked.request = _request(asked)
    if options.get("addon_ids") is not None:
        # Every booking reads them, and an iterator would be empty after the first.
        options["addon_ids"] = inputs.addon_keys(options["addon_ids"])
    book = partial(
        create_booking,
        service=service,
        provider=provider,
        client_name=client_name,
        created_by=created_by,
        tenant=tenant,
        now_dt=now,
        **options,
    )
    wish = Wish(
        service=service,
        provider=provider,
        tenant=tenant,
        addon_ids=options.get("addon_ids"),
        party_size=options.get("party_size", 1),
        now=now,
        override_policy=options.get("override_policy", False),
        using=using,
    )

    def write() -> SeriesResult:
        locks.lock_calendar(asked.provider_id, using=using)
        if made := _made_before(asked, using=using):
            return made
        starts = recurrence.left()
        bookings, skipped = for_each(((at, at) for at in starts), lambda at: book(start_at=at))
        if alternatives:
            skipped = [
                replace(item, alternatives=next_free(wish, item.start_at, alternatives))
                for item in skipped
            ]
        if skipped and (policy is OnConflict.REFUSE or not bookings):
            raise SeriesConflict(skipped, of=len(starts), zone=recurrence.zone)
        return SeriesResult(
            _store(asked, recurrence, bookings, skipped, using), bookings, tuple(skipped)
        )

    return atomically(write, using=using, taken=_taken)


def _policy(value: Any) -> OnConflict:
    try:
        return OnConflict(value)
    except ValueError:
        raise InvalidBooking(
            _("%(name)s must be one of %(known)s."),
            params={"name": "on_conflict", "known": ", ".join(OnConflict)},
        ) from None


def _store(
    asked: Series,
    recurrence: Recurrence,
    bookings: list[Booking],
    skipped: list[Skipped],
    using: str,
) -> Series:
    series = asked
    series.pk, series._state.adding = None, True
    left_out = recurrence.exdates.union(item.start_at for item in skipped)
    series.take(replace(recurrence, exdates=left_out))
    series.save(using=using, force_insert=True)
    Occurrence.objects.using(using).bulk_create(
        Occurrence(series=series, original_start_at=booking.start_at, booking=booking)
        for booking in bookings
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
    bookings = Booking.objects.using(using).filter(occurrence__series=made)
    return SeriesResult(made, list(bookings))


def _taken(_violated: str) -> BookingError:
    """What a series hears whose key another provider's has, in a newer snapshot than this one."""
    return _reused()


def _reused() -> IdempotencyKeyReused:
    return IdempotencyKeyReused(
        _("This idempotency key belongs to another series. Make a new key for a new series.")
    )


def _request(asked: Series) -> str:
    return _digest(
        plain(asked.service_id),
        plain(asked.provider_id),
        asked.rrule,
        asked.timezone,
        asked.first_shown.isoformat(),
        asked.exdates,
    )


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
