"""Many processes send one idempotency key, each to another provider, whose lock is another."""

from __future__ import annotations

from tests.races import entrants, referee
from tests.races.conftest import RACERS
from tests.races.test_create import START
from tests.races.track import Track


def test_one_key_makes_one_booking(track: Track, rounds: int) -> None:
    for _ in range(rounds):
        host = track.ask(referee.set_up, duration_minutes=60)
        entries = [
            host | {"provider": provider, "start_at": START, "idempotency_key": "order-1"}
            for provider in track.ask(referee.hire, number=RACERS)
        ]

        result = track.race(entrants.book, entries)

        assert result.errors == {"IdempotencyKeyReused": RACERS - 1}, result
        assert track.ask(referee.count) == {"Booking": 1, "BookingEvent": 1, "BusyInterval": 1}
