"""The query for slots: what is asked, and how it is answered for many providers at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final, TypeAlias, TypedDict, Unpack

from bookings.contrib.schedule.schedule_rules import load_rules_by_provider
from bookings.contrib.schedule.slots.availability import Availability
from bookings.contrib.schedule.slots.busy_time import load_busy_time
from bookings.contrib.schedule.slots.refusals import no_schedule_error
from bookings.contrib.schedule.slots.requested_booking import RequestedBooking
from bookings.contrib.schedule.slots.resource_time import (
    load_resource_searches,
    resource_candidates,
)
from bookings.contrib.schedule.slots.start_search import StartSearch
from bookings.models import Booking, arguments
from bookings.pools import AnyOf
from bookings.protocols import AddonLike, BookingType, ProviderLike, ServiceLike
from bookings.rules import instants, validation
from bookings.services import references
from bookings.services.client_details import known_client
from bookings.services.day_zones import DayZones
from bookings.services.expected_refusals import ExpectedRefusals
from bookings.services.resource_needs import parse_resources

Providers: TypeAlias = ProviderLike | Iterable[ProviderLike]

LOOK_BACK: Final = timedelta(days=21)
"""The steps may count from the beginning of an opening, as far back as the week before last."""

LOOK_AHEAD: Final = timedelta(days=3)


class Options(TypedDict, total=False):
    """The keyword arguments that all selectors of slots share. All are optional."""

    tenant: Any
    """The tenant; by default that of the service."""
    tz: tzinfo | None
    """The zone of the days and of the slots' datetimes; by default the current time zone."""
    addons: Iterable[AddonLike] | None
    """The add-ons of the booking, which make it longer. By default a new booking has none, and
    ``booking`` keeps its own."""
    resources: Iterable[ProviderLike | AnyOf] | None
    """The resources that the booking takes besides those that the service needs, each one or
    ``AnyOf`` several. By default ``booking`` keeps its own."""
    duration_minutes: int | None
    """How long the booking lasts without its add-ons, where the service lets the client choose. By
    default a new booking has the service's length, and ``booking`` keeps its own."""
    duration_days: int | None
    """The same in days, where the service is booked by the day."""
    party_size: int | None
    """The party size of a new booking, by default 1. ``booking`` keeps its own."""
    client_name: str
    """The client of a new booking, as far as known: with a client, starts that a limit on clients
    or the duplicate guard would refuse are not on offer. ``booking`` keeps its own."""
    client_email: str
    """The client's e-mail address."""
    client_phone: str
    """The client's phone number."""
    client_user: Any
    """The client's user account."""
    booking: Booking | None
    """A booking to be moved. It keeps its length and its buffers, and its own time is free."""
    ignored_interval_id: int | None
    """The key of a busy interval to leave out as a whole. ``booking`` needs none: of its own
    interval, it only leaves out its own seats."""
    now_dt: datetime | None
    """The current time, by default the clock's."""
    override_policy: bool
    """For staff: minimum notice, maximum advance, limits and the duplicate guard do not count, nor
    who offers the service, nor ``is_active`` unless the adapter says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotQuery:
    """The query which starts in ``[first, last)``, in Unix seconds, could be booked."""

    requested: RequestedBooking
    first: int
    last: int
    tz: tzinfo
    now: datetime
    tenant_id: Any = None
    """The tenant of the providers whose model has no tenant."""
    ignored_interval_id: int | None = None
    override_policy: bool = False

    @classmethod
    def build(
        cls, service: ServiceLike, bounds: tuple[int, int], **options: Unpack[Options]
    ) -> SlotQuery:
        _check_names(options)
        arguments.saved_service(service)
        booking, tenant = options.get("booking"), arguments.saved_tenant(options.get("tenant"))
        addons, party_size = _saved_addons(options.get("addons")), options.get("party_size")
        resources = parse_resources(options.get("resources"))
        length = options.get("duration_minutes"), options.get("duration_days")
        override_policy = options.get("override_policy", False)
        client = known_client(
            options.get("client_name", ""),
            options.get("client_email", ""),
            options.get("client_phone", ""),
            options.get("client_user"),
        )
        return cls(
            requested=(
                RequestedBooking.for_new(
                    service,
                    addons=addons,
                    length=length,
                    party_size=party_size,
                    client=client,
                    resources=resources,
                    override_policy=override_policy,
                )
                if booking is None
                else RequestedBooking.for_move(
                    _with_times(booking),
                    service,
                    addons=addons,
                    length=length,
                    party_size=party_size,
                    client=client,
                    resources=resources,
                    override_policy=override_policy,
                )
            ),
            first=bounds[0],
            last=bounds[1],
            tz=arguments.time_zone(options.get("tz")),
            now=arguments.resolve_now(options.get("now_dt")),
            tenant_id=getattr(service, "tenant_id", None) if tenant is None else tenant.pk,
            ignored_interval_id=arguments.interval_key(options.get("ignored_interval_id")),
            override_policy=override_policy,
        )

    def run(self, providers: Providers) -> list[Availability]:
        """Return the slots of each provider, in the order given, in a constant number of queries.

        Of several providers, those without a schedule are left out.

        :raises SlotUnavailable: one provider was given by itself, and has no schedule
            (``no_schedule``).
        :raises TenantMismatch: a provider or the service belongs to another tenant.
        """
        pool = list_providers(providers)
        for provider in pool:
            self._check_tenant(provider)
        first_date, last_date = self._dates_to_load()
        rules = load_rules_by_provider(pool, first_date, last_date, tenant_id=self.tenant_id)
        for provider in pool:
            if provider.pk not in rules and provider is providers:
                raise no_schedule_error(provider)
        requested = self._requested_of([one for one in pool if one.pk in rules])
        busy_times = load_busy_time(
            requested,
            self.first,
            self.last + self.requested.duration,
            now=self.now,
            ignored_interval_id=self.ignored_interval_id,
        )
        drafts = self._drafts(pool, requested, self.first)
        resources = load_resource_searches(
            drafts,
            requested,
            self.first,
            self.last,
            {key: busy_time.joinable for key, busy_time in busy_times.items()},
            now=self.now,
            override_policy=self.override_policy,
        )
        refusals = self._refusals(drafts.values(), self.first, self.last)
        return [
            Availability(
                search=StartSearch(
                    provider=provider,
                    rules=rules[provider.pk],
                    requested=requested[provider.pk],
                    busy_time=busy_times[provider.pk],
                    first=self.first,
                    last=self.last,
                    now=self.now,
                    draft=drafts[provider.pk],
                    refusals=refusals,
                    override_policy=self.override_policy,
                    resources=resources.get(provider.pk),
                ),
                tz=self.tz,
            )
            for provider in pool
            if provider.pk in rules
        ]

    def _requested_of(self, providers: Collection[ProviderLike]) -> dict[Any, RequestedBooking]:
        """Return what the booking takes of the time of each provider, by its clocks."""
        requested = {one.pk: self.requested.for_provider(one) for one in providers}
        if self.requested.wall_length is None:
            return requested
        zones = DayZones()
        drafts = {
            one.pk: requested[one.pk].with_provider(one, self._tenant_id_of(one))
            for one in providers
        }
        zones.load(list(drafts.values()))
        return {key: requested[key].in_zone(zones.of(draft)) for key, draft in drafts.items()}

    def _drafts(
        self,
        providers: Iterable[ProviderLike],
        requested: Mapping[Any, RequestedBooking],
        start: int,
    ) -> dict[Any, Booking]:
        """Return a draft with each provider for whom there is a requested booking."""
        return {
            provider.pk: requested[provider.pk].draft(provider, self._tenant_id_of(provider), start)
            for provider in providers
            if provider.pk in requested
        }

    def _refusals(self, drafts: Iterable[Booking], first: int, last: int) -> ExpectedRefusals:
        return ExpectedRefusals(
            list(drafts),
            kind=BookingType.ONE_TO_ONE,
            first=first,
            last=last,
            now=self.now,
            override_policy=self.override_policy,
            before=self.requested.before,
        )

    def resource_candidates(self, providers: Collection[ProviderLike]) -> dict[Any, ProviderLike]:
        """Return the providers that may become resources of the booking, by key."""
        of_providers = self._requested_of(providers)
        drafts = self._drafts(providers, of_providers, instants.floor_second(self.now))
        return resource_candidates(drafts, self.requested)

    def fingerprint(self, providers: Iterable[ProviderLike]) -> tuple[Any, ...]:
        """Return all that an answer depends on, except the range and what the schedules and the
        calendars of these providers store.

        Limits on clients take a query, as does a limit of a provider.
        """
        requested, minute = self.requested, 60
        now = instants.floor_second(self.now)
        instants.check_range(now, now + requested.duration)
        providers = list(providers)
        of_providers = self._requested_of(providers)
        drafts = self._drafts(providers, of_providers, now).values()
        return (
            self._refusals(drafts, now, now).fingerprint(drafts),
            requested.service_rules,
            (
                requested.duration,
                requested.wall_length,
                requested.spans_closures,
                *((each.buffer_before, each.buffer_after) for each in of_providers.values()),
                requested.party_size,
                requested.current_interval_id,
            ),
            str(self.tz),
            [str(each.zone) for each in of_providers.values()],
            self.ignored_interval_id,
            self.override_policy,
            # At a full minute, starts may cease to be too far ahead. Just after it, starts may have
            # become too soon.
            (
                instants.floor_second(self.now) // minute,
                -(-instants.ceil_second(self.now) // minute),
            ),
        )

    def _dates_to_load(self) -> tuple[date, date]:
        """Return the first and the last date, in any zone, whose shifts may matter."""
        first = datetime.fromtimestamp(self.first, UTC).date()
        last = datetime.fromtimestamp(self.last + self.requested.duration, UTC).date()
        return first - LOOK_BACK, last + LOOK_AHEAD

    def _tenant_id_of(self, provider: ProviderLike) -> Any:
        return getattr(provider, "tenant_id", None) if self.tenant_id is None else self.tenant_id

    def _check_tenant(self, provider: ProviderLike) -> None:
        references.check_same_tenant(
            self._tenant_id_of(provider),
            service=self.requested.service,
            provider=provider,
        )


def _check_names(options: Options) -> None:
    """Raise ``TypeError`` for a name that is no option, such as a misspelt ``client_email``.

    To ignore it would offer starts to a client who cannot book them.
    """
    if unknown := sorted(options.keys() - Options.__annotations__.keys()):
        raise TypeError(f"The selectors of slots take no argument {', '.join(unknown)}.")


def _saved_addons(addons: Any) -> list[Any] | None:
    if addons is None:
        return None
    return [
        arguments.saved_instance(addon, "ADDON_MODEL", "addon")
        for addon in validation.as_list(addons, "addons")
    ]


def _with_times(booking: Any) -> Booking:
    """Return a booking that has a start and an end.

    It need not be saved: the core passes a new booking, to ask whether its start is on offer.
    """
    if not isinstance(booking, Booking):
        raise arguments.missing_booking_error()
    for name in ("start_at", "end_at"):
        instants.aware_utc(getattr(booking, name), f"booking.{name}")
    return booking


def list_providers(providers: Providers) -> list[ProviderLike]:
    """Return one provider, or each of several once; raise an error if one is not saved."""
    if isinstance(providers, Iterable):
        given = validation.as_list(providers, "providers")
    else:
        given = [providers]
    return list({arguments.saved_provider(provider).pk: provider for provider in given}.values())
