"""What a client gives up follows the tier of that moment, and so does a start that is left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps

from bookings.conf import app_settings
from bookings.contrib.group_sessions.services import book_seat, create_session
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.refund_rules import Tier
from bookings.contrib.payments.selectors import amount_due, fee_due, refund_due
from bookings.contrib.payments.services import grant_refund, record_refund, set_refund_policy
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    change_party_size,
    complete_booking,
    confirm_booking,
    direct_save,
    hold_booking,
    mark_no_show,
    reschedule_booking,
    submit_hold,
)
from tests.contrib.payments.conftest import NOW, START, Book, Make, Pay, before_start

pytestmark = pytest.mark.django_db

FAR: Any = START + timedelta(days=30)


@pytest.fixture(autouse=True)
def sound() -> Any:
    """Check in the end that what is due is what ``check_bookings`` calculates."""
    yield
    assert [problem.message for problem in find_problems()] == []


@pytest.fixture
def make_addon(db: None) -> Make:
    model = apps.get_model(app_settings.ADDON_MODEL)
    return lambda name="Extra", price=80, minutes=0: model._default_manager.create(
        name=name, price_amount=price, currency="USD", extra_duration_minutes=minutes
    )


@pytest.fixture
def extra(make_addon: Make) -> Any:
    return make_addon()


@pytest.fixture
def massage(make_service: Make) -> Any:
    return make_service(price_amount=20)


@pytest.fixture
def whole(book: Book, massage: Any, extra: Any, pay: Pay) -> Booking:
    """Return a booking of 20 and an add-on of 80, all paid."""
    booking = book(service=massage, addon_ids=[extra.pk])
    pay(booking)
    return booking


Clock = Callable[[datetime], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a function that sets the clock of ``Booking.save()``."""
    return lambda now: monkeypatch.setattr(direct_save.timezone, "now", lambda: now)


def outstanding() -> Decimal:
    return sum((due.outstanding for due in RefundDue.objects.all()), Decimal(0))


def give_up(booking: Booking, when: datetime, addon_ids: Any = ()) -> None:
    reschedule_booking(
        booking, new_start_at=booking.start_at, addon_ids=list(addon_ids), now_dt=when
    )


@pytest.mark.parametrize(("hours", "back"), [(30, 100), (24, 100), (10, 50), (5.9, 0), (0.5, 0)])
def test_to_give_up_a_part_and_then_the_rest_refunds_as_much_as_to_cancel(
    whole: Booking, hours: float, back: int
) -> None:
    when = before_start(hours=hours)
    give_up(whole, when)
    assert whole.total_amount == 20
    assert outstanding() == Decimal(back) * 80 / 100
    assert refund_due(whole, now_dt=when) == back
    assert amount_due(whole) == 0
    cancel_booking(whole, now_dt=when)
    assert refund_due(whole) == back
    assert fee_due(whole) == 0


def test_what_is_kept_of_a_part_stays_kept_when_the_service_takes_place(whole: Booking) -> None:
    give_up(whole, before_start(hours=10))
    assert refund_due(whole, now_dt=before_start(hours=1)) == 40
    complete_booking(whole, now_dt=START)
    assert (refund_due(whole), amount_due(whole)) == (40, 0)


def test_a_no_show_keeps_the_part_too(whole: Booking) -> None:
    give_up(whole, before_start(hours=1))
    mark_no_show(whole, now_dt=START)
    assert refund_due(whole) == 0


def test_length_that_is_given_up_follows_the_tier(
    book: Book, massage: Any, make_addon: Make, pay: Pay
) -> None:
    longer = make_addon("Half an hour", 80, 30)
    booking = book(service=massage, addon_ids=[longer.pk])
    pay(booking)
    give_up(booking, before_start(hours=1))
    assert booking.end_at - booking.start_at == timedelta(hours=1)
    assert outstanding() == 0


@pytest.mark.parametrize(("hours", "back"), [(30, 40), (10, 20), (1, 0)])
def test_a_shorter_length_that_the_client_chooses_follows_the_tier(
    book: Book, make_service: Make, pay: Pay, hours: float, back: int
) -> None:
    room = make_service(price_amount=20, pricing_type="HOURLY", maximum_duration_minutes=180)
    booking = book(service=room, duration_minutes=180)
    pay(booking, 60)
    reschedule_booking(
        booking,
        new_start_at=booking.start_at,
        new_duration_minutes=60,
        now_dt=before_start(hours=hours),
    )
    assert booking.total_amount == 20
    assert outstanding() == back


def test_length_that_is_cut_by_saving_follows_the_tier(whole: Booking, clock: Clock) -> None:
    clock(before_start(hours=10))
    whole.end_at -= timedelta(minutes=30)
    whole.total_amount = Decimal(20)
    whole.save()
    assert outstanding() == 40


def test_seats_that_are_given_up_follow_the_tier(
    book: Book, make_service: Make, pay: Pay, clock: Clock
) -> None:
    service = make_service(price_amount=50, allow_multiple_clients_per_slot=True, capacity=4)
    booking = book(service=service, party_size=2)
    booking.total_amount = Decimal(100)
    booking.save()
    pay(booking)
    clock(before_start(hours=10))
    booking.party_size, booking.total_amount = 1, Decimal(50)
    booking.save()
    assert outstanding() == 25
    cancel_booking(booking, now_dt=before_start(hours=9))
    assert outstanding() == 50


def test_a_lower_price_of_the_same_booking_is_a_discount(whole: Booking) -> None:
    whole.total_amount = Decimal(70)
    whole.save()
    assert refund_due(whole, now_dt=before_start(hours=1)) == 30


def test_what_was_not_paid_for_is_given_up_for_nothing(
    book: Book, massage: Any, extra: Any, pay: Pay
) -> None:
    booking = book(service=massage, addon_ids=[extra.pk])
    pay(booking, 30)
    give_up(booking, before_start(hours=1))
    assert (outstanding(), amount_due(booking)) == (0, 0)
    cancel_booking(booking, now_dt=before_start(hours=1))
    assert refund_due(booking) == 0


def test_of_a_deposit_only_what_exceeds_the_rest_belongs_to_the_part(
    book: Book, massage: Any, extra: Any, pay: Pay
) -> None:
    booking = book(service=massage, addon_ids=[extra.pk])
    pay(booking, 30)
    give_up(booking, before_start(hours=10))
    # Of the 10 above the rest of 20, half goes back.
    assert refund_due(booking, now_dt=before_start(hours=1)) == 5


def test_what_is_paid_afterwards_is_not_kept_for_the_part(
    book: Book, massage: Any, extra: Any, pay: Pay
) -> None:
    booking = book(service=massage, addon_ids=[extra.pk])
    give_up(booking, before_start(hours=2))
    receipt = pay(booking, now_dt=before_start(hours=1))
    assert (receipt.outcome, receipt.refund_due) == ("REFUND_DUE", 80)


def test_what_was_paid_before_but_told_afterwards_is_kept(
    book: Book, massage: Any, extra: Any, pay: Pay
) -> None:
    booking = book(service=massage, addon_ids=[extra.pk])
    give_up(booking, before_start(hours=2))
    receipt = pay(booking, processed_at=before_start(hours=3), now_dt=before_start(hours=1))
    assert (receipt.outcome, receipt.refund_due) == ("PAID", 0)


def test_parts_given_up_one_after_the_other_follow_the_tier_of_each(
    book: Book, massage: Any, make_addon: Make, pay: Pay
) -> None:
    first, second = make_addon("Oil", 40), make_addon("Music", 40)
    booking = book(service=massage, addon_ids=[first.pk, second.pk])
    pay(booking)
    give_up(booking, before_start(hours=10), [second.pk])
    assert refund_due(booking, now_dt=before_start(hours=1)) == 20
    give_up(booking, before_start(hours=1))
    assert refund_due(booking, now_dt=before_start(hours=1)) == 20
    cancel_booking(booking, now_dt=before_start(hours=1))
    assert refund_due(booking) == 20


def test_a_part_that_is_taken_back_costs_nothing(whole: Booking, extra: Any) -> None:
    late = before_start(hours=1)
    give_up(whole, late)
    give_up(whole, late, [extra.pk])
    assert (whole.total_amount, amount_due(whole)) == (100, 0)
    assert refund_due(whole, now_dt=late) == 0


def test_a_part_that_is_exchanged_costs_only_the_difference(
    whole: Booking, make_addon: Make
) -> None:
    late, other = before_start(hours=1), make_addon("Other", 50)
    give_up(whole, late)
    give_up(whole, late, [other.pk])
    assert (whole.total_amount, amount_due(whole)) == (70, 0)
    assert refund_due(whole, now_dt=late) == 0


def test_more_than_was_given_up_has_to_be_paid(
    book: Book, massage: Any, make_addon: Make, pay: Pay
) -> None:
    first, second, third = (make_addon(str(price), price) for price in (30, 50, 200))
    booking = book(service=massage, addon_ids=[first.pk, second.pk])
    pay(booking)
    late = before_start(hours=1)
    give_up(booking, late, [second.pk])
    give_up(booking, late)
    give_up(booking, late, [third.pk])
    assert (booking.total_amount, amount_due(booking)) == (220, 120)


def test_a_price_can_be_removed_or_added(whole: Booking) -> None:
    """A part needs two totals; without one, all that was paid counts as before."""
    whole.end_at += timedelta(minutes=5)
    whole.total_amount = None
    whole.save()
    assert refund_due(whole, now_dt=before_start(hours=30)) == 100
    whole.end_at += timedelta(minutes=5)
    whole.total_amount = Decimal(100)
    whole.save()
    assert refund_due(whole, now_dt=before_start(hours=30)) == 100


def test_a_fee_is_owed_for_the_part(book: Book, make_service: Make, extra: Any, pay: Pay) -> None:
    service = make_service(price_amount=20)
    set_refund_policy(
        [Tier(notice_minutes=0, refund_percent=100, fee_percent=25)],  # type: ignore[arg-type]
        service=service,
    )
    booking = book(service=service, addon_ids=[extra.pk])
    give_up(booking, before_start(hours=1))
    assert amount_due(booking) == 20 + 20
    assert fee_due(booking, now_dt=before_start(hours=1)) == 20 + 5
    cancel_booking(booking, now_dt=before_start(hours=1))
    assert fee_due(booking) == 25
    receipt = pay(booking, 30, now_dt=before_start(hours=0.5))
    assert (receipt.outcome, receipt.refund_due, fee_due(booking)) == ("REFUND_DUE", 5, 0)


def test_until_it_is_confirmed_a_part_is_given_up_for_nothing(
    book: Book, make_service: Make, extra: Any, pay: Pay
) -> None:
    request = book(
        service=make_service(price_amount=20, requires_approval=True), addon_ids=[extra.pk]
    )
    pay(request)
    late = before_start(hours=1)
    give_up(request, late)
    assert RefundDue.objects.get().outstanding == 80
    confirm_booking(request, now_dt=late)
    assert refund_due(request, now_dt=late) == 80
    cancel_booking(request, now_dt=late)
    assert refund_due(request) == 80


# Moves


def test_to_move_far_ahead_and_cancel_at_once_refunds_no_more(whole: Booking) -> None:
    late = before_start(hours=0.5)
    reschedule_booking(whole, new_start_at=FAR, now_dt=late)
    assert refund_due(whole, now_dt=late) == 0
    cancel_booking(whole, now_dt=late)
    assert refund_due(whole) == 0


def test_a_move_in_the_middle_tier_keeps_that_tier(whole: Booking) -> None:
    reschedule_booking(whole, new_start_at=FAR, now_dt=before_start(hours=10))
    assert refund_due(whole, now_dt=FAR - timedelta(days=2)) == 50
    assert refund_due(whole, now_dt=FAR - timedelta(hours=1)) == 0


def test_two_moves_keep_the_lowest_tier(whole: Booking) -> None:
    reschedule_booking(whole, new_start_at=FAR, now_dt=before_start(hours=10))
    reschedule_booking(whole, new_start_at=FAR + timedelta(days=9), now_dt=FAR - timedelta(hours=1))
    assert refund_due(whole, now_dt=FAR) == 0


def test_to_move_ahead_and_then_give_up_a_part_keeps_the_tier(whole: Booking) -> None:
    late = before_start(hours=0.5)
    reschedule_booking(whole, new_start_at=FAR, now_dt=late)
    give_up(whole, late)
    assert refund_due(whole, now_dt=late) == 0


def test_to_move_and_give_up_a_part_in_one_step_keeps_the_tier(whole: Booking) -> None:
    late = before_start(hours=0.5)
    reschedule_booking(whole, new_start_at=FAR, addon_ids=[], now_dt=late)
    assert refund_due(whole, now_dt=late) == 0


def test_a_move_in_time_moves_the_deadlines(whole: Booking) -> None:
    reschedule_booking(whole, new_start_at=FAR, now_dt=before_start(hours=30))
    assert refund_due(whole, now_dt=FAR - timedelta(hours=24)) == 100


def test_other_add_ons_at_the_same_start_are_no_move(whole: Booking, make_addon: Make) -> None:
    other = make_addon("Other", 80)
    give_up(whole, before_start(hours=10), [other.pk])
    reschedule_booking(whole, new_start_at=FAR, by="provider", now_dt=before_start(hours=9))
    assert refund_due(whole, now_dt=before_start(hours=9)) == 100


def test_a_hold_that_is_moved_keeps_no_tier(massage: Any, provider: Any, pay: Pay) -> None:
    late = before_start(hours=1)
    hold = hold_booking(
        service=massage, provider=provider, start_at=START, client_name="Joan", now_dt=late
    )
    reschedule_booking(hold, new_start_at=FAR, now_dt=late)
    submit_hold(hold, now_dt=late)
    pay(hold, 20, now_dt=late)
    assert refund_due(hold, now_dt=late) == 20


def test_a_policy_may_count_from_the_first_start(
    book: Book, make_service: Make, pay: Pay, extra: Any
) -> None:
    service = make_service(price_amount=20)
    policy = set_refund_policy(
        [Tier(notice_minutes=24 * 60, refund_percent=Decimal(100))],
        service=service,
        count_from_first_start=True,
    )
    assert policy.rules().count_from_first_start
    booking = book(service=service, addon_ids=[extra.pk])
    pay(booking)
    assert refund_due(booking, now_dt=before_start(hours=24)) == 100
    reschedule_booking(booking, new_start_at=FAR, now_dt=before_start(hours=30))
    assert refund_due(booking, now_dt=before_start(hours=24)) == 100
    assert refund_due(booking, now_dt=before_start(hours=23)) == 0
    give_up(booking, before_start(hours=23))
    assert refund_due(booking, now_dt=before_start(hours=23)) == 0


def test_the_first_start_is_the_one_that_the_client_has_left(
    book: Book, make_service: Make, pay: Pay
) -> None:
    service = make_service()
    set_refund_policy(
        [Tier(notice_minutes=24 * 60, refund_percent=Decimal(100))],
        service=service,
        count_from_first_start=True,
    )
    booking = book(service=service)
    pay(booking)
    reschedule_booking(booking, new_start_at=FAR, by="provider", now_dt=before_start(hours=1))
    assert refund_due(booking, now_dt=FAR - timedelta(hours=24)) == 100
    reschedule_booking(
        booking, new_start_at=FAR + timedelta(days=9), now_dt=FAR - timedelta(hours=25)
    )
    assert refund_due(booking, now_dt=FAR - timedelta(hours=24)) == 100
    assert refund_due(booking, now_dt=FAR - timedelta(hours=23)) == 0


def test_to_move_nearer_counts_to_the_nearer_start(
    book: Book, make_service: Make, pay: Pay
) -> None:
    service = make_service()
    set_refund_policy(
        [Tier(notice_minutes=24 * 60, refund_percent=Decimal(100))],
        service=service,
        count_from_first_start=True,
    )
    booking = book(service=service, start_at=FAR)
    pay(booking)
    reschedule_booking(booking, new_start_at=START, now_dt=NOW)
    assert refund_due(booking, now_dt=before_start(hours=24)) == 100
    assert refund_due(booking, now_dt=before_start(hours=23)) == 0


# What the provider does


def test_a_move_by_the_provider_keeps_no_tier(whole: Booking) -> None:
    late = before_start(hours=0.5)
    reschedule_booking(whole, new_start_at=FAR, by="provider", now_dt=late)
    assert refund_due(whole, now_dt=late) == 100
    event = whole.events.first()
    assert event is not None
    assert event.data["by"] == "provider"


def test_a_move_to_a_nearer_start_by_the_provider_costs_nothing(
    book: Book, pay: Pay, addon: Any
) -> None:
    booking = book(start_at=FAR, addon_ids=[addon.pk])
    pay(booking, 110)
    reschedule_booking(booking, new_start_at=START, by="provider", now_dt=before_start(hours=2))
    late = before_start(hours=1)
    assert refund_due(booking, now_dt=late) == 110
    assert refund_due(booking, now_dt=START) == 0
    give_up(booking, late)
    assert outstanding() == 10
    # The client agrees to another start, by the notice of the one that was agreed on before.
    reschedule_booking(booking, new_start_at=START + timedelta(hours=3), now_dt=late)
    assert refund_due(booking, now_dt=late) == 10
    cancel_booking(booking, now_dt=late)
    assert outstanding() == 10


def test_a_move_to_a_later_start_by_the_provider_counts_to_that(booking: Booking, pay: Pay) -> None:
    pay(booking)
    reschedule_booking(booking, new_start_at=FAR, by="provider", now_dt=before_start(hours=1))
    assert refund_due(booking, now_dt=FAR - timedelta(hours=24)) == 100
    assert refund_due(booking, now_dt=FAR - timedelta(hours=1)) == 0


def test_what_the_provider_leaves_out_is_refunded(whole: Booking) -> None:
    late = before_start(hours=0.5)
    reschedule_booking(whole, new_start_at=START, addon_ids=[], by="provider", now_dt=late)
    assert refund_due(whole, now_dt=late) == 80


def test_a_refund_that_was_sent_counts(whole: Booking) -> None:
    when = before_start(hours=10)
    give_up(whole, when)
    payment = whole.payments.get()
    record_refund(payment, amount=40, external_id="re_1", now_dt=when)
    assert (outstanding(), amount_due(whole)) == (0, 0)
    cancel_booking(whole, now_dt=when)
    assert refund_due(whole) == 10


def test_staff_may_grant_what_was_kept_of_a_part(whole: Booking) -> None:
    give_up(whole, before_start(hours=1))
    assert grant_refund(whole, amount=Decimal(80), now_dt=NOW).outstanding == 80


@pytest.mark.parametrize(
    ("hours", "by", "back"),
    [(30, "client", 20), (10, "client", 10), (1, "client", 0), (1, "provider", 20)],
)
def test_seats_of_a_session_that_are_given_up_follow_the_tier(
    make_service: Make, provider: Any, pay: Pay, hours: float, by: str, back: int
) -> None:
    session = create_session(
        service=make_service(price_amount=10),
        provider=provider,
        start_at=START,
        capacity=5,
        now_dt=NOW,
    )
    seat = book_seat(session, client_name="Kim", seats=3, now_dt=NOW)
    pay(seat, 30)
    change_party_size(seat, 1, by=by, now_dt=before_start(hours=hours))
    assert (outstanding(), amount_due(seat)) == (back, 0)
