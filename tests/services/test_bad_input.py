"""Whatever is passed, the answer is a booking or a ``BookingError`` that says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError

from bookings.conf import app_settings
from bookings.exceptions import (
    BookingError,
    CapacityExceeded,
    InvalidBooking,
    MissingReference,
    PastStart,
    TenantMismatch,
)
from bookings.models import Booking
from bookings.services import (
    add_note,
    cancel_booking,
    decline_booking,
    expire_bookings,
    hold_booking,
    merge_metadata,
    reschedule_booking,
    update_booking,
)
from tests.services.clock import DAY, HOUR, NOW, SECOND, START
from tests.services.conftest import Book, Make
from tests.services.storage import every_row, nothing_written, stored

NUL = "before\x00after"
SURROGATE = "\ud800"
CIRCULAR: dict[str, Any] = {}
CIRCULAR["self"] = CIRCULAR


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"in": value}
    return value


def check_refusal(error: BookingError) -> None:
    """It has a stable code and a sentence for a person."""
    assert error.code
    assert str(error).strip()
    assert json.dumps(error.messages)


UNSTORABLE_TEXT = {
    "NUL": NUL,
    "lone surrogate": SURROGATE,
    "bytes": b"Mary",
    "a number": 7,
    "None": None,
    "a list": ["Mary"],
    "longer than a database takes": "x" * 20_000_000,
}
TEXTS = ("client_name", "client_email", "client_phone", "notes_client", "notes_internal")

UNSTORABLE_METADATA = {
    "text": "colour",
    "empty text": "",
    "a list": ["colour"],
    "an empty list": [],
    "a number": 3,
    "a set inside": {"colours": {"red"}},
    "a datetime inside": {"at": NOW},
    "a Decimal inside": {"price": Decimal(1)},
    "a tuple as key": {(1, 2): 3},
    "a number as key": {5: "five"},
    "None as key, deep inside": {"deep": [{None: 1}]},
    "NaN": {"ratio": float("nan")},
    "infinity": {"ratio": [float("inf")]},
    "NUL in a value": {"note": ["fine", {"deep": NUL}]},
    "NUL in a key": {NUL: 1},
    "lone surrogate in a value": {"note": SURROGATE},
    "lone surrogate in a key": {"deep": {SURROGATE: 1}},
    "circular": CIRCULAR,
    "too deep": nested(100_000),
    "too deep for a database": nested(5_000),
    "a number of 5,000 digits": {"big": 10**5000},
    "huge": {"blob": "x" * 20_000_000},
    "huge in many small pieces": {str(number): "x" * 1000 for number in range(20_000)},
}

CREATE: dict[str, tuple[dict[str, Any], type[BookingError], str | None]] = {
    "naive start": ({"start_at": datetime(2030, 1, 8, 9)}, InvalidBooking, "naive_datetime"),  # noqa: DTZ001
    "start of None": ({"start_at": None}, InvalidBooking, None),
    "start as text": ({"start_at": "2030-01-08T09:00Z"}, InvalidBooking, None),
    "start as a date": ({"start_at": START.date()}, InvalidBooking, None),
    "start in the past": ({"start_at": NOW - SECOND}, PastStart, "past_start"),
    "start in the year 1": (
        {"start_at": datetime(1, 1, 1, tzinfo=UTC)},
        InvalidBooking,
        "out_of_range",
    ),
    "start before the year 1": (
        {"start_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))},
        InvalidBooking,
        "out_of_range",
    ),
    "start in 1969": (
        {"start_at": datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), "allow_past": True},
        InvalidBooking,
        "out_of_range",
    ),
    "start in the year 9999": (
        {"start_at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)},
        InvalidBooking,
        "out_of_range",
    ),
    "start after the year 9999": (
        {"start_at": datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12)))},
        InvalidBooking,
        "out_of_range",
    ),
    "start beyond the ledger": (
        {"start_at": datetime(4148, 1, 1, tzinfo=UTC)},
        InvalidBooking,
        "out_of_range",
    ),
    "naive now": ({"now_dt": datetime(2030, 1, 7)}, InvalidBooking, "naive_datetime"),  # noqa: DTZ001
    "now as text": ({"now_dt": "now"}, InvalidBooking, None),
    "naive expiry": ({"expires_at": datetime(2030, 1, 7, 10)}, InvalidBooking, "naive_datetime"),  # noqa: DTZ001
    "expiry in the past": ({"expires_at": NOW - SECOND}, InvalidBooking, "expires_in_the_past"),
    "expiry now": ({"expires_at": NOW}, InvalidBooking, "expires_in_the_past"),
    "expiry as a duration": ({"expires_at": HOUR}, InvalidBooking, None),
    "empty name": ({"client_name": ""}, InvalidBooking, None),
    "blank name": ({"client_name": " \t\n"}, InvalidBooking, None),
    "name of 10,000 characters": ({"client_name": "x" * 10_000}, InvalidBooking, None),
    "no e-mail address": ({"client_email": "not an address"}, InvalidBooking, None),
    "e-mail of 10,000 characters": (
        {"client_email": f"{'x' * 10_000}@example.com"},
        InvalidBooking,
        None,
    ),
    "phone of 65 characters": ({"client_phone": "1" * 65}, InvalidBooking, None),
    "unknown add-on": ({"addon_ids": [10**6]}, MissingReference, "unknown_addon"),
    "negative add-on": ({"addon_ids": [-1]}, MissingReference, "unknown_addon"),
    "add-on beyond 64 bits": ({"addon_ids": [10**30]}, MissingReference, "unknown_addon"),
    "add-on of 5,000 digits": ({"addon_ids": ["9" * 5000]}, MissingReference, "unknown_addon"),
    "add-on as a word": ({"addon_ids": ["stones"]}, MissingReference, "unknown_addon"),
    "add-on of None": ({"addon_ids": [None]}, MissingReference, "unknown_addon"),
    "add-on as a list": ({"addon_ids": [[1]]}, MissingReference, "unknown_addon"),
    "add-on with NUL": ({"addon_ids": [NUL]}, MissingReference, "unknown_addon"),
    "add-on as NaN": ({"addon_ids": [float("nan")]}, MissingReference, "unknown_addon"),
    "add-on as infinity": ({"addon_ids": [float("inf")]}, MissingReference, "unknown_addon"),
    "add-ons as a number": ({"addon_ids": 1}, InvalidBooking, "addon_ids"),
    "add-ons as text": ({"addon_ids": "12"}, InvalidBooking, "addon_ids"),
    "add-ons as bytes": ({"addon_ids": b"12"}, InvalidBooking, "addon_ids"),
    "party of 0": ({"party_size": 0}, InvalidBooking, None),
    "party of -1": ({"party_size": -1}, InvalidBooking, None),
    "party of True": ({"party_size": True}, InvalidBooking, None),
    "party as text": ({"party_size": "1"}, InvalidBooking, None),
    "party of 1.0": ({"party_size": 1.0}, InvalidBooking, None),
    "party of None": ({"party_size": None}, InvalidBooking, None),
    "party of 10**30": ({"party_size": 10**30}, InvalidBooking, None),
    "party of 5,000 digits": ({"party_size": 10**5000}, InvalidBooking, None),
    "party of minus 5,000 digits": ({"party_size": -(10**5000)}, InvalidBooking, None),
    "add-on of 5,000 digits, with a key": (
        {"addon_ids": [10**5000], "idempotency_key": "key"},
        MissingReference,
        "unknown_addon",
    ),
    "party of two where clients do not share": ({"party_size": 2}, InvalidBooking, "party_size"),
    "no service": ({"service": None}, InvalidBooking, None),
    "service as a key": ({"service": 1}, InvalidBooking, None),
    "service as a class": ({"service": Booking}, InvalidBooking, None),
    "a look-alike of a service": (
        {"service": SimpleNamespace(pk=1, duration_minutes=60)},
        InvalidBooking,
        None,
    ),
    "no provider": ({"provider": None}, InvalidBooking, None),
    "provider as a key": ({"provider": 1}, InvalidBooking, None),
    "user as a name": ({"client_user": "mary"}, InvalidBooking, None),
    "user as a key": ({"created_by": 1}, InvalidBooking, None),
    "a tenant without tenancy": ({"tenant": object()}, TenantMismatch, "tenant_mismatch"),
    "idempotency key of 10,000 characters": (
        {"idempotency_key": "k" * 10_000},
        InvalidBooking,
        None,
    ),
    "idempotency key with NUL": ({"idempotency_key": NUL}, InvalidBooking, None),
    "idempotency key with a lone surrogate": (
        {"idempotency_key": SURROGATE},
        InvalidBooking,
        None,
    ),
    "idempotency key as a number": ({"idempotency_key": 7}, InvalidBooking, None),
    "idempotency key of 0": ({"idempotency_key": 0}, InvalidBooking, None),
    **{
        f"{field}: {case}": ({field: value}, InvalidBooking, None)
        for field in TEXTS
        for case, value in UNSTORABLE_TEXT.items()
    },
    **{
        f"metadata: {case}": ({"metadata": value}, InvalidBooking, None)
        for case, value in UNSTORABLE_METADATA.items()
    },
}


@pytest.mark.parametrize(("values", "expected", "code"), CREATE.values(), ids=CREATE)
def test_create_refuses(
    book: Book, values: dict[str, Any], expected: type[BookingError], code: str | None
) -> None:
    with nothing_written(), pytest.raises(expected) as refused:
        book(**values)

    check_refusal(refused.value)
    assert code is None or refused.value.code == code


ON_A_SERVICE: dict[str, tuple[dict[str, Any], type[BookingError]]] = {
    **{
        f"duration of {value!r}": ({"duration_minutes": value}, InvalidBooking)
        for value in (None, 0, -60, 60.0, True, "60", float("nan"), 10**12, HOUR, Decimal(60))
    },
    **{
        f"{name} of {value!r}": ({name: value}, InvalidBooking)
        for name in (
            "buffer_before_minutes",
            "buffer_after_minutes",
            "minimum_notice_minutes",
            "cancellation_notice_minutes",
            "reschedule_notice_minutes",
        )
        for value in (-1, 0.5, True, "5", 10**12)
    },
    **{
        f"maximum_advance_days of {value!r}": ({"maximum_advance_days": value}, InvalidBooking)
        for value in (-1, "soon", float("nan"), float("inf"), True, 1.5)
    },
    **{
        f"capacity of {value!r}": (
            {"allow_multiple_clients_per_slot": True, "capacity": value},
            InvalidBooking,
        )
        for value in (-1, "many", float("nan"), float("inf"), True, 2.5, 10**30)
    },
    "capacity of 0": (
        {"allow_multiple_clients_per_slot": True, "capacity": 0},
        CapacityExceeded,
    ),
    **{
        f"price of {value!r}": ({"price_amount": value}, InvalidBooking)
        for value in (
            Decimal("NaN"),
            Decimal("sNaN"),
            Decimal("Infinity"),
            Decimal("-Infinity"),
            float("nan"),
            float("inf"),
            Decimal("123456789.00"),
            Decimal("1.005"),
            Decimal("1e400"),
            10**30,
            "free",
            "",
            [],
            True,
            ...,
        )
    },
    "pricing type of 51 characters": ({"pricing_type": "x" * 51}, InvalidBooking),
    "pricing type with a surrogate": ({"pricing_type": SURROGATE}, InvalidBooking),
}


@pytest.mark.parametrize(("attributes", "expected"), ON_A_SERVICE.values(), ids=ON_A_SERVICE)
def test_create_refuses_a_service_with(
    book: Book, service: Any, attributes: dict[str, Any], expected: type[BookingError]
) -> None:
    for name, value in attributes.items():
        setattr(service, name, value)

    with nothing_written(), pytest.raises(expected) as refused:
        book(service=service)

    check_refusal(refused.value)


def test_create_refuses_a_service_without_a_duration(
    book: Book, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del service.duration_minutes
    monkeypatch.setattr(type(service), "duration_minutes", None)

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=service)

    assert refused.value.messages == ["Service is missing duration_minutes."]
    assert refused.value.code == "missing_duration"


def test_a_duration_and_add_ons_that_run_past_the_last_year_are_refused(
    book: Book, service: Any, make_addon: Make
) -> None:
    service.duration_minutes = 60 * 24 * 366 * 10
    addons = [
        make_addon(name=str(number), extra_duration_minutes=60 * 24 * 366 * 10).pk
        for number in range(800)
    ]

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=service, addon_ids=addons)

    assert refused.value.code == "out_of_range"


def test_an_add_on_cannot_be_booked_twice(book: Book, make_addon: Make) -> None:
    addon = make_addon()

    for twice in ([addon.pk, addon.pk], [addon.pk, str(addon.pk)]):
        with nothing_written(), pytest.raises(InvalidBooking) as refused:
            book(addon_ids=twice)
        assert refused.value.code == "repeated_addon"


@pytest.mark.parametrize("disguise", [float, lambda key: key + 0.5, lambda key: key == 1])
def test_an_add_on_is_not_guessed_from_a_number_of_another_kind(
    book: Book, make_addon: Make, disguise: Any
) -> None:
    make_addon(pk=1)

    with nothing_written(), pytest.raises(MissingReference) as refused:
        book(addon_ids=[disguise(1)])

    assert refused.value.code == "unknown_addon"


def test_an_unknown_add_on_is_named(book: Book, make_addon: Make) -> None:
    with pytest.raises(MissingReference) as refused:
        book(addon_ids=[make_addon().pk, 4711, 4712])

    assert refused.value.messages == ["Unknown add-ons: 4711, 4712."]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("extra_duration_minutes", -1),
        ("extra_duration_minutes", 10**12),
        ("extra_duration_minutes", 1.5),
        ("extra_duration_minutes", "15"),
        ("price_amount", Decimal("NaN")),
        ("price_amount", Decimal("sNaN")),
        ("price_amount", Decimal("123456789.00")),
        ("price_amount", "a lot"),
        ("price_amount", float("inf")),
        ("name", NUL),
        ("name", SURROGATE),
    ],
)
def test_an_add_on_with_a_broken_attribute_is_refused(
    book: Book, make_addon: Make, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    addon = make_addon(price_amount=Decimal(5))
    # A property wins over what is read from the column, whatever type the host's column has.
    monkeypatch.setattr(type(addon), name, property(lambda self: value, lambda self, _: None))

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(addon_ids=[addon.pk])

    check_refusal(refused.value)


NO_CURRENCY = {
    "a sign": ("$", "'$'"),
    "two letters": ("EU", "'EU'"),
    "four letters": ("EURO", "'EURO'"),
    "digits": ("978", "'978'"),
    "letters of another alphabet": ("ÉUR", "'ÉUR'"),
    "a space too many": ("EUR ", "'EUR '"),
    "NUL": ("E\x00R", r"'E\x00R'"),
    "a surrogate": (f"EU{SURROGATE}", r"'EU\ud800'"),
    "a number": (978, "978"),
    "zero": (0, "0"),
    "False": (False, "False"),
    "a list": (["EUR"], "['EUR']"),
    "much": ("$" * 10**6, "'" + "$" * 79),
}


@pytest.mark.parametrize(("value", "said"), NO_CURRENCY.values(), ids=NO_CURRENCY)
def test_what_is_no_currency_is_refused_by_the_name_of_the_service(
    book: Book, service: Any, value: Any, said: str
) -> None:
    service.currency = value

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=service)

    assert refused.value.code == "invalid_currency"
    assert str(refused.value) == (
        f"service.currency of Massage is {said}. Write the three letters of ISO 4217, such as EUR."
    )
    assert refused.value.params["name"] == "service.currency"


@pytest.mark.parametrize(("value", "said"), NO_CURRENCY.values(), ids=NO_CURRENCY)
def test_what_is_no_currency_is_refused_by_the_name_of_the_add_on(
    book: Book, make_addon: Make, monkeypatch: pytest.MonkeyPatch, value: Any, said: str
) -> None:
    addon = make_addon()
    monkeypatch.setattr(type(addon), "currency", property(lambda self: value, lambda self, _: None))

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(addon_ids=[addon.pk])

    assert refused.value.code == "invalid_currency"
    assert str(refused.value).startswith(f"addon.currency of Hot stones is {said}. Write ")


@pytest.mark.parametrize("empty", ["", None])
def test_without_a_currency_it_is_the_default_one(
    book: Book, service: Any, make_addon: Make, settings: Any, empty: Any
) -> None:
    settings.BOOKINGS_DEFAULT_CURRENCY = "TTD"
    service.currency = empty
    addon = make_addon(price_amount=Decimal(5), currency="")

    made = book(service=service, addon_ids=[addon.pk])

    assert (made.currency, made.addons.get().currency_snapshot) == ("TTD", "TTD")


def test_a_default_that_is_no_currency_is_refused_by_its_name(
    book: Book, service: Any, settings: Any
) -> None:
    settings.BOOKINGS_DEFAULT_CURRENCY = "EURO"
    service.currency = ""

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=service)

    assert str(refused.value) == (
        "BOOKINGS_DEFAULT_CURRENCY is 'EURO'. Write the three letters of ISO 4217, such as EUR."
    )


def test_what_is_moved_needs_a_currency_too(booking: Booking) -> None:
    """Whatever reads the rules of a service asks for it."""
    type(booking.service).objects.update(currency="$")

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        reschedule_booking(stored(booking), new_start_at=START + DAY, now_dt=NOW)

    assert refused.value.code == "invalid_currency"


def test_an_add_on_takes_no_currency_from_a_booking_that_has_none(
    booking: Booking, make_addon: Make
) -> None:
    Booking._base_manager.update(currency="$")
    addon = make_addon(currency="")

    with nothing_written(), pytest.raises(InvalidBooking, match=r"^booking\.currency is '\$'\."):
        reschedule_booking(
            stored(booking), new_start_at=START + DAY, addon_ids=[addon.pk], now_dt=NOW
        )


@pytest.mark.parametrize("setting", ["SERVICE_MODEL", "ADDON_MODEL"])
def test_a_form_of_a_service_or_add_on_asks_for_a_currency(setting: str) -> None:
    made = apps.get_model(app_settings.model_label(setting))(name="Massage", currency="$")

    with pytest.raises(ValidationError) as refused:
        made.full_clean()

    assert refused.value.message_dict == {
        "currency": ["Write the three letters of ISO 4217, such as EUR."]
    }


def test_add_ons_in_another_currency_are_refused(book: Book, make_addon: Make) -> None:
    addon = make_addon(price_amount=Decimal(5), currency="EUR")

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(addon_ids=[addon.pk])

    assert refused.value.code == "currency_mismatch"


def test_the_case_of_a_currency_s_letters_makes_no_other_currency(
    book: Book, make_service: Make, make_addon: Make
) -> None:
    service = make_service(price_amount=Decimal(70), currency="eur")
    addon = make_addon(price_amount=Decimal(5), currency="EUR")
    assert book(service=service, addon_ids=[addon.pk]).total_amount == Decimal(75)


def test_a_party_over_the_capacity_is_refused(book: Book, group: Any) -> None:
    with nothing_written(), pytest.raises(CapacityExceeded) as refused:
        book(service=group, party_size=4)

    assert (refused.value.params["party"], refused.value.remaining) == (4, 3)


@pytest.mark.parametrize("name", ["service", "provider"])
def test_an_unsaved_object_is_refused(book: Book, request: Any, name: str) -> None:
    saved = request.getfixturevalue(name)

    for unsaved in (type(saved)(name="New"), type(saved)(pk=saved.pk, name="Pretender")):
        with nothing_written(), pytest.raises(InvalidBooking) as refused:
            book(**{name: unsaved})
        assert refused.value.code == "unsaved"


@pytest.mark.parametrize("name", ["client_user", "created_by"])
def test_an_unsaved_user_is_refused(book: Book, name: str) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(**{name: get_user_model()(username="ghost")})

    assert refused.value.code == "unsaved"


def test_service_and_provider_cannot_be_exchanged(book: Book, service: Any, provider: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=provider, provider=service)

    assert refused.value.messages == ["service must be a services.Service, not Provider."]


def test_an_anonymous_visitor_is_nobody(book: Book, booking: Booking) -> None:
    made = book(start_at=START + DAY, client_user=AnonymousUser(), created_by=AnonymousUser())
    cancel_booking(booking, actor=AnonymousUser(), now_dt=NOW)

    assert (made.client_user, made.created_by, booking.cancelled_by) == (None, None, None)


RESCHEDULE = {
    "naive start": ({"new_start_at": datetime(2030, 1, 9)}, "naive_datetime"),  # noqa: DTZ001
    "start of None": ({"new_start_at": None}, None),
    "start in the past": ({"new_start_at": NOW - SECOND}, "past_start"),
    "start in the year 1": ({"new_start_at": datetime(1, 1, 1, tzinfo=UTC)}, "out_of_range"),
    "start in the year 9999": (
        {"new_start_at": datetime(9999, 12, 31, 23, tzinfo=UTC)},
        "out_of_range",
    ),
    "unknown add-on": ({"addon_ids": [10**6]}, "unknown_addon"),
    "add-on beyond 64 bits": ({"addon_ids": [10**30]}, "unknown_addon"),
    "add-ons as a number": ({"addon_ids": 1}, "addon_ids"),
    "add-ons as text": ({"addon_ids": "12"}, "addon_ids"),
    "provider as a key": ({"new_provider": 1}, None),
    "naive now": ({"now_dt": datetime(2030, 1, 7)}, "naive_datetime"),  # noqa: DTZ001
    "actor as a name": ({"actor": "staff"}, None),
}


@pytest.mark.parametrize(("values", "code"), RESCHEDULE.values(), ids=RESCHEDULE)
def test_reschedule_refuses(booking: Booking, values: dict[str, Any], code: str | None) -> None:
    given = {"new_start_at": START + DAY, "now_dt": NOW} | values

    with nothing_written(), pytest.raises(BookingError) as refused:
        reschedule_booking(booking, **given)

    check_refusal(refused.value)
    assert code is None or refused.value.code == code


def test_reschedule_refuses_an_unsaved_provider(booking: Booking, provider: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        reschedule_booking(
            booking, new_start_at=START, new_provider=type(provider)(name="New"), now_dt=NOW
        )

    assert refused.value.code == "unsaved"


@pytest.mark.parametrize("value", UNSTORABLE_TEXT.values(), ids=UNSTORABLE_TEXT)
def test_a_reason_or_note_that_cannot_be_stored_is_refused(booking: Booking, value: Any) -> None:
    for say in (
        lambda: cancel_booking(booking, reason=value, now_dt=NOW),
        lambda: decline_booking(booking, reason=value, now_dt=NOW),
        lambda: add_note(booking, value, now_dt=NOW),
    ):
        with nothing_written(), pytest.raises(InvalidBooking) as refused:
            say()
        check_refusal(refused.value)


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("value", UNSTORABLE_TEXT.values(), ids=UNSTORABLE_TEXT)
def test_update_refuses_text_that_cannot_be_stored(
    booking: Booking, field: str, value: Any
) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        update_booking(booking, **{field: value})


@pytest.mark.parametrize("value", UNSTORABLE_METADATA.values(), ids=UNSTORABLE_METADATA)
def test_update_refuses_metadata_that_cannot_be_stored(booking: Booking, value: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        update_booking(booking, metadata=value)


def test_update_refuses_an_unsaved_user(booking: Booking) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        update_booking(booking, client_user=get_user_model()(username="ghost"))


@pytest.mark.parametrize(("key", "said"), [(5, "5"), (None, "None"), (1.5, "1.5"), (b"a", "b'a'")])
def test_a_key_of_metadata_is_text(booking: Booking, key: Any, said: str) -> None:
    """As text JSON would store it, beside the one that is there as text."""
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        merge_metadata(booking, {"deep": {key: 1}}, now_dt=NOW)

    assert refused.value.code == "key_not_text"
    assert str(refused.value) == (
        f"metadata has the key {said}, which is not text. Write it as text."
    )


@pytest.mark.parametrize("value", ["1", 1.0, True, -1, 10**30], ids=repr)
def test_an_expected_version_is_a_whole_number(booking: Booking, value: Any) -> None:
    """Nothing that a page has sent as text counts as changed since, nor ``True`` as version 1."""
    with nothing_written(), pytest.raises(InvalidBooking, match=r"^expected_version must be a "):
        cancel_booking(booking, expected_version=value, now_dt=NOW)


ENDLESS: dict[str, Callable[[Any, Any], Any]] = {
    "an expected version": lambda one, n: cancel_booking(one, expected_version=n, now_dt=NOW),
    "a limit": lambda one, n: expire_bookings(limit=n),
    "a chunk": lambda one, n: expire_bookings(chunk_size=n),
    "minutes of a hold": lambda one, n: hold_booking(
        service=one.service, provider=one.provider, start_at=START, hold_minutes=n, now_dt=NOW
    ),
    "a key of metadata": lambda one, n: merge_metadata(one, {"a": {n: 1}}),
}


@pytest.mark.parametrize("number", [10**5000, -(10**5000), 10**4300], ids=["+", "-", "just"])
@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_number_is_refused_with_a_message(
    booking: Booking, name: str, number: int
) -> None:
    """Python refuses to write an integer of more than 4,300 digits, which JSON can send."""
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        ENDLESS[name](booking, number)
    check_refusal(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("name", ["price_amount", "duration_minutes", "capacity"])
def test_an_endless_number_of_a_service_is_refused_with_a_message(
    book: Book, service: Any, name: str
) -> None:
    setattr(service, name, 10**5000)
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=service)
    assert f"service.{name}" in str(refused.value)


def test_a_long_value_is_cut_in_the_message(book: Book) -> None:
    with pytest.raises(InvalidBooking) as refused:
        book(party_size="x" * 10_000)
    assert len(str(refused.value)) < 200


def test_progress_is_a_function(hold: Booking) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        expire_bookings(now_dt=NOW + DAY, progress=5)  # type: ignore[arg-type]

    assert refused.value.messages == ["progress must be a function, not int."]


def test_update_refuses_a_name_that_is_no_detail(booking: Booking) -> None:
    with nothing_written(), pytest.raises(TypeError, match="cannot set start_at"):
        update_booking(booking, start_at=START)


@pytest.mark.parametrize(
    "values",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": "all"},
        {"limit": True},
        {"chunk_size": 0},
        {"chunk_size": 1.5},
        {"now_dt": datetime(2030, 1, 7)},  # noqa: DTZ001
    ],
)
def test_expire_bookings_refuses(hold: Booking, values: dict[str, Any]) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        expire_bookings(**({"now_dt": NOW + DAY} | values))


def test_a_text_at_its_limit_is_stored(book: Book) -> None:
    made = book(client_name="ü" * 255, client_phone="1" * 64, idempotency_key="k" * 255)

    made.refresh_from_db()
    assert (len(made.client_name), len(made.client_phone)) == (255, 64)


def test_text_beyond_the_basic_plane_is_stored(book: Book) -> None:
    made = book(client_name="Zoë 🧘", notes_client="日本語", metadata={"🎉": ["🎈"]})

    made.refresh_from_db()
    assert (made.client_name, made.metadata) == ("Zoë 🧘", {"🎉": ["🎈"]})


@pytest.mark.parametrize("price", ["49.90", Decimal("49.9"), 49.9])
def test_a_price_may_be_given_as_text_or_float(book: Book, service: Any, price: Any) -> None:
    """A host's service that was just created still has what its form or its code assigned."""
    service.price_amount = price

    made = book(service=service)

    assert (made.price_amount, made.total_amount) == (Decimal("49.90"), Decimal("49.90"))
    assert every_row()["Booking"][0]["total_amount"] == Decimal("49.90")


def test_a_whole_number_is_a_price(book: Book, service: Any) -> None:
    service.price_amount = 50

    assert book(service=service).total_amount == Decimal(50)


def test_an_endless_booking_window_is_no_window(book: Book, service: Any) -> None:
    service.maximum_advance_days = 2**31 - 1

    assert book(service=service, start_at=datetime(4000, 1, 1, tzinfo=UTC)).pk
