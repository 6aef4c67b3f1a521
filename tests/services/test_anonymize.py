"""Erase a client: what goes, what stays, and whom it must not touch."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import extensions
from bookings.contrib.group_sessions.models import WaitlistEntry
from bookings.contrib.group_sessions.services import (
    book_seat,
    create_session,
    join_waitlist,
)
from bookings.exceptions import InvalidBooking, TenantMismatch
from bookings.extensions import Extension
from bookings.integrity import find_problems
from bookings.models import Booking, BookingEvent
from bookings.services import (
    add_note,
    anonymize_client,
    auto_cancel_expired_bookings,
    cancel_booking,
    change_party_size,
    confirm_booking,
    create_booking,
    reschedule_booking,
    update_booking,
)
from tests.services.clock import DAY, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import history, last_event, nothing_done, nothing_written, stored

EMAIL = "mary@example.com"
SECRETS = ("Mary", EMAIL, "+49 30 1234", "allergic", "doorbell", "VIP", "pregnant", "flat tyre")


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert list(find_problems()) == []


@pytest.fixture
def service(make_service: Make) -> Any:
    return make_service(
        price_amount=40, questions=[{"name": "health", "label": "Health", "type": "text"}]
    )


@pytest.fixture
def told(book: Book, user: Any) -> Booking:
    """A booking with all that is said about a client, also in its history."""
    booking = book(
        client_email=EMAIL,
        client_phone="+49 30 1234",
        client_user=user,
        created_by=user,
        client_language="de",
        client_timezone="Europe/Berlin",
        notes_client="allergic",
        notes_internal="VIP",
        answers={"health": "pregnant"},
        metadata={"colour": "red"},
        idempotency_key="k",
    )
    update_booking(booking, client_name="Mary Ann", notes_client="doorbell", actor=user)
    add_note(booking, "Mary rang: flat tyre", actor=user)
    reschedule_booking(booking, new_start_at=START + minutes(30), now_dt=NOW)
    return booking


def everything_about(booking: Booking) -> str:
    rows = [
        *Booking._base_manager.filter(pk=booking.pk).values(),
        *BookingEvent.objects.filter(booking=booking).values(),
        *WaitlistEntry.objects.values(),
    ]
    return str(rows)


def test_nothing_is_left_of_the_client(told: Booking, user: Any) -> None:
    assert all(secret in everything_about(told) for secret in SECRETS)
    digest = told.events.get(event_type="CREATED").data["request"]

    assert anonymize_client(email=EMAIL, now_dt=NOW) == 1

    left = everything_about(told)
    assert [secret for secret in (*SECRETS, digest) if secret in left] == []
    row = stored(told)
    assert row.client_name.startswith("anonymous-")
    assert (row.client_user, row.created_by, row.answers) == (None, None, [])
    assert not BookingEvent.objects.filter(booking=told, actor_user=user).exists()


def test_times_prices_and_the_history_stay(told: Booking) -> None:
    before = stored(told)
    events = [
        (event.event_type, event.created_at, set(event.data))
        for event in told.events.order_by("pk")
    ]

    anonymize_client(email=EMAIL, now_dt=NOW)

    row = stored(told)
    for name in ("start_at", "end_at", "status", "total_amount", "reference", "busy_interval_id"):
        assert getattr(row, name) == getattr(before, name)
    assert row.metadata == {"colour": "red"}
    assert row.version == before.version + 1
    kept = [
        (event.event_type, event.created_at, set(event.data)) for event in row.events.order_by("pk")
    ]
    assert kept[:-1] == events
    moved = row.events.get(event_type="RESCHEDULED").data
    assert moved["new_start_at"] == row.start_at.isoformat()
    updated = row.events.filter(event_type="UPDATED").order_by("pk")[0].data
    assert updated["old_client_name"] is updated["new_notes_client"] is None
    assert last_event(row).data == {"new_client_name": "anonymous", "anonymized": True}
    assert kept[-1][0] == "UPDATED"


def test_a_second_call_does_nothing(told: Booking, user: Any) -> None:
    anonymize_client(email=EMAIL, user=user, now_dt=NOW)

    with nothing_done():
        assert anonymize_client(email=EMAIL, user=user, now_dt=NOW) == 0


@pytest.mark.parametrize("given", ["mary@example.com", " MARY@Example.com "])
def test_the_case_of_the_address_does_not_matter(told: Booking, given: str) -> None:
    assert anonymize_client(email=given, now_dt=NOW) == 1


def test_an_account_finds_what_an_address_does_not(book: Book, user: Any) -> None:
    by_account = book(client_user=user)
    by_address = book(client_email=EMAIL, start_at=START + DAY)
    other = book(client_name="Martha", client_email="m@example.com", start_at=START + 2 * DAY)

    assert anonymize_client(user=user, now_dt=NOW) == 1
    assert stored(by_account).client_name.startswith("anonymous-")
    assert stored(by_address).client_name == "Mary"
    assert anonymize_client(user=user, email=EMAIL, now_dt=NOW) == 1
    assert stored(by_address).client_name.startswith("anonymous-")
    assert stored(other).client_name == "Martha"


@pytest.mark.parametrize(
    "nobody", [{}, {"email": ""}, {"email": "  "}, {"user": None}, {"email": "", "user": None}]
)
def test_nobody_is_an_error(told: Booking, nobody: dict[str, Any]) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        anonymize_client(**nobody)
    assert refused.value.code == "nobody"


def test_an_anonymous_user_is_nobody(told: Booking) -> None:
    from django.contrib.auth.models import AnonymousUser

    with nothing_written(), pytest.raises(InvalidBooking):
        anonymize_client(user=AnonymousUser())


@pytest.mark.parametrize("unknown", ["x@example.com", "%", "_", "mary", "x" * 254, "' OR 1=1"])
def test_who_is_not_known_is_no_error(told: Booking, unknown: str) -> None:
    with nothing_written():
        assert anonymize_client(email=unknown) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": None},
        {"email": 5},
        {"email": "a\x00b"},
        {"email": "x" * 255},
        {"email": "x" * 200_000},
        {"user": "mary"},
        {"user": 1},
        {"email": EMAIL, "chunk_size": 0},
        {"email": EMAIL, "progress": 5},
        {"email": EMAIL, "now_dt": NOW.replace(tzinfo=None)},
    ],
)
def test_a_wrong_argument_is_refused(told: Booking, wrong: dict[str, Any]) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        anonymize_client(**wrong)


def test_a_tenant_without_tenancy_is_refused(told: Booking, service: Any) -> None:
    with nothing_written(), pytest.raises(TenantMismatch):
        anonymize_client(email=EMAIL, tenant=service)


def test_clients_without_an_address_are_not_taken_for_each_other(book: Book) -> None:
    booking = book(client_email="")

    assert anonymize_client(email=EMAIL, now_dt=NOW) == 0
    assert stored(booking).client_name == "Mary"


def test_many_bookings_take_chunks(book: Book) -> None:
    for number in range(7):
        book(client_email=EMAIL, start_at=START + number * DAY)
    seen: list[int] = []

    assert anonymize_client(email=EMAIL, chunk_size=3, progress=seen.append, now_dt=NOW) == 7

    assert seen == [3, 6, 7]
    names = set(Booking.objects.values_list("client_name", flat=True))
    assert len(names) == 7
    assert all(history(booking)[-1] == "UPDATED" for booking in Booking.objects.all())


def test_the_statements_do_not_grow_with_the_bookings(book: Book) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            anonymize_client(email=EMAIL, now_dt=NOW)
        return len(captured)

    counts = []
    for first, number in ((0, 3), (10, 9)):
        for each in range(first, first + number):
            book(client_email=EMAIL, start_at=START + each * DAY)
        counts.append(statements())
    assert counts[0] == counts[1]


def test_a_dry_run_counts(told: Booking) -> None:
    with nothing_written():
        assert anonymize_client(email=EMAIL, dry_run=True) == 1


def test_what_people_wrote_as_a_reason_goes_and_what_a_sweep_wrote_stays(book: Book) -> None:
    by_hand = book(client_email=EMAIL)
    cancel_booking(by_hand, reason="Mary is ill", now_dt=NOW)
    by_sweep = book(client_email=EMAIL, start_at=START + DAY)
    auto_cancel_expired_bookings(now_dt=START + 9 * DAY)

    anonymize_client(email=EMAIL, now_dt=NOW)

    assert stored(by_hand).cancellation_reason == ""
    assert "ill" not in everything_about(by_hand)
    assert stored(by_sweep).cancellation_reason == "overdue"
    assert by_sweep.events.get(event_type="AUTO_CANCELLED").data["reason"] == "overdue"


def test_an_active_booking_goes_on(told: Booking, book: Book, staff: Any) -> None:
    anonymize_client(email=EMAIL, now_dt=NOW)
    row = stored(told)

    reschedule_booking(row, new_start_at=START + DAY, now_dt=NOW)
    cancel_booking(row, now_dt=NOW)

    assert history(row)[-2:] == ["RESCHEDULED", "CANCELLED"]


def test_what_staff_did_is_still_theirs(book: Book, staff: Any, user: Any) -> None:
    booking = book(client_email=EMAIL, client_user=user, created_by=staff)
    cancel_booking(booking, actor=staff, now_dt=NOW)

    anonymize_client(email=EMAIL, now_dt=NOW)

    row = stored(booking)
    assert (row.created_by, row.cancelled_by) == (staff, staff)
    assert row.events.get(event_type="CANCELLED").actor_user == staff


def test_the_account_can_be_deleted_then(told: Booking, user: Any) -> None:
    anonymize_client(user=user, now_dt=NOW)

    user.delete()

    assert "client" not in stored(told).created_by_name


def test_it_is_logged_without_a_name(told: Booking, caplog: Any) -> None:
    caplog.set_level("INFO", "bookings")

    anonymize_client(email=EMAIL, now_dt=NOW)

    assert "Anonymized 1 bookings of a client" in caplog.text
    assert EMAIL not in caplog.text


class TestSessions:
    @pytest.fixture
    def session(self, service: Any, provider: Any) -> Any:
        return create_session(
            service=service,
            provider=provider,
            start_at=START,
            capacity=3,
            enable_waitlist=True,
            now_dt=NOW,
        )

    def test_seats_of_one_client_in_two_spellings_are_both_erased(
        self, session: Any, user: Any
    ) -> None:
        seats = [
            book_seat(session, client_name="Mary", client_email=EMAIL, now_dt=NOW),
            book_seat(session, client_name="M.", client_user=user, now_dt=NOW),
        ]

        assert anonymize_client(email=EMAIL, user=user, now_dt=NOW) == 2

        assert len({stored(seat).client_name for seat in seats}) == 2
        assert change_party_size(stored(seats[0]), 2, now_dt=NOW).party_size == 2

    def test_who_waits_does_not_any_more(self, session: Any, user: Any) -> None:
        full = book_seat(session, client_name="Ann", seats=3, now_dt=NOW)
        own = join_waitlist(
            session, client_name="Mary", client_email=EMAIL, created_by=user, now_dt=NOW
        )
        by_account = join_waitlist(
            session, client_name="M.", client_user=user, created_by=user, now_dt=NOW
        )
        other = join_waitlist(session, client_name="Ben", client_email="b@x.org", now_dt=NOW)
        assert anonymize_client(email=EMAIL, user=user, dry_run=True) == 2

        assert anonymize_client(email=EMAIL, user=user, now_dt=NOW) == 2

        for entry in (own, by_account, other):
            entry.refresh_from_db()
        assert (own.status, by_account.status, other.status) == ("LEFT", "LEFT", "WAITING")
        assert own.client_name.startswith("anonymous-")
        assert (own.client_email, by_account.client_user, by_account.created_by) == ("", None, None)
        assert own.created_by == user
        cancel_booking(full, now_dt=NOW)
        assert list(Booking.objects.active().values_list("client_name", flat=True)) == ["Ben"]

    def test_who_has_an_offer_keeps_it(self, service: Any, provider: Any) -> None:
        session = create_session(
            service=service,
            provider=provider,
            start_at=START,
            capacity=1,
            enable_waitlist=True,
            waitlist_offer_minutes=60,
            now_dt=NOW,
        )
        full = book_seat(session, client_name="Ann", now_dt=NOW)
        entry = join_waitlist(session, client_name="Mary", client_email=EMAIL, now_dt=NOW)
        cancel_booking(full, now_dt=NOW)

        assert anonymize_client(email=EMAIL, now_dt=NOW) == 2

        entry.refresh_from_db()
        assert entry.status == "OFFERED"
        assert entry.booking is not None
        assert confirm_booking(entry.booking, now_dt=NOW).status == "CONFIRMED"
        entry.refresh_from_db()
        assert entry.status == "ACCEPTED"


class TestExtension:
    def test_an_app_is_asked_for_its_own_rows(
        self, told: Booking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Letters(Extension):
            name = "letters"
            asked: list[Any] = []

            def anonymize_client(self, client: Any, **options: Any) -> int:
                self.asked.append((Booking.objects.filter(client.rows()).count(), options))
                return 4

        monkeypatch.setitem(extensions._extensions, "letters", Letters())

        assert anonymize_client(email=EMAIL, now_dt=NOW) == 5
        assert Letters.asked == [(1, {"using": "default", "now": NOW, "dry_run": False})]

    def test_by_default_it_has_none(self) -> None:
        client: Any = None
        assert Extension().anonymize_client(client, using="default", now=NOW, dry_run=True) == 0


class TestCommand:
    def test_it_says_how_many(self, told: Booking, capsys: Any) -> None:
        call_command("anonymize_client", "--email", EMAIL, "--dry-run")
        assert "1 row is the client's." in capsys.readouterr().out
        call_command("anonymize_client", "--email", EMAIL)
        assert "1 row anonymized." in capsys.readouterr().out
        call_command("anonymize_client", "--email", EMAIL)
        assert "0 rows anonymized." in capsys.readouterr().out

    def test_it_takes_the_key_of_an_account(self, told: Booking, user: Any, capsys: Any) -> None:
        call_command("anonymize_client", "--user", str(user.pk))
        assert "1 row anonymized." in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "Nobody is named"),
            (["--email", ""], "Nobody is named"),
            (["--user", "999999"], "There is no user with the key 999999."),
            (["--user", "nobody"], "There is no user with the key nobody."),
            (["--user", "9" * 50], "There is no user"),
            (["--email", EMAIL, "--chunk-size", "0"], "chunk_size"),
        ],
    )
    def test_a_wrong_option_is_said(self, told: Booking, arguments: list[str], said: str) -> None:
        with nothing_written(), pytest.raises(CommandError, match=said):
            call_command("anonymize_client", *arguments)


def test_somebody_else_with_the_name_is_not_touched(book: Book) -> None:
    get_user_model().objects.create_user("mary")
    other = book(client_name="Mary", client_phone="123")
    mine = create_booking(
        service=other.service,
        provider=other.provider,
        start_at=START + DAY,
        client_name="Mary",
        client_email=EMAIL,
        now_dt=NOW,
    )

    anonymize_client(email=EMAIL, now_dt=NOW)

    assert stored(other).client_name == "Mary"
    assert stored(mine).client_name != "Mary"
