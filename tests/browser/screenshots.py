"""Draw the pictures of the documentation: ``python -m tests.browser.screenshots``.

Makes a project with the bundled catalogue in a temporary folder, fills it with the days around a
fixed date, and photographs the pages of the admin in Chromium. It needs the dependency group
``test-browser`` and Chromium.

``python -m tests.browser.screenshots FOLDER`` puts every page into a folder, from top to bottom, in
light and dark, on a desktop and on a phone, for people to look at.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURES: Final = ROOT / "docs" / "_static"
PORT: Final = 8765
SITE: Final = f"http://127.0.0.1:{PORT}"
DESKTOP: Final = (1440, 900)
PHONE: Final = (390, 844)

SETTINGS: Final = """
SECRET_KEY = "only for pictures"
DEBUG = True
INSTALLED_APPS = [
    *("django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes"),
    *("django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles"),
    *("bookings", "bookings.contrib.catalog", "bookings.contrib.schedule"),
    *("bookings.contrib.group_sessions", "bookings.contrib.payments", "bookings.contrib.reports"),
    "bookings.contrib.series",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
ROOT_URLCONF = "picture_urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "pictures.sqlite3"}}
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
LANGUAGE_CODE = "en-gb"
BOOKINGS_SERVICE_MODEL = "bookings_catalog.Service"
BOOKINGS_PROVIDER_MODEL = "bookings_catalog.Provider"
BOOKINGS_ADDON_MODEL = "bookings_catalog.ServiceAddon"
BOOKINGS_DEFAULT_CURRENCY = "EUR"
"""
URLS: Final = """
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""
CLIENTS: Final = (
    *("Kim Lee", "Maria Garcia", "John Smith", "Aisha Khan", "Wei Zhang", "Lars Jensen"),
    *("Nora Weiss", "Omar Haddad", "Ivy Brown", "Pedro Costa"),
)


def load() -> None:
    """Fill the empty database; run in the project, in a process of its own."""
    import django

    django.setup()
    from datetime import datetime, timedelta

    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.utils import timezone

    from bookings.contrib.catalog.models import Provider, Service
    from bookings.contrib.group_sessions.services import book_seat, create_session
    from bookings.contrib.schedule.services import create_schedule, take_time_off
    from bookings.exceptions import BookingError
    from bookings.services import complete_booking, create_booking, hold_booking, mark_no_show

    call_command("migrate", verbosity=0)
    get_user_model().objects.create_superuser("staff", "staff@example.org", "staff")
    massage = Service.objects.create(
        name="Massage", duration_minutes=60, price_amount=80, currency="EUR"
    )
    check = Service.objects.create(name="Blood pressure", duration_minutes=10)
    consultation = Service.objects.create(
        name="Consultation", duration_minutes=30, requires_approval=True
    )
    yoga = Service.objects.create(name="Yoga", duration_minutes=75)
    names = ("Ana Ruiz", "Ben Okafor", "Clara Schmidt", "Dmitri Ivanov", "Elif Kaya")
    providers = [Provider.objects.create(name=name) for name in names]
    usual: dict[int, Any] = {day: [("09:00", "12:30"), ("13:30", "18:00")] for day in range(5)}
    for provider in providers:
        create_schedule(provider=provider, hours=usual)
    # A Wednesday; the others are the days of its week and of the one before.
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday())

    def at(day: int, hour: int, minute: int = 0) -> datetime:
        date = monday + timedelta(days=day)
        return timezone.make_aware(
            datetime(date.year, date.month, date.day, hour, minute)  # noqa: DTZ001
        )

    take_time_off(provider=providers[3], start_at=at(9, 0), end_at=at(10, 0), reason="Conference")
    take_time_off(provider=providers[2], start_at=at(7, 15), end_at=at(7, 18), reason="Dentist")
    for minute in range(0, 30, 10):
        create_booking(
            service=check,
            provider=providers[0],
            start_at=at(7, 12, minute),
            client_name=CLIENTS[minute // 10],
        )
    for day in (1, 3, 7, 9):
        session = create_session(
            service=yoga,
            provider=providers[4],
            start_at=at(day, 16),
            capacity=12,
            title="Yoga for beginners",
            now_dt=at(0, 0) - timedelta(days=3),
        )
        for client in CLIENTS[: 5 + day % 4]:
            book_seat(session, client_name=client, now_dt=at(0, 0) - timedelta(days=2))
    number = 0
    for day in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11):
        for column, provider in enumerate(providers):
            for hour in (9, 10, 11, 14, 15, 16):
                number += 1
                if (number * 7 + day * 3 + column) % 5 > 2:
                    continue
                service = consultation if number % 3 == 0 else massage
                try:
                    booking = create_booking(
                        service=service,
                        provider=provider,
                        start_at=at(day, hour),
                        client_name=CLIENTS[number % 10],
                        client_email=f"client{number % 10}@example.org",
                        client_phone=f"+49 30 10{number:04}",
                        allow_past=True,
                    )
                except BookingError:
                    # What is there already, such as the class, stays.
                    continue
                if booking.status == "CONFIRMED" and booking.start_at < timezone.now():
                    (mark_no_show if number % 11 == 0 else complete_booking)(booking)
    hold_booking(service=massage, provider=providers[1], start_at=at(14, 9))
    print(f"{monday + timedelta(days=9):%Y-%m-%d}")


def time_off(page: Any, day: str) -> None:
    """Ask for a day off on which there are bookings."""
    page.goto(f"{SITE}/admin/bookings_schedule/timeoff/add/?provider=1")
    for name, hour in (("start_at", "09:00"), ("end_at", "18:00")):
        page.fill(f"#id_{name}_0", day)
        page.fill(f"#id_{name}_1", hour)
    page.click("input[name=_save]")


CALENDAR: Final = "/admin/bookings/booking/calendar/?day={day}"
PAGES: Final[dict[str, Any]] = {
    "admin-index": "/admin/",
    "admin-calendar-day": CALENDAR,
    "admin-calendar-week": f"{CALENDAR}&view=week",
    "admin-calendar-provider": f"{CALENDAR}&view=week&provider=1",
    "admin-attention": "/admin/bookings/booking/attention/",
    "admin-bookings": "/admin/bookings/booking/?when=week",
    "admin-booking": "/admin/bookings/booking/20/change/",
    "admin-new-booking": "/admin/bookings/booking/add/",
    "admin-payment": "/admin/bookings_payments/payment/record/30/",
    "admin-reports": "/admin/bookings_reports/reportspage/?preset=year&group_by=service",
    "admin-time-off": time_off,
    "admin-week-of-hours": "/admin/bookings_schedule/schedule/1/change/",
    "admin-weekly-class": "/admin/bookings_series/series/publish/",
}
"""The addresses of pages, or what leads to one."""

PICTURES_OF_DOCS: Final = (
    ("admin-calendar-day", "admin-calendar-day", DESKTOP, "light"),
    ("admin-calendar-week", "admin-calendar-week", DESKTOP, "dark"),
    ("admin-calendar-provider", "admin-calendar-provider", DESKTOP, "light"),
    ("admin-calendar-phone", "admin-calendar-day", PHONE, "dark"),
    ("admin-attention", "admin-attention", DESKTOP, "light"),
    ("admin-bookings", "admin-bookings", DESKTOP, "light"),
    ("admin-booking", "admin-booking", DESKTOP, "light"),
    ("admin-reports", "admin-reports", DESKTOP, "light"),
    ("admin-time-off", "admin-time-off", DESKTOP, "light"),
)


def photograph(day: str, folder: Path | None) -> None:
    from playwright.sync_api import sync_playwright

    pictures: Any = PICTURES_OF_DOCS
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        pictures = [
            (f"{name}-{width}-{scheme}", name, (width, height), scheme)
            for name in PAGES
            for width, height in (DESKTOP, PHONE)
            for scheme in ("light", "dark")
        ]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{SITE}/admin/login/")
        page.fill("#id_username", "staff")
        page.fill("#id_password", "staff")
        page.click("input[type=submit]")
        state = page.context.storage_state()
        for picture, name, (width, height), scheme in pictures:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                storage_state=state,
                timezone_id="Europe/Berlin",
            )
            page = context.new_page()
            way = PAGES[name]
            if callable(way):
                way(page, day)
            else:
                page.goto(SITE + way.format(day=day))
            page.wait_for_load_state("networkidle")
            path = (folder or PICTURES) / f"{picture}.png"
            page.screenshot(path=path, full_page=folder is not None)
            context.close()
        browser.close()


def main() -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "picture_settings.py").write_text(SETTINGS, encoding="utf-8")
        (Path(folder) / "picture_urls.py").write_text(URLS, encoding="utf-8")
        paths = [folder, str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "picture_settings",
            "PYTHONPATH": os.pathsep.join(paths),
        }
        loader = "from tests.browser.screenshots import load; load()"
        day = subprocess.run(
            [sys.executable, "-c", loader],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.strip()
        server = subprocess.Popen(
            [sys.executable, "-m", "django", "runserver", "--noreload", str(PORT)],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            for _attempt in range(100):
                try:
                    urlopen(f"{SITE}/admin/login/").close()  # noqa: S310 - our own server
                    break
                except URLError:
                    time.sleep(0.1)
            photograph(day, Path(sys.argv[1]) if len(sys.argv) > 1 else None)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
