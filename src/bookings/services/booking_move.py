"""A booking at its new time, with its new provider and add-ons, before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import InvalidTransition, NotAllowed
from bookings.ledger import claims
from bookings.models import Booking, BookingAddon, BookingResource, name_snapshots
from bookings.protocols import BookingType
from bookings.rules import instants, policies, service_rules
from bookings.rules.buffers import BUFFER_FIELDS, set_buffers_of_move
from bookings.services import approval, references
from bookings.services.addons import load_addons, snapshot_addon
from bookings.services.booking_change import check_not_lapsed
from bookings.services.day_zones import DayZones
from bookings.services.history import field_values, old_and_new, to_json
from bookings.services.new_booking import addon_duration, set_total_amount

MOVED_FIELDS: Final = ("start_at", "end_at", "provider", "total_amount")
DEPENDENT_FIELDS: Final = (*BUFFER_FIELDS, "expires_at", "provider_name", "resource_count")
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
    now: datetime,
    using: str,
    zones: DayZones,
    override_policy: bool,
    is_locked: bool,
) -> Move:
    """Move the row, without writing it, and check that the rules allow that.

    Call it before the lock and again under the lock: the adapter is only asked for the booking's
    type before.
    """
    if not row.holds_time:
        raise InvalidTransition(_("Only pending or confirmed bookings can be rescheduled."))
    check_not_lapsed(row, now)
    if not override_policy:
        check_reschedulable(row, now)
    moved = Move(row, addons, start_at, provider, addon_keys, now=now, using=using)
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
    return moved


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
        now: datetime,
        using: str,
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
        length = row.end_at - old_start + addon_duration(self.addons) - addon_duration(addons)
        row.start_at = start_at
        row.end_at = instants.add_elapsed(start_at, length)
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
        if addon_keys is not None:
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
        for name in (*BUFFER_FIELDS, "expires_at"):
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


def resource_changes(
    old: Sequence[BookingResource], new: Sequence[BookingResource]
) -> dict[str, Any]:
    """Return the keys of the old and new resources for the event; nothing if they are equal."""
    keys = [sorted(to_json(each.provider_id) for each in resources) for resources in (old, new)]
    return {} if keys[0] == keys[1] else {"old_resources": keys[0], "new_resources": keys[1]}
