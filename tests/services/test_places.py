"""Where a booking takes place, and what its client reads."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone, translation

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions.services import (
    book_seat,
    create_session,
    move_seat,
    update_session,
)
from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services import (
    create_series,
    create_session_series,
    update_series,
)
from bookings.exceptions import IdempotencyKeyReused, InvalidBooking
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    confirm_booking,
    reopen_booking,
    request_meeting_links,
    update_booking,
)
from tests.services.clock import DAY, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import history, last_event, nothing_done, nothing_written, stored

ROOM, LINK, OTHER = "Room 3", "https://meet.example.com/abc", "http://meet.example.com/x?y=1#z"
PLACE = {"location": ROOM, "meeting_link": LINK}
LATER = NOW + minutes(5)


def place_of(row: Any) -> tuple[str, str]:
    row.refresh_from_db()
    return row.location, row.meeting_link


def test_a_booking_is_made_with_its_place(book: Book) -> None:
    booking = stored(book(**PLACE, client_language="pt-br", client_timezone="America/Sao_Paulo"))

    assert place_of(booking) == (ROOM, LINK)
    assert (booking.client_language, booking.client_timezone) == ("pt-br", "America/Sao_Paulo")


def test_all_of_it_is_optional(book: Book) -> None:
    assert place_of(book()) == ("", "")


@pytest.mark.parametrize(("given", "kept"), [(None, "de"), ("", ""), ("fr", "fr")])
def test_the_language_is_the_active_one_unless_another_is_given(
    book: Book, given: Any, kept: str
) -> None:
    with translation.override("de"):
        assert stored(book(client_language=given)).client_language == kept


def test_without_an_active_language_there_is_none(book: Book) -> None:
    with translation.override(None):
        assert book().client_language == ""


def test_it_is_changed_with_its_history(book: Book) -> None:
    booking = book(**PLACE)

    update_booking(booking, location="", meeting_link=OTHER, client_timezone="UTC")

    assert place_of(booking) == ("", OTHER)
    data = last_event(booking).data
    assert (data["old_location"], data["new_location"]) == (ROOM, "")
    assert (data["old_meeting_link"], data["new_meeting_link"]) == (LINK, OTHER)
    assert data["new_client_timezone"] == "UTC"


WRONG = [
    ("meeting_link", "javascript:alert(1)"),
    ("meeting_link", "JavaScript://example.com/%0aalert(1)"),
    ("meeting_link", "data:text/html,x"),
    ("meeting_link", "ftp://example.com"),
    ("meeting_link", "example.com"),
    ("meeting_link", "//example.com"),
    ("meeting_link", " https://"),
    ("meeting_link", "https://example.com/" + "x" * 500),
    ("meeting_link", 5),
    ("location", "x" * 501),
    ("location", "a\x00b"),
    ("location", 3),
    ("client_language", "x" * 36),
    ("client_language", "en; DROP"),
    ("client_language", "<b>"),
    ("client_language", 5),
    ("client_timezone", "Mars/Base"),
    ("client_timezone", "../etc/passwd"),
    ("client_timezone", "/etc/passwd"),
    ("client_timezone", "x" * 65),
    ("client_timezone", "a\x00"),
    ("client_timezone", 1),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_a_wrong_value_is_refused_by_its_name(book: Book, name: str, wrong: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(**{name: wrong})
    assert name in str(refused.value.message_dict) or "time zone" in str(refused.value)

    booking = book()
    with nothing_written(), pytest.raises(InvalidBooking):
        update_booking(booking, **{name: wrong})
    setattr(booking, name, wrong)
    with nothing_written(), pytest.raises(InvalidBooking):
        booking.save()


def test_a_key_belongs_to_the_place(book: Book) -> None:
    first = book(**PLACE, idempotency_key="k")

    assert book(**PLACE, idempotency_key="k") == first
    with translation.override("de"):
        assert book(**PLACE, idempotency_key="k") == first
    for other in ({}, PLACE | {"location": "Room 4"}, PLACE | {"client_timezone": "UTC"}):
        with nothing_written(), pytest.raises(IdempotencyKeyReused):
            book(**other, idempotency_key="k")


class TestSessions:
    @pytest.fixture
    def session(self, service: Any, provider: Any) -> Any:
        return create_session(
            service=service, provider=provider, start_at=START, now_dt=NOW, **PLACE
        )

    def test_a_seat_has_its_place(self, session: Any) -> None:
        assert place_of(session) == (ROOM, LINK)
        seat = book_seat(session, client_name="Ann", client_timezone="UTC", now_dt=NOW)
        assert place_of(seat) == (ROOM, LINK)
        assert seat.client_timezone == "UTC"

    def test_its_bookings_follow_it_unless_they_have_their_own(self, session: Any) -> None:
        seat, own = (book_seat(session, client_name=name, now_dt=NOW) for name in ("Ann", "Ben"))
        update_booking(own, meeting_link=OTHER)

        update_session(session, location="Room 4", meeting_link="", now_dt=NOW)

        assert place_of(seat) == ("Room 4", "")
        assert place_of(own) == ("Room 4", OTHER)
        assert history(seat) == ["CREATED", "UPDATED"]
        assert last_event(own).data == {"old_location": ROOM, "new_location": "Room 4"}
        assert (seat.version, own.version) == (2, 3)

    def test_it_may_move_at_once(self, session: Any) -> None:
        seat = book_seat(session, client_name="Ann", now_dt=NOW)

        update_session(session, start_at=START + DAY, location="Room 4", now_dt=NOW)

        assert place_of(seat) == ("Room 4", LINK)
        assert seat.start_at == START + DAY
        assert history(seat) == ["CREATED", "RESCHEDULED", "UPDATED"]

    def test_a_seat_that_is_moved_has_the_other_place(
        self, session: Any, service: Any, provider: Any
    ) -> None:
        other = create_session(
            service=service,
            provider=provider,
            start_at=START + DAY,
            location="Room 9",
            now_dt=NOW,
        )
        seat = book_seat(session, client_name="Ann", now_dt=NOW)

        move_seat(seat, other, now_dt=NOW)

        assert place_of(seat) == ("Room 9", "")
        assert last_event(seat).data["new_location"] == "Room 9"

    def test_those_of_a_course_follow_it(self, service: Any, provider: Any) -> None:
        made = create_session_series(
            service=service,
            provider=provider,
            rrule="FREQ=DAILY;COUNT=2",
            timezone="UTC",
            start_at=START,
            now_dt=NOW,
            **PLACE,
        )
        seats = [book_seat(each, client_name="Ann", now_dt=NOW) for each in made.sessions]
        first = made.series.occurrences.first()
        assert first is not None

        update_series(first, scope="all", location="Room 4", now_dt=NOW)

        assert [place_of(seat) for seat in seats] == [("Room 4", LINK)] * 2
        assert [history(seat) for seat in seats] == [["CREATED", "UPDATED"]] * 2

    @pytest.mark.parametrize("wrong", ["x" * 501, 5, "a\x00"])
    def test_a_wrong_location_is_refused(self, session: Any, wrong: Any) -> None:
        with pytest.raises(InvalidBooking):
            update_session(session, location=wrong, now_dt=NOW)


class Meetings(DefaultBookingAdapter):
    answers: dict[str, Any] = {}
    asked: list[Any] = []

    def meeting_link(self, booking: Booking) -> str:
        self.asked.append(booking.pk)
        assert booking.status == "CONFIRMED"
        answer = self.answers.get("link", LINK)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return str(answer(booking))
        return str(answer)


@pytest.fixture
def meetings(settings: Any) -> type[Meetings]:
    settings.BOOKINGS_ADAPTER = f"{__name__}.Meetings"
    Meetings.answers, Meetings.asked = {}, []
    return Meetings


@pytest.mark.usefixtures("meetings")
class TestAdapter:
    @pytest.fixture
    def commits(self, django_capture_on_commit_callbacks: Any) -> Any:
        return lambda: django_capture_on_commit_callbacks(execute=True)

    def test_it_is_asked_once_a_booking_is_made(
        self, book: Book, commits: Any, meetings: Any
    ) -> None:
        with commits():
            booking = book()
            assert meetings.asked == []

        assert place_of(booking) == ("", LINK)
        assert history(booking) == ["CREATED", "UPDATED"]
        assert last_event(booking).data == {"old_meeting_link": "", "new_meeting_link": LINK}

    def test_it_is_asked_once_a_request_is_confirmed_or_reopened(
        self, pending: Booking, commits: Any, meetings: Any
    ) -> None:
        with commits():
            pass
        meetings.answers["link"] = ""
        with commits():
            confirm_booking(pending, now_dt=NOW)
        assert meetings.asked == [pending.pk]
        with commits():
            cancel_booking(pending, now_dt=NOW)
        meetings.answers["link"] = OTHER
        with commits():
            reopen_booking(pending, now_dt=NOW)
        assert place_of(pending) == ("", OTHER)

    def test_it_is_not_asked_about_holds_requests_and_links_that_are_there(
        self, book: Book, make_service: Make, commits: Any, meetings: Any
    ) -> None:
        with commits():
            book(meeting_link=OTHER)
            book(expires_at=NOW + minutes(15), start_at=START + DAY)
            book(service=make_service(requires_approval=True), start_at=START + 2 * DAY)
        assert meetings.asked == []

    def test_it_is_asked_about_each_of_a_series(
        self, service: Any, provider: Any, commits: Any, meetings: Any
    ) -> None:
        with commits():
            create_series(
                service=service,
                provider=provider,
                client_name="Ann",
                rrule="FREQ=DAILY;COUNT=3",
                timezone="UTC",
                start_at=START,
                now_dt=NOW,
            )
        assert len(meetings.asked) == Occurrence.objects.count() == 3
        assert set(Booking.objects.values_list("meeting_link", flat=True)) == {LINK}

    @pytest.mark.parametrize("failure", [ZeroDivisionError("no"), "javascript:alert(1)"])
    def test_what_fails_is_logged_and_tried_again(
        self, book: Book, commits: Any, meetings: Any, caplog: Any, failure: Any
    ) -> None:
        meetings.answers["link"] = failure
        with commits():
            booking = book()
        assert booking.status == "CONFIRMED"
        assert place_of(booking) == ("", "")
        assert f"booking {booking.pk}" in caplog.text

        meetings.answers["link"] = LINK
        assert request_meeting_links(now_dt=LATER - minutes(1)) == 0
        assert request_meeting_links(now_dt=LATER, dry_run=True) == 1
        assert place_of(booking) == ("", "")
        assert request_meeting_links(now_dt=LATER) == 1
        assert place_of(booking) == ("", LINK)
        with nothing_done():
            assert request_meeting_links(now_dt=LATER) == 0

    def test_one_failure_keeps_nobody_else_from_a_link(self, book: Book, meetings: Any) -> None:
        first, second = (book(start_at=START + n * DAY) for n in range(2))

        def fail_first(booking: Booking) -> str:
            if booking == first:
                raise ZeroDivisionError
            return LINK

        meetings.answers["link"] = fail_first
        seen: list[int] = []
        found = request_meeting_links(now_dt=LATER, chunk_size=1, progress=seen.append)
        assert (found, seen) == (1, [1, 2])
        assert (place_of(first)[1], place_of(second)[1]) == ("", LINK)

    def test_a_limit_is_kept_and_what_is_over_is_left_out(self, book: Book, meetings: Any) -> None:
        for number in range(3):
            book(start_at=START + number * DAY)
        assert request_meeting_links(now_dt=START + 2 * DAY, limit=5, dry_run=True) == 1
        assert request_meeting_links(now_dt=LATER, limit=2) == 2
        assert len(meetings.asked) == 2

    def test_who_was_faster_wins(self, book: Book, commits: Any, meetings: Any) -> None:
        def meanwhile(booking: Booking) -> str:
            update_booking(stored(booking), meeting_link=OTHER)
            return LINK

        meetings.answers["link"] = meanwhile
        with commits():
            booking = book()
        assert place_of(booking) == ("", OTHER)

    def test_a_booking_that_is_cancelled_meanwhile_gets_none(
        self, book: Book, commits: Any, meetings: Any
    ) -> None:
        def meanwhile(booking: Booking) -> str:
            cancel_booking(stored(booking), now_dt=NOW)
            return LINK

        meetings.answers["link"] = meanwhile
        with commits():
            booking = book()
        assert place_of(booking) == ("", "")

    def test_the_command_says_how_many(self, book: Book, capsys: Any) -> None:
        Booking._base_manager.filter(pk=book().pk).update(confirmed_at=timezone.now() - DAY)
        call_command("request_meeting_links", "--dry-run")
        assert "1 booking has no link." in capsys.readouterr().out
        call_command("request_meeting_links")
        assert "1 booking has a link now." in capsys.readouterr().out


def test_without_the_method_nothing_is_asked(book: Book) -> None:
    book()
    assert DefaultBookingAdapter().meeting_link(Booking()) == ""
    with nothing_done():
        assert request_meeting_links(now_dt=LATER) == 0


@pytest.mark.parametrize(
    "wrong",
    [{"limit": -1}, {"chunk_size": 0}, {"progress": 1}, {"now_dt": 5}, {"limit": "1"}],
)
def test_a_wrong_argument_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidBooking):
        request_meeting_links(**wrong)
