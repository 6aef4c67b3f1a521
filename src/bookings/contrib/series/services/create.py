"""Create a series: a booking at every start of a rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypedDict, Unpack

from bookings.contrib.series.alternatives import Wish
from bookings.contrib.series.recurrences import MOST_STARTS
from bookings.contrib.series.services.make import OnConflict, make, read
from bookings.contrib.series.services.result import SeriesResult
from bookings.models import Booking
from bookings.protocols import ProviderLike, ServiceLike
from bookings.services import create_booking
from bookings.services.addons import addon_keys


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
    asked = read(
        kind="bookings",
        rrule=rrule,
        timezone=timezone,
        start_at=start_at,
        exdates=exdates,
        limit=limit,
        service=service,
        provider=provider,
        tenant=tenant,
        created_by=created_by,
        on_conflict=on_conflict,
        alternatives=alternatives,
        idempotency_key=idempotency_key,
        now_dt=now_dt,
    )
    if options.get("addon_ids") is not None:
        # Every booking reads them, and an iterator would be empty after the first.
        options["addon_ids"] = addon_keys(options["addon_ids"])
    wish = Wish(
        service=service,
        provider=provider,
        tenant=tenant,
        now=asked.now,
        using=asked.using,
        addon_ids=options.get("addon_ids"),
        party_size=options.get("party_size", 1),
        override_policy=options.get("override_policy", False),
        skip_slot_validation=options.get("skip_slot_validation", False),
    )

    def create(at: datetime) -> Booking:
        return create_booking(
            service=service,
            provider=provider,
            start_at=at,
            client_name=client_name,
            created_by=created_by,
            tenant=tenant,
            now_dt=asked.now,
            **options,
        )

    return make(asked, create, wish)
