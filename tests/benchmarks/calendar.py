"""The calendar of the admin with its HTML: a week of 20 providers, with a thousand bookings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bookings.conf import app_settings
from bookings.contrib.schedule.services import create_schedule
from bookings.models import Booking, Calendar
from tests.benchmarks.history import A_DAY, store_history
from tests.benchmarks.options import Options
from tests.benchmarks.timing import Result, in_milliseconds, take_turns, timed
from tests.races.race_database import clear

PROVIDERS: Final = 20
DAYS: Final = 21
ROUNDS: Final = 30


def run(_options: Options) -> Iterator[Result]:
    """A week and a day that are over, whose bookings stand beside the providers' hours."""
    clear()
    service = apps.get_model(app_settings.SERVICE_MODEL).objects.create(name="An hour")
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    providers = [model.objects.create(name=f"Provider {number}") for number in range(PROVIDERS)]
    Calendar.objects.bulk_create(Calendar(provider=provider) for provider in providers)
    for provider in providers:
        create_schedule(provider=provider, hours={day: [("09:00", "17:00")] for day in range(7)})
    store_history(service, providers, past=PROVIDERS * A_DAY * DAYS, ahead=PROVIDERS)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("staff"))
    day = timezone.localdate() - timedelta(days=7)
    address = reverse("admin:bookings_booking_calendar")
    pages = {
        f"a {view}": partial(_load, client, address, {"view": view, "day": f"{day:%Y-%m-%d}"})
        for view in ("day", "week")
    }
    notes = []
    for name, load in pages.items():
        with CaptureQueriesContext(connection) as queries:
            size = load()
        notes.append(f"{name}: {len(queries)} queries, {size / 1024:,.0f} KiB of HTML")
    monday = day - timedelta(days=day.weekday())
    shown = Booking.objects.filter(
        start_at__date__gte=monday, start_at__date__lt=monday + timedelta(days=7)
    ).count()
    taken = take_turns(
        {name: timed(load) for name, load in pages.items()}, rounds=ROUNDS, warm_up=3
    )
    yield Result(
        "calendar",
        f"The calendar of {PROVIDERS} providers, {shown:,} bookings in the week",
        "ms",
        in_milliseconds(taken),
        notes=notes,
        compared=False,
    )


def _load(client: Client, address: str, query: dict[str, Any]) -> int:
    response = client.get(address, query)
    if response.status_code != 200:
        raise AssertionError(response.status_code)
    return len(response.content)
