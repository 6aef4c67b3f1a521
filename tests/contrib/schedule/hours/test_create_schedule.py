"""A schedule, made in one call."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.test import override_settings

from bookings.contrib.schedule.exceptions import InvalidSchedule, ScheduleExists
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.services import create_schedule
from bookings.exceptions import InvalidBooking, TenantMismatch
from tests.contrib.schedule.hours.conftest import weekly_hours_of

pytestmark = pytest.mark.django_db


def test_it_has_what_was_said(provider: Any) -> None:
    made = create_schedule(
        provider=provider,
        timezone="Europe/Berlin",
        slot_step_minutes=20,
        alignment="CLOCK",
        minimum_notice_minutes=60,
        maximum_advance_days=90,
        holiday_country="DE",
        holiday_subdivision="BY",
        hours={5: [("10:00", "24:00")]},
    )

    stored = Schedule.objects.get()
    assert stored == made == provider.booking_schedule
    assert (stored.timezone, stored.slot_step_minutes) == ("Europe/Berlin", 20)
    assert stored.zone.key == "Europe/Berlin"
    assert stored.alignment == Schedule.Alignment.CLOCK
    assert (stored.minimum_notice_minutes, stored.maximum_advance_days) == (60, 90)
    assert (stored.holiday_country, stored.holiday_subdivision) == ("DE", "BY")
    assert weekly_hours_of(stored) == ["Saturday 10:00–24:00 –"]
    assert str(stored) == "Ada"


@override_settings(TIME_ZONE="Asia/Kathmandu")
def test_it_has_the_projects_zone_and_no_hours_unless_told(provider: Any) -> None:
    made = create_schedule(provider=provider)

    assert made.timezone == "Asia/Kathmandu"
    assert made.slot_step_minutes == 15
    assert made.alignment == Schedule.Alignment.OPENING
    assert weekly_hours_of(made) == []


def test_without_a_provider_it_is_the_projects_default() -> None:
    made = create_schedule()

    assert (made.provider, made.tenant) == (None, None)
    assert str(made) == "Default schedule"
    with pytest.raises(ScheduleExists, match="There is a default schedule already") as refused:
        create_schedule()
    assert refused.value.providers == []


def test_a_provider_has_one(provider: Any) -> None:
    create_schedule(provider=provider)
    with pytest.raises(ScheduleExists, match="There is a schedule of Ada already") as refused:
        create_schedule(provider=provider)
    assert refused.value.code == "schedule_exists"
    assert refused.value.providers == [provider]


@pytest.mark.parametrize("whose", ["provider", "nobody"])
def test_one_that_somebody_makes_meanwhile_is_told_likewise(
    provider: Any, whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a race: the look finds nothing, and the database refuses the row."""
    owner = {"provider": provider} if whose == "provider" else {}
    create_schedule(**owner)
    monkeypatch.setattr(models.QuerySet, "exists", lambda rows: False)
    with pytest.raises(ScheduleExists):
        create_schedule(**owner)


@pytest.mark.parametrize(
    ("values", "error", "code"),
    [
        ({"timezone": "Europe/Atlantis"}, InvalidSchedule, "unknown_timezone"),
        ({"timezone": "Europe"}, InvalidSchedule, "unknown_timezone"),
        ({"timezone": "../etc/passwd"}, InvalidSchedule, "unknown_timezone"),
        ({"timezone": "a\x00b"}, InvalidBooking, "invalid"),
        ({"timezone": ""}, InvalidSchedule, "unknown_timezone"),
        ({"timezone": 1}, InvalidBooking, "invalid"),
        ({"holiday_country": "DEU"}, InvalidSchedule, "unknown_region"),
        ({"holiday_country": []}, InvalidBooking, "invalid"),
        ({"holiday_country": "DE", "holiday_subdivision": 1}, InvalidBooking, "invalid"),
        ({"slot_step_minutes": 0}, InvalidBooking, "invalid"),
        ({"slot_step_minutes": -15}, InvalidBooking, "invalid"),
        ({"slot_step_minutes": 1441}, InvalidBooking, "invalid"),
        ({"slot_step_minutes": 7.5}, InvalidBooking, "invalid"),
        ({"slot_step_minutes": True}, InvalidBooking, "invalid"),
        ({"minimum_notice_minutes": -1}, InvalidBooking, "invalid"),
        ({"maximum_advance_days": -1}, InvalidBooking, "invalid"),
        ({"alignment": "MOON"}, InvalidBooking, "invalid"),
        ({"holiday_country": "XX"}, InvalidSchedule, "unknown_region"),
        ({"hours": {0: [("17:00", "09:00")]}}, InvalidSchedule, "close_before_open"),
        ({"provider": "Ada"}, InvalidBooking, "invalid"),
        ({"tenant": "Clinic"}, TenantMismatch, "tenant_mismatch"),
    ],
)
def test_a_mistake_makes_nothing(values: dict[str, Any], error: type, code: str) -> None:
    with pytest.raises(error) as refused:
        create_schedule(**values)
    assert refused.value.code == code
    assert not Schedule.objects.exists()
