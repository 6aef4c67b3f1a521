"""Delete bookings on behalf of ``Booking.delete()`` and of a queryset's ``delete()``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from django.db import router

from bookings import consequences
from bookings.ledger import bulk, locks, resource_claims
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import RetryTransaction, atomic_with_retry
from bookings.models import Booking, BookingResource
from bookings.models.querysets import BookingQuerySet


def delete_bookings(
    bookings: BookingQuerySet, delete: Callable[[BookingQuerySet], tuple[int, dict[str, int]]]
) -> tuple[int, dict[str, int]]:
    """Lock the calendars of the bookings, delete the bookings, and release their claims.

    ``delete`` is called with the bookings whose calendars are locked. A booking of another provider
    that is made meanwhile stays.
    """
    using = bookings._db or router.db_for_write(bookings.model)
    targets = bookings.using(using)

    def write() -> tuple[int, dict[str, int]]:
        providers = set(targets.order_by().values_list("provider_id", flat=True).distinct())
        resources = BookingResource.objects.using(using).filter(
            booking__in=targets.order_by().filter(resource_count__gt=0).values("pk")
        )
        providers.update(resources.values_list("provider_id", flat=True))
        calendars = locks.lock_calendars(providers, using=using)
        having = list(fresh(resources.filter(booking__provider__in=list(calendars))))
        if any(resource.provider_id not in calendars for resource in having):
            raise RetryTransaction
        locked = targets.filter(provider__in=list(calendars))
        held: Counter[int] = Counter()
        # The queryset may join tables that repeat rows or that cannot be locked.
        keys = locked.order_by().values("pk")
        rows = fresh(Booking._base_manager.using(using).filter(pk__in=keys))
        claims = rows.filter(busy_interval__isnull=False)
        for interval_id, seats in claims.values_list("busy_interval_id", "party_size"):
            held[interval_id] += seats
        held.update(resource_claims.release(having, using=using))
        result = delete(locked)
        bulk.release_many(held, using=using)
        consequences.apply_deletion(list(held), using=using)
        return result

    return atomic_with_retry(write, using=using)
