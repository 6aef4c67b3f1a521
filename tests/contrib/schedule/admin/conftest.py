"""A provider with a schedule, staff, and the pages that they open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule
from bookings.contrib.schedule.services import create_schedule
from tests.admin.conftest import (  # noqa: F401
    Book,
    Make,
    _browser,
    _database,
    book,
    boss,
    make_provider,
    make_service,
    other_provider,
    service,
    start,
    stranger,
)
from tests.admin.page import FormData, form_values

LIST = "/admin/bookings_schedule/schedule/"
ADD = f"{LIST}add/"
FORM = "schedule_form"
NINE_TO_FIVE = ("09:00", "17:00")

Send = Callable[..., Any]


def page_of(schedule: Schedule, site: str = "admin") -> str:
    return f"/{site}/bookings_schedule/schedule/{schedule.pk}/change/"


def open_form(client: Client, url: str) -> FormData:
    """The page's form, without the templates of the rows that can be added."""
    page = form_values(client.get(url), FORM)
    return {name: value for name, value in page.items() if "__prefix__" not in name}


def row(prefix: str, number: int, **values: Any) -> FormData:
    """One row of a form, and that the form has as many."""
    return {f"{prefix}-{number}-{name}": value for name, value in values.items()} | {
        f"{prefix}-TOTAL_FORMS": number + 1
    }


def hours_of(schedule: Schedule) -> list[str]:
    return [str(hours) for hours in BusinessHours.objects.filter(schedule=schedule)]


def dates_of(schedule: Schedule) -> list[str]:
    rows = DateOverride.objects.filter(schedule=schedule)
    return [f"{row.date} {row.hours or 'closed'} {row.reason}".strip() for row in rows]


def revision_of(schedule: Schedule) -> int:
    return Schedule.objects.values_list("revision", flat=True).get(pk=schedule.pk)


def row_errors(response: Any) -> dict[str, list[str]]:
    """What is said of the rows, by the names of their fields."""
    assert response.status_code == 200
    return {
        form.add_prefix(name): list(said)
        for inline in response.context["inline_admin_formsets"]
        for form in inline.formset.forms
        for name, said in form.errors.items()
    }


@cache
def today() -> date:
    """The day on which the test began: also when midnight passes before it ends."""
    return timezone.localdate()


@pytest.fixture(autouse=True)
def _ask_for_the_day_again() -> None:
    today.cache_clear()


def in_days(days: int) -> date:
    return today() + timedelta(days=days)


def at(hour: int, minute: int = 0, *, days: int = 2) -> datetime:
    day = in_days(days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@pytest.fixture
def provider(make_provider: Make) -> Any:  # noqa: F811
    return make_provider()


@pytest.fixture
def schedule(provider: Any) -> Schedule:
    """Ada's: Mondays with a break, and Tuesdays."""
    return create_schedule(
        provider=provider,
        timezone="UTC",
        hours={0: [("09:00", "12:00"), ("13:00", "17:00")], 1: [NINE_TO_FIVE]},
    )


@pytest.fixture
def planner() -> Client:
    """May change schedules and time off, and nothing else."""
    verbs = ("view", "add", "change", "delete")
    names = [f"{verb}_{model}" for verb in verbs for model in ("schedule", "timeoff")]
    return _browser("planner", *names)


@pytest.fixture
def viewer() -> Client:
    return _browser("viewer", "view_schedule", "view_timeoff")
