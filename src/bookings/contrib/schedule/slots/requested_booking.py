"""The booking that slots are computed for: a new one, or one to be moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bookings.conf import app_settings
from bookings.models import Booking, BookingAddon
from bookings.models.read_alias import read_alias
from bookings.protocols import AddonLike, ProviderLike, ServiceLike
from bookings.rules.buffers import BUFFER_FIELDS, set_buffers_of_move
from bookings.rules.instants import EPOCH
from bookings.rules.service_rules import ServiceRules
from bookings.rules.validation import MAX_MINUTES, whole_number
from bookings.services.booking_move import NewLength
from bookings.services.new_booking import SNAPSHOT_FIELDS


@dataclass(frozen=True, slots=True)
class RequestedBooking:
    """What a booking takes of a provider's time, wherever it starts. Durations are seconds."""

    service: ServiceLike
    service_rules: ServiceRules
    duration: int
    buffer_before: int
    buffer_after: int
    party_size: int
    capacity: int
    """The seats of the slot that the booking would open."""
    template: Booking = field(repr=False)
    """The booking that would be made or moved, not saved, at whatever start it has."""
    before: Booking | None = field(default=None, repr=False)
    """The booking to be moved, as it is stored."""

    @property
    def current_interval_id(self) -> int | None:
        """The busy interval of a booking to be moved; it frees ``party_size`` seats there."""
        return None if self.before is None else self.before.busy_interval_id

    @property
    def is_shared(self) -> bool:
        """Whether several bookings share a slot."""
        return self.service_rules.is_shared

    @property
    def busy_length(self) -> int:
        """How long it takes the provider's time, buffers included."""
        return self.buffer_before + self.duration + self.buffer_after

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
        draft = copy(self.template)
        _set_related(draft, "provider", provider)
        self.set_start(draft, start)
        if draft.tenant_id is None and app_settings.tenancy_enabled:
            draft.tenant_id = tenant_id
        return draft

    def set_start(self, draft: Booking, start: int) -> None:
        """Give a draft another start, in Unix seconds, and the end that belongs to it."""
        draft.start_at = datetime.fromtimestamp(start, UTC)
        draft.end_at = datetime.fromtimestamp(start + self.duration, UTC)

    @classmethod
    def for_new(
        cls,
        service: ServiceLike,
        *,
        addons: Iterable[AddonLike] | None = None,
        duration_minutes: int | None = None,
        party_size: int | None = None,
        client: Mapping[str, Any],
        resources: Sequence[Any] | None = None,
        override_policy: bool = False,
    ) -> RequestedBooking:
        """Return what ``create_booking`` would make."""
        rules = _service_rules(service).of_length(duration_minutes, override=override_policy)
        extra = sum(_extra_minutes(addon) for addon in addons or ())
        party_size = 1 if party_size is None else party_size
        length = timedelta(minutes=rules.duration_minutes)
        template = Booking(
            party_size=party_size,
            capacity_consumed=party_size,
            price_amount=rules.price_of(EPOCH, EPOCH + length, lambda: UTC),
            **{name: getattr(rules, name) for name in SNAPSHOT_FIELDS},
            **client,
        )
        _set_related(template, "service", service)
        template.requested_resources = resources
        return cls(
            service=service,
            service_rules=rules,
            duration=60 * (rules.duration_minutes + extra),
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
        duration_minutes: int | None = None,
        party_size: int | None = None,
        client: Mapping[str, Any],
        resources: Sequence[Any] | None = None,
        override_policy: bool = False,
    ) -> RequestedBooking:
        """Return what ``reschedule_booking`` would make of a booking.

        The booking keeps its buffers, and its length without a ``duration_minutes``. Other
        ``addons`` change the length; add-ons that it has already last as long as they were booked.
        """
        if party_size is not None:
            raise TypeError("A booking's party_size is its own: pass it without booking=.")
        if client:
            raise TypeError("A booking's client is its own: pass it without booking=.")
        rules = _service_rules(service)
        # In UTC, because Python subtracts two datetimes of one other zone by the wall clock.
        length = booking.end_at.astimezone(UTC) - booking.start_at.astimezone(UTC)
        if addons is not None or duration_minutes is not None:
            booked, requested = _addon_minutes(booking, addons)
            length -= booked
            if duration_minutes is not None:
                new_length = NewLength(duration_minutes, prefix="")
                found = new_length.of_move(rules, length, override=override_policy)
                length = found if isinstance(found, timedelta) else length
            length += requested
        template = copy(booking)
        if resources is not None:
            template.requested_resources = resources
        return cls(
            service=service,
            service_rules=rules,
            duration=-(-length // timedelta(seconds=1)),
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


def _addon_minutes(
    booking: Booking, addons: Iterable[AddonLike] | None
) -> tuple[timedelta, timedelta]:
    """Return how long the booking's add-ons last, and how long these, or by default its own."""
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
