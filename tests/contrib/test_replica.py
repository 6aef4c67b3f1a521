"""Every service under a router that sends all reads to a replica, which has nothing yet.

The replica is no database that these tests have: to read from it is to fail. The adapter reads all
that a booking refers to, and the bundled slot engine is asked about every start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from bookings import services as core
from bookings.adapters import DefaultBookingAdapter, Limits
from bookings.contrib.group_sessions import services as sessions
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.payments import services as payments
from bookings.contrib.payments.refund_rules import Tier
from bookings.contrib.schedule import services as schedules
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.series import services as series
from bookings.contrib.series.models import Occurrence
from bookings.models import Booking
from bookings.testing import assert_bookings_are_sound
from tests.hosts.samples import make, make_host

pytestmark = pytest.mark.django_db

NOW: Final = datetime(2131, 3, 5, 8, tzinfo=UTC)
START: Final = datetime(2131, 3, 6, 10, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


class Replicated:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True


class Curious(DefaultBookingAdapter):
    """Reads what a booking refers to, wherever the adapter is asked."""

    def check_permission(self, actor: Any, verb: str, booking: Any) -> None:
        self.look_at(booking)

    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        self.look_at(booking)
        super().check_bookable(booking, override_policy=override_policy)

    def limits(self, booking: Booking) -> Limits:
        self.look_at(booking)
        return Limits(max_active_bookings_per_client=99, provider_max_bookings_per_day=99)

    def price(self, booking: Booking, addons: Any) -> Any:
        self.look_at(booking)
        return super().price(booking, addons)

    def look_at(self, booking: Any) -> None:
        for name in ("service", "provider", "client_user", "created_by", "busy_interval"):
            str(getattr(booking, name, None))


@pytest.fixture
def replicated() -> Iterator[None]:
    with override_settings(
        DATABASE_ROUTERS=[f"{__name__}.Replicated"],
        BOOKINGS_ADAPTER=f"{__name__}.Curious",
        BOOKINGS_SLOT_VALIDATION_MODE="ENGINE",
        BOOKINGS_SLOTS_AVAILABLE_FUNC=("bookings.contrib.schedule.selectors.list_available_slots"),
        BOOKINGS_DUPLICATE_GUARD_MINUTES=5,
        BOOKINGS_AUTO_CANCEL_BUSINESS_DAYS=True,
        BOOKINGS_AUTO_CANCEL_GRACE_HOURS=0,
    ):
        yield


def read(row: Any) -> Any:
    """Return a row as a view has read it from the replica, with nothing of what it refers to."""
    found = type(row)._base_manager.get(pk=row.pk)
    found._state.db = "replica"
    return found


@pytest.fixture
def there() -> SimpleNamespace:
    """What there is, as it was read from the replica. Each step uses what it needs."""
    host = make_host()
    other, group = make("PROVIDER_MODEL"), make("SERVICE_MODEL")
    asking, two_sided = make("SERVICE_MODEL"), make("SERVICE_MODEL")
    for service, rule_of_it in ((asking, "requires_approval"), (two_sided, "two_sided_completion")):
        setattr(service, rule_of_it, True)
        service.save()
    user = get_user_model().objects.create_user("kim")
    for provider in (host.provider, other):
        schedules.create_schedule(
            provider=provider,
            timezone="UTC",
            hours={day: [("00:00", "24:00")] for day in range(7)},
        )
    client = {"client_name": "Kim", "client_user": user, "created_by": user, "now_dt": NOW}

    def book(hours: int, service: Any = host.service, **values: Any) -> Booking:
        given = {"provider": host.provider, "start_at": START + hours * HOUR, **client}
        return core.create_booking(service=service, **given | values)

    def publish(days: int, **values: Any) -> Session:
        return sessions.create_session(
            service=group,
            provider=other,
            start_at=START + days * DAY,
            capacity=1,
            enable_waitlist=True,
            now_dt=NOW,
            **values,
        )

    rows: dict[str, Any] = {
        "service": host.service,
        "provider": host.provider,
        "addon": host.addon,
        "group": group,
        "other": other,
        "user": user,
        "booking": book(0),
        "request": book(2, asking),
        "hold": book(4, expires_at=NOW + HOUR),
        "delivered": core.deliver_booking(book(6, two_sided), now_dt=START + 6 * HOUR),
        "paid": book(8),
        "session": publish(0),
        "full": publish(1),
        "offering": publish(2, waitlist_offer_minutes=60),
        "schedule": Schedule.objects.get(provider=other),
        "time_off": schedules.take_time_off(
            provider=other, start_at=START + 9 * DAY, end_at=START + 10 * DAY, now_dt=NOW
        ),
    }
    rows["payment"] = payments.record_payment(
        rows["paid"], amount=Decimal(50), external_id="pay_1", now_dt=NOW
    ).payment
    rows["seat"] = sessions.book_seat(rows["full"], **client)
    rows["waiting"] = sessions.join_waitlist(rows["full"], client_name="Lee", now_dt=NOW)
    seat = sessions.book_seat(rows["offering"], **client)
    rows["offered"] = sessions.join_waitlist(rows["offering"], client_name="Lee", now_dt=NOW)
    core.cancel_booking(seat, now_dt=NOW)
    made = series.create_series(
        rrule="FREQ=DAILY;COUNT=3",
        timezone="UTC",
        start_at=START + 20 * DAY,
        service=host.service,
        provider=host.provider,
        client_name="Kim",
        now_dt=NOW,
    )
    rows["occurrence"] = Occurrence.objects.filter(series=made.series).first()
    course = series.create_session_series(
        rrule="FREQ=DAILY;COUNT=3",
        timezone="UTC",
        start_at=START + 30 * DAY,
        service=group,
        provider=host.provider,
        capacity=2,
        now_dt=NOW,
    )
    rows["lesson"] = Occurrence.objects.filter(series=course.series).first()
    return SimpleNamespace(**{name: read(row) for name, row in rows.items()})


def new(there: SimpleNamespace, hours: int, **values: Any) -> dict[str, Any]:
    given = {
        "service": there.service,
        "provider": there.provider,
        "start_at": START + hours * HOUR,
        "client_name": "Ann",
        "client_user": there.user,
        "created_by": there.user,
        "addon_ids": [there.addon.pk],
        "idempotency_key": "key",
        "now_dt": NOW,
    }
    return given | values


def rule(there: SimpleNamespace, **values: Any) -> dict[str, Any]:
    given = {
        "rrule": "FREQ=DAILY;COUNT=2",
        "timezone": "UTC",
        "start_at": START + 40 * DAY,
        "service": there.service,
        "provider": there.provider,
        "alternatives": 2,
        "idempotency_key": "key",
        "now_dt": NOW,
    }
    return given | values


def vacate(there: SimpleNamespace) -> None:
    """Free the seat, which the first who waits gets."""
    core.cancel_booking(there.seat, now_dt=NOW)


LATER: Final = START + 60 * DAY

STEPS: Final[dict[str, Callable[[SimpleNamespace], Any]]] = {
    "add_note": lambda it: core.add_note(it.booking, "Rang.", actor=it.user),
    "anonymize_client": lambda it: core.anonymize_client(email="a@x.org", user=it.user, now_dt=NOW),
    "auto_cancel_expired_bookings": lambda it: core.auto_cancel_expired_bookings(now_dt=LATER),
    "auto_complete_bookings": lambda it: core.auto_complete_bookings(now_dt=LATER),
    "cancel_booking": lambda it: core.cancel_booking(it.paid, actor=it.user, now_dt=NOW),
    "change_party_size": lambda it: (
        sessions.update_session(it.full, capacity=3, now_dt=NOW),
        core.change_party_size(it.seat, 2, actor=it.user, now_dt=NOW),
    ),
    "complete_booking": lambda it: core.complete_booking(it.booking, now_dt=START),
    "confirm_booking": lambda it: core.confirm_booking(it.request, actor=it.user, now_dt=NOW),
    "create_booking": lambda it: [core.create_booking(**new(it, 12)) for _ in range(2)],
    "decline_booking": lambda it: core.decline_booking(it.request, now_dt=NOW),
    "deliver_booking": lambda it: core.deliver_booking(it.booking, now_dt=START),
    "dispute_booking": lambda it: core.dispute_booking(it.delivered, reason="No.", now_dt=LATER),
    "expire_booking": lambda it: core.expire_booking(it.hold, now_dt=NOW + HOUR),
    "expire_bookings": lambda it: core.expire_bookings(now_dt=NOW + HOUR),
    "extend_hold": lambda it: core.extend_hold(it.hold, minutes=90, now_dt=NOW),
    "hold_booking": lambda it: core.hold_booking(**new(it, 12)),
    "mark_no_show": lambda it: core.mark_no_show(it.paid, now_dt=START + DAY),
    "merge_metadata": lambda it: core.merge_metadata(it.booking, {"a": 1}),
    "request_meeting_links": lambda it: core.request_meeting_links(now_dt=LATER),
    "reschedule_booking": lambda it: core.reschedule_booking(
        it.booking,
        new_start_at=START + 14 * HOUR,
        new_provider=it.other,
        addon_ids=[it.addon.pk],
        actor=it.user,
        now_dt=NOW,
    ),
    "submit_hold": lambda it: core.submit_hold(it.hold, client_email="a@example.com", now_dt=NOW),
    "update_booking": lambda it: core.update_booking(it.hold, client_name="Lee", now_dt=NOW),
    "book_seat": lambda it: sessions.book_seat(
        it.session, client_name="Ann", client_user=it.user, idempotency_key="key", now_dt=NOW
    ),
    "cancel_session": lambda it: sessions.cancel_session(it.full, actor=it.user, now_dt=NOW),
    "close_session": lambda it: sessions.close_session(it.full, now_dt=NOW),
    "create_session": lambda it: sessions.create_session(
        service=it.group,
        provider=it.other,
        start_at=START + 5 * DAY,
        capacity=2,
        created_by=it.user,
        now_dt=NOW,
    ),
    "finish_session": lambda it: sessions.finish_session(it.full, now_dt=LATER),
    "finish_sessions": lambda it: sessions.finish_sessions(now_dt=LATER),
    "generate_sessions": lambda it: sessions.generate_sessions(
        service=it.group,
        provider=it.other,
        start_date=date(2131, 3, 20),
        end_date=date(2131, 3, 21),
        slot_duration_minutes=60,
        capacity=2,
        now_dt=NOW,
    ),
    "join_waitlist": lambda it: sessions.join_waitlist(it.full, client_name="Sam", now_dt=NOW),
    "leave_waitlist": lambda it: (
        sessions.leave_waitlist(it.waiting, actor=it.user, now_dt=NOW),
        sessions.leave_waitlist(it.offered, actor=it.user, now_dt=NOW),
    ),
    "mark_attendance": lambda it: sessions.mark_attendance(
        it.full, attended=[it.seat], now_dt=START + DAY
    ),
    "mark_notified": lambda it: sessions.mark_notified(it.waiting),
    "move_seat": lambda it: sessions.move_seat(it.seat, it.session, actor=it.user, now_dt=NOW),
    "promote_from_waitlist": lambda it: (
        sessions.update_session(it.full, capacity=2, now_dt=NOW),
        sessions.promote_from_waitlist(it.waiting, actor=it.user, now_dt=NOW),
    ),
    "reopen_booking": lambda it: (
        core.cancel_booking(it.booking, now_dt=NOW),
        core.reopen_booking(it.booking, actor=it.user, now_dt=NOW),
    ),
    "reopen_session": lambda it: (
        sessions.close_session(it.full, now_dt=NOW),
        vacate(it),
        sessions.reopen_session(it.full, now_dt=NOW),
    ),
    "update_session": lambda it: sessions.update_session(
        it.full, start_at=START + DAY + HOUR, end_at=START + DAY + 2 * HOUR, now_dt=NOW
    ),
    "add_occurrence": lambda it: series.add_occurrence(
        it.occurrence, start_at=START + 23 * DAY, now_dt=NOW
    ),
    "book_session_series": lambda it: [
        series.book_session_series(it.lesson, client_name="Ann", idempotency_key="key", now_dt=NOW)
        for _ in range(2)
    ],
    "cancel_series": lambda it: series.cancel_series(it.occurrence, scope="all", now_dt=NOW),
    "create_series": lambda it: [
        series.create_series(client_name="Ann", addon_ids=[it.addon.pk], **rule(it))
        for _ in range(2)
    ],
    "create_session_series": lambda it: series.create_session_series(capacity=2, **rule(it)),
    "reschedule_series": lambda it: series.reschedule_series(
        it.occurrence,
        new_start_at=START + 20 * DAY + HOUR,
        new_provider=it.other,
        scope="all",
        now_dt=NOW,
    ),
    "update_series": lambda it: series.update_series(
        it.occurrence, scope="all", client_name="Lee", now_dt=NOW
    ),
    "waive_refund": lambda it: (
        core.cancel_booking(it.paid, now_dt=NOW),
        payments.waive_refund(it.paid, reason="A voucher.", actor=it.user, now_dt=NOW),
    ),
    "grant_refund": lambda it: (
        core.cancel_booking(it.paid, now_dt=START, override_policy=True),
        payments.grant_refund(it.paid, actor=it.user, now_dt=START),
    ),
    "record_payment": lambda it: payments.record_payment(
        it.hold, amount=Decimal(9), external_id="pay_2", actor=it.user, now_dt=NOW
    ),
    "record_refund": lambda it: payments.record_refund(
        it.payment, amount=Decimal(9), external_id="re_1", actor=it.user, now_dt=NOW
    ),
    "set_refund_policy": lambda it: payments.set_refund_policy(
        [Tier(notice_minutes=0, refund_percent=Decimal(50))], service=it.service
    ),
    "add_closures": lambda it: schedules.add_closures(
        providers=[it.other], first_date=date(2131, 3, 7)
    ),
    "cancel_time_off": lambda it: schedules.cancel_time_off(it.time_off),
    "copy_schedule": lambda it: schedules.copy_schedule(
        schedule=it.schedule, providers=[it.provider], replace=True
    ),
    "create_schedule": lambda it: schedules.create_schedule(
        timezone="UTC", hours={0: [("09:00", "17:00")]}
    ),
    "move_time_off": lambda it: schedules.move_time_off(
        it.time_off, start_at=START + 11 * DAY, end_at=START + 12 * DAY, now_dt=NOW
    ),
    "remove_closures": lambda it: schedules.remove_closures(
        schedules=[it.schedule], first_date=date(2131, 3, 7)
    ),
    "set_week": lambda it: schedules.set_week(
        schedule=it.schedule, hours={0: [("09:00", "17:00")]}
    ),
    "take_time_off": lambda it: schedules.take_time_off(
        provider=it.other, start_at=START + 14 * DAY, end_at=START + 15 * DAY, now_dt=NOW
    ),
}


def test_every_service_is_here() -> None:
    public = {
        name
        for package in (core, sessions, series, payments, schedules)
        for name in package.__all__
        if name[0].islower()
    }
    assert set(STEPS) == public


@pytest.mark.parametrize("name", STEPS)
def test_a_service_reads_from_where_it_writes(
    name: str, there: SimpleNamespace, replicated: None
) -> None:
    STEPS[name](there)

    with override_settings(DATABASE_ROUTERS=[]):
        if name not in SEATS_FREED_LATER:
            assert_bookings_are_sound()


SEATS_FREED_LATER: Final = {"auto_cancel_expired_bookings", "mark_attendance"}
"""They free seats after the session, which by the clock of the check is still to come."""


def save(row: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


DIRECT: Final[dict[str, Callable[[SimpleNamespace], Any]]] = {
    "a booking is moved": lambda it: save(
        it.booking, start_at=START + 12 * HOUR, end_at=START + 13 * HOUR
    ),
    "a seat is taken": lambda it: save(it.seat, party_size=1, notes_client="Late."),
    "a booking is read in part": lambda it: save(
        Booking.objects.using("default").only("pk", "provider").get(pk=it.booking.pk),
        notes_client="Late.",
    ),
    "a booking is deleted": lambda it: it.booking.delete(),
    "a seat is deleted": lambda it: it.seat.delete(),
    "time off is moved": lambda it: save(it.time_off, end_at=START + 11 * DAY),
    "time off is deleted": lambda it: it.time_off.delete(),
    "a schedule is saved": lambda it: save(it.schedule, timezone="Europe/Berlin"),
}


@pytest.mark.parametrize("name", DIRECT)
def test_a_direct_write_reads_from_where_it_writes(
    name: str, there: SimpleNamespace, replicated: None
) -> None:
    DIRECT[name](there)

    with override_settings(DATABASE_ROUTERS=[]):
        assert_bookings_are_sound()


def test_outside_of_a_service_the_router_decides(there: SimpleNamespace, replicated: None) -> None:
    """The control: the replica is where a view reads."""
    core.cancel_booking(there.booking, now_dt=NOW)
    for related in (lambda: there.paid.service, lambda: there.waiting.session):
        with pytest.raises(Exception, match="replica"):
            related()
