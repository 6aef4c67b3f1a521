"""Reschedule: another time, another provider, other add-ons; the same booking."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import datetime
from typing import Any, Final

from django.db import router
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings import claims, ledger, policies, slots
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import InvalidTransition, NotAllowed, NoticeWindow
from bookings.models import Booking, BookingAddon, BookingEvent
from bookings.protocols import BookingType, ProviderLike
from bookings.services import approval, inputs
from bookings.services.addons import addon_keys, chosen_addons, snapshot_of
from bookings.services.allowance import Allowance
from bookings.services.book import extra_time, set_total, slots_were_skipped
from bookings.services.changes import (
    Change,
    Locked,
    change_booking,
    check_hold,
    check_saved,
    check_version,
    gone,
)
from bookings.services.expire import past_stale_holds
from bookings.services.history import old_and_new, values_of
from bookings.services.repeats import check_duplicate

MOVED: Final = ("start_at", "end_at", "provider", "total_amount")
LAPSE: Final = ("expires_at",)


def reschedule_booking(
    booking: Booking,
    *,
    new_start_at: datetime,
    new_provider: ProviderLike | None = None,
    actor: Any = None,
    addon_ids: Iterable[Any] | None = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
    skip_slot_validation: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Move a pending or confirmed booking; it keeps its reference, status, rules and add-ons.

    ``addon_ids=None`` keeps the add-ons; a list, also an empty one, replaces them. Those that stay
    keep their duration and price of when they were booked. A hold or a request lapses at its new
    start at the latest. The notice is measured against the old start, and the new one is held to
    the service's window of booking and to the limits; ``override_policy`` (staff) lifts all three,
    and the booking's own prohibition. Raises what :func:`create_booking` and :func:`cancel_booking`
    raise.
    """
    new_start_at = policies.instant(new_start_at, "new_start_at")
    now = inputs.moment(now_dt)
    if new_provider is not None:
        inputs.stored(new_provider, "PROVIDER_MODEL", "provider")
    wanted = None if addon_ids is None else addon_keys(addon_ids)
    check_saved(booking)
    using = router.db_for_write(Booking, instance=booking)

    def propose(row: Booking, addons: list[BookingAddon]) -> _Proposal:
        if not row.holds_time:
            raise InvalidTransition(_("Only pending or confirmed bookings can be rescheduled."))
        check_hold(row, now)
        if not override_policy:
            check_reschedulable(row, now)
        proposal = _Proposal(row, addons, new_start_at, new_provider, wanted, now=now, using=using)
        policies.check_start(
            new_start_at,
            now=now,
            rules=proposal.rules,
            allow_past=override_policy or app_settings.ALLOW_PAST_START,
            override=override_policy,
        )
        get_adapter().check_bookable(row, override_policy=override_policy)
        if new_provider is not None:
            inputs.check_type(row.service, row.provider, BookingType.ONE_TO_ONE)
        return proposal

    def decide(at: Locked) -> Change | None:
        row = at.row
        before, old = copy(row), values_of(row, MOVED)
        proposal = propose(row, list(_addons_of(row, using).select_for_update()))
        new = values_of(row, MOVED)
        if row.expires_at != before.expires_at:
            old |= values_of(before, LAPSE)
            new |= values_of(row, LAPSE)
        addons = proposal.addon_data()
        if new == old and not addons:
            return None
        check_duplicate(row, now=now, using=using)
        allowance.check(row, now=now, using=using, before=before)
        row.busy_interval_id = ledger.move(
            row.busy_interval_id,
            row.party_size,
            at.calendars[row.provider_id],
            proposal.claim,
            using=using,
        )
        proposal.store_addons()
        return Change(
            BookingEvent.EventType.RESCHEDULED,
            fields=(*MOVED, *LAPSE),
            data=old_and_new(old, new) | addons | slots_were_skipped(skip_slot_validation),
        )

    # The slow questions are asked before the lock is taken, of a copy that is thrown away.
    drafts = Booking.objects.using(using).select_related("busy_interval")
    draft = drafts.filter(pk=booking.pk).first()
    if draft is None:
        raise gone()
    check_version(draft, expected_version)
    if draft.is_in_session:
        raise ledger.in_session()
    claim = propose(draft, list(_addons_of(draft, using))).claim
    allowance = Allowance(draft, override_policy=override_policy)
    if not skip_slot_validation:
        slots.validate(draft, now_dt=now, override_policy=override_policy)
    return past_stale_holds(
        lambda: change_booking(
            booking,
            decide,
            verb="reschedule",
            actor=actor,
            now_dt=now,
            expected_version=expected_version,
            also_lock=None if new_provider is None else new_provider.pk,
            allowance=allowance,
        ),
        draft.provider_id,
        claim.window,
        now=now,
        using=using,
        own=draft.busy_interval_id,
    )


def check_reschedulable(row: Booking, now: datetime) -> None:
    if not row.reschedule_allowed:
        raise NotAllowed(_("Rescheduling is not allowed for this booking."))
    minutes = row.reschedule_notice_minutes
    if policies.within_notice(row.start_at, now=now, notice_minutes=minutes):
        raise NoticeWindow(
            ngettext_lazy(
                "Cannot reschedule within the notice window (%(minutes)d minute).",
                "Cannot reschedule within the notice window (%(minutes)d minutes).",
                minutes,
            ),
            params={"minutes": minutes},
        )


def _addons_of(row: Booking, using: str) -> QuerySet[BookingAddon]:
    return BookingAddon.objects.using(using).filter(booking=row)


class _Proposal:
    """What a reschedule would make of a row; building it changes the row, but stores nothing."""

    def __init__(
        self,
        row: Booking,
        addons: list[BookingAddon],
        start_at: datetime,
        provider: Any,
        wanted: list[Any] | None,
        *,
        now: datetime,
        using: str,
    ) -> None:
        self.row = row
        self.using = using
        inputs.load(row, "service", using=using)
        self.before = addons
        self.rules = policies.ServiceRules.of(
            row.service, default_currency=app_settings.DEFAULT_CURRENCY
        )
        self.after = self.before if wanted is None else self._replaced(wanted)
        old_start = row.start_at
        length = row.end_at - old_start + extra_time(self.after) - extra_time(self.before)
        row.start_at = start_at
        row.end_at = policies.elapsed_end(start_at, length)
        if provider is not None:
            inputs.same_tenant(row.tenant_id, provider=provider)
            row.provider = provider
        inputs.load(row, "provider", using=using)
        if wanted is not None:
            set_total(row, self.after)
        approval.follow_start(row, old_start, now=now)
        self.claim = claims.Claim.of(row, self.rules)

    def _replaced(self, keys: list[Any]) -> list[BookingAddon]:
        row = self.row
        kept = {addon.addon_id: addon for addon in self.before}
        chosen = chosen_addons(
            keys, service=row.service, tenant_key=row.tenant_id, using=self.using
        )
        return [kept.get(addon.pk) or snapshot_of(addon, row) for addon in chosen]

    def store_addons(self) -> None:
        using = self.using
        gone = [addon.pk for addon in self.before if addon not in self.after]
        added = [addon for addon in self.after if addon.pk is None]
        if gone:
            BookingAddon.objects.using(using).filter(pk__in=gone).delete()
        if added:
            BookingAddon.objects.using(using).bulk_create(added)

    def addon_data(self) -> dict[str, Any]:
        if {addon.addon_id for addon in self.before} == {addon.addon_id for addon in self.after}:
            return {}
        before, after = (
            sorted(addon.name_snapshot for addon in addons) for addons in (self.before, self.after)
        )
        return {"old_addons": before, "new_addons": after}
