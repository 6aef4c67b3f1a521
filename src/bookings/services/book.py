"""How every new booking comes about: the rules first, without a lock; then one short transaction
that claims the time, or takes seats of a session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

from django.utils.translation import gettext_lazy as _

from bookings import claims, ledger, locks, policies, postgres, prices, slots, terms
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import BookingError, InvalidBooking
from bookings.models import Booking, BookingAddon, BookingEvent
from bookings.protocols import BookingType
from bookings.services import approval, inputs
from bookings.services.addons import chosen_addons, snapshot_of
from bookings.services.allowance import Allowance
from bookings.services.expire import past_stale_holds
from bookings.services.history import announce, plain, store
from bookings.services.repeats import check_duplicate, check_key, replay, taken
from bookings.transactions import atomically

SNAPSHOT: Final = (
    "buffer_before_minutes",
    "buffer_after_minutes",
    "requires_approval",
    "cancellation_allowed",
    "cancellation_notice_minutes",
    "reschedule_allowed",
    "reschedule_notice_minutes",
    "two_sided_completion",
    "pricing_type",
    "currency",
)

CHECKED_FIELDS: Final = (
    "client_name",
    "client_email",
    "client_phone",
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


class Occasion(Protocol):
    """Time that is claimed already, in which a new booking takes seats: a session's."""

    def shape(self, booking: Booking, rules: policies.ServiceRules) -> None:
        """Give the booking the occasion's end, buffers and price, once it has its service's.

        The adapter is asked afterwards.
        """

    def claim(self, booking: Booking) -> claims.Claim:
        """The seats to take, in a claim with the ``interval_id`` of the occasion's time."""

    def admit(self, booking: Booking, *, now: datetime, using: str) -> None:
        """Raise a ``BookingError`` unless it takes bookings; called under the lock."""

    def enter(self, booking: Booking, *, using: str) -> None:
        """Write what the occasion keeps of the booking, which has just been stored."""


def book(
    booking: Booking,
    *,
    addon_ids: Iterable[Any] | None,
    now: datetime,
    using: str,
    allow_past: bool | None = None,
    skip_slot_validation: bool = False,
    override_policy: bool = False,
    occasion: Occasion | None = None,
) -> Booking:
    """Store a booking that has who, what and when, by the rules of its service.

    The arguments are those of :func:`~bookings.services.create_booking`. With its idempotency key
    stored already, the booking that was made then is returned instead.
    """
    if replayed := replay(booking, using=using):
        return replayed

    service = booking.service
    rules = policies.ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY)
    addons = chosen_addons(addon_ids, service=service, tenant_key=booking.tenant_id, using=using)
    snapshots = _apply_rules(booking, rules, addons, occasion)
    _settle(booking, now)
    claim = claims.Claim.of(booking, rules) if occasion is None else occasion.claim(booking)
    booking.terms = terms.agree(booking, using=using)
    # Whom time is held for may be said when the hold is confirmed.
    unsaid = {"client_name"} if booking.is_hold and booking.client_name == "" else set()
    inputs.check_fields(booking, [name for name in CHECKED_FIELDS if name not in unsaid])
    policies.check_start(
        booking.start_at,
        now=now,
        rules=rules,
        allow_past=app_settings.ALLOW_PAST_START if allow_past is None else allow_past,
        override=override_policy,
    )
    inputs.check_expiry(booking.expires_at, now=now)
    adapter = get_adapter()
    _check_bookable(booking, occasion, override_policy=override_policy)
    allowance = Allowance(booking, override_policy=override_policy)
    if occasion is None and not skip_slot_validation:
        try:
            slots.validate(booking, now_dt=now, override_policy=override_policy)
        except BookingError:
            # The time may be taken by what this very key has made since it was looked for.
            if replayed := replay(booking, using=using):
                return replayed
            raise

    said = slots_were_skipped(skip_slot_validation)

    def write() -> Booking:
        calendar_id = locks.lock_calendar(booking.provider_id, using=using)
        if replayed := replay(booking, using=using, lock=True):
            return replayed
        allowance.lock(now=now, using=using)
        adapter.check_permission(booking.created_by, "create", booking)
        check_duplicate(booking, now=now, using=using)
        allowance.check(booking, now=now, using=using)
        if occasion is not None:
            occasion.admit(booking, now=now, using=using)
        _begin(booking, now)
        booking.busy_interval_id = ledger.take(calendar_id, claim, using=using)
        booking.save_row(using=using)
        check_key(booking, using=using)
        for snapshot in snapshots:
            snapshot.booking = booking
        if snapshots:
            BookingAddon.objects.using(using).bulk_create(snapshots)
        if occasion is not None:
            occasion.enter(booking, using=using)
        store(booking, creation(booking, now, **said), using=using)
        return booking

    # What has to be looked up under the lock needs statements of its own.
    needs_lookups = (
        booking.idempotency_key or app_settings.DUPLICATE_GUARD_MINUTES or allowance.is_limited
    )
    is_plain = not (snapshots or needs_lookups or occasion)
    at_once = is_plain and postgres.can_book(claim, using=using)

    def attempt() -> Booking:
        if at_once:
            one = partial(_write_at_once, booking, claim, said, now=now, using=using)
            if booked := atomically(one, using=using, single_statement=True):
                return booked
        return atomically(write, using=using, taken=taken)

    return past_stale_holds(attempt, booking.provider_id, claim.window, now=now, using=using)


def _check_bookable(booking: Booking, occasion: Occasion | None, *, override_policy: bool) -> None:
    get_adapter().check_bookable(booking, override_policy=override_policy)
    kind = BookingType.ONE_TO_ONE if occasion is None else BookingType.GROUP_SESSION
    inputs.check_type(booking.service, booking.provider, kind)


def _write_at_once(
    booking: Booking, claim: claims.Claim, said: dict[str, Any], *, now: datetime, using: str
) -> Booking | None:
    """The booking, unless its provider has no calendar yet."""
    get_adapter().check_permission(booking.created_by, "create", booking)
    _begin(booking, now)
    event = creation(booking, now, **said)
    if not postgres.book(booking, event, claim, using=using):
        return None
    announce(booking, event, using=using)
    return booking


def _begin(booking: Booking, now: datetime) -> None:
    """Make the booking new, also when an attempt to store it has failed."""
    booking.pk, booking._state.adding = None, True
    booking.version = 1
    booking.reference = new_reference(booking, now)


def new_reference(booking: Booking, now: datetime) -> str:
    reference = get_adapter().generate_reference(booking, now)
    longest = Booking._meta.get_field("reference").max_length or 0
    if not 0 < len(reference) <= longest:
        raise InvalidBooking(
            _("The adapter made a reference of %(length)d characters; it may have 1 to %(most)d."),
            params={"length": len(reference), "most": longest},
        )
    return reference


def creation(booking: Booking, now: datetime, **more: Any) -> BookingEvent:
    """The first event of a booking's history, not stored yet; ``more`` is for its data."""
    return BookingEvent(
        booking=booking,
        event_type=BookingEvent.EventType.CREATED,
        actor_user=booking.created_by,
        created_at=now,
        data={
            "status": booking.status,
            "created_at": plain(now),
            "start_at": plain(booking.start_at),
            "end_at": plain(booking.end_at),
            "service": plain(booking.service_id),
            "provider": plain(booking.provider_id),
            **more,
        },
    )


def _apply_rules(
    booking: Booking,
    rules: policies.ServiceRules,
    addons: Sequence[Any],
    occasion: Occasion | None,
) -> list[BookingAddon]:
    """Copy the service's rules and the add-ons onto the booking, which keeps them from now on."""
    for name in SNAPSHOT:
        setattr(booking, name, getattr(rules, name))
    snapshots = [snapshot_of(addon, booking) for addon in addons]
    length = timedelta(minutes=rules.duration_minutes) + extra_time(snapshots)
    booking.end_at = policies.elapsed_end(booking.start_at, length)
    adapter = get_adapter()
    booking.price_amount = rules.price
    if occasion is not None:
        occasion.shape(booking, rules)
    booking.price_amount = prices.price(adapter.price(booking, addons), "price_amount")
    booking.requires_approval = adapter.requires_approval(booking)
    prices.check_payable(booking.price_amount, booking.currency, "price_amount")
    set_total(booking, snapshots)
    return snapshots


def _settle(booking: Booking, now: datetime) -> None:
    """Confirm what is neither a hold nor has to be approved."""
    if booking.expires_at is None:
        if booking.requires_approval:
            approval.ask(booking, now=now)
        else:
            booking.confirm(now)


def slots_were_skipped(skip_slot_validation: bool) -> dict[str, Any]:
    """What an event says of a start that was never on offer, for nobody to expect that it is."""
    return {"skip_slot_validation": True} if skip_slot_validation else {}


def extra_time(addons: Iterable[BookingAddon]) -> timedelta:
    return timedelta(minutes=sum(addon.extra_duration_minutes_snapshot for addon in addons))


def set_total(booking: Booking, addons: Sequence[BookingAddon]) -> None:
    priced = [addon for addon in addons if addon.price_amount_snapshot is not None]
    prices.check_currencies(booking.currency, [addon.currency_snapshot for addon in priced])
    booking.total_amount = prices.total_amount(
        booking.price_amount, [addon.price_amount_snapshot for addon in priced]
    )
