"""Time off: it is taken, moved and cancelled together with its claim."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import RestrictedError
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from bookings.contrib.schedule.exceptions import InvalidSchedule, TimeOffConflict
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import cancel_time_off, move_time_off, take_time_off
from bookings.exceptions import (
    BookingConflict,
    InvalidBooking,
    MissingReference,
    NotAllowed,
)
from bookings.ledger import entries
from bookings.models import Booking, BusyInterval, Calendar
from bookings.selectors import get_busy_intervals
from bookings.services import cancel_booking
from tests.contrib.schedule.hours.conftest import NOW, Book, Make, at

pytestmark = pytest.mark.django_db

LAST_DAY: Final = datetime(4147, 1, 1, tzinfo=UTC)


@pytest.fixture
def time_off(provider: Any) -> TimeOff:
    """From nine to noon."""
    return take_time_off(provider=provider, start_at=at(9), end_at=at(12), now_dt=NOW)


def claims() -> list[tuple[datetime, datetime, str]]:
    return [(row.start_at, row.end_at, row.kind) for row in BusyInterval.objects.all()]


def test_it_claims_its_time(provider: Any, book: Book) -> None:
    user = get_user_model().objects.create_user("staff")

    taken = take_time_off(
        provider=provider,
        start_at=at(9),
        end_at=at(12),
        reason="Dentist",
        actor=user,
        now_dt=NOW,
    )

    assert claims() == [(at(9), at(12), "TIME_OFF")]
    stored = TimeOff.objects.get()
    assert stored == taken
    assert stored.busy_interval == BusyInterval.objects.get()
    assert (stored.reason, stored.created_by, stored.created_at) == ("Dentist", user, NOW)
    assert str(stored) == "Ada: March 6, 2131, 9 a.m. – March 6, 2131, noon"
    with pytest.raises(BookingConflict):
        book(at(11))
    book(at(12))
    book(at(8))


@transaction.atomic
def delete_claims_behind_its_back() -> None:
    BusyInterval.objects.all()._raw_delete("default")
    connection.check_constraints()


def test_it_may_have_begun(provider: Any) -> None:
    take_time_off(provider=provider, start_at=NOW - timedelta(hours=1), end_at=at(12), now_dt=NOW)
    assert len(claims()) == 1


def test_the_clock_is_now_unless_told(provider: Any) -> None:
    with pytest.raises(InvalidSchedule, match="ended already"):
        take_time_off(
            provider=provider,
            start_at=datetime(2001, 1, 1, tzinfo=UTC),
            end_at=datetime(2001, 1, 2, tzinfo=UTC),
        )


def test_bookings_in_the_way_are_listed_and_nothing_is_taken(
    provider: Any, book: Book, make_provider: Make
) -> None:
    second, first = book(at(11)), book(at(9))
    book(at(12))
    book(at(10), provider=make_provider("Grace"))

    with pytest.raises(TimeOffConflict) as refused:
        take_time_off(provider=provider, start_at=at(9, 30), end_at=at(12), now_dt=NOW)

    assert refused.value.bookings == [first, second]
    assert refused.value.claims == []
    assert refused.value.code == "time_off_conflict"
    assert str(refused.value) == "2 bookings lie in that time. Move or cancel them first."
    assert not TimeOff.objects.exists()
    for booking in refused.value.bookings:
        cancel_booking(booking, now_dt=NOW)
    take_time_off(provider=provider, start_at=at(9, 30), end_at=at(12), now_dt=NOW)


def test_other_claims_in_the_way_are_listed_too(
    provider: Any, book: Book, time_off: TimeOff
) -> None:
    booking = book(at(14))
    event = BusyInterval.objects.create(
        calendar=Calendar.objects.get(),
        starts=int(at(12).timestamp()),
        ends=int(at(13).timestamp()),
        kind=BusyInterval.Kind.EXTERNAL,
    )

    with pytest.raises(TimeOffConflict) as refused:
        take_time_off(provider=provider, start_at=at(11), end_at=at(15), now_dt=NOW)

    assert refused.value.bookings == [booking]
    assert refused.value.claims == [event]
    assert refused.value.params == {"bookings": 1, "claims": 1}
    assert str(refused.value) == (
        "1 booking lies in that time. Move or cancel it first. That time is taken by "
        "1 session or event of another calendar."
    )
    with pytest.raises(TimeOffConflict, match=r"^That time is taken by 1 session"):
        take_time_off(provider=provider, start_at=at(11), end_at=at(13), now_dt=NOW)


@pytest.fixture
def desks(service: Any) -> Any:
    service.capacity, service.capacity_mode = 3, "CONCURRENT"
    service.save()
    return service


def test_concurrent_bookings_in_the_way_are_listed_and_not_their_segments(
    provider: Any, book: Book, desks: Any
) -> None:
    first, second = book(at(9)), book(at(9, 30))
    book(at(10, 30))

    with pytest.raises(TimeOffConflict) as refused:
        take_time_off(provider=provider, start_at=at(9, 45), end_at=at(10, 30), now_dt=NOW)

    assert (refused.value.bookings, refused.value.claims) == ([first, second], [])
    for booking in refused.value.bookings:
        cancel_booking(booking, now_dt=NOW)
    take_time_off(provider=provider, start_at=at(9, 45), end_at=at(10, 30), now_dt=NOW)


def test_seats_that_nobody_has_stay_in_the_way_until_that_is_repaired(
    provider: Any, book: Book, desks: Any
) -> None:
    book(at(9))
    Booking._base_manager.update(status="CANCELLED", busy_interval=None)

    with pytest.raises(TimeOffConflict) as refused:
        take_time_off(provider=provider, start_at=at(9), end_at=at(10), now_dt=NOW)

    assert refused.value.bookings == []
    assert {claim.kind for claim in refused.value.claims} == {"SEGMENT", "CONCURRENT"}


def test_the_conflict_speaks_the_readers_language_and_can_be_pickled(
    provider: Any, book: Book
) -> None:
    booking = book(at(9))
    with pytest.raises(TimeOffConflict) as refused:
        take_time_off(provider=provider, start_at=at(9), end_at=at(12), now_dt=NOW)

    kept = pickle.loads(pickle.dumps(refused.value))  # noqa: S301

    assert kept.bookings == [booking]
    assert kept.code == "time_off_conflict"
    with override("de"):
        assert kept.messages == [
            "In dieser Zeit liegt 1 Buchung. Verlegen oder stornieren Sie sie zuerst."
        ]


def test_a_hold_that_has_run_out_is_not_in_the_way(provider: Any, book: Book) -> None:
    hold = book(at(10), expires_at=NOW + timedelta(minutes=10))

    take_time_off(
        provider=provider, start_at=at(9), end_at=at(12), now_dt=NOW + timedelta(minutes=10)
    )

    hold.refresh_from_db()
    assert hold.status == Booking.Status.CANCELLED
    assert [kind for _start, _end, kind in claims()] == ["TIME_OFF"]


def test_a_hold_that_runs_is_in_the_way(provider: Any, book: Book) -> None:
    hold = book(at(10), expires_at=NOW + timedelta(minutes=10))
    with pytest.raises(TimeOffConflict) as refused:
        take_time_off(provider=provider, start_at=at(9), end_at=at(12), now_dt=NOW)
    assert refused.value.bookings == [hold]


@pytest.mark.parametrize(
    ("start_at", "end_at", "error", "code"),
    [
        (at(9).replace(tzinfo=None), at(12), InvalidBooking, "naive_datetime"),
        (at(9), at(12).replace(tzinfo=None), InvalidBooking, "naive_datetime"),
        ("09:00", at(12), InvalidBooking, "invalid"),
        (at(12), at(9), InvalidSchedule, "range_reversed"),
        (at(9), at(9), InvalidSchedule, "range_reversed"),
        (at(9, day=4), at(12, day=4), InvalidSchedule, "past"),
        (at(9), datetime(2141, 1, 1, tzinfo=UTC), InvalidSchedule, "range_too_long"),
        (
            datetime(4146, 12, 31, tzinfo=UTC),
            datetime(4150, 1, 1, tzinfo=UTC),
            InvalidBooking,
            "out_of_range",
        ),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(
    provider: Any, time_off: TimeOff, start_at: Any, end_at: Any, error: type, code: str
) -> None:
    for call in (
        lambda: take_time_off(provider=provider, start_at=start_at, end_at=end_at, now_dt=NOW),
        lambda: move_time_off(time_off, start_at=start_at, end_at=end_at, now_dt=NOW),
    ):
        with pytest.raises(error) as refused:
            call()
        assert refused.value.code == code
    assert claims() == [(at(9), at(12), "TIME_OFF")]


@pytest.mark.parametrize("reason", [None, 7, "x" * 256, "a\x00b"])
def test_a_reason_that_cannot_be_stored_is_refused(provider: Any, reason: Any) -> None:
    with pytest.raises(InvalidBooking):
        take_time_off(provider=provider, start_at=at(9), end_at=at(12), reason=reason, now_dt=NOW)
    assert claims() == []


def test_somebody_who_is_no_provider_takes_no_time_off() -> None:
    with pytest.raises(InvalidBooking, match="provider must be a"):
        take_time_off(provider="Ada", start_at=at(9), end_at=at(12), now_dt=NOW)  # type: ignore[arg-type]


def test_a_provider_who_is_gone_takes_no_time_off(provider: Any) -> None:
    type(provider)._default_manager.all().delete()
    with pytest.raises(MissingReference):
        take_time_off(provider=provider, start_at=at(9), end_at=at(12), now_dt=NOW)


def test_it_moves_with_its_claim(time_off: TimeOff, book: Book) -> None:
    stale = TimeOff.objects.get()
    TimeOff.objects.update(reason="Dentist")

    answer = move_time_off(stale, start_at=at(10), end_at=at(14), now_dt=NOW)

    assert answer is stale
    assert (stale.reason, stale.start_at, stale.end_at) == ("Dentist", at(10), at(14))
    assert claims() == [(at(10), at(14), "TIME_OFF")]
    book(at(9))


def test_it_does_not_move_over_a_booking(time_off: TimeOff, book: Book) -> None:
    booking = book(at(12))

    with pytest.raises(TimeOffConflict) as refused:
        move_time_off(time_off, start_at=at(10), end_at=at(13), now_dt=NOW)

    assert refused.value.bookings == [booking]
    assert (time_off.start_at, time_off.end_at) == (at(9), at(12))
    assert claims()[0] == (at(9), at(12), "TIME_OFF")


def test_cancelling_it_gives_the_time_back(time_off: TimeOff, book: Book) -> None:
    before = Calendar.objects.get().revision

    cancel_time_off(time_off)
    cancel_time_off(time_off)

    assert claims() == []
    assert not TimeOff.objects.exists()
    assert Calendar.objects.get().revision > before
    book(at(10))


def test_what_is_gone_cannot_be_moved(time_off: TimeOff) -> None:
    stale = TimeOff.objects.get()
    cancel_time_off(time_off)
    for gone in (stale, TimeOff(), None):
        with pytest.raises(MissingReference, match="not saved, or has been deleted"):
            move_time_off(gone, start_at=at(10), end_at=at(14), now_dt=NOW)  # type: ignore[arg-type]
    with pytest.raises(MissingReference, match="not saved, or has been deleted"):
        cancel_time_off(TimeOff())


def test_save_takes_and_moves_the_claim(provider: Any, book: Book) -> None:
    time_off = TimeOff(provider=provider, start_at=at(9), end_at=at(12))
    time_off.save()
    assert claims() == [(at(9), at(12), "TIME_OFF")]

    time_off.end_at = at(13)
    time_off.save()
    assert claims() == [(at(9), at(13), "TIME_OFF")]

    time_off.start_at = at(10)
    time_off.reason = "Dentist"
    time_off.save(update_fields=["start_at"])
    assert claims() == [(at(10), at(13), "TIME_OFF")]
    assert TimeOff.objects.get().reason == ""


def test_save_is_refused_as_a_whole(provider: Any, book: Book) -> None:
    book(at(10))
    time_off = TimeOff(provider=provider, start_at=at(9), end_at=at(12))

    with pytest.raises(TimeOffConflict):
        time_off.save()

    assert (time_off.pk, time_off.busy_interval_id, time_off._state.adding) == (None, None, True)
    time_off.start_at = at(11)
    time_off.save()
    assert TimeOff.objects.get().busy_interval_id == time_off.busy_interval_id


def test_save_of_a_reason_locks_no_calendar(time_off: TimeOff) -> None:
    time_off.reason = "Dentist"
    with CaptureQueriesContext(connection) as queries:
        time_off.save(update_fields=["reason"])
    assert len(queries) == 1
    assert TimeOff.objects.get().reason == "Dentist"


def test_time_off_stays_its_providers(time_off: TimeOff, make_provider: Make) -> None:
    time_off.provider = make_provider("Grace")
    with pytest.raises(InvalidSchedule) as refused:
        time_off.save()
    assert refused.value.code == "provider_changed"


def test_bulk_writes_do_not_leave_the_ledger_behind(time_off: TimeOff) -> None:
    for write in (
        lambda: TimeOff.objects.update(end_at=at(13)),
        lambda: TimeOff.objects.bulk_create([TimeOff(start_at=at(13), end_at=at(14))]),
        lambda: TimeOff.objects.bulk_update([time_off], ["start_at"]),
    ):
        with pytest.raises(NotAllowed, match="leave the ledger behind"), transaction.atomic():
            write()
    assert claims() == [(at(9), at(12), "TIME_OFF")]


def test_delete_in_whatever_way_gives_the_time_back(provider: Any, make_provider: Make) -> None:
    other = make_provider("Grace")
    for person in (provider, other):
        for hour in (9, 11, 13):
            take_time_off(provider=person, start_at=at(hour), end_at=at(hour + 1), now_dt=NOW)

    TimeOff.objects.filter(start_at=at(9)).first().delete()
    assert len(claims()) == 5
    TimeOff.objects.filter(start_at=at(9)).delete()
    assert len(claims()) == 4
    provider.delete()
    assert len(claims()) == 2
    other.time_off.all().delete()
    assert claims() == []
    assert TimeOff.objects.all().delete() == (0, {})


def test_to_delete_many_takes_as_many_queries_as_one(provider: Any) -> None:
    def deletion_of(number: int) -> int:
        for hour in range(9, 9 + number):
            take_time_off(provider=provider, start_at=at(hour), end_at=at(hour + 1), now_dt=NOW)
        with CaptureQueriesContext(connection) as queries:
            TimeOff.objects.all().delete()
        return len(queries)

    assert deletion_of(1) == deletion_of(8)


def test_the_claim_cannot_go_without_it(time_off: TimeOff) -> None:
    with pytest.raises(RestrictedError):
        time_off.busy_interval.calendar.delete()
    with pytest.raises(IntegrityError):
        delete_claims_behind_its_back()


def test_it_takes_no_more_queries_for_a_busy_calendar(provider: Any, book: Book) -> None:
    def queries_of_taking(hour: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            take_time_off(provider=provider, start_at=at(hour), end_at=at(hour + 1), now_dt=NOW)
        return len(queries)

    first = queries_of_taking(8)
    for hour in range(9, 20):
        book(at(hour))
    assert queries_of_taking(21) <= first


def test_a_bookings_claim_is_not_given_back(book: Book) -> None:
    booking = book(at(10))
    with transaction.atomic():
        entries.delete([booking.busy_interval_id], using="default")
    assert len(claims()) == 1


def test_busy_time_has_it(time_off: TimeOff, provider: Any) -> None:
    assert get_busy_intervals(provider, at(0), at(23)) == [(at(9), at(12))]


def test_the_bookings_that_take_a_room_are_in_its_way(book: Book, make_provider: Make) -> None:
    room, hall = make_provider(name="Room 1"), make_provider(name="Hall")
    bookings = [book(at(10), resources=[room, hall]), book(at(12), resources=[room])]
    book(at(14), resources=[hall])

    with pytest.raises(TimeOffConflict, match="2 bookings lie in that time") as refused:
        take_time_off(provider=room, start_at=at(9), end_at=at(17), now_dt=NOW)
    assert (refused.value.bookings, refused.value.claims) == (bookings, [])
