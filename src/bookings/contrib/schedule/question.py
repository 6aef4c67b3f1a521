"""What a caller asks about slots, and how it is answered for any number of providers at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final, TypeAlias, TypedDict, Unpack

from django.utils import timezone

from bookings import policies
from bookings.contrib.schedule import refusals
from bookings.contrib.schedule.availability import Availability
from bookings.contrib.schedule.rules import load_rules
from bookings.contrib.schedule.taken import read_taken_time
from bookings.contrib.schedule.wanted import Wanted
from bookings.models import Booking
from bookings.protocols import AddonLike, ProviderLike, ServiceLike
from bookings.services import inputs

Providers: TypeAlias = ProviderLike | Iterable[ProviderLike]

LOOK_BACK: Final = timedelta(days=21)
"""An opening may have begun in the week before last, and the steps count from there."""

LOOK_AHEAD: Final = timedelta(days=3)


class Options(TypedDict, total=False):
    """What every selector of slots takes by keyword besides its own arguments."""

    tenant: Any
    tz: tzinfo | None
    """The zone that days are of and slots are shown in; by default the current one."""
    addons: Iterable[AddonLike] | None
    """Those of the booking to be made, which make it longer; ``None`` for those that it has."""
    party_size: int | None
    """Of the booking to be made, by default 1; one to be moved keeps its own."""
    booking: Booking | None
    """One to be moved: its own length and buffers count, and its own time is free."""
    now_dt: datetime | None
    override_policy: bool
    """For staff: neither notice nor advance nor ``is_active`` count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which starts in ``[first, last)`` could be booked, counted from ``now``."""

    wanted: Wanted
    first: int
    last: int
    tz: tzinfo
    now: datetime
    tenant_id: Any = None
    """Who counts for a provider who belongs to none."""
    override_policy: bool = False

    @classmethod
    def about(
        cls, service: ServiceLike, bounds: tuple[int, int], **options: Unpack[Options]
    ) -> Question:
        booking, tenant = options.get("booking"), options.get("tenant")
        addons, party_size = options.get("addons"), options.get("party_size")
        return cls(
            wanted=(
                Wanted.new(service, addons=addons, party_size=party_size)
                if booking is None
                else Wanted.of(booking, service, addons=addons, party_size=party_size)
            ),
            first=bounds[0],
            last=bounds[1],
            tz=options.get("tz") or timezone.get_current_timezone(),
            now=inputs.moment(options.get("now_dt")),
            tenant_id=getattr(service, "tenant_id", None) if tenant is None else tenant.pk,
            override_policy=options.get("override_policy", False),
        )

    def answer(self, providers: Providers) -> list[Availability]:
        """One answer for each provider, in their order, in a constant number of queries.

        Of several providers, those without a schedule are left out; one alone, given by itself,
        raises ``SlotUnavailable`` with the code ``no_schedule``.
        """
        pool = pool_of(providers)
        for provider in pool:
            self._check_tenant(provider)
        first, last = self._days()
        rules = load_rules(pool, first, last, tenant_id=self.tenant_id)
        for provider in pool:
            if provider.pk not in rules and provider is providers:
                raise refusals.no_schedule(provider)
        wanted = self.wanted
        taken = read_taken_time(
            rules,
            self.first - wanted.before,
            self.last + wanted.duration + wanted.after,
            wanted,
            now=self.now,
        )
        return [
            Availability(
                provider=provider,
                rules=rules[provider.pk],
                wanted=wanted,
                taken=taken[provider.pk],
                first=self.first,
                last=self.last,
                tz=self.tz,
                now=self.now,
                override_policy=self.override_policy,
            )
            for provider in pool
            if provider.pk in rules
        ]

    def fingerprint(self) -> tuple[Any, ...]:
        """Everything that an answer depends on but the range, the schedules and the ledger."""
        wanted, minute = self.wanted, 60
        seconds = policies.floor_second(self.now), policies.ceil_second(self.now)
        return (
            wanted.rules,
            (wanted.duration, wanted.before, wanted.after, wanted.party_size, wanted.leaving),
            getattr(wanted.service, "is_active", True),
            str(self.tz),
            self.override_policy,
            # A start on the minute is too soon just after it, and not too far ahead just at it.
            (seconds[0] // minute, -(-seconds[1] // minute)),
        )

    def _days(self) -> tuple[date, date]:
        """The dates, in any zone, whose shifts may have to do with the question."""
        first = datetime.fromtimestamp(self.first, UTC).date()
        last = datetime.fromtimestamp(self.last + self.wanted.duration, UTC).date()
        return first - LOOK_BACK, last + LOOK_AHEAD

    def _check_tenant(self, provider: ProviderLike) -> None:
        own = getattr(provider, "tenant_id", None)
        key = own if self.tenant_id is None else self.tenant_id
        inputs.same_tenant(key, service=self.wanted.service, provider=provider)


def pool_of(providers: Providers) -> list[ProviderLike]:
    """The providers, each once."""
    if not isinstance(providers, Iterable):
        return [providers]
    return list({provider.pk: provider for provider in providers}.values())
