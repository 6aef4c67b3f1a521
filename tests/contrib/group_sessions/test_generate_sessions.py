"""Fill business hours with sessions: slots, prices, existing sessions and conflicts."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions import generated_sessions, signals
from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import (
    Generated,
    cancel_session,
    create_session,
    generate_sessions,
    update_session,
)
from bookings.contrib.schedule.models import BusinessHours, DateOverride
from bookings.contrib.schedule.models import Schedule as Hours
from bookings.contrib.schedule.services import (
    add_closures,
    create_schedule,
    take_time_off,
)
from bookings.exceptions import (
    BookingConflict,
    InvalidBooking,
    MissingReference,
    NotAllowed,
    SlotUnavailable,
    TenantMismatch,
)
from bookings.integrity import find_problems
from bookings.ledger import bulk
from bookings.models import Booking, BusyInterval, Calendar
from bookings.services import create_booking
from tests.contrib.group_sessions.conftest import HOUR, NOW, Factory, refused
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db

MONDAY: Final = date(2131, 3, 5)
TUESDAY: Final = date(2131, 3, 6)
WEDNESDAY: Final = date(2131, 3, 7)
SUNDAY: Final = date(2131, 3, 11)
BERLIN: Final = ZoneInfo("Europe/Berlin")
EVERY_DAY: Final = range(7)


class Generate:
    """``generate_sessions`` with default arguments."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    def __call__(self, **values: Any) -> Generated:
        return generate_sessions(**(self.values | values))


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert audit() == []
    assert list(find_problems()) == []


@pytest.fixture
def generate(service: Any, provider: Any) -> Generate:
    return Generate(
        service=service,
        provider=provider,
        start_date=TUESDAY,
        end_date=TUESDAY,
        slot_duration_minutes=60,
        capacity=3,
        now_dt=NOW,
    )


@pytest.fixture
def hours(provider: Any) -> Hours:
    """The provider works from 9:00 to 12:00 and from 13:00 to 15:30 every day, in UTC."""
    shifts = [("09:00", "12:00"), ("13:00", "15:30")]
    return create_schedule(provider=provider, timezone="UTC", hours=week(*shifts))


def week(*shifts: Any, days: Any = EVERY_DAY) -> dict[int, list[Any]]:
    return {day: list(shifts) for day in days}


def open_at(provider: Any, *shifts: Any, zone: str = "UTC", days: Any = EVERY_DAY) -> None:
    create_schedule(provider=provider, timezone=zone, hours=week(*shifts, days=days))


def at(hour: int, minute: int = 0, *, day: int = 6) -> datetime:
    return datetime(2131, 3, day, hour, minute, tzinfo=UTC)


def starts(zone: Any = UTC, shown: str = "%H:%M") -> list[str]:
    rows = Session.objects.order_by("start_at").values_list("start_at", flat=True)
    return [f"{start.astimezone(zone):{shown}}" for start in rows]


def summary(generated: Generated) -> tuple[int, int, list[tuple[str, str]]]:
    conflicts = [(f"{one.start_at:%H:%M}", one.reason) for one in generated.conflicts]
    return generated.created, generated.existing, conflicts


class TestSlots:
    def test_slots_follow_one_another_as_long_as_one_fits_into_the_shift(
        self, hours: Hours, generate: Generate
    ) -> None:
        assert summary(generate()) == (5, 0, [])
        assert starts() == ["09:00", "10:00", "11:00", "13:00", "14:00"]

    @pytest.mark.parametrize(("minutes", "number"), [(15, 12 + 10), (480, 0), (150, 2), (180, 1)])
    def test_slots_have_the_given_length(
        self, hours: Hours, generate: Generate, minutes: int, number: int
    ) -> None:
        assert generate(slot_duration_minutes=minutes).created == number
        lengths = {row.end_at - row.start_at for row in Session.objects.all()}
        assert lengths <= {timedelta(minutes=minutes)}

    def test_both_dates_are_included(self, hours: Hours, generate: Generate) -> None:
        generate(start_date=TUESDAY, end_date=WEDNESDAY)
        assert {start[:5] for start in starts(shown="%d %H:%M")} == {"06 09", "07 09"} | {
            f"{day} {hour}" for day in ("06", "07") for hour in (10, 11, 13, 14)
        }

    def test_buffers_lie_between_slots_and_may_reach_beyond_the_hours(
        self, generate: Generate, provider: Any, make_service: Factory
    ) -> None:
        open_at(provider, ("09:00", "12:00"))
        buffered = make_service(buffer_before_minutes=5, buffer_after_minutes=10)
        assert summary(generate(service=buffered)) == (2, 0, [])
        assert starts() == ["09:00", "10:15"]
        taken = [(row.start_at, row.end_at) for row in BusyInterval.objects.order_by("starts")]
        assert taken == [(at(8, 55), at(10, 10)), (at(10, 10), at(11, 25))]

    def test_the_provider_s_buffers_lie_between_slots_too(
        self, generate: Generate, make_provider: Factory, make_service: Factory
    ) -> None:
        provider = make_provider(buffer_before_minutes=5, buffer_after_minutes=5)
        open_at(provider, ("09:00", "12:00"))
        buffered = make_service(buffer_after_minutes=10)
        assert summary(generate(service=buffered, provider=provider)) == (2, 0, [])
        assert starts() == ["09:00", "10:15"]

    def test_a_shift_goes_on_after_midnight_and_belongs_to_the_day_it_begins_on(
        self, generate: Generate, provider: Any
    ) -> None:
        open_at(provider, ("22:00", "02:30", True), days=[1])
        assert generate(end_date=WEDNESDAY).created == 4
        assert starts(shown="%d %H") == ["06 22", "06 23", "07 00", "07 01"]
        assert generate(start_date=WEDNESDAY, end_date=WEDNESDAY) == Generated(0, 0, ())

    def test_a_slot_that_has_started_is_left_out(self, hours: Hours, generate: Generate) -> None:
        generate(now_dt=at(10), start_date=date(1900, 1, 1))
        assert starts() == ["10:00", "11:00", "13:00", "14:00"]

    def test_a_shift_of_yesterday_continues_today(self, generate: Generate, provider: Any) -> None:
        open_at(provider, ("22:00", "02:00", True), days=[0])
        generate(start_date=MONDAY, now_dt=at(0, 30))
        assert starts(shown="%d %H") == ["06 01"]

    def test_past_dates_generate_nothing(self, hours: Hours, generate: Generate) -> None:
        for last in (date(2131, 3, 1), date.min):
            assert generate(start_date=date.min, end_date=last) == Generated(0, 0, ())

    def test_all_day_shifts_begin_their_slots_at_midnight(
        self, generate: Generate, provider: Any
    ) -> None:
        open_at(provider, ("00:00", "24:00"))
        made = generate(start_date=TUESDAY, end_date=WEDNESDAY, slot_duration_minutes=400)
        assert summary(made) == (6, 0, [])
        assert starts(shown="%d %H:%M") == [
            f"{day} {start}" for day in ("06", "07") for start in ("00:00", "06:40", "13:20")
        ]

    def test_closures_holidays_and_other_hours_count(
        self, hours: Hours, generate: Generate, provider: Any
    ) -> None:
        add_closures(providers=[provider], first_date=TUESDAY, reason="Moving")
        DateOverride.objects.create(
            schedule=hours, date=WEDNESDAY, open_time="18:00", close_time="19:00"
        )
        generate(start_date=MONDAY, end_date=WEDNESDAY, now_dt=at(0, day=4))
        assert starts(shown="%d %H") == [
            *(f"05 {hour:02}" for hour in (9, 10, 11, 13, 14)),
            "07 18",
        ]

    def test_a_public_holiday_is_skipped(self, generate: Generate, provider: Any) -> None:
        pytest.importorskip("holidays")
        create_schedule(
            provider=provider,
            timezone="Europe/Berlin",
            holiday_country="DE",
            hours=week(("09:00", "10:00")),
        )
        now = datetime(2030, 12, 20, tzinfo=UTC)
        generate(start_date=date(2030, 12, 24), end_date=date(2030, 12, 27), now_dt=now)
        assert starts(shown="%d") == ["24", "27"]

    @pytest.mark.parametrize(
        ("day", "shown", "elapsed"),
        [
            # 02:00 becomes 03:00.
            (date(2131, 3, 25), ["00:00", "01:00", "03:00", "04:00"], 4),
            # 03:00 becomes 02:00.
            (date(2130, 10, 29), ["00:00", "01:00", "02:00", "02:00", "03:00", "04:00"], 6),
        ],
    )
    def test_when_clocks_change_the_hours_keep_to_the_clock_and_slots_to_elapsed_time(
        self, generate: Generate, provider: Any, day: date, shown: list[str], elapsed: int
    ) -> None:
        open_at(provider, ("00:00", "05:00"), zone="Europe/Berlin")
        now = datetime(day.year, day.month, 1, tzinfo=UTC)
        made = generate(start_date=day, end_date=day, now_dt=now)
        assert (made.created, starts(BERLIN)) == (elapsed, shown)
        assert {row.end_at - row.start_at for row in Session.objects.all()} == {HOUR}

    def test_a_week_in_which_clocks_change_is_the_same_by_the_clock(
        self, generate: Generate, provider: Any
    ) -> None:
        open_at(provider, ("09:00", "10:00"), zone="Europe/Berlin")
        first = date(2131, 3, 22)
        generate(start_date=first, end_date=first + timedelta(6))
        assert starts(BERLIN) == ["09:00"] * 7
        assert sorted(set(starts())) == ["07:00", "08:00"]


class TestExistingSessions:
    def test_a_second_call_creates_nothing(self, hours: Hours, generate: Generate) -> None:
        generate()
        before = list(Session.objects.values())
        assert summary(generate(title="Other", capacity=9)) == (0, 5, [])
        assert list(Session.objects.values()) == before

    def test_only_missing_sessions_are_created(self, hours: Hours, generate: Generate) -> None:
        generate()
        assert summary(generate(end_date=WEDNESDAY)) == (5, 5, [])

    def test_a_session_published_by_hand_fills_its_slot(
        self, hours: Hours, generate: Generate, service: Any, provider: Any
    ) -> None:
        create_session(service=service, provider=provider, start_at=at(10), now_dt=NOW)
        assert summary(generate()) == (4, 1, [])

    def test_a_cancelled_session_is_not_generated_again(
        self, hours: Hours, generate: Generate
    ) -> None:
        generate()
        cancel_session(Session.objects.get(start_at=at(10)), now_dt=NOW)
        assert summary(generate()) == (0, 5, [])
        assert BusyInterval.objects.count() == 4

    @pytest.mark.parametrize("then_cancelled", [False, True])
    @pytest.mark.parametrize(
        "change",
        [{"start_at": at(18)}, {"end_at": at(10, 45)}, {"start_at": at(8), "end_at": at(9)}],
    )
    def test_a_moved_session_is_not_generated_again(
        self,
        hours: Hours,
        generate: Generate,
        change: dict[str, datetime],
        then_cancelled: bool,
    ) -> None:
        generate()
        moved = Session.objects.get(start_at=at(10))
        update_session(moved, **change, now_dt=NOW)
        if then_cancelled:
            cancel_session(moved, now_dt=NOW)
        assert summary(generate(dry_run=True)) == (0, 5, [])
        assert summary(generate()) == (0, 5, [])
        assert summary(generate(end_date=WEDNESDAY)) == (5, 5, [])

    def test_a_session_that_got_another_provider_is_not_generated_again(
        self, hours: Hours, generate: Generate, other_provider: Any
    ) -> None:
        generate()
        update_session(Session.objects.get(start_at=at(10)), provider=other_provider, now_dt=NOW)
        assert summary(generate()) == (0, 5, [])
        open_at(other_provider, ("10:00", "12:00"))
        assert summary(generate(provider=other_provider)) == (1, 1, [])

    def test_slots_of_another_length_are_other_slots(
        self, hours: Hours, generate: Generate
    ) -> None:
        generate()
        update_session(Session.objects.get(start_at=at(10)), start_at=at(18), now_dt=NOW)
        assert generate(slot_duration_minutes=30).created == 2 + 1

    def test_a_session_published_by_hand_belongs_to_no_slot(
        self, hours: Hours, generate: Generate, service: Any, provider: Any
    ) -> None:
        made = create_session(service=service, provider=provider, start_at=at(10), now_dt=NOW)
        update_session(made, start_at=at(18), now_dt=NOW)
        assert summary(generate()) == (5, 0, [])

    def test_deleting_a_provider_keeps_sessions_that_got_another_provider(
        self, hours: Hours, generate: Generate, provider: Any, other_provider: Any
    ) -> None:
        generate()
        for session in Session.objects.all():
            update_session(session, provider=other_provider, now_dt=NOW)
        provider.delete()
        assert set(Session.objects.values_list("slot_calendar", flat=True)) == {None}

    def test_conflicts_are_reported_and_the_other_slots_are_filled(
        self, hours: Hours, generate: Generate, service: Any, provider: Any, make_service: Factory
    ) -> None:
        create_booking(
            service=service, provider=provider, start_at=at(8, 30), client_name="Ann", now_dt=NOW
        )
        take_time_off(provider=provider, start_at=at(10), end_at=at(11))
        create_session(
            service=make_service(name="Dance"), provider=provider, start_at=at(13, 59), now_dt=NOW
        )
        Calendar.objects.get(provider=provider).busy_intervals.create(
            starts=int(at(11, 10).timestamp()), ends=int(at(11, 20).timestamp()), kind="EXTERNAL"
        )
        made = generate()
        assert summary(made) == (
            0,
            0,
            [
                ("09:00", "Booking"),
                ("10:00", "Time off"),
                ("11:00", "External"),
                ("13:00", "Session"),
                ("14:00", "Session"),
            ],
        )
        assert made.conflicts[0].end_at == at(10)
        assert summary(generate(slot_duration_minutes=30))[0] == 4

    def test_adjacent_time_is_no_conflict(
        self, hours: Hours, generate: Generate, provider: Any
    ) -> None:
        take_time_off(provider=provider, start_at=at(10), end_at=at(11))
        assert summary(generate()) == (4, 0, [("10:00", "Time off")])

    def test_time_of_another_provider_is_no_conflict(
        self, hours: Hours, generate: Generate, other_provider: Any
    ) -> None:
        take_time_off(provider=other_provider, start_at=at(0), end_at=at(23))
        assert generate().created == 5

    def test_the_first_of_overlapping_shifts_counts(
        self, generate: Generate, provider: Any
    ) -> None:
        schedule = create_schedule(provider=provider, timezone="UTC")
        BusinessHours.objects.bulk_create(
            BusinessHours(schedule=schedule, day_of_week=1, open_time=opens, close_time=closes)
            for opens, closes in (("09:00", "10:00"), ("09:30", "11:30"))
        )
        assert summary(generate()) == (2, 0, [("09:30", "Session")])
        assert starts() == ["09:00", "10:30"]

    def test_an_expired_hold_is_no_conflict(
        self, hours: Hours, generate: Generate, service: Any, provider: Any
    ) -> None:
        hold = create_booking(
            service=service,
            provider=provider,
            start_at=at(10),
            client_name="Ann",
            now_dt=NOW,
            expires_at=NOW + timedelta(minutes=5),
        )
        assert summary(generate())[2] == [("10:00", "Booking")]
        later = NOW + timedelta(minutes=5)
        assert summary(generate(now_dt=later, dry_run=True)) == (0, 4, [("10:00", "Booking")])
        assert summary(generate(now_dt=later)) == (1, 4, [])
        hold.refresh_from_db()
        assert hold.status == Booking.Status.CANCELLED

    def test_a_conflict_written_without_the_lock_is_found_on_retry(
        self, hours: Hours, generate: Generate, provider: Any
    ) -> None:
        generate(slot_duration_minutes=150)
        part = bulk.partition_free
        looks: list[int] = []

        def late(calendar_id: int, claims: Any, **values: Any) -> Any:
            looks.append(calendar_id)
            if len(looks) == 1:
                raise BookingConflict("Somebody was quicker.")
            return part(calendar_id, claims, **values)

        with patch.object(bulk, "partition_free", late):
            assert generate(start_date=WEDNESDAY, end_date=WEDNESDAY).created == 5
        assert len(looks) == 2

    def test_a_dry_run_counts_and_writes_nothing(
        self, hours: Hours, generate: Generate, provider: Any
    ) -> None:
        take_time_off(provider=provider, start_at=at(10), end_at=at(11))
        revisions = list(Calendar.objects.values())
        assert summary(generate(dry_run=True)) == (4, 0, [("10:00", "Time off")])
        assert not Session.objects.exists()
        assert list(Calendar.objects.values()) == revisions


class TestGeneratedValues:
    def test_generated_sessions_equal_created_ones(
        self, generate: Generate, make_provider: Factory, make_service: Factory, user: Any
    ) -> None:
        buffered = make_service(buffer_before_minutes=5, buffer_after_minutes=10)
        given = {
            "service": buffered,
            "capacity": 7,
            "title": "Zoë’s «yoga», 100 %s",
            "price_amount": Decimal("12.50"),
            "meeting_link": "https://example.com/a?b=%25&c=d",
            "enable_waitlist": True,
            "waitlist_offer_minutes": 30,
            "created_by": user,
            "now_dt": NOW,
        }
        one, other = make_provider(name="One"), make_provider(name="Other")
        open_at(one, ("09:00", "10:30"))
        assert generate(provider=one, **given).created == 1
        create_session(provider=other, start_at=at(9), **given)

        def row(provider: Any) -> list[dict[str, Any]]:
            found = Session.objects.filter(provider=provider).values()
            claims = BusyInterval.objects.filter(calendar__provider=provider).values()
            kept = [*found, *claims]
            ours = {"id", "provider_id", "busy_interval_id", "updated_at", "calendar_id"}
            slot = {"slot_calendar_id", "slot_start_at", "slot_end_at"}
            return [{key: row[key] for key in row.keys() - ours - slot} for row in kept]

        assert row(one) == row(other)
        assert Session.objects.filter(updated_at__isnull=True).count() == 0

    def test_each_session_has_its_own_busy_interval(self, hours: Hours, generate: Generate) -> None:
        generate(end_date=WEDNESDAY)
        for session in Session.objects.select_related("busy_interval"):
            claim: Any = session.busy_interval
            assert (claim.start_at, claim.end_at) == (session.start_at, session.end_at)
            assert (claim.capacity, claim.seats_taken) == (3, 0)
            assert session.slot_calendar == claim.calendar
            assert (session.slot_start_at, session.slot_end_at) == (
                session.start_at,
                session.end_at,
            )

    def test_an_hourly_price_is_that_of_the_slot(
        self, hours: Hours, generate: Generate, make_service: Factory
    ) -> None:
        hourly = make_service(pricing_type="HOURLY", price_amount=Decimal(50), currency="USD")
        generate(service=hourly, slot_duration_minutes=50)
        assert {row.price_amount for row in Session.objects.all()} == {Decimal("41.67")}

    @pytest.mark.parametrize(
        ("pricing", "price", "given", "kept"),
        [
            ("FIXED", Decimal(50), None, None),
            ("", Decimal(50), None, None),
            ("HOURLY", None, None, None),
            ("DAILY", Decimal(50), None, Decimal(50)),
            ("HOURLY", Decimal(50), Decimal(7), Decimal(7)),
            ("HOURLY", Decimal(50), Decimal(0), Decimal(0)),
        ],
    )
    def test_another_price_is_the_given_one_or_the_service_s(
        self,
        hours: Hours,
        generate: Generate,
        make_service: Factory,
        pricing: str,
        price: Decimal | None,
        given: Decimal | None,
        kept: Decimal | None,
    ) -> None:
        service = make_service(pricing_type=pricing, price_amount=price)
        generate(service=service, price_amount=given)
        assert {row.price_amount for row in Session.objects.all()} == {kept}

    @pytest.mark.django_db(transaction=True)
    def test_a_signal_is_sent_for_each_session(
        self, hours: Hours, generate: Generate, record_signal: Any
    ) -> None:
        sent = record_signal(signals.session_created)
        generate(dry_run=True)
        assert sent == []
        generate()
        assert {one["session"].pk for one in sent} == set(
            Session.objects.values_list("pk", flat=True)
        )
        assert len(sent) == 5
        generate()
        assert len(sent) == 5

    def test_a_database_that_does_not_return_keys(self, hours: Hours, generate: Generate) -> None:
        """MySQL."""
        with patch.object(type(connection.features), "can_return_rows_from_bulk_insert", False):
            assert generate().created == 5
        for session in Session.objects.select_related("busy_interval"):
            assert session.busy_interval.start_at == session.start_at


class TestPerformance:
    def test_a_chunk_takes_a_constant_number_of_queries(
        self, generate: Generate, provider: Any, make_provider: Factory
    ) -> None:
        create_schedule(timezone="UTC", hours=week(("00:00", "24:00")))
        costs = []
        for minutes, days in ((480, 1), (60, 7), (15, 5)):
            someone = make_provider(name=str(minutes))
            generate(provider=someone, end_date=TUESDAY, slot_duration_minutes=480)
            last = WEDNESDAY + timedelta(days - 1)
            with CaptureQueriesContext(connection) as captured:
                made = generate(
                    provider=someone,
                    start_date=WEDNESDAY,
                    end_date=last,
                    slot_duration_minutes=minutes,
                )
            assert made.created == days * 1440 // minutes
            statements = [query["sql"] for query in captured]
            if connection.vendor == "sqlite":
                # It takes no more than a thousand parameters at a time.
                statements = [sql for sql in statements if not sql.startswith("INSERT")]
            costs.append(len(statements))
        # Three for the schedule, one for holds; the lock, two for existing sessions, one for busy
        # time; two to insert; BEGIN and COMMIT, or a savepoint.
        expected = 10 if connection.vendor == "sqlite" else 12
        if not connection.features.can_return_rows_from_bulk_insert:
            # MySQL does not return the keys, so they are read.
            expected += 1
        assert costs == [expected] * 3

    def test_progress_is_called_after_each_chunk(self, generate: Generate, provider: Any) -> None:
        open_at(provider, ("00:00", "24:00"))
        seen: list[int] = []
        with patch.object(generated_sessions, "CHUNK_SIZE", 100):
            made = generate(slot_duration_minutes=15, end_date=WEDNESDAY, progress=seen.append)
        assert made.created == seen[-1] == 192
        assert seen == [100, 192]

    def test_a_chunk_is_all_or_nothing_and_the_next_call_creates_the_rest(
        self, generate: Generate, provider: Any
    ) -> None:
        open_at(provider, ("00:00", "24:00"))
        insert, calls = generated_sessions.insert_copies, count()

        def fail_at_second(*args: Any, **values: Any) -> None:
            insert(*args, **values)
            if next(calls) == 1:
                raise RuntimeError

        with (
            patch.object(generated_sessions, "CHUNK_SIZE", 10),
            patch.object(generated_sessions, "insert_copies", fail_at_second),
            pytest.raises(RuntimeError),
        ):
            generate()
        assert Session.objects.count() == BusyInterval.objects.count() == 10
        assert summary(generate()) == (14, 10, [])

    def test_memory_does_not_grow_with_the_days(
        self, generate: Generate, provider: Any, make_provider: Factory
    ) -> None:
        create_schedule(timezone="UTC", hours=week(("00:00", "24:00")))

        def peak(days: int) -> int:
            someone = make_provider(name=str(days))
            last = TUESDAY + timedelta(days - 1)
            tracemalloc.start()
            try:
                generate(provider=someone, end_date=last, slot_duration_minutes=15)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        # The first call warms up; from the sixth day on, there is a full chunk.
        peaks = [peak(days) for days in (8, 9, 30)]
        assert peaks[2] < 1.5 * peaks[1], peaks


class TestRefusals:
    @pytest.mark.parametrize("minutes", [14, 481, 0, -60, 60.0, True, "60", None, 10**30])
    def test_an_invalid_length(self, hours: Hours, generate: Generate, minutes: Any) -> None:
        with refused(InvalidBooking):
            generate(slot_duration_minutes=minutes)

    def test_dates_90_days_ahead(self, hours: Hours, generate: Generate) -> None:
        furthest = MONDAY + timedelta(90)
        assert generate(start_date=furthest, end_date=furthest).created == 5
        for last in (furthest + timedelta(1), date.max):
            with refused(InvalidSession, "too_far_ahead"):
                generate(start_date=last, end_date=last)

    def test_today_is_that_of_the_schedule(self, generate: Generate, provider: Any) -> None:
        open_at(provider, ("09:00", "10:00"), zone="Pacific/Auckland")
        generate(end_date=MONDAY + timedelta(91), now_dt=at(12, day=5))
        with refused(InvalidSession, "too_far_ahead"):
            generate(end_date=MONDAY + timedelta(91), now_dt=at(10, day=5))

    def test_reversed_dates(self, hours: Hours, generate: Generate) -> None:
        with refused(InvalidSession, "range_reversed"):
            generate(start_date=WEDNESDAY, end_date=TUESDAY)

    @pytest.mark.parametrize("value", [NOW, "2131-03-06", None, 6])
    def test_an_invalid_date(self, hours: Hours, generate: Generate, value: Any) -> None:
        for name in ("start_date", "end_date"):
            with refused(InvalidSession, "invalid_date"):
                generate(**{name: value})

    @pytest.mark.parametrize(
        "values",
        [
            {"capacity": 0},
            {"capacity": -1},
            {"capacity": 2**31},
            {"title": "x" * 256},
            {"title": "\x00"},
            {"meeting_link": "javascript:alert(1)"},
            {"price_amount": Decimal("nan")},
            {"waitlist_offer_minutes": 0},
            {"service": None},
            {"provider": "Ada"},
        ],
        ids=str,
    )
    def test_invalid_session_values(
        self, hours: Hours, generate: Generate, values: dict[str, Any]
    ) -> None:
        with refused(InvalidBooking):
            generate(**values)

    def test_a_price_below_zero(self, hours: Hours, generate: Generate) -> None:
        with refused(InvalidBooking, "negative_amount"):
            generate(price_amount=Decimal(-1))

    def test_an_offer_without_a_waitlist(self, hours: Hours, generate: Generate) -> None:
        with refused(InvalidSession, "offer_without_waitlist"):
            generate(waitlist_offer_minutes=10)

    def test_a_naive_now(self, hours: Hours, generate: Generate) -> None:
        with refused(InvalidBooking, "naive_datetime"):
            generate(now_dt=datetime(2131, 3, 5))  # noqa: DTZ001

    @pytest.mark.parametrize("year", [1, 1968, 4148, 9999])
    def test_a_now_that_is_out_of_range(self, hours: Hours, generate: Generate, year: int) -> None:
        with refused(InvalidBooking, "out_of_range"):
            generate(now_dt=datetime(year, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))

    def test_slots_that_are_out_of_range(self, generate: Generate, provider: Any) -> None:
        open_at(provider, ("09:00", "10:00"))
        now = datetime(4147, 8, 18, tzinfo=UTC)
        with refused(InvalidBooking, "out_of_range"):
            generate(start_date=now.date(), end_date=now.date() + timedelta(30), now_dt=now)

    def test_buffers_that_reach_out_of_range(
        self, generate: Generate, provider: Any, make_service: Factory
    ) -> None:
        open_at(provider, ("00:00", "01:00"))
        early = datetime(1970, 1, 1, tzinfo=UTC)
        with refused(InvalidBooking, "out_of_range"):
            generate(
                service=make_service(buffer_before_minutes=5),
                start_date=early.date(),
                end_date=early.date(),
                now_dt=early,
            )

    def test_a_provider_without_hours(self, generate: Generate) -> None:
        with refused(SlotUnavailable, "no_schedule"):
            generate()

    def test_a_deleted_provider(self, hours: Hours, generate: Generate, provider: Any) -> None:
        type(provider).objects.filter(pk=provider.pk).delete()
        create_schedule(timezone="UTC", hours=week(("09:00", "12:00")))
        with refused(MissingReference):
            generate()

    def test_a_tenant_where_there_are_none(self, hours: Hours, generate: Generate) -> None:
        with refused(TenantMismatch):
            generate(tenant=object())

    def test_a_service_without_sessions(
        self, hours: Hours, generate: Generate, settings: Any
    ) -> None:
        settings.BOOKINGS_ADAPTER = f"{__name__}.OneToOne"
        with refused(NotAllowed, "booking_type"):
            generate()

    def test_a_project_without_schedules(
        self, hours: Hours, generate: Generate, settings: Any
    ) -> None:
        settings.INSTALLED_APPS = [
            name for name in settings.INSTALLED_APPS if name != "bookings.contrib.schedule"
        ]
        with refused(NotAllowed, "schedule_not_installed"):
            generate()


class OneToOne(DefaultBookingAdapter):
    def booking_types(self, service: Any, provider: Any) -> Any:
        return set()
