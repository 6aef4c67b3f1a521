"""A change of hours names the bookings that are outside of them now."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.services import create_schedule
from tests.admin.conftest import Book, Make
from tests.admin.page import form_values, messages_of
from tests.contrib.schedule.admin.conftest import (
    ADD,
    FORM,
    LIST,
    at,
    in_days,
    open_form,
    page_of,
    row,
)

EVERY_DAY = {day: [("09:00", "17:00")] for day in range(7)}


@pytest.fixture
def open_daily(provider: Any) -> Schedule:
    return create_schedule(provider=provider, timezone="UTC", hours=EVERY_DAY)


def said(response: Any) -> str:
    return " ".join(messages_of(response))


def weekday() -> str:
    return f"{at(10):%A}".lower()


def test_a_shorter_day_names_what_is_after_it(
    boss: Client, open_daily: Schedule, book: Book
) -> None:
    inside, outside = book(start_at=at(10)), book(start_at=at(16), client_name="Eva")
    page = open_form(boss, page_of(open_daily))
    changed = page | {f"{weekday()}-0-close_time": "12:00"}
    text = said(boss.post(page_of(open_daily), changed, follow=True))
    assert "1 booking is outside the hours now. Move it, or keep it." in text
    assert outside.reference in text
    assert "Eva" in text
    assert inside.reference not in text


def test_a_change_that_covers_all_bookings_names_none(
    boss: Client, open_daily: Schedule, book: Book
) -> None:
    book(start_at=at(10))
    page = open_form(boss, page_of(open_daily))
    text = said(boss.post(page_of(open_daily), page | {"slot_step_minutes": "30"}, follow=True))
    assert "outside the hours" not in text


def test_another_time_zone_names_what_it_leaves_out(
    boss: Client, open_daily: Schedule, book: Book
) -> None:
    booking = book(start_at=at(10))
    page = open_form(boss, page_of(open_daily)) | {"timezone": "Pacific/Auckland"}
    assert booking.reference in said(boss.post(page_of(open_daily), page, follow=True))


def test_a_date_that_is_closed_on_the_page_is_named(
    boss: Client, open_daily: Schedule, book: Book
) -> None:
    booking = book(start_at=at(10))
    closed = row("dates", 0, date=f"{in_days(2)}", is_closed="on")
    text = said(
        boss.post(page_of(open_daily), open_form(boss, page_of(open_daily)) | closed, follow=True)
    )
    assert booking.reference in text


def test_a_new_schedule_names_what_it_leaves_out(boss: Client, provider: Any, book: Book) -> None:
    booking = book(start_at=at(10))
    page = form_values(boss.get(ADD), FORM) | {"provider": provider.pk}
    assert booking.reference in said(boss.post(ADD, page, follow=True))


@pytest.mark.parametrize("action", [True, False])
def test_a_deleted_schedule_names_the_bookings_of_its_provider(
    boss: Client, open_daily: Schedule, book: Book, *, action: bool
) -> None:
    bookings = [book(start_at=at(10)), book(start_at=at(12))]
    if action:
        sent = {"action": "delete_selected", "_selected_action": [open_daily.pk], "post": "yes"}
        done = boss.post(LIST, sent, follow=True)
    else:
        url = page_of(open_daily).replace("change", "delete")
        done = boss.post(url, {"post": "yes"}, follow=True)
    assert "2 bookings are outside the hours now." in said(done)
    assert all(booking.reference in said(done) for booking in bookings)
    assert not Schedule.objects.exists()


def test_a_deleted_schedule_gives_way_to_the_default(
    boss: Client, open_daily: Schedule, book: Book
) -> None:
    create_schedule(timezone="UTC", hours={day: [("09:00", "12:00")] for day in range(7)})
    book(start_at=at(10))
    late = book(start_at=at(15))
    url = page_of(open_daily).replace("change", "delete")
    text = said(boss.post(url, {"post": "yes"}, follow=True))
    assert "1 booking is outside the hours now." in text
    assert late.reference in text


def test_a_default_schedule_names_the_bookings_of_those_who_follow_it(
    boss: Client, open_daily: Schedule, book: Book, other_provider: Any
) -> None:
    default = create_schedule(timezone="UTC", hours=EVERY_DAY)
    follower = book(start_at=at(15), provider=other_provider)
    book(start_at=at(15))
    page = open_form(boss, page_of(default)) | {f"{weekday()}-0-close_time": "12:00"}
    text = said(boss.post(page_of(default), page, follow=True))
    assert "1 booking is outside the hours now." in text
    assert follower.reference in text
    done = boss.post(page_of(default).replace("change", "delete"), {"post": "yes"}, follow=True)
    assert follower.reference in said(done)


def test_a_copied_schedule_names_what_it_leaves_out(
    boss: Client, open_daily: Schedule, book: Book, make_provider: Make
) -> None:
    second = make_provider(name="Grace")
    late = book(start_at=at(20), provider=second)
    sent = {"action": "copy_to_providers", "_selected_action": [open_daily.pk]}
    question = form_values(boss.post(LIST, sent), "schedule_question_form")
    done = boss.post(LIST, question | {"providers": [second.pk]}, follow=True)
    assert late.reference in said(done)


def test_a_user_who_may_not_see_bookings_reads_that_time_is_taken(
    planner: Client, open_daily: Schedule, book: Book
) -> None:
    book(start_at=at(16), client_name="Eva")
    page = open_form(planner, page_of(open_daily)) | {f"{weekday()}-0-close_time": "12:00"}
    text = said(planner.post(page_of(open_daily), page, follow=True))
    assert "1 booking is outside the hours now." in text
    assert "Eva" not in text
