"""A booking at its new time, with its new provider and add-ons, before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, Final

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import InvalidTransition, NotAllowed
from bookings.ledger import claims
from bookings.models import Booking, BookingAddon, name_snapshots
from bookings.protocols import BookingType
from bookings.rules import policies, prices, service_rules
from bookings.rules.buffers import BUFFER_FIELDS, set_buffers_of_move
from bookings.rules.lengths import ONE_MINUTE, Length, WallLength
from bookings.services import approval, references
from bookings.services.addons import load_addons, snapshot_addon
from bookings.services.booking_change import check_not_lapsed
from bookings.services.day_zones import DayZones
from bookings.services.history import field_values, old_and_new, to_json
from bookings.services.new_booking import add_addons, addon_duration, set_total_amount
from bookings.services.offered_providers import OfferedProviders

MOVED_FIELDS: Final = ("start_at", "end_at", "provider", "total_amount")
LENGTH_FIELDS: Final = ("duration_days", "ends_at_time")
DEPENDENT_FIELDS: Final = (
    *BUFFER_FIELDS,
    *LENGTH_FIELDS,
    "expires_at",
    "price_amount",
    "provider_name",
    "resource_count",
)
"""The fields that may change with ``MOVED_FIELDS``."""


@lru_cache(maxsize=64)
def _too_late(minutes: int) -> Any:
    """Return the message; a series needs it for each start, and to make it takes a while."""
    return ngettext_lazy(
        "Cannot reschedule within the notice window (%(minutes)d minute).",
        "Cannot reschedule within the notice window (%(minutes)d minutes).",
        minutes,
    )


def check_reschedulable(row: Booking, now: datetime) -> None:
    """Raise ``NotAllowed`` or ``NoticeWindow`` if the booking's rules forbid moving it now."""
    if not row.reschedule_allowed:
        raise NotAllowed(_("Rescheduling is not allowed for this booking."))
    minutes = row.reschedule_notice_minutes
    policies.check_notice(
        row.start_at,
        now=now,
        notice_minutes=minutes,
        too_late=_too_late(minutes),
        has_begun=_(
            "The booking has begun. Only staff may still move it, by overriding the policy."
        ),
    )


def apply_move(
    row: Booking,
    addons: list[BookingAddon],
    *,
    start_at: datetime,
    provider: Any,
    addon_keys: list[Any] | None = None,
    new_length: NewLength | None = None,
    now: datetime,
    using: str,
    zones: DayZones,
    offered: OfferedProviders,
    override_policy: bool,
    is_locked: bool,
) -> Move:
    """Move the row, without writing it, and check that the rules allow that.

    Call it before the lock and again under the lock: the adapter is only asked before for the
    booking's type, and whether another provider offers the service.
    """
    old_provider_id = row.provider_id
    if not row.holds_time:
        raise InvalidTransition(_("Only pending or confirmed bookings can be rescheduled."))
    check_not_lapsed(row, now)
    if not override_policy:
        check_reschedulable(row, now)
    moved = Move(
        row,
        addons,
        start_at,
        provider,
        addon_keys,
        new_length=new_length,
        now=now,
        using=using,
        zones=zones,
        override_policy=override_policy,
    )
    policies.check_start(
        start_at,
        now=now,
        rules=moved.rules,
        zone=partial(zones.of, row),
        allow_past=override_policy or app_settings.ALLOW_PAST_START,
        override=override_policy,
    )
    get_adapter().check_bookable(row, override_policy=override_policy)
    if provider is not None and not is_locked:
        references.check_booking_type(row.service, row.provider, BookingType.ONE_TO_ONE)
        if row.provider_id != old_provider_id and not override_policy:
            offered.check(row.service, row.provider)
    return moved


@dataclass(slots=True)
class NewLength:
    """Another length of a booking, and its price, for which the adapter is asked once."""

    minutes: Any = None
    days: Any = None
    prefix: str = "new_"
    """Of the names of the arguments."""
    _prices: dict[Any, Decimal | None] = field(default_factory=dict)
    """By the provider."""

    @classmethod
    def of(cls, minutes: Any, days: Any, prefix: str = "new_") -> NewLength | None:
        """Return the length that a caller has chosen; ``None`` for no choice."""
        return None if minutes is None and days is None else cls(minutes, days, prefix)

    def of_move(
        self, rules: service_rules.ServiceRules, old_length: Length, *, override: bool
    ) -> Length:
        """Return the length without add-ons; a booking may keep one that is not offered.

        A booking by the day keeps the time of day at which it ends.
        """
        if self._is_same(old_length):
            return old_length
        length = rules.of_length(
            self.minutes, self.days, prefix=self.prefix, override=override
        ).length
        if isinstance(length, WallLength) and isinstance(old_length, WallLength):
            return replace(length, ends_at=old_length.ends_at)
        return length

    def _is_same(self, old: Length) -> bool:
        if isinstance(old, WallLength):
            return self.minutes is None and type(self.days) is int and self.days == old.days
        if self.days is not None or isinstance(self.minutes, bool):
            return False
        return bool(self.minutes == old / ONE_MINUTE)

    def set_price(
        self,
        row: Booking,
        rules: service_rules.ServiceRules,
        ends_at: datetime,
        zone: service_rules.Zone,
        addons: Sequence[BookingAddon],
    ) -> None:
        """Set the price of the row by its new length, unless that is fixed or it is free.

        ``ends_at`` is the end without the add-ons. The price of the service is the one that the
        booking keeps. The adapter is asked before the lock; under it, the answer is known.
        """
        if row.pricing_type in service_rules.PRICES_OF_ANY_LENGTH:
            return
        if row.provider_id not in self._prices:
            self._prices[row.provider_id] = _price_of(row, rules, ends_at, zone, addons)
        row.price_amount = self._prices[row.provider_id]


def _price_of(
    row: Booking,
    rules: service_rules.ServiceRules,
    ends_at: datetime,
    zone: service_rules.Zone,
    addons: Sequence[BookingAddon],
) -> Decimal | None:
    unit_price = rules.price_amount if row.unit_price is None else row.unit_price
    priced = copy(row)
    priced.price_amount = service_rules.price_by_length(
        row.pricing_type,
        unit_price,
        row.currency,
        start_at=row.start_at,
        end_at=ends_at,
        zone=zone,
    )
    prefetch_related_objects(addons, "addon")
    price = prices.parse_price(
        get_adapter().price(priced, [addon.addon for addon in addons]), "price_amount"
    )
    prices.check_payable(price, row.currency, "price_amount")
    return price


class Move:
    """The new values of a row, its new add-ons and claim.

    The constructor sets the values on the row, and writes nothing.
    """

    def __init__(
        self,
        row: Booking,
        addons: list[BookingAddon],
        start_at: datetime,
        provider: Any,
        addon_keys: list[Any] | None,
        *,
        new_length: NewLength | None,
        now: datetime,
        using: str,
        zones: DayZones,
        override_policy: bool,
    ) -> None:
        self.row = row
        self.using = using
        references.load_related(row, "service", using=using)
        self.old_addons = addons
        self.rules = service_rules.ServiceRules.of(
            row.service, default_currency=app_settings.DEFAULT_CURRENCY
        )
        self.addons = addons if addon_keys is None else self._load_addons(addon_keys)
        old_start = row.start_at
        length: Length = row.wall_length or row.end_at - old_start - addon_duration(addons)
        is_of_new_length = False
        if new_length is not None:
            old_length = length
            length = new_length.of_move(self.rules, old_length, override=override_policy)
            is_of_new_length = length != old_length
        if is_of_new_length:
            row.set_wall_length(length if isinstance(length, WallLength) else None)
        if provider is not None:
            references.check_same_tenant(row.tenant_id, provider=provider)
            has_changed = row.provider_id != provider.pk
            if has_changed:
                references.load_related(row, "provider", using=using)
                set_buffers_of_move(
                    row, service=row.service, old_provider=row.provider, new_provider=provider
                )
            row.provider = provider
            if has_changed:
                name_snapshots.copy_names(row, "provider")
        references.load_related(row, "provider", using=using)
        zone = partial(zones.of, row)
        ends_at = service_rules.end_of(start_at, length, zone)
        row.start_at, row.end_at = start_at, add_addons(row, ends_at, self.addons)
        if new_length is not None and is_of_new_length:
            new_length.set_price(row, self.rules, ends_at, zone, self.addons)
        if addon_keys is not None or is_of_new_length:
            set_total_amount(row, self.addons)
        approval.adjust_expiry(row, old_start, now=now)
        self.claim = claims.Claim.of(row, self.rules)

    def _load_addons(self, keys: list[Any]) -> list[BookingAddon]:
        row = self.row
        booked = {addon.addon_id: addon for addon in self.old_addons}
        addons = load_addons(keys, service=row.service, tenant_key=row.tenant_id, using=self.using)
        return [booked.get(addon.pk) or snapshot_addon(addon, row) for addon in addons]

    def save_addons(self) -> None:
        """Delete the add-ons that were removed, and insert the new ones."""
        addons = BookingAddon.objects.using(self.using)
        removed = [addon.pk for addon in self.old_addons if addon not in self.addons]
        added = [addon for addon in self.addons if addon.pk is None]
        if removed:
            addons.filter(pk__in=removed).delete()
        if added:
            addons.bulk_create(added)

    def event_data(self, before: Booking) -> dict[str, Any]:
        """Return the old and new values for the event; nothing if the booking does not change."""
        row = self.row
        old, new = field_values(before, MOVED_FIELDS), field_values(row, MOVED_FIELDS)
        for name in (*BUFFER_FIELDS, *LENGTH_FIELDS, "expires_at", "price_amount"):
            if getattr(row, name) != getattr(before, name):
                old[name], new[name] = getattr(before, name), getattr(row, name)
        addon_data = self._addon_data()
        return old_and_new(old, new) | addon_data if new != old or addon_data else {}

    def _addon_data(self) -> dict[str, Any]:
        """Return the names of the old and new add-ons for the event; nothing if they are equal."""
        old, new = self.old_addons, self.addons
        if {addon.addon_id for addon in old} == {addon.addon_id for addon in new}:
            return {}
        return {
            "old_addons": sorted(addon.name_snapshot for addon in old),
            "new_addons": sorted(addon.name_snapshot for addon in new),
        }


def resource_changes(old: Sequence[Any], new: Sequence[Any]) -> dict[str, Any]:
    """Return the keys of the old and new resources for the event; nothing if they are equal."""
    keys = [sorted(to_json(each.provider_id) for each in resources) for resources in (old, new)]
    return {} if keys[0] == keys[1] else {"old_resources": keys[0], "new_resources": keys[1]}
