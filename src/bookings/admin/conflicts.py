"""What is in the way of a booking, of time off or of a closure, as a list for who may see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bookings.admin.display import change_link
from bookings.admin.visibility import visible_objects
from bookings.exceptions import BookingConflict, BookingError, ResourceTaken
from bookings.models import Booking, BookingResource, BusyInterval
from bookings.models.querysets import IS_COMPARED, overlapping
from bookings.rules import instants
from bookings.rules.buffers import BUFFER_FIELDS, buffer_of

MAX_ITEMS: Final = 20
"""How many bookings, and how many busy intervals, a message lists."""

OF_ONE_BOOKING: Final = (BusyInterval.Kind.BOOKING, BusyInterval.Kind.RESOURCE)


def conflict_list(
    site: AdminSite,
    request: HttpRequest,
    bookings: Sequence[Booking],
    intervals: Sequence[BusyInterval] = (),
) -> SafeString:
    """Return the bookings and busy intervals as a list.

    The list has no ``<li>``, which the admin's style sheet would draw as a message.
    """
    items = ((item,) for item in conflict_items(site, request, bookings, intervals))
    lines = format_html_join("", '<div role="listitem">{}</div>', items)
    return format_html('<div class="bookings-conflicts" role="list">{}</div>', lines)


def conflict_items(
    site: AdminSite,
    request: HttpRequest,
    bookings: Sequence[Booking],
    intervals: Sequence[BusyInterval] = (),
) -> list[SafeString]:
    """Return a line for each of the bookings and busy intervals, the first ones of many.

    A booking that the user sees in the bookings' own admin has a link, and its client. Another one
    is only busy.
    """
    listed = bookings[:MAX_ITEMS]
    bookings_of_user = visible_objects(site, Booking, request)
    found = bookings_of_user.filter(pk__in=[booking.pk for booking in listed])
    visible = set(found.values_list("pk", flat=True))
    items = [
        *(
            _booking_text(site, booking) if booking.pk in visible else _busy(booking)
            for booking in listed
        ),
        *(_interval_text(interval) for interval in intervals[:MAX_ITEMS]),
    ]
    rest = max(0, len(bookings) - MAX_ITEMS) + max(0, len(intervals) - MAX_ITEMS)
    if rest:
        items.append(format_html("… (+{})", rest))
    return items


def takes_the_time(error: BookingError) -> bool:
    """Return whether an error says that the time is taken, by the ledger or the slot engine."""
    return isinstance(error, BookingConflict) or error.booking_code == "taken"


def find_in_the_way(
    service: Any,
    providers: Iterable[Any],
    start_at: datetime,
    end_at: datetime,
    *,
    moved: Any = None,
) -> tuple[list[Booking], list[BusyInterval]]:
    """Return what takes the time of these providers that a booking would need, buffers included.

    The first list has the bookings, also those that take a provider as a resource; the second one
    has what else takes the time, as sessions and time off. ``moved`` is the booking or session that
    is to be moved. What it returns is for a message: it is read without a lock. It takes three
    queries at most.
    """
    providers = list(providers)
    before, after = (
        timedelta(minutes=max(buffer_of(each, name, "provider") for each in (service, *providers)))
        for name in BUFFER_FIELDS
    )
    intervals = BusyInterval.objects.filter(
        IS_COMPARED,
        overlapping(instants.floor_second(start_at - before), instants.ceil_second(end_at + after)),
        Q(lapses__isnull=True) | Q(lapses__gt=instants.floor_second(timezone.now())),
        calendar__provider__in=[provider.pk for provider in providers],
    )
    if moved is not None:
        of_resources = moved.resources.values_list("busy_interval_id", flat=True)
        own = {moved.busy_interval_id, *of_resources} - {None}
        intervals = intervals.exclude(pk__in=own)
    found = list(intervals)
    keys = [interval.pk for interval in found if interval.kind in OF_ONE_BOOKING]
    rows = BookingResource.objects.filter(busy_interval__in=keys).values("booking")
    bookings = Booking.objects.filter(Q(busy_interval__in=keys) | Q(pk__in=rows))
    others = [interval for interval in found if interval.kind not in OF_ONE_BOOKING]
    return list(bookings.order_by("start_at", "pk")), others


def list_in_the_way(
    site: AdminSite,
    request: HttpRequest,
    error: BookingError,
    *,
    service: Any,
    providers: Sequence[Any],
    start_at: datetime,
    end_at: datetime,
    moved: Any = None,
) -> SafeString:
    """Return what made a service raise this error, as a list; nothing if the time is not taken.

    The parameters are those of :func:`find_in_the_way`. It takes four queries at most.
    """
    if not takes_the_time(error):
        return SafeString("")
    if isinstance(error, ResourceTaken):
        providers = [error.resource]
    found = find_in_the_way(service, providers, start_at, end_at, moved=moved)
    return conflict_list(site, request, *found)


class ConflictsMixin:
    """A form that names what is in the way, if a service refuses it because the time is taken."""

    site: ClassVar[AdminSite]
    request: ClassVar[HttpRequest]
    cleaned_data: dict[str, Any]
    instance: Any

    end_for_conflicts: Callable[[Any, datetime], datetime]
    """Return about when it would end, by its service and its start; for a message."""

    def with_conflicts(self, error: BookingError, refusal: ValidationError) -> ValidationError:
        """Return the refusal with a list of what is in the way, if the time is taken."""
        if not takes_the_time(error):
            return refusal
        values, is_new = self.cleaned_data, self.instance._state.adding
        # What has not been sent is as it was.
        service, provider, start_at = (
            values.get(name) or getattr(self.instance, name)
            for name in ("service", "provider", "start_at")
        )
        providers = [provider, *(values.get("resources") or ())]
        end_at = self.end_for_conflicts(service, start_at)
        listed = list_in_the_way(
            *(self.site, self.request, error),
            service=service,
            providers=providers,
            start_at=start_at,
            end_at=end_at,
            moved=None if is_new else self.instance,
        )
        [(field, messages)] = refusal.message_dict.items()
        return ValidationError({field: [format_html("{} {}", " ".join(messages), listed)]})


def _busy(booking: Booking) -> SafeString:
    return _stretch(_("Busy"), booking.start_at, booking.end_at)


def _booking_text(site: AdminSite, booking: Booking) -> SafeString:
    start = date_format(timezone.localtime(booking.start_at), "DATETIME_FORMAT")
    link = change_link(site, booking, booking.reference)
    return format_html("{} · {} · {}", link, start, booking.client_name)


def _interval_text(interval: BusyInterval) -> SafeString:
    return _stretch(interval.get_kind_display(), interval.start_at, interval.end_at)


def _stretch(text: str, start_at: datetime, end_at: datetime) -> SafeString:
    start, end = (
        date_format(timezone.localtime(instant), "DATETIME_FORMAT")
        for instant in (start_at, end_at)
    )
    return format_html("{} · {} – {}", text, start, end)
