"""Hold a write to the limits: lock the client, count what there is, refuse one too many."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, tzinfo
from typing import Any, Final

from django.db import connections, models
from django.db.models import ExpressionWrapper, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings import clients, locks
from bookings.adapters import get_adapter
from bookings.exceptions import LimitReached
from bookings.limits import Limits, Window, day_of, week_of
from bookings.models import Booking
from bookings.transactions import TryAgain

Span = Callable[[datetime, tzinfo], Window]

# By the limit's name, and how long what it counts lasts; the same goes for a service's own.
SPANS: Final[dict[str, Span | None]] = {
    "max_active_bookings_per_client": None,
    "max_bookings_per_client_per_day": day_of,
    "max_bookings_per_client_per_week": week_of,
}
OF_PROVIDER: Final = "provider_max_bookings_per_day"
OVERLAP: Final = "prevent_client_overlap"

# What has taken place, or should have, counts for its day.
AFTERWARDS: Final = (Booking.Status.DELIVERED, Booking.Status.COMPLETED, Booking.Status.NO_SHOW)

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
    OF_PROVIDER: ngettext_lazy(
        "The provider takes %(most)d booking a day. Choose another day or provider.",
        "The provider takes %(most)d bookings a day. Choose another day or provider.",
        "most",
    ),
}


class Allowance:
    """What the limits leave for a booking that is to be made, moved or given to a client.

    ``lock`` after the calendars and before the booking's row; ``check`` when the row is as it
    shall be. Nothing is locked or counted for limits that are off, nor for a client while there is
    none: a hold without details is held to the client's limits when the details come.
    """

    def __init__(self, draft: Booking, *, override_policy: bool = False) -> None:
        self._is_lifted = override_policy
        limits = self._limits_of(draft)
        self.is_limited = not limits.are_off
        self._keys: Collection[str] = _keys(draft, limits)

    def lock(self, *, now: datetime, using: str) -> None:
        """Lock the client until the transaction ends."""
        if self._keys:
            locks.lock_clients(self._keys, now=now, using=using)

    def check(
        self, row: Booking, *, now: datetime, using: str, before: Booking | None = None
    ) -> None:
        """Raise ``LimitReached`` if the booking is one too many.

        ``before`` is a copy of the row that is stored already: a limit that has let it in does not
        count it anew, not even after the limit was lowered.
        """
        limits = self._limits_of(row)
        if limits.are_off:
            return
        keys = _keys(row, limits)
        if not set(keys) <= set(self._keys):
            # The client is another than when the draft was read.
            self._keys = keys
            raise TryAgain
        counted = _Counted(row, before, limits, now=now)
        bookings = Booking.objects.using(using).exclude(pk=row.pk)
        if of_provider := dict(counted.of_provider()):
            _refuse(bookings.filter(provider_id=row.provider_id), of_provider, limits)
        if keys and (of_client := dict(counted.of_client())):
            tenant: dict[str, Any] = {"tenant_id": row.tenant_id}
            _refuse(bookings.filter(clients.same_client(row), **tenant), of_client, limits)

    def _limits_of(self, booking: Booking) -> Limits:
        return Limits() if self._is_lifted else get_adapter().limits(booking)


def _keys(booking: Booking, limits: Limits) -> list[str]:
    return clients.keys(booking) if limits.concern_clients else []


class _Counted:
    """By the name of a limit that has to be kept, what counts for it."""

    def __init__(
        self, row: Booking, before: Booking | None, limits: Limits, *, now: datetime
    ) -> None:
        self.row = row
        self.before = before
        self.limits = limits
        self.zone = get_adapter().time_zone(row)
        self.active = Q(status=Booking.Status.CONFIRMED) | Q(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now), status=Booking.Status.PENDING
        )

    def of_provider(self) -> Iterator[tuple[str, Q]]:
        if getattr(self.limits, OF_PROVIDER) is None:
            return
        before = self.before
        was_theirs = before is not None and before.provider_id == self.row.provider_id
        day = day_of(self.row.start_at, self.zone)
        if not (was_theirs and _was_within(day, before)):
            yield OF_PROVIDER, self._during(day)

    def of_client(self) -> Iterator[tuple[str, Q]]:
        row, before = self.row, self.before
        # Any new detail counts: it may be the first that the client himself has given.
        was_theirs = before is not None and clients.keys(before) == clients.keys(row)
        for name, span in SPANS.items():
            window = None if span is None else span(row.start_at, self.zone)
            if was_theirs and (window is None or _was_within(window, before)):
                continue
            counted = self.active if window is None else self._during(window)
            yield name, counted
            yield f"service_{name}", counted & Q(service_id=row.service_id)
        at = Q(start_at__lt=row.end_at, end_at__gt=row.start_at)
        if not (before is not None and was_theirs and _is_part(row, before)):
            yield OVERLAP, self.active & at

    def _during(self, window: Window) -> Q:
        first, last = window
        counted = self.active | Q(status__in=AFTERWARDS)
        return counted & Q(start_at__gte=first, start_at__lt=last)


def _was_within(window: Window, before: Booking | None) -> bool:
    return before is not None and window[0] <= before.start_at < window[1]


def _is_part(row: Booking, before: Booking) -> bool:
    return before.start_at <= row.start_at and row.end_at <= before.end_at


def _refuse(bookings: models.QuerySet[Booking], counted: dict[str, Q], limits: Limits) -> None:
    """Count what there is for all limits in one query, and raise the first that is reached."""
    counted = {name: what for name, what in counted.items() if getattr(limits, name)}
    if not counted:
        return
    anything = Q()
    for what in counted.values():
        anything |= what
    found = bookings.filter(anything).order_by("pk")
    if connections[found.db].vendor == "mysql":
        # Under REPEATABLE READ a plain read would see what there was when the transaction began.
        found = found.select_for_update()
    counts = dict.fromkeys(counted, 0)
    columns = {
        name: ExpressionWrapper(what, output_field=models.BooleanField())
        for name, what in counted.items()
    }
    for row in found.annotate(**columns).values_list(*counted):
        for name, does_count in zip(counted, row, strict=True):
            counts[name] += bool(does_count)
    for name, count in counts.items():
        # Overlapping even one is too many.
        most = 1 if name == OVERLAP else getattr(limits, name)
        if count >= most:
            raise _reached(name, most)


def _reached(name: str, most: int) -> LimitReached:
    if name == OVERLAP:
        return LimitReached(
            _("The client has another booking at that time. Choose another time."),
            "client_overlap",
            params={"limit": name},
        )
    return LimitReached(MESSAGES[name], params={"limit": name, "most": most})
