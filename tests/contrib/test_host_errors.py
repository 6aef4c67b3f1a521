"""Errors of a host's own rows, written by its receivers in our transactions, reach the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any, Final

import pytest
from django.apps import apps
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.db.models.signals import ModelSignal, post_delete, post_save
from django.test import Client

from bookings.conf import app_settings
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.services import book_seat, create_session, join_waitlist
from bookings.contrib.payments.models import Payment, Refund, RefundPolicy
from bookings.contrib.payments.refund_rules import Tier
from bookings.contrib.payments.services import record_payment, record_refund, set_refund_policy
from bookings.contrib.schedule.models import Schedule, TimeOff
from bookings.contrib.schedule.services import create_schedule, take_time_off
from bookings.contrib.series.models import Series
from bookings.contrib.series.services import create_series
from bookings.exceptions import BookingError, MissingReference
from bookings.models import Booking, BookingEvent, BusyInterval
from bookings.services import cancel_booking, create_booking
from tests.core.moments import NOW, at
from tests.invalid_arguments import rows_of

# A transaction of the test's own would judge deferred foreign keys after the test.
pytestmark = pytest.mark.django_db(transaction=True)

NOBODY: Final = 10**6
TIERS: Final = [Tier(notice_minutes=0, refund_percent=Decimal(50))]
WRITTEN: Final = (
    *(Booking, BookingEvent, BusyInterval, Session, WaitlistEntry, Payment, Refund, RefundPolicy),
    *(Schedule, TimeOff, Series),
)


def refer_to_nobody() -> None:
    LogEntry.objects.create(user_id=NOBODY, object_repr="a host's row", action_flag=ADDITION)


def missing_client(booking: Booking, key: int | None = NOBODY) -> None:
    QuerySet(Booking).filter(pk=booking.pk).update(client_user_id=key)


def take_a_name_twice() -> None:
    for _ in range(2):
        Group.objects.create(name="Staff")


@pytest.fixture
def given(transactional_db: None) -> dict[str, Any]:
    service = apps.get_model(app_settings.SERVICE_MODEL)._default_manager.create(
        name="Yoga", duration_minutes=60, price_amount=100, currency="USD"
    )
    provider = apps.get_model(app_settings.PROVIDER_MODEL)._default_manager.create(name="Ada")
    return {"service": service, "provider": provider, "now_dt": NOW}


def book(given: dict[str, Any], **values: Any) -> Booking:
    return create_booking(**given, start_at=at(10), client_name="Joan", **values)


def full_session(given: dict[str, Any]) -> Session:
    session = create_session(**given, start_at=at(10), capacity=1, enable_waitlist=True)
    book_seat(session, client_name="Joan", now_dt=NOW)
    return session


def payment(given: dict[str, Any]) -> Payment:
    return record_payment(book(given), amount=50, external_id="p-1", now_dt=NOW).payment


def new_booking(given: dict[str, Any]) -> Booking:
    return Booking(
        service=given["service"],
        provider=given["provider"],
        start_at=at(10),
        end_at=at(11),
        client_name="Joan",
    )


Prepared = Callable[[], Any]
Prepare = Callable[[dict[str, Any]], Prepared]
WRITES: Final[dict[str, tuple[ModelSignal, Any, Prepare]]] = {
    "create_booking": (post_save, Booking, lambda given: partial(book, given)),
    "save": (post_save, Booking, lambda given: new_booking(given).save),
    "cancel_booking": (
        post_save,
        Booking,
        lambda given: partial(cancel_booking, book(given), now_dt=NOW),
    ),
    "delete": (post_delete, Booking, lambda given: book(given).delete),
    "create_session": (
        post_save,
        Session,
        lambda given: partial(create_session, **given, start_at=at(10), capacity=1),
    ),
    "join_waitlist": (
        post_save,
        WaitlistEntry,
        lambda given: partial(join_waitlist, full_session(given), client_name="Eve", now_dt=NOW),
    ),
    "record_payment": (
        post_save,
        Payment,
        lambda given: partial(
            record_payment, book(given), amount=50, external_id="p-1", now_dt=NOW
        ),
    ),
    "record_refund": (
        post_save,
        Refund,
        lambda given: partial(
            record_refund, payment(given), amount=5, external_id="r-1", now_dt=NOW
        ),
    ),
    "set_refund_policy": (
        post_save,
        RefundPolicy,
        lambda given: partial(set_refund_policy, TIERS, service=given["service"]),
    ),
    "create_schedule": (
        post_save,
        Schedule,
        lambda given: partial(create_schedule, provider=given["provider"]),
    ),
    "take_time_off": (
        post_save,
        TimeOff,
        lambda given: partial(
            take_time_off,
            provider=given["provider"],
            start_at=at(9),
            end_at=at(17),
            now_dt=NOW,
        ),
    ),
    "create_series": (
        post_save,
        Series,
        lambda given: partial(
            create_series,
            **given,
            rrule="FREQ=DAILY;COUNT=3",
            start_at=at(10),
            timezone="UTC",
            client_name="Joan",
        ),
    ),
}


@pytest.fixture
def on_signal() -> Iterator[Callable[[ModelSignal, Any, Prepared], None]]:
    """Let a host's receiver do something when a row of a model is written."""
    connected: list[tuple[ModelSignal, Any, Any]] = []

    def connect(signal: ModelSignal, sender: Any, do: Prepared) -> None:
        def receive(**_arguments: Any) -> None:
            do()

        signal.connect(receive, sender=sender, weak=False)
        connected.append((signal, sender, receive))

    yield connect
    for signal, sender, receive in connected:
        signal.disconnect(receive, sender=sender)


@pytest.mark.parametrize("name", WRITES)
def test_an_error_of_a_host_s_own_rows_is_raised_as_it_is(
    name: str, given: dict[str, Any], on_signal: Any
) -> None:
    signal, sender, prepare = WRITES[name]
    write = prepare(given)
    before = rows_of(*WRITTEN)
    error: list[Prepared] = [refer_to_nobody]

    def receive() -> None:
        error[0]()

    on_signal(signal, sender, receive)
    for error[0] in (refer_to_nobody, take_a_name_twice):
        with pytest.raises(IntegrityError) as raised:
            write()
        assert not isinstance(raised.value, BookingError)
        # What the driver says is there too, for whoever looks for the cause.
        assert raised.value.__cause__ is not None
        assert rows_of(*WRITTEN) == before
    error[0] = lambda: None
    write()
    assert rows_of(*WRITTEN) != before


def test_in_the_host_s_transaction_its_error_is_its_own_too(
    given: dict[str, Any], on_signal: Any
) -> None:
    on_signal(post_save, Booking, refer_to_nobody)
    with pytest.raises(IntegrityError), transaction.atomic():
        book(given)
    assert not Booking.objects.exists()


def test_a_missing_reference_of_ours_is_one_beside_an_error_of_the_host_s(
    given: dict[str, Any], on_signal: Any
) -> None:
    booking = book(given)
    # As if another connection had deleted the client before the commit.
    on_signal(post_save, Booking, lambda: missing_client(booking))
    with pytest.raises(MissingReference):
        cancel_booking(booking, now_dt=NOW)
    assert QuerySet(Booking).get().client_user_id is None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Only SQLite names no table.")
def test_on_sqlite_a_reference_of_ours_that_was_missing_before_is_not_to_blame(
    given: dict[str, Any], on_signal: Any
) -> None:
    booking = book(given)
    with connection.constraint_checks_disabled():
        missing_client(booking)
    try:
        on_signal(post_save, Session, refer_to_nobody)
        with pytest.raises(IntegrityError, match="FOREIGN KEY"):
            create_session(**given, start_at=at(12), capacity=1)
    finally:
        missing_client(booking, None)


@pytest.fixture
def add_policy(settings: Any, transactional_db: None) -> Callable[[], Any]:
    """Add a refund policy in the admin, in the transaction that Django opens for the page."""
    settings.ROOT_URLCONF = "tests.admin.urls"
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("boss"))
    sent = {
        "service": "",
        "no_show_refund_percent": "0",
        "no_show_fee_percent": "0",
        "tiers-TOTAL_FORMS": 0,
        "tiers-INITIAL_FORMS": 0,
    }
    return lambda: client.post("/admin/bookings_payments/refundpolicy/add/", sent)


def test_in_the_admin_an_error_of_a_host_s_own_rows_is_raised_as_it_is(
    add_policy: Callable[[], Any], on_signal: Any
) -> None:
    on_signal(post_save, RefundPolicy, refer_to_nobody)
    with pytest.raises(IntegrityError):
        add_policy()
    assert not RefundPolicy.objects.exists()


def test_in_the_admin_a_missing_reference_of_ours_is_a_message_on_the_form(
    add_policy: Callable[[], Any], on_signal: Any
) -> None:
    on_signal(
        post_save,
        RefundPolicy,
        lambda: QuerySet(RefundPolicy).update(service_id=NOBODY, is_default=None),
    )
    assert "has been deleted meanwhile" in add_policy().content.decode()
    assert not RefundPolicy.objects.exists()
