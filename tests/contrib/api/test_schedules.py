"""When providers work, over HTTP: staff say it, and providers for themselves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from bookings.contrib.api.policy import ApiPolicy
from bookings.contrib.schedule.models import BusinessHours, Schedule, TimeOff
from bookings.models import Booking
from tests.contrib.api.conftest import API, As, send

pytestmark = pytest.mark.django_db


def results(response: Any) -> list[Any]:
    assert response.status_code == 200, response.json()
    rows: list[Any] = response.json()["results"]
    return rows


def test_hours_of_a_week_are_set_at_once(
    as_: As, provider: Any, other_provider: Any, people: Any
) -> None:
    week = [
        {"day_of_week": 0, "open_time": "09:00", "close_time": "12:00"},
        {"day_of_week": 0, "open_time": "22:00", "close_time": "02:00", "closes_next_day": True},
        {"day_of_week": 6, "is_closed": True},
    ]
    body = {"provider": provider.pk, "hours": week, "timezone": "Europe/Berlin"}
    address = "business-hours/bulk_create/"
    assert send(as_("client"), address, body).json()["code"] == "permission_denied"
    hours = send(as_("provider"), address, body).json()["hours"]
    assert [(each["day_of_week"], each["open_time"]) for each in hours] == [
        (0, "09:00:00"),
        (0, "22:00:00"),
    ]
    assert Schedule.objects.get().timezone == "Europe/Berlin"
    # Another day is added, and the same one is replaced.
    more = [
        {"day_of_week": 1, "open_time": "10:00", "close_time": "11:00"},
        {"day_of_week": 0, "is_closed": True},
    ]
    send(as_("staff"), address, {"provider": provider.pk, "hours": more})
    [left] = BusinessHours.objects.all()
    assert left.day_of_week == 1
    send(as_("staff"), address, {"provider": other_provider.pk, "hours": more})
    for role, number in (("staff", 2), ("provider", 1), ("client", 0)):
        assert len(results(as_(role).get(f"{API}business-hours/"))) == number
    of_one = f"{API}business-hours/?provider={other_provider.pk}"
    assert [row["provider"] for row in results(as_("staff").get(of_one))] == [other_provider.pk]


def test_hours_that_make_no_sense_are_refused(as_: As, provider: Any) -> None:
    for shift, code in (
        ({"day_of_week": 0}, "hours_or_closed"),
        (
            {"day_of_week": 0, "open_time": "09:00", "close_time": "10:00", "is_closed": True},
            "hours_or_closed",
        ),
        ({"day_of_week": 7, "is_closed": True}, "max_value"),
    ):
        body = {"provider": provider.pk, "hours": [shift]}
        response = send(as_("staff"), "business-hours/bulk_create/", body)
        assert response.json()["errors"][0]["code"] == code
    backwards = {"day_of_week": 0, "open_time": "12:00", "close_time": "09:00"}
    body = {"provider": provider.pk, "hours": [backwards]}
    response = send(as_("staff"), "business-hours/bulk_create/", body)
    assert (response.status_code, response.json()["code"]) == (422, "close_before_open")
    # Nothing was written, and no schedule made.
    assert not Schedule.objects.exists()


def test_a_provider_is_closed_and_opened(as_: As, booking: Booking) -> None:
    Schedule.objects.create(provider=booking.provider, timezone="UTC")
    body = {"provider": booking.provider_id, "first_date": "2131-03-06", "last_date": "2131-03-07"}
    closed = send(as_("provider"), "closures/", body | {"reason": "Moving"}).json()
    assert [(each["date"], each["reason"]) for each in closed["closures"]] == [
        ("2131-03-06", "Moving"),
        ("2131-03-07", "Moving"),
    ]
    assert closed["bookings"] == [str(booking.uuid)]
    assert send(as_("other"), "closures/", body).json()["code"] == "permission_denied"
    one = f"{API}closures/{closed['closures'][0]['id']}/"
    assert as_("other").delete(one).status_code == 404
    assert as_("provider").delete(one).status_code == 204
    assert len(results(as_("provider").get(f"{API}closures/"))) == 1


def test_time_off_is_taken_moved_and_given_back(as_: As, booking: Booking) -> None:
    body = {
        "provider": booking.provider_id,
        "start_at": "2131-03-06T09:00:00Z",
        "end_at": "2131-03-06T12:00:00Z",
    }
    taken = send(as_("provider"), "time-off/", body)
    assert (taken.status_code, taken.json()["code"]) == (409, "time_off_conflict")
    body["start_at"] = "2131-03-06T11:00:00Z"
    off = send(as_("provider"), "time-off/", body | {"reason": "Dentist"}).json()
    assert off["reason"] == "Dentist"
    later = {"start_at": "2131-03-06T13:00:00Z", "end_at": "2131-03-06T14:00:00Z"}
    address = f"time-off/{off['id']}/"
    assert send(as_("other"), f"{address}move/", later).status_code == 404
    assert later.items() <= send(as_("staff"), f"{address}move/", later).json().items()
    query = "start_before=2131-03-06T14:00:00Z&end_after=2131-03-06T13:00:00Z"
    assert len(results(as_("staff").get(f"{API}time-off/?{query}"))) == 1
    assert as_("provider").delete(f"{API}{address}").status_code == 204
    assert not TimeOff.objects.exists()


def test_staff_of_some_tenants_manage_no_providers_of_everybody(
    people: Any, provider: Any, other_provider: Any
) -> None:
    class OfOne(ApiPolicy):
        tenants = (1,)
        own_providers = (provider.pk,)

    user = people["other"]
    assert list(ApiPolicy(SimpleNamespace(user=user)).managed_providers()) == []  # type: ignore[arg-type]
    codenames = ["view_booking", "change_schedule"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    user = type(user).objects.get(pk=user.pk)
    request: Any = SimpleNamespace(user=user)
    assert list(OfOne(request).managed_providers()) == [provider]
    assert set(ApiPolicy(request).managed_providers()) == {provider, other_provider}
