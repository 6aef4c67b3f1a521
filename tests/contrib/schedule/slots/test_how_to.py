"""The guide's own lines run, and show what it says."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from django.test import RequestFactory, override_settings
from django.utils import timezone

from bookings.contrib.schedule.services import create_schedule
from bookings.models import Booking
from bookings.services import create_booking
from tests.contrib.schedule.slots.conftest import make_provider
from tests.core.moments import NOW, at
from tests.settings import base

PAGE: Final = Path(__file__).resolve().parents[4] / "docs" / "how-to" / "business-hours.md"
TEXT: Final = PAGE.read_text(encoding="utf-8")
BLOCK: Final = "^```%s\n(.*?)^```$"
TODAY: Final = at(0).date()
IN_ADDRESS: Final = {"year": TODAY.year, "month": TODAY.month}

pytestmark = pytest.mark.django_db


def blocks(language: str) -> list[str]:
    return re.findall(BLOCK % language, TEXT, re.MULTILINE | re.DOTALL)


def templates() -> dict[str, str]:
    named = (re.match(r"<!-- (\S+) -->\n(.*)", block, re.DOTALL) for block in blocks("htmldjango"))
    return {match[1]: match[2] for match in named if match}


@pytest.fixture
def clinic(service: Any, provider: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a reader has at hand, at eight o'clock on a Monday."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    models = ModuleType("clinic.models")
    models.Service, models.Provider = type(service), type(provider)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "clinic", ModuleType("clinic"))
    monkeypatch.setitem(sys.modules, "clinic.models", models)
    return {"service": service, "provider": provider, "INSTALLED_APPS": [], "today": TODAY}


@pytest.fixture
def page(clinic: dict[str, Any], yoga: Any, addon: Any) -> dict[str, Any]:
    """The page's names, once every one of its lines has been run from top to bottom."""
    grace = make_provider("Grace")
    create_schedule(timezone="UTC", hours={day: [("00:00", "24:00")] for day in range(7)})
    clinic |= {"providers": [clinic["provider"], grace], "group_service": yoga, "addon": addon}
    clinic |= {"start": NOW, "colleague": grace}
    for hour in (9, 10, 11):
        create_booking(
            service=clinic["service"],
            provider=clinic["provider"],
            start_at=datetime(TODAY.year, 12, 1, hour, tzinfo=ZoneInfo("Europe/Berlin")),
            client_name="Joan",
            now_dt=NOW,
        )
    for block in blocks("python"):
        if "booking.service" in block:
            clinic["booking"] = clinic["book"](
                clinic["service"], grace, clinic["slot"].start.isoformat(), "Joan"
            )
        exec(compile(block, str(PAGE), "exec"), clinic)  # noqa: S102
    return clinic


def render(page: dict[str, Any], view: str, **address: Any) -> Any:
    options = {"loaders": [("django.template.loaders.locmem.Loader", templates())]}
    engine = base.TEMPLATES[0] | {"APP_DIRS": False, "OPTIONS": options}
    request = RequestFactory().get("/", headers=address.pop("headers", None))
    keys = {"service_id": page["service"].pk, "provider_id": page["provider"].pk}
    with override_settings(TEMPLATES=[engine]):
        return page[view](request, **keys, **address)


def test_its_settings_switch_it_on(page: dict[str, Any], settings: Any) -> None:
    assert page["INSTALLED_APPS"] == ["bookings.contrib.schedule"]
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = page["BOOKINGS_SLOTS_AVAILABLE_FUNC"]
    said = page["book"](page["service"], page["provider"], f"{TODAY}T03:03:00Z", "Joan")
    assert "Choose" in said


def test_a_month_shows_every_day_and_how_it_is(page: dict[str, Any]) -> None:
    shown = render(page, "month", **IN_ADDRESS).content.decode()
    days = re.findall(r'<li class="(\w+)" title="">(\d+) \((\d+)\)</li>', shown)
    assert len(days) == 31
    assert days[4:11] == [
        ("open", "5", "26"),
        ("open", "6", "26"),
        ("open", "7", "26"),
        ("open", "8", "26"),
        ("open", "9", "17"),
        ("closed", "10", "0"),
        ("closed", "11", "0"),
    ]


def test_a_day_s_buttons_send_what_can_be_booked(page: dict[str, Any]) -> None:
    address = IN_ADDRESS | {"day": TODAY.day}
    shown = render(page, "day", **address).content.decode()
    start = re.findall(r'value="([^"]+)"', shown)[0]
    booked = page["book"](page["service"], page["provider"], start, "Joan")
    assert isinstance(booked, Booking)
    assert booked.start_at == at(8)
    assert start not in render(page, "day", **address).content.decode()
    again = page["book"](page["service"], page["provider"], start, "Kim")
    assert again == "Booking conflicts with an existing booking."


def test_what_has_not_changed_is_not_sent_again(page: dict[str, Any]) -> None:
    def status(**headers: str) -> int:
        return render(page, "month_if_changed", headers=headers, **IN_ADDRESS).status_code

    tag = render(page, "month_if_changed", **IN_ADDRESS).headers["ETag"]
    assert status(if_none_match=tag) == 304
    page["provider"].booking_schedule.save()
    assert status(if_none_match=tag) == 200


def test_the_rest_of_it_does_what_it_says(page: dict[str, Any]) -> None:
    grace = page["providers"][1]
    assert (page["slot"].start, page["slot"].provider) == (NOW, page["provider"])
    assert page["able"] == [page["provider"], grace]
    assert page["longer"][TODAY][0].end == at(9, 15)
    assert {slot.remaining_capacity for slot in page["seats"][TODAY]} == {3}
    assert (page["booking"].start_at, page["booking"].provider) == (NOW, grace)
    assert page["elsewhere"][TODAY]
    assert page["error"].booking_code == "outside_range"
    assert [override.date.day for override in page["closures"].overrides] == [24, 25, 26]
    assert page["still_booked"] == []
    assert page["time_off"].busy_interval.kind == "TIME_OFF"
