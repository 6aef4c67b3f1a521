"""Which open sessions a client could book: by the booking window, the adapter and the limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_seats import SessionSeats, new_seat_booking
from bookings.exceptions import BookingError
from bookings.models import Booking, client_identity
from bookings.protocols import BookingType, ProviderLike
from bookings.rules import instants, policies
from bookings.rules.service_rules import ServiceRules
from bookings.services.day_zones import DayZones
from bookings.services.expected_refusals import ExpectedRefusals
from bookings.services.limit_filters import active_at
from bookings.services.new_booking import SNAPSHOT_FIELDS
from bookings.services.same_client import has_same_name


def bookable_sessions(
    sessions: Sequence[Session],
    provider: ProviderLike,
    party_size: int,
    client: Mapping[str, Any],
    *,
    now: datetime,
) -> Iterator[Session]:
    """Yield the sessions of this provider that ``book_seat`` would not refuse by a rule.

    The sessions have free seats and their services loaded. Limits take at most three queries, and
    what a known client has booked takes one.
    """
    zones = DayZones()
    drafts = [
        _draft(session, provider, party_size, client, zones=zones, now=now) for session in sessions
    ]
    by_service = {draft.service_id: draft for draft in drafts if draft is not None}
    starts = [instants.floor_second(session.start_at) for session in sessions]
    refusals = ExpectedRefusals(
        list(by_service.values()),
        kind=BookingType.GROUP_SESSION,
        first=min(starts, default=0),
        last=max(starts, default=0),
        now=now,
        zones=zones,
    )
    booked = _booked_by_client(sessions, [draft for draft in drafts if draft], now=now)
    refused = {key for key, draft in by_service.items() if refusals.of_provider(draft)}
    for session, draft in zip(sessions, drafts, strict=True):
        if draft is None or session.service_id in refused or session.pk in booked:
            continue
        if not (refusals.of_start(draft) or refusals.of_stored_bookings(draft)):
            yield session


def _booked_by_client(
    sessions: Sequence[Session], drafts: Sequence[Booking], *, now: datetime
) -> set[Any]:
    """Return the keys of the sessions in which the client of the drafts has a booking already."""
    if not drafts or not client_identity.lock_keys(drafts[0]):
        return set()
    own = Booking.objects.using(str(sessions[0]._state.db)).filter(
        active_at(now), client_identity.same_client(drafts[0]), seat__session__in=sessions
    )
    services = {session.pk: session.service for session in sessions}
    booked = set()
    for booking in own.select_related("seat"):
        key = booking.seat.session_id
        if has_same_name(booking, drafts[0]) or not get_adapter().named_seats(services[key]):
            booked.add(key)
    return booked


def _draft(
    session: Session,
    provider: ProviderLike,
    party_size: int,
    client: Mapping[str, Any],
    *,
    zones: DayZones,
    now: datetime,
) -> Booking | None:
    """Return the booking that a client would make, not saved; ``None`` if its rules forbid it."""
    draft = new_seat_booking(
        session,
        using=str(session._state.db),
        service=session.service,
        provider=provider,
        party_size=party_size,
        **client,
    )
    try:
        rules = ServiceRules.of(session.service, default_currency=app_settings.DEFAULT_CURRENCY)
        policies.check_start(
            session.start_at,
            now=now,
            rules=rules,
            zone=partial(zones.of, draft),
            allow_past=False,
            override=False,
        )
        for name in SNAPSHOT_FIELDS:
            setattr(draft, name, getattr(rules, name))
        SessionSeats(session).apply_to(draft, rules, partial(zones.of, draft))
    except BookingError:
        return None
    return draft
