from __future__ import annotations

import pickle

import pytest
from django.utils.translation import override

from bookings.exceptions import NoticeWindow
from bookings.rules.durations import format_minutes


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "0 minutes"),
        (1, "1 minute"),
        (59, "59 minutes"),
        (60, "1 hour"),
        (61, "1 hour 1 minute"),
        (90, "1 hour 30 minutes"),
        (120, "2 hours"),
        (1440, "1 day"),
        (1441, "1 day 1 minute"),
        (1500, "1 day 1 hour"),
        (2880, "2 days"),
        (4350, "3 days 30 minutes"),
        (525_600, "365 days"),
    ],
)
def test_minutes_are_put_into_whole_days_hours_and_minutes(minutes: int, words: str) -> None:
    assert str(format_minutes(minutes)) == words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "1 Tag 2 Stunden 1 Minute"),
        ("es", "1 día 2 horas 1 minuto"),
        ("fr", "1 jour 2 heures 1 minute"),
        ("nl", "1 day 2 hours 1 minute"),
    ],
)
def test_the_language_is_that_of_the_reader(language: str, words: str) -> None:
    duration = format_minutes(1561)
    with override(language):
        assert str(duration) == words
    assert str(duration) == "1 day 2 hours 1 minute"


def test_an_error_keeps_the_language_open() -> None:
    error = NoticeWindow("Booked %(notice)s ahead.", params={"notice": format_minutes(2880)})
    with override("fr"):
        assert error.messages == ["Booked 2 jours ahead."]


def test_a_duration_can_be_pickled() -> None:
    duration = pickle.loads(pickle.dumps(format_minutes(90)))  # noqa: S301
    with override("de"):
        assert str(duration) == "1 Stunde 30 Minuten"
