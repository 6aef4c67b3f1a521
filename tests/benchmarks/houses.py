"""Who takes part: this package, and those of its peers that can be installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.db import connection

from tests.benchmarks.desks.environments import PEERS, CannotInstallError, python_of
from tests.benchmarks.desks.house import DeskError, House, opened
from tests.benchmarks.options import Options

OURS: Final = "django-bookings"


@dataclass(frozen=True)
class Contender:
    house: House
    way: str


@dataclass
class Houses:
    contenders: dict[str, Contender] = field(default_factory=dict)
    safest: dict[str, Contender] = field(default_factory=dict)
    """One of each house."""
    notes: list[str] = field(default_factory=list)
    """Why somebody does not take part."""

    @property
    def all(self) -> list[House]:
        return [contender.house for contender in self.safest.values()]


def our_house(database: str) -> House:
    return House(OURS, sys.executable, "tests.benchmarks.desks.ours", _database(database))


@contextmanager
def ours_and_peers(benchmark: str, options: Options, ways: Sequence[str]) -> Iterator[Houses]:
    """Us, by each of the ``ways``, and each peer by each of its own."""
    houses = Houses()
    with ExitStack() as stack:
        ours = stack.enter_context(opened(our_house(benchmark)))
        houses.contenders = {way: Contender(ours, way) for way in ways}
        houses.safest[OURS] = Contender(ours, "create_booking")
        for number, peer in enumerate(PEERS if options.peers else ()):
            database = _database(f"{benchmark}_peer{number}")
            try:
                python = python_of(peer, options.environments)
                house = stack.enter_context(
                    opened(House(peer.requirement, python, peer.module, database))
                )
                house.staff(1)
            except (CannotInstallError, DeskError) as error:
                houses.notes.append(f"{peer.requirement} does not take part: {error}")
                continue
            houses.safest[peer.requirement] = Contender(house, peer.safest)
            for way in peer.ways:
                houses.contenders[f"{peer.requirement}, {way}"] = Contender(house, way)
        yield houses


def _database(suffix: str) -> str:
    return f"{connection.settings_dict['NAME']}_{suffix}"
