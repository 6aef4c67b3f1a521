"""``expire_bookings`` against ``expire_booking``, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from django.apps import apps
from django.db import connection

from bookings.conf import app_settings
from bookings.models import Booking, Calendar
from bookings.services import expire_booking, expire_bookings
from tests.benchmarks.contest import Result, take_turns, timed
from tests.benchmarks.desks.house import PROVIDERS
from tests.benchmarks.filling import fill_with_overdue, fill_with_stale_holds
from tests.benchmarks.options import Options
from tests.races.referee import clear

PARTS: Final = 10
SAMPLE: Final = 200

Fill = Callable[[Any, Any, int], None]


def run(options: Options) -> Iterator[Result]:
    """The sweep in ten parts, so that the two can take turns; holds, then what is overdue."""
    yield _measure(options, "stale holds", fill_with_stale_holds)
    yield _measure(options, "overdue bookings", fill_with_overdue)


def _measure(options: Options, what: str, fill: Fill) -> Result:
    part = options.stale // PARTS
    _make_stale(options.stale + PARTS * SAMPLE, fill)
    # Those that a sweep would come to last.
    stale = Booking.objects.active().order_by("-provider_id", "-pk")
    sample = list(stale[: PARTS * SAMPLE])

    def loop() -> None:
        for _ in range(SAMPLE):
            assert expire_booking(sample.pop()).auto_cancelled

    def sweep() -> None:
        assert expire_bookings(limit=part) == part

    turns = {"a loop of expire_booking": timed(loop), "expire_bookings": timed(sweep)}
    taken = take_turns(turns, rounds=PARTS, warm_up=0)
    assert not stale.exists()
    clear()
    return Result(
        "expire",
        f"{options.stale:,} {what} of {PROVIDERS} providers, and {PARTS * SAMPLE:,} for the loop",
        "bookings/s",
        {
            "a loop of expire_booking": SAMPLE / taken["a loop of expire_booking"],
            "expire_bookings": part / taken["expire_bookings"],
        },
    )


def _make_stale(number: int, fill: Fill) -> None:
    clear()
    service = apps.get_model(app_settings.SERVICE_MODEL).objects.create(name="An hour")
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    providers = [model.objects.create(name=str(number)) for number in range(PROVIDERS)]
    Calendar.objects.bulk_create(Calendar(provider=provider) for provider in providers)
    fill(service, providers, number)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
