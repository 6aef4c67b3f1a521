"""The actions on schedules."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.services import add_closures, create_schedule
from tests.admin.page import FormData, form_values, messages_of, text_of
from tests.contrib.schedule.admin.conftest import (
    LIST,
    Book,
    Make,
    _browser,
    at,
    dates_of,
    hours_of,
    in_days,
    page_of,
)

QUESTION = "schedule_question_form"


def ask(client: Client, action: str, *schedules: Schedule) -> Any:
    keys = [schedule.pk for schedule in schedules]
    return client.post(LIST, {"action": action, "_selected_action": keys})


def answer(client: Client, asked: Any, **values: Any) -> Any:
    sent: FormData = form_values(asked, QUESTION) | values
    return client.post(LIST, sent, follow=True)


def test_dates_are_closed_after_a_question(planner: Client, schedule: Schedule) -> None:
    default = create_schedule()
    asked = ask(planner, "close_dates", schedule, default)
    page = text_of(asked)
    for text in ("These 2 schedules", "Ada", "Default schedule", "Close dates"):
        assert text in page
    assert not DateOverride.objects.exists()
    done = answer(planner, asked, first_date=in_days(3), last_date=in_days(4), reason="Painting")
    assert messages_of(done) == ["4 days were closed."]
    assert dates_of(schedule) == [f"{in_days(3)} closed Painting", f"{in_days(4)} closed Painting"]
    assert LogEntry.objects.count() == 2
    assert "Close dates" in LogEntry.objects.all()[0].get_change_message()


def test_bookings_on_closed_days_are_named(boss: Client, schedule: Schedule, book: Book) -> None:
    booking = book(start_at=at(10, days=3))
    asked = ask(boss, "close_dates", schedule)
    done = answer(boss, asked, first_date=in_days(3))
    assert messages_of(done)[0] == "1 day was closed."
    assert messages_of(done)[1].startswith("1 booking lies on a closed day. Move it, or keep it.")
    link = f'<a href="/admin/bookings/booking/{booking.pk}/change/">{booking.reference}</a>'
    assert link in text_of(done)


def test_an_invalid_answer_is_asked_for_again(planner: Client, schedule: Schedule) -> None:
    asked = ask(planner, "close_dates", schedule)
    again = answer(planner, asked, first_date="")
    assert "This field is required." in text_of(again)
    again = answer(planner, again, first_date=in_days(3), last_date=in_days(2))
    assert "lies before" in text_of(again)
    assert form_values(again, QUESTION)["first_date"] == [f"{in_days(3)}"]
    assert not DateOverride.objects.exists()
    assert not LogEntry.objects.exists()


def test_closed_dates_are_opened_again(planner: Client, schedule: Schedule) -> None:
    add_closures(schedules=[schedule], first_date=in_days(3), last_date=in_days(5))
    asked = ask(planner, "open_dates", schedule)
    done = answer(planner, asked, first_date=in_days(4), last_date=in_days(9))
    assert messages_of(done) == ["2 closures were removed."]
    assert dates_of(schedule) == [f"{in_days(3)} closed"]


def test_a_schedule_is_copied_to_providers(
    planner: Client, schedule: Schedule, make_provider: Make
) -> None:
    others = [make_provider(name="Bo"), make_provider(name="Cy")]
    asked = ask(planner, "copy_to_providers", schedule)
    done = answer(planner, asked, providers=[other.pk for other in others])
    assert messages_of(done) == ["The schedule was copied to 2 providers."]
    for other in others:
        assert hours_of(other.booking_schedule) == hours_of(schedule)


def test_an_existing_schedule_is_replaced_on_request(
    planner: Client, schedule: Schedule, other_provider: Any
) -> None:
    theirs = create_schedule(provider=other_provider)
    asked = ask(planner, "copy_to_providers", schedule)
    refused = answer(planner, asked, providers=[other_provider.pk])
    assert "There is a schedule of Grace already." in text_of(refused)
    assert hours_of(theirs) == []
    done = answer(planner, refused, replace="on")
    assert messages_of(done) == ["The schedule was copied to 1 provider."]
    assert hours_of(theirs) == hours_of(schedule)


def test_a_user_who_may_only_add_replaces_nothing(schedule: Schedule, other_provider: Any) -> None:
    create_schedule(provider=other_provider)
    client = _browser("adder", "view_schedule", "add_schedule")
    asked = ask(client, "copy_to_providers", schedule)
    assert "replace" not in asked.context["form"].fields
    refused = answer(client, asked, providers=[other_provider.pk], replace="on")
    assert "There is a schedule of Grace already." in text_of(refused)


def test_one_schedule_is_copied_at_a_time(planner: Client, schedule: Schedule) -> None:
    done = ask(planner, "copy_to_providers", schedule, create_schedule())
    assert messages_of(planner.get(done.url)) == ["Select one schedule: the one to be copied."]


def test_the_providers_are_searched_where_they_can_be(boss: Client, schedule: Schedule) -> None:
    for site, widget in (("admin", "selectfilter"), ("desk", "admin-autocomplete")):
        url = LIST.replace("admin", site, 1)
        sent = {"action": "copy_to_providers", "_selected_action": [schedule.pk]}
        page = text_of(boss.post(url, sent))
        assert widget in page


def test_a_viewer_has_no_actions(viewer: Client, schedule: Schedule) -> None:
    assert 'name="action"' not in text_of(viewer.get(LIST))
    for action in ("close_dates", "open_dates", "copy_to_providers"):
        sent = {
            "action": action,
            "_selected_action": [schedule.pk],
            "_answered": "1",
            "first_date": f"{in_days(3)}",
        }
        viewer.post(LIST, sent)
    assert dates_of(schedule) == []


def test_a_viewer_sees_a_schedule_and_no_buttons(viewer: Client, schedule: Schedule) -> None:
    add_closures(schedules=[schedule], first_date=in_days(3), reason="Painting")
    schedule.hours.filter(day_of_week=1).update(valid_from="2020-01-01")
    page = text_of(viewer.get(page_of(schedule)))
    for text in ("09:00–12:00", "Jan. 1, 2020", "Painting", "The next two weeks"):
        assert text in page
    assert 'name="_save"' not in page
    assert 'name="monday-0-open_time"' not in page
    assert viewer.post(page_of(schedule), {}).status_code == 403
    assert viewer.get(f"{LIST}add/").status_code == 403


@pytest.mark.parametrize("url", [LIST, f"{LIST}add/", "/admin/bookings_schedule/timeoff/"])
def test_other_staff_see_nothing(
    stranger: Client, client: Client, schedule: Schedule, url: str
) -> None:
    assert stranger.get(url).status_code == 403
    assert stranger.get(page_of(schedule)).status_code == 403
    assert client.get(url).status_code == 302


def test_a_schedule_is_deleted_with_its_rows(planner: Client, schedule: Schedule) -> None:
    url = page_of(schedule).replace("/change/", "/delete/")
    for _click in range(2):
        assert planner.post(url, {"post": "yes"}).status_code == 302
    assert not Schedule.objects.exists()


def test_the_question_takes_as_many_queries_for_many(
    planner: Client, schedule: Schedule, make_provider: Make
) -> None:
    schedules = [schedule]

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert ask(planner, "close_dates", *schedules).status_code == 200
        return len(captured)

    few = queries()
    others = [make_provider(name=f"P{number}") for number in range(5)]
    schedules += [create_schedule(provider=other) for other in others]
    assert queries() == few
