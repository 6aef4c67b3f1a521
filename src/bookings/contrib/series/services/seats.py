"""Sign a client up for a course: seats in every session of a series."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services.each import for_each
from bookings.contrib.series.services.make import OnConflict, policy_of
from bookings.contrib.series.services.result import SeriesResult
from bookings.contrib.series.services.scope import Opened, Scope, scope_of, series_over, under_lock
from bookings.contrib.series.services.things import Thing
from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.services import inputs
from bookings.zones import named_zone


class SeatOptions(TypedDict, total=False):
    """What every booking of a course gets: see ``book_seat``."""

    client_email: str
    client_phone: str
    client_user: Any
    created_by: Any
    notes_client: str
    notes_internal: str
    metadata: dict[str, Any] | None
    override_policy: bool


def book_session_series(
    occurrence: Occurrence,
    *,
    client_name: str,
    seats: int = 1,
    scope: str = Scope.ALL,
    on_conflict: str = OnConflict.REFUSE,
    idempotency_key: str = "",
    now_dt: datetime | None = None,
    **options: Unpack[SeatOptions],
) -> SeriesResult:
    """Book ``seats`` for a client in the sessions of a series, each by ``book_seat``: in all that
    are still to come, or with ``scope="following"`` in that of ``occurrence`` and those after it.

    If one has no seats left, or takes no bookings, ``on_conflict="refuse"`` raises
    :class:`~bookings.contrib.series.exceptions.SeriesConflict`, which has all such, and nothing is
    written; ``"skip"`` books the others and says which are missing. If none is left, it raises the
    same. Each booking is an ordinary one, that is moved and cancelled by itself.

    The same ``idempotency_key`` gives the same bookings again, whatever has become of their
    sessions, and adds those of sessions in which there was no seat before.

    Raises ``SeriesConflict``, ``InvalidBooking`` for a series without sessions and for what is
    wrong with every session alike, ``InvalidTransition`` if nothing is still to come,
    ``MissingReference``, ``TenantMismatch`` and ``BookingBusy``.
    """
    now = inputs.moment(now_dt)
    chosen, policy = scope_of(scope), policy_of(on_conflict)
    inputs.text("idempotency_key", idempotency_key)

    def book(thing: Thing) -> Booking:
        if isinstance(thing, Booking):
            raise InvalidBooking(
                _("The series is one of bookings, and has no sessions to book seats in."),
                "no_sessions",
            )
        from bookings.contrib.group_sessions.services import book_seat

        return book_seat(
            thing,
            client_name=client_name,
            seats=seats,
            idempotency_key=_key_of(idempotency_key, thing) if idempotency_key else "",
            now_dt=now,
            **options,
        )

    def act(at: Opened) -> SeriesResult:
        made = _made_before(at, idempotency_key)
        meant = [(at.occurrence, at.named())] if chosen is Scope.ONE else at.of(chosen)
        new = [(row, thing) for row, thing in meant if _key_of(idempotency_key, thing) not in made]
        if not new and not made:
            raise series_over()
        booked, refused = for_each(((row.original_start_at, thing) for row, thing in new), book)
        booked = sorted([*made.values(), *booked], key=lambda thing: thing.start_at)
        if refused and (policy is OnConflict.REFUSE or not booked):
            raise SeriesConflict(refused, of=len(meant), zone=named_zone(at.series.timezone))
        return SeriesResult.of(at.series, booked, refused)

    return under_lock(occurrence, act, now=now)


def _key_of(key: str, session: Thing) -> str:
    """That of the booking in one session; a digest, for the key itself may be as long as can be."""
    return hashlib.sha256(f"{session.pk}:{key}".encode()).hexdigest()


def _made_before(at: Opened, key: str) -> dict[str | None, Thing]:
    """The bookings that this key has made already, by their own keys."""
    if not key:
        return {}
    keys = [_key_of(key, thing) for thing in at.things.values()]
    # With a lock, as every read that decides: in a snapshot there may be none yet.
    rows = Booking.objects.using(at.using).select_for_update().order_by("pk")
    of_tenant: dict[str, Any] = {"tenant_id": at.series.tenant_id}
    made = rows.filter(idempotency_key__in=keys, **of_tenant)
    return {booking.idempotency_key: booking for booking in made}
