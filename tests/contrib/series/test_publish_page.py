"""Staff publish a weekly class in the admin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import create_session
from bookings.contrib.schedule.services import create_schedule
from bookings.contrib.series.models import Series
from bookings.services import create_booking
from tests.admin.page import form_values, messages_of, text_of
from tests.contrib.series.test_admin import clerk

pytestmark = pytest.mark.django_db

LIST = "/admin/bookings_series/series/"
URL = f"{LIST}publish/"
SESSIONS = "/admin/bookings_group_sessions/session/"
FORM = "publish_form"


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


@pytest.fixture
def first() -> datetime:
    """Ten in the morning, the day after tomorrow."""
    later = timezone.localtime() + timedelta(days=2)
    return later.replace(hour=10, minute=0, second=0, microsecond=0)


@pytest.fixture
def filled(boss: Client, service: Any, provider: Any, first: datetime) -> dict[str, Any]:
    return form_values(boss.get(URL), FORM) | {
        "service": service.pk,
        "provider": provider.pk,
        "start_at_0": f"{first:%Y-%m-%d}",
        "start_at_1": "10",
        "count": "3",
        "capacity": "8",
        "title": "Yoga",
    }


def test_a_class_is_published_once(
    boss: Client, filled: dict[str, Any], first: datetime, provider: Any
) -> None:
    create_schedule(provider=provider, timezone="Asia/Tokyo", hours={})
    for _click in range(2):
        response = boss.post(URL, filled | {"start_at_1": "10:00", "interval": "2"})
        series = Series.objects.get()
        assert response.url == f"{LIST}{series.pk}/change/"
    assert messages_of(boss.get(response.url)) == ["3 sessions were made."] * 2
    assert (series.rrule, series.timezone) == ("FREQ=WEEKLY;INTERVAL=2;COUNT=3", "Asia/Tokyo")
    starts = Session.objects.order_by("start_at").values_list("start_at", flat=True)
    assert list(starts) == [first + timedelta(weeks=weeks) for weeks in (0, 2, 4)]
    assert {(one.title, one.capacity) for one in Session.objects.all()} == {("Yoga", 8)}
    another = boss.post(URL, filled | {"start_at_1": "10:00", "interval": "1"})
    [error] = another.context["form"].non_field_errors()
    assert error.startswith("This form has published these sessions before.")
    logged = LogEntry.objects.get(action_flag=ADDITION)
    assert (logged.object_id, logged.change_message) == (str(series.pk), "3 sessions were made.")


def test_a_class_ends_on_a_day(boss: Client, filled: dict[str, Any], first: datetime) -> None:
    until = f"{first + timedelta(weeks=1):%Y-%m-%d}"
    boss.post(URL, filled | {"start_at_1": "10:00", "count": "", "until": until})
    assert Session.objects.count() == 2


def test_what_is_not_possible_is_said(
    boss: Client, filled: dict[str, Any], first: datetime, provider: Any, service: Any
) -> None:
    for weeks in range(1, 13):
        start_at = first + timedelta(weeks=weeks)
        create_session(service=service, provider=provider, start_at=start_at, capacity=1)
    sent = filled | {"start_at_1": "10:00", "count": "13"}
    errors = boss.post(URL, sent).context["form"].errors
    assert errors["start_at"][0].count("Booking conflicts") == 10
    assert "… (+2)" in errors["start_at"][0]
    done = boss.post(URL, sent | {"skip": "on"})
    assert done.status_code == 302
    made, skipped = messages_of(boss.get(done.url))
    assert made == "1 session was made."
    assert "not possible" in skipped


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"count": ""}, "count"),
        ({"until": "2020-01-01"}, "until"),
        ({"until": "0001-01-01"}, "until"),
        ({"until": "9999-12-31"}, "until"),
        ({"until": "2700-01-01"}, "until"),
        ({"interval": "52", "count": "400"}, "count"),
        ({"start_at_0": "4200-01-01"}, "start_at"),
        ({"capacity": "0"}, "capacity"),
        ({"service": ""}, "service"),
        ({"waitlist_offer_minutes": "5"}, "waitlist_offer_minutes"),
    ],
)
def test_an_error_is_at_its_field(
    boss: Client, filled: dict[str, Any], values: dict[str, Any], field: str
) -> None:
    response = boss.post(URL, filled | {"start_at_1": "10:00"} | values)
    assert list(response.context["form"].errors) == [field]
    assert not any(
        word in str(response.context["form"].errors) for word in ("UNTIL", "COUNT", "RFC")
    )
    assert not Session.objects.exists()


def test_a_last_day_west_of_greenwich(boss: Client, filled: dict[str, Any], settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    for until in ("9999-12-31", "4147-12-31"):
        response = boss.post(URL, filled | {"start_at_1": "10:00", "until": until})
        assert list(response.context["form"].errors) == ["until"]


def test_what_is_in_the_way_is_named_to_who_may_see_it(
    boss: Client, filled: dict[str, Any], first: datetime, provider: Any, service: Any
) -> None:
    booking = create_booking(
        service=service, provider=provider, start_at=first, client_name="Kim Lee"
    )
    sent = filled | {"start_at_1": "10:00"}
    page = text_of(boss.post(URL, sent))
    assert f"/admin/bookings/booking/{booking.pk}/change/" in page
    assert "Kim Lee" in page
    blind = clerk("add_session", "view_session")
    page = text_of(blind.post(URL, sent))
    assert "Busy · " in page
    assert booking.reference not in page
    assert "/admin/bookings/booking/" not in page
    assert "Kim Lee" not in page


@pytest.mark.parametrize(
    ("permissions", "page"),
    [
        (("view_session", "view_series"), f"{LIST}{{series}}/change/"),
        (("view_session",), SESSIONS),
        ((), "/admin/"),
    ],
)
def test_afterwards_staff_are_where_they_may_be(
    filled: dict[str, Any], permissions: tuple[str, ...], page: str
) -> None:
    publisher = clerk("add_session", *permissions)
    response = publisher.post(URL, filled | {"start_at_1": "10:00"}, follow=True)
    assert response.redirect_chain == [(page.format(series=Series.objects.get().pk), 302)]
    assert response.status_code == 200
    assert "3 sessions were made." in messages_of(response)


def test_the_lists_lead_there_for_who_may_add_sessions(boss: Client) -> None:
    assert all(URL in text_of(boss.get(url)) for url in (LIST, SESSIONS))
    viewer = clerk("view_session", "view_series")
    assert not any(URL in text_of(viewer.get(url)) for url in (LIST, SESSIONS))
    assert viewer.get(URL).status_code == 403
