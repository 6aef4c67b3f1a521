"""Staff see a series and its bookings, and cancel it from a start on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from bookings.admin import BookingAdmin
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.series.admin.series import SeriesAdmin
from bookings.contrib.series.models import Series
from bookings.contrib.series.services import create_session_series, reschedule_series
from bookings.models import Booking
from tests.contrib.series.conftest import FIRST, MakeSeries

pytestmark = pytest.mark.django_db

ADMIN = "/admin/bookings_series/series"


@pytest.fixture
def series(make_series: MakeSeries, make_service: Any) -> Series:
    """Every day at this time, from tomorrow on; the first is too soon for a client to cancel."""
    now = timezone.now().replace(microsecond=0)
    strict = make_service(name="Strict", cancellation_notice_minutes=36 * 60)
    return make_series(
        rrule="FREQ=DAILY;COUNT=3", start_at=now + timedelta(days=1), now_dt=now, service=strict
    ).series


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


def clerk(*permissions: str) -> Client:
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def statuses() -> list[str]:
    return list(Booking.objects.order_by("start_at").values_list("status", flat=True))


def test_a_series_shows_its_rule_and_its_bookings(boss: Client, series: Series) -> None:
    bookings = list(Booking.objects.all())
    bookings[2].delete()
    assert "Every day, 3 times" in text(boss, f"{ADMIN}/?q={bookings[0].reference}")
    page = text(boss, f"{ADMIN}/{series.pk}/change/")
    assert f"/admin/bookings/booking/{bookings[1].pk}/change/" in page
    assert "Every day, 3 times" in page
    assert series.rrule in page, "The rule of RFC 5545 is on record."
    assert 'name="_save"' not in page
    assert boss.get(f"{ADMIN}/add/").status_code == 403
    assert boss.post(f"{ADMIN}/{series.pk}/delete/").status_code == 403
    series.occurrences.filter(booking=None).update(session_key=7)
    assert "#7" in text(boss, f"{ADMIN}/{series.pk}/change/")


def test_a_booking_says_to_which_series_it_belongs(boss: Client, series: Series) -> None:
    path = f"/admin/bookings/booking/{Booking.objects.first().pk}/change/"  # type: ignore[union-attr]
    assert f"{ADMIN}/{series.pk}/change/" in text(boss, path)
    assert f"{ADMIN}/{series.pk}/change/" not in text(clerk("view_booking"), path)


def test_it_is_cancelled_from_a_start_on(boss: Client, series: Series) -> None:
    first, second, _third = series.occurrences.all()
    assert f"{ADMIN}/{series.pk}/cancel/" in text(boss, f"{ADMIN}/{series.pk}/change/")
    path = f"{ADMIN}/{series.pk}/cancel/"
    assert "Strict" in text(boss, path)
    done = boss.post(path, {"_answered": "1", "since": second.pk, "reason": "Ill"}, follow=True)
    assert "2 starts of the series are cancelled." in done.content.decode()
    assert statuses() == ["CONFIRMED", "CANCELLED", "CANCELLED"]
    booking = Booking.objects.order_by("start_at")[1]
    assert (booking.cancellation_reason, str(booking.cancelled_by)) == ("Ill", "boss")
    refused = boss.post(path, {"since": first.pk, "reason": ""})
    assert "Cannot cancel within the notice window" in refused.content.decode()
    assert statuses()[0] == "CONFIRMED"
    boss.post(path, {"since": first.pk, "reason": "", "override_policy": "on"})
    assert statuses()[0] == "CANCELLED"


def test_nothing_is_cancelled_without_a_start(boss: Client, series: Series) -> None:
    for since in ("", "0", "everything"):
        answer = boss.post(f"{ADMIN}/{series.pk}/cancel/", {"since": since})
        assert answer.status_code == 200
    assert set(statuses()) == {"CONFIRMED"}
    assert boss.get(f"{ADMIN}/{series.pk + 1}/cancel/").status_code == 404


def test_a_viewer_cannot_cancel(series: Series) -> None:
    client = clerk("view_series", "view_occurrence")
    assert "/cancel/" not in text(client, f"{ADMIN}/{series.pk}/change/")
    since = series.occurrences.values_list("pk", flat=True)[0]
    assert client.post(f"{ADMIN}/{series.pk}/cancel/", {"since": since}).status_code == 403
    assert set(statuses()) == {"CONFIRMED"}


def test_bookings_are_only_busy_for_who_may_not_see_them(series: Series) -> None:
    references = [booking.reference for booking in Booking.objects.all()]
    client = clerk("view_series", "change_series", "view_occurrence")
    page = text(client, f"{ADMIN}/{series.pk}/change/")
    assert page.count("Busy") == 3
    assert not any(reference in page for reference in references)
    assert "Confirmed" not in page
    assert series.rrule not in text(client, f"{ADMIN}/?q={references[0]}")
    assert series.rrule not in text(client, f"{ADMIN}/?q=Mary")


@pytest.mark.parametrize("permissions", [(), ("view_booking",), ("add_booking",)])
def test_a_series_is_cancelled_only_by_who_may_change_its_bookings(
    series: Series, permissions: tuple[str, ...]
) -> None:
    client = clerk("view_series", "change_series", *permissions)
    assert "/cancel/" not in text(client, f"{ADMIN}/{series.pk}/change/")
    path = f"{ADMIN}/{series.pk}/cancel/"
    since = series.occurrences.values_list("pk", flat=True)[1]
    assert client.get(path).status_code == 403
    assert client.post(path, {"since": since, "reason": ""}).status_code == 403
    assert set(statuses()) == {"CONFIRMED"}


def test_who_may_change_bookings_and_series_cancels_it(series: Series) -> None:
    client = clerk("view_series", "change_series", "change_booking")
    assert "/cancel/" in text(client, f"{ADMIN}/{series.pk}/change/")
    since = series.occurrences.values_list("pk", flat=True)[1]
    client.post(f"{ADMIN}/{series.pk}/cancel/", {"since": since, "reason": ""})
    assert statuses() == ["CONFIRMED", "CANCELLED", "CANCELLED"]


def test_one_booking_that_the_user_may_not_change_keeps_them_all(
    boss: Client, series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = BookingAdmin.has_change_permission
    last = Booking.objects.order_by("start_at").last()

    def not_the_last(self: Any, request: Any, obj: Any = None) -> bool:
        return obj != last and own(self, request, obj)

    monkeypatch.setattr(BookingAdmin, "has_change_permission", not_the_last)
    since = series.occurrences.values_list("pk", flat=True)[1]
    refused = boss.post(f"{ADMIN}/{series.pk}/cancel/", {"since": since, "reason": ""})
    assert "You may not change 1 of these starts" in refused.content.decode()
    assert set(statuses()) == {"CONFIRMED"}


def test_a_session_series_is_cancelled_by_who_may_change_sessions(
    make_service: Any, provider: Any
) -> None:
    made = create_session_series(
        service=make_service(name="Course"),
        provider=provider,
        rrule="FREQ=DAILY;COUNT=2",
        timezone="UTC",
        start_at=timezone.now().replace(microsecond=0) + timedelta(days=1),
    )
    path = f"{ADMIN}/{made.series.pk}/cancel/"
    since = made.series.occurrences.values_list("pk", flat=True)[0]
    client = clerk("change_series", "change_booking")
    assert client.post(path, {"since": since, "reason": ""}).status_code == 403
    get_user_model().objects.all().delete()
    client = clerk("change_series", "change_session")
    assert client.post(path, {"since": since, "reason": ""}).status_code == 302
    assert {row.status for row in Session.objects.all()} == {"CANCELLED"}


def test_past_starts_are_not_offered(boss: Client, make_series: MakeSeries) -> None:
    old = make_series(allow_past=True).series
    assert "<option" not in text(boss, f"{ADMIN}/{old.pk}/cancel/")
    assert old.dtstart == FIRST


def test_the_parts_of_a_series_that_was_split_lead_to_each_other(
    boss: Client, series: Series
) -> None:
    second = series.occurrences.order_by("original_start_at")[1]
    moved = reschedule_series(
        second,
        new_start_at=second.original_start_at + timedelta(hours=2),
        scope="following",
        override_policy=True,
    ).series
    assert moved != series
    first_page, second_page = (f"{ADMIN}/{row.pk}/change/" for row in (series, moved))
    assert f'<a href="{second_page}">' in text(boss, first_page)
    assert f'<a href="{first_page}">' in text(boss, second_page)


def test_a_series_that_the_user_may_not_see_has_no_link_on_the_booking(
    boss: Client, series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = Booking.objects.order_by("start_at")[0]
    path = f"/admin/bookings/booking/{booking.pk}/change/"
    before = text(boss, path)
    monkeypatch.setattr(SeriesAdmin, "get_queryset", lambda *args: Series.objects.none())
    after = text(boss, path)
    assert f"{ADMIN}/{series.pk}/change/" in before
    assert f"{ADMIN}/{series.pk}/change/" not in after
    assert "field-series_link" in after
