"""Verify the invariants over a whole database, and repair what can be repaired safely.

The numbers are those of the guarantee: 1 no overlap, 2 seats within capacity, 3 an active booking
holds its time and no other does, 4 seats taken are the party sizes, 5 one event for every change, 7
tenants agree. Everything is judged by queries that stay in the database or read active bookings in
a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.db.models import Count, F, Max, Q, RowRange, Sum, Window
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import claims, ledger, locks, policies
from bookings.conf import app_settings
from bookings.exceptions import BookingError
from bookings.models import Booking, BookingAddon, BusyInterval
from bookings.transactions import atomically

Repair = Callable[[], None]

FOREIGN: Final = {
    "service": gettext_lazy("%(booking)s: its service belongs to another tenant."),
    "provider": gettext_lazy("%(booking)s: its provider belongs to another tenant."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """An invariant that does not hold. ``repair`` mends it, under the calendar's lock."""

    invariant: int
    message: str
    repair: Repair | None = None


Check = Callable[[str], Iterator[Problem]]
_registered: list[Check] = []

Place = Callable[[Booking, str], claims.Claim | None]
_places: list[Place] = []


def find_problems(using: str | None = None) -> Iterator[Problem]:
    """Everything that is wrong, lazily; nothing on a healthy database."""
    using = using or router.db_for_write(Booking)
    own = (_overlaps, _capacities, _claims, _leaks, _seats, _events, _tenants)
    for check in (*own, *_registered):
        yield from check(using)


def register(check: Check) -> Check:
    """Have :func:`find_problems` ask this too; for an app that claims time by itself.

    ``check`` takes a database's alias. Register it in the app's ``ready()``.
    """
    _registered.append(check)
    return check


def register_place(place: Place) -> Place:
    """Have a repair put an active booking where this says it belongs; for an app with seats.

    ``place`` takes the booking and a database's alias, under the lock, and gives the claim, or
    ``None`` for a booking that has time of its own. Register it in the app's ``ready()``.
    """
    _places.append(place)
    return place


def _overlaps(using: str) -> Iterator[Problem]:
    latest_end_before = Window(
        Max("ends"),
        partition_by=F("calendar"),
        order_by=[F("starts").asc(), F("id").asc()],
        frame=RowRange(end=-1),
    )
    rows = BusyInterval.objects.using(using).annotate(latest=latest_end_before)
    for interval in rows.filter(latest__gt=F("starts")).iterator():
        yield Problem(
            1,
            _("Busy interval %(key)s overlaps an earlier one of its calendar (%(interval)s).")
            % {"key": interval.pk, "interval": interval},
        )


def _capacities(using: str) -> Iterator[Problem]:
    rows = BusyInterval.objects.using(using).filter(
        Q(seats_taken__gt=F("capacity")) | Q(ends__lte=F("starts"))
    )
    for interval in rows.iterator():
        yield Problem(
            2,
            _(
                "Busy interval %(key)s: seats taken: %(taken)d of %(capacity)d, length in seconds: "
                "%(seconds)d."
            )
            % {
                "key": interval.pk,
                "taken": interval.seats_taken,
                "capacity": interval.capacity,
                "seconds": interval.ends - interval.starts,
            },
        )


def _claims(using: str) -> Iterator[Problem]:
    bookings = Booking.objects.using(using)
    for booking in bookings.active().select_related("busy_interval__calendar").iterator():
        said = _claim_problem(booking)
        if said:
            yield Problem(3, said, _reclaim(booking, using))
    idle = bookings.exclude(status__in=Booking.ACTIVE_STATUSES).filter(busy_interval__isnull=False)
    for booking in idle.iterator():
        yield Problem(
            3,
            _("%(booking)s is %(status)s and still holds time.")
            % {"booking": booking, "status": booking.status},
            _let_go(booking, using),
        )


def _claim_problem(booking: Booking) -> str:
    interval = booking.busy_interval
    if interval is None:
        said = _("%(booking)s is %(status)s and holds no time.")
        return said % {"booking": booking, "status": booking.status}
    if interval.calendar.provider_id != booking.provider_id:
        return _("%(booking)s holds another provider's time.") % {"booking": booking}
    starts, ends = claims.window_of(booking)
    if interval.starts > starts or interval.ends < ends:
        return _("%(booking)s holds other time than its own.") % {"booking": booking}
    return ""


def _leaks(using: str) -> Iterator[Problem]:
    rows = BusyInterval.objects.using(using).filter(
        kind=BusyInterval.Kind.BOOKING, bookings__isnull=True
    )
    for interval in rows.select_related("calendar").iterator():
        yield Problem(
            4,
            _("Busy interval %(key)s belongs to no booking.") % {"key": interval.pk},
            _recount(interval, using),
        )


def _seats(using: str) -> Iterator[Problem]:
    rows = (
        BusyInterval.objects.using(using)
        .filter(Q(bookings__isnull=False) | Q(kind=BusyInterval.Kind.SESSION))
        .annotate(parties=Coalesce(Sum("bookings__party_size"), 0))
        .exclude(seats_taken=F("parties"))
    )
    for interval in rows.select_related("calendar").iterator():
        yield Problem(
            4,
            _("Busy interval %(key)s: seats taken: %(taken)d, of its bookings: %(parties)d.")
            % {
                "key": interval.pk,
                "taken": interval.seats_taken,
                "parties": interval.parties,
            },
            _recount(interval, using),
        )


def _events(using: str) -> Iterator[Problem]:
    rows = Booking.objects.using(using).annotate(changes=Count("events"))
    for booking in rows.exclude(version=F("changes")).iterator():
        yield Problem(
            5,
            _("%(booking)s: number of changes: %(changes)d, of events: %(events)d.")
            % {
                "booking": booking,
                "changes": booking.version,
                "events": booking.changes,  # type: ignore[attr-defined]
            },
        )


def _tenants(using: str) -> Iterator[Problem]:
    if not app_settings.tenancy_enabled:
        return
    bookings = Booking.objects.using(using)
    for booking in bookings.filter(tenant__isnull=True).iterator():
        yield Problem(7, _("%(booking)s has no tenant.") % {"booking": booking})
    for name in FOREIGN:
        if _has_tenant(Booking, name):
            foreign = bookings.exclude(**{f"{name}__tenant_id": F("tenant_id")})
            for booking in foreign.filter(tenant__isnull=False).iterator():
                yield Problem(7, FOREIGN[name] % {"booking": booking})
    if _has_tenant(BookingAddon, "addon"):
        addons = BookingAddon.objects.using(using).exclude(addon__tenant_id=F("booking__tenant_id"))
        for addon in addons.select_related("booking").iterator():
            said = _("%(booking)s: the add-on %(addon)s belongs to another tenant.")
            yield Problem(7, said % {"booking": addon.booking, "addon": addon})


def _has_tenant(model: type[Any], name: str) -> bool:
    try:
        model._meta.get_field(name).related_model._meta.get_field("tenant")
    except FieldDoesNotExist:
        return False
    return True


def _reclaim(booking: Booking, using: str) -> Repair:
    """Take the time that the booking should hold; fails if somebody else has it by now."""

    def write() -> None:
        row, calendars = _locked(booking, using)
        if not row.holds_time or not _claim_problem(row):
            return
        rows = Booking._base_manager.using(using).filter(pk=row.pk)
        if row.busy_interval_id is not None:
            rows.update(busy_interval=None)
            ledger.recount(row.busy_interval_id, using=using)
        claim = _place_of(row, using)
        if claim.interval_id is not None:
            # Its own seats may still be counted there.
            ledger.recount(claim.interval_id, using=using)
        rows.update(busy_interval=ledger.take(calendars[row.provider_id], claim, using=using))

    return partial(atomically, write, using=using)


def _place_of(row: Booking, using: str) -> claims.Claim:
    for place in _places:
        if claim := place(row, using):
            return claim
    rules = policies.ServiceRules.of(row.service, default_currency=app_settings.DEFAULT_CURRENCY)
    return claims.Claim.of(row, rules)


def _let_go(booking: Booking, using: str) -> Repair:
    def write() -> None:
        row, _calendars = _locked(booking, using)
        if not row.holds_time and row.busy_interval_id is not None:
            Booking._base_manager.using(using).filter(pk=row.pk).update(busy_interval=None)
            ledger.recount(row.busy_interval_id, using=using)

    return partial(atomically, write, using=using)


def _locked(booking: Booking, using: str) -> tuple[Booking, dict[Any, int]]:
    """The booking as it is now, with its own calendar locked and that of the time it holds."""
    rows = Booking._base_manager.using(using).filter(pk=booking.pk)
    holder = rows.values_list("busy_interval__calendar__provider_id", flat=True).first()
    providers = {booking.provider_id, holder} - {None}
    calendars = locks.lock_calendars(providers, using=using)
    return rows.select_for_update().get(), calendars


def _recount(interval: BusyInterval, using: str) -> Repair:
    def write() -> None:
        locks.lock_calendar(interval.calendar.provider_id, using=using)
        ledger.recount(interval.pk, using=using)

    return partial(atomically, write, using=using)


def repair(problem: Problem) -> str:
    """Mend one problem if that is safe; what became of it, in a word or a sentence."""
    if problem.repair is None:
        return _("cannot be repaired automatically")
    try:
        problem.repair()
    except BookingError as error:
        return _("could not be repaired: %(error)s") % {"error": error}
    return _("repaired")
