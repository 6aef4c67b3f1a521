"""What racing processes do in a session, and what is stored before and after a race."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from time import sleep
from typing import Any
from unittest.mock import patch

from bookings.contrib.group_sessions import services
from bookings.contrib.group_sessions.exceptions import SessionNotOpen, WaitlistRefused
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.exceptions import CapacityExceeded, InvalidTransition, PoolExhausted
from bookings.ledger import entries
from bookings.models import Booking, BusyInterval
from bookings.pools import AnyOf
from bookings.services import (
    cancel_booking,
    change_party_size,
    deliver_booking,
    dispute_booking,
)
from bookings.services.resource_choice import ResourceChoice
from tests.races import race_database
from tests.races.actions import check_then_run, no_overlap_check, stored, without_guards
from tests.races.racer import RunAgain
from tests.races.resources import no_calendar_locks, no_look
from tests.races.scenarios import NOW, START

Run = Callable[[], Any]


def book_seats(*, session: Any, names: list[str], **values: Any) -> Run:
    """Ask for a seat for one client after the other; who got one."""
    row = Session.objects.get(pk=session)

    def ask(name: str) -> bool:
        try:
            services.book_seat(row, client_name=name, now_dt=NOW, **values)
        except (CapacityExceeded, SessionNotOpen):
            return False
        return True

    return lambda: [name for name in names if ask(name)]


def book_seats_naively(*, session: Any, names: list[str]) -> Run:
    """Read how many seats are taken, and write that number with one's own added."""
    run = book_seats(session=session, names=names)

    def ask() -> Any:
        seen = Session.objects.with_seats().get(pk=session).busy_interval
        assert seen is not None
        # For the others, who are reading too.
        sleep(0.1)

        def join(interval_id: int, seats: int, using: str) -> int:
            taken = BusyInterval.objects.using(using).filter(pk=interval_id)
            taken.update(seats_taken=seen.seats_taken + seats)
            return interval_id

        with patch.object(entries, "_join_session", join), _unseen(seen):
            return run()

    return ask


@contextmanager
def _unseen(seen: BusyInterval) -> Iterator[None]:
    place = "bookings.contrib.group_sessions.session_seats.free_seats"
    with patch(place, lambda *args, **kwargs: seen.seats_free):
        yield


def book_or_wait(*, session: Any, name: str, party: int = 1) -> Run:
    """Join the waitlist, or book where seats are free; which it was."""
    row = Session.objects.get(pk=session)

    def ask() -> str:
        try:
            services.join_waitlist(row, client_name=name, party_size=party, now_dt=NOW)
        except WaitlistRefused:
            try:
                services.book_seat(row, client_name=name, seats=party, now_dt=NOW)
            except CapacityExceeded as refusal:
                # Somebody else was quicker.
                raise RunAgain from refusal
            return "booked"
        return "waits"

    return ask


def take_one_more_seat(*, booking: Any) -> Run:
    """Ask for one seat more; whether there was one."""
    row = Booking.objects.get(pk=booking)

    def ask() -> bool:
        try:
            change_party_size(row, row.party_size + 1, now_dt=NOW)
        except CapacityExceeded:
            return False
        return True

    return ask


def dispute(*, booking: Any) -> Run:
    """Dispute a delivery; whether the seat was given back."""
    row = Booking.objects.get(pk=booking)

    def ask() -> bool:
        try:
            dispute_booking(row, reason="Too short", now_dt=START)
        except InvalidTransition:
            return False
        return True

    return ask


def leave(*, entry: Any, **values: Any) -> Run:
    row = WaitlistEntry.objects.get(pk=entry)
    return lambda: str(services.leave_waitlist(row, **values).status)


def mark(*, session: Any, bookings: list[Any]) -> Run:
    """Say, when it has begun, that all of these have come; how many that is."""
    row = Session.objects.get(pk=session)
    seen = list(Booking.objects.filter(pk__in=bookings))
    return lambda: len(services.mark_attendance(row, attended=seen, now_dt=START))


def update(*, session: Any, **values: Any) -> Run:
    row = Session.objects.get(pk=session)
    return lambda: services.update_session(row, now_dt=NOW, **values).pk


def cancel(*, session: Any) -> Run:
    row = Session.objects.get(pk=session)
    return lambda: str(services.cancel_session(row, now_dt=NOW).status)


# Before and after the race


def one_session(*, parties: list[int] | None = None, **values: Any) -> dict[str, Any]:
    """A session with these parties in it: its key, and theirs."""
    host = race_database.set_up(duration_minutes=60)
    session = services.create_session(
        service=stored("SERVICE_MODEL", host["service"]),
        provider=stored("PROVIDER_MODEL", host["provider"]),
        start_at=START,
        now_dt=NOW,
        **values,
    )
    return {
        "session": session.pk,
        "bookings": [
            services.book_seat(session, client_name=f"Was here {n}", seats=party, now_dt=NOW).pk
            for n, party in enumerate(parties or [])
        ],
    }


def teachers_and_rooms(*, rooms: int) -> dict[str, Any]:
    """Sixteen teachers and some rooms: their keys, and that of a service."""
    host = race_database.set_up(duration_minutes=60)
    keys = race_database.add_providers(number=15 + rooms)
    providers = [host["provider"], *keys[rooms:]]
    return {"service": host["service"], "providers": providers, "rooms": keys[:rooms]}


def publish_in_a_room(*, service: Any, provider: Any, rooms: list[Any]) -> Run:
    """Publish a session in one of the rooms; the key of the room, or None."""
    given = {
        "service": stored("SERVICE_MODEL", service),
        "provider": stored("PROVIDER_MODEL", provider),
        "resources": [AnyOf([stored("PROVIDER_MODEL", room) for room in rooms])],
    }

    def publish() -> Any:
        try:
            session = services.create_session(**given, start_at=START, now_dt=NOW)
        except PoolExhausted:
            return None
        return session.resources.get().provider_id

    return publish


def publish_in_a_room_naively(*, rooms: list[Any], **values: Any) -> Run:
    """Look whether the room is free, and publish afterwards, with neither lock nor guard."""
    run = without_guards(
        publish_in_a_room(rooms=rooms, **values),
        no_calendar_locks,
        no_overlap_check,
        no_look,
        _all_free,
    )
    return check_then_run(run, rooms[0], START)


def _all_free() -> AbstractContextManager[Any]:
    return patch.object(ResourceChoice, "_read_busy", lambda *_args: defaultdict(list))


def delivered_session(*, parties: list[int]) -> dict[str, Any]:
    """A session whose bookings are all delivered: its key, and theirs."""
    scene = one_session(parties=parties, capacity=20)
    for booking in Booking.objects.filter(pk__in=scene["bookings"]):
        deliver_booking(booking, now_dt=START)
    return scene


def seats_for_some_who_wait(*, seats: int, waiting: int) -> dict[str, Any]:
    """Staff have closed a session, then its seats were given back; its key, and who waits."""
    scene = one_session(parties=[seats], capacity=seats, enable_waitlist=True)
    session = Session.objects.get(pk=scene["session"])
    entries = [
        services.join_waitlist(session, client_name=f"Waits {n}", now_dt=NOW).pk
        for n in range(waiting)
    ]
    services.close_session(session, now_dt=NOW)
    cancel_booking(Booking.objects.get(pk=scene["bookings"][0]), now_dt=NOW)
    return {"session": session.pk, "entries": entries}


def promote(*, entry: Any) -> Run:
    """Whether there was a seat for them."""
    row = WaitlistEntry.objects.select_related("session").get(pk=entry)

    def ask() -> bool:
        try:
            services.promote_from_waitlist(row, now_dt=NOW)
        except CapacityExceeded:
            return False
        return True

    return ask


def another_session(*, of: Any, hours: int, **values: Any) -> Any:
    """A session of the same service and provider, so many hours later; its key."""
    first = Session.objects.get(pk=of)
    return services.create_session(
        service=first.service,
        provider=first.provider,
        start_at=START + timedelta(hours=hours),
        now_dt=NOW,
        **values,
    ).pk


def waiting(*, session: Any, names: list[str]) -> list[Any]:
    row = Session.objects.get(pk=session)
    return [services.join_waitlist(row, client_name=name, now_dt=NOW).pk for name in names]


def offers(*, session: Any) -> list[Any]:
    """The keys of the bookings that are offered."""
    rows = WaitlistEntry.objects.filter(session=session, status="OFFERED").order_by("pk")
    return list(rows.values_list("booking", flat=True))


def situation(*, session: Any) -> dict[str, Any]:
    """How it stands with a session, its seats and who waits."""
    row = Session.objects.with_seats().get(pk=session)
    seated = Booking.objects.active().filter(seat__session=session)
    entries = WaitlistEntry.objects.filter(session=session)
    return {
        "status": str(row.status),
        "remaining": row.remaining_seats,
        "seated": sum(seated.values_list("party_size", flat=True)),
        "clients": sorted(seated.values_list("client_name", flat=True)),
        "waiting": list(entries.waiting().values_list("pk", flat=True)),
        "promoted": list(
            entries.filter(booking__isnull=False).order_by("pk").values_list("pk", flat=True)
        ),
    }
