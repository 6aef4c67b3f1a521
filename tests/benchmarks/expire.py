"""``expire_bookings`` against ``expire_booking``, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.apps import apps
from django.db import connection
from django.utils import timezone

from bookings.conf import app_settings
from bookings.models import Booking, Calendar
from bookings.services import expire_booking, expire_bookings
from tests.benchmarks.contest import Result, take_turns, timed
from tests.benchmarks.desks.house import PROVIDERS
from tests.benchmarks.filling import fill_with_stale_holds
from tests.benchmarks.options import Options
from tests.races.referee import clear

ROUNDS: Final = 3
SAMPLE: Final = 2_000


def run(options: Options) -> Iterator[Result]:
    sample = min(SAMPLE, options.stale)
    scale = options.stale / sample
    turns = {
        "a loop of expire_booking": lambda: scale * _loop(options.stale, sample),
        "expire_bookings": lambda: _sweep(options.stale),
    }
    taken = take_turns(turns, rounds=ROUNDS, warm_up=0)
    yield Result(
        "expire",
        f"{options.stale:,} stale bookings of {PROVIDERS} providers "
        f"(the loop was timed over {sample:,} of them, and scaled)",
        "bookings/s",
        {name: options.stale / seconds for name, seconds in taken.items()},
    )


def _loop(stale: int, sample: int) -> float:
    _make_stale(stale)
    due = list(Booking.objects.expired(timezone.now()).order_by("pk")[:sample])

    def loop() -> None:
        for booking in due:
            expire_booking(booking)

    return timed(loop)()


def _sweep(stale: int) -> float:
    _make_stale(stale)
    done: list[int] = []
    seconds = timed(lambda: done.append(expire_bookings()))()
    assert done == [stale], done
    return seconds


def _make_stale(number: int) -> None:
    """A database in which nothing but these holds is stored."""
    clear()
    service = apps.get_model(app_settings.SERVICE_MODEL).objects.create(name="An hour")
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    providers = [model.objects.create(name=str(number)) for number in range(PROVIDERS)]
    Calendar.objects.bulk_create(Calendar(provider=provider) for provider in providers)
    fill_with_stale_holds(service, providers, number)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
