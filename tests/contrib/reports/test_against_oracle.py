"""Random histories: the reports say what a slow count of the same rows says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.conf import app_settings
from bookings.contrib.payments.models import Payment
from bookings.contrib.reports.figures import Figures, Responses
from bookings.contrib.reports.periods import Period
from bookings.contrib.reports.selectors import booking_report, response_report
from bookings.models import Booking
from tests.contrib.reports import oracle
from tests.contrib.reports.conftest import store_booking
from tests.contrib.reports.oracle import Story
from tests.quick_run import examples

# The clocks are changed within each of the periods that have such zones.
ZONES: Final = (
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Etc/GMT-14",
    "Etc/GMT+12",
    "Pacific/Apia",
)
BEGIN: Final = datetime(2031, 3, 1, tzinfo=UTC)
GROUPINGS: Final = (None, "service", "provider", "day", "week", "month", "weekday_hour")
TARGET: Final = timedelta(hours=24)
NOW: Final = datetime(2031, 6, 1, tzinfo=UTC)

# So that bounds are met exactly, most of the time lies on full quarters.
minutes = st.integers(0, 4 * 24 * 100).map(lambda quarter: timedelta(minutes=15 * quarter))
odd = st.sampled_from([timedelta(), timedelta(microseconds=999_999), timedelta(seconds=59)])
instants = st.builds(lambda since, rest: BEGIN + since + rest, minutes, odd)
nearby = st.builds(lambda hours, rest: timedelta(hours=hours) + rest, st.integers(-3, 60), odd)
sometimes = st.booleans()
amounts = st.none() | st.integers(0, 500).map(Decimal)


@st.composite
def stories(draw: st.DrawFn, services: list[Any], providers: list[Any]) -> Story:
    start_at = draw(instants)
    status = draw(st.sampled_from(Booking.Status.values))
    ended = status in {"CANCELLED", "DECLINED"}
    auto = status == "CANCELLED" and draw(sometimes)
    requested_at = start_at - draw(nearby) if draw(sometimes) else None
    confirmed = status not in {"PENDING", "DECLINED"} and draw(sometimes)
    events: list[tuple[str, datetime, dict[str, Any]]] = []
    at = requested_at or start_at
    for kind in draw(
        st.lists(st.sampled_from(["CONFIRMED", "RESCHEDULED", "DECLINED"]), max_size=3)
    ):
        at += draw(st.sampled_from([timedelta(hours=1), TARGET, TARGET / 2]))
        events.append((kind, at, {}))
    if status == "CANCELLED" and not auto:
        for by in draw(st.lists(st.sampled_from([{}, {"by": "provider"}]), max_size=2)):
            events.append(("CANCELLED", at, by))  # noqa: PERF401
    values = {
        "service": draw(st.sampled_from(services)),
        "provider": draw(st.sampled_from(providers)),
        "start_at": start_at,
        "status": status,
        "expires_at": start_at if draw(sometimes) else None,
        "requested_at": requested_at,
        "confirmed_at": start_at if confirmed else None,
        "cancelled_at": start_at - draw(nearby) if ended and draw(sometimes) else None,
        "cancellation_notice_minutes": draw(st.sampled_from([0, 60, 1440])),
        "auto_cancelled": auto,
        "cancellation_reason": draw(st.sampled_from(["expired", "overdue"])) if auto else "",
        "created_at": start_at - draw(nearby),
        "total_amount": draw(amounts),
        "currency": draw(st.sampled_from(["EUR", "USD", "JPY"])),
    }
    payments = [
        (draw(st.sampled_from(Payment.Status.values)), Decimal(paid), Decimal(paid // 2), currency)
        for paid, currency in draw(
            st.lists(st.tuples(st.integers(1, 90), st.sampled_from(["EUR", "USD"])), max_size=2)
        )
    ]
    return Story(values, events, payments)


@st.composite
def periods(draw: st.DrawFn) -> Period:
    zone: Any = draw(st.sampled_from(ZONES))
    if draw(sometimes):
        first = BEGIN.date() + timedelta(days=draw(st.integers(0, 60)))
        return Period.of_days(first, first + timedelta(days=draw(st.integers(0, 90))), zone)
    start_at = draw(instants)
    return Period(start_at, start_at + draw(minutes) + timedelta(minutes=15), zone)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def store(story: Story) -> None:
    booking = store_booking(**story.values, events=story.events)
    for number, (status, paid, refunded, currency) in enumerate(story.payments):
        Payment.objects.create(
            booking=booking,
            amount=paid,
            amount_refunded=refunded,
            currency=currency,
            status=status,
            external_id=f"{booking.reference}-{number}",
        )


@pytest.fixture
def hosts(db: None) -> tuple[list[Any], list[Any]]:
    models = [
        apps.get_model(app_settings.model_label(f"{name}_MODEL"))
        for name in ("SERVICE", "PROVIDER")
    ]
    services, providers = (
        [model._default_manager.create(name=name) for name in ("Ada", "Grace")] for model in models
    )
    return services, providers


# The rows are rolled back after each example.
each_history = settings(
    max_examples=examples(30),
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@each_history
@given(data=st.data())
def test_bookings_are_counted_as_the_definitions_say(
    hosts: tuple[list[Any], list[Any]], data: st.DataObject
) -> None:
    with rolled_back():
        period = data.draw(periods())
        history = data.draw(st.lists(stories(*hosts), max_size=12))
        for story in history:
            store(story)
        [total] = [*oracle.figures(history, period, None).values()] or [Figures()]
        for name in GROUPINGS:
            report = booking_report(period, group_by=name)
            assert report.total == total
            if name is not None:
                happened = {
                    key: figures for key, figures in report.by_key().items() if figures != Figures()
                }
                assert happened == oracle.figures(history, period, name)


@each_history
@given(data=st.data())
def test_answers_are_measured_as_the_definitions_say(
    hosts: tuple[list[Any], list[Any]], data: st.DataObject
) -> None:
    with rolled_back():
        period = data.draw(periods())
        history = data.draw(st.lists(stories(*hosts), max_size=12))
        for story in history:
            store(story)
        found = oracle.responses(history, period, None, TARGET, NOW)
        [total] = [*found.values()] or [Responses()]
        for name in GROUPINGS:
            report = response_report(period, group_by=name, target=TARGET, now_dt=NOW)
            assert report.total == total
            if name is not None:
                happened = {
                    key: numbers
                    for key, numbers in report.by_key().items()
                    if numbers != Responses()
                }
                assert happened == oracle.responses(history, period, name, TARGET, NOW)
