"""The page that generates sessions from business hours: a preview first, then the sessions."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.schedule.services import create_schedule, take_time_off
from tests.admin.page import FormData, form_values, messages_of, text_of
from tests.contrib.group_sessions.admin.conftest import LIST
from tests.contrib.group_sessions.conftest import MakeSession

pytestmark = pytest.mark.django_db

GENERATE = f"{LIST}generate/"


@pytest.fixture
def monday() -> date:
    """Of next week."""
    today = timezone.now().date()
    return today + timedelta(days=7 - today.weekday())


@pytest.fixture(autouse=True)
def _hours(provider: Any) -> None:
    create_schedule(provider=provider, hours={day: [("09:00", "12:00")] for day in range(5)})


@pytest.fixture
def sent(service: Any, provider: Any, monday: date) -> FormData:
    return {
        "service": service.pk,
        "provider": provider.pk,
        "start_date": f"{monday}",
        "end_date": f"{monday + timedelta(days=1)}",
        "slot_duration_minutes": 60,
        "capacity": 8,
        "title": "Flow",
    }


def at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), timezone.get_default_timezone())


def preview(client: Client, sent: FormData) -> FormData:
    """The page that a preview shows, to be sent again."""
    return form_values(client.post(GENERATE, sent | {"_preview": "1"}), "generate_form")


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(said) for name, said in response.context["form"].errors.items()}


def test_a_preview_counts_and_makes_nothing(
    boss: Client, sent: FormData, make_session: MakeSession, provider: Any, monday: date
) -> None:
    assert GENERATE in text_of(boss.get(LIST))
    make_session(start_at=at(monday, 9), title="There")
    day = monday + timedelta(days=1)
    take_time_off(provider=provider, start_at=at(day, 9), end_at=at(day, 10))
    page = text_of(boss.post(GENERATE, sent | {"_preview": "1"}))
    assert "4 sessions would be made." in page
    assert "1 is there already, and stays as it is." in page
    assert "1 slot is taken by something else, and gets no session." in page
    assert "<td>Time off</td>" in page
    assert 'value="Make 4 sessions"' in page
    assert Session.objects.count() == 1


def test_a_preview_lists_the_starts(
    boss: Client, sent: FormData, make_session: MakeSession, provider: Any, monday: date
) -> None:
    make_session(start_at=at(monday, 9), title="There")
    take_time_off(provider=provider, start_at=at(monday, 11), end_at=at(monday, 12))
    response = boss.post(GENERATE, sent | {"_preview": "1"})
    tuesday = monday + timedelta(days=1)
    assert response.context["days"] == [
        (monday, [at(monday, 10)]),
        (tuesday, [at(tuesday, hour) for hour in (9, 10, 11)]),
    ]
    page = text_of(response)
    assert f"Monday, {date_format(monday)}" in page
    assert page.count("10 a.m.</time>") == 2
    assert "In the way" in page
    assert " more" not in page


def test_many_starts_are_listed_to_a_limit(boss: Client, sent: FormData, monday: date) -> None:
    last = monday + timedelta(days=11)
    many = {"end_date": f"{last}", "slot_duration_minutes": 15}
    with patch("bookings.contrib.group_sessions.admin.generate.MAX_STARTS", 100):
        page = text_of(boss.post(GENERATE, sent | many | {"_preview": "1"}))
    assert "120 sessions would be made." in page
    assert page.count("</time>") == 100
    assert "and 20 more" in page
    assert "In the way" not in page


def test_previewed_sessions_are_generated(
    boss: Client, sent: FormData, make_session: MakeSession, provider: Any, monday: date
) -> None:
    make_session(start_at=at(monday, 9), title="There")
    take_time_off(provider=provider, start_at=at(monday, 11), end_at=at(monday, 12))
    answer = boss.post(GENERATE, preview(boss, sent) | {"_generate": "1"}, follow=True)
    assert messages_of(answer) == [
        "4 sessions were made.",
        "1 session was there already.",
        "1 slot is taken by something else.",
    ]
    assert Session.objects.filter(title="Flow", capacity=8).count() == 4
    assert Session.objects.filter(created_by__username="boss").count() == 4


def test_a_double_click_generates_them_once(boss: Client, sent: FormData) -> None:
    page = preview(boss, sent) | {"_generate": "1"}
    assert messages_of(boss.post(GENERATE, page, follow=True)) == ["6 sessions were made."]
    assert (
        messages_of(boss.post(GENERATE, page, follow=True))[-1] == "6 sessions were there already."
    )
    assert Session.objects.count() == 6


def test_changed_values_are_previewed_again(boss: Client, sent: FormData) -> None:
    page = preview(boss, sent) | {"_generate": "1", "capacity": 80}
    assert "6 sessions would be made." in text_of(boss.post(GENERATE, page))
    assert "6 sessions would be made." in text_of(boss.post(GENERATE, sent | {"_generate": "1"}))
    assert not Session.objects.exists()


def test_many_conflicts_are_listed_to_a_limit(
    boss: Client, sent: FormData, provider: Any, monday: date
) -> None:
    last = monday + timedelta(days=30)
    take_time_off(provider=provider, start_at=at(monday, 0), end_at=at(last, 0))
    page = text_of(boss.post(GENERATE, sent | {"end_date": f"{last - timedelta(days=1)}"}))
    assert "66 slots are taken by something else, and get no session." in page
    assert page.count("<td>Time off</td>") == 50
    assert "and 16 more" in page
    assert "_generate" not in page


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"end_date": "2001-01-01"}, "end_date"),
        ({"end_date": "9999-12-31"}, "end_date"),
        ({"start_date": "rubbish"}, "start_date"),
        ({"slot_duration_minutes": 5}, "slot_duration_minutes"),
        ({"slot_duration_minutes": 100_000}, "slot_duration_minutes"),
        ({"slot_duration_minutes": -1}, "slot_duration_minutes"),
        ({"capacity": 0}, "capacity"),
        ({"provider": 999_999}, "provider"),
        ({"service": ""}, "service"),
        ({"meeting_link": "x"}, "meeting_link"),
    ],
)
def test_bad_input_is_a_message_at_its_field(
    boss: Client, sent: FormData, values: dict[str, Any], field: str
) -> None:
    response = boss.post(GENERATE, sent | values)
    assert list(errors(response)) == [field]
    assert "_generate" not in text_of(response)
    assert not Session.objects.exists()


def test_a_provider_without_a_schedule(boss: Client, sent: FormData, other_provider: Any) -> None:
    assert list(errors(boss.post(GENERATE, sent | {"provider": other_provider.pk}))) == ["provider"]


def test_a_user_who_may_not_add_sessions_is_refused(
    viewer: Client, stranger: Client, sent: FormData
) -> None:
    assert GENERATE not in text_of(viewer.get(LIST))
    for client in (viewer, stranger):
        assert client.get(GENERATE).status_code == 403
        assert client.post(GENERATE, sent | {"_generate": "1"}).status_code == 403
    assert not Session.objects.exists()


def test_a_manager_generates_sessions(manager: Client, sent: FormData) -> None:
    manager.post(GENERATE, preview(manager, sent) | {"_generate": "1"})
    assert Session.objects.count() == 6


def test_the_second_admin_searches(boss: Client, sent: FormData) -> None:
    page = text_of(boss.get(GENERATE.replace("/admin/", "/desk/")))
    assert "admin-autocomplete" in page
    assert "related-widget-wrapper" not in page
    answer = boss.post(
        GENERATE.replace("/admin/", "/desk/"), preview(boss, sent) | {"_generate": "1"}
    )
    assert answer["Location"] == LIST.replace("/admin/", "/desk/")


def test_without_schedules_there_is_no_such_page(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_installed = apps.is_installed
    monkeypatch.setattr(
        apps, "is_installed", lambda name: "schedule" not in name and is_installed(name)
    )
    assert GENERATE not in text_of(boss.get(LIST))
    assert boss.get(GENERATE).status_code == 404
