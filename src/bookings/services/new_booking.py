"""A new booking before it is stored: its rules, its price, its claim, and what they allow.

Nothing here locks or writes, so host code may take its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol
from uuid import uuid4

from bookings.adapters import get_adapter, is_overridden
from bookings.conf import app_settings
from bookings.ledger import claims
from bookings.models import Booking, BookingAddon, field_validation, name_snapshots
from bookings.models.bulk_rows import copy_row
from bookings.protocols import BookingType
from bookings.questions import stored_answers
from bookings.rules import instants, policies, prices, service_rules
from bookings.rules.validation import whole_number
from bookings.rules.value_comparison import copy_document
from bookings.services import approval, references, resource_needs
from bookings.services.addons import snapshot_addon
from bookings.services.day_zones import DayZones
from bookings.services.limit_check import KnownLimits, LimitCheck
from bookings.services.offered_providers import OfferedProviders

SNAPSHOT_FIELDS: Final = (
    "buffer_before_minutes",
    "buffer_after_minutes",
    "requires_approval",
    "cancellation_allowed",
    "cancellation_notice_minutes",
    "reschedule_allowed",
    "reschedule_notice_minutes",
    "max_reschedules",
    "two_sided_completion",
    "pricing_type",
    "currency",
)

CHECKED_FIELDS: Final = (
    "client_name",
    "client_email",
    "client_phone",
    "client_language",
    "client_timezone",
    "location",
    "meeting_link",
    "notes_client",
    "notes_internal",
    "metadata",
    "terms",
    "idempotency_key",
    "pricing_type",
    "price_amount",
    "total_amount",
    "currency",
)

ASKED_ABOUT_EACH: Final = (
    "price",
    "requires_approval",
    "max_reschedules",
    "check_bookable",
    "check_active",
    "booking_types",
    "questions",
    "resources",
    "limits",
)
"""The methods of the adapter whose answer may differ from one start to another if overridden."""


def asks_about_each() -> bool:
    """Return whether the adapter may decide about a booking by its start."""
    return any(map(is_overridden, ASKED_ABOUT_EACH))


class SessionTime(Protocol):
    """The time of a session, in which a new booking takes seats."""

    @property
    def key(self) -> Any:
        """The session's primary key."""

    def apply_to(
        self, booking: Booking, rules: service_rules.ServiceRules, zone: service_rules.Zone
    ) -> None:
        """Set the session's end, buffers and price on the booking.

        It is called after the service's are set, and before the adapter is asked for the price.
        """

    def claim(self, booking: Booking) -> claims.Claim:
        """Return a claim of seats, with the ``interval_id`` of the session's busy interval."""

    def check_open(self, booking: Booking, *, now: datetime, using: str) -> None:
        """Raise a ``BookingError`` if the session does not take the booking, under the lock."""

    def record(self, booking: Booking, *, using: str) -> None:
        """Write the session's own rows about the booking, which has just been stored."""


@dataclass(frozen=True, slots=True)
class CheckCache:
    """Answers that the checks of all bookings of one call share."""

    zones: DayZones = field(default_factory=DayZones)
    limits: KnownLimits = field(default_factory=KnownLimits)
    cleaned: field_validation.Cleaned = field(default_factory=field_validation.Cleaned)
    answers: dict[tuple[int, int, bool], tuple[Any, ...]] = field(default_factory=dict)
    """The answers of a call, as they are stored, by what they were given for."""
    resources: resource_needs.KnownResources = field(default_factory=resource_needs.KnownResources)
    offered: OfferedProviders = field(default_factory=OfferedProviders)


class NewBooking:
    """A draft, and what is stored with it. Call ``apply_rules``, set the terms, call ``check``."""

    limit_check: LimitCheck
    needs: list[resource_needs.Need]

    def __init__(
        self,
        booking: Booking,
        addons: Sequence[Any],
        session_time: SessionTime | None = None,
        *,
        override_policy: bool = False,
    ) -> None:
        self.adapter = get_adapter()
        self.booking = booking
        self.addons = addons
        self.session_time = session_time
        self.override_policy = override_policy
        self.rules = (
            service_rules.ServiceRules.of(
                booking.service, default_currency=app_settings.DEFAULT_CURRENCY
            )
            .for_provider(booking.provider)
            .of_length(booking.requested_minutes, booking.requested_days, override=override_policy)
        )
        self.snapshots: list[BookingAddon] = []
        self.request: dict[str, Any] = {}
        """What the CREATED event keeps of a request with an idempotency key."""

    def with_booking(self, booking: Booking) -> NewBooking:
        """Return the same for another draft of the service; before the rules are applied."""
        other = copy(self)
        other.booking, other.snapshots, other.request = booking, [], {}
        return other

    @property
    def is_repeatable(self) -> bool:
        """Whether the start decides about the end alone, as far as the rules say.

        A hold or a request may lapse at its start, and days may have more or fewer hours.
        """
        by_days = self.rules.by_days is not None or self.rules.pricing_type == service_rules.DAILY
        return self.booking.status == Booking.Status.CONFIRMED and not by_days

    def repeat(self, start_at: datetime) -> NewBooking:
        """Return a copy at another start of a repeatable booking that has passed ``check``.

        It differs in its times alone, unless :func:`asks_about_each`. Set its terms, and call
        ``check_repeated``.
        """
        booking = self.booking
        copied = copy_draft(
            booking,
            start_at=start_at,
            end_at=instants.add_elapsed(start_at, booking.end_at - booking.start_at),
            answers=list(booking.answers),
        )
        other = self.with_booking(copied)
        other.snapshots = [snapshot_addon(addon, copied) for addon in self.addons]
        return other

    def check_repeated(self, now: datetime, *, cache: CheckCache, allow_past: bool) -> None:
        """Raise a ``BookingError`` for what is wrong with a copy, as ``check`` does."""
        self.claim = claims.Claim.of(self.booking, self.rules)
        if self.booking.terms is not None:
            field_validation.clean_fields(self.booking, ("terms",), cache.cleaned)
        self._check_start(now, cache=cache, allow_past=allow_past)
        if self.limit_check.is_limited:
            self.limit_check = self._limit_check(cache)

    def apply_length(self, zones: DayZones) -> datetime:
        """Copy the service's rules and the add-ons to the booking, and set its end.

        Returns the end without the add-ons.
        """
        booking, rules = self.booking, self.rules
        for name in SNAPSHOT_FIELDS:
            setattr(booking, name, getattr(rules, name))
        self.snapshots = [snapshot_addon(addon, booking) for addon in self.addons]
        if rules.by_days is None or self.session_time is not None:
            length = timedelta(minutes=rules.duration_minutes)
            ends_at = instants.add_elapsed(booking.start_at, length)
        else:
            booking.set_wall_length(rules.by_days.own)
            ends_at = rules.by_days.own.end_at(booking.start_at, zones.of(booking))
        booking.end_at = add_addons(booking, ends_at, self.snapshots)
        return ends_at

    def apply_rules(self, now: datetime, zones: DayZones) -> None:
        """Copy names, the service's rules and the add-ons to the booking; confirm or request it."""
        booking, rules, session_time = self.booking, self.rules, self.session_time
        name_snapshots.copy_names(booking, *name_snapshots.RELATIONS)
        ends_at, zone = self.apply_length(zones), partial(zones.of, booking)
        adapter = self.adapter
        booking.unit_price = rules.price_amount
        booking.price_amount = rules.price_of(booking.start_at, ends_at, zone)
        if session_time is not None:
            session_time.apply_to(booking, rules, zone)
        booking.price_amount = prices.parse_price(
            adapter.price(booking, self.addons), "price_amount"
        )
        booking.requires_approval = adapter.requires_approval(booking)
        most = adapter.max_reschedules(booking)
        if most is not None:
            whole_number(most, "max_reschedules", at_least=0)
        booking.max_reschedules = most
        prices.check_payable(booking.price_amount, booking.currency, "price_amount")
        set_total_amount(booking, self.snapshots)
        if booking.expires_at is not None:
            approval.limit_expiry(booking, now=now)
        elif booking.requires_approval:
            approval.request_approval(booking, now=now)
        else:
            booking.confirm(now)
        self.claim = (
            claims.Claim.of(booking, rules) if session_time is None else session_time.claim(booking)
        )

    def check(self, now: datetime, *, cache: CheckCache, allow_past: bool | None = None) -> None:
        """Raise a ``BookingError`` for what can be told to be wrong without a lock."""
        booking = self.booking
        # The client's name may be given when the hold is confirmed.
        optional = {"client_name"} if booking.is_hold and booking.client_name == "" else set()
        field_validation.clean_fields(
            booking,
            [name for name in CHECKED_FIELDS if name not in optional],
            cache.cleaned,
        )
        self._set_answers(cache)
        if allow_past is None:
            allow_past = app_settings.ALLOW_PAST_START
        self._check_start(now, cache=cache, allow_past=allow_past)
        policies.check_expiry(booking.expires_at, now=now)
        self.adapter.check_bookable(booking, override_policy=self.override_policy)
        is_seat = self.session_time is not None
        self.needs = [] if is_seat else resource_needs.needs_of_new(booking, cache.resources)
        kind = BookingType.GROUP_SESSION if is_seat else BookingType.ONE_TO_ONE
        references.check_booking_type(booking.service, booking.provider, kind)
        if not is_seat and not self.override_policy:
            cache.offered.check(booking.service, booking.provider)
        self.limit_check = self._limit_check(cache)

    def _check_start(self, now: datetime, *, cache: CheckCache, allow_past: bool) -> None:
        policies.check_start(
            self.booking.start_at,
            now=now,
            rules=self.rules,
            zone=partial(cache.zones.of, self.booking),
            allow_past=allow_past,
            override=self.override_policy,
        )

    def _limit_check(self, cache: CheckCache) -> LimitCheck:
        return LimitCheck(
            self.booking,
            zones=cache.zones,
            known_limits=cache.limits,
            override_policy=self.override_policy,
        )

    def _set_answers(self, cache: CheckCache) -> None:
        """Replace the answers that were given, by name, by what the booking keeps of them.

        A copy of another booking, and a client from a waitlist, who was not asked, have a list.
        """
        booking = self.booking
        given: Any = booking.answers
        if isinstance(given, list):
            return
        is_complete = not (self.override_policy or booking.is_hold)
        # By the objects, which the bookings of a series share.
        key = id(booking.service), id(given), is_complete
        if key not in cache.answers:
            stored = stored_answers(booking.service, given, is_complete=is_complete)
            cache.answers[key] = booking.service, given, stored
        booking.answers = list(cache.answers[key][-1])


def copy_draft(template: Booking, **values: Any) -> Booking:
    """Return an unsaved booking with the values of a draft, and these."""
    return copy_row(template, uuid=uuid4(), metadata=copy_document(template.metadata), **values)


def addon_duration(addons: Iterable[BookingAddon]) -> timedelta:
    """Return how much longer the add-ons make a booking."""
    return timedelta(minutes=sum(addon.extra_duration_minutes_snapshot for addon in addons))


def add_addons(booking: Booking, ends_at: datetime, addons: Iterable[BookingAddon]) -> datetime:
    """Return when a booking ends that would end then without its add-ons.

    A booking by the day keeps for the slot engine how long they last.
    """
    extra = addon_duration(addons)
    if booking.duration_days is not None:
        booking.addon_length = extra
    return instants.add_elapsed(ends_at, extra)


def set_total_amount(booking: Booking, addons: Sequence[BookingAddon]) -> None:
    """Set the total of the booking's price and the add-ons' prices, in one currency."""
    priced = [addon for addon in addons if addon.price_amount_snapshot is not None]
    prices.check_currencies(booking.currency, [addon.currency_snapshot for addon in priced])
    booking.total_amount = prices.total_amount(
        booking.price_amount, [addon.price_amount_snapshot for addon in priced]
    )
