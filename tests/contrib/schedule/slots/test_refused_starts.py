"""What the adapter or a limit would refuse is not on offer, and ``why_not`` gives that refusal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any, Final
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter, Limits
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.selectors import (
    Availability,
    DayStatus,
    DaySummary,
    any_provider,
    availability_etag,
    day_summary,
    first_available,
    slots_by_date,
)
from bookings.exceptions import BookingError, InvalidBooking, LimitReached, NotAllowed
from bookings.models import Booking
from bookings.protocols import BookingType
from bookings.services import (
    cancel_booking,
    complete_booking,
    create_booking,
    hold_booking,
    reschedule_booking,
)
from tests.contrib.schedule.slots.conftest import (
    NINE_TO_FIVE,
    create_schedule,
    make_provider,
    make_service,
    start_times,
)
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db
FindSlots = Callable[..., Availability]
Book = Callable[..., Booking]
TUESDAY, WEDNESDAY = date(2131, 3, 6), date(2131, 3, 7)
OPEN, FULL, CLOSED = DayStatus.OPEN, DayStatus.FULL, DayStatus.CLOSED
ALL_DAY = ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00", "16:00"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("schedule")]


@pytest.fixture
def schedule(db: None) -> Schedule:
    """Everybody works from nine to five."""
    return create_schedule(NINE_TO_FIVE)


def save(instance: Any, **values: Any) -> Any:
    """Set these attributes, and store them."""
    for name, value in values.items():
        setattr(instance, name, value)
    instance.save()
    return instance


@pytest.fixture
def one_a_day(provider: Any) -> None:
    save(provider, max_bookings_per_day=1)


class Fussy(DefaultBookingAdapter):
    """Nobody begins at noon; a client named Kim begins nowhere; staff may do anything."""

    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        super().check_bookable(booking, override_policy=override_policy)
        if override_policy:
            return
        if booking.client_name == "Kim":
            raise NotAllowed("Please call us.", "blocked")
        if booking.start_at.hour == 12:
            raise NotAllowed("Not at noon.", "noon")


class OnLeave(DefaultBookingAdapter):
    """Ada is on leave."""

    def check_active(self, service: Any, provider: Any, *, override_policy: bool) -> None:
        if provider.name == "Ada":
            raise NotAllowed("Ada is on leave.", "on_leave")


class Easygoing(DefaultBookingAdapter):
    """Whether anybody is active does not matter."""

    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        pass


class SessionsOnly(DefaultBookingAdapter):
    """Ada only has group sessions."""

    def booking_types(self, service: Any, provider: Any) -> Any:
        return (BookingType.GROUP_SESSION,) if provider.name == "Ada" else tuple(BookingType)


class InTokyo(DefaultBookingAdapter):
    def time_zone(self, booking: Booking) -> tzinfo:
        return ZoneInfo("Asia/Tokyo")


class NamedSeats(DefaultBookingAdapter):
    """Another name is another client."""

    def named_seats(self, service: Any) -> bool:
        return True


class OnePerWeekday(DefaultBookingAdapter):
    """On Wednesdays, a provider takes one booking. Days are those of Tokyo, but for Grace."""

    def limits(self, booking: Booking) -> Limits:
        is_wednesday = booking.start_at.isoweekday() == 3
        return Limits(provider_max_bookings_per_day=1 if is_wednesday else None)


@pytest.fixture
def adapter(settings: Any) -> Callable[[type], None]:
    def use(adapter: type) -> None:
        settings.BOOKINGS_ADAPTER = f"{__name__}.{adapter.__name__}"

    return use


def assert_refused_as_booked(
    slots: Availability, start_at: datetime, code: str, **values: Any
) -> BookingError:
    """Assert that the start is not on offer, and refused by the error that a booking raises."""
    assert start_at not in slots
    assert start_at not in [slot.start for slot in slots]
    refusal = slots.why_not(start_at)
    assert refusal is not None
    with pytest.raises(BookingError) as raised:
        create_booking(
            service=slots.search.requested.service,
            provider=slots.provider,
            start_at=start_at,
            now_dt=NOW,
            skip_slot_validation=True,
            **({"client_name": "Joan"} | values),
        )
    assert (type(refusal), refusal.booking_code, str(refusal)) == (
        type(raised.value),
        code,
        str(raised.value),
    )
    return refusal


@pytest.mark.usefixtures("one_a_day")
class TestTheLimitOfAProvider:
    def test_a_day_with_as_many_as_the_provider_takes_is_full(
        self, find_slots: FindSlots, book: Book, provider: Any, service: Any
    ) -> None:
        book(at(10))
        slots = find_slots(end_dt=at(0, day=8))
        assert {slot.start.date() for slot in slots} == {WEDNESDAY}
        refusal = assert_refused_as_booked(slots, at(14), "limit_reached")
        assert isinstance(refusal, LimitReached)
        assert (refusal.limit, refusal.most) == ("provider_max_bookings_per_day", 1)
        assert day_summary(service, provider, TUESDAY, WEDNESDAY, now_dt=NOW) == [
            DaySummary(TUESDAY, FULL, 0),
            DaySummary(WEDNESDAY, OPEN, 8),
        ]

    def test_what_is_taken_is_said_to_be_taken(self, find_slots: FindSlots, book: Book) -> None:
        book(at(10))
        refusal = find_slots().why_not(at(10))
        assert refusal is not None
        assert refusal.booking_code == "taken"

    def test_a_pool_passes_over_the_provider(self, service: Any, provider: Any, book: Book) -> None:
        grace = save(make_provider("Grace"), max_bookings_per_day=1)
        book(at(9), provider=provider)
        pool = [provider, grace]
        by_date = slots_by_date(service, pool, TUESDAY, now_dt=NOW)
        assert {slot.provider for slot in by_date[TUESDAY]} == {grace}
        first = first_available(service, pool, at(0), now_dt=NOW)
        assert first is not None
        assert (first.start, first.provider) == (at(9), grace)
        assert any_provider(service, at(12), pool, now_dt=NOW) == [grace]
        assert day_summary(service, pool, TUESDAY, now_dt=NOW) == [DaySummary(TUESDAY, OPEN, 8)]

    def test_days_are_those_of_the_schedule_s_zone(self, find_slots: FindSlots, book: Book) -> None:
        Schedule.objects.update(timezone="Asia/Tokyo")
        book(at(15))
        slots = find_slots(end_dt=at(0, day=8))
        # In Tokyo, Wednesday lasts from 15:00 on Tuesday to 15:00 on Wednesday.
        assert [f"{slot.start:%d %H}" for slot in slots] == [f"06 0{hour}" for hour in range(8)]

    def test_days_are_those_that_the_adapter_says(
        self, find_slots: FindSlots, book: Book, adapter: Any
    ) -> None:
        adapter(InTokyo)
        book(at(15))
        slots = find_slots(end_dt=at(0, day=8))
        # The schedule's hours are in UTC, from nine to five.
        assert [f"{slot.start:%d %H}" for slot in slots] == [
            *(f"06 {hour:02}" for hour in range(9, 15)),
            *(f"07 {hour:02}" for hour in range(15, 17)),
        ]

    def test_seats_of_a_slot_are_one_occupied_interval(
        self, find_slots: FindSlots, book: Book, yoga: Any
    ) -> None:
        book(at(10), service=yoga)
        slots = find_slots(service=yoga, client_name="Bea")
        assert start_times(slots) == ["10:00"]
        assert start_times(find_slots()) == []

    def test_a_seat_that_leaves_its_slot_occupies_an_interval_more(
        self, find_slots: FindSlots, book: Book, yoga: Any
    ) -> None:
        seat = book(at(10), service=yoga)
        other = book(at(10), service=yoga, client_name="Bea")
        assert start_times(find_slots(service=yoga, booking=seat)) == ["10:00"]
        cancel_booking(other, now_dt=NOW)
        assert start_times(find_slots(service=yoga, booking=seat)) == ALL_DAY

    def test_what_does_not_count_frees_the_day(self, find_slots: FindSlots, book: Book) -> None:
        cancel_booking(book(at(10)), now_dt=NOW)
        hold = book(at(10), expires_at=NOW + timedelta(minutes=5))
        assert start_times(find_slots()) == []
        assert start_times(find_slots(now_dt=NOW + timedelta(minutes=5))) == ALL_DAY
        cancel_booking(hold, now_dt=NOW)
        complete_booking(book(at(10)), now_dt=at(11))
        assert start_times(find_slots(now_dt=at(11))) == []

    def test_staff_lift_it(self, find_slots: FindSlots, book: Book) -> None:
        book(at(10))
        assert start_times(find_slots(override_policy=True)) == [
            start for start in ALL_DAY if start != "10:00"
        ]

    def test_a_booking_may_move_within_its_day_and_to_one_that_is_not_full(
        self, find_slots: FindSlots, book: Book
    ) -> None:
        booking = book(at(10))
        book(at(10, day=7))
        slots = find_slots(booking=booking, end_dt=at(0, day=9))
        assert {slot.start.day for slot in slots} == {6, 8}
        refusal = slots.why_not(at(12, day=7))
        with pytest.raises(LimitReached) as raised:
            reschedule_booking(booking, new_start_at=at(12, day=7), now_dt=NOW)
        assert str(refusal) == str(raised.value)

    def test_a_booking_does_not_move_to_a_full_day_of_another_provider(
        self, find_slots: FindSlots, book: Book
    ) -> None:
        grace = save(make_provider("Grace"), max_bookings_per_day=1)
        booking = book(at(10))
        book(at(12), provider=grace)
        assert start_times(find_slots(booking=booking, provider=grace)) == []


def test_more_than_one_a_day_are_counted(find_slots: FindSlots, book: Book, provider: Any) -> None:
    save(provider, max_bookings_per_day=2)
    book(at(10))
    assert len(find_slots()) == 7
    book(at(11))
    assert len(find_slots()) == 0


# What switches a limit on, by its name, and how far from a booking it does not count any more.
CLIENT_LIMITS = {
    "max_active_bookings_per_client": None,
    "max_bookings_per_client_per_day": at(9, day=7),
    "max_bookings_per_client_per_week": at(9, day=12),
}


@pytest.mark.parametrize("is_of_service", [False, True], ids=["of all", "of one service"])
@pytest.mark.parametrize("name", CLIENT_LIMITS)
class TestTheLimitsOfAClient:
    @pytest.fixture(autouse=True)
    def limit(self, settings: Any, service: Any, name: str, is_of_service: bool) -> str:
        if is_of_service:
            save(service, **{name: 1})
            return f"service_{name}"
        setattr(settings, f"BOOKINGS_{name.upper()}", 1)
        return name

    def test_a_client_who_has_as_many_is_offered_none(
        self, find_slots: FindSlots, book: Book, name: str, limit: str, service: Any
    ) -> None:
        book(at(10), provider=make_provider("Grace"), client_email="joan@example.com")
        client = {"client_email": "Joan@example.com"}
        slots = find_slots(end_dt=at(0, day=13), **client)
        after = CLIENT_LIMITS[name]
        assert [slot.start for slot in slots][:1] == ([] if after is None else [after])
        refusal = assert_refused_as_booked(slots, at(14), "limit_reached", **client)
        assert isinstance(refusal, LimitReached)
        assert refusal.limit == limit
        [day] = day_summary(service, slots.provider, TUESDAY, now_dt=NOW, **client)
        assert day == DaySummary(TUESDAY, FULL, 0)

    def test_a_booking_of_another_service_counts_for_all_and_not_for_one(
        self, find_slots: FindSlots, book: Book, is_of_service: bool
    ) -> None:
        book(at(10), service=make_service(name="Surgery"), provider=make_provider("Grace"))
        assert len(find_slots(client_name="Joan")) == (8 if is_of_service else 0)

    def test_nobody_knows_the_limits_of_a_client_who_is_not_known(
        self, find_slots: FindSlots, book: Book
    ) -> None:
        book(at(10), provider=make_provider("Grace"))
        assert start_times(find_slots()) == ALL_DAY
        assert start_times(find_slots(client_user=AnonymousUser())) == ALL_DAY
        assert start_times(find_slots(client_name="Martha")) == ALL_DAY

    def test_the_account_is_the_client(self, find_slots: FindSlots, book: Book) -> None:
        user = get_user_model().objects.create_user("joan")
        book(at(10), client_user=user, provider=make_provider("Grace"))
        assert start_times(find_slots(client_user=user)) == []

    def test_a_booking_does_not_count_for_itself(
        self, find_slots: FindSlots, book: Book, name: str
    ) -> None:
        booking = book(at(10))
        assert start_times(find_slots(booking=booking)) == ALL_DAY
        other = book(at(10, day=20), override_policy=True)
        to_its_day = start_times(find_slots(booking=other, start_dt=at(0), end_dt=at(0, day=7)))
        is_active = name == "max_active_bookings_per_client"
        assert to_its_day == ([s for s in ALL_DAY if s != "10:00"] if is_active else [])


def test_a_client_is_not_offered_what_overlaps_the_client_s_bookings(
    find_slots: FindSlots, book: Book, settings: Any, service: Any, provider: Any
) -> None:
    settings.BOOKINGS_PREVENT_CLIENT_OVERLAP = True
    elsewhere = book(at(10, 30), provider=make_provider("Grace"))
    slots = find_slots(client_name="Joan")
    assert start_times(slots) == ["09:00", *ALL_DAY[3:]]
    refusal = assert_refused_as_booked(slots, at(11), "client_overlap")
    assert isinstance(refusal, LimitReached)
    own = book(at(14))
    assert "10:00" not in start_times(find_slots(booking=own))
    assert "14:00" in start_times(find_slots(booking=own))
    complete_booking(elsewhere, now_dt=at(11, 30))
    assert "11:00" in start_times(find_slots(client_name="Joan"))


class TestTheDuplicateGuard:
    @pytest.fixture(autouse=True)
    def _guard(self, settings: Any) -> None:
        settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 120

    NOT_SIMILAR: Final = ["09:00", "15:00", "16:00"]

    def test_nearly_the_same_start_is_not_on_offer(
        self, find_slots: FindSlots, book: Book, service: Any, provider: Any
    ) -> None:
        book(at(12))
        slots = find_slots(client_name="JOAN")
        assert start_times(slots) == self.NOT_SIMILAR
        assert_refused_as_booked(slots, at(14), "duplicate")
        client = {"client_name": "Joan", "now_dt": NOW}
        assert any_provider(service, at(14), [provider], **client) == []
        first = first_available(service, provider, at(10), **client)
        assert first is not None
        assert first.start == at(15)

    def test_a_day_without_any_other_start_is_full(
        self, book: Book, service: Any, provider: Any, settings: Any
    ) -> None:
        settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 24 * 60
        book(at(12))
        client = {"client_name": "Joan", "now_dt": NOW}
        assert day_summary(service, provider, TUESDAY, **client) == [DaySummary(TUESDAY, FULL, 0)]

    def test_it_counts_what_the_services_count(
        self, find_slots: FindSlots, book: Book, yoga: Any
    ) -> None:
        booking = book(at(12))
        free = [start for start in ALL_DAY if start != "12:00"]
        assert start_times(find_slots()) == free
        assert start_times(find_slots(client_name="Kim")) == free
        assert start_times(find_slots(client_name="Joan", service=yoga)) == free
        grace = make_provider("Grace")
        assert start_times(find_slots(client_name="Joan", provider=grace)) == ALL_DAY
        assert start_times(find_slots(booking=booking)) == ALL_DAY
        complete_booking(booking, now_dt=at(13))
        later = {"start_dt": at(0, day=7), "end_dt": at(0, day=8), "now_dt": at(13)}
        assert start_times(find_slots(client_name="Joan", **later)) == ALL_DAY

    def test_a_hold_that_has_lapsed_does_not_count(self, find_slots: FindSlots, book: Book) -> None:
        book(at(12), expires_at=NOW + timedelta(minutes=5))
        assert start_times(find_slots(client_name="Joan")) == self.NOT_SIMILAR
        after = NOW + timedelta(minutes=5)
        assert start_times(find_slots(client_name="Joan", now_dt=after)) == ALL_DAY

    def test_another_name_is_another_client_where_seats_are_named(
        self, find_slots: FindSlots, book: Book, adapter: Any
    ) -> None:
        adapter(NamedSeats)
        family = {"client_email": "family@example.com"}
        book(at(12), client_name="Joan", **family)
        kim = start_times(find_slots(client_name="Kim", **family))
        assert kim == [start for start in ALL_DAY if start != "12:00"]
        assert start_times(find_slots(client_name="JOAN", **family)) == self.NOT_SIMILAR

    def test_the_engine_leaves_it_to_the_services_for_staff(
        self, find_slots: FindSlots, book: Book
    ) -> None:
        book(at(12))
        slots = find_slots(client_name="Joan", override_policy=True)
        assert start_times(slots) == [start for start in ALL_DAY if start != "12:00"]

    def test_it_takes_a_query_if_the_client_is_known(self, find_slots: FindSlots) -> None:
        for client, queries in (({}, 5), ({"client_name": "Joan"}, 6)):
            with CaptureQueriesContext(connection) as captured:
                find_slots(**client)
            assert len(captured) == queries

    def test_the_entity_tag_changes_with_it(
        self, service: Any, provider: Any, settings: Any
    ) -> None:
        before = availability_etag(service, provider, now_dt=NOW)
        settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 121
        assert availability_etag(service, provider, now_dt=NOW) != before


@pytest.mark.parametrize("name", ["client_emial", "bogus"])
def test_a_misspelt_option_is_refused(service: Any, provider: Any, name: str) -> None:
    option: Any = {name: "joan@example.com"}
    for select in (
        partial(slots_by_date, service, provider, TUESDAY),
        partial(day_summary, service, provider, TUESDAY),
        partial(first_available, service, provider),
        partial(any_provider, service, at(10), [provider]),
        partial(availability_etag, service, provider),
    ):
        with pytest.raises(TypeError, match=name):
            select(**option)


def test_the_client_of_a_booking_to_be_moved_is_its_own(find_slots: FindSlots, book: Book) -> None:
    with pytest.raises(TypeError, match="client is its own"):
        find_slots(booking=book(at(10)), client_name="Martha")


def test_another_name_is_another_client_where_seats_are_named(
    find_slots: FindSlots, book: Book, settings: Any, adapter: Any
) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    family = {"client_email": "family@example.com"}
    book(at(10), provider=make_provider("Grace"), client_name="Joan", **family)
    assert start_times(find_slots(client_name="Kim", **family)) == []
    adapter(NamedSeats)
    assert start_times(find_slots(client_name="Kim", **family)) == ALL_DAY
    assert start_times(find_slots(client_name="JOAN", **family)) == []


@pytest.mark.parametrize("name", ["client_name", "client_email", "client_phone", "client_user"])
@pytest.mark.parametrize("value", [5, b"joan", ["joan"], "jo\x00an"], ids=repr)
def test_a_client_who_cannot_be_stored_is_refused(
    find_slots: FindSlots, name: str, value: Any
) -> None:
    with pytest.raises(InvalidBooking):
        find_slots(**{name: value})


def test_slots_are_shown_without_a_query(find_slots: FindSlots, book: Book) -> None:
    for slots in (find_slots(), find_slots(booking=Booking.objects.get(pk=book(at(10)).pk))):
        with CaptureQueriesContext(connection) as captured:
            assert "draft" not in repr(slots)
        assert not captured


class TestTheAdapter:
    def test_a_start_that_it_refuses_is_not_on_offer(
        self, find_slots: FindSlots, adapter: Any, service: Any, provider: Any
    ) -> None:
        adapter(Fussy)
        slots = find_slots()
        assert start_times(slots) == [start for start in ALL_DAY if start != "12:00"]
        assert_refused_as_booked(slots, at(12), "noon")
        assert any_provider(service, at(12), [provider], now_dt=NOW) == []
        first = first_available(service, provider, at(12), now_dt=NOW)
        assert first is not None
        assert first.start == at(13)

    def test_it_is_asked_about_the_client(
        self, find_slots: FindSlots, adapter: Any, service: Any, provider: Any
    ) -> None:
        adapter(Fussy)
        slots = find_slots(client_name="Kim")
        assert_refused_as_booked(slots, at(10), "blocked", client_name="Kim")
        [day] = day_summary(service, provider, TUESDAY, now_dt=NOW, client_name="Kim")
        assert day == DaySummary(TUESDAY, CLOSED, 0)

    def test_a_day_that_is_booked_up_but_for_what_it_refuses_is_full(
        self, adapter: Any, service: Any, provider: Any, book: Book
    ) -> None:
        adapter(Fussy)
        for hour in (9, 10, 11, 13, 14, 15, 16):
            book(at(hour))
        assert day_summary(service, provider, TUESDAY, now_dt=NOW) == [DaySummary(TUESDAY, FULL, 0)]

    def test_staff_are_told_what_staff_may_do(self, find_slots: FindSlots, adapter: Any) -> None:
        adapter(Fussy)
        assert start_times(find_slots(override_policy=True)) == ALL_DAY

    def test_a_booking_is_not_moved_to_what_it_refuses(
        self, find_slots: FindSlots, adapter: Any, book: Book
    ) -> None:
        booking = book(at(10))
        adapter(Fussy)
        assert start_times(find_slots(booking=booking)) == [
            start for start in ALL_DAY if start != "12:00"
        ]
        assert booking.start_at == at(10)

    def test_who_it_says_is_on_leave_is_passed_over(
        self, find_slots: FindSlots, adapter: Any, service: Any, provider: Any
    ) -> None:
        adapter(OnLeave)
        slots = find_slots()
        assert start_times(slots) == []
        assert_refused_as_booked(slots, at(10), "on_leave")
        assert day_summary(service, provider, TUESDAY, now_dt=NOW) == [
            DaySummary(TUESDAY, CLOSED, 0)
        ]
        grace = make_provider("Grace")
        assert any_provider(service, at(10), [provider, grace], now_dt=NOW) == [grace]
        # It does not say that staff may.
        assert start_times(find_slots(override_policy=True)) == []

    def test_it_may_do_without_active_providers(
        self, find_slots: FindSlots, adapter: Any, provider: Any
    ) -> None:
        provider.is_active = False
        assert start_times(find_slots()) == []
        adapter(Easygoing)
        assert start_times(find_slots()) == ALL_DAY

    def test_a_service_that_is_not_booked_one_to_one_has_no_slots(
        self, find_slots: FindSlots, adapter: Any, service: Any, provider: Any
    ) -> None:
        adapter(SessionsOnly)
        for options in ({}, {"override_policy": True}):
            slots = find_slots(**options)
            assert start_times(slots) == []
            assert_refused_as_booked(slots, at(10), "booking_type", **options)
        grace = make_provider("Grace")
        assert any_provider(service, at(10), [provider, grace], now_dt=NOW) == [grace]

    def test_a_booking_stays_with_a_provider_who_does_not_take_new_ones(
        self, find_slots: FindSlots, adapter: Any, book: Book, provider: Any
    ) -> None:
        booking, with_grace = book(at(10)), book(at(10), provider=make_provider("Grace"))
        adapter(SessionsOnly)
        assert "11:00" in start_times(find_slots(booking=booking))
        assert start_times(find_slots(booking=with_grace)) == []
        with pytest.raises(NotAllowed):
            reschedule_booking(with_grace, new_start_at=at(11), new_provider=provider, now_dt=NOW)

    def test_its_limits_may_depend_on_the_start(
        self, find_slots: FindSlots, adapter: Any, book: Book
    ) -> None:
        adapter(OnePerWeekday)
        book(at(10))
        book(at(10, day=7))
        slots = find_slots(end_dt=at(0, day=8))
        assert {slot.start.date() for slot in slots} == {TUESDAY}
        assert_refused_as_booked(slots, at(14, day=7), "limit_reached")

    def test_an_error_of_its_own_is_not_caught(self, find_slots: FindSlots, adapter: Any) -> None:
        adapter(Fussy)
        with (
            mock.patch.object(Fussy, "check_bookable", side_effect=ZeroDivisionError),
            pytest.raises(ZeroDivisionError),
        ):
            list(find_slots())


def test_slots_of_nobody_are_none(service: Any, adapter: Any, one_a_day: None) -> None:
    adapter(OnePerWeekday)
    assert slots_by_date(service, [], TUESDAY, now_dt=NOW) == {TUESDAY: []}


@pytest.mark.usefixtures("validated", "one_a_day")
def test_a_booking_is_refused_by_the_limit_itself(book: Book, service: Any, provider: Any) -> None:
    book(at(10))
    for make in (create_booking, hold_booking):
        with pytest.raises(LimitReached):
            make(
                service=service,
                provider=provider,
                start_at=at(12),
                client_name="Kim",
                now_dt=NOW,
            )


@pytest.mark.parametrize("size", [1, 20])
def test_limits_take_three_queries_whatever_there_is(
    service: Any, settings: Any, size: int, book: Book
) -> None:
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_WEEK = 1
    pool = [save(make_provider(str(number)), max_bookings_per_day=1) for number in range(size)]
    for provider in pool:
        book(at(10), provider=provider, client_name=f"Client of {provider}")
    for select in (
        lambda **client: slots_by_date(
            service, pool, TUESDAY, date(2131, 4, 6), now_dt=NOW, **client
        ),
        lambda **client: day_summary(
            service, pool, TUESDAY, date(2131, 4, 6), now_dt=NOW, **client
        ),
        lambda **client: first_available(service, pool, now_dt=NOW, **client),
        lambda **client: any_provider(service, at(10, day=7), pool, now_dt=NOW, **client),
    ):
        for client, queries in (({}, 7), ({"client_name": "Joan"}, 8)):
            with CaptureQueriesContext(connection) as captured:
                select(**client)
            assert len(captured) == queries


def test_the_entity_tag_changes_with_limits_and_with_what_they_count(
    service: Any, provider: Any, settings: Any, adapter: Any, book: Book
) -> None:
    def tag(**values: Any) -> str:
        return availability_etag(service, provider, now_dt=NOW, **values)

    tags = [tag()]
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 2
    tags.append(tag())
    before = tag(client_name="Joan")
    book(at(10), provider=make_provider("Grace"))
    assert tag() == tags[-1]
    tags += [tag(client_name="Joan"), tag(override_policy=True)]
    assert before == tags[1]
    save(provider, max_bookings_per_day=3)
    tags.append(tag())
    for new in (OnLeave, SessionsOnly, Fussy):
        adapter(new)
        tags.append(tag())
    assert len(set(tags)) == len(tags)
