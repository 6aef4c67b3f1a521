"""Staff make a booking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client

from bookings.adapters import DefaultBookingAdapter
from bookings.admin.form_errors import error_message
from bookings.exceptions import InvalidBooking
from bookings.models import Booking, BookingEvent, BusyInterval
from bookings.services import update_booking
from tests.admin.conftest import ADD, Book, Make, page_of
from tests.admin.page import FormData, errors_of, form_values, messages_of, text_of
from tests.offered_providers import offer_only

Form = Callable[..., FormData]


def test_a_booking_is_made_through_the_service(
    receptionist: Client, form: Form, addon: Any, start: datetime
) -> None:
    client_user = get_user_model().objects.create_user("mary")
    response = receptionist.post(
        ADD,
        form(
            receptionist,
            client_email="mary@example.org",
            client_phone="123",
            client_user=client_user.pk,
            addons=[addon.pk],
            notes_client="by the window",
            notes_internal="regular",
        ),
        follow=True,
    )
    made = Booking.objects.get()
    assert f"{made.reference}" in messages_of(response)[0]
    assert made.start_at == start
    assert made.end_at == start + timedelta(minutes=75)
    assert made.total_amount == 100
    assert made.status == Booking.Status.CONFIRMED
    assert made.created_by == get_user_model().objects.get(username="reception")
    assert (made.client_email, made.client_phone) == ("mary@example.org", "123")
    assert made.client_user == client_user
    assert (made.notes_client, made.notes_internal) == ("by the window", "regular")
    assert made.busy_interval is not None
    assert LogEntry.objects.get().object_id == str(made.pk)


def test_a_taken_time_is_a_message_at_the_start(boss: Client, form: Form, booking: Booking) -> None:
    response = boss.post(ADD, form(boss, client_name="Zoe"))
    [refusal] = errors_of(response)["start_at"]
    assert refusal.startswith("Booking conflicts with an existing booking.")
    assert page_of(booking) in refusal
    assert "10 a.m. · Mary" in refusal
    assert '<p class="bookings-first-error"><a href="#id_start_at_0">' in text_of(response)
    assert form_values(response)["client_name"] == ["Zoe"]
    assert Booking.objects.get() == booking
    assert BusyInterval.objects.count() == BookingEvent.objects.count() == 1
    assert not LogEntry.objects.exists()


def test_a_refused_form_can_be_corrected(boss: Client, form: Form, booking: Booking) -> None:
    refused = boss.post(ADD, form(boss))
    boss.post(ADD, form_values(refused) | {"start_at_1": "12:00"})
    assert Booking.objects.count() == 2


def test_a_double_click_makes_one_booking(boss: Client, form: Form, make_service: Make) -> None:
    """Of a group service, where nothing else would stop the second."""
    group = make_service(name="Yoga", allow_multiple_clients_per_slot=True, capacity=5)
    sent = form(boss, service=group.pk, party_size=2)
    assert boss.post(ADD, sent).status_code == 302
    assert boss.post(ADD, sent).status_code == 302
    assert Booking.objects.get().party_size == 2


def test_two_forms_make_two_bookings(boss: Client, form: Form, make_service: Make) -> None:
    group = make_service(name="Yoga", allow_multiple_clients_per_slot=True, capacity=5)
    for _again in range(2):
        boss.post(ADD, form(boss, service=group.pk))
    assert Booking.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [{"client_name": "Zoe"}, {"start_at_1": "15:00"}, {"party_size": 3}, {"notes_client": "!"}],
    ids=lambda change: next(iter(change)),
)
def test_a_saved_form_with_other_values_is_refused(
    boss: Client, form: Form, make_service: Make, change: dict[str, Any]
) -> None:
    group = make_service(name="Yoga", allow_multiple_clients_per_slot=True, capacity=5)
    sent = form(boss, service=group.pk)
    boss.post(ADD, sent)
    assert errors_of(boss.post(ADD, sent | change)) == {
        "__all__": ["This form has made a booking before. Open a new form to make another one."]
    }
    assert Booking.objects.count() == 1


def test_a_saved_form_with_other_addons_is_refused(boss: Client, form: Form, addon: Any) -> None:
    sent = form(boss)
    boss.post(ADD, sent)
    assert "__all__" in errors_of(boss.post(ADD, sent | {"addons": [addon.pk]}))


def test_a_form_sent_again_is_answered_with_the_booking_as_it_is_by_then(
    boss: Client, form: Form
) -> None:
    sent = form(boss)
    boss.post(ADD, sent)
    update_booking(Booking.objects.get(), notes_internal="by the window")
    assert boss.post(ADD, sent).status_code == 302
    assert Booking.objects.get().notes_internal == "by the window"


@pytest.mark.parametrize("key", ["", "not a key"])
def test_a_form_without_its_key_is_refused(boss: Client, form: Form, key: str) -> None:
    assert list(errors_of(boss.post(ADD, form(boss, form_key=key)))) == ["__all__"]
    assert not Booking.objects.exists()


def test_the_past_needs_a_tick(boss: Client, form: Form) -> None:
    yesterday = {"start_at_0": "2020-02-03"}
    refused = boss.post(ADD, form(boss, **yesterday))
    assert errors_of(refused) == {"start_at": ["The start has passed. Choose a later start."]}
    boss.post(ADD, form(boss, **yesterday, allow_past="on"))
    assert Booking.objects.get().start_at.year == 2020


def test_the_rules_of_booking_need_a_tick(boss: Client, form: Form, make_service: Make) -> None:
    early = make_service(name="Surgery", minimum_notice_minutes=60 * 24 * 30, is_active=False)
    assert errors_of(boss.post(ADD, form(boss, service=early.pk))) == {
        "start_at": ["This service must be booked at least 30 days ahead."]
    }
    boss.post(ADD, form(boss, service=early.pk, override_policy="on"))
    assert Booking.objects.get().service == early


def nothing_on_offer(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> list[datetime]:
    return []


def test_a_start_off_the_slots_needs_a_tick(boss: Client, form: Form, settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.nothing_on_offer"
    assert errors_of(boss.post(ADD, form(boss))) == {
        "start_at": ["Selected start time is not available for this service."]
    }
    boss.post(ADD, form(boss, skip_slot_validation="on"))
    assert Booking.objects.count() == 1


def test_a_duplicate_is_a_message_at_the_start(
    boss: Client, form: Form, booking: Booking, settings: Any
) -> None:
    settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 120
    sent = form(boss, start_at_1="11:30", client_email=booking.client_email)
    assert list(errors_of(boss.post(ADD, sent))) == ["start_at"]


def test_too_many_seats_are_a_message_at_the_party_size(
    boss: Client, form: Form, make_service: Make, book: Book
) -> None:
    group = make_service(name="Yoga", allow_multiple_clients_per_slot=True, capacity=3)
    book(service=group, party_size=2)
    assert errors_of(boss.post(ADD, form(boss, service=group.pk, party_size=2))) == {
        "party_size": ["Not enough seats are left: 2 asked for, 1 free."]
    }


def test_an_addon_of_another_currency_is_a_message_at_the_addons(
    boss: Client, form: Form, addon: Any
) -> None:
    addon.currency = "USD"
    addon.save()
    assert list(errors_of(boss.post(ADD, form(boss, addons=[addon.pk])))) == ["addons"]


def test_a_service_that_is_not_active_is_a_message_at_the_service(
    boss: Client, form: Form, make_service: Make
) -> None:
    closed = make_service(name="Sauna", is_active=False)
    assert errors_of(boss.post(ADD, form(boss, service=closed.pk))) == {
        "service": ["The service is not active. Choose another."]
    }


def test_a_service_without_a_duration_is_a_message_at_the_service(
    boss: Client, form: Form, make_service: Make
) -> None:
    broken = make_service(name="Nothing", duration_minutes=0)
    assert list(errors_of(boss.post(ADD, form(boss, service=broken.pk)))) == ["service"]


class OddPrices(DefaultBookingAdapter):
    def price(self, booking: Booking, addons: Sequence[Any]) -> Decimal:
        return Decimal("1.234")


def test_a_wrong_price_of_the_host_is_a_message_of_the_page(
    boss: Client, form: Form, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.OddPrices"
    said = errors_of(boss.post(ADD, form(boss)))
    assert said == {
        "__all__": [
            "Price: price_amount is 1.234, but amounts in EUR have at most 2 decimals. Round it."
        ]
    }
    assert not Booking.objects.exists()


class Vouchers(DefaultBookingAdapter):
    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        raise InvalidBooking({"voucher_code": "It has been used."})


def test_an_error_of_the_hosts_own_names_its_field(boss: Client, form: Form, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.Vouchers"
    assert errors_of(boss.post(ADD, form(boss))) == {"__all__": ["Voucher code: It has been used."]}


BAD = {
    "no client": ({"client_name": ""}, "client_name"),
    "a name of 10,000 letters": ({"client_name": "x" * 10_000}, "client_name"),
    "no e-mail address": ({"client_email": "mary"}, "client_email"),
    "a NUL in a note": ({"notes_internal": "a\0b"}, "notes_internal"),
    "no start": ({"start_at_0": "", "start_at_1": ""}, "start_at"),
    "a date alone": ({"start_at_1": ""}, "start_at"),
    "the 31st of February": ({"start_at_0": "2030-02-31"}, "start_at"),
    "the year 9999": ({"start_at_0": "9999-12-31", "start_at_1": "23:59"}, "start_at"),
    "the year 1": ({"start_at_0": "0001-01-01", "allow_past": "on"}, "start_at"),
    "nobody comes": ({"party_size": 0}, "party_size"),
    "two to a table for one": ({"party_size": 2}, "party_size"),
    "more than a column holds": ({"party_size": 10**30}, "party_size"),
    "no service": ({"service": ""}, "service"),
    "a service that is not there": ({"service": 10**6}, "service"),
    "a service that cannot be": ({"service": "x"}, "service"),
    "an add-on that is not there": ({"addons": [10**6]}, "addons"),
    "a user that is not there": ({"client_user": 10**6}, "client_user"),
}


@pytest.mark.parametrize(("values", "field"), BAD.values(), ids=BAD)
def test_bad_input_is_a_message_at_its_field(
    boss: Client, form: Form, values: dict[str, Any], field: str
) -> None:
    assert list(errors_of(boss.post(ADD, form(boss, **values)))) == [field]
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("2030-05-06", ["2030-05-06", ""]),
        ("2030-05-06T10:30", ["2030-05-06", "10:30"]),
        ("2030-05-06T10:30:00Z", ["2030-05-06", "10:30"]),
        ("2030-05-66", ["", ""]),
        ("soon", ["", ""]),
        ("9999-12-31T23:59:59-11:00", ["", ""]),
    ],
)
def test_a_link_may_fill_in_the_start(
    boss: Client, provider: Any, asked: str, shown: list[str]
) -> None:
    page = form_values(boss.get(ADD, {"provider": provider.pk, "start_at": asked}))
    assert page["provider"] == [str(provider.pk)]
    assert page["start_at_0"] + page["start_at_1"] == shown


def test_a_key_in_place_of_a_search_box_says_nothing_of_who_offers_the_service(
    receptionist: Client, provider: Any, settings: Any
) -> None:
    """The site has no admin of providers to search in."""
    offer_only(settings, provider)
    page = text_of(receptionist.get(ADD))
    assert 'name="provider"' in page
    assert "of_service=1" not in page


def test_what_is_in_the_way_of_days_and_of_an_addon_is_named(
    boss: Client, form: Form, book: Book, addon: Any, make_service: Make, start: datetime
) -> None:
    other = book(start_at=start + timedelta(hours=20))
    rented = make_service(duration_days=1)
    [refusal] = errors_of(boss.post(ADD, form(boss, service=rented.pk)))["start_at"]
    assert page_of(other) in refusal
    book(start_at=start + timedelta(minutes=60), client_name="After an hour")
    [refusal] = errors_of(boss.post(ADD, form(boss, addons=[addon.pk])))["start_at"]
    assert "After an hour" in refusal


def test_the_words_of_programmers_are_said_in_others() -> None:
    error = InvalidBooking("Service is missing duration_minutes.", "missing_duration")
    assert error_message(error).startswith("This service has no duration.")
    assert error_message(InvalidBooking({"start_at": ["A.", "B."]})) == "A. B."
