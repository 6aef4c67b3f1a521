"""The booking that slots are computed for: a new one, or one to be moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeAlias

from bookings.conf import app_settings
from bookings.contrib.schedule.engine import Alignment, SlotRules
from bookings.contrib.schedule.length_pieces import WallEnds
from bookings.models import Booking, BookingAddon
from bookings.models.read_alias import read_alias
from bookings.protocols import AddonLike, ProviderLike, ServiceLike
from bookings.rules.buffers import BUFFER_FIELDS, set_buffers_of_move
from bookings.rules.instants import EPOCH
from bookings.rules.lengths import Length, WallLength
from bookings.rules.service_rules import ServiceRules, spans_closures
from bookings.rules.validation import MAX_MINUTES, whole_number
from bookings.rules.wall_clock import SECOND
from bookings.services.booking_move import NewLength
from bookings.services.new_booking import SNAPSHOT_FIELDS

ChosenLength: TypeAlias = tuple[int | None, int | None]
"""What the caller has chosen: minutes, or days, or neither."""


@dataclass(frozen=True, slots=True)
class RequestedBooking:
    """What a booking takes of a provider's time, wherever it starts. Durations are seconds."""

    service: ServiceLike
    service_rules: ServiceRules
    duration: int
    """Of a booking that lasts by the wall clock, more than it ever takes."""
    buffer_before: int
    buffer_after: int
    party_size: int
    capacity: int
    """The seats of the slot that the booking would open."""
    template: Booking = field(repr=False)
    """The booking that would be made or moved, not saved, at whatever start it has."""
    before: Booking | None = field(default=None, repr=False)
    """The booking to be moved, as it is stored."""
    wall_length: WallLength | None = None
    """How long it lasts by the wall clock, without add-ons; ``None`` for elapsed time."""
    extra: int = 0
    """How long its add-ons last after that."""
    zone: tzinfo | None = None
    """The zone of the provider, if it lasts by the wall clock."""

    @property
    def current_interval_id(self) -> int | None:
        """The busy interval of a booking to be moved; it frees ``party_size`` seats there."""
        return None if self.before is None else self.before.busy_interval_id

    @property
    def is_shared(self) -> bool:
        """Whether several bookings share a slot."""
        return self.service_rules.is_shared

    @property
    def spans_closures(self) -> bool:
        return spans_closures(self.service)

    @property
    def wall_ends(self) -> WallEnds | None:
        """When it ends, if it lasts by the wall clock."""
        if self.wall_length is None or self.zone is None:
            return None
        return WallEnds(self.wall_length, self.zone, self.extra)

    @property
    def margin(self) -> int:
        """By how much a booking at another start may be longer."""
        return 0 if self.wall_length is None else self.duration

    def end_of(self, start: int) -> int:
        """Return the end for a start."""
        wall_ends = self.wall_ends
        return start + self.duration if wall_ends is None else wall_ends.end_of(start)

    def window(self, start: int) -> tuple[int, int]:
        """Return when it takes the provider's time, buffers included."""
        return start - self.buffer_before, self.end_of(start) + self.buffer_after

    def slot_rules(
        self,
        *,
        step: int = 1,
        alignment: Alignment = Alignment.OPENING,
        before: int | None = None,
        after: int | None = None,
    ) -> SlotRules:
        """Return what the engine has to know, by default with the buffers of the provider."""
        return SlotRules(
            duration=self.duration,
            step=step,
            before=self.buffer_before if before is None else before,
            after=self.buffer_after if after is None else after,
            alignment=alignment,
            wall_ends=self.wall_ends,
            spans_closures=self.spans_closures,
        )

    def in_zone(self, zone: tzinfo) -> RequestedBooking:
        """Return it by the clocks of a provider."""
        return replace(self, zone=zone)

    def for_provider(self, provider: ProviderLike) -> RequestedBooking:
        """Return what it takes of this provider's time, whose buffers may be larger or smaller."""
        if self.before is None:
            if self.template.provider_id is not None:
                # The core has set the buffers of a new booking already.
                return self
            rules = self.service_rules.for_provider(provider)
            if rules is self.service_rules:
                return self
            return self._with_buffers(rules)
        if self.before.provider_id == provider.pk:
            return self
        moved = copy(self.template)
        set_buffers_of_move(
            moved,
            service=self.service,
            old_provider=self.before.provider,
            new_provider=provider,
        )
        return self._with_buffers(moved)

    def _with_buffers(self, of: Any) -> RequestedBooking:
        template = copy(self.template)
        for name in BUFFER_FIELDS:
            setattr(template, name, getattr(of, name))
        return replace(
            self,
            template=template,
            buffer_before=60 * template.buffer_before_minutes,
            buffer_after=60 * template.buffer_after_minutes,
        )

    def draft(self, provider: ProviderLike, tenant_id: Any, start: int) -> Booking:
        """Return the booking with a provider and a start, not saved."""
        draft = self.with_provider(provider, tenant_id)
        self.set_start(draft, start)
        return draft

    def with_provider(self, provider: ProviderLike, tenant_id: Any) -> Booking:
        """Return the booking with a provider, at whatever start it has, not saved."""
        draft = copy(self.template)
        _set_related(draft, "provider", provider)
        if draft.tenant_id is None and app_settings.tenancy_enabled:
            draft.tenant_id = tenant_id
        return draft

    def set_start(self, draft: Booking, start: int) -> None:
        """Give a draft another start, in Unix seconds, and the end that belongs to it."""
        draft.start_at = datetime.fromtimestamp(start, UTC)
        # Where it would end before it starts, nothing is on offer.
        draft.end_at = datetime.fromtimestamp(max(start + 1, self.end_of(start)), UTC)

    @classmethod
    def for_new(
        cls,
        service: ServiceLike,
        *,
        addons: Iterable[AddonLike] | None = None,
        length: ChosenLength = (None, None),
        party_size: int | None = None,
        client: Mapping[str, Any],
        resources: Sequence[Any] | None = None,
        override_policy: bool = False,
    ) -> RequestedBooking:
        """Return what ``create_booking`` would make."""
        rules = _service_rules(service).of_length(*length, override=override_policy)
        extra = sum(_extra_minutes(addon) for addon in addons or ())
        party_size = 1 if party_size is None else party_size
        nominal_end = EPOCH + timedelta(minutes=rules.duration_minutes)
        template = Booking(
            party_size=party_size,
            capacity_consumed=party_size,
            price_amount=rules.price_of(EPOCH, nominal_end, lambda: UTC),
            **{name: getattr(rules, name) for name in SNAPSHOT_FIELDS},
            **client,
        )
        _set_related(template, "service", service)
        template.requested_resources = resources
        template.set_wall_length(rules.wall_length)
        return cls(
            service=service,
            service_rules=rules,
            wall_length=rules.wall_length,
            extra=60 * extra,
            duration=60 * extra + _longest(rules.length),
            buffer_before=60 * rules.buffer_before_minutes,
            buffer_after=60 * rules.buffer_after_minutes,
            party_size=party_size,
            capacity=rules.seats(party_size),
            template=template,
        )

    @classmethod
    def for_move(
        cls,
        booking: Booking,
        service: ServiceLike,
        *,
        addons: Iterable[AddonLike] | None = None,
        length: ChosenLength = (None, None),
        party_size: int | None = None,
        client: Mapping[str, Any],
        resources: Sequence[Any] | None = None,
        override_policy: bool = False,
    ) -> RequestedBooking:
        """Return what ``reschedule_booking`` would make of a booking.

        The booking keeps its buffers, and its length without another ``length``. Other
        ``addons`` change the length; add-ons that it has already last as long as they were booked.
        """
        if party_size is not None:
            raise TypeError("A booking's party_size is its own: pass it without booking=.")
        if client:
            raise TypeError("A booking's client is its own: pass it without booking=.")
        rules = _service_rules(service)
        new_length = NewLength.of(*length, prefix="")
        found: Length
        # In UTC, because Python subtracts two datetimes of one other zone by the wall clock.
        found = booking.end_at.astimezone(UTC) - booking.start_at.astimezone(UTC)
        extra = timedelta(0)
        if booking.wall_length is not None or addons is not None or new_length is not None:
            booked, extra = _addon_lengths(booking, addons)
            found = booking.wall_length or found - booked
            if new_length is not None:
                found = new_length.of_move(rules, found, override=override_policy)
        wall_length = found if isinstance(found, WallLength) else None
        template = copy(booking)
        template.set_wall_length(wall_length)
        if resources is not None:
            template.requested_resources = resources
        return cls(
            service=service,
            service_rules=rules,
            duration=_longest(found) - (-extra // SECOND),
            wall_length=wall_length,
            extra=-(-extra // SECOND),
            buffer_before=60 * booking.buffer_before_minutes,
            buffer_after=60 * booking.buffer_after_minutes,
            party_size=booking.party_size,
            capacity=rules.seats(booking.party_size),
            template=template,
            # The core passes a new booking as well, when it asks whether its start is on offer.
            before=None if booking.pk is None else booking,
        )


def _set_related(booking: Booking, name: str, instance: Any) -> None:
    """Set a related object that need not be a model's instance, for it is not stored."""
    field: Any = Booking._meta.get_field(name)
    setattr(booking, field.attname, instance.pk)
    field.set_cached_value(booking, instance)


def _service_rules(service: ServiceLike) -> ServiceRules:
    return ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY)


def _longest(length: Length) -> int:
    """Return how long a length is in seconds, or more than it ever is by the wall clock."""
    return length.longest if isinstance(length, WallLength) else -(-length // SECOND)


def _addon_lengths(
    booking: Booking, addons: Iterable[AddonLike] | None
) -> tuple[timedelta, timedelta]:
    """Return how long the booking's add-ons last, and how long these, or by default its own."""
    if addons is None and booking.addon_length is not None:
        # The core has set them on a draft: they may not be stored.
        return booking.addon_length, booking.addon_length
    booked = {
        addon.addon_id: addon.extra_duration_minutes_snapshot
        for addon in BookingAddon.objects.using(read_alias(BookingAddon)).filter(booking=booking)
    }
    of_booked = timedelta(minutes=sum(booked.values()))
    if addons is None:
        return of_booked, of_booked
    requested = sum(booked.get(addon.pk, _extra_minutes(addon)) for addon in addons)
    return of_booked, timedelta(minutes=requested)


def _extra_minutes(addon: AddonLike) -> int:
    minutes = getattr(addon, "extra_duration_minutes", 0) or 0
    return whole_number(minutes, "addon.extra_duration_minutes", at_least=0, at_most=MAX_MINUTES)
