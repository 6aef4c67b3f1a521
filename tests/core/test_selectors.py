"""When is a provider busy? Of every kind of claim, to the second, in one query."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import slots
from bookings.exceptions import BookingConflict, InvalidBooking
from bookings.models import Booking, BusyInterval, Calendar
from bookings.selectors import get_busy_intervals, get_busy_seconds, get_joinable_starts
from bookings.selectors.providers import active_providers
from bookings.services import cancel_booking
from tests.core.conftest import Book, Take
from tests.core.moments import NOW, at, second

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = timedelta(microseconds=1)
DAY = (at(0), at(0, day=7))


@pytest.fixture
def buffered(book: Book, make_service: Any) -> Booking:
    """From 10 to 11, and busy from 9:30 to 11:15."""
    service = make_service(buffer_before_minutes=30, buffer_after_minutes=15)
    return book(at(10), service=service)


def test_busy_time_includes_the_buffers(buffered: Booking, provider: Any) -> None:
    assert get_busy_intervals(provider, *DAY) == [buffered.busy_window()]
    assert get_busy_intervals(provider, *DAY) == [(at(9, 30), at(11, 15))]


@pytest.mark.parametrize(
    ("start", "end", "is_found"),
    [
        (at(9), at(9, 30), False),
        (at(9), at(9, 30) + MOMENT, True),
        (at(9, 40), at(9, 50), True),
        (at(10, 10), at(10, 20), True),
        (at(11, 10), at(11, 14), True),
        (at(11, 15) - MOMENT, at(12), True),
        (at(11, 15), at(12), False),
    ],
    ids=[
        "until the buffer begins",
        "an instant into the buffer",
        "within the buffer before",
        "within the booking",
        "within the buffer after",
        "the last instant of the buffer",
        "from where the buffer ends",
    ],
)
def test_a_window_finds_what_is_busy_in_any_instant_of_it(
    buffered: Booking, provider: Any, start: datetime, end: datetime, is_found: bool
) -> None:
    found = get_busy_intervals(provider, start, end)
    assert found == ([buffered.busy_window()] if is_found else [])


def test_busy_time_comes_in_order_aware_and_in_utc(book: Book, provider: Any) -> None:
    for hour in (14, 9, 11):
        book(at(hour))
    found = get_busy_intervals(provider, *DAY)
    assert found == [(at(9), at(10)), (at(11), at(12)), (at(14), at(15))]
    assert all(moment.tzinfo is UTC for pair in found for moment in pair)


def test_every_kind_of_claim_is_busy(provider: Any, take: Take) -> None:
    # The ledger makes the segment of the concurrent claim.
    kinds = [kind for kind in BusyInterval.Kind if kind != BusyInterval.Kind.SEGMENT]
    for hour, kind in enumerate(kinds, start=9):
        take(second(hour), second(hour + 1), kind=kind)
    assert len(get_busy_intervals(provider, *DAY)) == len(kinds)


def test_others_and_the_cancelled_are_not_busy(
    book: Book, provider: Any, other_provider: Any
) -> None:
    book(at(9), provider=other_provider)
    cancel_booking(book(at(11)), now_dt=NOW)
    assert get_busy_intervals(provider, *DAY) == []


def test_a_provider_that_nobody_has_booked_is_free(provider: Any) -> None:
    assert get_busy_intervals(provider, *DAY) == []
    assert not Calendar.objects.exists()


def test_the_tenant_does_not_matter_for_nobody_is_in_two_places(book: Book, provider: Any) -> None:
    book(at(10))
    assert get_busy_intervals(provider, *DAY, tenant=object()) == [(at(10), at(11))]


@pytest.mark.parametrize(("minutes", "is_busy"), [(1, True), (-1, False)])
def test_a_hold_is_busy_until_it_runs_out(
    book: Book, provider: Any, minutes: int, is_busy: bool
) -> None:
    expires = timezone.now() + timedelta(minutes=minutes)
    book(at(10), expires_at=expires, now_dt=expires - timedelta(hours=1))
    assert bool(get_busy_intervals(provider, *DAY)) == is_busy
    assert bool(get_busy_seconds([provider.pk], *DAY)[provider.pk]) == is_busy
    assert BusyInterval.objects.count() == 1


def test_a_hold_runs_out_with_the_second_that_it_names(
    provider: Any, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(second(10), second(11), lapses=second(9))
    for now, is_busy in ((at(9) - MOMENT, True), (at(9), False)):
        monkeypatch.setattr(timezone, "now", lambda now=now: now)
        assert bool(get_busy_intervals(provider, *DAY)) == is_busy


@pytest.fixture
def yoga(book: Book, group_service: Any) -> Any:
    """A slot of three seats, with two taken."""
    book(at(10), service=group_service, party_size=2)
    return group_service


def test_a_slot_with_seats_is_busy_for_everything_else(
    yoga: Any, service: Any, provider: Any
) -> None:
    assert get_busy_intervals(provider, *DAY) == [(at(10), at(11))]
    assert get_busy_intervals(provider, *DAY, service=service) == [(at(10), at(11))]
    assert get_busy_seconds([provider.pk], *DAY)[provider.pk] == [(second(10), second(11))]


def free_starts(provider: Any, service: Any, **values: Any) -> list[datetime]:
    """Return the quarters from nine to noon at which an hour overlaps nothing that is busy."""
    busy = get_busy_intervals(provider, *DAY, service=service, **values)
    quarters = [at(9) + timedelta(minutes=15) * number for number in range(9)]
    return [
        start
        for start in quarters
        if all(start + timedelta(hours=1) <= begins or start >= ends for begins, ends in busy)
    ]


def test_a_slot_with_seats_can_be_joined_and_not_be_overlapped(
    yoga: Any, provider: Any, book: Book
) -> None:
    assert free_starts(provider, yoga) == [at(10)]
    for start in (at(9, 15), at(9, 45), at(10, 15), at(10, 45)):
        with pytest.raises(BookingConflict):
            book(start, service=yoga)
    book(at(10), service=yoga)
    assert get_busy_intervals(provider, *DAY, service=yoga) == [(at(10), at(11))]
    assert free_starts(provider, yoga) == [at(9), at(11)]


def test_of_a_slot_with_seats_the_edges_are_busy(yoga: Any, provider: Any) -> None:
    second_of_time = timedelta(seconds=1)
    assert get_busy_intervals(provider, *DAY, service=yoga) == [
        (at(10) - second_of_time, at(10)),
        (at(11), at(11) + second_of_time),
    ]


def test_a_slot_is_joined_at_the_length_that_the_service_has(
    yoga: Any, provider: Any, book: Book, addon: Any
) -> None:
    book(at(12), service=yoga, addon_ids=[addon.pk])
    busy = get_busy_intervals(provider, *DAY, service=yoga)
    assert (at(12), at(13, 15)) in busy
    yoga.duration_minutes = 45
    assert get_busy_intervals(provider, *DAY, service=yoga) == [
        (at(10), at(11)),
        (at(12), at(13, 15)),
    ]


def test_seats_are_those_of_the_capacity_of_today(yoga: Any, provider: Any) -> None:
    yoga.capacity = 2
    assert get_busy_intervals(provider, *DAY, service=yoga) == [(at(10), at(11))]
    yoga.capacity, yoga.allow_multiple_clients_per_slot = 3, False
    assert get_busy_intervals(provider, *DAY, service=yoga) == [(at(10), at(11))]


def test_the_starts_that_can_be_joined_are_told(
    make_service: Any, provider: Any, book: Book, service: Any
) -> None:
    yoga = make_service(
        name="Yoga",
        allow_multiple_clients_per_slot=True,
        capacity=3,
        buffer_before_minutes=15,
        buffer_after_minutes=30,
    )
    for hour, party_size in ((9, 1), (11, 2), (13, 3)):
        book(at(hour), service=yoga, party_size=party_size)
    book(at(16), service=service)
    assert get_joinable_starts(yoga, provider, *DAY) == [at(9), at(11)]
    assert get_joinable_starts(yoga, provider, *DAY, party_size=2) == [at(9)]
    assert get_joinable_starts(yoga, provider, at(9), at(11)) == [at(9)]
    assert get_joinable_starts(yoga, provider, at(9, 1), at(11, 1)) == [at(11)]
    assert get_joinable_starts(service, provider, *DAY) == []
    with CaptureQueriesContext(connection) as captured:
        get_joinable_starts(yoga, provider, *DAY)
    assert len(captured) == 1


def test_what_is_no_shared_slot_is_busy_for_its_own_service_too(
    provider: Any, take: Take, group_service: Any
) -> None:
    take(
        second(10),
        second(11),
        service_id=group_service.pk,
        kind=BusyInterval.Kind.SESSION,
        capacity=3,
    )
    assert get_busy_intervals(provider, *DAY, service=group_service) == [(at(10), at(11))]


def test_the_interval_of_a_booking_to_be_moved_is_not_busy(book: Book, provider: Any) -> None:
    booking, other = book(at(10)), book(at(12))
    with slots.ignoring_intervals([booking.busy_interval_id]):
        assert get_busy_intervals(provider, *DAY) == [other.busy_window()]
    assert len(get_busy_intervals(provider, *DAY)) == 2


def test_an_interval_to_ignore_can_be_named(book: Book, provider: Any) -> None:
    booking, other = book(at(10)), book(at(12))
    key = booking.busy_interval_id

    assert get_busy_intervals(provider, *DAY, ignored_interval_id=key) == [other.busy_window()]
    assert get_busy_seconds([provider.pk], *DAY, ignored_interval_id=key) == {
        provider.pk: [(second(12), second(13))]
    }
    with slots.ignoring_intervals([other.busy_interval_id]):
        assert get_busy_intervals(provider, *DAY, ignored_interval_id=key) == []


@pytest.mark.parametrize("which", [0, 1])
def test_a_naive_instant_is_refused(provider: Any, which: int) -> None:
    bounds = list(DAY)
    bounds[which] = bounds[which].replace(tzinfo=None)
    with pytest.raises(InvalidBooking, match="must be timezone-aware"):
        get_busy_intervals(provider, *bounds)
    with pytest.raises(InvalidBooking, match="must be timezone-aware"):
        get_busy_seconds([provider.pk], *bounds)


@pytest.mark.parametrize(
    "bounds",
    [
        {},
        {"start_dt": at(9)},
        {"end_dt": at(9)},
        {"start_date": date(2131, 3, 6)},
        {"end_date": date(2131, 3, 6)},
    ],
    ids=str,
)
def test_half_a_window_is_none(provider: Any, bounds: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="start_dt and end_dt, or start_date and end_date"):
        get_busy_intervals(provider, **bounds)


def test_days_that_no_clock_shows_are_refused(provider: Any) -> None:
    with pytest.raises(InvalidBooking) as refusal:
        get_busy_intervals(provider, start_date=date.max, end_date=date.max, tz=UTC)
    assert refusal.value.code == "out_of_range"


def test_both_dates_are_included(book: Book, provider: Any) -> None:
    for day in (5, 6, 7, 8):
        book(at(23, day=day))
    found = get_busy_intervals(
        provider, start_date=date(2131, 3, 6), end_date=date(2131, 3, 7), tz=UTC
    )
    assert found == [(at(23, day=day), at(0, day=day + 1)) for day in (6, 7)]


def test_a_date_is_a_day_of_its_zone(book: Book, provider: Any) -> None:
    book(at(23, day=6))
    day = {"start_date": date(2131, 3, 7), "end_date": date(2131, 3, 7)}
    assert get_busy_intervals(provider, **day, tz=UTC) == []
    assert len(get_busy_intervals(provider, **day, tz=BERLIN)) == 1
    with timezone.override(BERLIN):
        assert len(get_busy_intervals(provider, **day)) == 1


@pytest.mark.parametrize(
    ("day", "begins", "ends"),
    [
        (date(2030, 3, 31), datetime(2030, 3, 30, 23, tzinfo=UTC), 23),
        (date(2030, 10, 27), datetime(2030, 10, 26, 22, tzinfo=UTC), 25),
    ],
    ids=["a day of 23 hours", "a day of 25 hours"],
)
def test_the_day_of_a_clock_change_is_as_long_as_it_is(
    provider: Any, take: Take, day: date, begins: datetime, ends: int
) -> None:
    start = int(begins.timestamp())
    for hour in range(-1, ends + 1):
        take(start + 3600 * hour, start + 3600 * (hour + 1))
    found = get_busy_intervals(provider, start_date=day, end_date=day, tz=BERLIN)
    assert (found[0][0], len(found)) == (begins, ends)
    assert found[-1][1] == begins + timedelta(hours=ends)


def test_every_provider_asked_for_is_in_the_answer(
    book: Book, provider: Any, other_provider: Any
) -> None:
    book(at(12))
    book(at(9))
    assert get_busy_seconds([provider.pk, other_provider.pk, 10**6], *DAY) == {
        provider.pk: [(second(9), second(10)), (second(12), second(13))],
        other_provider.pk: [],
        10**6: [],
    }


def test_busy_seconds_and_busy_intervals_say_the_same(
    book: Book, provider: Any, buffered: Booking
) -> None:
    book(at(14), expires_at=at(9))
    instants = get_busy_intervals(provider, *DAY)
    assert len(instants) == 2
    assert get_busy_seconds((key for key in [provider.pk]), *DAY) == {
        provider.pk: [(int(start.timestamp()), int(end.timestamp())) for start, end in instants]
    }


@pytest.mark.parametrize("count", [0, 1, 25])
def test_any_number_of_providers_is_one_query(provider: Any, count: int) -> None:
    for number in range(count):
        calendar = Calendar.objects.create(provider=type(provider).objects.create(name="P"))
        BusyInterval.objects.create(calendar=calendar, starts=second(10), ends=second(11) + number)
    keys = list(Calendar.objects.values_list("provider_id", flat=True))
    with CaptureQueriesContext(connection) as captured:
        assert len(get_busy_seconds(keys, *DAY)) == count
    assert len(captured) == min(count, 1)


@pytest.mark.parametrize("count", [1, 25])
def test_any_number_of_bookings_is_one_query(provider: Any, take: Take, count: int) -> None:
    for number in range(count):
        take(second(10) + number, second(10) + number + 1)
    with CaptureQueriesContext(connection) as captured:
        assert len(get_busy_intervals(provider, *DAY)) == count
    assert len(captured) == 1


minutes = st.integers(0, 24 * 60)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.sets(minutes, max_size=10), window=st.tuples(minutes, minutes))
def test_a_window_finds_just_what_overlaps_it(
    calendar: Calendar, cuts: set[int], window: tuple[int, int]
) -> None:
    BusyInterval.objects.all().delete()
    edges = [second(0) + 60 * cut for cut in sorted(cuts)]
    stored = list(zip(edges[::2], edges[1::2], strict=False))
    BusyInterval.objects.bulk_create(
        BusyInterval(calendar=calendar, starts=starts, ends=ends) for starts, ends in stored
    )
    start, end = (at(0) + timedelta(minutes=minute) for minute in sorted(window))
    begins, ceases = start.timestamp(), end.timestamp()
    key = calendar.provider_id
    assert get_busy_seconds([key], start, end) == {
        key: [(starts, ends) for starts, ends in stored if starts < ceases and ends > begins]
    }


def test_a_key_that_came_as_text_is_found(provider: Any, book: Book) -> None:
    book(at(10))
    assert get_busy_seconds([str(provider.pk)], *DAY) == {provider.pk: [(second(10), second(11))]}


def test_providers_are_active_as_far_as_their_model_says(provider: Any) -> None:
    providers = type(provider).objects.all()
    providers.create(name="Retired", is_active=False)
    assert list(active_providers(providers)) == [provider]
    calendar = Calendar.objects.create(provider=provider)
    assert list(active_providers(Calendar.objects.all())) == [calendar]


def test_providers_without_a_tenant_belong_to_all_tenants(provider: Any) -> None:
    providers = type(provider).objects.all()
    assert list(active_providers(providers, tenant=object())) == [provider]


def test_a_provider_may_be_named_by_its_key(provider: Any, book: Book) -> None:
    busy = [book().busy_window()]
    assert get_busy_intervals(provider.pk, *DAY) == busy
    assert get_busy_intervals(str(provider.pk), *DAY) == busy
    assert get_busy_intervals(SimpleLazyObject(lambda: provider), *DAY) == busy
    assert get_busy_intervals(provider.pk + 1, *DAY) == []


@pytest.mark.parametrize("provider", [None, "Ada", object(), [], ""])
def test_what_is_neither_a_provider_nor_a_key_is_refused(provider: Any) -> None:
    with pytest.raises(InvalidBooking, match="must be a provider or its key") as refused:
        get_busy_intervals(provider, *DAY)
    assert refused.value.field == "provider"
