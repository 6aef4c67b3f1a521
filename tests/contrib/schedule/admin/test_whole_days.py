"""Time off by whole days, which are those of the provider's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import create_schedule
from tests.admin.page import errors_of, form_values, text_of
from tests.contrib.schedule.admin.conftest import in_days

ADD = "/admin/bookings_schedule/timeoff/add/"
FORM = "timeoff_form"


def midnight(days: int, zone: str) -> datetime:
    day = in_days(days)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def send(client: Client, provider: Any, url: str = ADD, **values: Any) -> Any:
    given = {"provider": provider.pk, "whole_days": "on", "start_at_0": f"{in_days(3)}"}
    return client.post(url, form_values(client.get(url), FORM) | given | values)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "UTC"])
def test_the_days_are_those_of_the_schedules_zone(boss: Client, provider: Any, zone: str) -> None:
    create_schedule(provider=provider, timezone=zone)
    assert send(boss, provider, end_at_0=f"{in_days(5)}").status_code == 302
    stored = TimeOff.objects.get()
    assert (stored.start_at, stored.end_at) == (midnight(3, zone), midnight(6, zone))


def test_without_a_last_day_it_is_one_day_and_times_are_ignored(
    boss: Client, provider: Any
) -> None:
    sent = send(boss, provider, start_at_1="15:30", end_at_0="", end_at_1="what")
    assert sent.status_code == 302
    stored = TimeOff.objects.get()
    assert (stored.start_at, stored.end_at) == (midnight(3, "UTC"), midnight(4, "UTC"))


def test_a_provider_without_a_schedule_follows_the_default(boss: Client, provider: Any) -> None:
    create_schedule(timezone="Pacific/Auckland")
    send(boss, provider)
    assert TimeOff.objects.get().start_at == midnight(3, "Pacific/Auckland")


def test_a_day_without_a_midnight_begins_when_the_clocks_have_changed(
    boss: Client, provider: Any
) -> None:
    create_schedule(provider=provider, timezone="America/Santiago")
    send(boss, provider, start_at_0="2045-09-03")
    stored = TimeOff.objects.get()
    assert stored.end_at - stored.start_at in {timedelta(hours=23), timedelta(hours=24)}
    assert timezone.localtime(stored.end_at, ZoneInfo("America/Santiago")).hour == 0


def test_time_off_becomes_whole_days_and_is_kept(boss: Client, provider: Any) -> None:
    create_schedule(provider=provider, timezone="Pacific/Auckland")
    send(
        boss,
        provider,
        whole_days="",
        start_at_1="10:00",
        end_at_0=f"{in_days(3)}",
        end_at_1="11:00",
    )
    stored = TimeOff.objects.get()
    assert stored.start_at.astimezone(UTC).hour == 10
    url = ADD.replace("add", f"{stored.pk}/change")
    assert send(boss, provider, url).status_code == 302
    stored.refresh_from_db()
    assert (stored.start_at, stored.end_at) == (
        midnight(3, "Pacific/Auckland"),
        midnight(4, "Pacific/Auckland"),
    )
    revision = stored.busy_interval.calendar.revision
    assert send(boss, provider, url, reason="Summer").status_code == 302
    stored = TimeOff.objects.get()
    assert (stored.reason, stored.busy_interval.calendar.revision) == ("Summer", revision)


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"start_at_0": ""}, {"start_at", "end_at"}),
        ({"start_at_0": "soon"}, {"start_at", "end_at"}),
        ({"end_at_0": "2020-01-01"}, {"end_at"}),
        ({"start_at_0": "9999-12-31"}, {"end_at"}),
    ],
)
def test_days_that_cannot_be(
    boss: Client, provider: Any, values: dict[str, str], fields: set[str]
) -> None:
    assert errors_of(send(boss, provider, **values)).keys() == fields
    assert not TimeOff.objects.exists()


def test_whole_days_are_days_of_a_provider(boss: Client, provider: Any) -> None:
    provider.pk = ""
    assert errors_of(send(boss, provider)).keys() == {"provider"}


def test_who_may_only_see_it_is_not_asked(viewer: Client, boss: Client, provider: Any) -> None:
    send(boss, provider)
    url = ADD.replace("add", f"{TimeOff.objects.get().pk}/change")
    assert "Whole days" in text_of(boss.get(url))
    assert "Whole days" not in text_of(viewer.get(url))
