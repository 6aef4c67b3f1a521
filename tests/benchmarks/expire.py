"""``expire_bookings`` and ``auto_cancel_expired_bookings`` against loops of single calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from django.apps import apps
from django.db import connection

from bookings.conf import app_settings
from bookings.models import Booking, Calendar
from bookings.services import (
    auto_cancel_expired_bookings,
    cancel_booking,
    expire_booking,
    expire_bookings,
)
from tests.benchmarks.options import Options
from tests.benchmarks.sample_data import fill_with_overdue, fill_with_stale_holds
from tests.benchmarks.timing import Result, take_turns, timed
from tests.benchmarks.workers.pool import PROVIDERS
from tests.races.race_database import clear

PARTS: Final = 10
SAMPLE: Final = 200

Fill = Callable[[Any, Any, int], None]
Single = Callable[..., Booking]
Sweep = Callable[..., int]


def run(options: Options) -> Iterator[Result]:
    """The sweep in ten parts, so that the two can take turns; holds, then what is overdue."""
    yield _measure(options, "stale holds", fill_with_stale_holds, expire_booking, expire_bookings)
    # What is over, only staff may cancel.
    cancel = partial(cancel_booking, override_policy=True)
    yield _measure(
        options, "overdue bookings", fill_with_overdue, cancel, auto_cancel_expired_bookings
    )


def _measure(options: Options, what: str, fill: Fill, single: Single, sweep_all: Sweep) -> Result:
    part = options.stale // PARTS
    _make_stale(options.stale + PARTS * SAMPLE, fill)
    # Those that a sweep would come to last.
    stale = Booking.objects.active().order_by("-provider_id", "-pk")
    sample = list(stale[: PARTS * SAMPLE])

    def loop() -> None:
        for _ in range(SAMPLE):
            assert not single(sample.pop()).holds_time

    def sweep() -> None:
        assert sweep_all(limit=part) == part

    one_by_one = f"a loop of {getattr(single, 'func', single).__name__}"
    turns = {one_by_one: timed(loop), sweep_all.__name__: timed(sweep)}
    taken = take_turns(turns, rounds=PARTS, warm_up=0)
    assert not stale.exists()
    clear()
    return Result(
        "expire",
        f"{options.stale:,} {what} of {PROVIDERS} providers, and {PARTS * SAMPLE:,} for the loop",
        "bookings/s",
        {
            one_by_one: SAMPLE / taken[one_by_one],
            sweep_all.__name__: part / taken[sweep_all.__name__],
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
