"""Verify the invariants over a whole database, and repair what can be repaired safely.

The invariants have the numbers of the guarantee: 1 no overlap; 2 seats within capacity; 3 an active
booking holds its time and no other does; 4 the seats taken are the party sizes; 5 one event for
each change; 6 a booking keeps what it was booked with, of which only the names can be told; 7 the
tenants agree. The queries run in the database or stream active bookings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.db.models import Count, F, Max, Q, RowRange, Sum, Window
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import extensions
from bookings.conf import app_settings
from bookings.exceptions import BookingError
from bookings.models import (
    Booking,
    BookingAddon,
    BookingResource,
    BusyInterval,
    Calendar,
    name_snapshots,
)
from bookings.models.querysets import IS_COMPARED
from bookings.rules import instants
from bookings.rules.occupancy import levels
from bookings.selectors.concurrent_seats import KINDS as CONCURRENT_KINDS
from bookings.services.integrity_repairs import (
    Repair,
    fill_in_names,
    rebuild_segments,
    reclaim,
    reclaim_resources,
    recount,
    recount_resources,
    release,
)

OTHER_TENANT: Final = {
    "service": gettext_lazy("%(booking)s: its service belongs to another tenant."),
    "provider": gettext_lazy("%(booking)s: its provider belongs to another tenant."),
}

WITHOUT_NAME: Final = {
    "service": gettext_lazy("Bookings without the name of their service: %(count)d."),
    "provider": gettext_lazy("Bookings without the name of their provider: %(count)d."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """An invariant that does not hold.

    :ivar invariant: its number, as above.
    :ivar message: what is wrong, for a person.
    :ivar repair: repairs it under the calendar's lock; ``None`` if that is not safe.
    """

    invariant: int
    message: str
    repair: Repair | None = None


def find_problems(using: str | None = None) -> Iterator[Problem]:
    """Yield every problem of a database and of the registered extensions.

    :param using: the alias of the database; by default the one that bookings are written to.
    :returns: a lazy iterator, which yields nothing on a sound database.
    """
    using = using or router.db_for_write(Booking)
    checks = (
        _overlaps,
        _capacities,
        _claims,
        _resource_claims,
        _intervals_without_bookings,
        _seats,
        _concurrent_seats,
        _events,
        _missing_names,
        _tenants,
    )
    for check in checks:
        yield from check(using)
    for extension in extensions.registered():
        yield from extension.find_problems(using)


def _overlaps(using: str) -> Iterator[Problem]:
    latest_end_before = Window(
        Max("ends"),
        partition_by=F("calendar"),
        order_by=[F("starts").asc(), F("id").asc()],
        frame=RowRange(end=-1),
    )
    compared = BusyInterval.objects.using(using).filter(IS_COMPARED)
    rows = compared.annotate(latest=latest_end_before)
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
        message = _claim_problem(booking)
        if message:
            yield Problem(3, message, reclaim(booking, using, is_wrong=_claim_problem))
    idle = bookings.exclude(status__in=Booking.ACTIVE_STATUSES).filter(busy_interval__isnull=False)
    for booking in idle.iterator():
        yield Problem(
            3,
            _("%(booking)s is %(status)s and still holds time.")
            % {"booking": booking, "status": booking.status},
            release(booking, using),
        )


def _claim_problem(booking: Booking) -> str:
    interval = booking.busy_interval
    if interval is None:
        message = _("%(booking)s is %(status)s and holds no time.")
        return message % {"booking": booking, "status": booking.status}
    if interval.calendar.provider_id != booking.provider_id:
        return _("%(booking)s holds another provider's time.") % {"booking": booking}
    starts, ends = instants.busy_bounds_of(booking)
    if interval.starts > starts or interval.ends < ends:
        return _("%(booking)s holds other time than its own.") % {"booking": booking}
    return ""


def _resource_claims(using: str) -> Iterator[Problem]:
    """Find resources that hold no time, other time, or time of a booking that is over."""
    resources = BookingResource.objects.using(using).select_related(
        "booking", "busy_interval__calendar"
    )
    active = resources.filter(booking__status__in=Booking.ACTIVE_STATUSES)
    for resource in active.iterator():
        message = _resource_problem(resource)
        if message:
            fix = reclaim_resources(resource, using, is_wrong=_resource_problem)
            yield Problem(3, message, fix)
    idle = resources.exclude(booking__status__in=Booking.ACTIVE_STATUSES)
    for resource in idle.filter(busy_interval__isnull=False).iterator():
        yield Problem(
            3,
            _("%(booking)s is %(status)s and still holds the time of %(resource)s.")
            % {
                "booking": resource.booking,
                "status": resource.booking.status,
                "resource": resource.provider_name,
            },
            release(resource.booking, using),
        )
    counted = Booking.objects.using(using).annotate(stored=Count("resources"))
    for booking in counted.exclude(resource_count=F("stored")).iterator():
        yield Problem(
            3,
            _("%(booking)s: number of resources: %(count)d, of those stored: %(stored)d.")
            % {
                "booking": booking,
                "count": booking.resource_count,
                "stored": booking.stored,  # type: ignore[attr-defined]
            },
            recount_resources(booking, using),
        )


def _resource_problem(resource: BookingResource) -> str:
    interval, booking = resource.busy_interval, resource.booking
    params = {"booking": booking, "resource": resource.provider_name}
    if interval is None:
        return _("%(booking)s holds no time of its resource %(resource)s.") % params
    starts, ends = instants.busy_bounds(booking.start_at, booking.end_at, *resource.buffers)
    is_other = interval.calendar.provider_id != resource.provider_id
    if is_other or interval.starts > starts or interval.ends < ends:
        return _("%(booking)s holds other time of its resource %(resource)s.") % params
    return ""


def _intervals_without_bookings(using: str) -> Iterator[Problem]:
    of_bookings = (BusyInterval.Kind.BOOKING, BusyInterval.Kind.CONCURRENT)
    rows = BusyInterval.objects.using(using).filter(
        Q(kind__in=of_bookings, bookings__isnull=True)
        | Q(kind=BusyInterval.Kind.RESOURCE, resources__isnull=True)
    )
    for interval in rows.select_related("calendar").iterator():
        yield Problem(
            4,
            _("Busy interval %(key)s belongs to no booking.") % {"key": interval.pk},
            recount(interval, using),
        )


def _seats(using: str) -> Iterator[Problem]:
    of_resources = BusyInterval.objects.using(using).filter(kind=BusyInterval.Kind.RESOURCE)
    counted = of_resources.annotate(parties=Count("resources")).filter(parties__gt=0)
    for interval in counted.exclude(seats_taken=F("parties")).select_related("calendar"):
        yield _seats_problem(interval, using)
    rows = (
        BusyInterval.objects.using(using)
        .filter(Q(bookings__isnull=False) | Q(kind=BusyInterval.Kind.SESSION))
        .annotate(parties=Coalesce(Sum("bookings__party_size"), 0))
        .exclude(seats_taken=F("parties"))
    )
    for interval in rows.select_related("calendar").iterator():
        yield _seats_problem(interval, using)


def _seats_problem(interval: Any, using: str) -> Problem:
    return Problem(
        4,
        _("Busy interval %(key)s: seats taken: %(taken)d, of its bookings: %(parties)d.")
        % {"key": interval.pk, "taken": interval.seats_taken, "parties": interval.parties},
        recount(interval, using),
    )


def _concurrent_seats(using: str) -> Iterator[Problem]:
    """Compare the segments of each calendar with the claims of its concurrent bookings."""
    rows = BusyInterval.objects.using(using).filter(kind__in=CONCURRENT_KINDS)
    columns = ("calendar_id", "kind", "service_id", "starts", "ends", "seats_taken")
    stored = rows.order_by("calendar_id").values_list(*columns).iterator()
    for calendar_id, of_calendar in groupby(stored, key=itemgetter(0)):
        seats: dict[Any, list[tuple[int, int, int]]] = defaultdict(list)
        for _calendar_id, kind, service_id, starts, ends, taken in of_calendar:
            sign = 1 if kind == BusyInterval.Kind.SEGMENT else -1
            seats[service_id].append((starts, ends, sign * taken))
        wrong = [change for taken in seats.values() for change in levels(taken)]
        if not wrong:
            continue
        calendar = Calendar.objects.using(using).select_related("provider").get(pk=calendar_id)
        first = min(wrong)
        yield Problem(
            4,
            _("%(calendar)s: the seats of concurrent bookings are counted wrong (%(interval)s).")
            % {
                "calendar": calendar,
                "interval": BusyInterval(starts=first.starts, ends=first.ends),
            },
            rebuild_segments(calendar, using),
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


def _missing_names(using: str) -> Iterator[Problem]:
    """Find bookings that ``loaddata`` or SQL has stored without the names that they keep."""
    for relation in name_snapshots.RELATIONS:
        unnamed = Booking._base_manager.using(using).filter(**{f"{relation}_name": ""})
        keys = set(unnamed.order_by().values_list(f"{relation}_id", flat=True).distinct())
        if not keys:
            continue
        model: Any = Booking._meta.get_field(relation).related_model
        related = model._base_manager.using(using).filter(pk__in=keys)
        names = {row.pk: name for row in related if (name := name_snapshots.name_of(row))}
        if count := unnamed.filter(**{f"{relation}__in": names.keys()}).count():
            yield Problem(
                6,
                WITHOUT_NAME[relation] % {"count": count},
                fill_in_names(unnamed, relation, names, using),
            )


def _tenants(using: str) -> Iterator[Problem]:
    if not app_settings.tenancy_enabled:
        return
    bookings = Booking.objects.using(using)
    for booking in bookings.filter(tenant__isnull=True).iterator():
        yield Problem(7, _("%(booking)s has no tenant.") % {"booking": booking})
    for name in OTHER_TENANT:
        if _has_tenant(Booking, name):
            foreign = bookings.exclude(**{f"{name}__tenant_id": F("tenant_id")})
            for booking in foreign.filter(tenant__isnull=False).iterator():
                yield Problem(7, OTHER_TENANT[name] % {"booking": booking})
    if _has_tenant(BookingResource, "provider"):
        resources = BookingResource.objects.using(using)
        for resource in resources.exclude(
            provider__tenant_id=F("booking__tenant_id")
        ).select_related("booking"):
            message = _("%(booking)s: its resource %(resource)s belongs to another tenant.")
            params = {"booking": resource.booking, "resource": resource.provider_name}
            yield Problem(7, message % params)
    if _has_tenant(BookingAddon, "addon"):
        addons = BookingAddon.objects.using(using).exclude(addon__tenant_id=F("booking__tenant_id"))
        for addon in addons.select_related("booking").iterator():
            message = _("%(booking)s: the add-on %(addon)s belongs to another tenant.")
            yield Problem(7, message % {"booking": addon.booking, "addon": addon})


def _has_tenant(model: type[Any], name: str) -> bool:
    try:
        model._meta.get_field(name).related_model._meta.get_field("tenant")
    except FieldDoesNotExist:
        return False
    return True


def repair(problem: Problem) -> str:
    """Repair one problem if that is safe.

    :param problem: a problem that :func:`find_problems` yielded.
    :returns: the outcome, for a person.
    """
    if problem.repair is None:
        return _("cannot be repaired automatically")
    try:
        problem.repair()
    except BookingError as error:
        return _("could not be repaired: %(error)s") % {"error": error}
    return _("repaired")
