"""Holds from the client's side: keep time, keep it longer, say who it is for, and submit it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import override_settings

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    DuplicateBooking,
    InvalidBooking,
    InvalidTransition,
    LimitReached,
    NotAllowed,
    PastStart,
)
from bookings.models import Booking, BusyInterval
from bookings.selectors import get_busy_intervals
from bookings.services import (
    cancel_booking,
    confirm_booking,
    expire_bookings,
    extend_hold,
    hold_booking,
    reschedule_booking,
    submit_hold,
    update_booking,
)
from tests.services.clock import DAY, HOUR, MICROSECOND, NOW, SECOND, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import (
    history,
    lapses,
    last_event,
    nothing_done,
    nothing_written,
    only_interval,
    stored,
)

EXPIRY = NOW + minutes(15)


@pytest.fixture
def hold_time(service: Any, provider: Any) -> Book:
    def make(**values: Any) -> Booking:
        given = {"service": service, "provider": provider, "start_at": START, "now_dt": NOW}
        return hold_booking(**(given | values))

    return make


@pytest.fixture
def unnamed_hold(hold_time: Book) -> Booking:
    """Fifteen minutes of somebody who has not said who he is."""
    return hold_time()


@pytest.fixture
def approved(make_service: Make) -> Any:
    return make_service(name="Surgery", requires_approval=True)


def test_a_hold_is_pending_for_as_long_as_the_setting_says(unnamed_hold: Booking) -> None:
    row = stored(unnamed_hold)
    assert (row.status, row.client_name, row.requested_at) == ("PENDING", "", None)
    assert (row.expires_at, row.is_hold, row.holds_time) == (EXPIRY, True, True)
    assert history(row) == ["CREATED"]
    assert row.busy_interval is not None
    assert row.busy_interval.lapses == EXPIRY.timestamp()


def test_the_setting_is_read_when_it_is_used(hold_time: Book) -> None:
    with override_settings(BOOKINGS_HOLD_MINUTES=40):
        assert hold_time().expires_at == NOW + minutes(40)
    assert hold_time(hold_minutes=5, start_at=START + DAY).expires_at == NOW + minutes(5)


def test_a_hold_ends_at_its_start_at_the_latest(hold_time: Book) -> None:
    assert hold_time(start_at=NOW + minutes(10)).expires_at == NOW + minutes(10)
    past = hold_time(start_at=NOW - DAY, allow_past=True)
    assert past.expires_at == EXPIRY


@pytest.mark.parametrize("later", [minutes(1), DAY, 4000 * DAY])
def test_a_hold_lapses_at_its_start_at_the_latest(book: Book, later: Any) -> None:
    hold = book(expires_at=START + later)
    assert (hold.expires_at, hold.status) == (START, "PENDING")
    assert stored(hold).expires_at == START
    assert expire_bookings(now_dt=START) == 1


def test_a_hold_for_a_start_that_has_passed_lapses_when_it_says(book: Book) -> None:
    hold = book(expires_at=START + DAY, now_dt=START + minutes(1), allow_past=True)
    assert hold.expires_at == START + DAY


@pytest.mark.parametrize("length", [0, -1, True, 1.5, "15", 2**40])
def test_a_hold_lasts_a_whole_number_of_minutes(hold_time: Book, length: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking, match="hold_minutes must be"):
        hold_time(hold_minutes=length)


@pytest.mark.parametrize("length", [0, -1, "5", 1.5, True, 10**9])
def test_a_setting_that_is_no_length_is_named(hold_time: Book, settings: Any, length: Any) -> None:
    settings.BOOKINGS_HOLD_MINUTES = length
    with nothing_written(), pytest.raises(InvalidBooking, match="BOOKINGS_HOLD_MINUTES must be"):
        hold_time()


def test_a_naive_start_is_refused(hold_time: Book) -> None:
    with nothing_written(), pytest.raises(InvalidBooking, match="timezone-aware"):
        hold_time(start_at=datetime(2030, 1, 8, 9, 0))  # noqa: DTZ001


def test_only_a_hold_may_be_nobody_s(book: Book, hold_time: Book) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(client_name="")
    assert "client_name" in refused.value.message_dict
    with nothing_written(), pytest.raises(InvalidBooking):
        hold_time(client_name=" ")


def test_two_that_are_nobody_s_are_no_duplicates(hold_time: Book) -> None:
    with override_settings(BOOKINGS_DUPLICATE_GUARD_MINUTES=600):
        hold_time()
        assert hold_time(start_at=START + HOUR).pk


def test_a_key_gives_the_same_hold_again(hold_time: Book) -> None:
    made = hold_time(idempotency_key="cart")
    assert hold_time(idempotency_key="cart", now_dt=NOW + minutes(1)).pk == made.pk
    assert Booking.objects.count() == 1


def test_add_ons_are_held_too(hold_time: Book, make_addon: Make) -> None:
    addon = make_addon(extra_duration_minutes=30)
    assert hold_time(addon_ids=[addon.pk]).end_at == START + minutes(90)


# Confirm


def test_a_hold_is_confirmed_with_who_it_is_for(unnamed_hold: Booking, user: Any) -> None:
    confirm_booking(
        unnamed_hold,
        now_dt=NOW,
        client_name="Mary",
        client_email="mary@example.com",
        client_phone="0123",
        client_user=user,
        notes_client="Late.",
        metadata={"source": "phone"},
    )

    row = stored(unnamed_hold)
    assert (row.status, row.expires_at, row.confirmed_at) == ("CONFIRMED", None, NOW)
    assert (row.client_name, row.client_email, row.client_phone) == (
        "Mary",
        "mary@example.com",
        "0123",
    )
    assert (row.client_user, row.notes_client, row.metadata) == (
        user,
        "Late.",
        {"source": "phone"},
    )
    assert history(row) == ["CREATED", "CONFIRMED"]
    assert last_event(row).data == {
        "old_status": "PENDING",
        "new_status": "CONFIRMED",
        "old_client_name": "",
        "new_client_name": "Mary",
        "old_client_email": "",
        "new_client_email": "mary@example.com",
        "old_client_phone": "",
        "new_client_phone": "0123",
        "old_notes_client": "",
        "new_notes_client": "Late.",
        "old_client_user": None,
        "new_client_user": user.pk,
        "old_metadata": {},
        "new_metadata": {"source": "phone"},
    }
    assert row.busy_interval is not None
    assert row.busy_interval.lapses is None


@pytest.mark.parametrize("verb", [confirm_booking, submit_hold])
def test_what_is_nobody_s_is_not_confirmed(unnamed_hold: Booking, verb: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        verb(unnamed_hold, now_dt=NOW, client_email="mary@example.com")
    assert refused.value.code == "no_client"
    assert unnamed_hold.client_email == ""


@pytest.mark.parametrize("verb", [confirm_booking, submit_hold])
@pytest.mark.parametrize(
    "wrong",
    [
        {"client_name": " "},
        {"client_name": "x" * 256},
        {"client_name": 7},
        {"client_name": "Mary", "client_email": "nowhere"},
        {"client_name": "Mary", "metadata": ["list"]},
        {"client_name": "Mary", "metadata": {"x": float("nan")}},
        {"client_name": "Mary", "client_user": 1},
        {"client_name": "Mary", "notes_client": "\x00"},
        {"client_name": "\ud800"},
        {"client_name": "Mary", "client_email": "\ud800@example.com"},
        {"client_name": "Mary", "metadata": reduce(lambda inner, _: {"x": inner}, range(5000), {})},
    ],
    ids=lambda wrong: ascii(list(wrong)[-1]),
)
@override_settings(BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT=1)
def test_what_cannot_be_stored_leaves_the_hold_as_it_was(
    unnamed_hold: Booking, verb: Any, wrong: dict[str, Any]
) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        verb(unnamed_hold, now_dt=NOW, **wrong)


def test_what_is_not_said_stays(hold: Booking) -> None:
    confirm_booking(hold, now_dt=NOW, client_user=AnonymousUser(), client_phone="0123")

    assert (stored(hold).client_name, stored(hold).client_phone) == ("Mary", "0123")
    assert "old_client_name" not in last_event(hold).data


@pytest.mark.parametrize("verb", [confirm_booking, submit_hold])
def test_metadata_is_merged_and_not_replaced(hold_time: Book, verb: Any) -> None:
    hold = hold_time(client_name="Mary", metadata={"cart": 7, "step": 1})

    verb(hold, now_dt=NOW, metadata={"step": None, "paid": True})

    assert stored(hold).metadata == {"cart": 7, "paid": True}


@pytest.mark.parametrize("verb", [confirm_booking, submit_hold])
def test_who_has_a_booking_there_already_is_known_by_then(
    book: Book, hold_time: Book, verb: Any
) -> None:
    with override_settings(BOOKINGS_DUPLICATE_GUARD_MINUTES=120):
        book(start_at=START + 2 * HOUR)
        hold = hold_time()

        with nothing_written(), pytest.raises(DuplicateBooking):
            verb(hold, now_dt=NOW, client_name="Mary")
        assert verb(hold, now_dt=NOW, client_name="Martha").status == "CONFIRMED"


def test_a_client_who_was_known_is_not_held_to_the_guard_again(book: Book) -> None:
    hold = book(expires_at=EXPIRY)
    book(start_at=START + HOUR)

    with override_settings(BOOKINGS_DUPLICATE_GUARD_MINUTES=120):
        assert confirm_booking(hold, now_dt=NOW).status == "CONFIRMED"


@pytest.mark.parametrize("verb", [confirm_booking, submit_hold])
@pytest.mark.parametrize("name", ["service", "provider"])
def test_what_is_inactive_by_now_is_not_confirmed(hold: Booking, verb: Any, name: str) -> None:
    retired = getattr(hold, name)
    retired.is_active = False
    retired.save()

    with nothing_written(), pytest.raises(NotAllowed, match="is not active"):
        verb(hold, now_dt=NOW)
    assert verb(hold, now_dt=NOW, override_policy=True).status == "CONFIRMED"


def outlasting(hold: Booking) -> Booking:
    """As a hold that was stored by an earlier version, and lapses after its start."""
    Booking._base_manager.filter(pk=hold.pk).update(expires_at=START + DAY)
    return stored(hold)


@pytest.mark.parametrize("verb", [confirm_booking, submit_hold])
def test_a_start_that_has_passed_meanwhile_is_refused(book: Book, verb: Any) -> None:
    hold = outlasting(book(expires_at=START))

    assert verb(book(start_at=START + DAY, expires_at=START + DAY), now_dt=START).pk
    with nothing_written(), pytest.raises(PastStart):
        verb(hold, now_dt=START + MICROSECOND)
    with override_settings(BOOKINGS_ALLOW_PAST_START=True):
        assert verb(hold, now_dt=START + MICROSECOND).status == "CONFIRMED"


def test_staff_may_confirm_what_has_begun(book: Book) -> None:
    hold = outlasting(book(expires_at=START))
    assert confirm_booking(hold, now_dt=START + HOUR, override_policy=True).status == "CONFIRMED"


def test_what_was_made_for_the_past_is_confirmed_there(hold_time: Book) -> None:
    hold = hold_time(start_at=NOW - DAY, allow_past=True, client_name="Mary")
    assert confirm_booking(hold, now_dt=NOW).status == "CONFIRMED"


@pytest.mark.parametrize("verb", [confirm_booking, submit_hold])
def test_a_claim_that_was_lost_is_taken_again_or_refused(
    book: Book, hold: Booking, verb: Any
) -> None:
    assert hold.busy_interval is not None
    hold.busy_interval.delete()
    other = book()
    with nothing_written(), pytest.raises(BookingConflict):
        verb(hold, now_dt=NOW)
    cancel_booking(other, now_dt=NOW)

    verb(hold, now_dt=NOW)

    interval = stored(hold).busy_interval
    assert interval is not None
    assert (interval.start_at, interval.lapses) == (START, None)


# Submit


def test_a_hold_that_needs_no_approval_is_confirmed(unnamed_hold: Booking) -> None:
    submit_hold(unnamed_hold, now_dt=NOW, client_name="Mary")

    assert (unnamed_hold.status, unnamed_hold.requested_at) == ("CONFIRMED", None)
    assert history(unnamed_hold) == ["CREATED", "CONFIRMED"]
    data = last_event(unnamed_hold).data
    assert (data["old_expires_at"], data["new_expires_at"]) == (EXPIRY.isoformat(), None)


def test_a_hold_that_needs_approval_becomes_a_request(hold_time: Book, approved: Any) -> None:
    hold = hold_time(service=approved)
    submit_hold(hold, now_dt=NOW + SECOND, client_name="Mary", notes_client="Window seat.")

    row = stored(hold)
    assert (row.status, row.requested_at, row.expires_at) == ("PENDING", NOW + SECOND, None)
    assert (row.is_hold, row.client_name) == (False, "Mary")
    assert history(row) == ["CREATED", "UPDATED"]
    assert last_event(row).data == {
        "old_client_name": "",
        "new_client_name": "Mary",
        "old_notes_client": "",
        "new_notes_client": "Window seat.",
        "old_requested_at": None,
        "new_requested_at": (NOW + SECOND).isoformat(),
        "old_expires_at": EXPIRY.isoformat(),
        "new_expires_at": None,
    }
    assert row.busy_interval is not None
    assert row.busy_interval.lapses is None
    assert expire_bookings(now_dt=START) == 0


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=2)
def test_a_request_lapses_by_its_own_deadline(hold_time: Book, approved: Any) -> None:
    hold = submit_hold(hold_time(service=approved), now_dt=NOW + minutes(5), client_name="Mary")

    deadline = NOW + minutes(125)
    assert stored(hold).expires_at == deadline
    assert hold.busy_interval is not None
    assert hold.busy_interval.lapses == deadline.timestamp()
    assert expire_bookings(now_dt=deadline - SECOND) == 0
    assert expire_bookings(now_dt=deadline) == 1


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=2)
def test_a_second_click_neither_approves_nor_extends(hold_time: Book, approved: Any) -> None:
    hold = submit_hold(hold_time(service=approved), now_dt=NOW, client_name="Mary")

    with nothing_done():
        submit_hold(hold, now_dt=NOW + HOUR, client_name="Mallory")
    assert (hold.status, hold.client_name) == ("PENDING", "Mary")


def test_who_has_waited_too_long_has_nothing_to_submit(hold_time: Book) -> None:
    hold = hold_time(client_name="Mary")
    with nothing_written(), pytest.raises(InvalidTransition) as refused:
        submit_hold(hold, now_dt=EXPIRY)
    assert refused.value.code == "hold_expired"


class Suspicious(DefaultBookingAdapter):
    """Strangers need approval, whatever the service says."""

    def requires_approval(self, booking: Booking) -> bool:
        return not booking.client_email.endswith("@friends.example")


@override_settings(BOOKINGS_ADAPTER=f"{__name__}.Suspicious")
@pytest.mark.parametrize(
    ("email", "status"), [("a@friends.example", "CONFIRMED"), ("a@elsewhere.example", "PENDING")]
)
def test_whether_a_client_needs_approval_is_asked_when_he_is_known(
    hold_time: Book, email: str, status: str
) -> None:
    hold = hold_time()
    assert hold.requires_approval

    submit_hold(hold, now_dt=NOW, client_name="Ann", client_email=email)

    assert (hold.status, stored(hold).requires_approval) == (status, status == "PENDING")


class Hasty(DefaultBookingAdapter):
    def approval_deadline(self, booking: Booking, now_dt: datetime) -> datetime | None:
        return now_dt - timedelta(minutes=1)


@override_settings(BOOKINGS_ADAPTER=f"{__name__}.Hasty")
def test_a_deadline_that_has_passed_is_refused(hold_time: Book, book: Book, approved: Any) -> None:
    hold = hold_time(service=approved, client_name="Mary")
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        submit_hold(hold, now_dt=NOW)
    assert refused.value.code == "expires_in_the_past"
    with nothing_written(), pytest.raises(InvalidBooking):
        book(service=approved, start_at=START + DAY)


# Extend


def test_a_hold_is_extended_from_now_on(hold: Booking) -> None:
    extend_hold(hold, now_dt=NOW + minutes(10), minutes=20)

    row = stored(hold)
    assert row.expires_at == NOW + minutes(30)
    assert row.busy_interval is not None
    assert row.busy_interval.lapses == (NOW + minutes(30)).timestamp()
    assert history(row) == ["CREATED", "UPDATED"]
    assert last_event(row).data == {
        "old_expires_at": EXPIRY.isoformat(),
        "new_expires_at": (NOW + minutes(30)).isoformat(),
    }
    assert expire_bookings(now_dt=EXPIRY) == 0


def test_a_hold_is_extended_by_the_setting_or_until_an_instant(hold: Booking) -> None:
    with override_settings(BOOKINGS_HOLD_MINUTES=30):
        assert extend_hold(hold, now_dt=NOW).expires_at == NOW + minutes(30)
    assert extend_hold(hold, now_dt=NOW, expires_at=NOW + HOUR).expires_at == NOW + HOUR


def test_a_hold_is_not_made_shorter(hold: Booking) -> None:
    with nothing_done():
        extend_hold(hold, now_dt=NOW, minutes=15)
        extend_hold(hold, now_dt=NOW, minutes=5)
        extend_hold(hold, now_dt=NOW, expires_at=NOW + minutes(5))


def test_a_hold_is_not_extended_beyond_its_start(hold: Booking, hold_time: Book) -> None:
    assert extend_hold(hold, now_dt=NOW, expires_at=START + HOUR).expires_at == START
    past = hold_time(start_at=NOW - DAY, allow_past=True)
    assert extend_hold(past, now_dt=NOW, minutes=60).expires_at == NOW + HOUR


def test_a_seat_that_is_held_is_extended_and_the_slot_does_not_lapse(
    book: Book, group: Any
) -> None:
    hold = book(service=group, party_size=2, expires_at=EXPIRY)
    extend_hold(hold, now_dt=NOW, minutes=30)

    assert stored(hold).expires_at == NOW + minutes(30)
    assert hold.busy_interval is not None
    assert hold.busy_interval.lapses is None
    with nothing_written(), pytest.raises(CapacityExceeded):
        book(service=group, party_size=2, now_dt=EXPIRY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"minutes": 0},
        {"minutes": -5},
        {"minutes": True},
        {"minutes": 2**40},
        {"expires_at": NOW},
        {"expires_at": NOW.replace(tzinfo=None) + DAY},
        {"expires_at": "tomorrow"},
        {"minutes": 5, "expires_at": NOW + DAY},
    ],
    ids=str,
)
def test_what_is_no_length_extends_nothing(hold: Booking, wrong: dict[str, Any]) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        extend_hold(hold, now_dt=NOW, **wrong)


def test_what_has_run_out_is_not_extended(hold: Booking) -> None:
    with nothing_written(), pytest.raises(InvalidTransition) as refused:
        extend_hold(hold, now_dt=EXPIRY, minutes=30)
    assert refused.value.code == "hold_expired"
    assert refused.value.messages == ["The hold has expired. Make a new booking."]


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=2)
def test_a_request_is_not_extended_by_the_client(hold_time: Book, approved: Any) -> None:
    request = submit_hold(hold_time(service=approved), now_dt=NOW, client_name="Mary")
    with nothing_written(), pytest.raises(InvalidTransition) as refused:
        extend_hold(request, now_dt=NOW, minutes=600)
    assert refused.value.code == "no_hold"


# Lists


def test_holds_are_listed_until_they_run_out_or_are_submitted(
    hold_time: Book, book: Book, approved: Any
) -> None:
    hold = hold_time()
    book(service=approved, start_at=START + DAY)
    with override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=5):
        request = book(service=approved, start_at=START + 2 * DAY)

    assert list(Booking.objects.holds(NOW)) == [hold]
    assert list(Booking.objects.holds(EXPIRY)) == []
    assert request.expires_at == NOW + 5 * HOUR


def test_a_hold_that_would_outlast_the_calendar_is_refused(hold_time: Book, hold: Booking) -> None:
    last = datetime.max.replace(tzinfo=UTC)
    for beyond in (
        lambda: hold_time(now_dt=last, allow_past=True),
        lambda: extend_hold(hold, now_dt=last),
    ):
        with nothing_written(), pytest.raises(InvalidBooking) as refused:
            beyond()
        assert refused.value.code == "out_of_range"


def test_a_hold_that_moves_stays_a_hold(unnamed_hold: Booking) -> None:
    reschedule_booking(unnamed_hold, new_start_at=START + DAY, now_dt=NOW)
    assert unnamed_hold.is_hold
    assert only_interval()["start_at"] == START + DAY


def test_a_hold_that_moves_ends_at_its_new_start_at_the_latest(
    hold_time: Book, book: Book, provider: Any
) -> None:
    hold = hold_time(hold_minutes=600)
    reschedule_booking(hold, new_start_at=NOW + HOUR, now_dt=NOW)
    assert hold.expires_at == NOW + HOUR
    assert lapses() == (NOW + HOUR).timestamp()
    reschedule_booking(hold, new_start_at=START, now_dt=NOW)
    assert hold.expires_at == NOW + HOUR
    chosen = book(start_at=START + DAY, expires_at=START + DAY)
    reschedule_booking(chosen, new_start_at=START + 2 * DAY, now_dt=NOW)
    assert chosen.expires_at == START + DAY


def test_a_hold_hides_its_time_until_it_runs_out(
    unnamed_hold: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy_at(now: datetime) -> list[Any]:
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)
        return get_busy_intervals(unnamed_hold.provider, START, START + DAY)

    assert busy_at(EXPIRY - SECOND) == [(START, START + HOUR)]
    assert busy_at(EXPIRY) == []


def test_an_hour_that_the_clocks_repeat_is_held_once(hold_time: Book) -> None:
    """02:30 comes twice in Berlin on that night; the instants are an hour apart."""
    first = hold_time(start_at=datetime(2030, 10, 27, 0, 30, tzinfo=UTC), hold_minutes=60 * 24)
    second = hold_time(start_at=datetime(2030, 10, 27, 1, 30, tzinfo=UTC))
    assert (first.end_at, second.pk is not None) == (second.start_at, True)


# Limits


@pytest.mark.parametrize("verb", [confirm_booking, submit_hold])
@override_settings(BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT=1)
def test_a_client_is_held_to_the_limits_once_he_is_known(
    book: Book, hold_time: Book, verb: Any
) -> None:
    book(client_name="Mary")
    hold = hold_time(start_at=START + DAY)

    with nothing_written(), pytest.raises(LimitReached):
        verb(hold, now_dt=NOW, client_name="Mary")
    assert verb(hold, now_dt=NOW, client_name="Martha").status == "CONFIRMED"
    staffed = hold_time(start_at=START + 2 * DAY)
    verb(staffed, now_dt=NOW, client_name="Mary", override_policy=True)
    assert staffed.status == "CONFIRMED"


@pytest.mark.parametrize("verb", [confirm_booking, submit_hold])
@override_settings(BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT=1)
def test_a_client_is_held_to_the_limits_by_whatever_verb_he_is_told(
    book: Book, hold_time: Book, verb: Any
) -> None:
    """Whoever pays for a hold, or fills in a page at a time, is known before it is submitted."""
    book(client_name="Mary")
    hold = hold_time(start_at=START + DAY)

    with nothing_written(), pytest.raises(LimitReached):
        update_booking(hold, now_dt=NOW, client_name="Mary")
    update_booking(hold, now_dt=NOW, client_name="Martha")
    stale = stored(hold)
    assert verb(hold, now_dt=NOW).status == "CONFIRMED"
    # What is no hold any more is corrected, whatever the object says.
    assert update_booking(hold, now_dt=NOW, client_name="Marie").client_name == "Marie"
    assert update_booking(stale, now_dt=NOW, client_name="Mary").client_name == "Mary"


@override_settings(BOOKINGS_DUPLICATE_GUARD_MINUTES=60)
def test_a_client_who_is_told_of_a_hold_has_no_booking_like_it(
    book: Book, hold_time: Book, group: Any
) -> None:
    book(service=group, client_name="Mary")
    hold = hold_time(service=group)

    with nothing_written(), pytest.raises(DuplicateBooking):
        update_booking(hold, now_dt=NOW, client_name="Mary")
    assert update_booking(hold, now_dt=NOW, notes_client="Hello").notes_client == "Hello"


@override_settings(BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT=1)
def test_a_client_whose_hold_counts_already_is_not_counted_twice(hold_time: Book) -> None:
    hold = hold_time(client_name="Mary")
    assert submit_hold(hold, now_dt=NOW, client_name="Mary").status == "CONFIRMED"


@override_settings(BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT=1)
def test_a_stale_object_does_not_get_round_the_limits(book: Book, hold_time: Book) -> None:
    """The e-mail address that he is known by came while the object was held."""
    book(client_name="Mary", client_email="mary@example.com")
    hold = hold_time(start_at=START + DAY)
    stale = stored(hold)
    with override_settings(BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT=None):
        update_booking(hold, client_email="mary@example.com")

    with nothing_written(), pytest.raises(LimitReached):
        submit_hold(stale, now_dt=NOW, client_name="Mary Ann", client_phone="0123")


def test_an_imported_hold_that_holds_no_time_expires_like_another(hold_time: Book) -> None:
    hold = hold_time()
    interval_id = hold.busy_interval_id
    Booking._base_manager.filter(pk=hold.pk).update(busy_interval=None)
    BusyInterval.objects.filter(pk=interval_id).delete()
    assert expire_bookings(now_dt=hold.expires_at) == 1
    hold.refresh_from_db()
    assert (hold.status, hold.auto_cancelled) == (Booking.Status.CANCELLED, True)
