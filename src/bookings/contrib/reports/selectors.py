"""The reports. Each takes a constant number of queries, and nothing here writes.

:mod:`bookings.contrib.reports.definitions` says what is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypedDict, TypeVar, Unpack

from django.apps import apps
from django.db.models import (
    BigIntegerField,
    Count,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Sum,
    Value,
    Window,
)
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from bookings.contrib.reports import definitions
from bookings.contrib.reports.exceptions import InvalidReport
from bookings.contrib.reports.expressions import Microseconds, Quotient, Seconds
from bookings.contrib.reports.figures import (
    Amounts,
    Figures,
    Group,
    Report,
    Responses,
    Sessions,
    Utilisation,
)
from bookings.contrib.reports.grouping import (
    DATES,
    Grouping,
    grouping_by_name,
    labels,
)
from bookings.contrib.reports.periods import Period
from bookings.contrib.reports.scope import Scope, check_queryset
from bookings.contrib.reports.utilisation import utilisation_by_group
from bookings.models import Booking, BookingEvent, arguments
from bookings.protocols import ProviderLike, ServiceLike
from bookings.rules import instants, validation

__all__ = [
    "Period",
    "booking_report",
    "list_bookings",
    "response_report",
    "session_report",
    "utilisation_report",
]

TARGET: Final = timedelta(hours=24)
"""The response time that a report measures answers by, unless it is given another."""

UTILISATION_GROUPINGS: Final = ("provider", *DATES)
MICROSECOND: Final = timedelta(microseconds=1)

T = TypeVar("T")


class Filters(TypedDict, total=False):
    """What every report takes besides its period."""

    bookings: QuerySet[Booking] | None
    """Only these bookings, as those that a user may see; by default all."""
    service: ServiceLike | None
    provider: ProviderLike | None
    tenant: Any


def booking_report(
    period: Period, *, group_by: str | None = None, **filters: Unpack[Filters]
) -> Report[Figures]:
    """Count the bookings that start within a period, and add up what they are worth.

    Holds are left out. It takes three queries, one more with payments, and one more for the names
    of services, providers or tenants.

    :param period: a :class:`~bookings.contrib.reports.periods.Period`.
    :param group_by: ``service``, ``provider``, ``tenant``, ``day``, ``week``, ``month`` or
        ``weekday_hour``; by default there is only the total.
    :param filters: ``bookings``, a queryset of those that may be counted; ``service``,
        ``provider`` and ``tenant``.
    :returns: the total, and a group for each key. Days, weeks and months without bookings are
        groups too. A week has the key of its Monday, a month that of its first day, and an hour of
        the week that of the weekday, counted from Monday as 0, and the hour.
    :raises InvalidReport: the period, the grouping or ``bookings`` is invalid.
    :raises InvalidBooking: the service, the provider or the tenant is not saved.
    :raises TenantMismatch: the service or the provider is of another tenant, or a tenant is given
        without tenancy.
    """
    scope = Scope.of(period, **filters)
    grouping = grouping_by_name(group_by)
    cohort = scope.bookings().filter(~definitions.IS_HOLD, scope.window("start_at"))
    keyed = _by_key(cohort, grouping, "start_at", period)
    found: dict[Any, Figures] = {}

    def of(row: Mapping[str, Any]) -> Figures:
        key = grouping.read(row["key"]) if grouping is not None else None
        return found.setdefault(key, Figures())

    _count(keyed, of)
    _count_by_provider(keyed, of)
    _count_moves(keyed, of)
    if apps.is_installed("bookings.contrib.payments"):
        _add_payments(keyed, of)
    return _report(period, grouping, found, Figures, scope.using)


def _count(keyed: QuerySet[Any], of: Any) -> None:
    stands, completed = definitions.STANDS, Q(status=Booking.Status.COMPLETED)
    ahead = definitions.BOOKED_AHEAD
    rows = keyed.values("key", "currency").annotate(
        bookings=Count("pk"),
        **{each.name: Count("pk", filter=each.condition) for each in definitions.COUNTS},
        booked_ahead=Count("pk", filter=ahead),
        lead=Sum(Seconds("start_at") - Seconds("created_at"), filter=ahead),
        booked=Sum("total_amount", filter=stands),
        priced=Count("total_amount", filter=stands),
        realised=Sum("total_amount", filter=completed),
    )
    for row in rows:
        figures = Figures(
            bookings=row["bookings"],
            **{each.name: row[each.name] for each in definitions.COUNTS},
            booked_ahead=row["booked_ahead"],
            lead_seconds=int(row["lead"] or 0),
        )
        if row["priced"]:
            figures.values[row["currency"]] = Amounts(
                booked=row["booked"], priced=row["priced"], realised=row["realised"] or Decimal(0)
            )
        of(row).add(figures)


def _count_by_provider(keyed: QuerySet[Any], of: Any) -> None:
    rows = keyed.filter(definitions.cancelled_by_provider()).values("key")
    for row in rows.annotate(
        cancelled=Count("pk", distinct=True),
        late=Count("pk", distinct=True, filter=definitions.LATE),
    ):
        of(row).cancelled_by_provider = row["cancelled"]
        of(row).provider_late = row["late"]


def _count_moves(keyed: QuerySet[Any], of: Any) -> None:
    rows = keyed.filter(definitions.MOVED).values("key")
    for row in rows.annotate(
        rescheduled=Count("pk", distinct=True), reschedules=Count("events__pk")
    ):
        of(row).rescheduled = row["rescheduled"]
        of(row).reschedules = row["reschedules"]


def _add_payments(keyed: QuerySet[Any], of: Any) -> None:
    from bookings.contrib.payments.models import Payment

    rows = keyed.filter(payments__status__in=Payment.MADE).values("key", "payments__currency")
    for row in rows.annotate(
        paid=Sum("payments__amount"), refunded=Sum("payments__amount_refunded")
    ):
        value = of(row).values.setdefault(row["payments__currency"], Amounts())
        value.paid += row["paid"]
        value.refunded += row["refunded"]


def response_report(
    period: Period,
    *,
    group_by: str | None = None,
    target: timedelta = TARGET,
    now_dt: datetime | None = None,
    **filters: Unpack[Filters],
) -> Report[Responses]:
    """Report how the requests that were made within a period were answered.

    It takes five queries, one fewer without a grouping, and one more for names.

    :param period: a :class:`~bookings.contrib.reports.periods.Period`; ``requested_at`` counts.
    :param group_by: as for :func:`booking_report`, by the time of the request.
    :param target: the response time to keep, by default 24 hours.
    :param now_dt: the current time, by default the clock's.
    :param filters: as for :func:`booking_report`.
    :returns: the total, and a group for each key.
    :raises InvalidReport: as by :func:`booking_report`; or ``target`` is no positive timedelta.
    :raises InvalidBooking: as by :func:`booking_report`; or ``now_dt`` is no aware datetime.
    :raises TenantMismatch: as by :func:`booking_report`.
    """
    scope = Scope.of(period, **filters)
    grouping = grouping_by_name(group_by)
    now = arguments.resolve_now(now_dt)
    if not isinstance(target, timedelta) or target <= timedelta():
        raise InvalidReport(
            _("target must be a positive timedelta, not %(value)r."),
            params={"name": "target", "value": validation.Readable(target)},
        )
    try:
        asked_until = now - target
    except OverflowError:
        raise instants.out_of_range_error() from None
    found: dict[Any, Responses] = {}

    def of(row: Mapping[str, Any]) -> Responses:
        key = grouping.read(row["key"]) if grouping is not None else None
        return found.setdefault(key, Responses())

    requests = scope.bookings().filter(scope.window("requested_at"))
    keyed = _by_key(requests, grouping, "requested_at", period)
    for row in keyed.values("key").annotate(requests=Count("pk")):
        of(row).requests += row["requests"]
    for row in _unanswered(keyed, asked_until):
        responses = of(row)
        for name in ("unanswered", "unanswered_too_long", "lapsed", "withdrawn"):
            setattr(responses, name, getattr(responses, name) + row[name])
    answers = _answers(scope, grouping)
    in_target = Q(took__lte=target // MICROSECOND)
    for row in answers.values("key").annotate(
        answered=Count("pk"), within_target=Count("pk", filter=in_target)
    ):
        of(row).answered += row["answered"]
        of(row).within_target += row["within_target"]
    if grouping is not None:
        for row in _percentiles(answers, is_grouped=True):
            setattr(of(row), row["name"], row["took"] * MICROSECOND)
    report = _report(period, grouping, found, Responses, scope.using)
    # The percentiles of all answers do not follow from those of the groups.
    for row in _percentiles(answers, is_grouped=False):
        setattr(report.total, row["name"], row["took"] * MICROSECOND)
    return report


def _unanswered(keyed: QuerySet[Any], asked_until: datetime) -> QuerySet[Any, Any]:
    pending = Q(status=Booking.Status.PENDING)
    cancelled = Q(status=Booking.Status.CANCELLED)
    rows = keyed.filter(definitions.has_no_answer()).values("key")
    counted: QuerySet[Any, Any] = rows.annotate(
        unanswered=Count("pk", filter=pending),
        unanswered_too_long=Count("pk", filter=pending & Q(requested_at__lt=asked_until)),
        lapsed=Count("pk", filter=definitions.LAPSED),
        withdrawn=Count("pk", filter=cancelled & ~definitions.LAPSED),
    )
    return counted


def _answers(scope: Scope, grouping: Grouping | None) -> QuerySet[Any]:
    """Return the first answers to the requests, with how long each took, in microseconds."""
    rows: QuerySet[Any] = QuerySet(BookingEvent, using=scope.using)
    answers = rows.filter(
        definitions.is_first_answer(),
        scope.references("booking__"),
        scope.visibility("booking__"),
        scope.window("booking__requested_at"),
    )
    took = ExpressionWrapper(
        Microseconds("created_at") - Microseconds("booking__requested_at"),
        # Else Django takes the difference for an integer of four bytes, and leaves out a comparison
        # with a larger number.
        output_field=BigIntegerField(),
    )
    answers = answers.annotate(took=took).order_by()
    return _by_key(answers, grouping, "requested_at", scope.period, prefix="booking__")


def _percentiles(answers: QuerySet[Any], *, is_grouped: bool) -> Iterable[dict[str, Any]]:
    """Yield the median and the 90th percentile of each group, by the nearest rank."""
    partition = [F("key")] if is_grouped else None
    number = Window(Count("pk"), partition_by=partition)
    ranked = answers.annotate(
        rank=Window(RowNumber(), partition_by=partition, order_by=F("took").asc()),
        median=Quotient(number * Value(5) + Value(9), size=10),
        p90=Quotient(number * Value(9) + Value(9), size=10),
    )
    of_rank = ranked.filter(Q(rank=F("median")) | Q(rank=F("p90")))
    for row in of_rank.values("key", "took", "rank", "median", "p90"):
        for name in ("median", "p90"):
            if row["rank"] == row[name]:
                yield {"key": row["key"], "name": name, "took": row["took"]}


def session_report(
    period: Period, *, sessions: QuerySet[Any] | None = None, **filters: Unpack[Filters]
) -> Sessions | None:
    """Report how full the sessions of a period were, and what became of their waitlists.

    It takes three queries. Cancelled sessions do not count.

    :param period: a :class:`~bookings.contrib.reports.periods.Period`; the start counts.
    :param sessions: only these sessions, as those that a user may see; by default all.
    :param filters: as for :func:`booking_report`; ``bookings`` says whose seats are counted.
    :returns: the numbers; ``None`` if ``bookings.contrib.group_sessions`` is not installed.
    :raises InvalidReport: as by :func:`booking_report`.
    :raises InvalidBooking: as by :func:`booking_report`.
    :raises TenantMismatch: as by :func:`booking_report`.
    """
    scope = Scope.of(period, **filters)
    if not apps.is_installed("bookings.contrib.group_sessions"):
        return None
    from bookings.contrib.group_sessions.models import Session, WaitlistEntry

    check_queryset(sessions, Session, "sessions")
    rows: QuerySet[Any] = QuerySet(Session, using=scope.using)
    offered = rows.filter(scope.references(), scope.window("start_at"))
    if sessions is not None:
        offered = offered.filter(pk__in=sessions.order_by().values("pk"))
    held = offered.exclude(status=Session.Status.CANCELLED)
    totals = held.aggregate(sessions=Count("pk"), capacity=Sum("capacity"))
    seats = scope.bookings().filter(
        definitions.STANDS, ~definitions.IS_HOLD, seat__session__in=held.values("pk")
    )
    waitlist: QuerySet[Any] = QuerySet(WaitlistEntry, using=scope.using)
    accepted = Q(status=WaitlistEntry.Status.ACCEPTED)
    waiting = Q(status__in=(WaitlistEntry.Status.WAITING, WaitlistEntry.Status.OFFERED))
    entries = waitlist.filter(session__in=offered.values("pk")).aggregate(
        accepted=Count("pk", filter=accepted),
        waiting=Count("pk", filter=waiting),
        ended=Count("pk", filter=~waiting),
    )
    return Sessions(
        sessions=totals["sessions"],
        capacity=totals["capacity"] or 0,
        seats=seats.aggregate(seats=Sum("party_size"))["seats"] or 0,
        **entries,
    )


def utilisation_report(
    period: Period,
    *,
    providers: Iterable[ProviderLike] | None = None,
    group_by: str | None = None,
    **filters: Unpack[Filters],
) -> Report[Utilisation]:
    """Report how much of their open time providers are at work.

    It takes four queries, and those of the app that knows opening hours.

    :param period: a :class:`~bookings.contrib.reports.periods.Period`.
    :param providers: the providers whose time counts, busy or idle; by default all.
    :param group_by: ``provider``, ``day``, ``week`` or ``month``; by default there is only the
        total.
    :param filters: as for :func:`booking_report`; they say which services count as work.
    :returns: the total, and a group for each key. A provider without opening hours has no open
        time, and is in no total but that of the overtime.
    :raises InvalidReport: as by :func:`booking_report`.
    :raises InvalidBooking: as by :func:`booking_report`; or a provider is not saved.
    :raises TenantMismatch: as by :func:`booking_report`.
    """
    scope = Scope.of(period, **filters)
    grouping = grouping_by_name(group_by, UTILISATION_GROUPINGS)
    found = utilisation_by_group(scope, _providers(scope, providers), grouping)
    return _report(period, grouping, found, Utilisation, scope.using)


def _providers(scope: Scope, providers: Iterable[ProviderLike] | None) -> list[Any]:
    model: Any = Booking._meta.get_field("provider").related_model
    if providers is None:
        rows = model._base_manager.using(scope.using).order_by("pk")
        if scope.tenant_id is not None and hasattr(model, "tenant_id"):
            rows = rows.filter(tenant_id=scope.tenant_id)
        chosen = list(rows)
    else:
        chosen = [
            arguments.saved_provider(each) for each in validation.as_list(providers, "providers")
        ]
    key = scope.keys.get("provider")
    return [each for each in chosen if key is None or each.pk == key]


def list_bookings(period: Period, **filters: Unpack[Filters]) -> QuerySet[Booking]:
    """Return the bookings that :func:`booking_report` counts, by their start.

    :param period: a :class:`~bookings.contrib.reports.periods.Period`.
    :param filters: as for :func:`booking_report`.
    :returns: a queryset.
    :raises InvalidReport: as by :func:`booking_report`.
    :raises InvalidBooking: as by :func:`booking_report`.
    :raises TenantMismatch: as by :func:`booking_report`.
    """
    scope = Scope.of(period, **filters)
    rows = scope.bookings().filter(~definitions.IS_HOLD, scope.window("start_at"))
    return rows.order_by("start_at", "pk")


def _by_key(
    rows: QuerySet[Any],
    grouping: Grouping | None,
    path: str,
    period: Period,
    prefix: str = "",
) -> QuerySet[Any]:
    """Return the rows with the group of each as ``key``."""
    key = Value(0) if grouping is None else grouping.expression(prefix, path, period)
    keyed: QuerySet[Any] = rows.annotate(key=key)
    return keyed


def _report(
    period: Period,
    grouping: Grouping | None,
    found: dict[Any, T],
    figures: Callable[[], T],
    using: str,
) -> Report[T]:
    """Return the report of these groups, with the groups in which nothing happened."""
    total: Any = figures()
    for part in found.values():
        total.add(part)
    if grouping is None:
        return Report(period, "", total)
    for key in grouping.all_keys(period):
        found.setdefault(key, figures())
    groups = [
        Group(key, label, found[key]) for key, label in labels(grouping, found, using).items()
    ]
    return Report(period, grouping.name, total, groups)
