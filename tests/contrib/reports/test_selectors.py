"""What each report counts, by example, and what it refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from django.db.models import F
from django.utils import translation

from bookings.contrib.group_sessions.models import WaitlistEntry
from bookings.contrib.group_sessions.services import (
    book_seat,
    cancel_session,
    create_session,
    join_waitlist,
)
from bookings.contrib.payments.services import record_payment
from bookings.contrib.reports.exceptions import InvalidReport
from bookings.contrib.reports.figures import Amounts, Figures, Sessions
from bookings.contrib.reports.grouping import GROUPINGS
from bookings.contrib.reports.periods import Period
from bookings.contrib.reports.selectors import (
    booking_report,
    list_bookings,
    response_report,
    session_report,
    utilisation_report,
)
from bookings.exceptions import BookingError, InvalidBooking, TenantMismatch
from bookings.models import Booking
from bookings.services import cancel_booking, complete_booking, create_booking, hold_booking
from tests.contrib.reports.conftest import HOUR, MARCH, NOW, START, Make, Store

DAY: Final = timedelta(days=1)
BEFORE: Final = START - 3 * DAY


@pytest.fixture
def book(service: Any, provider: Any) -> Make:
    def make(**values: Any) -> Booking:
        given = {"service": service, "provider": provider, "start_at": START, "now_dt": BEFORE}
        return create_booking(**({"client_name": "Joan"} | given | values))

    return make


def test_the_services_leave_what_the_reports_count(book: Make, service: Any, provider: Any) -> None:
    hold_booking(service=service, provider=provider, start_at=START + 8 * HOUR, now_dt=BEFORE)
    done = book()
    complete_booking(done, now_dt=START + HOUR)
    for number, (notice, by) in enumerate(
        [(2 * HOUR, "client"), (30 * HOUR, "client"), (2 * HOUR, "provider")], 1
    ):
        booking = book(start_at=START + number * HOUR)
        Booking.objects.filter(pk=booking.pk).update(cancellation_notice_minutes=24 * 60)
        cancel_booking(booking, by=by, now_dt=booking.start_at - notice, override_policy=True)
    found = booking_report(MARCH).total
    assert found.bookings == 4
    assert (found.cancelled_by_client, found.cancelled_by_provider) == (2, 1)
    assert (found.late, found.in_time) == (1, 1)
    assert found.rate("completed", "decided") == (1, 1)
    assert found.lead_time == timedelta(seconds=sum((72, 73, 74, 75)) * 3600 // 4)


def test_what_is_cancelled_with_its_session_the_provider_has_cancelled(
    service: Any, provider: Any
) -> None:
    session = create_session(
        service=service, provider=provider, start_at=START, capacity=2, now_dt=BEFORE,
        end_at=START + HOUR, enable_waitlist=True,
    )  # fmt: skip
    for name in ("Ada", "Grace"):
        book_seat(session, client_name=name, client_email=f"{name}@example.org", now_dt=BEFORE)
    join_waitlist(session, client_name="Joan", client_email="j@example.org", now_dt=BEFORE)
    assert session_report(MARCH) == Sessions(1, capacity=2, seats=2, waiting=1)
    cancel_session(session, now_dt=BEFORE)
    found = booking_report(MARCH).total
    assert (found.cancelled_by_provider, found.cancelled_by_client) == (2, 0)
    assert WaitlistEntry.objects.get().status == "EXPIRED"
    sessions = session_report(MARCH)
    assert sessions == Sessions(ended=1)
    assert sessions.waitlist_conversion == (0, 1)
    assert sessions.seat_rate.value is None


def test_the_sessions_that_somebody_may_see(service: Any, provider: Any) -> None:
    from bookings.contrib.group_sessions.models import Session

    create_session(
        service=service, provider=provider, start_at=START, end_at=START + HOUR, capacity=2,
        now_dt=BEFORE,
    )  # fmt: skip
    assert session_report(MARCH, sessions=Session.objects.all()) == Sessions(1, capacity=2)
    assert session_report(MARCH, sessions=Session.objects.none()) == Sessions()


def test_amounts_in_two_currencies_are_never_added_up(store: Store) -> None:
    store(total_amount=Decimal(10), status="COMPLETED")
    store(total_amount=Decimal("5.55"), status="NO_SHOW")
    store(total_amount=Decimal(7), currency="USD")
    store(total_amount=None, currency="JPY")
    found = booking_report(MARCH, group_by="service")
    assert found.total.values == {
        "EUR": Amounts(booked=Decimal("15.55"), priced=2, realised=Decimal(10)),
        "USD": Amounts(booked=Decimal(7), priced=1),
    }
    assert found.total.values["EUR"].average("EUR") == Decimal("7.78")
    assert Amounts().average("EUR") is None
    assert found.groups[0].figures == found.total


def test_payments_are_added_up_by_their_currency(book: Make, make_service: Make) -> None:
    booking = book(service=make_service(price_amount=50, currency="EUR"))
    record_payment(booking, amount=20, currency="EUR", external_id="1", now_dt=BEFORE)
    record_payment(booking, amount=30, currency="EUR", external_id="2", now_dt=BEFORE)
    assert booking_report(MARCH).total.values == {
        "EUR": Amounts(booked=Decimal(50), priced=1, paid=Decimal(50))
    }


def test_the_window_is_half_open(store: Store) -> None:
    for at in (MARCH.start_at, MARCH.end_at, MARCH.end_at - timedelta(microseconds=1)):
        store(start_at=at)
    report = booking_report(MARCH, group_by="day")
    assert report.total.bookings == 2
    assert report.by_key()[date(2031, 3, 31)].bookings == 1
    assert len(report.groups) == 31


def test_groups_of_time_have_labels_in_order(store: Store) -> None:
    store(start_at=datetime(2031, 3, 2, 23, 30, tzinfo=UTC))
    labels: dict[str, list[str]] = {}
    with translation.override("en"):
        for name in GROUPINGS:
            report = booking_report(MARCH, group_by=name)
            assert report.group_by == name
            assert sum(group.figures.bookings for group in report.groups) == 1
            labels[name] = [group.label for group in report.groups]
    assert labels["service"] == ["Massage"]
    assert labels["tenant"] == ["–"]
    assert labels["day"][:2] == ["03/01/2031", "03/02/2031"]
    assert labels["week"][:2] == ["week of 02/24/2031", "week of 03/03/2031"]
    assert labels["month"] == ["March 2031"]
    assert labels["weekday_hour"] == ["Sunday 23:00"]


def test_local_time_decides_on_the_group(store: Store) -> None:
    store(start_at=datetime(2031, 3, 30, 0, 30, tzinfo=UTC))
    store(start_at=datetime(2031, 3, 30, 1, 30, tzinfo=UTC))
    period = Period(MARCH.start_at, MARCH.end_at, "Europe/Berlin")  # type: ignore[arg-type]
    report = booking_report(period, group_by="weekday_hour")
    # From two o'clock the clocks go on to three.
    assert [group.key for group in report.groups] == [(6, 1), (6, 3)]


def test_reports_are_of_one_service_or_provider(
    store: Store, make_service: Make, make_provider: Make, service: Any
) -> None:
    store()
    store(provider=(other := make_provider(name="Grace")))
    store(service=make_service(name="Yoga"), provider=other)
    assert booking_report(MARCH, service=service).total.bookings == 2
    assert booking_report(MARCH, provider=other).total.bookings == 2
    assert booking_report(MARCH, provider=other, service=service).total.bookings == 1
    assert list_bookings(MARCH, provider=other).count() == 2


def test_reports_are_of_the_bookings_that_somebody_may_see(store: Store) -> None:
    kept = store(requested_at=START - HOUR)
    store(requested_at=START - HOUR)
    everything = Booking.objects.all()
    some = Booking.objects.filter(pk=kept.pk)
    for visible, number in (
        (everything, 2),
        (everything.order_by("-pk"), 2),
        (some, 1),
        (everything.exclude(pk=kept.pk), 1),
        (everything.annotate(key=F("pk")).filter(key=kept.pk), 1),
        (everything.none(), 0),
        (everything.select_related("service"), 2),
    ):
        assert booking_report(MARCH, bookings=visible).total.bookings == number
        assert response_report(MARCH, bookings=visible, now_dt=NOW).total.requests == number
        assert list_bookings(MARCH, bookings=visible).count() == number


@pytest.mark.parametrize("name", [None, *GROUPINGS])
def test_the_number_of_queries_is_constant(
    name: str | None, store: Store, make_service: Make, make_provider: Make,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    for number in range(5):
        store(
            service=make_service(name=f"{number}"),
            provider=make_provider(name=f"{number}"),
            requested_at=START,
            start_at=START + number * DAY,
        )
    with django_assert_max_num_queries(5):
        booking_report(MARCH, group_by=name)
    with django_assert_max_num_queries(6):
        response_report(MARCH, group_by=name, now_dt=NOW)
    with django_assert_max_num_queries(4):
        session_report(MARCH)


def test_requests_that_wait_too_long_spoil_the_share(store: Store) -> None:
    confirmed: list[Any] = [("CONFIRMED", START + HOUR, {})]
    store(requested_at=START, status="CONFIRMED", confirmed_at=START + HOUR, events=confirmed)
    store(requested_at=START + 2 * HOUR)
    store(requested_at=START + 20 * HOUR)
    found = response_report(MARCH, now_dt=START + 27 * HOUR, target=24 * HOUR).total
    assert (found.answered, found.unanswered, found.unanswered_too_long) == (1, 2, 1)
    assert found.in_target == (1, 2)
    assert found.median == found.p90 == HOUR
    assert response_report(MARCH).total.requests == 3
    [group] = response_report(MARCH, group_by="service", now_dt=NOW).groups
    assert (group.figures.median, group.figures.p90) == (HOUR, HOUR)


def test_the_percentiles_are_those_of_single_answers(store: Store) -> None:
    for hours in range(1, 12):
        answer: Any = ("DECLINED", START + hours * HOUR, {})
        store(requested_at=START, status="DECLINED", events=[answer])
    found = response_report(MARCH, now_dt=NOW).total
    assert (found.median, found.p90) == (6 * HOUR, 10 * HOUR)
    assert found.within_target == found.answered == 11
    limited = response_report(MARCH, now_dt=NOW, target=4 * HOUR).total
    assert (limited.within_target, limited.in_target) == (4, (4, 11))


def test_a_report_of_nothing_has_no_rates() -> None:
    assert Figures().lead_time is None
    assert Figures().rate("completed", "decided").value is None


def test_other_arguments_are_refused(service: Any, provider: Any) -> None:
    text: Any = "2031"
    unsaved = type(provider)(name="Nobody")
    refused: list[tuple[Any, dict[str, Any], type[BookingError], str]] = [
        (text, {}, InvalidReport, "invalid_report"),
        (None, {}, InvalidReport, "invalid_report"),
        (MARCH, {"group_by": "status"}, InvalidReport, "invalid_grouping"),
        (MARCH, {"group_by": ["day"]}, InvalidReport, "invalid_grouping"),
        (MARCH, {"bookings": [1]}, InvalidReport, "invalid_report"),
        (MARCH, {"bookings": type(service).objects.all()}, InvalidReport, "invalid_report"),
        (MARCH, {"bookings": Booking.objects.all()[:5]}, InvalidReport, "invalid_report"),
        (MARCH, {"service": provider}, InvalidBooking, "invalid"),
        (MARCH, {"provider": 10**30}, InvalidBooking, "invalid"),
        (MARCH, {"provider": unsaved}, InvalidBooking, "unsaved"),
        (MARCH, {"tenant": provider}, TenantMismatch, "tenant_mismatch"),
    ]
    for period, values, error, code in refused:
        for report in (booking_report, response_report):
            with pytest.raises(error) as caught:
                report(period, **values)
            assert caught.value.code == code
    with pytest.raises(InvalidReport) as caught:
        utilisation_report(MARCH, group_by="service")
    assert caught.value.code == "invalid_grouping"
    with pytest.raises(InvalidBooking):
        utilisation_report(MARCH, providers=text)
    for target in (timedelta(), 24, -HOUR):
        with pytest.raises(InvalidReport):
            response_report(MARCH, target=target)  # type: ignore[arg-type]
    with pytest.raises(InvalidBooking):
        response_report(MARCH, now_dt=START.replace(tzinfo=None))
    with pytest.raises(InvalidBooking):
        response_report(MARCH, target=timedelta.max)
    with pytest.raises(InvalidReport):
        session_report(MARCH, sessions=text)


def test_without_the_other_apps_there_are_fewer_numbers(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bookings.contrib.reports.selectors.apps.is_installed", lambda name: False)
    store(total_amount=Decimal(1))
    assert session_report(MARCH) is None
    assert booking_report(MARCH).total.bookings == 1
