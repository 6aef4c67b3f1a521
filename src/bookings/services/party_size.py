"""Check a changed number of seats, claim or release the difference, and scale the price."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from bookings import extensions
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.ledger import entries
from bookings.models import Booking, field_validation
from bookings.models.read_alias import reading_from
from bookings.rules import money, policies, service_rules, validation
from bookings.services import references
from bookings.services.booking_change import LockedBooking, check_not_lapsed
from bookings.services.booking_claim import moved_claim
from bookings.services.cancel import check_cancellable
from bookings.services.history import field_values
from bookings.services.limit_check import LimitCheck

VERB: Final = "change_party_size"
"""What the adapter's ``check_permission`` is asked for."""

AMOUNTS: Final = ("price_amount", "total_amount")


def prepare(
    draft: Booking, held_seats: int, *, using: str, override_policy: bool = False
) -> LimitCheck:
    """Ask the adapter about a booking with its new number of seats, before anything is locked.

    Return the check of the limits for :func:`check_seats`.
    """
    validation.whole_number(draft.party_size, "party_size", at_least=1)
    references.load_related(draft, "service", "provider", using=using)
    if draft.holds_time and draft.party_size > held_seats:
        with reading_from(using):
            get_adapter().check_bookable(draft, override_policy=override_policy)
    return LimitCheck(draft, override_policy=override_policy)


def check_seats(
    row: Booking,
    before: Booking,
    limit_check: LimitCheck,
    *,
    now: datetime,
    using: str,
    override_policy: bool = False,
) -> None:
    """Raise a ``BookingError`` unless the locked row may have its new number of seats.

    ``before`` is a copy of the row as it is stored.
    """
    check_not_lapsed(before, now)
    if row.party_size < before.party_size:
        if not override_policy:
            check_cancellable(before, now)
        return
    references.load_related(row, "provider", using=using)
    policies.check_start(
        row.start_at,
        now=now,
        rules=_rules(row, using),
        zone=partial(limit_check.zones.of, row),
        allow_past=override_policy or app_settings.ALLOW_PAST_START,
        override=override_policy,
    )
    # Not with ``before``: the stored booking may exceed a limit already, and must not grow.
    limit_check.check(row, now=now, using=using)
    for extension in extensions.implementing("check_more_seats"):
        extension.check_more_seats(row, now=now, using=using, override_policy=override_policy)


def claim_seats(locked: LockedBooking, held_seats: int) -> None:
    """Take or release the seats by which the locked row differs from those that it holds."""
    row, using = locked.row, locked.using
    interval_id = row.busy_interval_id
    if interval_id is not None and row.party_size < held_seats:
        # Whatever capacity the service has now.
        is_shared = _rules(row, using).is_shared
        seats = held_seats - row.party_size
        entries.release_some_seats(interval_id, seats, is_shared=is_shared, using=using)
        return
    row.busy_interval_id = entries.move(
        interval_id,
        held_seats,
        locked.calendars[row.provider_id],
        moved_claim(row, using=using),
        using=using,
    )


def scale_amounts(row: Booking, old_party_size: int, *, using: str) -> set[str]:
    """In a session, change the price of the row with its number of seats.

    Return the names of the amounts that have changed.
    """
    interval_id = row.busy_interval_id
    if row.party_size == old_party_size or row.price_amount is None or interval_id is None:
        return set()
    if not entries.is_session(interval_id, using=using):
        return set()
    old = field_values(row, AMOUNTS)
    price = money.round_amount(row.price_amount * row.party_size / old_party_size, row.currency)
    if row.total_amount is not None:
        row.total_amount += price - row.price_amount
    row.price_amount = price
    field_validation.clean_fields(row, AMOUNTS)
    return {name for name, value in field_values(row, AMOUNTS).items() if value != old[name]}


def _rules(row: Booking, using: str) -> service_rules.ServiceRules:
    references.load_related(row, "service", using=using)
    return service_rules.ServiceRules.of(
        row.service, default_currency=app_settings.DEFAULT_CURRENCY
    )
