"""Check the limits: lock the client, count the bookings, and refuse one too many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from django.db import connections, models, router
from django.db.models import ExpressionWrapper, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings import adapters
from bookings.exceptions import LimitReached
from bookings.ledger import locks
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import RetryTransaction
from bookings.models import Booking, client_identity
from bookings.models.read_alias import reading_from
from bookings.rules.limits import (
    Limits,
    exceeds_intervals,
)
from bookings.services.day_zones import DayZones
from bookings.services.limit_filters import (
    OVERLAP_LIMIT,
    PROVIDER_LIMIT,
    client_filters,
    counted_start,
    of_client,
    of_provider,
)
from bookings.services.loaded_bookings import LoadedBookings

MESSAGES: Final = {
    "max_active_bookings_per_client": ngettext_lazy(
        "A client may have %(most)d active booking. Cancel it, or wait until it is over.",
        "A client may have %(most)d active bookings. Cancel one, or wait until one is over.",
        "most",
    ),
    "max_bookings_per_client_per_day": ngettext_lazy(
        "A client may have %(most)d booking a day. Choose another day.",
        "A client may have %(most)d bookings a day. Choose another day.",
        "most",
    ),
    "max_bookings_per_client_per_week": ngettext_lazy(
        "A client may have %(most)d booking a week. Choose another week.",
        "A client may have %(most)d bookings a week. Choose another week.",
        "most",
    ),
    "service_max_active_bookings_per_client": ngettext_lazy(
        "A client may have %(most)d active booking of this service. "
        "Cancel it, or wait until it is over.",
        "A client may have %(most)d active bookings of this service. "
        "Cancel one, or wait until one is over.",
        "most",
    ),
    "service_max_bookings_per_client_per_day": ngettext_lazy(
        "A client may have %(most)d booking of this service a day. Choose another day.",
        "A client may have %(most)d bookings of this service a day. Choose another day.",
        "most",
    ),
    "service_max_bookings_per_client_per_week": ngettext_lazy(
        "A client may have %(most)d booking of this service a week. Choose another week.",
        "A client may have %(most)d bookings of this service a week. Choose another week.",
        "most",
    ),
    PROVIDER_LIMIT: ngettext_lazy(
        "The provider takes %(most)d booking a day. Choose another day or provider.",
        "The provider takes %(most)d bookings a day. Choose another day or provider.",
        "most",
    ),
}


class KnownLimits:
    """The adapter's limits, asked for once for each service and provider of a call.

    An adapter that overrides ``limits()`` is asked about each booking.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[Any, Any, Limits]] = {}
        self.asks_each = adapters.is_overridden("limits")

    def of(self, booking: Booking) -> Limits:
        """Return the limits of a booking whose service and provider are loaded."""
        if self.asks_each:
            return adapters.get_adapter().limits(booking)
        service, provider = booking.service, booking.provider
        # By the objects, not by their keys: under the lock, they may have been read again.
        key = id(service), id(provider)
        if key not in self._known:
            self._known[key] = service, provider, adapters.get_adapter().limits(booking)
        return self._known[key][2]


class LimitCheck:
    """The check of the limits for a booking that is made, moved or given to another client.

    Call ``lock`` after the calendars are locked and before the booking's row is read, and ``check``
    when the row has its new values. Limits that are off lock and count nothing. The client's limits
    of a hold without a client are checked once it has one. The checks of one call may share
    ``zones`` and ``known_limits``.
    """

    def __init__(
        self,
        draft: Booking,
        *,
        zones: DayZones | None = None,
        known_limits: KnownLimits | None = None,
        override_policy: bool = False,
    ) -> None:
        self._is_lifted = override_policy
        self.zones = DayZones() if zones is None else zones
        self._known_limits = KnownLimits() if known_limits is None else known_limits
        with reading_from(router.db_for_write(Booking, instance=draft)):
            limits = self._limits_of(draft)
            self.is_limited = not limits.are_off
            self.is_off = not (self.is_limited or self._known_limits.asks_each)
            """Whether ``check`` finds no limit either, unless the row has another service."""
            self._locked_keys: Collection[str] = ()
            if self.is_limited:
                # Read before the lock.
                self._zone_of(draft, limits)
                self._locked_keys = _lock_keys(draft, limits)

    def lock(self, *, now: datetime, using: str) -> None:
        """Lock the client until the transaction ends."""
        lock_clients([self], now=now, using=using)

    def check(
        self,
        row: Booking,
        *,
        now: datetime,
        using: str,
        before: Booking | None = None,
        among: LoadedBookings | None = None,
    ) -> None:
        """Raise ``LimitReached`` if the booking is one too many.

        ``before`` is a copy of the row as it is stored. A limit that counts the stored booking
        already is not checked again, even if it has been lowered since. With ``among``, it makes no
        query.
        """
        limits = self._limits_of(row)
        if limits.are_off:
            return
        keys = _lock_keys(row, limits)
        if not set(keys) <= set(self._locked_keys):
            # The client has changed since the draft was read.
            self._locked_keys = keys
            raise RetryTransaction
        zone = self._zone_of(row, limits)
        bookings = Booking.objects.using(using).exclude(pk=row.pk)
        if most := limits.provider_max_bookings_per_day:
            of_day = of_provider(row, zone=zone, now=now)
            others: Iterable[datetime] = (
                _uncached(bookings.filter(of_day)).values_list("start_at", flat=True)
                if among is None
                else [other.start_at for other in among.select(of_day, other_than=row)]
            )
            before_at = counted_start(row, before, zone)
            if exceeds_intervals(most, row.start_at, others, before_at):
                raise limit_reached_error(PROVIDER_LIMIT, most)
        filters = client_filters(row, before, limits, zone=zone, now=now)
        if not filters:
            return
        scope = of_client(row)
        if among is None:
            counts = _count(bookings.filter(scope), filters)
        else:
            counts = {
                name: sum(1 for _row in among.select(scope & condition, other_than=row))
                for name, condition in filters.items()
            }
        _check_counts(counts, limits)

    def conditions(
        self, row: Booking, *, now: datetime, before: Booking | None = None
    ) -> Iterator[Q]:
        """Yield filters for all bookings that ``check`` counts."""
        limits = self._limits_of(row)
        if limits.are_off:
            return
        zone = self._zone_of(row, limits)
        if limits.provider_max_bookings_per_day:
            yield of_provider(row, zone=zone, now=now)
        for condition in client_filters(row, before, limits, zone=zone, now=now).values():
            yield of_client(row) & condition

    def _zone_of(self, row: Booking, limits: Limits) -> tzinfo:
        """Return the zone of the provider's days, if a limit counts by days; it may be read."""
        return self.zones.of(row) if limits.count_days else UTC

    def _limits_of(self, booking: Booking) -> Limits:
        return Limits() if self._is_lifted else self._known_limits.of(booking)


def lock_clients(checks: Iterable[LimitCheck], *, now: datetime, using: str) -> None:
    """Lock the clients of several checks until the transaction ends."""
    keys = sorted({key for check in checks for key in check._locked_keys})
    if keys:
        locks.lock_clients(keys, now=now, using=using)


def _lock_keys(booking: Booking, limits: Limits) -> list[str]:
    return client_identity.lock_keys(booking) if limits.concern_clients else []


def _uncached(bookings: models.QuerySet[Booking]) -> models.QuerySet[Booking]:
    """Return a query of what is stored now, in the order of the keys.

    PostgreSQL refuses the lock of the client to a transaction with an older snapshot. MySQL and
    MariaDB do not, so that they have to read with a lock.
    """
    bookings = bookings.order_by("pk")
    return fresh(bookings) if connections[bookings.db].vendor == "mysql" else bookings


def _count(bookings: models.QuerySet[Booking], filters: dict[str, Q]) -> dict[str, int]:
    """Count the bookings of all limits in one query."""
    any_of_them = Q()
    for condition in filters.values():
        any_of_them |= condition
    found = _uncached(bookings.filter(any_of_them))
    counts = dict.fromkeys(filters, 0)
    columns = {
        name: ExpressionWrapper(condition, output_field=models.BooleanField())
        for name, condition in filters.items()
    }
    for row in found.annotate(**columns).values_list(*filters):
        for name, does_count in zip(filters, row, strict=True):
            counts[name] += bool(does_count)
    return counts


def _check_counts(counts: dict[str, int], limits: Limits) -> None:
    """Raise ``LimitReached`` for the first limit that is reached."""
    for name, count in counts.items():
        most = 1 if name == OVERLAP_LIMIT else getattr(limits, name)
        if count >= most:
            raise limit_reached_error(name, most)


def limit_reached_error(name: str, most: int) -> LimitReached:
    """Return the error for the limit with this name, a field of ``Limits``."""
    if name == OVERLAP_LIMIT:
        return LimitReached(
            _("The client has another booking at that time. Choose another time."),
            "client_overlap",
            limit=name,
            most=most,
        )
    return LimitReached(MESSAGES[name], limit=name, most=most)
