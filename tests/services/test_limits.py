"""Limits: how many bookings a client may have, and a provider take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import InvalidBooking, LimitReached
from bookings.ledger import locks
from bookings.models import Booking, ClientLock, client_identity
from bookings.models.querysets import BookingQuerySet
from bookings.rules.limits import Limits
from bookings.services import (
    cancel_booking,
    complete_booking,
    confirm_booking,
    decline_booking,
    mark_no_show,
    reschedule_booking,
    update_booking,
)
from tests.services.clock import DAY, HOUR, MICROSECOND, NOW, SECOND, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_written, raw_rows

WEEK = 7 * DAY

ACTIVE = "BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT"
PER_DAY = "BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY"
PER_WEEK = "BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_WEEK"
OVERLAP = "BOOKINGS_PREVENT_CLIENT_OVERLAP"

# By the name in the error: what switches it on, and how long after the first a second one counts.
OF_CLIENT = {
    "max_active_bookings_per_client": (ACTIVE, 30 * DAY),
    "max_bookings_per_client_per_day": (PER_DAY, HOUR),
    "max_bookings_per_client_per_week": (PER_WEEK, DAY),
    "service_max_active_bookings_per_client": ("max_active_bookings_per_client", 30 * DAY),
    "service_max_bookings_per_client_per_day": ("max_bookings_per_client_per_day", HOUR),
    "service_max_bookings_per_client_per_week": ("max_bookings_per_client_per_week", DAY),
}

SetLimit = Callable[[str, int | None], None]


@pytest.fixture
def set_limit(settings: Any, service: Any) -> SetLimit:
    """Set the limit of this name."""

    def set_to(name: str, most: int | None) -> None:
        where, _ = OF_CLIENT[name]
        holder = settings if where.isupper() else service
        setattr(holder, where, most)

    return set_to


def refusal(book: Callable[..., Any], **values: Any) -> LimitReached | None:
    before = raw_rows()
    try:
        book(**values)
    except LimitReached as reached:
        assert raw_rows() == before
        return reached
    return None


@pytest.mark.parametrize("name", OF_CLIENT)
def test_as_many_as_may_be_and_no_more(
    book: Book, set_limit: SetLimit, name: str, other_provider: Any
) -> None:
    set_limit(name, 2)
    _, apart = OF_CLIENT[name]
    book()
    book(start_at=START + apart, provider=other_provider)

    refused = refusal(book, start_at=START + 2 * apart)

    assert refused is not None
    assert refused.code == "limit_reached"
    assert (refused.limit, refused.most) == (name, 2)


@pytest.mark.parametrize(
    ("name", "most", "said"),
    [
        (
            "max_active_bookings_per_client",
            2,
            "A client may have 2 active bookings. Cancel one, or wait until one is over.",
        ),
        (
            "max_bookings_per_client_per_day",
            1,
            "A client may have 1 booking a day. Choose another day.",
        ),
        (
            "service_max_bookings_per_client_per_week",
            2,
            "A client may have 2 bookings of this service a week. Choose another week.",
        ),
    ],
)
def test_the_refusal_names_the_limit(
    book: Book, set_limit: SetLimit, name: str, most: int, said: str
) -> None:
    set_limit(name, most)
    _, apart = OF_CLIENT[name]
    for number in range(most):
        book(start_at=START + number * apart)

    refused = refusal(book, start_at=START + most * apart)

    assert refused is not None
    assert refused.messages == [said]


@pytest.mark.parametrize("name", OF_CLIENT)
def test_another_client_has_a_count_of_its_own(book: Book, set_limit: SetLimit, name: str) -> None:
    set_limit(name, 1)
    book()

    assert book(start_at=START + OF_CLIENT[name][1], client_name="Martha").pk


@pytest.mark.parametrize("name", OF_CLIENT)
def test_a_limit_of_a_service_leaves_other_services_alone(
    book: Book, make_service: Make, set_limit: SetLimit, name: str
) -> None:
    set_limit(name, 1)
    book(service=make_service(name="Surgery"))
    refused = refusal(book, start_at=START + OF_CLIENT[name][1])

    assert (refused is None) == name.startswith("service_")


@pytest.mark.parametrize("name", OF_CLIENT)
def test_staff_may_lift_it(book: Book, set_limit: SetLimit, name: str) -> None:
    set_limit(name, 1)
    book()

    assert book(start_at=START + OF_CLIENT[name][1], override_policy=True).pk


@pytest.mark.parametrize("name", OF_CLIENT)
def test_it_counts_by_what_is_on_and_no_other(book: Book, set_limit: SetLimit, name: str) -> None:
    set_limit(name, 1)
    set_limit(name, None)
    book()

    assert book(start_at=START + OF_CLIENT[name][1]).pk
    assert not ClientLock.objects.exists()


@pytest.mark.parametrize("name", OF_CLIENT)
@pytest.mark.parametrize("end", [cancel_booking, decline_booking])
def test_what_is_cancelled_or_declined_does_not_count(
    book: Book, set_limit: SetLimit, make_service: Make, name: str, end: Any, service: Any
) -> None:
    set_limit(name, 1)
    service.requires_approval = True
    end(book(), now_dt=NOW)

    assert book(start_at=START + OF_CLIENT[name][1]).pk


@pytest.mark.parametrize("name", OF_CLIENT)
@pytest.mark.parametrize("end", [complete_booking, mark_no_show])
def test_what_is_over_counts_for_its_day_and_is_active_no_more(
    book: Book, set_limit: SetLimit, name: str, end: Any
) -> None:
    set_limit(name, 1)
    end(book(), now_dt=START + HOUR)

    refused = refusal(book, start_at=START + OF_CLIENT[name][1], allow_past=True)

    assert (refused is None) == ("active" in name)


@pytest.mark.parametrize("name", OF_CLIENT)
def test_a_hold_counts_until_it_has_run_out(book: Book, set_limit: SetLimit, name: str) -> None:
    set_limit(name, 1)
    book(expires_at=NOW + minutes(15))
    later = {"start_at": START + OF_CLIENT[name][1]}

    assert refusal(book, **later, now_dt=NOW + minutes(15) - MICROSECOND)
    assert book(**later, now_dt=NOW + minutes(15)).pk


def test_a_request_counts(book: Book, settings: Any, service: Any) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    service.requires_approval = True
    book()

    assert refusal(book, start_at=START + DAY)


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        # 2030-01-08 is a Tuesday; its week is that of the 7th to the 13th.
        (datetime(2030, 1, 8, 9, tzinfo=UTC), datetime(2030, 1, 13, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2030, 1, 8, 9, tzinfo=UTC), datetime(2030, 1, 14, 0, 0, tzinfo=UTC), False),
        (datetime(2030, 1, 14, 0, 0, tzinfo=UTC), datetime(2030, 1, 8, 9, tzinfo=UTC), False),
        (datetime(2030, 1, 20, 23, 0, tzinfo=UTC), datetime(2030, 1, 14, 0, 0, tzinfo=UTC), True),
        # The week of the new year, which has days of both.
        (datetime(2030, 12, 30, 9, tzinfo=UTC), datetime(2031, 1, 5, 9, tzinfo=UTC), True),
        (datetime(2030, 12, 30, 9, tzinfo=UTC), datetime(2030, 12, 29, 9, tzinfo=UTC), False),
    ],
)
def test_a_week_begins_on_monday(
    book: Book, settings: Any, first: datetime, second: datetime, refused: bool
) -> None:
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_WEEK = 1
    book(start_at=first)

    assert bool(refusal(book, start_at=second)) == refused


@pytest.mark.parametrize(
    ("start_at", "refused"),
    [
        (datetime(2030, 1, 8, 0, 0, tzinfo=UTC) - SECOND, False),
        (datetime(2030, 1, 8, 0, 0, tzinfo=UTC), True),
        (datetime(2030, 1, 8, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2030, 1, 9, 0, 0, tzinfo=UTC), False),
    ],
)
def test_a_day_is_that_of_the_start(
    book: Book, settings: Any, start_at: datetime, refused: bool
) -> None:
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
    book(start_at=START)

    assert bool(refusal(book, start_at=start_at)) == refused


@pytest.mark.parametrize("zone", ["Europe/Berlin", ZoneInfo("Europe/Berlin")])
@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        # The day of 23 hours, and the one of 25.
        (datetime(2030, 3, 30, 23, 0, tzinfo=UTC), datetime(2030, 3, 31, 21, 59, tzinfo=UTC), True),
        (datetime(2030, 3, 30, 23, 0, tzinfo=UTC), datetime(2030, 3, 31, 22, 0, tzinfo=UTC), False),
        (
            datetime(2030, 10, 26, 22, 0, tzinfo=UTC),
            datetime(2030, 10, 27, 22, 59, tzinfo=UTC),
            True,
        ),
        (
            datetime(2030, 10, 26, 22, 0, tzinfo=UTC),
            datetime(2030, 10, 27, 23, 0, tzinfo=UTC),
            False,
        ),
    ],
)
def test_a_day_is_one_by_the_providers_clocks(
    book: Book,
    settings: Any,
    provider: Any,
    zone: Any,
    first: datetime,
    second: datetime,
    refused: bool,
) -> None:
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
    provider.timezone = zone
    book(start_at=first)

    assert bool(refusal(book, start_at=second)) == refused


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "../etc", "Europe/Berlin\x00", "x" * 1000, 1, ["UTC"], b"UTC"]
)
def test_a_zone_that_is_none_is_refused(
    book: Book, settings: Any, provider: Any, zone: Any
) -> None:
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
    provider.timezone = zone

    with nothing_written(), pytest.raises(InvalidBooking, match=r"provider\.timezone"):
        book()


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({}, True),
        ({"client_email": "MARY@example.com"}, True),
        ({"client_email": "other@example.com"}, True),
        ({"client_email": "other@example.com", "client_phone": "9"}, False),
        ({"client_email": "", "client_phone": "(01) 2-3"}, True),
        ({"client_email": "", "client_phone": "0124"}, False),
        ({"client_email": "", "client_phone": ""}, False),
    ],
)
def test_a_client_is_known_by_e_mail_or_phone(
    book: Book, settings: Any, values: dict[str, Any], refused: bool
) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    mary = {"client_email": "mary@example.com", "client_phone": "0123"}
    book(**mary)

    assert bool(refusal(book, start_at=START + DAY, **(mary | values))) == refused


def test_a_client_is_known_by_the_account_too(book: Book, settings: Any, user: Any) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    other = get_user_model().objects.create_user("another")
    book(client_user=user, client_email="mary@example.com")

    for known_by in (
        {"client_user": user, "client_name": "M."},
        {"client_email": "mary@example.com"},
        {"client_user": other, "client_email": "Mary@example.com"},
    ):
        assert refusal(book, start_at=START + DAY, **known_by)
    assert book(start_at=START + DAY, client_user=other).pk


def test_a_guest_who_has_an_account_now_is_the_same_client(
    book: Book, settings: Any, user: Any
) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    book(client_email="mary@example.com")

    assert refusal(book, start_at=START + DAY, client_user=user, client_email="Mary@Example.com")
    assert book(start_at=START + DAY, client_user=user).pk


@pytest.mark.parametrize(("name", "refused"), [("MARY", True), ("  mary ", True), ("Marie", False)])
def test_a_client_without_anything_else_is_known_by_the_name(
    book: Book, settings: Any, name: str, refused: bool
) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    book(client_name="Mary")

    assert bool(refusal(book, start_at=START + DAY, client_name=name)) == refused


@pytest.mark.parametrize("value", [0, -1, True, "3", 1.5])
@pytest.mark.parametrize(
    "name",
    [
        "max_active_bookings_per_client",
        "max_bookings_per_client_per_day",
        "max_bookings_per_client_per_week",
    ],
)
def test_a_limit_of_a_service_is_a_positive_number(
    book: Book, service: Any, name: str, value: Any
) -> None:
    setattr(service, name, value)

    with nothing_written(), pytest.raises(InvalidBooking, match=rf"^service\.{name} must be"):
        book()


@pytest.mark.parametrize("value", [0, -1, True, "3", 1.5])
def test_a_limit_of_a_provider_or_setting_is_one_too(
    book: Book, provider: Any, settings: Any, value: Any
) -> None:
    provider.max_bookings_per_day = value
    with nothing_written(), pytest.raises(InvalidBooking, match=r"^provider\.max_bookings_per_day"):
        book()

    provider.max_bookings_per_day = None
    setattr(settings, PER_WEEK, value)
    with nothing_written(), pytest.raises(InvalidBooking, match=f"^{PER_WEEK} must be"):
        book()


def test_a_provider_takes_as_many_a_day_as_it_says(
    book: Book, provider: Any, other_provider: Any, make_service: Make
) -> None:
    provider.max_bookings_per_day = 2
    book(client_name="Ann")
    book(client_name="Bea", start_at=START + HOUR, service=make_service())

    refused = refusal(book, start_at=START + 2 * HOUR)

    assert refused is not None
    assert (refused.limit, refused.most) == ("provider_max_bookings_per_day", 2)
    assert refused.messages == [
        "The provider takes 2 bookings a day. Choose another day or provider."
    ]
    assert book(start_at=START + DAY).pk
    assert book(start_at=START + 2 * HOUR, provider=other_provider).pk
    assert not ClientLock.objects.exists()


def test_seats_of_a_shared_slot_are_one_occupied_interval(
    book: Book, provider: Any, group: Any
) -> None:
    provider.max_bookings_per_day = 1
    first, _second = (book(service=group, client_name=name) for name in ("Ann", "Bea"))

    assert refusal(book, start_at=START + HOUR)
    assert refusal(book, service=group, client_name="Cid", start_at=START + 2 * HOUR)
    cancel_booking(first, now_dt=NOW)
    assert book(service=group, client_name="Cid").pk
    assert book(start_at=START + DAY).pk


def test_what_took_place_is_one_occupied_interval_too(
    book: Book, provider: Any, group: Any
) -> None:
    """Although the seats of a class are given back when it is over."""
    provider.max_bookings_per_day = 2
    for name, close in (("Ann", complete_booking), ("Bea", mark_no_show)):
        close(book(service=group, client_name=name), now_dt=START)
    book(start_at=START + HOUR)

    assert refusal(book, start_at=START + 2 * HOUR)


def test_a_seat_that_leaves_its_slot_occupies_an_interval_more(
    book: Book, provider: Any, group: Any
) -> None:
    provider.max_bookings_per_day = 1
    provider.save()
    ann, bea = (book(service=group, client_name=name) for name in ("Ann", "Bea"))

    with nothing_written(), pytest.raises(LimitReached):
        reschedule_booking(bea, new_start_at=START + HOUR, now_dt=NOW)
    cancel_booking(ann, now_dt=NOW)
    reschedule_booking(bea, new_start_at=START + HOUR, now_dt=NOW)
    assert book(service=group, client_name="Cid", start_at=START + HOUR).pk


def test_a_day_that_is_too_full_by_now_may_be_shuffled(book: Book, provider: Any) -> None:
    booking, _other = book(), book(start_at=START + HOUR)
    provider.max_bookings_per_day = 1
    type(provider).objects.update(max_bookings_per_day=1)

    reschedule_booking(booking, new_start_at=START + 3 * HOUR, now_dt=NOW)
    with nothing_written(), pytest.raises(LimitReached):
        book(start_at=START + 5 * HOUR)


@pytest.mark.parametrize(
    ("first_day", "begins"),
    [
        # 2030-01-08 is a Tuesday.
        ("MONDAY", datetime(2030, 1, 7, tzinfo=UTC)),
        ("SUNDAY", datetime(2030, 1, 6, tzinfo=UTC)),
        ("SATURDAY", datetime(2030, 1, 5, tzinfo=UTC)),
    ],
)
def test_the_first_day_of_the_week_is_a_setting(
    book: Book, settings: Any, first_day: str, begins: datetime
) -> None:
    settings.BOOKINGS_FIRST_DAY_OF_WEEK = first_day
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_WEEK = 1
    book(now_dt=NOW - 9 * DAY)

    for start_at, refused in (
        (begins - SECOND, False),
        (begins, True),
        (begins + WEEK - SECOND, True),
        (begins + WEEK, False),
    ):
        was = refusal(book, start_at=start_at, now_dt=NOW - 9 * DAY)
        assert bool(was) == refused, start_at


@pytest.mark.parametrize("value", ["monday", "FRIDAY", 0, None])
def test_a_first_day_that_is_none_is_refused(book: Book, settings: Any, value: Any) -> None:
    settings.BOOKINGS_FIRST_DAY_OF_WEEK = value
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_WEEK = 1

    with nothing_written(), pytest.raises(InvalidBooking, match="BOOKINGS_FIRST_DAY_OF_WEEK"):
        book()


@pytest.mark.parametrize(
    ("offset", "refused"),
    [
        (minutes(-60), False),
        (minutes(-59), True),
        (minutes(0), True),
        (minutes(59), True),
        (minutes(60), False),
    ],
)
def test_a_client_is_in_one_place_at_a_time(
    book: Book, settings: Any, other_provider: Any, offset: Any, refused: bool
) -> None:
    settings.BOOKINGS_PREVENT_CLIENT_OVERLAP = True
    book()

    reached = refusal(book, start_at=START + offset, provider=other_provider)

    assert bool(reached) == refused
    if reached is not None:
        assert reached.code == "client_overlap"
        assert (reached.limit, reached.most) == ("prevent_client_overlap", 1)
        assert reached.messages == [
            "The client has another booking at that time. Choose another time."
        ]


def test_buffers_are_the_providers_time_and_not_the_clients(
    book: Book, settings: Any, make_service: Make, other_provider: Any
) -> None:
    settings.BOOKINGS_PREVENT_CLIENT_OVERLAP = True
    service = make_service(buffer_before_minutes=30, buffer_after_minutes=30)
    book(service=service)

    assert book(service=service, start_at=START + HOUR, provider=other_provider).pk


def test_what_holds_no_time_is_nowhere(book: Book, settings: Any, other_provider: Any) -> None:
    settings.BOOKINGS_PREVENT_CLIENT_OVERLAP = True
    cancel_booking(book(), now_dt=NOW)
    book(expires_at=NOW + minutes(1))

    assert refusal(book, provider=other_provider)
    assert book(provider=other_provider, now_dt=NOW + minutes(1)).pk


def test_clients_may_be_in_two_places_unless_it_is_set(book: Book, other_provider: Any) -> None:
    book()

    assert book(provider=other_provider).pk


@pytest.mark.parametrize("name", OF_CLIENT)
def test_a_booking_that_is_moved_is_none_more(
    book: Book, set_limit: SetLimit, name: str, other_provider: Any
) -> None:
    set_limit(name, 1)
    booking = book()

    for new_start_at in (START + HOUR, START + 2 * DAY, START + 2 * WEEK):
        reschedule_booking(
            booking, new_start_at=new_start_at, new_provider=other_provider, now_dt=NOW
        )
        assert booking.start_at == new_start_at


@pytest.mark.parametrize(
    ("name", "new_day", "refused"),
    [
        ("max_active_bookings_per_client", WEEK, False),
        ("max_bookings_per_client_per_day", WEEK + HOUR, True),
        ("max_bookings_per_client_per_day", WEEK + DAY, False),
        ("max_bookings_per_client_per_week", WEEK + DAY, True),
        ("max_bookings_per_client_per_week", DAY, False),
        ("service_max_bookings_per_client_per_day", WEEK + HOUR, True),
        ("service_max_bookings_per_client_per_week", WEEK + DAY, True),
    ],
)
def test_a_booking_cannot_be_moved_to_a_day_or_week_that_is_full(
    book: Book, set_limit: SetLimit, service: Any, name: str, new_day: Any, refused: bool
) -> None:
    booking = book()
    book(start_at=START + WEEK)
    set_limit(name, 1)
    service.save()

    moved = refusal(
        lambda: reschedule_booking(booking, new_start_at=START + new_day + 2 * HOUR, now_dt=NOW)
    )

    assert bool(moved) == refused
    if refused:
        reschedule_booking(
            booking, new_start_at=START + new_day + 2 * HOUR, now_dt=NOW, override_policy=True
        )
        assert booking.start_at == START + new_day + 2 * HOUR


def test_what_was_let_in_stays_although_the_limit_is_lower_now(
    book: Book, settings: Any, other_provider: Any, make_provider: Make
) -> None:
    booking = book()
    book(start_at=START + HOUR)
    book(provider=other_provider)
    for setting in (ACTIVE, PER_DAY, PER_WEEK):
        setattr(settings, setting, 1)
    setattr(settings, OVERLAP, True)

    reschedule_booking(booking, new_start_at=START, new_provider=make_provider(), now_dt=NOW)
    assert refusal(
        lambda: reschedule_booking(booking, new_start_at=START + minutes(90), now_dt=NOW)
    )
    settings.BOOKINGS_PREVENT_CLIENT_OVERLAP = False
    reschedule_booking(booking, new_start_at=START + 3 * HOUR, now_dt=NOW)

    assert booking.start_at == START + 3 * HOUR


def test_a_booking_cannot_be_moved_over_another_of_the_client(
    book: Book, settings: Any, other_provider: Any
) -> None:
    settings.BOOKINGS_PREVENT_CLIENT_OVERLAP = True
    booking = book()
    book(start_at=START + DAY, provider=other_provider)

    reached = refusal(lambda: reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW))

    assert reached is not None
    assert reached.code == "client_overlap"


@pytest.mark.parametrize("target", ["another day", "another provider"])
def test_a_booking_cannot_be_moved_to_a_provider_who_has_enough(
    book: Book, provider: Any, other_provider: Any, target: str
) -> None:
    type(provider).objects.update(max_bookings_per_day=1)
    provider.refresh_from_db()
    other_provider.refresh_from_db()
    booking = book()
    if target == "another day":
        book(start_at=START + DAY)
        move = {"new_start_at": START + DAY + 2 * HOUR}
    else:
        book(provider=other_provider)
        move = {"new_start_at": START + 2 * HOUR, "new_provider": other_provider}

    assert refusal(lambda: reschedule_booking(booking, **move, now_dt=NOW))
    assert reschedule_booking(booking, new_start_at=START + 2 * HOUR, now_dt=NOW).pk


def test_a_move_counts_for_the_client_that_is_stored(
    book: Book, settings: Any, other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Corrected by somebody else after the booking was read: the lock is the new client's."""
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
    booking = book(client_email="mary@example.com")
    book(client_email="ann@example.com", start_at=START + DAY)
    locked = []
    lock_clients = locks.lock_clients

    def correct(self: Any, row: Booking, *, override_policy: bool) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(locks, "lock_clients", lock_and_tell)
        settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
        update_booking(Booking.objects.get(pk=booking.pk), client_email="ann@example.com")

    def lock_and_tell(keys: Any, *, now: Any, using: str) -> None:
        locked.append(keys)
        lock_clients(keys, now=now, using=using)

    monkeypatch.setattr(DefaultBookingAdapter, "check_bookable", correct)
    stale = Booking.objects.get(pk=booking.pk)

    with pytest.raises(LimitReached):
        reschedule_booking(stale, new_start_at=START + DAY + HOUR, now_dt=NOW)

    first, second = locked
    assert first == client_identity.lock_keys(booking)
    booking.client_email = "ann@example.com"
    assert second == client_identity.lock_keys(booking)


def test_the_key_of_a_booking_replays_it_whatever_the_limits(book: Book, settings: Any) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    first = book(idempotency_key="k")

    assert book(idempotency_key="k").pk == first.pk


def test_confirming_makes_none_more(pending: Booking, settings: Any) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1

    assert confirm_booking(pending, now_dt=NOW).status == "CONFIRMED"


class TwoForNewcomers(DefaultBookingAdapter):
    def limits(self, booking: Booking) -> Limits:
        return Limits(max_active_bookings_per_client=None if booking.client_user_id else 2)

    def time_zone(self, booking: Booking) -> ZoneInfo:
        return ZoneInfo("Pacific/Kiritimati")


def test_an_adapter_may_set_limits_by_the_client(book: Book, settings: Any, user: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.TwoForNewcomers"
    for number in range(3):
        book(client_user=user, start_at=START + number * DAY)
    for number in range(2):
        book(client_name="Ann", start_at=START + number * DAY + HOUR)

    assert refusal(book, client_name="Ann", start_at=START + 3 * DAY)


def test_what_is_counted_is_locked_where_a_plain_read_may_be_stale(
    book: Book, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On MySQL, whose snapshot is as old as the transaction."""
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    book()
    if connection.vendor == "sqlite":
        monkeypatch.setattr(connection, "vendor", "mysql")
        monkeypatch.setattr(locks, "_LOCK_WITH_LAST_INSERT_ID", locks._LOCK_AND_RETURN)
        monkeypatch.setattr(locks, "_last_insert_id", locks._returned_id)
    is_locking = connection.vendor == "mysql"
    asked: list[bool] = []
    monkeypatch.setattr(
        BookingQuerySet,
        "values_list",
        lambda self, *names: (
            asked.append(self.query.select_for_update)
            or super(BookingQuerySet, self).values_list(*names)
        ),
    )

    with pytest.raises(LimitReached):
        book(start_at=START + DAY)

    assert asked == [is_locking]


def test_limits_are_counted_in_one_query_each(book: Book, settings: Any, provider: Any) -> None:
    def cost(hour: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            book(start_at=START + hour * HOUR)
        return len(captured)

    settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 1  # In steps, on every database.
    book()
    without = cost(1)
    for setting in (ACTIVE, PER_DAY, PER_WEEK):
        setattr(settings, setting, 1000)
    setattr(settings, OVERLAP, True)
    of_client = cost(2)
    provider.max_bookings_per_day = 1000
    of_both = cost(3)

    zone_lock_and_count = 3
    assert (of_client - without, of_both - of_client) == (zone_lock_and_count, 1)
    assert {cost(hour) for hour in range(4, 10)} == {of_both}


def test_a_hold_of_nobody_has_no_client(book: Book, settings: Any, booking: Booking) -> None:
    nobody = Booking()
    assert client_identity.lock_keys(nobody) == []
    assert not Booking.objects.filter(client_identity.same_client(nobody)).exists()


def test_everything_that_a_client_is_known_by_is_locked(book: Book, settings: Any) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 5
    made = book(client_email="Mary@Example.com", client_phone="0123")

    locked = set(ClientLock.objects.values_list("client", flat=True))
    assert locked == set(client_identity.lock_keys(made))
    assert len(locked) == 2
    for known_by in ({"client_email": "mary@example.COM"}, {"client_phone": "01 23"}):
        assert set(client_identity.lock_keys(Booking(**known_by))) < locked
    # Nobody without an address or a number is the same client.
    assert not set(client_identity.lock_keys(Booking(client_name="Mary"))) & locked
    assert ClientLock.objects.values_list("locked_at", flat=True).distinct().get() == NOW


def test_a_second_booking_locks_the_same_rows(book: Book, settings: Any) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 5
    book()
    book(start_at=START + DAY, now_dt=NOW + SECOND)

    assert ClientLock.objects.get().locked_at == NOW + SECOND
