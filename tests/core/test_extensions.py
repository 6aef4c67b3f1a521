"""One object for each app, asked in a declared order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ImproperlyConfigured

from bookings import extensions
from bookings.extensions import Extension
from bookings.integrity import Problem, find_problems
from bookings.rules.working_days import WorkingDays
from bookings.selectors import overdue
from tests.extensions import extension, unregister_all

BERLIN = ZoneInfo("Europe/Berlin")
LONG_AGO = date(2000, 1, 1)


@pytest.fixture(autouse=True)
def no_extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    unregister_all(monkeypatch)


def test_extensions_are_asked_by_order_then_by_name() -> None:
    last, second, first = extension("a", order=2), extension("c"), extension("b", order=1)
    for one in (second, last, first):
        extensions.register(one)
    assert [one.name for one in extensions.registered()] == ["b", "a", "c"]


def test_the_same_class_may_be_registered_again() -> None:
    class Mine(Extension):
        name = "mine"

    known = Mine()
    extensions.register(known)
    extensions.register(Mine())
    assert extensions.registered() == [known]


def test_a_name_has_one_extension() -> None:
    extensions.register(extension("mine"))
    with pytest.raises(ImproperlyConfigured, match="Two extensions are named 'mine'"):
        extensions.register(extension("mine"))


def test_only_what_overrides_a_method_implements_it() -> None:
    knows = extension("knows", working_days=lambda providers, first, last: {})
    extensions.register(knows)
    extensions.register(extension("knows_nothing"))
    assert extensions.implementing("working_days") == [knows]
    assert extensions.implementing("terms") == []


def test_the_first_extension_that_knows_a_zone_is_taken() -> None:
    utc, other = ZoneInfo("UTC"), ZoneInfo("Asia/Tokyo")
    extensions.register(extension("a", time_zones=lambda *args, **kwargs: {1: utc}))
    extensions.register(extension("b", time_zones=lambda *args, **kwargs: {1: other, 2: other}))
    assert extensions.time_zones([], tenant_id=None) == {1: utc, 2: other}


@pytest.mark.django_db
def test_an_extension_that_overrides_nothing_changes_nothing() -> None:
    silent = Extension()
    assert silent.terms(None, using="default") is None  # type: ignore[arg-type]
    silent.after_event([1], "CONFIRMED", using="default", now=None)  # type: ignore[arg-type]
    silent.after_deletion([1], using="default")
    assert list(silent.find_problems("default")) == []
    assert silent.claim(None, using="default") is None  # type: ignore[arg-type]
    assert silent.working_days([], LONG_AGO, LONG_AGO) == {}
    assert silent.time_zones([], tenant_id=None) == {}
    assert list(silent.booking_inlines()) == []
    assert list(silent.related_links(None, None, None)) == []  # type: ignore[arg-type]
    assert list(silent.list_links(None, None, None)) == []  # type: ignore[arg-type]
    nobody: Any = None
    assert silent.open_time([], nobody, nobody, tenant_id=None) == {}
    assert list(silent.free_starts(nobody, nobody, nobody, nobody)) == []
    shown = {"site": nobody, "request": nobody}
    assert list(silent.calendar_entries([], nobody, nobody, **shown)) == []
    assert list(silent.attention(**shown, rows=8)) == []
    assert silent.refusal_link("in_session", nobody, **shown) is None
    assert silent.cancellation_notes([], by="client", **shown) == {}


@pytest.mark.django_db
def test_an_extension_finds_problems_of_its_own() -> None:
    def find(using: str) -> Iterator[Problem]:
        yield Problem(1, using)

    extensions.register(extension("mine", find_problems=find))
    assert [problem.message for problem in find_problems()] == ["default"]


def test_the_first_extension_that_knows_a_provider_tells_the_working_days() -> None:
    first, second = (WorkingDays(BERLIN, {date(2030, 1, day)}) for day in (1, 2))
    extensions.register(extension("one", order=1, working_days=lambda *_args: {7: first}))
    known = {7: second, 8: second}
    extensions.register(extension("two", order=2, working_days=lambda *_args: known))
    assert overdue._working_days([], LONG_AGO, LONG_AGO) == {7: first, 8: second}
