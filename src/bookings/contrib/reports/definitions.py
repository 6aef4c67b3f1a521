"""What the reports count, for the selectors, the admin and the exports.

Each :class:`Count` is a filter of bookings. Each :class:`Share` divides two counts.
``docs/reference/reports.md`` says in words what each of them means; a test compares the two lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db.models import BigIntegerField, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext_lazy as _

from bookings.contrib.reports.expressions import Microseconds
from bookings.models import Booking, BookingEvent
from bookings.models.lifecycle import EXPIRED_REASON
from bookings.selectors import ANSWERS

Status = Booking.Status
EventType = BookingEvent.EventType

MINUTE: Final = 60_000_000
"""In microseconds."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number of bookings."""

    name: str
    label: Any
    condition: Q


@dataclass(frozen=True, slots=True)
class Share:
    """One count divided by another, or by the sum of several."""

    name: str
    label: Any
    numerator: str
    denominator: str


IS_HOLD: Final = Q(
    status__in=(Status.PENDING, Status.CANCELLED, Status.DECLINED),
    expires_at__isnull=False,
    requested_at__isnull=True,
    confirmed_at__isnull=True,
)
"""A booking that was never more than a hold. No report counts it."""

STANDS: Final = ~Q(status__in=(Status.CANCELLED, Status.DECLINED))
"""A booking that is neither cancelled nor declined."""

_CANCELLED: Final = Q(status=Status.CANCELLED)
_HAS_EXPIRED: Final = Q(auto_cancelled=True, cancellation_reason=EXPIRED_REASON)

LAPSED: Final = _CANCELLED & _HAS_EXPIRED
OVERDUE: Final = _CANCELLED & Q(auto_cancelled=True) & ~Q(cancellation_reason=EXPIRED_REASON)
CANCELLED_BY_PERSON: Final = _CANCELLED & Q(auto_cancelled=False)

# PostgreSQL multiplies two integers of four bytes in four bytes.
_NOTICE: Final = Cast("cancellation_notice_minutes", BigIntegerField()) * Value(MINUTE)
_NOTICE_ENDS: Final = Microseconds(F("start_at")) - _NOTICE
_IS_LATE: Final = Q(GreaterThan(Microseconds(F("cancelled_at")), _NOTICE_ENDS)) | Q(
    cancelled_at__gte=F("start_at")
)
LATE: Final = CANCELLED_BY_PERSON & Q(cancelled_at__isnull=False) & _IS_LATE
"""Less than the booking's cancellation notice before the start, or when it had begun. It is the
rule that :func:`~bookings.services.cancel_booking` applies to a client."""

BOOKED_AHEAD: Final = Q(created_at__lte=F("start_at"))
"""A booking that was stored before it began. One that was imported later has no lead time."""

COUNTS: Final = (
    Count("pending", _("pending"), Q(status=Status.PENDING)),
    Count("confirmed", _("confirmed"), Q(status=Status.CONFIRMED)),
    Count("delivered", _("delivered"), Q(status=Status.DELIVERED)),
    Count("completed", _("completed"), Q(status=Status.COMPLETED)),
    Count("no_show", _("no-shows"), Q(status=Status.NO_SHOW)),
    Count("declined", _("declined"), Q(status=Status.DECLINED)),
    Count("lapsed", _("lapsed"), LAPSED),
    Count("overdue", _("cancelled automatically"), OVERDUE),
    Count("cancelled_by_person", _("cancelled by somebody"), CANCELLED_BY_PERSON),
    Count("cancelled_late", _("cancelled late"), LATE),
)
"""What one statement counts. The other numbers of bookings follow from these and from the events.
"""

SHARES: Final = (
    Share("completion", _("completion rate"), "completed", "decided"),
    Share("no_show_rate", _("no-show rate"), "no_show", "decided"),
    Share("cancellation", _("cancellation rate"), "cancelled_by_person", "bookings"),
    Share("client_cancellation", _("clients who cancel"), "cancelled_by_client", "bookings"),
    Share("provider_cancellation", _("providers who cancel"), "cancelled_by_provider", "bookings"),
    Share("late_cancellation", _("clients who cancel late"), "late", "cancelled_by_client"),
    Share("auto_cancellation", _("automatic cancellations"), "overdue", "bookings"),
    Share("reschedule", _("bookings that were moved"), "rescheduled", "bookings"),
)


def cancelled_by_provider() -> Q:
    """Return the filter for bookings that the provider has cancelled.

    Their last cancellation says so, or they were cancelled together with their session.
    """
    cancellations = BookingEvent.objects.filter(event_type=EventType.CANCELLED)
    later = cancellations.filter(booking=OuterRef("booking"), pk__gt=OuterRef("pk"))
    says_so = cancellations.filter(booking=OuterRef("pk"), data__by="provider")
    condition = Q(Exists(says_so.filter(~Exists(later))))
    if apps.is_installed("bookings.contrib.group_sessions"):
        condition |= Q(seat__session__cancelled_at=F("cancelled_at"))
    return CANCELLED_BY_PERSON & condition


MOVED: Final = Q(events__event_type=EventType.RESCHEDULED)
"""A booking with events of this type. Each of them is a move."""


def has_no_answer() -> Q:
    """Return the filter for requests that were neither confirmed nor declined."""
    answers = BookingEvent.objects.filter(booking=OuterRef("pk"), event_type__in=ANSWERS)
    may_have_none = Q(status__in=(Status.PENDING, Status.CANCELLED), confirmed_at__isnull=True)
    return may_have_none & Q(~Exists(answers))


def is_first_answer() -> Q:
    """Return the filter of events for the first answer to each request."""
    earlier = BookingEvent.objects.filter(
        booking=OuterRef("booking"), event_type__in=ANSWERS, pk__lt=OuterRef("pk")
    )
    return Q(~Exists(earlier), event_type__in=ANSWERS)
