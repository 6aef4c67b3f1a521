"""Bookings of a series are copies of the first, and the same as if each had been made by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings import extensions
from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.series.services import SeriesResult
from bookings.exceptions import InvalidBooking, LimitReached, TooFarAhead
from bookings.models import Booking
from bookings.services import bulk_creation
from bookings.services.new_booking import NewBooking
from tests.contrib.series.conftest import FIRST, NOW, TUESDAYS, MakeSeries
from tests.extensions import extension

OWN = {"id", "uuid", "reference", "provider", "busy_interval", "provider_name"}
"""The fields that two series of two providers do not share."""


class EachAdapter(DefaultBookingAdapter):
    """Decides as the default does, but about each booking."""

    def price(self, booking: Booking, addons: Any) -> Any:
        return super().price(booking, addons)


@pytest.fixture
def terms(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """What an extension agrees on beside the day of the start, by that day."""
    monkeypatch.setattr(extensions, "_extensions", dict(extensions._extensions))
    texts: dict[int, str] = {}

    def terms_of(booking: Booking, *, using: str) -> dict[str, Any]:
        day = booking.start_at.day
        return {"day": day, "text": texts.get(day, "")}

    extensions.register(extension("tests_varying", terms=terms_of))
    return texts


def rows(result: SeriesResult) -> list[Any]:
    return [
        (
            {
                field.name: getattr(booking, field.name)
                for field in Booking._meta.concrete_fields
                if field.name not in OWN
            },
            list(booking.events.values("event_type", "actor_user", "created_at")),
            [event.data | {"provider": None} for event in booking.events.all()],
            list(booking.addons.values("name_snapshot", "price_amount_snapshot")),
            (booking.busy_interval.starts, booking.busy_interval.ends),
        )
        for booking in Booking.objects.filter(pk__in=[one.pk for one in result.bookings])
    ]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"client_email": "Mary@Example.org", "client_phone": "+49 30 1", "location": "Here"},
        {"client_email": "", "client_phone": "", "override_policy": True},
        {"duration_minutes": 60, "skip_slot_validation": True},
    ],
)
def test_copies_are_what_each_would_be(
    make_series: MakeSeries,
    make_addon: Any,
    make_provider: Any,
    user: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    terms: dict[int, str],
    options: dict[str, Any],
) -> None:
    options = {"addon_ids": [make_addon().pk], "client_user": user, "created_by": user, **options}
    repeated = []
    repeat = NewBooking.repeat
    monkeypatch.setattr(
        NewBooking, "repeat", lambda new, start: repeated.append(start) or repeat(new, start)
    )
    copies = rows(make_series(provider=make_provider(), **options))
    assert repeated == list(TUESDAYS[1:])
    settings.BOOKINGS_ADAPTER = f"{__name__}.EachAdapter"
    each = rows(make_series(provider=make_provider(), **options))

    assert len(repeated) == 3
    assert copies == each
    assert [row["terms"]["tests_varying"]["day"] for row, *_others in copies] == [17, 24, 31, 7]


def test_copies_share_no_document(make_series: MakeSeries) -> None:
    first, second, *_others = make_series(metadata={"a": [1]}).bookings
    first.metadata["a"].append(2)
    assert second.metadata == {"a": [1]}


def test_terms_of_a_copy_are_validated(make_series: MakeSeries, terms: dict[int, str]) -> None:
    terms[TUESDAYS[2].day] = "\x00"
    with pytest.raises(InvalidBooking):
        make_series()
    assert not Booking.objects.exists()


def test_a_copy_that_is_too_far_ahead_is_skipped(make_series: MakeSeries, service: Any) -> None:
    service.maximum_advance_days = 25
    result = make_series(on_conflict="skip")
    assert [one.start_at for one in result.bookings] == list(TUESDAYS[:2])
    assert {type(item.error) for item in result.skipped} == {TooFarAhead}


def test_a_first_one_that_is_refused_says_nothing_about_the_others(
    make_series: MakeSeries, service: Any
) -> None:
    service.minimum_notice_minutes = int((TUESDAYS[1] - NOW) / timedelta(minutes=1))
    result = make_series(on_conflict="skip")
    assert [one.start_at for one in result.bookings] == list(TUESDAYS[1:])


def test_limits_count_copies(make_series: MakeSeries, settings: Any) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 2
    result = make_series(on_conflict="skip")
    assert len(result.bookings) == 2
    assert {type(item.error) for item in result.skipped} == {LimitReached}


def test_requests_are_checked_each(make_series: MakeSeries, service: Any, settings: Any) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = 24 * 20
    service.requires_approval = True
    result = make_series()
    # At the deadline, or at the start where that comes first.
    assert [one.expires_at for one in result.bookings] == [
        *TUESDAYS[:1],
        *[NOW + timedelta(days=20)] * 3,
    ]


def test_days_are_checked_each(
    make_series: MakeSeries, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(NewBooking, "repeat")
    service.pricing_type, service.price_amount = "DAILY", 10
    assert {booking.price_amount for booking in make_series().bookings} == {10}


def test_without_lapsed_holds_none_is_looked_for(
    make_series: MakeSeries, make_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    monkeypatch.setattr(
        bulk_creation, "expire_lapsed_holds", lambda *args, **kwargs: looked.append(args)
    )
    make_series(start_at=FIRST + timedelta(hours=3))
    make_series()
    assert looked == []
