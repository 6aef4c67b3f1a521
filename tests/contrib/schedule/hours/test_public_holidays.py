"""Public holidays come from a library, which a host may not have installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date

import pytest
from django.utils import translation

from bookings.contrib.schedule.exceptions import HolidaysNotInstalled, InvalidSchedule
from bookings.contrib.schedule.public_holidays import (
    _subdivisions_by_country,
    public_holidays,
    validate_region,
)


@pytest.fixture(autouse=True)
def _nothing_is_known_yet() -> Iterator[None]:
    yield
    _subdivisions_by_country.cache_clear()


def test_a_country_has_its_holidays() -> None:
    holidays = public_holidays("DE", "", 2026)

    assert date(2026, 10, 3) in holidays
    assert date(2026, 1, 6) not in holidays
    assert {day.year for day in holidays} == {2026}
    assert list(holidays) == sorted(holidays)


def test_a_subdivision_has_more() -> None:
    assert date(2026, 1, 6) in public_holidays("DE", "BY", 2026)


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("de", "Tag der Deutschen Einheit"),
        ("de-at", "Tag der Deutschen Einheit"),
        ("en", "German Unity Day"),
        ("en-gb", "German Unity Day"),
        # The library has no Spanish names of German holidays.
        ("es", "Tag der Deutschen Einheit"),
        (None, "Tag der Deutschen Einheit"),
    ],
)
def test_they_are_called_by_the_reader_s_names_or_else_by_the_country_s(
    language: str | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "th")
    with translation.override(language):
        assert public_holidays("DE", "", 2026)[date(2026, 10, 3)] == name


def test_a_holiday_of_the_next_year_that_is_taken_before_is_this_years() -> None:
    """New Year 2028 is a Saturday, so the United States observe it on 31 December 2027."""
    assert date(2027, 12, 31) in public_holidays("US", "", 2027)
    assert date(2027, 12, 31) not in public_holidays("US", "", 2028)


def test_without_a_country_there_are_none() -> None:
    assert public_holidays("", "", 2026) == {}


def test_they_are_asked_for_once() -> None:
    assert public_holidays("FR", "", 2026) is public_holidays("FR", "", 2026)


@pytest.mark.parametrize(
    ("country", "subdivision", "said"),
    [
        ("XX", "", "No public holidays are known of XX"),
        ("de", "", "No public holidays are known of de"),
        ("DE", "CA", "DE has no subdivision CA. It has: BB, BE"),
        ("VA", "RM", "VA has no subdivision RM. It has: –"),
        ("", "BY", "A subdivision needs its country"),
    ],
)
def test_an_unknown_region_is_refused(country: str, subdivision: str, said: str) -> None:
    with pytest.raises(InvalidSchedule, match=said) as refused:
        validate_region(country, subdivision)
    assert refused.value.code == "unknown_region"


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _subdivisions_by_country.cache_clear()
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(HolidaysNotInstalled, match=r'pip install "django-bookings\[holidays\]"'):
        public_holidays("DE", "", 2026)
    assert public_holidays("", "", 2026) == {}
