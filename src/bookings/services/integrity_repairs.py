"""Repairs of bookings and of busy intervals, each under the lock of its calendar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from bookings.exceptions import BookingConflict, CapacityExceeded
from bookings.ledger import entries, locks, resource_claims, segments
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Booking, BookingResource, BusyInterval, Calendar
from bookings.models.querysets import overlapping
from bookings.rules import instants
from bookings.services.booking_claim import claim_of

Repair = Callable[[], None]

NAMES_PER_STATEMENT: Final = 1000
"""How many bookings one statement gives the name of their service or provider."""

MAX_HOLDERS: Final = 5
"""How many holders of a time are named, and how many bookings of each."""


def reclaim(booking: Booking, using: str, *, is_wrong: Callable[[Booking], Any]) -> Repair:
    """Return a repair that claims the time that the booking should hold.

    It fails if another booking has that time by now. ``is_wrong`` says of the locked booking
    whether it still has to be repaired.
    """

    def write() -> None:
        row, calendars = _lock_booking(booking, using)
        if not row.holds_time or not is_wrong(row):
            return
        rows = Booking._base_manager.using(using).filter(pk=row.pk)
        if row.busy_interval_id is not None:
            rows.update(busy_interval=None)
            entries.recount(row.busy_interval_id, using=using)
        claim = claim_of(row, using=using)
        if claim.interval_id is not None:
            # Its own seats may still be counted there.
            entries.recount(claim.interval_id, using=using)
        if claim.is_concurrent:
            segments.rebuild(calendars[row.provider_id], using=using)
        rows.update(busy_interval=entries.add(calendars[row.provider_id], claim, using=using))

    return name_holders(
        partial(atomic_with_retry, write, using=using),
        booking.provider_id,
        instants.busy_bounds_of(booking),
        own=booking.busy_interval_id,
        using=using,
    )


def reclaim_resources(
    resource: BookingResource, using: str, *, is_wrong: Callable[[BookingResource], Any]
) -> Repair:
    """Return a repair that claims the time that the resources of a booking should hold.

    It fails if another booking has the time of one of them by now. ``is_wrong`` says of the locked
    resource whether it still has to be repaired.
    """

    def write() -> None:
        row, calendars = _lock_booking(resource.booking, using)
        stored = resource_claims.read([row], using=using)
        locked = {each.pk: each for each in stored}.get(resource.pk)
        if not row.holds_time or locked is None:
            return
        locked.booking = row
        if is_wrong(locked):
            claim = claim_of(row, using=using)
            resource_claims.replace_all(row, stored, stored, claim, calendars, using=using)

    return name_holders(
        partial(atomic_with_retry, write, using=using),
        resource.provider_id,
        instants.busy_bounds(resource.booking.start_at, resource.booking.end_at, *resource.buffers),
        own=resource.busy_interval_id,
        using=using,
    )


def recount_resources(booking: Booking, using: str) -> Repair:
    """Return a repair that counts the stored resources of a booking anew."""

    def write() -> None:
        row, _calendars = _lock_booking(booking, using)
        stored = BookingResource.objects.using(using).filter(booking=row).count()
        Booking._base_manager.using(using).filter(pk=row.pk).update(resource_count=stored)

    return partial(atomic_with_retry, write, using=using)


def name_holders(
    write: Repair, provider_id: Any, window: tuple[int, int], *, own: Any, using: str
) -> Repair:
    """Return a repair that says who holds the time if that is why ``write`` fails.

    ``window`` is the time in Unix seconds, and ``own`` the key of the busy interval that is not in
    the way.
    """

    def run() -> None:
        try:
            write()
        except (BookingConflict, CapacityExceeded) as error:
            intervals = BusyInterval.objects.using(using).filter(
                overlapping(*window), calendar__provider=provider_id
            )
            # What is in a segment are bookings, which are named by their claims.
            others = intervals.exclude(pk=own).exclude(kind=BusyInterval.Kind.SEGMENT)
            holders = _names_of(others.order_by("starts")[:MAX_HOLDERS])
            if not holders:
                raise
            raise BookingConflict(
                _("%(error)s The time is held by: %(holders)s.")
                % {"error": error, "holders": holders}
            ) from None

    return run


def _names_of(intervals: Iterable[BusyInterval]) -> str:
    """Return the references of the bookings; of other busy time, its kind and its bounds."""
    names: list[str] = []
    for interval in intervals:
        holders = Booking._base_manager.using(interval._state.db).filter(
            Q(busy_interval=interval) | Q(resources__busy_interval=interval)
        )
        references = [str(booking) for booking in holders.order_by("pk")[:MAX_HOLDERS]]
        names += references or [f"{interval.get_kind_display()} {interval}"]
    return ", ".join(names)


def release(booking: Booking, using: str) -> Repair:
    """Return a repair that releases the time of a booking whose status holds none."""

    def write() -> None:
        row, _calendars = _lock_booking(booking, using)
        if row.holds_time:
            return
        resources = BookingResource.objects.using(using).filter(booking=row)
        held = [key for key in resources.values_list("busy_interval_id", flat=True) if key]
        resources.update(busy_interval=None)
        if row.busy_interval_id is not None:
            Booking._base_manager.using(using).filter(pk=row.pk).update(busy_interval=None)
            held.append(row.busy_interval_id)
        for interval_id in held:
            entries.recount(interval_id, using=using)

    return partial(atomic_with_retry, write, using=using)


def _lock_booking(booking: Booking, using: str) -> tuple[Booking, dict[Any, int]]:
    """Lock the booking, and the calendars of its provider, its resources and the time it holds."""
    rows = Booking._base_manager.using(using).filter(pk=booking.pk)
    holder = rows.values_list("busy_interval__calendar__provider_id", flat=True).first()
    resources = BookingResource.objects.using(using).filter(booking=booking)
    holders = resources.values_list("provider_id", "busy_interval__calendar__provider_id")
    providers = {booking.provider_id, holder, *(key for keys in holders for key in keys)} - {None}
    calendars = locks.lock_calendars(providers, using=using)
    return rows.select_for_update().get(), calendars


def recount(interval: BusyInterval, using: str) -> Repair:
    """Return a repair that counts the taken seats of an interval anew."""

    def write() -> None:
        locks.lock_calendar(interval.calendar.provider_id, using=using)
        entries.recount(interval.pk, using=using)

    return partial(atomic_with_retry, write, using=using)


def rebuild_segments(calendar: Calendar, using: str) -> Repair:
    """Return a repair that counts the seats of a calendar's concurrent bookings anew."""

    def write() -> None:
        locks.lock_calendar(calendar.provider_id, using=using)
        segments.rebuild(calendar.pk, using=using)

    return partial(atomic_with_retry, write, using=using)


def fill_in_names(
    unnamed: QuerySet[Booking], relation: str, names: dict[Any, str], using: str
) -> Repair:
    """Return a repair that stores the names of the objects that a relation refers to.

    ``names`` has them by key. It writes them to the bookings of ``unnamed``, in several statements.
    """

    def write() -> None:
        for key, name in names.items():
            rows = unnamed.filter(**{relation: key}).order_by("pk")
            while keys := list(rows.values_list("pk", flat=True)[:NAMES_PER_STATEMENT]):
                named = {f"{relation}_name": name}
                update = partial(unnamed.filter(pk__in=keys).order_by().update, **named)
                atomic_with_retry(update, using=using)

    return write
