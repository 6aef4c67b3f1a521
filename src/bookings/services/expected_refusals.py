"""Tell which of many possible bookings the adapter, the limits or the duplicate guard would refuse.

The selectors of slots and sessions use it, so that what they offer can be booked. The services
check the same rules one booking at a time, the last two under the locks: see
:mod:`bookings.services.limit_check` and :mod:`bookings.services.duplicates`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, NamedTuple

from django.db.models import Q

from bookings import adapters, slots
from bookings.exceptions import BookingError
from bookings.models import Booking, client_identity
from bookings.models.read_alias import read_alias
from bookings.protocols import BookingType
from bookings.rules.instants import MAX_SECOND
from bookings.rules.limits import Limits, Window, day_window, exceeds_intervals
from bookings.services import references
from bookings.services.day_zones import DayZones
from bookings.services.duplicates import duplicate_error, guard_window
from bookings.services.limit_check import limit_reached_error
from bookings.services.limit_filters import (
    CLIENT_LIMITS,
    OVERLAP_LIMIT,
    PAST_STATUSES,
    PROVIDER_LIMIT,
    active_at,
)
from bookings.services.offered_providers import OfferedProviders
from bookings.services.same_client import has_same_name

MARGIN: Final = 9 * 86400
"""A week, and the difference between any two time zones: the limits of a start count the bookings
within it."""


class ExpectedRefusals:
    """The refusals of bookings that would be made, or moved, in one range of time.

    A *draft* is such a booking, not saved, with all that the adapter may read but its price. The
    drafts that are passed to the constructor name the services and providers, and all have the same
    client and tenant. ``before`` is the stored booking that would be moved. What is stored takes at
    most three queries, and who offers the service one, however many providers and starts there are.
    """

    def __init__(
        self,
        drafts: Sequence[Booking],
        *,
        kind: BookingType,
        first: int,
        last: int,
        now: datetime,
        override_policy: bool = False,
        before: Booking | None = None,
        zones: DayZones | None = None,
    ) -> None:
        self._kind = kind
        self._override_policy = override_policy
        self._before = before
        self._asks_each_start = adapters.is_overridden("check_bookable")
        # A service that asks the slot engine about a start has checked that by itself.
        is_asked_by_service = bool(slots.requested_bounds.get())
        self._offered = OfferedProviders(override_policy=override_policy or is_asked_by_service)
        if drafts and kind == BookingType.ONE_TO_ONE:
            self._offered.load(drafts[0].service, [draft.provider for draft in drafts])
        self._stored = _StoredBookings(
            drafts,
            first=first,
            last=last,
            now=now,
            before=before,
            zones=DayZones() if zones is None else zones,
            override_policy=override_policy,
        )

    @property
    def depend_on_start(self) -> bool:
        """Whether :meth:`of_start` or :meth:`of_stored_bookings` may refuse anything."""
        return self._asks_each_start or self._stored.may_refuse

    def assume(self, booking: Any) -> None:
        """Count a booking of the drafts' client as if it were stored."""
        self._stored.assume(booking)

    def fingerprint(self, drafts: Iterable[Booking]) -> tuple[Any, ...]:
        """Return what the answers depend on, but for the providers' own bookings."""
        refusals = [repr(self.of_provider(draft)) for draft in drafts]
        return self._asks_each_start, refusals, self._stored.fingerprint(drafts)

    def of_provider(self, draft: Booking) -> BookingError | None:
        """Return why the service cannot be booked with the draft's provider, at any start."""
        service, provider = draft.service, draft.provider
        try:
            # An adapter that overrides check_bookable() decides whether to ask check_active().
            if not self._asks_each_start:
                adapters.get_adapter().check_active(
                    service, provider, override_policy=self._override_policy
                )
            # A booking that stays with its provider is not asked for its type again.
            if self._before is None or self._before.provider_id != draft.provider_id:
                references.check_booking_type(service, provider, self._kind)
                if self._kind == BookingType.ONE_TO_ONE:
                    self._offered.check(service, provider)
        except BookingError as error:
            return error
        return None

    def of_start(self, draft: Booking) -> BookingError | None:
        """Return why the adapter would refuse the draft at its start."""
        if self._asks_each_start:
            try:
                adapters.get_adapter().check_bookable(draft, override_policy=self._override_policy)
            except BookingError as error:
                return error
        return None

    def of_stored_bookings(self, draft: Booking) -> BookingError | None:
        """Return why the bookings that are stored forbid the draft, by the duplicate guard or by a
        limit.
        """
        return self._stored.refusal(draft)


class _ClientBooking(NamedTuple):
    """A booking that the limits of its client and the duplicate guard count."""

    service_id: Any
    provider_id: Any
    client_name: str
    status: str
    start_at: datetime
    end_at: datetime


class _StoredBookings:
    """The bookings that the limits and the duplicate guard count, read once.

    With ``override_policy`` neither counts. No override lifts the guard, but by this argument the
    core asks about bookings that move together, which do not count for each other: it checks the
    guard by itself.
    """

    def __init__(
        self,
        drafts: Sequence[Booking],
        *,
        first: int,
        last: int,
        now: datetime,
        before: Booking | None,
        zones: DayZones,
        override_policy: bool,
    ) -> None:
        self._before = before
        self._override_policy = override_policy
        self._guard = None if override_policy else guard_window()
        self._zones = zones
        self._answers: dict[tuple[Any, ...], Any] = {}
        # The adapter may set limits that depend on the start, so they may be on at any of them.
        may_be_on = not override_policy and adapters.is_overridden("limits")
        limits = [self._limits_of(draft) for draft in drafts]
        counts_clients = may_be_on or any(each.concern_clients for each in limits)
        self.may_refuse = (
            may_be_on or self._guard is not None or any(not each.are_off for each in limits)
        )
        self._starts_of_provider: dict[Any, list[datetime]] = defaultdict(list)
        self._of_client: list[_ClientBooking] = []
        self._active = active_at(now)
        self._nearby = Q(
            start_at__gte=datetime.fromtimestamp(max(first - MARGIN, 0), UTC),
            start_at__lt=datetime.fromtimestamp(min(last + MARGIN, MAX_SECOND), UTC),
        )
        limited = {
            draft.provider_id
            for draft, each in zip(drafts, limits, strict=True)
            if may_be_on or each.provider_max_bookings_per_day
        }
        if may_be_on or any(each.count_days for each in limits):
            zones.load(drafts)
        if limited:
            self._read_of_providers(limited)
        if drafts and (counts_clients or self._guard is not None):
            self._read_of_client(drafts[0])

    def _read_of_providers(self, provider_ids: Collection[Any]) -> None:
        bookings = Booking.objects.using(read_alias(Booking)).filter(
            self._nearby,
            self._active | Q(status__in=PAST_STATUSES),
            provider__in=provider_ids,
        )
        for provider_id, start_at in (
            self._others(bookings).order_by("start_at").values_list("provider_id", "start_at")
        ):
            self._starts_of_provider[provider_id].append(start_at)

    def _read_of_client(self, draft: Booking) -> None:
        if not client_identity.lock_keys(draft):
            return
        tenant: dict[str, Any] = {"tenant_id": draft.tenant_id}
        bookings = Booking.objects.using(read_alias(Booking)).filter(
            client_identity.same_client(draft),
            self._active | Q(self._nearby, status__in=PAST_STATUSES),
            **tenant,
        )
        self._of_client = [
            _ClientBooking(*row)
            for row in self._others(bookings).order_by().values_list(*_ClientBooking._fields)
        ]

    def _others(self, bookings: Any) -> Any:
        return bookings if self._before is None else bookings.exclude(pk=self._before.pk)

    def assume(self, booking: Any) -> None:
        insort(self._starts_of_provider[booking.provider_id], booking.start_at)
        columns = (getattr(booking, name) for name in _ClientBooking._fields)
        self._of_client.append(_ClientBooking(*columns))

    def refusal(self, draft: Booking) -> BookingError | None:
        # In the order of the services.
        if self._has_duplicate(draft):
            return duplicate_error()
        limits = self._limits_of(draft)
        if limits.are_off:
            return None
        zone = self._zones.of(draft) if limits.count_days else UTC
        exceeded = self._exceeded_of_provider(draft, limits, zone) or self._exceeded_of_client(
            draft, limits, zone
        )
        return None if exceeded is None else limit_reached_error(*exceeded)

    def fingerprint(self, drafts: Iterable[Booking]) -> tuple[Any, ...]:
        limits = [self._limits_of(draft) for draft in drafts]
        return limits, self._guard, sorted(map(repr, self._of_client))

    def _has_duplicate(self, draft: Booking) -> bool:
        guard = self._guard
        return guard is not None and any(
            row.service_id == draft.service_id
            and row.provider_id == draft.provider_id
            and row.status in Booking.ACTIVE_STATUSES
            and abs(row.start_at - draft.start_at) <= guard
            for row in self._rows_of_client(draft)
        )

    def _exceeded_of_provider(
        self, draft: Booking, limits: Limits, zone: tzinfo
    ) -> tuple[str, int] | None:
        most, before = limits.provider_max_bookings_per_day, self._before
        if not most:
            return None
        day = day_window(draft.start_at, zone)
        before_at = None
        if before is not None and before.provider_id == draft.provider_id:
            before_at = before.start_at if self._counts_before(day) else None
        starts = self._starts_of_provider[draft.provider_id]
        of_day = starts[bisect_left(starts, day[0]) : bisect_left(starts, day[1])]
        is_exceeded = exceeds_intervals(most, draft.start_at, of_day, before_at)
        return (PROVIDER_LIMIT, most) if is_exceeded else None

    def _exceeded_of_client(
        self, draft: Booking, limits: Limits, zone: tzinfo
    ) -> tuple[str, int] | None:
        of_client = self._rows_of_client(draft)
        for name, window_of in CLIENT_LIMITS.items():
            window = None if window_of is None else window_of(draft.start_at, zone)
            if self._before is not None and (window is None or self._counts_before(window)):
                continue
            counted = [row for row in of_client if _is_counted(row, window)]
            of_service = [row for row in counted if row.service_id == draft.service_id]
            for limit, rows in ((name, counted), (f"service_{name}", of_service)):
                most = getattr(limits, limit)
                if most and len(rows) >= most:
                    return limit, most
        if limits.prevent_client_overlap and not self._is_part_of_before(draft):
            for row in of_client:
                is_overlapping = row.start_at < draft.end_at and row.end_at > draft.start_at
                if is_overlapping and row.status in Booking.ACTIVE_STATUSES:
                    return OVERLAP_LIMIT, 1
        return None

    def _rows_of_client(self, draft: Booking) -> list[_ClientBooking]:
        if self._of_client and adapters.get_adapter().named_seats(draft.service):
            return [row for row in self._of_client if has_same_name(row, draft)]
        return self._of_client

    def _counts_before(self, window: Window) -> bool:
        """Return whether the limit of this window counts the stored booking already."""
        return self._before is not None and window[0] <= self._before.start_at < window[1]

    def _is_part_of_before(self, draft: Booking) -> bool:
        before = self._before
        return (
            before is not None
            and before.start_at <= draft.start_at
            and draft.end_at <= before.end_at
        )

    def _limits_of(self, draft: Booking) -> Limits:
        if self._override_policy:
            return Limits()
        limits: Limits = self._answer("limits", draft)
        return limits

    def _answer(self, method: str, draft: Booking) -> Any:
        """Ask the adapter; the default's answers do not depend on the start, and are kept."""
        key = method, draft.service_id, draft.provider_id
        if key in self._answers:
            return self._answers[key]
        answer = getattr(adapters.get_adapter(), method)(draft)
        if not adapters.is_overridden(method):
            self._answers[key] = answer
        return answer


def _is_counted(row: _ClientBooking, window: Window | None) -> bool:
    if window is None:
        return row.status in Booking.ACTIVE_STATUSES
    return window[0] <= row.start_at < window[1]
