"""The services of series against the verb for each of their bookings, one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.apps import apps
from django.utils import timezone

from bookings.conf import app_settings
from bookings.models import Calendar
from bookings.services import (
    cancel_booking,
    create_booking,
    reschedule_booking,
    update_booking,
)
from tests.benchmarks.options import Options
from tests.benchmarks.timing import Result, take_turns, timed
from tests.databases import NAME, ROOT, name
from tests.races.race_database import clear

SETTINGS: Final = "tests.settings.default"

ROUNDS: Final = 5
STARTS: Final = 100
PROVIDERS: Final = 1 + 2 * (ROUNDS + 1) * 4
"""One for the template, and one for each turn of each verb, the warm-ups included."""
ZONE: Final = "Europe/Berlin"


def run(options: Options) -> Iterator[Result]:
    """Each turn has a provider of its own, and a series of a booking a week."""
    if not apps.is_installed("bookings.contrib.series"):
        yield from _with_series_installed()
        return
    from bookings.contrib.series.models import Series
    from bookings.contrib.series.services import (
        cancel_series,
        create_series,
        reschedule_series,
        update_series,
    )

    clear()
    service = _make("SERVICE_MODEL", "An hour")
    first = datetime(timezone.now().year + 1, 3, 16, 9)  # noqa: DTZ001 - what the clocks show

    # Made before the clock runs, each with a calendar, as a provider has who was booked before.
    providers = [_make("PROVIDER_MODEL", str(number)) for number in range(PROVIDERS)]
    Calendar.objects.bulk_create(Calendar(provider=provider) for provider in providers)

    def make() -> Any:
        return create_series(
            rrule=f"FREQ=WEEKLY;COUNT={STARTS}",
            timezone=ZONE,
            start_at=first,
            service=service,
            provider=providers.pop(),
            client_name="Kim",
            client_email="kim@example.org",
        )

    def make_one_by_one() -> None:
        provider = providers.pop()
        for start in template.series.recurrence().starts():
            create_booking(
                service=service,
                provider=provider,
                start_at=start,
                client_name="Kim",
                client_email="kim@example.org",
            )

    template = make()
    # The last one first: each leaves before the next one takes its place.
    verbs: dict[str, tuple[Callable[[Any], Any], Callable[[Any, datetime], Any]]] = {
        "reschedule": (
            lambda at: reschedule_series(at, new_start_at=first.replace(hour=10), scope="all"),
            lambda booking, start: reschedule_booking(booking, new_start_at=start),
        ),
        "update": (
            lambda at: update_series(at, scope="all", notes_internal="By the door"),
            lambda booking, start: update_booking(booking, notes_internal="By the door"),
        ),
        "cancel": (
            lambda at: cancel_series(at, scope="all"),
            lambda booking, start: cancel_booking(booking),
        ),
    }
    taken = take_turns(
        {"create_booking": timed(make_one_by_one), "create_series": timed(make)},
        rounds=ROUNDS,
        warm_up=1,
    )
    yield _result("create", taken)
    for verb, (change, change_one) in verbs.items():
        made = [make() for _ in range(2 * (ROUNDS + 1))]

        def in_a_loop(made: Any = made, change_one: Any = change_one) -> None:
            result = made.pop()
            for booking in reversed(result.bookings):
                change_one(booking, booking.start_at + (booking.end_at - booking.start_at))

        def at_once(made: Any = made, change: Any = change) -> None:
            change(made.pop().series.occurrences.first())

        taken = take_turns(
            {f"{verb}_booking": timed(in_a_loop), f"{verb}_series": timed(at_once)},
            rounds=ROUNDS,
            warm_up=1,
        )
        yield _result(verb, taken)
    Series.objects.all().delete()
    clear()


def _result(verb: str, taken: dict[str, float]) -> Result:
    return Result(
        "series",
        f"A series of {STARTS} bookings: {verb}",
        "bookings/s",
        {
            f"a loop of {verb}_booking": STARTS / taken[f"{verb}_booking"],
            f"{verb}_series": STARTS / taken[f"{verb}_series"],
        },
    )


def _with_series_installed() -> Iterator[Result]:
    """In a process of its own, for the other benchmarks are to run without them."""
    with TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks", "series", "--json", str(figures)],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": SETTINGS, NAME: f"{name()}_series"},
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for stored in json.loads(figures.read_text(encoding="utf-8"))["results"]:
            yield Result.from_json(stored)


def _make(setting: str, name: str) -> Any:
    return apps.get_model(app_settings.model_label(setting))._default_manager.create(name=name)
