"""The claims of a booking's resources, each in the calendar of the resource.

The caller has locked those calendars together with the provider's. The number of statements does
not depend on that of the resources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import BookingConflict, ResourceTaken
from bookings.ledger import bulk
from bookings.ledger.claims import Claim
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingResource, BusyInterval
from bookings.models.bulk_rows import insert_rows
from bookings.models.querysets import overlapping
from bookings.rules import instants


class SlotHasOtherResources(BookingConflict):
    """Those who share the slot have other resources: choose again, the same ones as they."""

    default_code = "other_resources"


def resource_claim(booking: Booking, resource: BookingResource, claim: Claim) -> Claim:
    """Return the claim of a resource; ``claim`` is the one of the booking itself.

    It takes one of the seats, which are bookings here, and not persons.
    """
    starts, ends = instants.busy_bounds(
        booking.start_at,
        booking.end_at,
        resource.buffer_before_minutes,
        resource.buffer_after_minutes,
    )
    return replace(
        claim,
        starts=starts,
        ends=ends,
        seats=1,
        capacity=claim.capacity if claim.shared else 1,
        kind=BusyInterval.Kind.RESOURCE,
    )


def take(
    booking: Booking,
    resources: Sequence[BookingResource],
    claim: Claim,
    calendars: Mapping[Any, int],
    *,
    using: str,
) -> None:
    """Claim the time of all resources of a booking whose own ``claim`` is stored.

    It sets their busy intervals, and does not write the rows of the resources. Raises
    ``ResourceTaken``, and ``SlotHasOtherResources`` if the booking shares a slot with others who
    have other resources.
    """
    if not resources:
        return
    joined = _intervals_of_slot(booking, using) if claim.shared else {}
    if joined.keys() - {resource.provider_id for resource in resources}:
        raise other_resources_error()
    wanted = []
    for resource in resources:
        if resource.provider_id in joined:
            resource.busy_interval_id = joined[resource.provider_id]
        else:
            calendar_id = calendars[resource.provider_id]
            wanted.append((resource, calendar_id, resource_claim(booking, resource, claim)))
    if joined:
        BusyInterval.objects.using(using).filter(pk__in=joined.values()).update(
            seats_taken=F("seats_taken") + 1, capacity=claim.capacity, lapses=None
        )
    claim_free(wanted, using=using)


class Resource(Protocol):
    """A resource of a booking or of a session."""

    busy_interval_id: Any

    @property
    def provider(self) -> Any: ...


def claim_free(wanted: Sequence[tuple[Resource, int, Claim]], *, using: str) -> None:
    """Claim free time of resources, each with the key of its calendar; set their busy intervals.

    Raises ``ResourceTaken`` for the first one that is taken.
    """
    _check_free(wanted, using)
    intervals = [each.interval(calendar_id=calendar) for _resource, calendar, each in wanted]
    bulk.insert(intervals, using=using)
    for (resource, _calendar, _claim), interval in zip(wanted, intervals, strict=True):
        resource.busy_interval_id = interval.pk


def insert(booking: Booking, resources: Sequence[BookingResource], *, using: str) -> None:
    """Store the resources of a booking, whose claims are stored."""
    for resource in resources:
        # The transaction may run again after these rows were inserted and rolled back.
        resource.pk, resource._state.adding, resource.booking = None, True, booking
    if resources:
        insert_rows(BookingResource.objects.using(using).all(), resources)


class HasResources(Protocol):
    """A booking, or the columns of one."""

    @property
    def pk(self) -> Any: ...
    @property
    def resource_count(self) -> int: ...


def read(bookings: Iterable[HasResources], *, using: str) -> list[BookingResource]:
    """Return the resources of bookings as they are now, under the lock of their calendars.

    It makes no query for bookings that have none.
    """
    keys = [booking.pk for booking in bookings if booking.resource_count]
    if not keys:
        return []
    stored = BookingResource.objects.using(using).filter(booking__in=keys)
    return list(fresh(stored).order_by("pk"))


def release(resources: Iterable[BookingResource], *, using: str) -> Counter[int]:
    """Let the stored resources hold no time, and return how many seats of which intervals they had.

    The caller passes those to :func:`bookings.ledger.bulk.release_many`.
    """
    holding = [resource for resource in resources if resource.busy_interval_id is not None]
    held = Counter(resource.busy_interval_id for resource in holding)
    if holding:
        rows = BookingResource.objects.using(using).filter(pk__in=[row.pk for row in holding])
        rows.update(busy_interval=None)
        for resource in holding:
            resource.busy_interval_id = None
    return held  # type: ignore[return-value]


def give_up(resources: Iterable[BookingResource], *, using: str) -> None:
    """Release the time of stored resources, so that the booking itself can take it."""
    if held := release(resources, using=using):
        bulk.release_many(held, using=using)


def replace_all(
    booking: Booking,
    stored: Sequence[BookingResource],
    chosen: Sequence[BookingResource],
    claim: Claim,
    calendars: Mapping[Any, int],
    *,
    using: str,
) -> None:
    """Give a stored booking other resources, or the same ones at another time.

    ``stored`` are those that it has; one that is among the ``chosen`` keeps its row. ``claim`` is
    the booking's own, which is stored. It sets the booking's ``resource_count``. Raises what
    :func:`take` raises.
    """
    if not stored and not chosen:
        return
    had = {resource.provider_id: resource for resource in stored}
    kept, added = [], []
    for resource in chosen:
        row = had.pop(resource.provider_id, None)
        if row is None:
            added.append(resource)
        else:
            row.pool, row.provider = resource.pool, resource.provider
            row.buffer_before_minutes = resource.buffer_before_minutes
            row.buffer_after_minutes = resource.buffer_after_minutes
            kept.append(row)
    give_up(stored, using=using)
    if had:
        removed = [resource.pk for resource in had.values()]
        BookingResource.objects.using(using).filter(pk__in=removed).delete()
    take(booking, [*kept, *added], claim, calendars, using=using)
    if kept:
        changed = ["busy_interval", "pool", "buffer_before_minutes", "buffer_after_minutes"]
        BookingResource.objects.using(using).bulk_update(kept, changed)
    insert(booking, added, using=using)
    booking.resource_count = len(chosen)


def write_claims(resources: Sequence[BookingResource], *, using: str) -> None:
    """Store the busy intervals that :func:`take` has given to stored resources."""
    if resources:
        BookingResource.objects.using(using).bulk_update(resources, ["busy_interval"])


def resources_of_slots(
    claims: Collection[tuple[Booking, Claim]], *, using: str
) -> dict[Any, set[Any]]:
    """Return the keys of the resources of the others in the shared slots that the claims join.

    The answer is by the key of the provider; ``claims`` has one booking for each, of one service,
    and is not empty. It makes one query.
    """
    slots = {booking.provider_id: claim for booking, claim in claims}
    same = BookingResource.objects.using(using).filter(
        busy_interval__isnull=False,
        booking__busy_interval__calendar__provider__in=slots,
        booking__busy_interval__starts__in={claim.starts for claim in slots.values()},
        booking__busy_interval__ends__in={claim.ends for claim in slots.values()},
        booking__busy_interval__service__in={claim.service_id for claim in slots.values()},
    )
    stored = {booking.pk for booking, _claim in claims} - {None}
    if stored:
        same = same.exclude(booking__in=stored)
    of_slots: dict[Any, set[Any]] = {}
    columns = (
        "booking__busy_interval__calendar__provider_id",
        "booking__busy_interval__starts",
        "booking__busy_interval__ends",
        "provider_id",
    )
    for provider_id, starts, ends, resource_id in same.values_list(*columns):
        if slots[provider_id].window == (starts, ends):
            of_slots.setdefault(provider_id, set()).add(resource_id)
    return of_slots


def _intervals_of_slot(booking: Booking, using: str) -> dict[Any, int]:
    """Return the intervals of the resources of the others in the slot, by the resource's key."""
    others = BookingResource.objects.using(using).filter(
        booking__busy_interval=booking.busy_interval_id, busy_interval__isnull=False
    )
    if booking.pk is not None:
        others = others.exclude(booking=booking.pk)
    return dict(fresh(others).values_list("provider_id", "busy_interval_id"))


def _check_free(wanted: Sequence[tuple[Resource, int, Claim]], using: str) -> None:
    """Raise ``ResourceTaken`` for the first resource whose time is taken.

    The constraint would refuse it too, but would not tell which one it is.
    """
    conditions = Q()
    for _resource, calendar_id, claim in wanted:
        conditions |= Q(overlapping(*claim.window), calendar_id=calendar_id)
    if not conditions:
        return
    busy = fresh(BusyInterval.objects.using(using).filter(conditions))
    taken = set(busy.values_list("calendar_id", flat=True))
    for resource, calendar_id, _claim in wanted:
        if calendar_id in taken:
            raise resource_taken_error(resource.provider)


def resource_taken_error(provider: Any) -> ResourceTaken:
    return ResourceTaken(
        _("%(resource)s is taken at that time. Choose another time, or another resource."),
        params={"resource": str(provider)},
        resource=provider,
    )


def other_resources_error() -> SlotHasOtherResources:
    return SlotHasOtherResources(
        _("Those who share this slot have other resources. Choose the same ones, or another time.")
    )
