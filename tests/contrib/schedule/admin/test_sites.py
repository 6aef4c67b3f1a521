"""The admin of schedules on a host's own site, and what the system checks say of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from bookings.contrib.schedule.admin import ScheduleAdmin, TimeOffAdmin
from bookings.contrib.schedule.models import Schedule, TimeOff
from bookings.contrib.schedule.services import take_time_off
from tests.admin.page import text_of
from tests.admin.urls import SearchableAdmin, desk
from tests.contrib.schedule.admin.conftest import ADD, LIST, at, page_of

DESK = LIST.replace("admin", "desk", 1)


def widget_of(page: Any, name: str) -> str:
    widget = page.context["adminform"].form.fields[name].widget
    return type(getattr(widget, "widget", widget)).__name__


def test_a_provider_is_searched_where_there_is_a_search(boss: Client, planner: Client) -> None:
    for add in (ADD, ADD.replace("schedule/add", "timeoff/add")):
        at_desk = add.replace("admin", "desk", 1)
        assert widget_of(boss.get(add), "provider") == "ForeignKeyRawIdWidget"
        assert widget_of(boss.get(at_desk), "provider") == "AutocompleteSelect"
        assert widget_of(planner.get(at_desk), "provider") == "ForeignKeyRawIdWidget"


def test_the_search_answers(boss: Client, provider: Any) -> None:
    for model in ("schedule", "timeoff"):
        asked = {"app_label": "bookings_schedule", "model_name": model, "field_name": "provider"}
        answer = boss.get("/desk/autocomplete/", asked | {"term": "a"})
        assert [result["text"] for result in answer.json()["results"]] == ["Ada"]


def test_a_search_prefix_goes_before_the_provider(
    boss: Client, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SearchableAdmin, "search_fields", ("^name",))
    assert len(boss.get(DESK, {"q": "Ad"}).context["cl"].result_list) == 1
    assert len(boss.get(DESK, {"q": "da"}).context["cl"].result_list) == 0


def test_the_desk_links_to_itself(boss: Client, schedule: Schedule, provider: Any) -> None:
    take_time_off(provider=provider, start_at=at(9), end_at=at(12))
    for page in (DESK, page_of(schedule, "desk"), "/desk/bookings_schedule/timeoff/"):
        text = text_of(boss.get(page))
        assert "/desk/bookings_schedule/" in text
        assert "/admin/bookings_schedule/" not in text


def test_a_site_without_time_off_shows_none(boss: Client, schedule: Schedule, rf: Any) -> None:
    empty = admin.AdminSite(name="empty")
    assert ScheduleAdmin(Schedule, empty).upcoming_time_off(rf.get("/"), schedule) is None


def test_system_checks_find_no_problems() -> None:
    for site in (admin.site, desk, admin.AdminSite(name="empty")):
        assert ScheduleAdmin(Schedule, site).check() == []
        assert TimeOffAdmin(TimeOff, site).check() == []
