"""Time off in the admin, and the list of what is in its way."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.admin import conflicts
from bookings.contrib.schedule.admin import TimeOffAdmin
from bookings.contrib.schedule.admin.schedule import MAX_TIMES_OFF
from bookings.contrib.schedule.models import Schedule, TimeOff
from bookings.contrib.schedule.services import cancel_time_off, create_schedule, take_time_off
from bookings.models import BusyInterval
from tests.admin.page import FormData, errors_of, form_values, messages_of, text_of
from tests.contrib.schedule.admin.conftest import Book, Make, _browser, at, in_days, page_of

LIST = "/admin/bookings_schedule/timeoff/"
ADD = f"{LIST}add/"
FORM = "timeoff_form"


def url_of(time_off: TimeOff) -> str:
    return f"{LIST}{time_off.pk}/change/"


def when(start: str, end: str, days: int = 2) -> FormData:
    day = f"{in_days(days)}"
    return {"start_at_0": day, "start_at_1": start, "end_at_0": day, "end_at_1": end}


def form(client: Client, provider: Any, **values: Any) -> FormData:
    page = form_values(client.get(ADD), FORM)
    return page | {"provider": provider.pk} | when("09:00", "12:00") | values


@pytest.fixture
def time_off(provider: Any) -> TimeOff:
    return take_time_off(provider=provider, start_at=at(9), end_at=at(12), reason="Dentist")


def test_time_off_is_taken_through_the_service(planner: Client, provider: Any) -> None:
    response = planner.post(ADD, form(planner, provider, reason="Dentist"), follow=True)
    assert "was added successfully" in messages_of(response)[0]
    taken = TimeOff.objects.get()
    assert (taken.start_at, taken.end_at, taken.reason) == (at(9), at(12), "Dentist")
    assert taken.created_by == get_user_model().objects.get(username="planner")
    assert taken.busy_interval.kind == BusyInterval.Kind.TIME_OFF


def test_bookings_in_the_way_are_named_and_linked(boss: Client, provider: Any, book: Book) -> None:
    booking = book(start_at=at(10), client_name="<Mary>")
    response = boss.post(ADD, form(boss, provider))
    (said,) = errors_of(response)["start_at"]
    assert said.startswith("1 booking lies in that time. Move or cancel it first.")
    page = text_of(response)
    assert f'<a href="/admin/bookings/booking/{booking.pk}/change/">&lt;Mary&gt;</a>' in page
    assert booking.reference in page
    assert "<Mary>" not in page
    assert not TimeOff.objects.exists()


def test_the_desk_links_to_itself(boss: Client, provider: Any, book: Book) -> None:
    booking = book(start_at=at(10))
    page = text_of(boss.post(ADD.replace("admin", "desk", 1), form(boss, provider)))
    assert f'"/desk/bookings/booking/{booking.pk}/change/"' in page


def test_bookings_that_the_user_may_not_see_are_only_busy(
    planner: Client, provider: Any, book: Book
) -> None:
    booking = book(start_at=at(10))
    page = text_of(planner.post(ADD, form(planner, provider)))
    assert ">Busy · " in page
    assert booking.reference not in page
    assert "Mary" not in page
    assert "/admin/bookings/booking/" not in page


def test_other_claims_are_named(planner: Client, provider: Any, time_off: TimeOff) -> None:
    BusyInterval.objects.update(kind=BusyInterval.Kind.EXTERNAL)
    refused = planner.post(ADD, form(planner, provider, reason="Other"))
    (said,) = errors_of(refused)["start_at"]
    assert said.startswith("That time is taken by 1 session or event")
    assert "External ·" in text_of(refused)


def test_it_may_overlap_other_time_off(planner: Client, provider: Any, time_off: TimeOff) -> None:
    sent = form(planner, provider, **when("08:00", "14:00"), reason="Leave")
    assert planner.post(ADD, sent).status_code == 302
    assert TimeOff.objects.count() == 2
    claim = BusyInterval.objects.get()
    assert (claim.start_at, claim.end_at) == (at(8), at(14))

    leave = TimeOff.objects.get(reason="Leave")
    page = form_values(planner.get(url_of(leave)), FORM)
    assert planner.post(url_of(leave), page | when("11:00", "13:00")).status_code == 302
    assert planner.post(f"{LIST}{time_off.pk}/delete/", {"post": "yes"}).status_code == 302
    claim = BusyInterval.objects.get()
    assert (claim.start_at, claim.end_at) == (at(11), at(13))


def test_a_long_list_of_hidden_bookings_is_cut(
    planner: Client, provider: Any, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conflicts, "MAX_ITEMS", 2)
    for hour in (9, 10, 11):
        book(start_at=at(hour))
    page = text_of(planner.post(ADD, form(planner, provider)))
    assert page.count('role="listitem"') == 3
    assert "… (+1)" in page


def test_a_double_click_takes_it_once(planner: Client, provider: Any) -> None:
    sent = form(planner, provider)
    for _click in range(2):
        assert planner.post(ADD, sent).status_code == 302
    assert TimeOff.objects.count() == BusyInterval.objects.count() == 1


def test_it_is_moved_and_its_reason_changed(planner: Client, time_off: TimeOff) -> None:
    page = form_values(planner.get(url_of(time_off)), FORM)
    assert "provider" not in page
    sent = page | when("13:00", "15:00") | {"reason": "Surgery"}
    assert planner.post(url_of(time_off), sent).status_code == 302
    time_off.refresh_from_db()
    assert (time_off.start_at, time_off.end_at, time_off.reason) == (at(13), at(15), "Surgery")
    claim = BusyInterval.objects.get()
    assert (claim.start_at, claim.end_at) == (at(13), at(15))


def test_the_reason_of_past_time_off_is_changed(planner: Client, provider: Any) -> None:
    past = TimeOff(provider=provider, start_at=at(9, days=-9), end_at=at(12, days=-9))
    past.save()
    page = form_values(planner.get(url_of(past)), FORM)
    assert planner.post(url_of(past), page | {"reason": "Ill"}).status_code == 302
    past.refresh_from_db()
    assert past.reason == "Ill"
    refused = planner.post(url_of(past), page | {"end_at_1": "13:00"})
    said = "The time off has ended already. Give an end that is still to come."
    assert errors_of(refused) == {"__all__": [said]}


def test_a_page_that_is_saved_as_it_is_changes_nothing(planner: Client, time_off: TimeOff) -> None:
    page = form_values(planner.get(url_of(time_off)), FORM)
    assert planner.post(url_of(time_off), page).status_code == 302
    time_off.refresh_from_db()
    assert (time_off.start_at, time_off.reason) == (at(9), "Dentist")


def test_it_is_not_moved_onto_a_booking(boss: Client, time_off: TimeOff, book: Book) -> None:
    booking = book(start_at=at(14))
    page = form_values(boss.get(url_of(time_off)), FORM)
    refused = boss.post(url_of(time_off), page | when("13:00", "15:00") | {"reason": "Surgery"})
    assert "1 booking lies in that time." in errors_of(refused)["start_at"][0]
    assert booking.reference in text_of(refused)
    time_off.refresh_from_db()
    assert (time_off.start_at, time_off.reason) == (at(9), "Dentist")


def test_an_end_that_is_not_after_the_start_is_a_message(planner: Client, provider: Any) -> None:
    for end in ("09:00", "12:00"):
        refused = planner.post(ADD, form(planner, provider, **when("12:00", end)))
        assert errors_of(refused) == {"end_at": ["End time must be after start time."]}


def test_deleted_time_off_is_said_not_to_exist(
    planner: Client, time_off: TimeOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = form_values(planner.get(url_of(time_off)), FORM)

    def deleted_meanwhile(*args: Any) -> None:
        TimeOff.objects.filter(pk=time_off.pk).delete()

    monkeypatch.setattr(TimeOffAdmin, "get_actor", deleted_meanwhile)
    refused = planner.post(url_of(time_off), page | {"reason": "Surgery"})
    said = "The time off is not saved, or has been deleted."
    assert errors_of(refused) == {"__all__": [said]}


def test_it_is_deleted(planner: Client, time_off: TimeOff) -> None:
    url = f"{LIST}{time_off.pk}/delete/"
    for _click in range(2):
        assert planner.post(url, {"post": "yes"}).status_code == 302
    assert not TimeOff.objects.exists()
    assert not BusyInterval.objects.exists()


def test_several_are_deleted_at_once(planner: Client, time_off: TimeOff) -> None:
    sent = {"action": "delete_selected", "_selected_action": [time_off.pk], "post": "yes"}
    assert planner.post(LIST, sent).status_code == 302
    assert not BusyInterval.objects.exists()


def test_a_link_fills_in_the_form(planner: Client, provider: Any) -> None:
    asked = {"provider": provider.pk, "start_at": f"{in_days(3)}"}
    page = form_values(planner.get(ADD, asked), FORM)
    assert page["provider"] == [f"{provider.pk}"]
    assert (page["start_at_0"], page["end_at_0"]) == ([f"{in_days(3)}"], [""])


def test_the_list_is_filtered_and_searched(
    planner: Client, time_off: TimeOff, other_provider: Any
) -> None:
    later = take_time_off(provider=other_provider, start_at=at(9, days=9), end_at=at(12, days=9))
    past = TimeOff(provider=other_provider, start_at=at(9, days=-9), end_at=at(12, days=-9))
    past.save()

    def found(**asked: Any) -> list[TimeOff]:
        return list(planner.get(LIST, asked).context["cl"].result_list)

    assert found() == [later, time_off, past]
    assert found(when="upcoming") == [time_off, later]
    assert found(q="dentist") == found(q="ada") == [time_off]
    assert found(provider__pk__exact=other_provider.pk) == [later, past]


def test_the_page_of_a_schedule_lists_time_off_to_come(
    planner: Client, schedule: Schedule, time_off: TimeOff, provider: Any
) -> None:
    past = TimeOff(provider=provider, start_at=at(9, days=-9), end_at=at(12, days=-9), reason="Ill")
    past.save()
    page = text_of(planner.get(page_of(schedule)))
    for link in (url_of(time_off), f"{LIST}{time_off.pk}/delete/", f"{ADD}?provider={provider.pk}"):
        assert f'href="{link}"' in page
    assert "Dentist" in page
    assert "Ill" not in page
    assert "Show all" not in page
    cancel_time_off(time_off)
    assert "None to come." in text_of(planner.get(page_of(schedule)))


def test_a_long_list_leads_to_the_rest(planner: Client, schedule: Schedule, provider: Any) -> None:
    for number in range(MAX_TIMES_OFF + 1):
        day = {"days": number + 2}
        take_time_off(provider=provider, start_at=at(9, **day), end_at=at(10, **day))
    page = text_of(planner.get(page_of(schedule)))
    assert page.count("/delete/") == MAX_TIMES_OFF + 1
    link = f"{LIST}?provider__pk__exact={provider.pk}"
    assert f'href="{link}"' in page
    assert planner.get(link).context["cl"].result_count == MAX_TIMES_OFF + 1


def test_a_default_schedule_has_no_time_off(planner: Client) -> None:
    assert "Time off</h2>" not in text_of(planner.get(page_of(create_schedule())))


def test_a_viewer_of_time_off_has_no_links_to_change_it(
    viewer: Client, schedule: Schedule, time_off: TimeOff
) -> None:
    page = text_of(viewer.get(page_of(schedule)))
    assert url_of(time_off) in page
    assert "/delete/" not in page
    assert ADD not in page
    page = text_of(viewer.get(url_of(time_off)))
    assert "Dentist" in page
    assert 'name="_save"' not in page
    assert viewer.get(ADD).status_code == 403


def test_a_user_who_may_not_see_time_off_sees_none(schedule: Schedule, time_off: TimeOff) -> None:
    page = text_of(_browser("hours", "view_schedule").get(page_of(schedule)))
    assert "Dentist" not in page


def test_the_list_takes_as_many_queries_for_many(
    planner: Client, time_off: TimeOff, make_provider: Make
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert planner.get(LIST).status_code == 200
        return len(captured)

    few = queries()
    for number in range(5):
        provider = make_provider(name=f"P{number}")
        take_time_off(provider=provider, start_at=at(9), end_at=at(10))
    assert queries() == few


def test_the_form_names_its_time_zone(planner: Client) -> None:
    assert "Time zone: UTC." in text_of(planner.get(ADD))
