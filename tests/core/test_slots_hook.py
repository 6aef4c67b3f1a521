"""The slot-engine hook: how a host's function is found, called and read."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from bookings import slots
from bookings.models import Booking
from tests.core import engines
from tests.core.conftest import Book
from tests.core.moments import at


class Recorder:
    """What an engine was called with."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, **arguments: Any) -> list[datetime]:
        self.calls.append(arguments)
        return [at(10)]


def test_an_engine_of_instants_gets_the_booking_s_own(use: Any, draft: Booking) -> None:
    recorder = Recorder()

    def engine(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
        return recorder(service=service, provider=provider, start_dt=start_dt, end_dt=end_dt)

    use(engine)
    slots.validate_start(draft)
    assert recorder.calls == [
        {
            "service": draft.service,
            "provider": draft.provider,
            "start_dt": at(10),
            "end_dt": at(11),
        }
    ]


def test_an_engine_of_dates_is_asked_from_the_day_before(use: Any, draft: Booking) -> None:
    """Opening hours that cross midnight are listed under the day they begin on."""
    recorder = Recorder()

    def engine(service: Any, provider: Any, start_date: date, end_date: date) -> Any:
        return recorder(start_date=start_date, end_date=end_date)

    use(engine)
    slots.validate_start(draft)
    assert recorder.calls == [{"start_date": date(2131, 3, 5), "end_date": date(2131, 3, 6)}]


def test_the_dates_are_those_of_the_current_zone(use: Any, draft: Booking) -> None:
    recorder = Recorder()

    def engine(service: Any, provider: Any, start_date: date, end_date: date) -> Any:
        return recorder(start_date=start_date, end_date=end_date)

    use(engine)
    with timezone.override("Pacific/Kiritimati"):
        slots.validate_start(draft)
    assert recorder.calls == [{"start_date": date(2131, 3, 6), "end_date": date(2131, 3, 7)}]


def test_an_engine_that_takes_any_argument_gets_instants_and_the_tenant(
    use: Any, draft: Booking
) -> None:
    recorder = Recorder()

    def engine(**arguments: Any) -> Any:
        return recorder(**arguments)

    use(engine)
    slots.validate_start(draft)
    assert recorder.calls == [
        {
            "service": draft.service,
            "provider": draft.provider,
            "start_dt": at(10),
            "end_dt": at(11),
            "tenant": None,
        }
    ]


def test_an_engine_of_dates_that_takes_any_argument_too_gets_its_dates(
    use: Any, draft: Booking
) -> None:
    recorder = Recorder()

    def engine(*, start_date: date, end_date: date, **others: Any) -> Any:
        return recorder(start_date=start_date, **others)

    use(engine)
    slots.validate_start(draft)
    assert recorder.calls[0].keys() == {"service", "provider", "start_date", "tenant"}


def test_an_engine_that_takes_both_gets_instants(use: Any, draft: Booking) -> None:
    recorder = Recorder()

    def engine(
        *,
        service: Any,
        provider: Any,
        start_dt: Any = None,
        end_dt: Any = None,
        start_date: Any = None,
        end_date: Any = None,
    ) -> Any:
        return recorder(start_dt=start_dt, start_date=start_date)

    use(engine)
    slots.validate_start(draft)
    assert recorder.calls == [{"start_dt": at(10), "start_date": None}]


def test_an_engine_that_takes_a_tenant_gets_none_without_tenancy(use: Any, draft: Booking) -> None:
    recorder = Recorder()

    def engine(service: Any, provider: Any, start_dt: Any, end_dt: Any, tenant: Any = 1) -> Any:
        return recorder(tenant=tenant)

    use(engine)
    slots.validate_start(draft)
    assert recorder.calls == [{"tenant": None}]


def test_a_decorated_engine_is_called_as_what_it_wraps(use: Any, draft: Booking) -> None:
    def engine(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> Any:
        return [start_dt]

    @functools.wraps(engine)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return engine(*args, **kwargs)

    use(wrapper)
    slots.validate_start(draft)


def test_an_engine_s_own_type_error_comes_through(use: Any, draft: Booking) -> None:
    def engine(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
        return start_dt + "an hour"

    use(engine)
    with pytest.raises(TypeError, match="unsupported operand"):
        slots.validate_start(draft)


def test_a_signature_is_read_once(
    use: Any, draft: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []

    def signature(func: Any) -> inspect.Signature:
        read.append(func)
        return inspect.Signature.from_callable(func)

    monkeypatch.setattr(slots.engine.inspect, "signature", signature)
    use(lambda service, provider, start_dt, end_dt: [start_dt])
    slots.validate_start(draft)
    slots.validate_start(draft)
    assert read == [engines.chosen]


WRONG = {
    "no bounds": lambda service, provider: [],
    "half of each": lambda service, provider, start_dt, end_date: [],
    "other names": lambda service, provider, begin, end: [],
    "no name of its own": functools.partial(lambda service, provider: [], service=None),
}


@pytest.mark.parametrize("engine", WRONG.values(), ids=WRONG)
def test_an_engine_with_another_signature_is_the_host_s_mistake(
    use: Any, draft: Booking, engine: Any
) -> None:
    use(engine)
    with pytest.raises(ImproperlyConfigured, match=r"start_dt, end_dt, .* start_date, end_date"):
        slots.validate_start(draft)


def test_mode_none_asks_nobody(settings: Any, draft: Booking) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "NONE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = "nowhere.at_all"
    assert slots.load_engine() is None
    slots.validate_start(draft)


def test_the_default_engine_that_nobody_installed_validates_nothing(
    settings: Any, draft: Booking
) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    assert not hasattr(settings, "BOOKINGS_SLOTS_AVAILABLE_FUNC")
    assert slots.load_engine() is None
    slots.validate_start(draft)


def test_an_engine_that_the_host_named_has_to_be_there(settings: Any, draft: Booking) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = "nowhere.at_all"
    with pytest.raises(ImportError):
        slots.validate_start(draft)


def test_the_booking_s_own_interval_is_ignored_while_the_engine_is_asked(
    use: Any, book: Book
) -> None:
    booking = book(skip_slot_validation=True)
    seen: list[Any] = []

    def engine(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> Any:
        seen.append(slots.ignored_intervals.get())
        return [start_dt]

    use(engine)
    slots.validate_start(booking)
    assert seen == [{booking.busy_interval_id}]
    assert slots.ignored_intervals.get() == frozenset()


def test_no_interval_is_ignored_after_the_engine_has_failed(use: Any, book: Book) -> None:
    booking = book(skip_slot_validation=True)

    def engine(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> Any:
        raise RuntimeError("out of order")

    use(engine)
    with pytest.raises(RuntimeError, match="out of order"):
        slots.validate_start(booking)
    assert slots.ignored_intervals.get() == frozenset()


def test_a_generator_is_read_while_the_interval_is_ignored(use: Any, book: Book) -> None:
    """A generator asks for busy time when it is read, which is after it was returned."""
    booking = book(skip_slot_validation=True)
    seen: list[Any] = []

    def engine(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> Iterator[datetime]:
        seen.append(slots.ignored_intervals.get())
        yield start_dt

    use(engine)
    slots.validate_start(booking)
    assert seen == [{booking.busy_interval_id}]


def test_an_engine_that_names_the_ignored_interval_is_given_it_as_an_argument(
    use: Any, book: Book
) -> None:
    booking = book(skip_slot_validation=True)
    given: list[Any] = []

    def engine(
        service: Any,
        provider: Any,
        start_dt: Any,
        end_dt: Any,
        ignored_interval_id: int | None = None,
    ) -> Any:
        given.append((ignored_interval_id, slots.ignored_intervals.get()))
        return [start_dt]

    use(engine)
    slots.validate_start(booking)
    assert given == [(booking.busy_interval_id, frozenset())]


def test_an_engine_is_asked_without_an_ignored_interval_by_default(
    use: Any, draft: Booking
) -> None:
    def engine(
        service: Any, provider: Any, start_dt: Any, end_dt: Any, ignored_interval_id: int | None
    ) -> Any:
        return [] if ignored_interval_id is None else [start_dt]

    use(engine)
    adapted = slots.load_engine()
    assert adapted is not None
    times = {"start_at": draft.start_at, "end_at": draft.end_at}
    assert adapted(service=draft.service, provider=draft.provider, **times) == []
