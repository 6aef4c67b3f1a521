"""Make a series: validate the request, create every instance, store the series."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.alternative_starts import InstanceTemplate, find_alternatives
from bookings.contrib.series.exceptions import SeriesConflict, Skipped
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.recurrences import Recurrence, parse_recurrence
from bookings.contrib.series.services.instances import SeriesInstance, read_instances
from bookings.contrib.series.services.results import Refusals, SeriesResult
from bookings.exceptions import BookingError, IdempotencyKeyReused, InvalidBooking
from bookings.ledger import locks
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Booking
from bookings.models.bulk_rows import copy_row, insert_rows
from bookings.models.read_alias import reading_from
from bookings.pools import AnyOf
from bookings.rules import validation
from bookings.services import idempotency, references
from bookings.services.history import to_json

MAX_ALTERNATIVES: Final = 20

UNREQUESTED: Final = {"allow_past", "skip_slot_validation", "override_policy"}
"""The options that say what to check, and not what to book."""


class OnConflict(StrEnum):
    """What to do if a start cannot be booked."""

    REFUSE = "refuse"
    """Write nothing, and raise an error that names every such start."""
    SKIP = "skip"
    """Book the other starts, and report these."""


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """The validated arguments that all new series have in common."""

    series: Series
    """The series to store, not saved yet."""
    recurrence: Recurrence
    on_conflict: OnConflict
    alternatives: int
    now: datetime
    using: str


def validate_request(
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
    instance: dict[str, Any],
    now_dt: datetime | None,
    pool: AnyOf | None = None,
) -> SeriesRequest:
    """Return the request, or raise what is wrong with it; no query is made.

    ``provider`` is one of the ``pool``, if there is one.

    ``kind`` ("bookings" or "sessions") and ``instance``, what is asked for at each start, tell
    requests with the same idempotency key apart.
    """
    now = references.resolve_now(now_dt)
    parsed_on_conflict = parse_on_conflict(on_conflict)
    validation.whole_number(alternatives, "alternatives", at_least=0, at_most=MAX_ALTERNATIVES)
    validation.validate_text("idempotency_key", idempotency_key)
    recurrence = parse_recurrence(
        rrule=rrule, start=start_at, timezone=timezone, exdates=exdates, limit=limit
    )
    series = Series(
        tenant_id=references.resolve_tenant_id(tenant, service=service, provider=provider),
        service=references.saved_instance(service, "SERVICE_MODEL", "service"),
        provider=references.saved_instance(provider, "PROVIDER_MODEL", "provider"),
        created_by=references.saved_user(created_by, "created_by"),
        created_at=now,
    )
    series.set_recurrence(recurrence)
    if idempotency_key:
        series.idempotency_key = _digest(to_json(series.tenant_id), idempotency_key)
        conflicts = {"on_conflict": str(parsed_on_conflict), "alternatives": alternatives}
        series.request = _request_digest(kind, series, conflicts, instance, pool)
    using = router.db_for_write(Booking)
    return SeriesRequest(series, recurrence, parsed_on_conflict, alternatives, now, using)


class NewInstances(Protocol):
    """The bookings or sessions of a new series."""

    def prepare(self, refusals: Refusals) -> None:
        """Check every start without a lock; host code is asked here."""

    @property
    def resource_ids(self) -> Collection[Any]:
        """The keys of further providers whose calendars to lock; known after ``prepare``."""

    def check(self, calendars: Mapping[Any, int], refusals: Refusals) -> Sequence[SeriesInstance]:
        """Return the instances that can be stored, in order, under the locks of the calendars.

        ``calendars`` has their keys by provider.
        """

    def write(self) -> None:
        """Store what ``check`` has returned."""


class _NeedsAlternatives(Exception):
    """Roll back, so that alternatives are looked for without a lock."""


def save_new_series(
    request: SeriesRequest, new: NewInstances, template: InstanceTemplate
) -> SeriesResult:
    """Store an instance at every start, and the series, all in one transaction.

    If another call has stored the idempotency key meanwhile, return its series instead.
    """
    using, starts = request.using, request.recurrence.starts()
    prepared = Refusals()
    new.prepare(prepared)
    alternatives: dict[datetime, tuple[datetime, ...]] = {}
    instances: Sequence[SeriesInstance] = ()
    refusals = prepared

    def write() -> SeriesResult:
        nonlocal instances, refusals
        providers = {request.series.provider_id, *new.resource_ids}
        calendars = locks.lock_calendars(providers, using=using)
        if replayed := find_replay(request, lock=True):
            return replayed
        refusals = prepared.copy()
        instances = new.check(calendars, refusals)
        skipped = refusals.skipped(alternatives)
        if request.alternatives and any(item.start_at not in alternatives for item in skipped):
            raise _NeedsAlternatives
        if skipped and (request.on_conflict is OnConflict.REFUSE or not instances):
            raise SeriesConflict(skipped, total=len(starts), zone=request.recurrence.zone)
        new.write()
        return SeriesResult.of(_insert(request, instances, skipped), instances, skipped)

    while True:
        try:
            return atomic_with_retry(
                write, using=using, unique_model=Series, unique_error=_key_reused_error
            )
        except _NeedsAlternatives:
            refused = [item.start_at for item in refusals.skipped()]
            with reading_from(using):
                alternatives |= find_alternatives(
                    template, refused, instances, request.alternatives
                )


def parse_on_conflict(value: Any) -> OnConflict:
    try:
        return OnConflict(value)
    except ValueError:
        raise InvalidBooking(
            _("%(name)s must be one of %(known)s."),
            params={"name": "on_conflict", "known": ", ".join(OnConflict)},
        ) from None


def _insert(
    request: SeriesRequest, instances: Sequence[SeriesInstance], skipped: Sequence[Skipped]
) -> Series:
    series, recurrence, using = request.series, request.recurrence, request.using
    # The transaction may run again after this row was saved and rolled back.
    series.pk, series._state.adding = None, True
    left_out = recurrence.exdates.union(item.start_at for item in skipped)
    series.set_recurrence(replace(recurrence, exdates=left_out))
    series.save(using=using, force_insert=True)
    blank = Occurrence(series=series)
    occurrences = [
        copy_row(
            blank,
            original_start_at=instance.start_at,
            booking=instance if isinstance(instance, Booking) else None,
            session_key=None if isinstance(instance, Booking) else instance.pk,
        )
        for instance in instances
    ]
    insert_rows(Occurrence.objects.using(using).all(), occurrences)
    for occurrence in occurrences:
        if occurrence.pk is None and occurrence.booking is not None:
            # MySQL does not return the keys. booking.occurrence is then read when it is asked for.
            occurrence.booking._state.fields_cache.pop("occurrence", None)
    return series


def find_replay(request: SeriesRequest, *, lock: bool = False) -> SeriesResult | None:
    """Return the series that this idempotency key has made already; ``None`` if there is none.

    ``lock`` reads it as it is now, under the calendar's lock. Raises ``IdempotencyKeyReused`` if
    the key belongs to another request.
    """
    requested, now, using = request.series, request.now, request.using
    if requested.idempotency_key is None:
        return None
    rows, occurrences = Series.objects.using(using), Occurrence.objects.using(using)
    if lock:
        rows, occurrences = fresh(rows), fresh(occurrences)
    series = rows.filter(idempotency_key=requested.idempotency_key).first()
    if series is None:
        return None
    if not requested.request or series.request != requested.request:
        raise _key_reused_error()
    instances = read_instances(occurrences.filter(series=series), using=using, lock=lock).values()
    holds = [instance for instance in instances if isinstance(instance, Booking)]
    if holds and not any(idempotency.is_answer(hold, now) for hold in holds):
        if lock:
            # The key of holds that have all expired can be used again by the same request.
            rows.filter(pk=series.pk).update(idempotency_key=None)
        return None
    soonest_first = sorted(instances, key=lambda instance: instance.start_at)
    return SeriesResult.of(series, soonest_first, is_replay=True)


def _key_reused_error(_constraint: str = "") -> BookingError:
    """Return the error for a key that another series has.

    The database raises it where ``find_replay`` cannot: for a key of another provider's series
    that the snapshot of this transaction does not show.
    """
    return IdempotencyKeyReused(
        _("This idempotency key belongs to another series. Make a new key for a new series.")
    )


def _request_digest(
    kind: str,
    series: Series,
    conflicts: dict[str, Any],
    instance: dict[str, Any],
    pool: AnyOf | None,
) -> str:
    return idempotency.digest(
        {
            "kind": kind,
            **conflicts,
            "service": to_json(series.service_id),
            "provider": to_json(series.provider_id)
            if pool is None
            else idempotency.resource_keys([pool]),
            "rrule": series.rrule,
            "timezone": series.timezone,
            "dtstart": series.dtstart.isoformat(),
            "exdates": series.exdates,
            "created_by": to_json(series.created_by_id),
            # It is the same request whether an option is left out or has no value.
            "instance": {
                name: value
                for name, value in instance.items()
                if name not in UNREQUESTED and value not in (None, "", {}, [])
            },
        }
    )


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
