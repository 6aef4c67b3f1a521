"""``generate_sessions`` against ``create_session``, one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.apps import apps
from django.utils import timezone

from bookings.conf import app_settings
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import create_session, generate_sessions
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.services import create_schedule
from tests.benchmarks.options import Options
from tests.benchmarks.timing import Result, take_turns, timed
from tests.databases import NAME, ROOT, name
from tests.races.race_database import clear

SETTINGS: Final = "tests.settings.default"

ROUNDS: Final = 5
DAYS: Final = 90
MINUTES: Final = 15
SAMPLE: Final = 200


def run(options: Options) -> Iterator[Result]:
    """Each turn has a provider of its own, who is open day and night."""
    if not apps.is_installed("bookings.contrib.group_sessions"):
        yield from _with_sessions_installed()
        return
    clear()
    service = _make("SERVICE_MODEL", "A quarter of an hour")
    create_schedule(timezone="UTC", hours={day: [("00:00", "24:00")] for day in range(7)})
    tomorrow = timezone.now().date() + timedelta(1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=UTC)
    slots = DAYS * 24 * 60 // MINUTES
    length = timedelta(minutes=MINUTES)
    numbers = count()

    def loop() -> None:
        provider = _make("PROVIDER_MODEL", str(next(numbers)))
        for number in range(SAMPLE):
            start_at = midnight + number * length
            create_session(
                service=service, provider=provider, start_at=start_at, end_at=start_at + length
            )

    def generate() -> None:
        generated = generate_sessions(
            service=service,
            provider=_make("PROVIDER_MODEL", str(next(numbers))),
            start_date=tomorrow,
            end_date=tomorrow + timedelta(DAYS - 1),
            slot_duration_minutes=MINUTES,
            capacity=10,
        )
        assert generated.created == slots

    turns = {"a loop of create_session": timed(loop), "generate_sessions": timed(generate)}
    taken = take_turns(turns, rounds=ROUNDS, warm_up=1)
    yield Result(
        "sessions",
        f"{slots:,} sessions of {DAYS} days, and {SAMPLE:,} for the loop",
        "sessions/s",
        {
            "a loop of create_session": SAMPLE / taken["a loop of create_session"],
            "generate_sessions": slots / taken["generate_sessions"],
        },
    )
    rows = Session._base_manager.all()
    rows._raw_delete(rows.db)
    Schedule.objects.all().delete()
    clear()


def _with_sessions_installed() -> Iterator[Result]:
    """In a process of its own, for the other benchmarks are to run without them."""
    with TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks", "sessions", "--json", str(figures)],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": SETTINGS, NAME: f"{name()}_sessions"},
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for stored in json.loads(figures.read_text(encoding="utf-8"))["results"]:
            yield Result.from_json(stored)


def _make(setting: str, name: str) -> Any:
    return apps.get_model(app_settings.model_label(setting))._default_manager.create(name=name)
