"""The week of a schedule, which is edited as one form."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.admin import ScheduleAdmin
from bookings.contrib.schedule.models import BusinessHours, Schedule
from bookings.contrib.schedule.services import create_schedule, set_week
from tests.admin.page import errors_of, form_values, messages_of, text_of
from tests.contrib.schedule.admin.conftest import (
    ADD,
    FORM,
    LIST,
    NINE_TO_FIVE,
    hours_of,
    open_form,
    page_of,
    revision_of,
    row,
    row_errors,
)

MONDAY_AND_TUESDAY = ["Monday 09:00–12:00", "Monday 13:00–17:00", "Tuesday 09:00–17:00"]


def test_every_day_has_its_title_and_its_rows(planner: Client, schedule: Schedule) -> None:
    response = planner.get(page_of(schedule))
    titles = [
        str(inline.opts.verbose_name_plural) for inline in response.context["inline_admin_formsets"]
    ]
    assert titles[:3] == ["Monday", "Tuesday", "Wednesday"]
    assert len(titles) == 8
    page = open_form(planner, page_of(schedule))
    assert (page["monday-0-open_time"], page["monday-0-close_time"]) == (["09:00"], ["12:00"])
    assert (page["monday-1-open_time"], page["monday-1-close_time"]) == (["13:00"], ["17:00"])
    assert page["monday-2-open_time"] == [""]
    assert page["wednesday-TOTAL_FORMS"] == ["1"]
    assert page["wednesday-0-open_time"] == [""]


def test_a_shift_is_added_without_a_script(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    filled = {"wednesday-0-open_time": "10:00", "wednesday-0-close_time": "12:00"}
    assert planner.post(page_of(schedule), page | filled).status_code == 302
    assert hours_of(schedule) == [*MONDAY_AND_TUESDAY, "Wednesday 10:00–12:00"]


def test_blank_rows_are_hidden_where_a_script_adds_rows(
    planner: Client, schedule: Schedule
) -> None:
    """One for each day, and one for the dates. Those of a new schedule are there to be filled."""
    page = planner.get(page_of(schedule))
    assert text_of(page).count("bookings-blank") == 8
    refused = planner.post(
        page_of(schedule), open_form(planner, page_of(schedule)) | {"sunday-0-open_time": "x"}
    )
    assert text_of(refused).count("bookings-blank") == 7
    assert text_of(planner.get(ADD)).count("bookings-blank") == 1


def test_a_page_that_is_saved_as_it_is_changes_nothing(planner: Client, schedule: Schedule) -> None:
    keys = set(BusinessHours.objects.values_list("pk", flat=True))
    before = revision_of(schedule)
    assert planner.post(page_of(schedule), open_form(planner, page_of(schedule))).status_code == 302
    assert set(BusinessHours.objects.values_list("pk", flat=True)) == keys
    assert revision_of(schedule) == before


def test_hours_are_changed_added_and_deleted(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    sent = (
        page
        | {"monday-0-open_time": "8", "monday-1-DELETE": "on"}
        | row("sunday", 0, open_time="10.30", close_time="14:00")
    )
    response = planner.post(page_of(schedule), sent, follow=True)
    assert "was changed successfully" in messages_of(response)[0]
    assert hours_of(schedule) == [
        "Monday 08:00–12:00",
        "Tuesday 09:00–17:00",
        "Sunday 10:30–14:00",
    ]
    said = LogEntry.objects.get().get_change_message()
    assert "Sunday 10:30–14:00" in said
    assert "Monday 13:00–17:00" in said


def test_two_rows_can_swap_their_times(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    swapped = {
        "monday-0-open_time": "13:00",
        "monday-0-close_time": "17:00",
        "monday-1-open_time": "09:00",
        "monday-1-close_time": "12:30",
    }
    assert planner.post(page_of(schedule), page | swapped).status_code == 302
    assert hours_of(schedule)[:2] == ["Monday 09:00–12:30", "Monday 13:00–17:00"]


def test_a_row_can_take_the_place_of_one_that_is_deleted(
    planner: Client, schedule: Schedule
) -> None:
    page = open_form(planner, page_of(schedule))
    sent = page | {"tuesday-0-DELETE": "on"} | row("tuesday", 1, open_time="9", close_time="18")
    assert planner.post(page_of(schedule), sent).status_code == 302
    assert hours_of(schedule)[-1] == "Tuesday 09:00–18:00"


@pytest.mark.parametrize("close", ["24:00", "24", "24.00", "00:00", "0:00", " 24:00 "])
def test_the_end_of_the_day_can_be_written_and_is_shown(
    planner: Client, schedule: Schedule, close: str
) -> None:
    page = open_form(planner, page_of(schedule))
    sent = page | {"tuesday-0-close_time": close}
    assert planner.post(page_of(schedule), sent).status_code == 302
    assert hours_of(schedule)[-1] == "Tuesday 09:00–24:00"
    page = open_form(planner, page_of(schedule))
    assert page["tuesday-0-close_time"] == ["24:00"]
    assert "tuesday-0-closes_next_day" not in page
    assert planner.post(page_of(schedule), page).status_code == 302
    assert hours_of(schedule)[-1] == "Tuesday 09:00–24:00"


def test_a_shift_that_crosses_midnight_says_so(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    night = {"tuesday-0-open_time": "22:00", "tuesday-0-close_time": "02:00"}
    said = "02:00 is not after 22:00. If the shift ends on the next day, mark that."
    refused = planner.post(page_of(schedule), page | night)
    assert row_errors(refused) == {"tuesday-0-close_time": [said]}
    night["tuesday-0-closes_next_day"] = "on"
    assert planner.post(page_of(schedule), page | night).status_code == 302
    assert hours_of(schedule)[-1] == "Tuesday 22:00–02:00 (+1)"
    assert open_form(planner, page_of(schedule))["tuesday-0-closes_next_day"] == ["on"]


def test_rows_are_compared_with_the_rows_of_the_page(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    # Over the stored break, but no longer over what follows it.
    moved = {"monday-0-close_time": "13:30", "monday-1-open_time": "14:00"}
    assert planner.post(page_of(schedule), page | moved).status_code == 302
    page = open_form(planner, page_of(schedule))
    refused = planner.post(page_of(schedule), page | {"monday-0-close_time": "15:00"})
    said = "The shifts 09:00–15:00 and 14:00–17:00 overlap. Join them, or move one."
    assert row_errors(refused) == {"monday-1-open_time": [said]}
    assert hours_of(schedule)[:2] == ["Monday 09:00–13:30", "Monday 14:00–17:00"]


def test_shifts_of_different_seasons_do_not_overlap(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    summer = {
        "tuesday-0-valid_until": "2131-05-31",
        **row("tuesday", 1, open_time="8", close_time="14", valid_from="2131-06-01"),
    }
    assert planner.post(page_of(schedule), page | summer).status_code == 302
    page = open_form(planner, page_of(schedule))
    overlapping = page | {"tuesday-1-valid_until": "2131-06-30"}
    # The rows are in the order of their times, so the summer comes first.
    assert page["tuesday-0-valid_from"] == ["2131-06-01"]
    refused = planner.post(page_of(schedule), overlapping)
    assert list(row_errors(refused)) == ["tuesday-1-open_time"]


def test_a_day_can_be_closed_for_a_while(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    closed = row("tuesday", 1, is_closed="on", valid_from="2131-08-01", valid_until="2131-08-31")
    assert planner.post(page_of(schedule), page | closed).status_code == 302
    assert sorted(hours_of(schedule))[-2:] == ["Tuesday 09:00–17:00", "Tuesday closed"]


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"open_time": "25:00"}, {"open_time": ["Enter a valid time."]}),
        ({"close_time": "soon"}, {"close_time": ["Enter a valid time."]}),
        (
            {"open_time": "", "close_time": ""},
            {"open_time": ["Give both times, or mark it as closed."]},
        ),
        ({"close_time": ""}, {"close_time": ["Give both times, or mark it as closed."]}),
        (
            {"is_closed": "on"},
            {"is_closed": ["What is closed has no hours. Remove them, or open it."]},
        ),
        (
            {"valid_from": "2131-02-01", "valid_until": "2131-01-01"},
            {"valid_until": ["It ends before it begins. Swap the days."]},
        ),
        (
            {"closes_next_day": "on"},
            {
                "close_time": [
                    "From 09:00 to 17:00 on the next day are more than 24 hours. Divide the shift."
                ]
            },
        ),
    ],
    ids=["open", "close", "neither", "one", "closed", "validity", "long"],
)
def test_an_error_is_shown_at_its_field(
    planner: Client, schedule: Schedule, values: dict[str, str], errors: dict[str, list[str]]
) -> None:
    page = open_form(planner, page_of(schedule))
    sent = page | {f"tuesday-0-{name}": value for name, value in values.items()}
    refused = planner.post(page_of(schedule), sent)
    assert row_errors(refused) == {f"tuesday-0-{name}": said for name, said in errors.items()}
    assert hours_of(schedule) == MONDAY_AND_TUESDAY
    # What was sent is there to be mended.
    page = form_values(refused, FORM)
    for name, value in values.items():
        assert page[f"tuesday-0-{name}"] == [value]
    assert page["monday-0-open_time"] == ["09:00"]


def test_a_refused_page_can_be_corrected(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    sent = page | {"tuesday-0-open_time": "?"} | row("friday", 0, open_time="9", close_time="12")
    page = form_values(planner.post(page_of(schedule), sent | {"monday-1-DELETE": "on"}), FORM)
    assert page["monday-1-DELETE"] == ["on"]
    assert planner.post(page_of(schedule), page | {"tuesday-0-open_time": "10"}).status_code == 302
    assert hours_of(schedule) == [
        "Monday 09:00–12:00",
        "Tuesday 10:00–17:00",
        "Friday 09:00–12:00",
    ]


def test_a_blank_row_is_no_row(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    sent = page | row("friday", 0, open_time="", close_time="")
    assert planner.post(page_of(schedule), sent).status_code == 302
    assert hours_of(schedule) == MONDAY_AND_TUESDAY


def test_a_row_that_is_sent_twice_on_one_page_is_stored_once(
    planner: Client, schedule: Schedule
) -> None:
    page = open_form(planner, page_of(schedule))
    closed = row("sunday", 0, is_closed="on") | row("sunday", 1, is_closed="on")
    assert planner.post(page_of(schedule), page | closed).status_code == 302
    assert hours_of(schedule)[-1:] == ["Sunday closed"]
    assert len(hours_of(schedule)) == 4


def test_a_double_click_changes_it_once(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    sent = (
        page
        | {"monday-0-open_time": "8", "tuesday-0-DELETE": "on", "slot_step_minutes": "30"}
        | row("sunday", 0, open_time="10", close_time="14")
    )
    for _click in range(2):
        assert planner.post(page_of(schedule), sent).status_code == 302
    assert hours_of(schedule) == ["Monday 08:00–12:00", "Monday 13:00–17:00", "Sunday 10:00–14:00"]


def test_a_page_that_is_out_of_date_is_refused(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    set_week(schedule=schedule, hours={2: [("10:00", "11:00")]})
    sent = page | {"monday-0-open_time": "8"}
    refused = planner.post(page_of(schedule), sent)
    (said,) = errors_of(refused)["__all__"]
    assert said.startswith("Somebody has changed this schedule since you opened it")
    assert hours_of(schedule) == ["Wednesday 10:00–11:00"]
    # The preview is of what is stored, and sending it again does no better.
    assert planner.post(page_of(schedule), form_values(refused, FORM)).status_code == 200


def test_a_page_that_does_not_say_when_it_was_opened_is_out_of_date(
    planner: Client, schedule: Schedule
) -> None:
    page = open_form(planner, page_of(schedule)) | {"monday-0-open_time": "8"}
    del page["expected_revision"]
    assert "__all__" in errors_of(planner.post(page_of(schedule), page))


def test_a_deleted_schedule_is_said_not_to_exist(
    planner: Client, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_form(planner, page_of(schedule)) | {"monday-0-open_time": "8"}

    def deleted_meanwhile(*args: Any) -> None:
        Schedule.objects.filter(pk=schedule.pk).delete()

    monkeypatch.setattr(ScheduleAdmin, "save_model", deleted_meanwhile)
    refused = planner.post(page_of(schedule), page)
    said = "The schedule is not saved, or has been deleted."
    assert errors_of(refused)["__all__"] == [said]
    schedule.delete()
    gone = planner.post(page_of(schedule), page, follow=True)
    assert "doesn’t exist. Perhaps it was deleted?" in messages_of(gone)[0]


@pytest.mark.parametrize("key", ["", "x", "-1", "9" * 30, "999999"])
def test_a_row_with_an_unknown_key_replaces_the_stored_rows(
    planner: Client, schedule: Schedule, key: str
) -> None:
    page = open_form(planner, page_of(schedule))
    sent = page | {"tuesday-0-id": key, "tuesday-0-close_time": "18:00"}
    assert planner.post(page_of(schedule), sent).status_code == 302
    assert hours_of(schedule)[-1] == "Tuesday 09:00–18:00"


def test_another_schedules_rows_stay(
    planner: Client, schedule: Schedule, other_provider: Any
) -> None:
    other = create_schedule(provider=other_provider, hours={1: [("08:00", "09:00")]})
    page = open_form(planner, page_of(schedule)) | {"tuesday-0-id": other.hours.get().pk}
    assert planner.post(page_of(schedule), page | {"tuesday-0-DELETE": "on"}).status_code == 302
    assert hours_of(other) == ["Tuesday 08:00–09:00"]


def test_a_page_without_its_rows_is_refused(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule))
    for lacking in ("monday-TOTAL_FORMS", "dates-TOTAL_FORMS"):
        sent = {name: value for name, value in page.items() if name != lacking}
        assert planner.post(page_of(schedule), sent).status_code == 200
    assert hours_of(schedule) == MONDAY_AND_TUESDAY


def test_a_new_schedule_is_made_with_its_week(planner: Client, provider: Any) -> None:
    page = open_form(planner, ADD)
    assert page["monday-TOTAL_FORMS"] == ["1"]
    sent = (
        page
        | {"provider": provider.pk, "timezone": "Europe/Berlin", "slot_step_minutes": "20"}
        | row("monday", 0, open_time="9", close_time="17")
        | row("dates", 0, date="2131-12-24", is_closed="on", reason="Christmas Eve")
    )
    assert planner.post(ADD, sent).status_code == 302
    made = Schedule.objects.get()
    assert (made.provider, made.timezone, made.slot_step_minutes) == (provider, "Europe/Berlin", 20)
    assert hours_of(made) == ["Monday 09:00–17:00"]
    assert made.overrides.get().reason == "Christmas Eve"
    assert LogEntry.objects.get().object_id == str(made.pk)


def test_a_second_schedule_is_a_message(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, ADD)
    again = planner.post(ADD, page | {"provider": schedule.provider_id})
    assert errors_of(again) == {"provider": ["Schedule with this Provider already exists."]}
    assert planner.post(ADD, page).status_code == 302
    assert "There is a default schedule already. Change that one." in text_of(
        planner.post(ADD, page)
    )
    assert Schedule.objects.count() == 2


def test_a_schedule_that_somebody_else_makes_meanwhile_is_a_message(
    planner: Client, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_form(planner, ADD) | {"provider": provider.pk}
    monkeypatch.setattr(Schedule, "validate_unique", lambda self, exclude=None: None)
    create_schedule(provider=provider)
    said = "There is a schedule of Ada already. Change that one."
    assert errors_of(planner.post(ADD, page)) == {"__all__": [said]}


def test_the_rules_can_be_changed_but_not_the_owner(
    planner: Client, schedule: Schedule, other_provider: Any
) -> None:
    page = open_form(planner, page_of(schedule))
    assert "provider" not in page
    sent = page | {"timezone": "Asia/Tokyo", "maximum_advance_days": "30"}
    planner.post(page_of(schedule), sent | {"provider": other_provider.pk})
    before = schedule.provider_id
    schedule.refresh_from_db()
    assert (schedule.timezone, schedule.maximum_advance_days) == ("Asia/Tokyo", 30)
    assert schedule.provider_id == before


def test_a_zone_is_chosen_from_a_list_that_has_the_schedules_own(
    planner: Client, schedule: Schedule
) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(timezone="localtime")
    page = open_form(planner, page_of(schedule))
    assert page["timezone"] == ["localtime"]
    refused = planner.post(page_of(schedule), page | {"timezone": "Mars/Olympus"})
    assert "timezone" in errors_of(refused)


def test_the_number_of_queries_does_not_grow_with_the_rows(
    planner: Client, schedule: Schedule
) -> None:
    def queries(change: str) -> list[int]:
        counts = []
        with CaptureQueriesContext(connection) as captured:
            page = open_form(planner, page_of(schedule))
        counts.append(len(captured))
        with CaptureQueriesContext(connection) as captured:
            sent = page | {"monday-0-open_time": change}
            assert planner.post(page_of(schedule), sent).status_code == 302
        return [*counts, len(captured)]

    queries("07:50")
    few = queries("08:00")
    shifts = [(f"{hour:02}:00", f"{hour:02}:30") for hour in range(9, 20)]
    set_week(schedule=schedule, hours=dict.fromkeys(range(7), shifts))
    assert queries("08:50") == few


def test_the_list_shows_whose_it_is_and_when_it_opens(
    planner: Client, schedule: Schedule, make_provider: Any
) -> None:
    weekday = [NINE_TO_FIVE]
    create_schedule(hours=dict.fromkeys(range(5), weekday))
    rows = BusinessHours.objects.filter(schedule=schedule)
    rows.filter(day_of_week=0).update(valid_until="2000-01-01")
    BusinessHours.objects.create(schedule=schedule, day_of_week=5, is_closed=True)
    set_week(schedule=create_schedule(provider=make_provider(name="Bo")), hours={})
    response = planner.get(LIST)
    assert [
        (response.context["cl"].model_admin.owner(item), opens_on(response, item))
        for item in response.context["cl"].result_list
    ] == [("Ada", "Tue"), ("Default schedule", "Mon–Fri"), ("Bo", "")]


def opens_on(response: Any, schedule: Schedule) -> str:
    staff: ScheduleAdmin = response.context["cl"].model_admin
    return staff.opens_on(schedule)


def test_consecutive_days_are_shown_as_a_range(planner: Client, schedule: Schedule) -> None:
    nine = [("09:00", "17:00")]
    for days, told_as in (
        ({0, 1, 3}, "Mon, Tue, Thu"),
        ({0, 1, 2, 4, 5, 6}, "Mon–Wed, Fri–Sun"),
        ({2, 4, 5}, "Wed, Fri, Sat"),
    ):
        set_week(schedule=schedule, hours=dict.fromkeys(days, nine))
        response = planner.get(LIST)
        assert opens_on(response, response.context["cl"].result_list[0]) == told_as


def test_the_list_takes_as_many_queries_for_many(
    planner: Client, schedule: Schedule, make_provider: Any
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert planner.get(LIST).status_code == 200
        return len(captured)

    few = queries()
    for number in range(10):
        create_schedule(provider=make_provider(name=f"P{number}"), hours={0: [("09:00", "10:00")]})
    assert queries() == few


@pytest.mark.parametrize("site", ["admin", "desk"])
def test_schedules_are_found_by_their_provider(
    boss: Client, schedule: Schedule, other_provider: Any, site: str
) -> None:
    """By what the provider's own admin searches, or by its texts where it has none."""
    create_schedule(provider=other_provider)
    create_schedule()
    url = LIST.replace("admin", site, 1)
    for asked, found in (({"q": "ada"}, 1), ({"whose": "own"}, 2), ({"whose": "default"}, 1)):
        assert len(boss.get(url, asked).context["cl"].result_list) == found
    assert len(boss.get(url, {"whose": "x"}).context["cl"].result_list) in {0, 3}


def test_mondays_hours_are_copied_without_a_script(planner: Client, schedule: Schedule) -> None:
    """The page is shown again; what it shows is stored once it is saved."""
    page = open_form(planner, page_of(schedule))
    before = hours_of(schedule)
    deleted = {"monday-1-DELETE": "on", "monday-0-close_time": "13"}
    shown = planner.post(page_of(schedule), page | deleted | {"_copy_hours": "weekdays"})
    assert (shown.status_code, hours_of(schedule)) == (200, before)
    assert messages_of(shown) == ["Monday's hours are copied. Save them to keep them."]
    assert "Please correct" not in text_of(shown)
    copied = form_values(shown, FORM)
    assert copied["thursday-0-close_time"] == ["13"]
    assert copied["saturday-0-close_time"] == [""]
    assert planner.post(page_of(schedule), copied).status_code == 302
    week = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
    assert hours_of(schedule) == [f"{day} 09:00–13:00" for day in week]


def test_hours_are_copied_to_every_day_of_a_new_schedule(planner: Client, provider: Any) -> None:
    page = (
        open_form(planner, ADD)
        | {"provider": provider.pk}
        | row("monday", 0, open_time="9", close_time="17")
    )
    shown = planner.post(ADD, page | {"_copy_hours": "every_day"})
    assert planner.post(ADD, form_values(shown, FORM)).status_code == 302
    assert [text.split()[1] for text in hours_of(Schedule.objects.get())] == ["09:00–17:00"] * 7


def test_no_number_of_rows_copies_nothing(planner: Client, schedule: Schedule) -> None:
    page = open_form(planner, page_of(schedule)) | {"_copy_hours": "weekdays"}
    for total in ("a", "9" * 5_000):
        shown = planner.post(page_of(schedule), page | {"monday-TOTAL_FORMS": total})
        assert shown.status_code == 200
        assert form_values(shown, FORM)["tuesday-0-close_time"] == [""]


def test_nothing_is_copied_for_who_may_only_look(viewer: Client, schedule: Schedule) -> None:
    sent = {"_copy_hours": "every_day", "monday-TOTAL_FORMS": "a"}
    assert viewer.post(page_of(schedule), sent).status_code == 403
    assert "_copy_hours" not in text_of(viewer.get(page_of(schedule)))
