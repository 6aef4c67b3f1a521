"""Book seats for a client in the sessions of a series."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services.instances import SeriesInstance
from bookings.contrib.series.services.new_series import OnConflict, parse_on_conflict
from bookings.contrib.series.services.results import Refusals, SeriesResult
from bookings.contrib.series.services.series_change import (
    LockedSeries,
    PlanOutdated,
    Scope,
    SeriesRows,
    parse_scope,
    series_over_error,
    with_prepared_series,
    write_alias,
)
from bookings.exceptions import BookingError, InvalidBooking
from bookings.ledger.locked import fresh
from bookings.models import Booking
from bookings.rules import validation
from bookings.rules.zones import zone_by_name
from bookings.services import references
from bookings.services.bulk_creation import BulkCreation, check_new_bookings
from bookings.services.idempotency import find_replay, is_answer
from bookings.services.new_booking import NewBooking
from bookings.services.options import CommonOptions

if TYPE_CHECKING:
    from bookings.contrib.group_sessions.models import Session


class SeatOptions(CommonOptions, total=False):
    """The options of :func:`~bookings.contrib.group_sessions.services.book_seat` that all seats in
    the sessions of a series share.
    """


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
    """Book seats for a client in the sessions of a series that are still to come, all in one
    transaction.

    Each is an ordinary booking made by
    :func:`~bookings.contrib.group_sessions.services.book_seat`; it is moved and cancelled by
    itself.

    :param occurrence: the occurrence from which the scope is counted. It is refreshed.
    :param client_name: the client of every booking.
    :param seats: how many seats to book in each session.
    :param scope: ``all`` sessions to come, the ``following`` from ``occurrence`` on, or ``one``:
        see :class:`Scope`.
    :param on_conflict: what to do if a session has too few seats or takes no bookings: ``refuse``
        writes nothing, ``skip`` books the other sessions. See :class:`OnConflict`.
    :param idempotency_key: a key of the request. The same request again returns the same bookings,
        whatever has become of their sessions, and adds those of sessions that were skipped before.
    :param now_dt: the instant of the request; the default is now.
    :param options: any of :class:`SeatOptions`, for every booking.
    :returns: the series, the bookings, and the starts of the sessions that were skipped.
    :raises SeriesConflict: some sessions cannot be booked, or none with ``skip``; nothing was
        written.
    :raises IdempotencyKeyReused: the key belongs to another request.
    :raises InvalidBooking: an argument is invalid, or the series has no sessions (``no_sessions``).
    :raises InvalidTransition: nothing of the series is still to come (``series_over``).
    :raises MissingReference: the occurrence, or its session, is not saved or has been deleted.
    :raises TenantMismatch: something belongs to another tenant.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    now = references.resolve_now(now_dt)
    parsed_scope, parsed_on_conflict = parse_scope(scope), parse_on_conflict(on_conflict)
    validation.validate_text("idempotency_key", idempotency_key)
    values = {"client_name": client_name, "seats": seats, **options}
    using = write_alias(occurrence)

    def prepare(rows: SeriesRows) -> _SeatBookings:
        replays = _find_replays(rows, idempotency_key, now=now, using=using)
        seat_bookings = _SeatBookings.of(rows, parsed_scope, idempotency_key, replays, now)
        seat_bookings.prepare(values, using=using)
        return seat_bookings

    def act(locked: LockedSeries, prepared: _SeatBookings) -> SeriesResult:
        rows = locked.row
        replays = _find_replays(rows, idempotency_key, now=now, using=using, lock=True)
        seat_bookings = _SeatBookings.of(rows, parsed_scope, idempotency_key, replays, now)
        if not seat_bookings.new and not replays:
            raise series_over_error()
        booked = seat_bookings.book_as_prepared(prepared, locked.calendars, using=using)
        refused = seat_bookings.refusals.skipped()
        if refused and (parsed_on_conflict is OnConflict.REFUSE or not (booked or replays)):
            zone = zone_by_name(rows.series.timezone)
            raise SeriesConflict(refused, total=seat_bookings.total, zone=zone)
        if booked:
            seat_bookings.creation.write()
        bookings = sorted([*replays.values(), *booked], key=lambda booking: booking.start_at)
        return SeriesResult.of(rows.series, bookings, refused)

    return with_prepared_series(
        occurrence,
        prepare,
        act,
        now=now,
        lock_clients=lambda seat_bookings: seat_bookings.creation.lock_clients(),
    )


@dataclass(slots=True)
class _SeatBookings:
    """The sessions in which seats are booked, and the bookings of those."""

    new: list[tuple[Occurrence, Session]]
    replayed: Session | None
    """The first session that the same key has booked already."""
    key: str
    now: datetime
    total: int
    refusals: Refusals = field(default_factory=Refusals)
    creation: BulkCreation = field(init=False)
    _replay: NewBooking | None = None

    @classmethod
    def of(
        cls,
        rows: SeriesRows,
        scope: Scope,
        key: str,
        replays: dict[str | None, Booking],
        now: datetime,
    ) -> _SeatBookings:
        sessions: dict[int, Any] = rows.instances
        selected: list[tuple[Occurrence, Any]] = (
            [(rows.occurrence, rows.named_instance())]
            if scope is Scope.ONE
            else rows.select(scope, now)
        )
        if any(isinstance(instance, Booking) for _row, instance in selected):
            raise InvalidBooking(
                _("This is a series of bookings: it has no sessions in which to book seats."),
                "no_sessions",
            )
        replayed = [each for each in sessions.values() if _key_of_session(key, each) in replays]
        return cls(
            [(row, each) for row, each in selected if _key_of_session(key, each) not in replays],
            replayed[0] if replayed else None,
            key,
            now,
            len(selected),
        )

    def prepare(self, values: dict[str, Any], *, using: str) -> None:
        """Check the bookings without a lock; host code is asked here."""
        from bookings.contrib.group_sessions.bulk_seats import new_seat_bookings

        sessions = [session for _row, session in self.new]
        # One request has made all replayed bookings: the first tells whether it is this one.
        requested = sessions if self.replayed is None else [self.replayed, *sessions]
        keys = {each.pk: _key_of_session(self.key, each) for each in requested} if self.key else {}
        news = new_seat_bookings(requested, keys, now=self.now, using=using, **values)
        if self.replayed is not None:
            self._replay = news.pop(0)
        self.creation = BulkCreation(
            check_new_bookings(news, self._refuse, now=self.now, using=using), self.now, using
        )

    def book_as_prepared(
        self, prepared: _SeatBookings, calendars: dict[Any, int], *, using: str
    ) -> list[Booking]:
        """Return the bookings that can be stored, under the lock.

        Raises ``PlanOutdated`` if the sessions have changed since ``prepared`` was made, and
        ``IdempotencyKeyReused`` if the key belongs to another request.
        """
        from bookings.contrib.group_sessions.bulk_seats import BulkSeats
        from bookings.contrib.group_sessions.session_seats import UNCHANGED_FIELDS

        if self._identity(UNCHANGED_FIELDS) != prepared._identity(UNCHANGED_FIELDS):
            raise PlanOutdated
        if (replay := prepared._replay) is not None:
            find_replay(replay.booking, replay.request, now=self.now, using=using, lock=True)
        self.refusals, self.creation = prepared.refusals.copy(), prepared.creation
        self.creation.seat_rows = BulkSeats(
            [session for _row, session in self.new], now=self.now, using=using
        )
        return self.creation.check(calendars, self._refuse)

    def _identity(self, names: tuple[str, ...]) -> Any:
        replayed = None if self.replayed is None else self.replayed.pk
        return replayed, [
            (each.pk, *(getattr(each, name) for name in names)) for _row, each in self.new
        ]

    def _refuse(self, new: NewBooking, error: BookingError) -> None:
        time: Any = new.session_time
        [start_at] = [row.original_start_at for row, each in self.new if each.pk == time.key]
        self.refusals.add(start_at, error)


def _key_of_session(idempotency_key: str, session: SeriesInstance) -> str:
    """Return the key of the booking in one session: a digest, which is short enough to store."""
    return hashlib.sha256(f"{session.pk}:{idempotency_key}".encode()).hexdigest()


def _find_replays(
    rows: SeriesRows, idempotency_key: str, *, now: datetime, using: str, lock: bool = False
) -> dict[str | None, Booking]:
    """Return the bookings that this key has made already, and that have not expired, by their own
    keys.
    """
    if not idempotency_key:
        return {}
    keys = [_key_of_session(idempotency_key, session) for session in rows.instances.values()]
    stored = Booking.objects.using(using).order_by("pk")
    of_tenant: dict[str, Any] = {"tenant_id": rows.series.tenant_id}
    bookings = (fresh(stored) if lock else stored).filter(idempotency_key__in=keys, **of_tenant)
    return {booking.idempotency_key: booking for booking in bookings if is_answer(booking, now)}
