"""How long reports take over the bookings of years, all of them in the period."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.apps import apps
from django.db import connection
from django.utils import timezone

from bookings.conf import app_settings
from bookings.contrib.reports.periods import Period
from bookings.contrib.reports.selectors import booking_report, response_report, utilisation_report
from bookings.models import Calendar
from tests.benchmarks.history import A_DAY, store_history
from tests.benchmarks.options import Options
from tests.benchmarks.timing import Result, in_milliseconds, take_turns, timed
from tests.races.race_database import clear

PROVIDERS: Final = 100
ROUNDS: Final = 5


def run(options: Options) -> Iterator[Result]:
    """The same reports of all bookings, and of a month of them."""
    clear()
    past = max(options.history)
    days = -(-past // (PROVIDERS * A_DAY))
    service = apps.get_model(app_settings.SERVICE_MODEL).objects.create(name="An hour")
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    providers = [model.objects.create(name=str(number)) for number in range(PROVIDERS)]
    Calendar.objects.bulk_create(Calendar(provider=provider) for provider in providers)
    store_history(service, providers, past=past, ahead=PROVIDERS)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    end_at = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for title, length in (("of all", days), ("of the last 30 days", 30)):
        period = Period.of_days(
            (end_at - timedelta(days=length)).date(), end_at.date(), "Europe/Berlin"
        )
        reports: dict[str, Callable[[], Any]] = {
            "the total": partial(booking_report, period),
            "by provider": partial(booking_report, period, group_by="provider"),
            "by day": partial(booking_report, period, group_by="day"),
            "by hour of the week": partial(booking_report, period, group_by="weekday_hour"),
            "responses": partial(response_report, period),
            "utilisation": partial(utilisation_report, period),
        }
        taken = take_turns(
            {name: timed(report) for name, report in reports.items()}, rounds=ROUNDS, warm_up=1
        )
        yield Result(
            "reports",
            f"{past:,} bookings of {PROVIDERS} providers, in ms",
            "ms",
            in_milliseconds(taken),
            at=title,
            compared=False,
        )
