"""Racers who take seats of one slot, party by party, each party in a transaction of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any
from unittest.mock import patch

from bookings.exceptions import BookingBusy, CapacityExceeded
from bookings.ledger import claims, entries
from bookings.models import BusyInterval
from tests.races import actions
from tests.races.actions import Run
from tests.races.racer import MAX_PAUSE_SECONDS, RETRY_SECONDS, RunAgain, inside


@dataclass(frozen=True)
class SeatRequest:
    """A party and the answer to it: its booking's key, or how many seats remained."""

    party: int
    booking: Any = None
    remaining: int | None = None


def take(*, parties: Sequence[int], hosted: bool, **slot: Any) -> Run:
    """Ask for seats for one party after the other, whatever the one before was answered."""
    runs = [(party, actions.book(party_size=party, **slot)) for party in parties]
    return lambda: [_ask(party, run, hosted) for party, run in runs]


def take_until_refused(*, parties: Sequence[int], hosted: bool, **slot: Any) -> Run:
    runs = [(party, actions.book(party_size=party, **slot)) for party in parties]

    def take_turns() -> list[SeatRequest]:
        answers = []
        for party, run in runs:
            answers.append(_ask(party, run, hosted))
            if answers[-1].booking is None:
                break
        return answers

    return take_turns


def take_when_given_back(**slot: Any) -> Run:
    """Ask for a seat until there is one."""
    run = actions.book(**slot)

    def ask() -> Any:
        try:
            return run()
        except CapacityExceeded as refusal:
            raise RunAgain from refusal

    return ask


def take_by_what_was_read(*, parties: Sequence[int], **slot: Any) -> Run:
    """Read how many seats are taken, and write that number with one's own added."""

    def write(seen: int) -> Callable[..., int]:
        def take_seats(interval: BusyInterval, claim: claims.Claim, using: str) -> int:
            if seen + claim.seats > claim.capacity:
                raise entries.too_few_seats_error(claim.capacity - seen, claim.seats)
            taken = BusyInterval.objects.using(using).filter(pk=interval.pk)
            taken.update(seats_taken=seen + claim.seats)
            return interval.pk

        return take_seats

    def ask(party: int) -> SeatRequest:
        run = actions.book(party_size=party, **slot)
        seen = BusyInterval.objects.get(calendar__provider=slot["provider"]).seats_taken
        # For the others, who are reading too.
        sleep(0.05)
        with patch.object(entries, "_join_shared", write(seen)):
            return _ask(party, run, hosted=False)

    return lambda: [ask(party) for party in parties]


def _ask(party: int, run: Run, hosted: bool) -> SeatRequest:
    try:
        return SeatRequest(party, booking=_in_transaction(run, hosted))
    except CapacityExceeded as refusal:
        return SeatRequest(party, remaining=refusal.remaining)


def _in_transaction(run: Run, hosted: bool) -> Any:
    """``run``, alone or in a host's transaction that is run again when the services say so."""
    if not hosted:
        return run()
    deadline = monotonic() + RETRY_SECONDS
    while True:
        try:
            return inside(run)
        except BookingBusy:
            assert monotonic() < deadline, "The database was always busy."
            sleep(random.uniform(0, MAX_PAUSE_SECONDS))  # noqa: S311
