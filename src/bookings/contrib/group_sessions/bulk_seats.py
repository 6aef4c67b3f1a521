"""Book seats of many sessions for one client, in a constant number of statements for each 100."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from django.db.models import F

from bookings.contrib.group_sessions import waitlist
from bookings.contrib.group_sessions.locked_session import unguarded_sessions
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.contrib.group_sessions.session_reconciliation import load_services_and_providers
from bookings.contrib.group_sessions.session_seats import (
    SessionSeats,
    has_named_seats,
    new_seat_booking,
    refuse_booked,
    seat_key,
)
from bookings.ledger.bulk_claims import BulkClaims
from bookings.ledger.locked import fresh
from bookings.models import Booking, client_identity
from bookings.models.bulk_rows import has_save_receivers
from bookings.questions import given_answers
from bookings.rules import validation
from bookings.services import references
from bookings.services.create import language_of
from bookings.services.idempotency import request_data
from bookings.services.new_booking import NewBooking


def new_seat_bookings(
    sessions: Sequence[Session],
    keys: Mapping[Any, str],
    *,
    now: datetime,
    using: str,
    seats: int,
    override_policy: bool = False,
    client_user: Any = None,
    created_by: Any = None,
    metadata: dict[str, Any] | None = None,
    answers: dict[str, Any] | None = None,
    client_language: str | None = None,
    client_timezone: str = "",
    client_name: str,
    client_email: str = "",
    client_phone: str = "",
    notes_client: str = "",
    notes_internal: str = "",
) -> list[NewBooking]:
    """Return a new booking in each session, with the arguments of ``book_seat``.

    ``keys`` are the idempotency keys by the sessions' keys.
    """
    validation.whole_number(seats, "seats", at_least=1)
    user = references.saved_user(client_user, "client_user")
    creator = references.saved_user(created_by, "created_by")
    given, language = given_answers(answers), language_of(client_language)
    load_services_and_providers(sessions, using)
    news = []
    for session in sessions:
        draft = new_seat_booking(
            session,
            using=using,
            service=session.service,
            provider=session.provider,
            party_size=seats,
            client_name=client_name,
            client_email=client_email,
            client_phone=client_phone,
            client_user=user,
            created_by=creator,
            notes_client=notes_client,
            notes_internal=notes_internal,
            metadata={} if metadata is None else deepcopy(metadata),
            answers=given,
            client_language=language,
            client_timezone=client_timezone,
            idempotency_key=keys.get(session.pk),
            created_at=now,
        )
        time = SessionSeats(session, override_policy=override_policy)
        new = NewBooking(draft, (), time, override_policy=override_policy)
        new.request = request_data(draft, [], session_key=session.pk)
        news.append(new)
    return news


class BulkSeats:
    """The sessions of new bookings of one client, as ``SeatRows`` of a ``BulkCreation``.

    ``rows`` are the sessions as they are stored, read under the lock.
    """

    def __init__(self, rows: Iterable[Session], *, now: datetime, using: str) -> None:
        self._rows = {row.pk: row for row in rows}
        self._now = now
        self._using = using
        self._booked: dict[Any, list[Booking]] | None = None
        self._others_turn: set[Any] | None = None

    def check_open(self, new: NewBooking, claims: BulkClaims) -> None:
        time: Any = new.session_time
        row = self._rows[time.key]
        time.check_row(row, self._now)
        booking = new.booking
        named = has_named_seats(booking.service)
        booked = self._booked_by(booking).get(row.pk, ())
        refuse_booked(booked, booking, named=named, now=self._now)
        time.check_seats(booking, claims.free_seats(row.busy_interval_id))
        if time.asks_waitlist:
            waitlist.refuse_if_others_wait(row.pk in self._sessions_of_others())

    def record(self, news: Sequence[NewBooking]) -> None:
        by_session: dict[Any, tuple[Booking, Any]] = {}
        for new in news:
            time: Any = new.session_time
            by_session[time.key] = new.booking, time
        seats = [
            Seat(session_id=key, booking=booking, client_key=seat_key(booking))
            for key, (booking, _time) in by_session.items()
        ]
        if has_save_receivers(Seat):
            for seat in seats:
                seat.save(using=self._using, force_insert=True)
        else:
            Seat.objects.using(self._using).bulk_create(seats)
        client = news[0].booking
        for key in waitlist.sessions_of_client(by_session.keys(), client, using=self._using):
            booking, _time = by_session[key]
            named = has_named_seats(booking.service)
            waitlist.accept_entries(key, booking, named=named, using=self._using)
        full = [key for key, (_booking, time) in by_session.items() if not time.seats_left]
        unguarded_sessions(self._using).filter(
            pk__in=full, status=Session.Status.SCHEDULED, enable_waitlist=False
        ).update(status=Session.Status.BOOKING_CLOSED)

    def _booked_by(self, client: Booking) -> dict[Any, list[Booking]]:
        """Return the client's active bookings, by the key of their session."""
        if self._booked is None:
            self._booked = defaultdict(list)
            active = fresh(Booking.objects.using(self._using).active())
            own = active.filter(client_identity.same_client(client), seat__session__in=self._rows)
            rows: Any = own.annotate(in_session=F("seat__session_id")).order_by("pk")
            for booking in rows:
                self._booked[booking.in_session].append(booking)
        return self._booked

    def _sessions_of_others(self) -> set[Any]:
        if self._others_turn is None:
            self._others_turn = waitlist.sessions_with_precedence(
                self._rows.keys(), using=self._using
            )
        return self._others_turn
