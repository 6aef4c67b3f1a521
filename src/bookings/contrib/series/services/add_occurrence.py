"""Add a start to a series: one that was left out, or one that its rule does not give."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.conf import app_settings
from bookings.contrib.series.exceptions import InvalidRecurrence
from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.recurrences import parse_start
from bookings.contrib.series.services.instances import SeriesInstance
from bookings.contrib.series.services.results import SeriesResult
from bookings.contrib.series.services.series_change import (
    LockedSeries,
    SeriesRows,
    series_over_error,
    with_prepared_series,
    write_alias,
)
from bookings.exceptions import InvalidBooking
from bookings.models import Booking, BookingAddon, BookingResource
from bookings.rules.lengths import ONE_MINUTE
from bookings.rules.service_rules import ServiceRules
from bookings.rules.zones import zone_by_name
from bookings.services import references
from bookings.services.addons import load_addons
from bookings.services.bulk_change import raise_refusal
from bookings.services.bulk_creation import BulkCreation, check_new_bookings
from bookings.services.new_booking import NewBooking, addon_duration
from bookings.services.resource_needs import needs_of_stored

COPIED_FIELDS: Final = (
    "tenant_id",
    "party_size",
    "client_name",
    "client_email",
    "client_phone",
    "client_user_id",
    "notes_client",
    "notes_internal",
    "answers",
    "metadata",
    "location",
    "client_language",
    "client_timezone",
)


def add_occurrence(
    occurrence: Occurrence,
    *,
    start_at: datetime,
    created_by: Any = None,
    now_dt: datetime | None = None,
    allow_past: bool | None = None,
    override_policy: bool = False,
    skip_slot_validation: bool = False,
) -> SeriesResult:
    """Add a start to a series, with a booking or a session like that of ``occurrence``.

    A start of the rule that was left out or skipped is taken in again; any other one is added to
    those of the rule. From then on it moves along with the series. The booking has the client, the
    party size, the add-ons, the notes and the metadata of that of ``occurrence``, its length if the
    service still offers that, the service's rules and prices as they are now, and the provider of
    the series. A session has the title, the
    length, the capacity, the price, the meeting link and the waitlist.

    :param occurrence: an occurrence of the series, whose booking or session is the pattern. It is
        refreshed.
    :param start_at: the start to add: an instant, or a naive datetime that the clocks of the
        series show.
    :param created_by: the user who adds it; ``None`` for nobody.
    :param now_dt: the instant of the request; the default is now.
    :param allow_past: staff only; accept a start that has passed. ``None`` for
        ``BOOKINGS_ALLOW_PAST_START``.
    :param override_policy: staff only; lift what it lifts for ``create_booking`` or
        ``create_session``.
    :param skip_slot_validation: staff only; do not ask the slot engine.
    :returns: the series, and the new booking or session.
    :raises InvalidRecurrence: the series has this start already (``start_in_series``).
    :raises InvalidTransition: all of the series is cancelled (``series_over``).
    :raises InvalidBooking: an argument is invalid.
    :raises MissingReference: the occurrence, or its booking, is not saved or has been deleted, or
        an add-on has.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    :raises BookingError: what ``create_booking`` or ``create_session`` raises.
    """
    now = references.resolve_now(now_dt)
    user = references.saved_user(created_by, "created_by")
    using = write_alias(occurrence)
    options = _Options(user, now, using, allow_past, override_policy, skip_slot_validation)

    def parse(rows: SeriesRows) -> datetime:
        if rows.is_cancelled():
            raise series_over_error()
        start = parse_start(start_at, "start_at", zone_by_name(rows.series.timezone))[1]
        if any(row.original_start_at == start for row in rows.occurrences):
            raise InvalidRecurrence(
                _("The series has this start already. Choose another."), "start_in_series"
            )
        return start

    def prepare(rows: SeriesRows) -> _NewInstance:
        pattern = rows.named_instance()
        make = _new_booking if isinstance(pattern, Booking) else _new_session
        return make(rows, pattern, parse(rows), options)

    def act(locked: LockedSeries, new: _NewInstance) -> SeriesResult:
        rows = locked.row
        start, series = parse(rows), rows.series
        instance = new.store(locked.calendars)
        recurrence = series.recurrence()
        if start in recurrence.rule_starts:
            recurrence = replace(recurrence, exdates=recurrence.exdates - {start})
        else:
            recurrence = replace(recurrence, rdates=recurrence.rdates | {start})
        series.set_recurrence(recurrence)
        series.save(using=using)
        Occurrence.objects.using(using).create(
            series=series,
            original_start_at=start,
            booking=instance if isinstance(instance, Booking) else None,
            session_key=None if isinstance(instance, Booking) else instance.pk,
        )
        return SeriesResult.of(series, [instance])

    return with_prepared_series(
        occurrence,
        prepare,
        act,
        now=now,
        also_lock=lambda new: new.resource_ids,
        lock_clients=lambda new: new.lock_clients(),
    )


@dataclass(frozen=True, slots=True)
class _Options:
    created_by: Any
    now: datetime
    using: str
    allow_past: bool | None
    override_policy: bool
    skip_slot_validation: bool


@dataclass(frozen=True, slots=True)
class _NewInstance:
    """A booking or session that was checked without a lock."""

    store: Callable[[dict[Any, int]], SeriesInstance]
    lock_clients: Callable[[], None] = lambda: None
    resource_ids: Collection[Any] = ()
    """The keys of the resources whose calendars to lock."""


def _new_booking(
    rows: SeriesRows, pattern: Any, start: datetime, options: _Options
) -> _NewInstance:
    series, now, using = rows.series, options.now, options.using
    draft = Booking(
        **{name: getattr(pattern, name) for name in COPIED_FIELDS},
        service_id=series.service_id,
        provider_id=series.provider_id,
        start_at=start,
        capacity_consumed=pattern.party_size,
        created_by=options.created_by,
        created_at=now,
    )
    references.load_related(draft, "service", "provider", using=using)
    booked = list(BookingAddon.objects.using(using).filter(booking=pattern.pk).order_by("pk"))
    draft.requested_minutes, draft.requested_days = _offered_length(pattern, draft.service, booked)
    addons = load_addons(
        [addon.addon_id for addon in booked],
        service=draft.service,
        tenant_key=draft.tenant_id,
        using=using,
    )
    news = check_new_bookings(
        [NewBooking(draft, addons, override_policy=options.override_policy)],
        raise_refusal,
        now=now,
        using=using,
        allow_past=options.allow_past,
        skip_slot_validation=options.skip_slot_validation,
    )
    # The resources of the others, or some of the same pools.
    resources = BookingResource.objects.using(using).filter(booking=pattern.pk).order_by("pk")
    for new in news:
        new.needs = needs_of_stored([pattern], list(resources), using=using)[pattern.pk]
    creation = BulkCreation(news, now, using, options.skip_slot_validation)
    creation.choose_resources(raise_refusal)

    def store(calendars: dict[Any, int]) -> SeriesInstance:
        [booking] = creation.check(calendars, raise_refusal)
        creation.write()
        return booking

    return _NewInstance(store, creation.lock_clients, creation.resource_ids)


def _offered_length(
    pattern: Booking, service: Any, addons: Iterable[BookingAddon]
) -> tuple[int | None, int | None]:
    """Return the length of a booking without its add-ons, in minutes and in days, one of which is
    ``None``; both are, unless the service lets clients choose that length.
    """
    rules = ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY)
    minutes, days = None, pattern.duration_days
    if days is None:
        minutes = (pattern.end_at - pattern.start_at - addon_duration(addons)) // ONE_MINUTE
    try:
        rules.of_length(minutes, days)
    except InvalidBooking:
        return None, None
    return minutes, days


def _new_session(
    rows: SeriesRows, pattern: Any, start: datetime, options: _Options
) -> _NewInstance:
    from bookings.contrib.group_sessions.bulk_creation import BulkSessions
    from bookings.contrib.group_sessions.services.create_session import (
        check_new_session,
        new_session,
    )
    from bookings.contrib.group_sessions.session_rules import check_publishable

    series, now, using = rows.series, options.now, options.using
    session, rules = new_session(
        service=series.service,
        provider=series.provider,
        tenant=series.tenant,
        start_at=start,
        end_at=start + (pattern.end_at - pattern.start_at),
        created_by=options.created_by,
        now=now,
        capacity=pattern.capacity,
        title=pattern.title,
        price_amount=pattern.price_amount,
        meeting_link=pattern.meeting_link,
        location=pattern.location,
        enable_waitlist=pattern.enable_waitlist,
        waitlist_offer_minutes=pattern.waitlist_offer_minutes,
    )
    check_new_session(session, rules)
    check_publishable(series.service, series.provider, override_policy=options.override_policy)
    sessions = BulkSessions(session, now=now, using=using, override_policy=options.override_policy)
    sessions.prepare([start], raise_refusal, options.allow_past)

    def store(calendars: dict[Any, int]) -> SeriesInstance:
        [stored] = sessions.check(calendars, raise_refusal)
        sessions.write()
        return stored

    return _NewInstance(store, resource_ids=sessions.resource_ids)
