"""Time off over bookings in the admin: staff decide about each on the page of the refusal."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.contrib.group_sessions.services import book_seat, create_session
from bookings.contrib.payments.services import record_payment
from bookings.contrib.schedule.admin import bookings_in_the_way, decisions
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import create_schedule
from bookings.models import Booking
from bookings.services import hold_booking
from tests.admin.page import FormData, errors_of, form_values, messages_of, text_of
from tests.contrib.schedule.admin.conftest import Book, Make, _browser, at
from tests.contrib.schedule.admin.test_time_off import ADD, FORM, form, url_of, when

HOURS = {number: [("09:00", "17:00")] for number in range(7)}

Refuse = Callable[..., Any]


@pytest.fixture
def grace(make_provider: Make) -> Any:
    """Open at the same hours."""
    found = make_provider(name="Grace")
    create_schedule(provider=found, timezone="UTC", hours=HOURS)
    return found


@pytest.fixture
def open_provider(provider: Any) -> Any:
    create_schedule(provider=provider, timezone="UTC", hours=HOURS)
    return provider


def refused(client: Client, provider: Any, **values: Any) -> Any:
    """The page of the refusal."""
    return client.post(ADD, form(client, provider, **values))


def name_of(booking: Booking) -> str:
    return f"in_the_way-booking_{booking.pk}"


def choices_of(page: Any, booking: Booking) -> list[str]:
    field = page.context["decisions"].fields[f"booking_{booking.pk}"]
    return [
        value
        for _group, options in field.choices
        for value, _text in (options if isinstance(options, list) else [(_group, options)])
    ]


def move(hour: int, days: int = 2) -> str:
    return f"move:{at(hour, days=days).isoformat()}"


def decide(client: Client, page: Any, **values: Any) -> Any:
    return client.post(ADD, form_values(page, FORM) | values, follow=True)


def test_each_is_moved_given_away_or_cancelled(
    boss: Client, open_provider: Any, grace: Any, book: Book
) -> None:
    moved, given, gone = (
        book(start_at=at(hour), client_name=name)
        for hour, name in ((9, "Mo"), (10, "Gi"), (11, "Ca"))
    )
    page = refused(boss, open_provider)
    assert "Mo</a>" in text_of(page)
    assert move(13) in choices_of(page, moved)
    assert move(11) not in choices_of(page, moved)
    choices: FormData = {
        name_of(moved): move(13),
        name_of(given): f"give:{grace.pk}",
        name_of(gone): "cancel",
        "in_the_way-reason": "Ada is ill",
    }
    done = decide(boss, page, **choices)
    said = messages_of(done)[0]
    assert said.startswith("Mo was moved to: ")
    assert said.endswith(". Gi was given to: Grace. Ca was cancelled.")
    assert TimeOff.objects.get().start_at == at(9)
    for booking in (moved, given, gone):
        booking.refresh_from_db()
    assert (moved.start_at, given.provider_id) == (at(13), grace.pk)
    assert (gone.status, gone.cancellation_reason) == ("CANCELLED", "Ada is ill")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("move", [(13, "Ada"), (12, "Ada"), (14, "Ada")]),
        ("give", [(9, "Grace"), (10, "Grace"), (11, "Grace")]),
        ("cancel", [(9, None), (10, None), (11, None)]),
    ],
)
def test_one_choice_for_all_the_others(
    boss: Client, open_provider: Any, grace: Any, book: Book, choice: str, expected: Any
) -> None:
    """No two get the same time, also not that which somebody was given by hand."""
    bookings = [book(start_at=at(hour)) for hour in (9, 10, 11)]
    page = refused(boss, open_provider)
    chosen = {name_of(bookings[1]): move(12)} if choice == "move" else {}
    decide(boss, page, **chosen, **{"in_the_way-all": choice})
    for booking, (hour, name) in zip(bookings, expected, strict=True):
        booking.refresh_from_db()
        assert booking.start_at == at(hour)
        assert (booking.provider.name if booking.holds_time else None) == name


def test_whom_nothing_can_be_offered_is_said(boss: Client, open_provider: Any, book: Book) -> None:
    booking = book(start_at=at(10))
    page = refused(boss, open_provider)
    again = decide(boss, page, **{"in_the_way-all": "give"})
    assert "Nothing of that kind is free for it." in text_of(again)
    none_chosen = decide(boss, page)
    assert "Say what becomes of it." in text_of(none_chosen)
    assert errors_of(none_chosen) == {
        "__all__": ["Say below what becomes of each booking in the way."]
    }
    invented = decide(boss, page, **{name_of(booking): move(3)})
    assert "That is not on offer any more. Choose again." in text_of(invented)
    assert not TimeOff.objects.exists()


def test_who_does_not_offer_the_service_or_is_busy_is_not_offered(
    boss: Client, open_provider: Any, grace: Any, book: Book, service: Any, make_provider: Make
) -> None:
    without_hours = make_provider(name="Joan")
    free, clashing = book(start_at=at(9)), book(start_at=at(10))
    book(start_at=at(10), provider=grace)
    page = refused(boss, open_provider)
    assert f"give:{grace.pk}" in choices_of(page, free)
    assert f"give:{without_hours.pk}" not in choices_of(page, free)
    assert f"give:{grace.pk}" not in choices_of(page, clashing)

    def nobody(_service: Any) -> Any:
        return type(grace)._default_manager.none()

    with patch.object(bookings_in_the_way, "providers_who_offer", nobody):
        page = refused(boss, open_provider)
    assert f"give:{grace.pk}" not in choices_of(page, free)


def test_a_booking_that_comes_into_the_way_meanwhile_is_asked_about(
    boss: Client, open_provider: Any, book: Book
) -> None:
    booking = book(start_at=at(10))
    page = refused(boss, open_provider)
    late = book(start_at=at(11))
    again = decide(boss, page, **{name_of(booking): "cancel", "in_the_way-all": "cancel"})
    assert "This booking is new here. Say what becomes of it." in text_of(again)
    assert {late, booking} == {*Booking.objects.active()}
    assert "was cancelled" in messages_of(decide(boss, again))[0]


def test_a_booking_that_was_changed_meanwhile_is_not_decided_about(
    boss: Client, open_provider: Any, book: Book
) -> None:
    booking = book(start_at=at(10))
    page = refused(boss, open_provider)
    booking.notes_internal = "VIP"
    booking.save()
    again = decide(boss, page, **{name_of(booking): "cancel"})
    assert "Somebody has changed this booking since you opened it" in text_of(again)
    assert form_values(again, FORM)[name_of(booking)] == [""], "It was chosen for what it was."
    assert "Say what becomes of it." in text_of(decide(boss, again))
    assert not TimeOff.objects.exists()
    decide(boss, again, **{name_of(booking): "cancel"})
    assert TimeOff.objects.exists()


def test_the_rules_are_lifted_only_if_staff_say_so(
    boss: Client, open_provider: Any, book: Book
) -> None:
    booking = book(start_at=at(10))
    Booking.objects.filter(pk=booking.pk).update(cancellation_notice_minutes=60 * 24 * 9)
    page = refused(boss, open_provider)
    again = decide(boss, page, **{name_of(booking): "cancel"})
    assert text_of(again).count("which is the notice that it needs") == 1, "at the booking"
    assert errors_of(again)["__all__"] == ["1 booking cannot be changed so. See below why."]
    decide(boss, again, **{"in_the_way-override_policy": "on"})
    assert TimeOff.objects.exists()


def test_what_a_cancellation_gives_back_is_said_before(
    boss: Client, open_provider: Any, book: Book
) -> None:
    booking = book(start_at=at(10))
    record_payment(booking, amount=Decimal(80), external_id="p1")
    page = refused(boss, open_provider)
    note = "If it is cancelled: 80.00 EUR of the 80.00 EUR paid would be refunded."
    assert note in text_of(page)


def test_each_decision_needs_the_permission_for_bookings(open_provider: Any, book: Book) -> None:
    booking = book(start_at=at(10))
    names = ["view_timeoff", "add_timeoff", "view_booking"]
    watcher = _browser("watcher", *names)
    page = refused(watcher, open_provider)
    assert "You may not change this booking. Ask somebody who may." in text_of(page)
    assert f'href="/admin/bookings/booking/{booking.pk}/change/"' in text_of(page)
    sent = {name_of(booking): "cancel", "in_the_way-all": "cancel"}
    again = watcher.post(ADD, form(watcher, open_provider) | sent)
    assert "1 booking lies in that time." in errors_of(again)["start_at"][0]
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CONFIRMED

    editor = _browser("editor", *names, "change_booking")
    page = refused(editor, open_provider)
    assert "You may not change" not in text_of(page)
    assert decide(editor, page, **sent).status_code == 200
    assert TimeOff.objects.exists()


def test_a_session_in_the_way_is_named_and_linked(
    boss: Client, open_provider: Any, service: Any, book: Book, planner: Client
) -> None:
    given = {"service": service, "provider": open_provider}
    session = create_session(**given, start_at=at(10), capacity=9, title="Yoga for all")
    empty = create_session(**given, start_at=at(11), capacity=9, title="Quiet hour")
    book_seat(session, client_name="Zoe")
    page = refused(boss, open_provider)
    assert [one.title for one in page.context["decisions"].found.sessions] == [
        "Yoga for all",
        "Quiet hour",
    ]
    for one in (session, empty):
        url = f"/admin/bookings_group_sessions/session/{one.pk}/change/"
        assert f'<a href="{url}">{one.title}</a>' in text_of(page)
    assert "Move or cancel it on its page" in text_of(page)
    assert "Zoe" not in text_of(page)
    hidden = text_of(refused(planner, open_provider))
    assert "Yoga" not in hidden
    assert "Session ·" in hidden


def test_a_room_is_not_given_to_another_provider(
    boss: Client, open_provider: Any, grace: Any, book: Book
) -> None:
    booking = book(start_at=at(10), provider=grace, resources=[open_provider])
    page = refused(boss, open_provider)
    assert choices_of(page, booking)[-1] == "cancel"
    assert not [one for one in choices_of(page, booking) if one.startswith("give")]
    assert move(13) in choices_of(page, booking)
    decide(boss, page, **{name_of(booking): move(13)})
    assert TimeOff.objects.exists()


def test_a_provider_without_hours_is_offered_cancellations_only(
    boss: Client, provider: Any, book: Book
) -> None:
    booking = book(start_at=at(10))
    assert choices_of(refused(boss, provider), booking) == ["", "cancel"]


def test_a_service_that_cannot_be_booked_any_more_is_offered_cancellations_only(
    boss: Client, open_provider: Any, book: Book, service: Any
) -> None:
    booking = book(start_at=at(10))
    type(service)._default_manager.update(duration_minutes=0)
    assert choices_of(refused(boss, open_provider), booking) == ["", "cancel"]


def test_a_lapsed_hold_is_not_listed(
    boss: Client, open_provider: Any, service: Any, book: Book
) -> None:
    hold_booking(service=service, provider=open_provider, start_at=at(9), now_dt=at(0, days=-1))
    booking = book(start_at=at(10))
    page = refused(boss, open_provider)
    assert [row.booking for row in page.context["decisions"].found.bookings] == [booking]


def test_time_off_for_years_begins_to_look_at_its_end(
    boss: Client, open_provider: Any, book: Book
) -> None:
    booking = book(start_at=at(10))
    page = refused(boss, open_provider, end_at_0=f"{at(9, days=400):%Y-%m-%d}")
    first = next(one for one in choices_of(page, booking) if one.startswith("move"))
    assert first == move(12, days=400)


def test_too_many_bookings_are_listed_without_choices(
    boss: Client, open_provider: Any, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in (9, 10):
        book(start_at=at(hour))
    monkeypatch.setattr(decisions, "MAX_CHANGES", 1)
    page = text_of(refused(boss, open_provider))
    assert "At most 1 bookings can be changed together with a time off." in page
    assert "in_the_way-booking" not in page


def test_time_off_that_is_made_longer_asks_too(
    boss: Client, open_provider: Any, book: Book
) -> None:
    boss.post(ADD, form(boss, open_provider))
    time_off = TimeOff.objects.get()
    booking = book(start_at=at(14))
    longer = form_values(boss.get(url_of(time_off)), FORM) | when("09:00", "15:00")
    page = boss.post(url_of(time_off), longer)
    sent = form_values(page, FORM) | {name_of(booking): "cancel"}
    assert boss.post(url_of(time_off), sent).status_code == 302
    time_off.refresh_from_db()
    assert time_off.end_at == at(15)


def test_decisions_for_a_time_that_is_free_by_now_do_nothing(
    boss: Client, open_provider: Any, book: Book
) -> None:
    booking = book(start_at=at(10))
    page = refused(boss, open_provider)
    sent = {name_of(booking): "cancel", **when("13:00", "15:00")}
    decide(boss, page, **sent)
    booking.refresh_from_db()
    assert (booking.status, TimeOff.objects.count()) == (Booking.Status.CONFIRMED, 1)


def test_the_queries_do_not_grow_with_the_bookings(
    boss: Client, open_provider: Any, grace: Any, book: Book
) -> None:
    def queries(*hours: int) -> int:
        for hour in hours:
            booking = book(start_at=at(hour))
            record_payment(booking, amount=Decimal(9), external_id=f"p{hour}")
        sent = form(boss, open_provider)
        with CaptureQueriesContext(connection) as captured:
            boss.post(ADD, sent)
        return len(captured)

    assert queries(9) == queries(10, 11)
