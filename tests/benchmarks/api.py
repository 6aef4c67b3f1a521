"""The API against the services and selectors that it calls, in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import count
from typing import Any, Final

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIRequestFactory, force_authenticate

from bookings.conf import app_settings
from bookings.contrib.api.viewsets.availability import AvailabilityViewSet
from bookings.contrib.api.viewsets.bookings import BookingViewSet
from bookings.contrib.schedule.selectors import list_available_slots
from bookings.contrib.schedule.services import create_schedule
from bookings.services import create_booking
from tests.benchmarks.options import Options
from tests.benchmarks.timing import Result, in_milliseconds, take_turns, timed
from tests.races.race_database import clear

DAYS: Final = 30
BUSY: Final = 200


def run(options: Options) -> Iterator[Result]:
    clear()
    service = apps.get_model(app_settings.SERVICE_MODEL).objects.create(name="An hour")
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    ana, ben = (model.objects.create(name=name) for name in ("Ana", "Ben"))
    hours = {day: [("09:00", "17:00")] for day in range(7)}
    for provider in (ana, ben):
        create_schedule(provider=provider, hours=hours, slot_step_minutes=15)
    user = get_user_model().objects.create_superuser("staff")
    with override_settings(ROOT_URLCONF="tests.contrib.api.urls"):
        yield from _run(options, service, ana, ben, user)


def _run(options: Options, service: Any, ana: Any, ben: Any, user: Any) -> Iterator[Result]:
    midnight = datetime.combine(timezone.now().date(), time(0), UTC) + timedelta(days=1)
    for number in range(BUSY):
        start = midnight + timedelta(days=number % DAYS, hours=9 + number // DAYS)
        create_booking(service=service, provider=ana, start_at=start, client_name="Kim")
    views = {
        "post": BookingViewSet.as_view({"post": "create"}),
        "get": AvailabilityViewSet.as_view({"get": "list"}),
    }
    factory, hour = APIRequestFactory(), count()

    def ask(method: str, path: str, data: Any, **headers: str) -> Any:
        make = getattr(factory, method)
        kind = {} if method == "get" else {"format": "json"}
        request = make(path, data, headers=headers, **kind)
        force_authenticate(request, user)
        response = views[method](request).render()
        if response.status_code >= 400:
            raise AssertionError(response.content)
        return response

    def start_at() -> datetime:
        return midnight + timedelta(days=1000, hours=next(hour))

    def by_service() -> Any:
        return create_booking(
            service=service, provider=ben, start_at=start_at(), client_name="Kim", created_by=user
        )

    def by_api() -> Any:
        body = {"service": service.pk, "provider": ben.pk, "client_name": "Kim"}
        start = start_at().isoformat()
        return ask("post", "/api/v1/bookings/", body | {"start_at": start}, **key())

    def key() -> dict[str, str]:
        return {"Idempotency-Key": f"key-{next(hour)}"}

    yield _compare(
        options,
        "POST bookings",
        {"create_booking": by_service, "POST bookings": by_api},
    )
    end = midnight + timedelta(days=DAYS)
    query = {
        "service": service.pk,
        "provider": ana.pk,
        "start": midnight.isoformat(),
        "end": end.isoformat(),
    }
    listing = partial(ask, "get", "/api/v1/availability/", query)
    etag = listing().headers["ETag"]
    yield _compare(
        options,
        f"Slots of {DAYS} days, {BUSY} busy",
        {
            "list_available_slots": lambda: list(list_available_slots(service, ana, midnight, end)),
            "GET availability": listing,
            "GET availability, 304": partial(listing, **{"If-None-Match": etag}),
        },
    )


def _compare(options: Options, title: str, calls: dict[str, Callable[[], Any]]) -> Result:
    notes = []
    for name, call in calls.items():
        # The first time, there is no calendar yet.
        call()
        with CaptureQueriesContext(connection) as queries:
            call()
        notes.append(f"{name}: {len(queries)} statements")
    turns = {name: timed(call) for name, call in calls.items()}
    taken = in_milliseconds(take_turns(turns, rounds=min(options.rounds, 200)))
    return Result("api", title, "ms", taken, notes=notes)
