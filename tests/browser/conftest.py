"""A browser, a salon with two providers and a class, and staff who are logged in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from bookings.conf import app_settings
from bookings.contrib.group_sessions.services import book_seat, create_session
from bookings.contrib.schedule.services import create_schedule, take_time_off
from bookings.services import create_booking
from tests.browser import jobs
from tests.browser.staff import Clicks

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if jobs.measured:
        terminalreporter.section("What staff do, with how many clicks and keys")
        for line in jobs.table():
            terminalreporter.write_line(line)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="Without Playwright, no page is opened in a browser."
    )
    if CHROMIUM is None:
        pytest.skip("Without Chromium, no page is opened in a browser (apt install chromium).")
    # Playwright runs an event loop in this thread, in which Django would refuse to query.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def _make(setting: str, **values: Any) -> Any:
    return apps.get_model(app_settings.model_label(setting))._default_manager.create(**values)


@pytest.fixture
def day() -> datetime:
    """The day after tomorrow, at midnight."""
    return timezone.make_aware(datetime.combine(timezone.localdate() + timedelta(days=2), time.min))


@pytest.fixture
def salon(transactional_db: None, day: datetime, settings: Any) -> dict[str, Any]:
    """Ana is booked at ten, Ben gives a class at two, and both are open from nine to five."""
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = (
        "bookings.contrib.schedule.selectors.list_available_slots"
    )
    massage = _make(
        "SERVICE_MODEL", name="Massage", duration_minutes=60, price_amount=80, currency="EUR"
    )
    check = _make("SERVICE_MODEL", name="Check", duration_minutes=10)
    yoga = _make("SERVICE_MODEL", name="Yoga", duration_minutes=60)
    ana, ben = (_make("PROVIDER_MODEL", name=name) for name in ("Ana", "Ben"))
    hours = {number: [("09:00", "12:00"), ("13:00", "17:00")] for number in range(7)}
    for provider in (ana, ben):
        create_schedule(provider=provider, hours=hours)
    given = {"client_email": "kim@example.org", "client_phone": "+49 30 1234567"}
    booking = create_booking(
        service=massage,
        provider=ana,
        start_at=day + timedelta(hours=10),
        client_name="Kim Lee",
        **given,
    )
    create_booking(
        service=check, provider=ana, start_at=day + timedelta(hours=11), client_name="Lou"
    )
    past = create_booking(
        service=massage,
        provider=ben,
        start_at=day - timedelta(days=9) + timedelta(hours=10),
        client_name="Max",
        allow_past=True,
    )
    session = create_session(
        service=yoga,
        provider=ben,
        start_at=day + timedelta(hours=14),
        capacity=12,
        title="Yoga for all",
    )
    for name in ("Zoe", "Eva"):
        book_seat(session, client_name=name)
    take_time_off(
        provider=ben, start_at=day + timedelta(hours=15), end_at=day + timedelta(hours=17)
    )
    return {"booking": booking, "past": past, "session": session, "ana": ana, "ben": ben}


@pytest.fixture
def open_context(browser: Browser, live_server: Any, salon: Any) -> Iterator[Any]:
    """Return a function that opens a window in which the boss is logged in."""
    user = get_user_model().objects.create_superuser("boss")
    client = Client()
    client.force_login(user)
    cookie = client.cookies["sessionid"].value
    opened: list[BrowserContext] = []

    def open_one(width: int = 1440, height: int = 900, **options: Any) -> BrowserContext:
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": height}, **options
        )
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def staff(open_context: Any) -> Iterator[Clicks]:
    """A person at a desk, whose clicks and keys are counted; an error of a script is a failure."""
    page = open_context().new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield Clicks(page)
    assert errors == []
