"""Create a series of bookings: one at every start of a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Unpack

from django.db import router

from bookings.contrib.series.alternative_starts import InstanceTemplate
from bookings.contrib.series.exceptions import InvalidRecurrence, SeriesConflict
from bookings.contrib.series.recurrences import DEFAULT_LIMIT, parse_start
from bookings.contrib.series.services.new_series import (
    OnConflict,
    SeriesRequest,
    find_replay,
    save_new_series,
    validate_request,
)
from bookings.contrib.series.services.results import Refusals, SeriesResult
from bookings.ledger import locks
from bookings.models import Booking
from bookings.pools import AnyOf
from bookings.protocols import ProviderLike, ServiceLike
from bookings.rules import validation
from bookings.rules.zones import zone_by_name
from bookings.services import idempotency, references
from bookings.services.addons import key_text, load_addons, parse_addon_ids
from bookings.services.bulk_creation import BulkCreation, check_repeated
from bookings.services.client_details import CLIENT_FIELDS
from bookings.services.create import new_draft
from bookings.services.new_booking import NewBooking
from bookings.services.options import ClientOptions
from bookings.services.provider_choice import PASSED_OVER, with_any_provider
from bookings.services.resource_needs import parse_resources


class SeriesBookingOptions(ClientOptions, total=False):
    """The options of ``create_booking`` that all bookings of a series share."""

    resources: Iterable[ProviderLike | AnyOf] | None
    addon_ids: Iterable[Any] | None
    duration_minutes: int | None
    duration_days: int | None
    location: str
    meeting_link: str
    party_size: int
    expires_at: datetime | None
    allow_past: bool | None
    skip_slot_validation: bool
    override_policy: bool


def create_series(
    *,
    rrule: str,
    timezone: str,
    start_at: datetime,
    service: ServiceLike,
    provider: ProviderLike | AnyOf,
    client_name: str,
    exdates: Iterable[datetime] = (),
    on_conflict: str = OnConflict.REFUSE,
    alternatives: int = 0,
    limit: int = DEFAULT_LIMIT,
    idempotency_key: str = "",
    created_by: Any = None,
    tenant: Any = None,
    now_dt: datetime | None = None,
    **options: Unpack[SeriesBookingOptions],
) -> SeriesResult:
    """Book a service with a provider at every start of a rule, all in one transaction.

    :param rrule: the recurrence rule, as ``FREQ=WEEKLY;COUNT=10``: see
        :func:`~bookings.contrib.series.rrule.parse_rrule`.
    :param timezone: the IANA name of the time zone whose clocks the series follows.
    :param start_at: the first start: an instant, or a naive datetime that the clocks of
        ``timezone`` show.
    :param service: the service to book.
    :param provider: the provider to book it with, or :class:`~bookings.pools.AnyOf` several: the
        first of them who can take all starts, or with ``skip`` at least one.
    :param client_name: the client of every booking.
    :param exdates: starts of the rule to leave out, in either form that ``start_at`` can have.
    :param on_conflict: what to do if a start cannot be booked: ``refuse`` writes nothing, ``skip``
        leaves such starts out of the series. See :class:`OnConflict`.
    :param alternatives: how many free starts to find for each start that cannot be booked, within
        the week after it: from 0 to 20.
    :param limit: how many starts the rule may have, ``exdates`` included: from 1 to 10,000.
    :param idempotency_key: a key of the request, unique within the tenant. The same request again
        returns the same series, with the bookings that it has by then.
    :param created_by: the user who makes the series; ``None`` for nobody.
    :param tenant: the tenant of the series; required if, and only if, tenancy is enabled.
    :param now_dt: the instant of the request; the default is now.
    :param options: any of :class:`SeriesBookingOptions`, for every booking.
    :returns: the series, its bookings, and the starts that were skipped.
    :raises InvalidRecurrence: the rule, the first start or the excluded starts are invalid.
    :raises SeriesConflict: some starts cannot be booked, or none with ``skip``; nothing was
        written.
    :raises PoolExhausted: no provider of a pool can take the series.
    :raises IdempotencyKeyReused: the key belongs to another request.
    :raises InvalidBooking: an argument is invalid.
    :raises MissingReference: something the bookings refer to does not exist, or no longer exists.
    :raises TenantMismatch: the tenant is missing, or something belongs to another one.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    if options.get("addon_ids") is not None:
        # Every booking reads them, and an iterator would be empty after the first.
        options["addon_ids"] = parse_addon_ids(options["addon_ids"])
    resources = parse_resources(options.pop("resources", None))
    if isinstance(provider, AnyOf):
        # Every provider reads them, and an iterator would be empty after the first.
        exdates = validation.as_list(exdates, "exdates", InvalidRecurrence)
    book = partial(
        _book_series,
        rrule=rrule,
        timezone=timezone,
        start_at=start_at,
        service=service,
        client_name=client_name,
        exdates=exdates,
        on_conflict=on_conflict,
        alternatives=alternatives,
        limit=limit,
        idempotency_key=idempotency_key,
        created_by=created_by,
        tenant=tenant,
        now_dt=now_dt,
        resources=resources,
        options=options,
    )
    if not isinstance(provider, AnyOf):
        return book(provider, None)
    providers = references.saved_providers(provider)
    zone = zone_by_name(timezone)
    draft = Booking(
        service=references.saved_instance(service, "SERVICE_MODEL", "service"),
        tenant_id=references.resolve_tenant_id_of_pool(
            tenant, service=service, providers=providers
        ),
        start_at=parse_start(start_at, "start_at", zone)[1],
    )
    return with_any_provider(
        provider,
        draft,
        lambda one: book(one, provider),
        window=None,
        now=references.resolve_now(now_dt),
        using=router.db_for_write(Booking),
        override_policy=bool(options.get("override_policy")),
        passed_over=(*PASSED_OVER, SeriesConflict),
    )


def _book_series(
    provider: Any,
    pool: AnyOf | None,
    *,
    rrule: str,
    timezone: str,
    start_at: datetime,
    service: Any,
    client_name: str,
    exdates: Iterable[datetime],
    on_conflict: str,
    alternatives: int,
    limit: int,
    idempotency_key: str,
    created_by: Any,
    tenant: Any,
    now_dt: datetime | None,
    resources: Sequence[Any] | None,
    options: SeriesBookingOptions,
) -> SeriesResult:
    """Book the series with one provider, which is one of the ``pool`` if there is one."""
    request = validate_request(
        kind="bookings",
        rrule=rrule,
        timezone=timezone,
        start_at=start_at,
        exdates=exdates,
        limit=limit,
        service=service,
        provider=provider,
        tenant=tenant,
        created_by=created_by,
        on_conflict=on_conflict,
        alternatives=alternatives,
        idempotency_key=idempotency_key,
        instance={
            "client_name": client_name,
            "party_size": 1,
            **options,
            "addon_ids": sorted(map(key_text, options.get("addon_ids") or ())),
            "resources": idempotency.resource_keys(resources),
        },
        now_dt=now_dt,
        pool=pool,
    )
    if replayed := find_replay(request):
        return replayed
    values: dict[str, Any] = {**options, "resources": resources}
    addons = load_addons(
        values.pop("addon_ids", None),
        service=service,
        tenant_key=request.series.tenant_id,
        using=request.using,
    )
    allow_past = values.pop("allow_past", None)
    override_policy = values.pop("override_policy", False)
    skip_slot_validation = values.pop("skip_slot_validation", False)
    template = InstanceTemplate(
        service=service,
        provider=provider,
        tenant=tenant,
        now=request.now,
        client={"client_name": client_name}
        | {name: values[name] for name in CLIENT_FIELDS if name in values},
        addons=addons,
        duration_minutes=values.get("duration_minutes"),
        duration_days=values.get("duration_days"),
        party_size=values.get("party_size", 1),
        resources=resources,
        override_policy=override_policy,
        skip_slot_validation=skip_slot_validation,
    )
    draft = new_draft(
        service=service,
        provider=provider,
        start_at=request.recurrence.starts()[0],
        client_name=client_name,
        created_by=created_by,
        tenant=tenant,
        now=request.now,
        **values,
    )
    bookings = NewBookings(
        request,
        draft,
        addons,
        allow_past=allow_past,
        override_policy=override_policy,
        skip_slot_validation=skip_slot_validation,
        takes_turns=pool is not None and pool.takes_turns,
    )
    return save_new_series(request, bookings, template)


class NewBookings:
    """The bookings of a new series, as :class:`NewInstances`: copies of one draft."""

    def __init__(
        self,
        request: SeriesRequest,
        draft: Booking,
        addons: Sequence[Any],
        *,
        allow_past: bool | None,
        override_policy: bool,
        skip_slot_validation: bool,
        takes_turns: bool,
    ) -> None:
        self._request = request
        self._takes_turns = takes_turns
        self._calendars: Mapping[Any, int] = {}
        self._new = NewBooking(draft, addons, override_policy=override_policy)
        self._allow_past = allow_past
        self._skip_slot_validation = skip_slot_validation

    def prepare(self, refusals: Refusals) -> None:
        request = self._request
        self._creation = BulkCreation(
            check_repeated(
                self._new,
                request.recurrence.starts(),
                lambda new, error: refusals.add(new.booking.start_at, error),
                now=request.now,
                using=request.using,
                allow_past=self._allow_past,
                skip_slot_validation=self._skip_slot_validation,
            ),
            request.now,
            request.using,
            self._skip_slot_validation,
        )
        self._creation.choose_resources(
            lambda new, error: refusals.add(new.booking.start_at, error)
        )

    @property
    def resource_ids(self) -> set[Any]:
        return self._creation.resource_ids

    def check(self, calendars: Mapping[Any, int], refusals: Refusals) -> Sequence[Booking]:
        self._creation.lock_clients()
        self._calendars = calendars
        return self._creation.check(
            calendars,
            lambda new, error: refusals.add(new.booking.start_at, error),
        )

    def write(self) -> None:
        request = self._request
        self._creation.write()
        if self._takes_turns:
            calendar_id = self._calendars[request.series.provider_id]
            locks.mark_chosen([calendar_id], now=request.now, using=request.using)
